"""The serializers and deserializers of one format.

serde.py REGISTRY avro|json|protobuf
"""

import base64
import json

from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    header_schema_id_serializer,
    prefix_schema_id_deserializer,
    record_subject_name_strategy,
)
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationError
from google.protobuf import descriptor_pb2
from kit import MESSAGES, context, fails, main, plain, record, schema, schema_id, text, unique

DELAY = {"flight": "WN1", "minutes": 14, "note": "fog"}
FLIGHT = {
    "origin": {"code": "SFO", "city": "San Francisco"},
    "destination": {"code": "LAX", "city": "Los Angeles"},
    "distance": 337.0,
}
REFERENCE = {"avro": "air.Airport", "json": "airport.schema.json", "protobuf": "air/airport.proto"}
BY_ID = {"auto.register.schemas": False}


def kind(name, format, references=()):
    """What a serializer of the format is made with."""
    return name if format == "protobuf" else schema(name.lower(), format, references)


def evolved(format):
    """The delay's schema with one optional field more."""
    old = text("delay", format)
    if format == "protobuf":
        return Schema(old.replace("reserved 10", "string gate = 11;\n  reserved 10"), "PROTOBUF")
    new = json.loads(old)
    if format == "json":
        new["properties"]["gate"] = {"type": "string"}
    else:
        new["fields"].append({"name": "gate", "type": "string", "default": "?"})
    return Schema(json.dumps(new), format.upper())


async def write(kit, format, topic, value=DELAY, conf=None, client=None, to=None, of=None):
    serialize = await kit.serializer(format, client or kit.client(), of or kind("Delay", format), conf)
    return await serialize(record("Delay", value, format), to or context(topic))


async def read(kit, format, topic, data, conf=None, client=None, to=None):
    deserialize = await kit.deserializer(
        format, client or kit.client(), "Delay" if format == "protobuf" else None, conf
    )
    return plain(await deserialize(data, to or context(topic)))


async def check_a_value_and_a_key_come_back(kit, format):
    for field in (MessageField.VALUE, MessageField.KEY):
        topic = unique("delays")
        data = await write(kit, format, topic, to=context(topic, field))
        registered = await kit.client().get_latest_version(f"{topic}-{field}")
        assert registered.schema_id == schema_id(data), (registered, data)
        assert registered.schema.schema_type == format.upper(), registered
        assert await read(kit, format, topic, data, to=context(topic, field)) == DELAY
        prefix = {"schema.id.deserializer": prefix_schema_id_deserializer}
        assert await read(kit, format, topic, data, prefix, to=context(topic, field)) == DELAY


async def check_the_guid_goes_in_a_header(kit, format):
    for field, name in ((MessageField.VALUE, "__value_schema_id"), (MessageField.KEY, "__key_schema_id")):
        topic = unique("delays")
        there = context(topic, field)
        conf = {"schema.id.serializer": header_schema_id_serializer}
        data = await write(kit, format, topic, conf=conf, to=there)
        registered = await kit.client().get_latest_version(f"{topic}-{field}")
        [(header, value)] = there.headers
        assert header == name and value[0] == 1, there.headers
        assert value[1:17].hex() == registered.guid.replace("-", ""), (value, registered)
        assert await read(kit, format, topic, data, to=there) == DELAY
        # nothing known of where it was written
        other = unique("elsewhere")
        assert await read(kit, format, other, data, to=context(other, field, there.headers)) == DELAY


async def check_one_serializer_writes_many_records(kit, format):
    topic = unique("delays")
    serialize = await kit.serializer(format, kit.client(), kind("Delay", format))
    deserialize = await kit.deserializer(format, kit.client(), "Delay" if format == "protobuf" else None)
    for minutes in range(1, 50):
        delay = {**DELAY, "minutes": minutes}
        data = await serialize(record("Delay", delay, format), context(topic))
        assert plain(await deserialize(data, context(topic))) == delay


async def check_what_one_client_registers_it_reads(kit, format):
    """It keeps the answer to a registration for its readers: a descriptor has to come back as one."""
    client, topic = kit.client(), unique("delays")
    data = await write(kit, format, topic, client=client)
    assert await read(kit, format, topic, data, client=client) == DELAY


async def check_what_is_not_registered_is_refused_without_auto_register(kit, format):
    topic = unique("delays")
    error = await fails(SchemaRegistryError, write(kit, format, topic, conf=BY_ID))
    assert (error.http_status_code, error.error_code) == (404, 40401), error
    first = await write(kit, format, topic)
    assert await write(kit, format, topic, conf=BY_ID) == first
    assert await write(kit, format, topic, conf={"normalize.schemas": True}) is not None


async def check_the_latest_version_is_written_and_read(kit, format):
    client, topic = kit.client(), unique("delays")
    first = await client.register_schema(f"{topic}-value", schema("delay", format))
    second = await client.register_schema(f"{topic}-value", evolved(format))
    assert first != second
    latest = {"use.latest.version": True, **BY_ID}
    data = await write(kit, format, topic, conf=latest)
    assert schema_id(data) == second, (data, second)

    # what the first version wrote, read with the latest
    old = await write(kit, format, topic, conf=BY_ID)
    assert schema_id(old) == first, (old, first)
    seen = await read(kit, format, topic, old, {"use.latest.version": True})
    assert seen == ({**DELAY, "gate": "?"} if format == "avro" else DELAY), seen


async def check_the_version_with_metadata_is_written_and_read(kit, format):
    client, topic = kit.client(), unique("delays")
    ids = []
    for major, each in (("1", schema("delay", format)), ("2", evolved(format))):
        metadata = Metadata(None, MetadataProperties({"major": major}), None)
        contract = Schema(each.schema_str, each.schema_type, [], metadata)
        ids.append(await client.register_schema(f"{topic}-value", contract))
    for major, id in zip("12", ids):
        conf = {"use.latest.with.metadata": {"major": major}}
        data = await write(kit, format, topic, conf={**conf, **BY_ID})
        assert schema_id(data) == id, (data, ids)
        seen = await read(kit, format, topic, data, conf)
        assert DELAY.items() <= seen.items(), seen


async def check_a_schema_that_refers_to_another_is_written_and_read(kit, format):
    client, topic, airports = kit.client(), unique("flights"), unique("airports")
    if format == "protobuf":  # registers what it refers to itself
        airports = REFERENCE[format]
        of = "Flight"
    else:
        await client.register_schema(airports, schema("airport", format))
        of = kind("Flight", format, [SchemaReference(REFERENCE[format], airports, 1)])
    data = await (await kit.serializer(format, client, of))(record("Flight", FLIGHT, format), context(topic))
    registered = await kit.client().get_latest_version(f"{topic}-value")
    [reference] = registered.schema.references
    assert (reference.name, reference.subject, reference.version) == (
        REFERENCE[format],
        airports,
        1,
    ), registered
    for conf in (None, {"use.latest.version": True}):
        deserialize = await kit.deserializer(
            format, kit.client(), "Flight" if format == "protobuf" else None, conf
        )
        assert plain(await deserialize(data, context(topic))) == FLIGHT


async def check_strategies_name_the_subject(kit, format):
    name = "Delay" if format == "json" else "air.Delay"
    for strategy, subject in (("TOPIC", "{}-value"), ("RECORD", name), ("TOPIC_RECORD", "{}-" + name)):
        topic = unique("delays")
        conf = {"subject.name.strategy.type": strategy}
        data = await write(kit, format, topic, conf=conf)
        registered = await kit.client().get_latest_version(subject.format(topic))
        assert registered.schema_id == schema_id(data), registered
        assert await read(kit, format, topic, data, conf) == DELAY
    topic = unique("delays")
    data = await write(kit, format, topic, conf={"subject.name.strategy": record_subject_name_strategy})
    assert (await kit.client().get_latest_version(name)).schema_id == schema_id(data)


async def check_what_does_not_fit_is_not_written(kit, format):
    if format == "protobuf":
        return  # a message always fits
    topic = unique("delays")
    await fails(Exception, write(kit, format, topic, {"flight": "WN1", "minutes": "many", "note": ""}))
    await fails(Exception, write(kit, format, topic, {"flight": "WN1", "note": ""}))


async def check_what_is_not_ours_is_not_read(kit, format):
    topic = unique("delays")
    await fails(SerializationError, read(kit, format, topic, b"\x07 none of ours"))
    error = await fails(
        SchemaRegistryError, read(kit, format, topic, b"\x00\x7f\xff\xff\xff\x00 none of ours")
    )
    assert (error.http_status_code, error.error_code) == (404, 40403), error


async def check_a_message_of_every_kind_of_field_comes_back(kit, format):
    if format != "protobuf":
        return
    topic = unique("delays")
    delay = {
        **DELAY,
        "severity": "MAJOR",
        "causes": [{"detail": {"text": "fog"}}, {"detail": {"text": "crew"}}],
        "seconds": {"taxi": "60", "air": "-5"},
        "refunded": False,
        "tower": 4_000_000_000,
    }
    for conf in (None, {"use.latest.version": True, **BY_ID}):
        data = await write(kit, format, topic, delay, conf)
        assert data[5:7] == b"\x02\x02", "the second message of its file"
        assert await read(kit, format, topic, data, {"use.latest.version": conf is not None}) == delay

    flight = {**FLIGHT, "departure": "2001-01-01T06:55:00Z"}
    serialize = await kit.serializer(format, kit.client(), "Flight")
    data = await serialize(record("Flight", flight, format), context(unique("flights")))
    deserialize = await kit.deserializer(format, kit.client(), "Flight")
    assert plain(await deserialize(data, context(topic))) == flight


async def check_text_and_descriptor_are_the_same_schema(kit, format):
    """This client sends and asks for descriptors, people write text."""
    if format != "protobuf":
        return
    client, topic = kit.client(), unique("delays")
    await client.register_schema("air/airport.proto", schema("airport", format))
    id = await client.register_schema(f"{topic}-value", schema("delay", format))
    assert schema_id(await write(kit, format, topic, conf=BY_ID)) == id
    flights = unique("flights")
    reference = SchemaReference("air/airport.proto", "air/airport.proto", 1)
    id = await client.register_schema(f"{flights}-value", schema("flight", format, [reference]))
    serialize = await kit.serializer(format, kit.client(), "Flight", BY_ID)
    assert schema_id(await serialize(record("Flight", FLIGHT, format), context(flights))) == id

    serialized = await kit.client().get_version(f"{topic}-value", 1, fmt="serialized")
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(serialized.schema.schema_str))
    expected = descriptor_pb2.FileDescriptorProto()
    MESSAGES["air.Delay"].DESCRIPTOR.file.CopyToProto(expected)
    for each in (file, expected):
        each.ClearField("name")
        for message in each.message_type:
            clear_json_names(message)
    assert file == expected, file


def clear_json_names(message):
    """protoc writes each field's JSON name, others only those that were given."""
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        clear_json_names(nested)


if __name__ == "__main__":
    main(globals())
