"""kafka-python."""

import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.consumer.group import ConsumerGroupMetadata
from kafka.structs import OffsetAndMetadata
from suite import PATIENCE_S, Record, run


class Member:
    """A member that is polled in a thread of its own: it never finishes to join in calls that end meanwhile."""

    def __init__(self, consumer, topic):
        self.consumer = consumer
        self.leaves = threading.Event()
        consumer.subscribe([topic])
        self.polls = threading.Thread(target=self.run, daemon=True)
        self.polls.start()

    def run(self):
        while not self.leaves.is_set():
            self.consumer.poll(2000)

    def poll(self):
        self.leaves.wait(0.02)

    def held(self):
        return len(self.consumer.assignment())

    def close(self):
        self.leaves.set()
        self.polls.join()
        self.consumer.close()


class KafkaPython:
    codecs = ("gzip", "snappy", "lz4", "zstd")
    protocols = ("classic",)

    def __init__(self, bootstrap):
        self.servers = {"bootstrap_servers": bootstrap}
        self.admin = KafkaAdminClient(**self.servers)

    def close(self):
        self.admin.close()

    def topics(self):
        return set(self.admin.list_topics())

    def partitions(self, topic):
        return len(self.admin.describe_topics([topic])[0]["partitions"])

    def create(self, topic, partitions, config):
        self.admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": config}})

    def config(self, topic, name):
        found = self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        return found["topic"][topic][name]["value"]

    def alter(self, topic, name, value):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])

    def send(self, producer, topic, records):
        futures = [producer.send(topic, record.value, record.key, list(record.headers)) for record in records]
        producer.flush(PATIENCE_S)
        for future in futures:
            future.get(PATIENCE_S)

    def produce(self, topic, records, codec):
        producer = KafkaProducer(**self.servers, compression_type=codec)
        self.send(producer, topic, records)
        producer.close()

    def consumer(self, group=None, **more):
        settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "fetch_max_wait_ms": 50}
        return KafkaConsumer(**self.servers, group_id=group, **settings, **more)

    def take(self, consumer, count):
        records, deadline = [], time.monotonic() + PATIENCE_S
        while len(records) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"only {len(records)} records came")
            for found in consumer.poll(5000, max_records=count - len(records)).values():
                records += [Record(one.key, one.value, tuple(one.headers), one.partition, one.offset) for one in found]
        return records

    def read(self, topic, partitions, count, committed=False):
        consumer = self.consumer(isolation_level="read_committed" if committed else "read_uncommitted")
        consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
        consumer.seek_to_beginning()
        records = self.take(consumer, count)
        consumer.close()
        return records

    def seek(self, topic, offsets):
        consumer, place, found = self.consumer(), TopicPartition(topic, 0), []
        consumer.assign([place])
        for offset in offsets:
            consumer.seek(place, offset)
            found.append(self.take(consumer, 1)[0].offset)
        consumer.close()
        return found

    def member(self, group, topic, protocol):
        return Member(self.consumer(group, heartbeat_interval_ms=100), topic)

    def read_in_group(self, group, topic, count, commits):
        consumer = self.consumer(group)
        consumer.subscribe([topic])
        records = self.take(consumer, count)
        if commits:
            consumer.commit()
        consumer.close()
        return records

    def committed(self, group, topic):
        places = [TopicPartition(topic, partition) for partition in range(2)]
        found = self.admin.list_group_offsets({group: places})[group]
        return sum(max(one.offset, 0) for one in found.values())

    def transaction(self, name, topic, values, commits, offsets=None):
        producer = KafkaProducer(**self.servers, transactional_id=name)
        producer.init_transactions()
        producer.begin_transaction()
        self.send(producer, topic, [Record(None, value) for value in values])
        if offsets:
            group, source, offset = offsets
            moved = {TopicPartition(source, 0): OffsetAndMetadata(offset, "", -1)}
            producer.send_offsets_to_transaction(moved, ConsumerGroupMetadata(group, -1, "", None))
        producer.commit_transaction() if commits else producer.abort_transaction()
        producer.close()

    def groups(self):
        return {one["group_id"] for one in self.admin.list_groups()}

    def describe(self, group):
        found = self.admin.describe_groups([group])[group]
        return found["group_state"].upper(), len(found["members"])

    def offset(self, topic, spec):
        asked = {TopicPartition(topic, partition): spec for partition in range(2)}
        return {place.partition: one.offset for place, one in self.admin.list_partition_offsets(asked).items()}

    def end(self, topic):
        return sum(self.offset(topic, OffsetSpec.LATEST).values())

    def start(self, topic, partition):
        return self.offset(topic, OffsetSpec.EARLIEST)[partition]

    def delete_records(self, topic, partition, offset):
        self.admin.delete_records({TopicPartition(topic, partition): offset})

    def delete_group(self, group):
        self.admin.delete_groups([group])

    def delete_topic(self, topic):
        self.admin.delete_topics([topic])


run(KafkaPython)
