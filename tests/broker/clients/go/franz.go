package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type franzRun struct {
	*run
	admin *kadm.Client
	topic string
	group string
}

func franz(r *run) {
	client, err := kgo.NewClient(kgo.SeedBrokers(r.bootstrap))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	f := &franzRun{r, kadm.NewClient(client), r.name("records"), r.name("readers")}
	f.step("create_topic", f.createTopic)
	f.step("describe_config", f.describeConfig)
	f.step("alter_config", f.alterConfig)
	f.step("records", f.records)
	codecs := map[string]kgo.CompressionCodec{"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for _, name := range []string{"gzip", "snappy", "lz4", "zstd"} {
		f.step(name, func(ctx context.Context) error { return f.compressed(ctx, name, codecs[name]) })
	}
	f.step("rebalance", func(ctx context.Context) error { return f.rebalance(ctx, r.name("shared")) })
	f.step("commit", f.commit)
	f.step("resume", f.resume)
	f.step("seek", f.seek)
	f.step("txn_commit", f.txnCommit)
	f.step("txn_abort", f.txnAbort)
	f.step("txn_offsets", f.txnOffsets)
	f.step("groups", f.groups)
	f.step("lag", f.lag)
	f.step("delete_records", f.deleteRecords)
	f.step("delete_group", f.deleteGroup)
	f.step("delete_topic", f.deleteTopic)
}

func (f *franzRun) client(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(f.bootstrap)}, options...)...)
	if err != nil {
		panic(err)
	}
	return client
}

func (f *franzRun) produce(ctx context.Context, topic string, all []record, options ...kgo.Opt) error {
	client := f.client(append([]kgo.Opt{kgo.DefaultProduceTopic(topic)}, options...)...)
	defer client.Close()
	return client.ProduceSync(ctx, franzRecords(all)...).FirstErr()
}

func franzRecords(all []record) []*kgo.Record {
	var out []*kgo.Record
	for _, one := range all {
		made := &kgo.Record{Key: toBytes(one.key), Value: toBytes(one.value)}
		for _, header := range one.headers {
			made.Headers = append(made.Headers, kgo.RecordHeader{Key: header[0], Value: []byte(header[1])})
		}
		out = append(out, made)
	}
	return out
}

// Reads until there are so many.
func (f *franzRun) read(ctx context.Context, client *kgo.Client, count int) ([]record, error) {
	var all []record
	for len(all) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("after %d records: %w", len(all), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			one := record{key: ofBytes(r.Key), value: ofBytes(r.Value), partition: r.Partition, offset: r.Offset}
			for _, header := range r.Headers {
				one.headers = append(one.headers, [2]string{header.Key, string(header.Value)})
			}
			all = append(all, one)
		})
	}
	return all, nil
}

func (f *franzRun) createTopic(ctx context.Context) error {
	size := "100000"
	created, err := f.admin.CreateTopic(ctx, 2, 1, map[string]*string{"max.message.bytes": &size}, f.topic)
	if err != nil {
		return err
	}
	_, err = f.admin.CreateTopic(ctx, 1, 1, nil, f.topic)
	if err != kerr.TopicAlreadyExists {
		return fmt.Errorf("created twice: %v", err)
	}
	return same("partitions", created.NumPartitions, 2)
}

func (f *franzRun) config(ctx context.Context, name string) (string, error) {
	described, err := f.admin.DescribeTopicConfigs(ctx, f.topic)
	if err != nil {
		return "", err
	}
	for _, config := range described[0].Configs {
		if config.Key == name {
			return config.MaybeValue(), nil
		}
	}
	return "", fmt.Errorf("no %s", name)
}

func (f *franzRun) describeConfig(ctx context.Context) error {
	value, err := f.config(ctx, "max.message.bytes")
	if err != nil {
		return err
	}
	topics, err := f.admin.ListTopics(ctx, f.topic)
	if err != nil {
		return err
	}
	if err := same("partitions", len(topics[f.topic].Partitions), 2); err != nil {
		return err
	}
	return same("max.message.bytes", value, "100000")
}

func (f *franzRun) alterConfig(ctx context.Context) error {
	age := "123456789"
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &age}}
	altered, err := f.admin.AlterTopicConfigs(ctx, set, f.topic)
	if err != nil {
		return err
	}
	if altered[0].Err != nil {
		return altered[0].Err
	}
	return becomes(ctx, age, func() (string, error) { return f.config(ctx, "retention.ms") })
}

func (f *franzRun) records(ctx context.Context) error {
	if err := f.produce(ctx, f.topic, records()); err != nil {
		return err
	}
	client := f.client(kgo.ConsumeTopics(f.topic))
	defer client.Close()
	read, err := f.read(ctx, client, len(records()))
	if err != nil {
		return err
	}
	return sameRecords(read, records())
}

func (f *franzRun) compressed(ctx context.Context, name string, codec kgo.CompressionCodec) error {
	topic := f.name(name)
	if _, err := f.admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		return err
	}
	if err := f.produce(ctx, topic, compressible(), kgo.ProducerBatchCompression(codec)); err != nil {
		return err
	}
	client := f.client(kgo.ConsumeTopics(topic))
	defer client.Close()
	read, err := f.read(ctx, client, len(compressible()))
	if err != nil {
		return err
	}
	return sameRecords(read, compressible())
}

// A member of a group that says each time how many partitions it has.
func (f *franzRun) member(group string, counts chan int) *kgo.Client {
	held := map[int32]bool{}
	say := func(has bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			for _, part := range parts[f.topic] {
				if has {
					held[part] = true
				} else {
					delete(held, part)
				}
			}
			counts <- len(held)
		}
	}
	return f.client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(f.topic), kgo.HeartbeatInterval(patience/600),
		kgo.OnPartitionsAssigned(say(true)), kgo.OnPartitionsRevoked(say(false)), kgo.OnPartitionsLost(say(false)))
}

func until(ctx context.Context, counts chan int, wanted int) error {
	last := -1
	for last != wanted {
		select {
		case last = <-counts:
		case <-ctx.Done():
			return fmt.Errorf("has %d partitions instead of %d", last, wanted)
		}
	}
	return nil
}

func (f *franzRun) rebalance(ctx context.Context, group string) error {
	one, two := make(chan int, 100), make(chan int, 100)
	stays := f.member(group, one)
	defer stays.Close()
	polling(ctx, stays)
	if err := until(ctx, one, 2); err != nil {
		return err
	}
	leaves := f.member(group, two)
	polling(ctx, leaves)
	if err := until(ctx, one, 1); err != nil {
		leaves.Close()
		return err
	}
	if err := until(ctx, two, 1); err != nil {
		leaves.Close()
		return err
	}
	leaves.Close()
	return until(ctx, one, 2)
}

func polling(ctx context.Context, client *kgo.Client) {
	go func() {
		for ctx.Err() == nil && !client.PollFetches(ctx).IsClientClosed() {
		}
	}()
}

func (f *franzRun) inGroup() *kgo.Client {
	return f.client(kgo.ConsumerGroup(f.group), kgo.ConsumeTopics(f.topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
}

func (f *franzRun) committed(ctx context.Context, group string) (int64, error) {
	offsets, err := f.admin.FetchOffsets(ctx, group)
	sum := int64(0)
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	return sum, err
}

func (f *franzRun) commit(ctx context.Context) error {
	client := f.inGroup()
	defer client.Close()
	if _, err := f.read(ctx, client, len(records())); err != nil {
		return err
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		return err
	}
	sum, err := f.committed(ctx, f.group)
	if err != nil {
		return err
	}
	return same("committed", sum, int64(len(records())))
}

func (f *franzRun) resume(ctx context.Context) error {
	more := []record{{value: some("later")}}
	if err := f.produce(ctx, f.topic, more); err != nil {
		return err
	}
	client := f.inGroup()
	defer client.Close()
	read, err := f.read(ctx, client, 1)
	if err != nil {
		return err
	}
	return sameRecords(read, more)
}

func (f *franzRun) seek(ctx context.Context) error {
	at := kgo.NewOffset().At(0)
	client := f.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{f.topic: {0: at}}))
	defer client.Close()
	for i := 0; i < 2; i++ {
		read, err := f.read(ctx, client, 1)
		if err != nil {
			return err
		}
		if err := same("offset", read[0].offset, 0); err != nil {
			return err
		}
		client.SetOffsets(map[string]map[int32]kgo.EpochOffset{f.topic: {0: {Epoch: -1, Offset: 0}}})
	}
	return nil
}

// One transaction with a record.
func (f *franzRun) transaction(ctx context.Context, topic, value string, end kgo.TransactionEndTry) error {
	client := f.client(kgo.TransactionalID(f.name("txn")), kgo.DefaultProduceTopic(topic))
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, &kgo.Record{Value: []byte(value)}).FirstErr(); err != nil {
		return err
	}
	return client.EndTransaction(ctx, end)
}

func (f *franzRun) sees(ctx context.Context, topic string, level kgo.IsolationLevel, values ...string) error {
	client := f.client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level))
	defer client.Close()
	read, err := f.read(ctx, client, len(values))
	if err != nil {
		return err
	}
	for i, value := range values {
		if err := same("value", *read[i].value, value); err != nil {
			return err
		}
	}
	return same("records", len(read), len(values))
}

func (f *franzRun) txnCommit(ctx context.Context) error {
	topic := f.name("txn")
	if _, err := f.admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		return err
	}
	if err := f.transaction(ctx, topic, "committed", kgo.TryCommit); err != nil {
		return err
	}
	return f.sees(ctx, topic, kgo.ReadCommitted(), "committed")
}

func (f *franzRun) txnAbort(ctx context.Context) error {
	topic := f.name("txn")
	if err := f.transaction(ctx, topic, "aborted", kgo.TryAbort); err != nil {
		return err
	}
	if err := f.transaction(ctx, topic, "last", kgo.TryCommit); err != nil {
		return err
	}
	if err := f.sees(ctx, topic, kgo.ReadCommitted(), "committed", "last"); err != nil {
		return err
	}
	return f.sees(ctx, topic, kgo.ReadUncommitted(), "committed", "aborted", "last")
}

func (f *franzRun) txnOffsets(ctx context.Context) error {
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(f.bootstrap), kgo.TransactionalID(f.name("etl")),
		kgo.ConsumerGroup(f.name("etl")), kgo.ConsumeTopics(f.topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer session.Close()
	seen := 0
	for seen < len(records())+1 {
		fetches := session.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		seen += fetches.NumRecords()
		if err := session.Begin(); err != nil {
			return err
		}
		if err := session.ProduceSync(ctx, &kgo.Record{Topic: f.name("txn"), Value: []byte("moved")}).FirstErr(); err != nil {
			return err
		}
		if done, err := session.End(ctx, kgo.TryCommit); err != nil || !done {
			return fmt.Errorf("committed: %v, %w", done, err)
		}
	}
	return becomes(ctx, int64(len(records())+1), func() (int64, error) { return f.committed(ctx, f.name("etl")) })
}

func (f *franzRun) groups(ctx context.Context) error {
	listed, err := f.admin.ListGroups(ctx)
	if err != nil {
		return err
	}
	if _, found := listed[f.group]; !found {
		return fmt.Errorf("%s is not listed", f.group)
	}
	client := f.inGroup()
	defer client.Close()
	counting, cancel := context.WithCancel(ctx)
	defer cancel()
	polling(counting, client)
	for ctx.Err() == nil {
		described, err := f.admin.DescribeGroups(ctx, f.group)
		if err != nil {
			return err
		}
		if group := described[f.group]; group.State == "Stable" {
			return same("members", len(group.Members), 1)
		}
	}
	return ctx.Err()
}

func (f *franzRun) lag(ctx context.Context) error {
	lags, err := f.admin.Lag(ctx, f.group)
	if err != nil {
		return err
	}
	// what was resumed was read, not committed
	return same("lag", lags[f.group].Lag.Total(), 1)
}

func (f *franzRun) deleteRecords(ctx context.Context) error {
	offsets := kadm.Offsets{}
	offsets.AddOffset(f.topic, 0, 1, -1)
	deleted, err := f.admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return err
	}
	if err := deleted.Error(); err != nil {
		return err
	}
	starts, err := f.admin.ListStartOffsets(ctx, f.topic)
	if err != nil {
		return err
	}
	return same("start", starts[f.topic][0].Offset, 1)
}

func (f *franzRun) deleteGroup(ctx context.Context) error {
	_, err := f.admin.DeleteGroup(ctx, f.group)
	return err
}

func (f *franzRun) deleteTopic(ctx context.Context) error {
	if _, err := f.admin.DeleteTopic(ctx, f.topic); err != nil {
		return err
	}
	return gone(ctx, f.topic, func() (map[string]bool, error) {
		topics, err := f.admin.ListTopics(ctx)
		names := map[string]bool{}
		for name := range topics {
			names[name] = true
		}
		return names, err
	})
}
