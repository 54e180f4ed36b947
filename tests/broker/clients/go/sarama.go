package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

type saramaRun struct {
	*run
	admin sarama.ClusterAdmin
	topic string
	group string
}

func saramaClient(r *run) {
	admin, err := sarama.NewClusterAdmin([]string{r.bootstrap}, saramaConfig())
	if err != nil {
		panic(err)
	}
	defer admin.Close()
	s := &saramaRun{r, admin, r.name("records"), r.name("readers")}
	s.step("create_topic", s.createTopic)
	s.step("describe_config", s.describeConfig)
	s.step("alter_config", s.alterConfig)
	s.step("records", s.records)
	codecs := map[string]sarama.CompressionCodec{"gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}
	for _, name := range []string{"gzip", "snappy", "lz4", "zstd"} {
		s.step(name, func(ctx context.Context) error { return s.compressed(ctx, name, codecs[name]) })
	}
	s.step("rebalance", s.rebalance)
	s.step("commit", s.commit)
	s.step("resume", s.resume)
	s.step("seek", s.seek)
	s.step("txn_commit", s.txnCommit)
	s.step("txn_abort", s.txnAbort)
	s.step("txn_offsets", s.txnOffsets)
	s.step("groups", s.groups)
	s.step("lag", s.lag)
	s.step("delete_records", s.deleteRecords)
	s.step("delete_group", s.deleteGroup)
	s.step("delete_topic", s.deleteTopic)
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V4_1_0_0
	config.Producer.Return.Successes = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Heartbeat.Interval = 100 * time.Millisecond
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	return config
}

func saramaMessages(topic string, all []record) []*sarama.ProducerMessage {
	var out []*sarama.ProducerMessage
	for _, one := range all {
		made := &sarama.ProducerMessage{Topic: topic}
		if one.key != nil {
			made.Key = sarama.StringEncoder(*one.key)
		}
		if one.value != nil {
			made.Value = sarama.StringEncoder(*one.value)
		}
		for _, header := range one.headers {
			made.Headers = append(made.Headers, sarama.RecordHeader{Key: []byte(header[0]), Value: []byte(header[1])})
		}
		out = append(out, made)
	}
	return out
}

func (s *saramaRun) produce(topic string, all []record, config *sarama.Config) error {
	producer, err := sarama.NewSyncProducer([]string{s.bootstrap}, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	return producer.SendMessages(saramaMessages(topic, all))
}

func ofSarama(message *sarama.ConsumerMessage) record {
	one := record{key: ofBytes(message.Key), value: ofBytes(message.Value), partition: message.Partition, offset: message.Offset}
	for _, header := range message.Headers {
		one.headers = append(one.headers, [2]string{string(header.Key), string(header.Value)})
	}
	return one
}

// Reads all partitions of a topic from their beginning until there are so many.
func (s *saramaRun) read(ctx context.Context, topic string, count int, level sarama.IsolationLevel) ([]record, error) {
	config := saramaConfig()
	config.Consumer.IsolationLevel = level
	consumer, err := sarama.NewConsumer([]string{s.bootstrap}, config)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partitions, err := consumer.Partitions(topic)
	if err != nil {
		return nil, err
	}
	came := make(chan record, 1000)
	for _, partition := range partitions {
		one, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		if err != nil {
			return nil, err
		}
		defer one.Close()
		go func() {
			for message := range one.Messages() {
				came <- ofSarama(message)
			}
		}()
	}
	var all []record
	for len(all) < count {
		select {
		case one := <-came:
			all = append(all, one)
		case <-ctx.Done():
			return nil, fmt.Errorf("only %d records came", len(all))
		}
	}
	return all, nil
}

func (s *saramaRun) createTopic(context.Context) error {
	size := "100000"
	detail := &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"max.message.bytes": &size}}
	if err := s.admin.CreateTopic(s.topic, detail, false); err != nil {
		return err
	}
	if err := s.admin.CreateTopic(s.topic, detail, false); !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("created twice: %v", err)
	}
	return nil
}

func (s *saramaRun) config(name string) (string, error) {
	entries, err := s.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: s.topic, ConfigNames: []string{name}})
	if err != nil {
		return "", err
	}
	return entries[0].Value, same("entries", len(entries), 1)
}

func (s *saramaRun) describeConfig(context.Context) error {
	value, err := s.config("max.message.bytes")
	if err != nil {
		return err
	}
	topics, err := s.admin.DescribeTopics([]string{s.topic})
	if err != nil {
		return err
	}
	if err := same("partitions", len(topics[0].Partitions), 2); err != nil {
		return err
	}
	return same("max.message.bytes", value, "100000")
}

func (s *saramaRun) alterConfig(ctx context.Context) error {
	age := "123456789"
	set := map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &age}}
	if err := s.admin.IncrementalAlterConfig(sarama.TopicResource, s.topic, set, false); err != nil {
		return err
	}
	return becomes(ctx, age, func() (string, error) { return s.config("retention.ms") })
}

func (s *saramaRun) records(ctx context.Context) error {
	if err := s.produce(s.topic, records(), saramaConfig()); err != nil {
		return err
	}
	read, err := s.read(ctx, s.topic, len(records()), sarama.ReadUncommitted)
	if err != nil {
		return err
	}
	return sameRecords(read, records())
}

func (s *saramaRun) compressed(ctx context.Context, name string, codec sarama.CompressionCodec) error {
	topic := s.name(name)
	if err := s.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	config := saramaConfig()
	config.Producer.Compression = codec
	if err := s.produce(topic, compressible(), config); err != nil {
		return err
	}
	read, err := s.read(ctx, topic, len(compressible()), sarama.ReadUncommitted)
	if err != nil {
		return err
	}
	return sameRecords(read, compressible())
}

// A member of a group that says how many partitions it has and what it reads.
type saramaMember struct {
	counts  chan int
	came    chan *sarama.ConsumerMessage
	session chan sarama.ConsumerGroupSession
}

func (m *saramaMember) Setup(session sarama.ConsumerGroupSession) error {
	count := 0
	for _, partitions := range session.Claims() {
		count += len(partitions)
	}
	m.counts <- count
	m.session <- session
	return nil
}

func (m *saramaMember) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *saramaMember) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.came <- message
		case <-session.Context().Done():
			return nil
		}
	}
}

func (s *saramaRun) member(ctx context.Context, group string) (*saramaMember, func(), error) {
	client, err := sarama.NewConsumerGroup([]string{s.bootstrap}, group, saramaConfig())
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	member := &saramaMember{make(chan int, 100), make(chan *sarama.ConsumerMessage, 1000), make(chan sarama.ConsumerGroupSession, 100)}
	go func() {
		for ctx.Err() == nil {
			if err := client.Consume(ctx, []string{s.topic}, member); errors.Is(err, sarama.ErrClosedConsumerGroup) {
				return
			}
		}
	}()
	leave := func() {
		cancel()
		client.Close()
	}
	return member, leave, nil
}

func (s *saramaRun) rebalance(ctx context.Context) error {
	stays, leave, err := s.member(ctx, s.name("shared"))
	if err != nil {
		return err
	}
	defer leave()
	if err := until(ctx, stays.counts, 2); err != nil {
		return err
	}
	leaves, depart, err := s.member(ctx, s.name("shared"))
	if err != nil {
		return err
	}
	if err := until(ctx, stays.counts, 1); err != nil {
		return err
	}
	if err := until(ctx, leaves.counts, 1); err != nil {
		return err
	}
	depart()
	return until(ctx, stays.counts, 2)
}

// Reads so many records as the only member of the group and marks them.
func (s *saramaRun) readInGroup(ctx context.Context, count int, commits bool) ([]record, error) {
	member, leave, err := s.member(ctx, s.group)
	if err != nil {
		return nil, err
	}
	defer leave()
	var all []record
	session := <-member.session
	for len(all) < count {
		select {
		case message := <-member.came:
			all = append(all, ofSarama(message))
			session.MarkMessage(message, "")
		case <-ctx.Done():
			return nil, fmt.Errorf("only %d records came", len(all))
		}
	}
	if commits {
		session.Commit()
	}
	return all, nil
}

func (s *saramaRun) committed(group string) (int64, error) {
	fetched, err := s.admin.ListConsumerGroupOffsets(group, map[string][]int32{s.topic: {0, 1}})
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, block := range fetched.Blocks[s.topic] {
		sum += max(block.Offset, 0)
	}
	return sum, nil
}

func (s *saramaRun) commit(ctx context.Context) error {
	if _, err := s.readInGroup(ctx, len(records()), true); err != nil {
		return err
	}
	sum, err := s.committed(s.group)
	if err != nil {
		return err
	}
	return same("committed", sum, int64(len(records())))
}

func (s *saramaRun) resume(ctx context.Context) error {
	more := []record{{value: some("later")}}
	if err := s.produce(s.topic, more, saramaConfig()); err != nil {
		return err
	}
	read, err := s.readInGroup(ctx, 1, false)
	if err != nil {
		return err
	}
	return sameRecords(read, more)
}

func (s *saramaRun) seek(ctx context.Context) error {
	consumer, err := sarama.NewConsumer([]string{s.bootstrap}, saramaConfig())
	if err != nil {
		return err
	}
	defer consumer.Close()
	for _, offset := range []int64{1, 0} {
		partition, err := consumer.ConsumePartition(s.topic, 0, offset)
		if err != nil {
			return err
		}
		select {
		case message := <-partition.Messages():
			err = same("offset", message.Offset, offset)
		case <-ctx.Done():
			err = ctx.Err()
		}
		partition.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *saramaRun) transactional(id string) (sarama.SyncProducer, error) {
	config := saramaConfig()
	config.Producer.Idempotent = true
	config.Producer.Transaction.ID = id
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Net.MaxOpenRequests = 1
	return sarama.NewSyncProducer([]string{s.bootstrap}, config)
}

func (s *saramaRun) transaction(value string, commits bool) error {
	producer, err := s.transactional(s.name("txn"))
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := producer.BeginTxn(); err != nil {
		return err
	}
	if err := producer.SendMessages(saramaMessages(s.name("txn"), []record{{value: &value}})); err != nil {
		return err
	}
	if commits {
		return producer.CommitTxn()
	}
	return producer.AbortTxn()
}

func (s *saramaRun) sees(ctx context.Context, level sarama.IsolationLevel, values ...string) error {
	read, err := s.read(ctx, s.name("txn"), len(values), level)
	if err != nil {
		return err
	}
	for i, value := range values {
		if err := same("value", *read[i].value, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *saramaRun) txnCommit(ctx context.Context) error {
	if err := s.admin.CreateTopic(s.name("txn"), &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	if err := s.transaction("committed", true); err != nil {
		return err
	}
	return s.sees(ctx, sarama.ReadCommitted, "committed")
}

func (s *saramaRun) txnAbort(ctx context.Context) error {
	if err := s.transaction("aborted", false); err != nil {
		return err
	}
	if err := s.transaction("last", true); err != nil {
		return err
	}
	if err := s.sees(ctx, sarama.ReadCommitted, "committed", "last"); err != nil {
		return err
	}
	return s.sees(ctx, sarama.ReadUncommitted, "committed", "aborted", "last")
}

func (s *saramaRun) txnOffsets(ctx context.Context) error {
	producer, err := s.transactional(s.name("etl"))
	if err != nil {
		return err
	}
	defer producer.Close()
	offsets := map[string][]*sarama.PartitionOffsetMetadata{s.topic: {{Partition: 0, Offset: 3, LeaderEpoch: -1}}}
	for i, commits := range []bool{false, true} {
		if err := producer.BeginTxn(); err != nil {
			return err
		}
		if err := producer.SendMessages(saramaMessages(s.name("txn"), []record{{value: some("moved")}})); err != nil {
			return err
		}
		if err := producer.AddOffsetsToTxn(offsets, s.name("etl")); err != nil {
			return err
		}
		if commits {
			err = producer.CommitTxn()
		} else {
			err = producer.AbortTxn()
		}
		if err != nil {
			return err
		}
		if err := becomes(ctx, int64(3*i), func() (int64, error) { return s.committed(s.name("etl")) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *saramaRun) groups(ctx context.Context) error {
	listed, err := s.admin.ListConsumerGroups()
	if err != nil {
		return err
	}
	if _, found := listed[s.group]; !found {
		return fmt.Errorf("%s is not listed", s.group)
	}
	member, leave, err := s.member(ctx, s.group)
	if err != nil {
		return err
	}
	defer leave()
	if err := until(ctx, member.counts, 2); err != nil {
		return err
	}
	described, err := s.admin.DescribeConsumerGroups([]string{s.group})
	if err != nil {
		return err
	}
	if err := same("state", described[0].State, "Stable"); err != nil {
		return err
	}
	return same("members", len(described[0].Members), 1)
}

func (s *saramaRun) lag(context.Context) error {
	asked := map[string]map[int32]int64{s.topic: {0: sarama.OffsetNewest, 1: sarama.OffsetNewest}}
	ends, err := s.admin.ListOffsets(asked, &sarama.ListOffsetsOptions{})
	if err != nil {
		return err
	}
	lag := int64(0)
	for _, end := range ends[s.topic] {
		lag += end.Offset
	}
	sum, err := s.committed(s.group)
	if err != nil {
		return err
	}
	return same("lag", lag-sum, 1)
}

func (s *saramaRun) deleteRecords(context.Context) error {
	if err := s.admin.DeleteRecords(s.topic, map[int32]int64{0: 1}); err != nil {
		return err
	}
	client, err := sarama.NewClient([]string{s.bootstrap}, saramaConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	start, err := client.GetOffset(s.topic, 0, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	return same("start", start, 1)
}

func (s *saramaRun) deleteGroup(context.Context) error {
	return s.admin.DeleteConsumerGroup(s.group)
}

func (s *saramaRun) deleteTopic(ctx context.Context) error {
	if err := s.admin.DeleteTopic(s.topic); err != nil {
		return err
	}
	return gone(ctx, s.topic, func() (map[string]bool, error) {
		topics, err := s.admin.ListTopics()
		names := map[string]bool{}
		for name := range topics {
			names[name] = true
		}
		return names, err
	})
}
