"""confluent-kafka for Python."""

import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, OffsetSpec, ResourceType,
)
from suite import PATIENCE_S, Record, run


class Member:
    def __init__(self, consumer, topic):
        self.consumer = consumer
        consumer.subscribe([topic])

    def poll(self):
        self.consumer.poll(0.02)

    def held(self):
        return len(self.consumer.assignment())

    def close(self):
        self.consumer.close()


class Confluent:
    codecs = ("gzip", "snappy", "lz4", "zstd")
    protocols = ("classic", "consumer")

    def __init__(self, bootstrap):
        self.servers = {"bootstrap.servers": bootstrap}
        self.admin = AdminClient(self.servers)

    def close(self):
        pass

    def all(self, futures):
        return [future.result(PATIENCE_S) for future in futures.values()]

    def topics(self):
        return set(self.admin.list_topics(timeout=PATIENCE_S).topics)

    def partitions(self, topic):
        return len(self.admin.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions)

    def create(self, topic, partitions, config):
        self.all(self.admin.create_topics([NewTopic(topic, partitions, 1, config=config)]))

    def config(self, topic, name):
        return self.all(self.admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))[0][name].value

    def alter(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        self.all(self.admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])]))

    def send(self, producer, topic, records):
        errors = []
        for record in records:
            producer.produce(topic, record.value, record.key, headers=list(record.headers) or None,
                             on_delivery=lambda error, _: errors.append(error) if error else None)
        if producer.flush(PATIENCE_S) or errors:
            raise AssertionError(f"not delivered: {errors}")

    def produce(self, topic, records, codec):
        self.send(Producer({**self.servers, "compression.type": codec or "none", "enable.idempotence": True}), topic, records)

    def consumer(self, group="none", **more):
        settings = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "fetch.wait.max.ms": 50}
        return Consumer({**self.servers, **settings, **{name.replace("_", "."): value for name, value in more.items()}})

    def take(self, consumer, count):
        records, deadline = [], time.monotonic() + PATIENCE_S
        while len(records) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"only {len(records)} records came")
            for message in consumer.consume(count, 0.05):
                if message.error():
                    raise AssertionError(message.error())
                records.append(Record(message.key(), message.value(), tuple(message.headers() or ()), message.partition(), message.offset()))
        return records

    def read(self, topic, partitions, count, committed=False):
        consumer = self.consumer(isolation_level="read_committed" if committed else "read_uncommitted")
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        records = self.take(consumer, count)
        consumer.close()
        return records

    def seek(self, topic, offsets):
        consumer = self.consumer()
        consumer.assign([TopicPartition(topic, 0, offsets[0])])
        found = [self.take(consumer, 1)[0].offset]
        for offset in offsets[1:]:
            consumer.seek(TopicPartition(topic, 0, offset))
            found.append(self.take(consumer, 1)[0].offset)
        consumer.close()
        return found

    def member(self, group, topic, protocol):
        classic = {"heartbeat.interval.ms": 100, "partition.assignment.strategy": "cooperative-sticky"}
        return Member(self.consumer(group, group_protocol=protocol, **(classic if protocol == "classic" else {})), topic)

    def read_in_group(self, group, topic, count, commits):
        consumer = self.consumer(group)
        consumer.subscribe([topic])
        records = self.take(consumer, count)
        if commits:
            consumer.commit(asynchronous=False)
        consumer.close()
        return records

    def committed(self, group, topic):
        asked = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition) for partition in range(2)])]
        found = self.all(self.admin.list_consumer_group_offsets(asked, require_stable=True))[0]
        return sum(max(one.offset, 0) for one in found.topic_partitions)

    def transaction(self, name, topic, values, commits, offsets=None):
        producer = Producer({**self.servers, "transactional.id": name})
        producer.init_transactions(PATIENCE_S)
        producer.begin_transaction()
        self.send(producer, topic, [Record(None, value) for value in values])
        if offsets:
            group, source, offset = offsets
            metadata = self.consumer(group).consumer_group_metadata()
            producer.send_offsets_to_transaction([TopicPartition(source, 0, offset)], metadata)
        producer.commit_transaction(PATIENCE_S) if commits else producer.abort_transaction(PATIENCE_S)

    def groups(self):
        return {one.group_id for one in self.admin.list_consumer_groups().result(PATIENCE_S).valid}

    def describe(self, group):
        found = self.all(self.admin.describe_consumer_groups([group]))[0]
        return found.state.name, len(found.members)

    def offset(self, topic, spec):
        asked = {TopicPartition(topic, partition): spec for partition in range(2)}
        futures = self.admin.list_offsets(asked, isolation_level=IsolationLevel.READ_UNCOMMITTED)
        return {place.partition: future.result(PATIENCE_S).offset for place, future in futures.items()}

    def end(self, topic):
        return sum(self.offset(topic, OffsetSpec.latest()).values())

    def start(self, topic, partition):
        return self.offset(topic, OffsetSpec.earliest())[partition]

    def delete_records(self, topic, partition, offset):
        self.all(self.admin.delete_records([TopicPartition(topic, partition, offset)]))

    def delete_group(self, group):
        self.all(self.admin.delete_consumer_groups([group]))

    def delete_topic(self, topic):
        self.all(self.admin.delete_topics([topic]))


run(Confluent)
