"""confluent-kafka for Python, unchanged, on Kafka: what it writes Weir reads, and the other way round.

    client.py produce BOOTSTRAP REGISTRY TOPIC   reads flights, a JSON object a line, from stdin
    client.py consume BOOTSTRAP REGISTRY TOPIC COUNT   writes as many to stdout
"""

import json
import sys
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

FLIGHT = json.dumps({
    "type": "record",
    "name": "Flight",
    "namespace": "air",
    "fields": [
        {"name": "date", "type": "string"},
        {"name": "delay", "type": ["null", "int"], "default": None},
        {"name": "distance", "type": "double"},
        {"name": "origin", "type": "string"},
        {"name": "destination", "type": "string"},
    ],
})


def produce(bootstrap, registry, topic):
    serialize = AvroSerializer(SchemaRegistryClient({"url": registry}), FLIGHT)
    producer = Producer({"bootstrap.servers": bootstrap})
    failed = []
    for line in sys.stdin:
        flight = json.loads(line)
        producer.produce(
            topic,
            value=serialize(flight, SerializationContext(topic, MessageField.VALUE)),
            on_delivery=lambda error, _: error and failed.append(error),
        )
    left = producer.flush(20)
    assert not failed and left == 0, (failed, left)


def consume(bootstrap, registry, topic, count):
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": str(uuid.uuid4()),
        "auto.offset.reset": "earliest",
    })
    consumer.subscribe([topic])
    for _ in range(int(count)):
        message = consumer.poll(30)
        assert message is not None and message.error() is None, message and message.error()
        flight = deserialize(message.value(), SerializationContext(topic, MessageField.VALUE))
        print(json.dumps(flight))
    consumer.close()


if __name__ == "__main__":
    {"produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
