"""Contexts: in the names of subjects, and in the URL that the client is given.

contexts.py REGISTRY
"""

from confluent_kafka.schema_registry import SchemaReference, header_schema_id_serializer
from kit import FORMATS, context, main, plain, record, refused, schema, schema_id, unique

DELAY = {"flight": "WN1", "minutes": 14, "note": "fog"}


async def check_a_context_numbers_its_schemas_itself(kit):
    client, name, subject = kit.client(), unique(".ctx"), unique("delays")
    qualified = f":{name}:{subject}"
    await client.register_schema(unique("other"), schema("airport"))
    registered = await client.register_schema_full_response(qualified, schema("delay"))
    assert (registered.schema_id, registered.version) == (1, 1), registered
    assert registered.subject == qualified, registered
    assert name in await client.get_contexts() and "." in await client.get_contexts()
    assert qualified in await client.get_subjects()
    assert await client.get_subjects(subject_prefix=f":{name}:") == [qualified]
    assert qualified not in await client.get_subjects(subject_prefix=":.:")
    assert await client.get_versions(qualified) == [1]
    assert (await client.get_latest_version(qualified)).subject == qualified
    await refused(404, 40401, client.lookup_schema(subject, schema("airport")))

    read = await kit.client().get_schema(1, qualified)
    assert "Delay" in read.schema_str, read
    read = await kit.client().get_schema_by_guid(registered.guid)
    assert "Delay" in read.schema_str, read
    await client.delete_subject(qualified)
    assert await client.delete_subject(qualified, permanent=True) == [1]


async def check_a_context_in_the_url_is_the_whole_registry(kit):
    name, subject = unique(".ctx"), unique("delays")
    client = kit.client(f"/contexts/{name}")
    registered = await client.register_schema_full_response(subject, schema("delay"))
    assert registered.schema_id == 1, registered
    assert await kit.client().get_versions(f":{name}:{subject}") == [1]
    listed = await client.get_subjects()
    assert [each.rpartition(":")[2] for each in listed] == [subject], listed
    assert (await kit.client(f"/contexts/{name}").get_schema(1)).schema_type == "AVRO"
    assert (await kit.client(f"/contexts/{name}").lookup_schema(subject, schema("delay"))).version == 1
    assert (await kit.client(f"/contexts/{name}").get_schema_by_guid(registered.guid)).schema_type == "AVRO"
    await client.set_compatibility(subject, "FULL")
    assert await kit.client().get_compatibility(f":{name}:{subject}") == "FULL"
    assert await client.update_mode(subject, "READONLY") == "READONLY"
    assert await kit.client().get_mode(f":{name}:{subject}") == "READONLY"
    assert await client.test_compatibility(subject, schema("delay"))
    await client.delete_mode(subject)
    assert await client.delete_subject(subject) == [1]


async def check_the_default_context_may_be_named(kit):
    client, subject = kit.client(), unique("delays")
    id = await client.register_schema(f":.:{subject}", schema("delay"))
    found = await client.get_latest_version(subject)
    assert (found.schema_id, found.subject) == (id, subject), found


async def check_a_name_without_a_context_is_looked_for_in_all(kit):
    client, subject = kit.client(), unique("delays")
    await client.register_schema(f":{unique('.ctx')}:{subject}", schema("delay"))
    found = await client.get_version(subject, 1)
    assert found.subject.endswith(f":{subject}") and "Delay" in found.schema.schema_str, found


async def check_serdes_write_and_read_within_a_context(kit):
    for format in FORMATS:
        path, topic = f"/contexts/{unique('.ctx')}", unique("delays")
        kind = "Delay" if format == "protobuf" else schema("delay", format)
        reader = "Delay" if format == "protobuf" else None
        for conf in (None, {"schema.id.serializer": header_schema_id_serializer}):
            there = context(topic)
            serialize = await kit.serializer(format, kit.client(path), kind, conf)
            data = await serialize(record("Delay", DELAY, format), there)
            assert conf or schema_id(data) == 1, data
            for latest in (False, True):
                conf = {"use.latest.version": latest}
                deserialize = await kit.deserializer(format, kit.client(path), reader, conf)
                assert plain(await deserialize(data, there)) == DELAY


async def check_references_stay_within_their_context(kit):
    client, name = kit.client(), unique(".ctx")
    airports = unique("airports")
    await client.register_schema(f":{name}:{airports}", schema("airport"))
    flight = schema("flight", references=[SchemaReference("air.Airport", airports, 1)])
    await client.register_schema(f":{name}:flights", flight)
    assert await client.get_referenced_by(f":{name}:{airports}", 1) == [2]
    await refused(422, 42201, client.register_schema(unique("flights"), flight))


if __name__ == "__main__":
    main(globals())
