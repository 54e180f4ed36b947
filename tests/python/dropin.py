"""Registries that are started with the environment of Confluent's containers.

dropin.py BOOTSTRAP CERTIFICATE, with their URLs as lines to read: each gets a schema by a serializer, a record goes through Kafka and is read by a
deserializer.
"""

import sys
import uuid
from urllib.parse import urlsplit

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

SCHEMA = '{"type":"record","name":"Delay","fields":[{"name":"flight","type":"string"},{"name":"minutes","type":"int"}]}'
DELAY = {"flight": "WN1", "minutes": 14}

bootstrap = sys.argv[1]
topic = f"dropin-{uuid.uuid4()}"
admin = AdminClient({"bootstrap.servers": bootstrap})
admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
producer = Producer({"bootstrap.servers": bootstrap})
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
there = SerializationContext(topic, MessageField.VALUE)

for line in sys.stdin:
    url = urlsplit(line.strip())
    conf = {"url": f"{url.scheme}://{url.hostname}:{url.port}"}
    if url.username:
        conf["basic.auth.user.info"] = f"{url.username}:{url.password}"
    if url.scheme == "https":
        conf["ssl.ca.location"] = sys.argv[2]
    client = SchemaRegistryClient(conf)
    producer.produce(topic, AvroSerializer(client, SCHEMA)(DELAY, there))
    assert producer.flush(20) == 0
    message = consumer.poll(30)
    assert message is not None and message.error() is None, message and message.error()
    # another client, which knows nothing yet
    assert AvroDeserializer(SchemaRegistryClient(conf))(message.value(), there) == DELAY
    assert client.get_versions(f"{topic}-value") == [1]
consumer.close()
