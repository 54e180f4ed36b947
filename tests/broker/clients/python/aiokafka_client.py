"""aiokafka, on a loop in a thread of its own."""

import asyncio
import threading

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code
from suite import PATIENCE_S, Record, run

LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def await_(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result(PATIENCE_S)


async def made(kind, *args, **settings):
    client = kind(*args, **settings)
    await client.start()
    return client


class Member:
    def __init__(self, consumer):
        self.consumer = consumer

    def poll(self):
        await_(asyncio.sleep(0.02))

    def held(self):
        return len(self.consumer.assignment())

    def close(self):
        await_(self.consumer.stop())


class Aiokafka:
    codecs = ("gzip", "snappy", "lz4", "zstd")
    protocols = ("classic",)

    def __init__(self, bootstrap):
        self.servers = {"bootstrap_servers": bootstrap}
        self.admin = await_(made(AIOKafkaAdminClient, **self.servers))

    def close(self):
        await_(self.admin.close())

    def topics(self):
        return set(await_(self.admin.list_topics()))

    def partitions(self, topic):
        return len(await_(self.admin.describe_topics([topic]))[0]["partitions"])

    def create(self, topic, partitions, config):
        answer = await_(self.admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=config)]))
        for _, code, *_ in answer.topic_errors:
            if code:
                raise for_code(code)

    def config(self, topic, name):
        answer = await_(self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]))[0]
        return next(value for found, value, *_ in answer.resources[0][4] if found == name)

    def alter(self, topic, name, value):
        set_ = {name: value, "max.message.bytes": "100000"}
        answer = await_(self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, set_)]))[0]
        if answer.resources[0][0]:
            raise for_code(answer.resources[0][0])

    async def send(self, producer, topic, records):
        sent = [await producer.send(topic, record.value, record.key, headers=list(record.headers)) for record in records]
        await asyncio.gather(*sent)

    def produce(self, topic, records, codec):
        async def do():
            producer = await made(AIOKafkaProducer, **self.servers, compression_type=codec, enable_idempotence=True)
            await self.send(producer, topic, records)
            await producer.stop()

        await_(do())

    async def consumer(self, *topics, group=None, **more):
        settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "fetch_max_wait_ms": 50, "metadata_max_age_ms": 1000}
        return await made(AIOKafkaConsumer, *topics, **self.servers, group_id=group, **settings, **more)

    async def take(self, consumer, count):
        taken = [await consumer.getone() for _ in range(count)]
        return [Record(one.key, one.value, tuple(one.headers), one.partition, one.offset) for one in taken]

    def read(self, topic, partitions, count, committed=False):
        async def do():
            level = "read_committed" if committed else "read_uncommitted"
            consumer = await self.consumer(isolation_level=level)
            consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
            await consumer.seek_to_beginning()
            records = await self.take(consumer, count)
            await consumer.stop()
            return records

        return await_(do())

    def seek(self, topic, offsets):
        async def do():
            consumer, place, found = await self.consumer(), TopicPartition(topic, 0), []
            consumer.assign([place])
            for offset in offsets:
                consumer.seek(place, offset)
                found += [one.offset for one in await self.take(consumer, 1)]
            await consumer.stop()
            return found

        return await_(do())

    def member(self, group, topic, protocol):
        return Member(await_(self.consumer(topic, group=group, heartbeat_interval_ms=100)))

    def read_in_group(self, group, topic, count, commits):
        async def do():
            consumer = await self.consumer(topic, group=group)
            records = await self.take(consumer, count)
            if commits:
                await consumer.commit()
            await consumer.stop()
            return records

        return await_(do())

    def committed(self, group, topic):
        places = [TopicPartition(topic, partition) for partition in range(2)]
        found = await_(self.admin.list_consumer_group_offsets(group, partitions=places))
        return sum(max(one.offset, 0) for one in found.values())

    def transaction(self, name, topic, values, commits, offsets=None):
        async def do():
            producer = await made(AIOKafkaProducer, **self.servers, transactional_id=name)
            await producer.begin_transaction()
            await self.send(producer, topic, [Record(None, value) for value in values])
            if offsets:
                group, source, offset = offsets
                await producer.send_offsets_to_transaction({TopicPartition(source, 0): offset}, group)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
            await producer.stop()

        await_(do())

    def groups(self):
        return {name for name, _ in await_(self.admin.list_consumer_groups())}

    def describe(self, group):
        _, _, state, _, _, members, *_ = await_(self.admin.describe_consumer_groups([group]))[0].groups[0]
        return state.upper(), len(members)

    def offsets(self, topic, method):
        async def do():
            consumer = await self.consumer()
            found = await getattr(consumer, method)([TopicPartition(topic, partition) for partition in range(2)])
            await consumer.stop()
            return {place.partition: offset for place, offset in found.items()}

        return await_(do())

    def end(self, topic):
        return sum(self.offsets(topic, "end_offsets").values())

    def start(self, topic, partition):
        return self.offsets(topic, "beginning_offsets")[partition]

    def delete_records(self, topic, partition, offset):
        await_(self.admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(offset)}))

    def delete_topic(self, topic):
        await_(self.admin.delete_topics([topic]))


run(Aiokafka)
