package main

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

type confluentRun struct {
	*run
	admin *kafka.AdminClient
	topic string
	group string
}

func confluent(r *run) {
	admin, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": r.bootstrap})
	if err != nil {
		panic(err)
	}
	defer admin.Close()
	c := &confluentRun{r, admin, r.name("records"), r.name("readers")}
	c.step("create_topic", c.createTopic)
	c.step("describe_config", c.describeConfig)
	c.step("alter_config", c.alterConfig)
	c.step("records", c.records)
	for _, name := range []string{"gzip", "snappy", "lz4", "zstd"} {
		c.step(name, func(ctx context.Context) error { return c.compressed(ctx, name) })
	}
	c.step("rebalance", func(ctx context.Context) error { return c.rebalance(ctx, c.name("shared"), "classic") })
	c.step("rebalance_consumer", func(ctx context.Context) error { return c.rebalance(ctx, c.name("next"), "consumer") })
	c.step("commit", c.commit)
	c.step("resume", c.resume)
	c.step("seek", c.seek)
	c.step("txn_commit", c.txnCommit)
	c.step("txn_abort", c.txnAbort)
	c.step("txn_offsets", c.txnOffsets)
	c.step("groups", c.groups)
	c.step("lag", c.lag)
	c.step("delete_records", c.deleteRecords)
	c.step("delete_group", c.deleteGroup)
	c.step("delete_topic", c.deleteTopic)
}

func (c *confluentRun) create(ctx context.Context, topic string, partitions int, config map[string]string) error {
	wanted := []kafka.TopicSpecification{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, Config: config}}
	created, err := c.admin.CreateTopics(ctx, wanted, kafka.SetAdminOperationTimeout(patience))
	if err != nil {
		return err
	}
	if created[0].Error.Code() != kafka.ErrNoError {
		return created[0].Error
	}
	return nil
}

func (c *confluentRun) createTopic(ctx context.Context) error {
	if err := c.create(ctx, c.topic, 2, map[string]string{"max.message.bytes": "100000"}); err != nil {
		return err
	}
	again := c.create(ctx, c.topic, 2, nil)
	if why, ok := again.(kafka.Error); !ok || why.Code() != kafka.ErrTopicAlreadyExists {
		return fmt.Errorf("created twice: %v", again)
	}
	return nil
}

func (c *confluentRun) config(ctx context.Context, name string) (string, error) {
	described, err := c.admin.DescribeConfigs(ctx, []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: c.topic}})
	if err != nil {
		return "", err
	}
	return described[0].Config[name].Value, nil
}

func (c *confluentRun) describeConfig(ctx context.Context) error {
	value, err := c.config(ctx, "max.message.bytes")
	if err != nil {
		return err
	}
	described, err := c.admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames([]string{c.topic}))
	if err != nil {
		return err
	}
	if err := same("partitions", len(described.TopicDescriptions[0].Partitions), 2); err != nil {
		return err
	}
	return same("max.message.bytes", value, "100000")
}

func (c *confluentRun) alterConfig(ctx context.Context) error {
	set := kafka.ConfigEntry{Name: "retention.ms", Value: "123456789", IncrementalOperation: kafka.AlterConfigOpTypeSet}
	resource := kafka.ConfigResource{Type: kafka.ResourceTopic, Name: c.topic, Config: []kafka.ConfigEntry{set}}
	if _, err := c.admin.IncrementalAlterConfigs(ctx, []kafka.ConfigResource{resource}); err != nil {
		return err
	}
	return becomes(ctx, "123456789", func() (string, error) { return c.config(ctx, "retention.ms") })
}

func (c *confluentRun) produce(topic string, all []record, codec string) error {
	producer, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": c.bootstrap, "compression.type": codec, "enable.idempotence": true,
		"partitioner": "murmur2_random"})
	if err != nil {
		return err
	}
	defer producer.Close()
	return send(producer, topic, all)
}

func send(producer *kafka.Producer, topic string, all []record) error {
	reports := make(chan kafka.Event, len(all))
	for _, one := range all {
		made := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny}, Key: toBytes(one.key), Value: toBytes(one.value)}
		for _, header := range one.headers {
			made.Headers = append(made.Headers, kafka.Header{Key: header[0], Value: []byte(header[1])})
		}
		if err := producer.Produce(made, reports); err != nil {
			return err
		}
	}
	for range all {
		if message := (<-reports).(*kafka.Message); message.TopicPartition.Error != nil {
			return message.TopicPartition.Error
		}
	}
	return nil
}

func (c *confluentRun) consumer(group string, more kafka.ConfigMap) (*kafka.Consumer, error) {
	config := kafka.ConfigMap{"bootstrap.servers": c.bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": false,
		"fetch.wait.max.ms": 50}
	for name, value := range more {
		config[name] = value
	}
	return kafka.NewConsumer(&config)
}

func read(ctx context.Context, consumer *kafka.Consumer, count int) ([]record, error) {
	var all []record
	for len(all) < count {
		switch event := consumer.Poll(100).(type) {
		case *kafka.Message:
			if event.TopicPartition.Error != nil {
				return nil, event.TopicPartition.Error
			}
			one := record{key: ofBytes(event.Key), value: ofBytes(event.Value), partition: event.TopicPartition.Partition, offset: int64(event.TopicPartition.Offset)}
			for _, header := range event.Headers {
				one.headers = append(one.headers, [2]string{header.Key, string(header.Value)})
			}
			all = append(all, one)
		case kafka.Error:
			return nil, event
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("only %d records came", len(all))
		}
	}
	return all, nil
}

// Reads partitions from their beginning without a group's help.
func (c *confluentRun) readAll(ctx context.Context, topic string, partitions int32, count int, level string) ([]record, error) {
	consumer, err := c.consumer("none", kafka.ConfigMap{"isolation.level": level})
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	var places []kafka.TopicPartition
	for i := int32(0); i < partitions; i++ {
		places = append(places, kafka.TopicPartition{Topic: &topic, Partition: i, Offset: kafka.OffsetBeginning})
	}
	if err := consumer.Assign(places); err != nil {
		return nil, err
	}
	return read(ctx, consumer, count)
}

func (c *confluentRun) records(ctx context.Context) error {
	if err := c.produce(c.topic, records(), "none"); err != nil {
		return err
	}
	all, err := c.readAll(ctx, c.topic, 2, len(records()), "read_uncommitted")
	if err != nil {
		return err
	}
	return sameRecords(all, records())
}

func (c *confluentRun) compressed(ctx context.Context, codec string) error {
	if err := c.create(ctx, c.name(codec), 1, nil); err != nil {
		return err
	}
	if err := c.produce(c.name(codec), compressible(), codec); err != nil {
		return err
	}
	all, err := c.readAll(ctx, c.name(codec), 1, len(compressible()), "read_uncommitted")
	if err != nil {
		return err
	}
	return sameRecords(all, compressible())
}

// A member of a group that says how many partitions it has.
func (c *confluentRun) member(ctx context.Context, group, protocol string) (chan int, func(), error) {
	more := kafka.ConfigMap{"group.protocol": protocol}
	if protocol == "classic" {
		more["heartbeat.interval.ms"] = 100
		more["partition.assignment.strategy"] = "cooperative-sticky"
	}
	consumer, err := c.consumer(group, more)
	if err != nil {
		return nil, nil, err
	}
	if err := consumer.SubscribeTopics([]string{c.topic}, nil); err != nil {
		return nil, nil, err
	}
	counts := make(chan int, 1000)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			consumer.Poll(20)
			held, err := consumer.Assignment()
			if err == nil && len(counts) < 900 {
				counts <- len(held)
			}
		}
		consumer.Close()
	}()
	return counts, func() {
		cancel()
		<-ended
	}, nil
}

func (c *confluentRun) rebalance(ctx context.Context, group, protocol string) error {
	stays, leave, err := c.member(ctx, group, protocol)
	if err != nil {
		return err
	}
	defer leave()
	if err := until(ctx, stays, 2); err != nil {
		return err
	}
	leaves, depart, err := c.member(ctx, group, protocol)
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

// Reads so many records as the only member of the group.
func (c *confluentRun) readInGroup(ctx context.Context, count int, commits bool) ([]record, error) {
	consumer, err := c.consumer(c.group, nil)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	if err := consumer.SubscribeTopics([]string{c.topic}, nil); err != nil {
		return nil, err
	}
	all, err := read(ctx, consumer, count)
	if err == nil && commits {
		_, err = consumer.Commit()
	}
	return all, err
}

func (c *confluentRun) committed(ctx context.Context, group string) (int64, error) {
	places := []kafka.TopicPartition{{Topic: &c.topic, Partition: 0}, {Topic: &c.topic, Partition: 1}}
	asked := []kafka.ConsumerGroupTopicPartitions{{Group: group, Partitions: places}}
	listed, err := c.admin.ListConsumerGroupOffsets(ctx, asked, kafka.SetAdminRequireStableOffsets(true))
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, one := range listed.ConsumerGroupsTopicPartitions[0].Partitions {
		sum += max(int64(one.Offset), 0)
	}
	return sum, nil
}

func (c *confluentRun) commit(ctx context.Context) error {
	if _, err := c.readInGroup(ctx, len(records()), true); err != nil {
		return err
	}
	sum, err := c.committed(ctx, c.group)
	if err != nil {
		return err
	}
	return same("committed", sum, int64(len(records())))
}

func (c *confluentRun) resume(ctx context.Context) error {
	more := []record{{value: some("later")}}
	if err := c.produce(c.topic, more, "none"); err != nil {
		return err
	}
	all, err := c.readInGroup(ctx, 1, false)
	if err != nil {
		return err
	}
	return sameRecords(all, more)
}

func (c *confluentRun) seek(ctx context.Context) error {
	consumer, err := c.consumer("none", nil)
	if err != nil {
		return err
	}
	defer consumer.Close()
	place := kafka.TopicPartition{Topic: &c.topic, Partition: 0, Offset: 1}
	if err := consumer.Assign([]kafka.TopicPartition{place}); err != nil {
		return err
	}
	if _, err := read(ctx, consumer, 1); err != nil {
		return err
	}
	place.Offset = 0
	if err := consumer.Seek(place, int(patience.Milliseconds())); err != nil {
		return err
	}
	all, err := read(ctx, consumer, 1)
	if err != nil {
		return err
	}
	return same("offset", all[0].offset, 0)
}

func (c *confluentRun) transactional(ctx context.Context, id string) (*kafka.Producer, error) {
	producer, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": c.bootstrap, "transactional.id": id})
	if err != nil {
		return nil, err
	}
	return producer, producer.InitTransactions(ctx)
}

func (c *confluentRun) transaction(ctx context.Context, value string, commits bool) error {
	producer, err := c.transactional(ctx, c.name("txn"))
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := producer.BeginTransaction(); err != nil {
		return err
	}
	if err := send(producer, c.name("txn"), []record{{value: &value}}); err != nil {
		return err
	}
	if commits {
		return producer.CommitTransaction(ctx)
	}
	return producer.AbortTransaction(ctx)
}

func (c *confluentRun) sees(ctx context.Context, level string, values ...string) error {
	all, err := c.readAll(ctx, c.name("txn"), 1, len(values), level)
	if err != nil {
		return err
	}
	for i, value := range values {
		if err := same("value", *all[i].value, value); err != nil {
			return err
		}
	}
	return nil
}

func (c *confluentRun) txnCommit(ctx context.Context) error {
	if err := c.create(ctx, c.name("txn"), 1, nil); err != nil {
		return err
	}
	if err := c.transaction(ctx, "committed", true); err != nil {
		return err
	}
	return c.sees(ctx, "read_committed", "committed")
}

func (c *confluentRun) txnAbort(ctx context.Context) error {
	if err := c.transaction(ctx, "aborted", false); err != nil {
		return err
	}
	if err := c.transaction(ctx, "last", true); err != nil {
		return err
	}
	if err := c.sees(ctx, "read_committed", "committed", "last"); err != nil {
		return err
	}
	return c.sees(ctx, "read_uncommitted", "committed", "aborted", "last")
}

func (c *confluentRun) txnOffsets(ctx context.Context) error {
	producer, err := c.transactional(ctx, c.name("etl"))
	if err != nil {
		return err
	}
	defer producer.Close()
	metadata, err := kafka.NewTestConsumerGroupMetadata(c.name("etl"))
	if err != nil {
		return err
	}
	for i, commits := range []bool{false, true} {
		if err := producer.BeginTransaction(); err != nil {
			return err
		}
		if err := send(producer, c.name("txn"), []record{{value: some("moved")}}); err != nil {
			return err
		}
		place := kafka.TopicPartition{Topic: &c.topic, Partition: 0, Offset: 3}
		if err := producer.SendOffsetsToTransaction(ctx, []kafka.TopicPartition{place}, metadata); err != nil {
			return err
		}
		if commits {
			err = producer.CommitTransaction(ctx)
		} else {
			err = producer.AbortTransaction(ctx)
		}
		if err != nil {
			return err
		}
		if err := becomes(ctx, int64(3*i), func() (int64, error) { return c.committed(ctx, c.name("etl")) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *confluentRun) groups(ctx context.Context) error {
	listed, err := c.admin.ListConsumerGroups(ctx)
	if err != nil {
		return err
	}
	found := false
	for _, group := range listed.Valid {
		found = found || group.GroupID == c.group
	}
	if !found {
		return fmt.Errorf("%s is not listed", c.group)
	}
	counts, leave, err := c.member(ctx, c.group, "classic")
	if err != nil {
		return err
	}
	defer leave()
	if err := until(ctx, counts, 2); err != nil {
		return err
	}
	described, err := c.admin.DescribeConsumerGroups(ctx, []string{c.group})
	if err != nil {
		return err
	}
	group := described.ConsumerGroupDescriptions[0]
	if err := same("state", group.State, kafka.ConsumerGroupStateStable); err != nil {
		return err
	}
	return same("members", len(group.Members), 1)
}

func (c *confluentRun) lag(ctx context.Context) error {
	asked := map[kafka.TopicPartition]kafka.OffsetSpec{}
	for i := int32(0); i < 2; i++ {
		asked[kafka.TopicPartition{Topic: &c.topic, Partition: i}] = kafka.LatestOffsetSpec
	}
	listed, err := c.admin.ListOffsets(ctx, asked)
	if err != nil {
		return err
	}
	lag := int64(0)
	for _, one := range listed.ResultInfos {
		lag += int64(one.Offset)
	}
	sum, err := c.committed(ctx, c.group)
	if err != nil {
		return err
	}
	return same("lag", lag-sum, 1)
}

func (c *confluentRun) deleteRecords(ctx context.Context) error {
	place := kafka.TopicPartition{Topic: &c.topic, Partition: 0, Offset: 1}
	deleted, err := c.admin.DeleteRecords(ctx, []kafka.TopicPartition{place})
	if err != nil {
		return err
	}
	one := deleted.DeleteRecordsResults[0]
	if one.TopicPartition.Error != nil {
		return one.TopicPartition.Error
	}
	return same("start", one.DeletedRecords.LowWatermark, 1)
}

func (c *confluentRun) deleteGroup(ctx context.Context) error {
	deleted, err := c.admin.DeleteConsumerGroups(ctx, []string{c.group})
	if err != nil {
		return err
	}
	if one := deleted.ConsumerGroupResults[0]; one.Error.Code() != kafka.ErrNoError {
		return one.Error
	}
	return nil
}

func (c *confluentRun) deleteTopic(ctx context.Context) error {
	deleted, err := c.admin.DeleteTopics(ctx, []string{c.topic})
	if err != nil {
		return err
	}
	if deleted[0].Error.Code() != kafka.ErrNoError {
		return deleted[0].Error
	}
	return gone(ctx, c.topic, func() (map[string]bool, error) {
		metadata, err := c.admin.GetMetadata(nil, true, int(10*time.Second/time.Millisecond))
		if err != nil {
			return nil, err
		}
		names := map[string]bool{}
		for name := range metadata.Topics {
			names[name] = true
		}
		return names, nil
	})
}
