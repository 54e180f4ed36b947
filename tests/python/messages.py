"""Records of one format, written to Kafka and read back by the client's own producer and consumer, which
make their serdes themselves and tell them the cluster's id.

messages.py BOOTSTRAP REGISTRY TOPIC FORMAT
"""

import sys

from confluent_kafka import DeserializingConsumer, SerializingProducer
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import (
    AssociationCreateOrUpdateInfo,
    AssociationCreateOrUpdateRequest,
    SchemaRegistryClient,
    header_schema_id_serializer,
)
from kit import CLASS, MESSAGES, MODULE, plain, record, schema

COUNT = 20
KEY = {"code": "SFO", "city": "San Francisco"}


def builder(side, format, url, name, conf):
    rest = {"message_type": MESSAGES[f"air.{name}"]} if format == "protobuf" else {}
    if format != "protobuf" and side == "Serializer":
        rest["schema"] = schema(name.lower(), format)
    made = getattr(MODULE[format], f"{CLASS[format]}{side}Builder")
    conf = {**conf, "use.deprecated.format": False} if format == "protobuf" else conf
    return made(schema_registry_config={"url": url}, **{f"{side.lower()}_config": conf}, **rest)


def associate(bootstrap, url, topic, format):
    """The value's subject is not named after the topic, in this cluster only."""
    cluster = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=20).cluster_id
    client = SchemaRegistryClient({"url": url})
    subject = f"associated-with-{topic}"
    client.register_schema(subject, schema("delay", format))
    association = AssociationCreateOrUpdateInfo(subject=subject, association_type="value", lifecycle="WEAK")
    client.create_association(
        AssociationCreateOrUpdateRequest(
            resource_name=topic,
            resource_namespace=cluster,
            resource_id=f"id-of-{topic}",
            resource_type="topic",
            associations=[association],
        )
    )
    return client, subject


def main(bootstrap, url, topic, format):
    client, subject = associate(bootstrap, url, topic, format)
    producer = SerializingProducer(
        {
            "bootstrap.servers": bootstrap,
            "key.serializer.builder": builder("Serializer", format, url, "Airport", {}),
            "value.serializer.builder": builder(
                "Serializer", format, url, "Delay", {"schema.id.serializer": header_schema_id_serializer}
            ),
        }
    )
    failed = []
    for minutes in range(1, COUNT + 1):
        delay = {"flight": "WN1", "minutes": minutes, "note": "fog"}
        producer.produce(
            topic,
            key=record("Airport", KEY, format),
            value=record("Delay", delay, format),
            headers=[],
            on_delivery=lambda error, _: error and failed.append(error),
        )
    left = producer.flush(20)
    assert not failed and left == 0, (failed, left)
    assert client.get_versions(f"{topic}-key") == [1] and client.get_versions(subject) == [1]
    assert f"{topic}-value" not in client.get_subjects()

    consumer = DeserializingConsumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "key.deserializer.builder": builder("Deserializer", format, url, "Airport", {}),
            "value.deserializer.builder": builder(
                "Deserializer", format, url, "Delay", {"use.latest.version": True}
            ),
        }
    )
    consumer.subscribe([topic])
    for minutes in range(1, COUNT + 1):
        message = consumer.poll(30)
        assert message is not None and message.error() is None, message and message.error()
        assert [name for name, _ in message.headers()] == ["__value_schema_id"], message.headers()
        assert plain(message.key()) == KEY, message.key()
        assert plain(message.value()) == {"flight": "WN1", "minutes": minutes, "note": "fog"}, message.value()
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
