package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
)

type segmentioRun struct {
	*run
	addr   net.Addr
	client *kafka.Client
	topic  string
	group  string
}

func segmentio(r *run) {
	addr := kafka.TCP(r.bootstrap)
	s := &segmentioRun{r, addr, &kafka.Client{Addr: addr, Timeout: patience}, r.name("records"), r.name("readers")}
	s.step("create_topic", s.createTopic)
	s.step("describe_config", s.describeConfig)
	s.step("alter_config", s.alterConfig)
	s.step("records", s.records)
	codecs := map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}
	for _, name := range []string{"gzip", "snappy", "lz4", "zstd"} {
		s.step(name, func(ctx context.Context) error { return s.compressed(ctx, name, codecs[name]) })
	}
	s.step("rebalance", s.rebalance)
	s.step("commit", s.commit)
	s.step("resume", s.resume)
	s.step("seek", s.seek)
	s.step("txn_offsets", s.txnOffsets)
	s.step("groups", s.groups)
	s.step("lag", s.lag)
	s.step("delete_group", s.deleteGroup)
	s.step("delete_topic", s.deleteTopic)
}

func (s *segmentioRun) create(ctx context.Context, topic string, partitions int, configs ...kafka.ConfigEntry) error {
	topics := []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: configs}}
	created, err := s.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: topics})
	if err != nil {
		return err
	}
	return created.Errors[topic]
}

func (s *segmentioRun) createTopic(ctx context.Context) error {
	if err := s.create(ctx, s.topic, 2, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "100000"}); err != nil {
		return err
	}
	if err := s.create(ctx, s.topic, 2); !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("created twice: %v", err)
	}
	return nil
}

func (s *segmentioRun) config(ctx context.Context, name string) (string, error) {
	asked := kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: s.topic, ConfigNames: []string{name}}
	described, err := s.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{asked}})
	if err != nil {
		return "", err
	}
	entries := described.Resources[0].ConfigEntries
	return entries[0].ConfigValue, same("entries", len(entries), 1)
}

func (s *segmentioRun) describeConfig(ctx context.Context) error {
	value, err := s.config(ctx, "max.message.bytes")
	if err != nil {
		return err
	}
	topics, err := s.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{s.topic}})
	if err != nil {
		return err
	}
	if err := same("partitions", len(topics.Topics[0].Partitions), 2); err != nil {
		return err
	}
	return same("max.message.bytes", value, "100000")
}

func (s *segmentioRun) alterConfig(ctx context.Context) error {
	set := kafka.IncrementalAlterConfigsRequestConfig{Name: "retention.ms", Value: "123456789"}
	resource := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: s.topic,
		Configs: []kafka.IncrementalAlterConfigsRequestConfig{set}}
	request := &kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{resource}}
	if _, err := s.client.IncrementalAlterConfigs(ctx, request); err != nil {
		return err
	}
	return becomes(ctx, "123456789", func() (string, error) { return s.config(ctx, "retention.ms") })
}

func (s *segmentioRun) produce(ctx context.Context, topic string, all []record, codec kafka.Compression) error {
	writer := &kafka.Writer{Addr: s.addr, Topic: topic, Balancer: &kafka.Murmur2Balancer{}, BatchTimeout: 10 * time.Millisecond,
		RequiredAcks: kafka.RequireAll, Compression: codec}
	defer writer.Close()
	var messages []kafka.Message
	for _, one := range all {
		made := kafka.Message{Key: toBytes(one.key), Value: toBytes(one.value)}
		for _, header := range one.headers {
			made.Headers = append(made.Headers, kafka.Header{Key: header[0], Value: []byte(header[1])})
		}
		messages = append(messages, made)
	}
	return writer.WriteMessages(ctx, messages...)
}

func (s *segmentioRun) reader(topic string, partition int) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{Brokers: []string{s.bootstrap}, Topic: topic, Partition: partition, MaxWait: 100 * time.Millisecond})
}

func ofSegmentio(message kafka.Message) record {
	one := record{key: ofBytes(message.Key), value: ofBytes(message.Value), partition: int32(message.Partition), offset: message.Offset}
	for _, header := range message.Headers {
		one.headers = append(one.headers, [2]string{header.Key, string(header.Value)})
	}
	return one
}

func (s *segmentioRun) ends(ctx context.Context, topic string) (map[int]int64, error) {
	asked := map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(0), kafka.LastOffsetOf(1)}}
	listed, err := s.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: asked})
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	for _, one := range listed.Topics[topic] {
		ends[one.Partition] = max(one.LastOffset, 0)
	}
	return ends, nil
}

func (s *segmentioRun) records(ctx context.Context) error {
	if err := s.produce(ctx, s.topic, records(), 0); err != nil {
		return err
	}
	ends, err := s.ends(ctx, s.topic)
	if err != nil {
		return err
	}
	var all []record
	for partition, end := range ends {
		reader := s.reader(s.topic, partition)
		defer reader.Close()
		for i := int64(0); i < end; i++ {
			message, err := reader.ReadMessage(ctx)
			if err != nil {
				return err
			}
			all = append(all, ofSegmentio(message))
		}
	}
	return sameRecords(all, records())
}

func (s *segmentioRun) compressed(ctx context.Context, name string, codec kafka.Compression) error {
	topic := s.name(name)
	if err := s.create(ctx, topic, 1); err != nil {
		return err
	}
	if err := s.produce(ctx, topic, compressible(), codec); err != nil {
		return err
	}
	reader := s.reader(topic, 0)
	defer reader.Close()
	var all []record
	for range compressible() {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return err
		}
		all = append(all, ofSegmentio(message))
	}
	return sameRecords(all, compressible())
}

// A member of a group that says how many partitions each generation gives it.
func (s *segmentioRun) member(ctx context.Context, group string) (chan int, func(), error) {
	member, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: group, Brokers: []string{s.bootstrap}, Topics: []string{s.topic},
		HeartbeatInterval: 100 * time.Millisecond, JoinGroupBackoff: 100 * time.Millisecond})
	if err != nil {
		return nil, nil, err
	}
	counts := make(chan int, 100)
	go func() {
		for {
			generation, err := member.Next(ctx)
			if errors.Is(err, kafka.ErrGroupClosed) || ctx.Err() != nil {
				return
			}
			if err != nil {
				continue
			}
			counts <- len(generation.Assignments[s.topic])
			generation.Start(func(ctx context.Context) { <-ctx.Done() })
		}
	}()
	return counts, func() { member.Close() }, nil
}

func (s *segmentioRun) rebalance(ctx context.Context) error {
	stays, leave, err := s.member(ctx, s.name("shared"))
	if err != nil {
		return err
	}
	defer leave()
	if err := until(ctx, stays, 2); err != nil {
		return err
	}
	leaves, depart, err := s.member(ctx, s.name("shared"))
	if err != nil {
		return err
	}
	if err := until(ctx, stays, 1); err != nil {
		return err
	}
	if err := until(ctx, leaves, 1); err != nil {
		return err
	}
	depart()
	return until(ctx, stays, 2)
}

func (s *segmentioRun) readInGroup(ctx context.Context, count int, commits bool) ([]record, error) {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{s.bootstrap}, GroupID: s.group, Topic: s.topic, MaxWait: 100 * time.Millisecond,
		HeartbeatInterval: 100 * time.Millisecond, StartOffset: kafka.FirstOffset})
	defer reader.Close()
	var all []record
	for len(all) < count {
		message, err := reader.FetchMessage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, ofSegmentio(message))
		if commits {
			if err := reader.CommitMessages(ctx, message); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (s *segmentioRun) committed(ctx context.Context, group string) (int64, error) {
	fetched, err := s.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{s.topic: {0, 1}}})
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, one := range fetched.Topics[s.topic] {
		sum += max(one.CommittedOffset, 0)
	}
	return sum, fetched.Error
}

func (s *segmentioRun) commit(ctx context.Context) error {
	if _, err := s.readInGroup(ctx, len(records()), true); err != nil {
		return err
	}
	sum, err := s.committed(ctx, s.group)
	if err != nil {
		return err
	}
	return same("committed", sum, int64(len(records())))
}

func (s *segmentioRun) resume(ctx context.Context) error {
	more := []record{{value: some("later")}}
	if err := s.produce(ctx, s.topic, more, 0); err != nil {
		return err
	}
	read, err := s.readInGroup(ctx, 1, false)
	if err != nil {
		return err
	}
	return sameRecords(read, more)
}

func (s *segmentioRun) seek(ctx context.Context) error {
	reader := s.reader(s.topic, 0)
	defer reader.Close()
	for _, offset := range []int64{1, 0} {
		if err := reader.SetOffset(offset); err != nil {
			return err
		}
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return err
		}
		if err := same("offset", message.Offset, offset); err != nil {
			return err
		}
	}
	return nil
}

// Asks again while the end of the transaction before takes effect, as clients with transactions do.
func (s *segmentioRun) producer(ctx context.Context, id string) (*kafka.ProducerSession, error) {
	const concurrentTransactions = kafka.Error(51)
	for {
		request := &kafka.InitProducerIDRequest{TransactionalID: id, TransactionTimeoutMs: 60000, ProducerID: -1, ProducerEpoch: -1}
		made, err := s.client.InitProducerID(ctx, request)
		if err != nil {
			return nil, err
		}
		if !errors.Is(made.Error, concurrentTransactions) {
			return made.Producer, made.Error
		}
	}
}

// Its writer has no transactions, its client has their requests.
func (s *segmentioRun) txnOffsets(ctx context.Context) error {
	id, group := s.name("etl"), s.name("etl")
	for i, commits := range []bool{false, true} {
		made, err := s.producer(ctx, id)
		if err != nil {
			return err
		}
		producer, epoch := made.ProducerID, made.ProducerEpoch
		added, err := s.client.AddOffsetsToTxn(ctx, &kafka.AddOffsetsToTxnRequest{TransactionalID: id, ProducerID: producer, ProducerEpoch: epoch, GroupID: group})
		if err != nil {
			return err
		}
		if added.Error != nil {
			return added.Error
		}
		offsets := map[string][]kafka.TxnOffsetCommit{s.topic: {{Partition: 0, Offset: 3}}}
		committed, err := s.client.TxnOffsetCommit(ctx, &kafka.TxnOffsetCommitRequest{TransactionalID: id, GroupID: group, ProducerID: producer,
			ProducerEpoch: epoch, GenerationID: -1, Topics: offsets})
		if err != nil {
			return err
		}
		if err := committed.Topics[s.topic][0].Error; err != nil {
			return err
		}
		ended, err := s.client.EndTxn(ctx, &kafka.EndTxnRequest{TransactionalID: id, ProducerID: producer, ProducerEpoch: epoch, Committed: commits})
		if err != nil {
			return err
		}
		if ended.Error != nil {
			return ended.Error
		}
		if err := becomes(ctx, int64(3*i), func() (int64, error) { return s.committed(ctx, group) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *segmentioRun) groups(ctx context.Context) error {
	listed, err := s.client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return err
	}
	found := false
	for _, group := range listed.Groups {
		found = found || group.GroupID == s.group
	}
	if !found {
		return fmt.Errorf("%s is not listed", s.group)
	}
	counts, leave, err := s.member(ctx, s.group)
	if err != nil {
		return err
	}
	defer leave()
	if err := until(ctx, counts, 2); err != nil {
		return err
	}
	described, err := s.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{s.group}})
	if err != nil {
		return err
	}
	if err := same("state", described.Groups[0].GroupState, "Stable"); err != nil {
		return err
	}
	return same("members", len(described.Groups[0].Members), 1)
}

func (s *segmentioRun) lag(ctx context.Context) error {
	ends, err := s.ends(ctx, s.topic)
	if err != nil {
		return err
	}
	sum, err := s.committed(ctx, s.group)
	if err != nil {
		return err
	}
	return same("lag", ends[0]+ends[1]-sum, 1)
}

func (s *segmentioRun) deleteGroup(ctx context.Context) error {
	deleted, err := s.client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{s.group}})
	if err != nil {
		return err
	}
	return deleted.Errors[s.group]
}

func (s *segmentioRun) deleteTopic(ctx context.Context) error {
	deleted, err := s.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{s.topic}})
	if err != nil {
		return err
	}
	if err := deleted.Errors[s.topic]; err != nil {
		return err
	}
	return gone(ctx, s.topic, func() (map[string]bool, error) {
		// a client of its own, for one keeps what it knows of topics
		client := &kafka.Client{Addr: s.addr, Timeout: patience, Transport: &kafka.Transport{}}
		topics, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err != nil {
			return nil, err
		}
		names := map[string]bool{}
		for _, topic := range topics.Topics {
			names[topic.Name] = true
		}
		return names, nil
	})
}
