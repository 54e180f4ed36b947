"""confluent-kafka for Python, unchanged, against Weir's registry.

    client.py produce BOOTSTRAP REGISTRY TOPIC   reads flights, a JSON object a line, from stdin
    client.py consume BOOTSTRAP REGISTRY TOPIC COUNT   writes as many to stdout
    client.py registry REGISTRY   walks through the registry client's calls
"""

import json
import sys
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
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


def registry_calls(url):
    client = SchemaRegistryClient({"url": url})
    subject = f"flights-{uuid.uuid4()}-value"
    flight = Schema(FLIGHT, "AVRO")
    schema_id = client.register_schema(subject, flight)
    assert client.register_schema(subject, flight) == schema_id
    assert json.loads(client.get_schema(schema_id).schema_str)["name"] == "Flight"
    assert client.lookup_schema(subject, flight).version == 1
    assert client.get_latest_version(subject).schema_id == schema_id
    assert subject in client.get_subjects() and client.get_versions(subject) == [1]
    assert client.test_compatibility(subject, flight)
    other = Schema(FLIGHT.replace('"double"', '"string"'), "AVRO")
    assert not client.test_compatibility(subject, other)
    try:
        client.register_schema(subject, other)
        raise AssertionError("an incompatible schema was registered")
    except SchemaRegistryError as error:
        assert (error.http_status_code, error.error_code) == (409, 40901), error
    client.set_compatibility(subject, "NONE")
    assert client.get_compatibility(subject) == "NONE"
    assert client.register_schema(subject, other) != schema_id
    legs = Schema(
        '{"type":"array","items":"air.Flight"}',
        "AVRO",
        [SchemaReference(name="air.Flight", subject=subject, version=1)],
    )
    legs_id = client.register_schema(f"legs-{subject}", legs)
    assert client.get_schema(legs_id).references[0].subject == subject
    client.delete_subject(f"legs-{subject}")
    client.delete_subject(f"legs-{subject}", permanent=True)
    assert client.delete_version(subject, 2) == 2
    assert client.delete_subject(subject) == [1]
    assert client.delete_subject(subject, permanent=True) == [1, 2]
    assert subject not in client.get_subjects()


if __name__ == "__main__":
    {"produce": produce, "consume": consume, "registry": registry_calls}[sys.argv[1]](*sys.argv[2:])
