"""The registry client's calls.

registry.py REGISTRY
"""

import json

from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    ServerConfig,
)
from kit import FORMATS, main, refused, schema, text, unique

STRING = Schema('"string"', "AVRO")
# vector of the reference server: MD5 of the canonical text
STRING_GUID = "095d71cf-1255-6b9d-5e33-0ad575b3df5d"


def with_field(name, type="string", **more):
    """The delay's schema with one field more."""
    delay = json.loads(text("delay"))
    delay["fields"].append({"name": name, "type": type, **more})
    return Schema(json.dumps(delay), "AVRO")


OPTIONAL = with_field("gate", default="")
OTHER_OPTIONAL = with_field("crew", default="")
REQUIRED = with_field("gate")


async def check_a_schema_is_registered_once_and_found_again(kit):
    for format in FORMATS:
        client, subject, delay = kit.client(), unique("delays"), schema("delay", format)
        registered = await client.register_schema_full_response(subject, delay)
        assert registered.schema_id > 0 and registered.version == 1, registered
        assert registered.subject == subject and registered.guid, registered
        assert registered.schema.schema_type == format.upper(), registered
        again = await kit.client().register_schema_full_response(subject, delay)
        assert (again.schema_id, again.version) == (registered.schema_id, 1), again
        assert again.guid == registered.guid, again
        assert await kit.client().register_schema(subject, delay, normalize_schemas=True) > 0
        other = await kit.client().register_schema(unique("delays"), delay)
        assert other == registered.schema_id, "the same content has the same id in every subject"

        found = await kit.client().lookup_schema(subject, delay)
        assert (found.schema_id, found.version) == (registered.schema_id, 1), found
        assert (found.subject, found.guid) == (subject, registered.guid), found


async def check_what_is_not_there_is_refused(kit):
    client, subject = kit.client(), unique("delays")
    message = await refused(404, 40401, client.lookup_schema(subject, STRING))
    assert message == f"Subject '{subject}' not found.", message
    await client.register_schema(subject, STRING)
    await refused(404, 40403, client.lookup_schema(subject, schema("delay")))
    await refused(404, 40401, client.get_latest_version(unique("none")))
    await refused(404, 40402, client.get_version(subject, 7))
    await refused(422, 42202, client.get_version(subject, 0))
    await refused(404, 40403, client.get_schema(2_000_000_000))
    await refused(404, 40403, client.get_schema_by_guid("00000000-0000-0000-0000-000000000000"))
    await refused(404, 40401, client.get_versions(unique("none")))
    await refused(404, 40403, client.get_subjects_by_schema_id(2_000_000_000))
    await refused(404, 40403, client.get_schema_versions(2_000_000_000))
    await refused(404, 40408, client.get_config(subject))
    await refused(404, 40409, client.get_mode(subject))
    for format, wrong in (("AVRO", '{"type":"recrd"}'), ("JSON", '{"type":7}'), ("PROTOBUF", "message {")):
        await refused(422, 42201, client.register_schema(subject, Schema(wrong, format)))
    await refused(422, 42201, client.register_schema(subject, Schema('"string"', "THRIFT")))


async def check_a_schema_is_read_by_id_and_by_guid(kit):
    subject = unique("strings")
    registered = await kit.client().register_schema_full_response(subject, STRING)
    assert registered.guid == STRING_GUID, registered
    by_id = await kit.client().get_schema(registered.schema_id)
    assert (by_id.schema_str, by_id.schema_type) == ('"string"', "AVRO"), by_id
    by_subject = await kit.client().get_schema(registered.schema_id, subject)
    assert by_subject.schema_str == '"string"', by_subject
    by_guid = await kit.client().get_schema_by_guid(STRING_GUID)
    assert (by_guid.schema_str, by_guid.schema_type) == ('"string"', "AVRO"), by_guid

    client = kit.client()
    assert subject in await client.get_subjects_by_schema_id(registered.schema_id)
    assert await client.get_subjects_by_schema_id(registered.schema_id, subject_name=subject) == [subject]
    versions = await client.get_schema_versions(registered.schema_id, subject_name=subject)
    assert [(each.subject, each.version) for each in versions] == [(subject, 1)], versions
    assert sorted(await client.get_schema_types()) == ["AVRO", "JSON", "PROTOBUF"]


async def check_a_schema_keeps_its_type_and_its_text(kit):
    client = kit.client()
    for format in FORMATS:
        subject = unique("delays")
        id = await client.register_schema(subject, schema("delay", format))
        read = await kit.client().get_schema(id)
        assert read.schema_type == format.upper(), read
        if format == "protobuf":
            assert "message Delay" in read.schema_str and "air" in read.schema_str, read
        else:
            assert json.loads(read.schema_str) == json.loads(text("delay", format)), read


async def check_normalized_schemas_that_say_the_same_are_the_same(kit):
    pairs = (
        ("JSON", '{"type": "object", "title": "N"}', '{"title": "N", "type": "object"}'),
        (
            "AVRO",
            '{"type": "string", "b": 1, "a": {"y": 1, "x": 2}}',
            '{"a": {"x": 2, "y": 1}, "b": 1, "type": "string"}',
        ),
    )
    for format, one, other in pairs:
        subject = unique("normal")
        register, lookup = kit.client().register_schema_full_response, kit.client().lookup_schema
        first = await register(subject, Schema(one, format), normalize_schemas=True)
        again = await register(subject, Schema(other, format), normalize_schemas=True)
        assert (again.schema_id, again.version) == (first.schema_id, 1), again
        assert (await lookup(subject, Schema(other, format), normalize_schemas=True)).version == 1


async def check_versions_are_listed_read_and_paged(kit):
    client, subject = kit.client(), unique("delays")
    ids = [await client.register_schema(subject, each) for each in (schema("delay"), OPTIONAL)]
    await client.set_compatibility(subject, "NONE")
    ids.append(await client.register_schema(subject, STRING))
    assert await client.get_versions(subject) == [1, 2, 3]
    assert await client.get_versions(subject, offset=1, limit=1) == [2]
    second = await client.get_version(subject, 2)
    assert (second.subject, second.version, second.schema_id) == (subject, 2, ids[1]), second
    latest = await client.get_latest_version(subject)
    assert (latest.version, latest.schema_id, latest.schema.schema_str) == (3, ids[2], '"string"'), latest
    assert (await client.get_version(subject, "latest")).version == 3
    assert latest.guid == STRING_GUID, latest


async def check_subjects_are_listed_by_prefix_and_paged(kit):
    client, prefix = kit.client(), unique("many")
    names = [f"{prefix}-{number}" for number in range(3)]
    for name in names:
        await client.register_schema(name, STRING)
    assert set(names) <= set(await client.get_subjects())
    assert await client.get_subjects(subject_prefix=prefix) == names
    assert await client.get_subjects(subject_prefix=prefix, offset=1, limit=1) == names[1:2]
    await client.delete_subject(names[0])
    assert await client.get_subjects(subject_prefix=prefix) == names[1:]
    assert await client.get_subjects(subject_prefix=prefix, deleted=True) == names


async def check_a_name_of_any_characters_is_a_subject(kit):
    for name in ("air/airport.proto", "a b", "π", "100%", "a+b", "a?b#c", "a&b=c"):
        client, subject = kit.client(), unique(name)
        id = await client.register_schema(subject, STRING)
        assert (await client.get_latest_version(subject)).subject == subject
        assert (await kit.client().get_schema(id, subject)).schema_str == '"string"'
        assert await client.get_subjects(subject_prefix=subject) == [subject]
        assert await client.delete_subject(subject) == [1]


async def check_deletes_take_two_steps(kit):
    client, subject = kit.client(), unique("delays")
    delay = schema("delay")
    id = await client.register_schema(subject, delay)
    await client.register_schema(subject, OPTIONAL)
    await refused(404, 40407, client.delete_version(subject, 2, permanent=True))
    assert await client.delete_version(subject, 2) == 2
    await refused(404, 40406, client.delete_version(subject, 2))
    assert await client.get_versions(subject) == [1]
    assert await client.get_versions(subject, deleted=True) == [1, 2]
    await refused(404, 40402, kit.client().get_version(subject, 2))
    assert (await kit.client().get_version(subject, 2, deleted=True)).version == 2
    await refused(404, 40403, kit.client().lookup_schema(subject, OPTIONAL))
    assert (await kit.client().lookup_schema(subject, OPTIONAL, deleted=True)).version == 2
    assert await client.delete_version(subject, 2, permanent=True) == 2
    assert await client.get_versions(subject, deleted=True) == [1]

    await refused(404, 40405, client.delete_subject(subject, permanent=True))
    assert await client.delete_subject(subject) == [1]
    await refused(404, 40404, client.delete_subject(subject))
    assert subject not in await client.get_subjects()
    assert (await kit.client().get_schema(id)).schema_type == "AVRO", "readable by its id"
    assert await client.get_subjects_by_schema_id(id, subject_name=subject, deleted=True) == [subject]
    assert await client.delete_subject(subject, permanent=True) == [1]
    assert subject not in await client.get_subjects(deleted=True)
    await refused(404, 40401, client.delete_subject(subject))


async def check_references_are_kept_and_guard_what_they_name(kit):
    for format in FORMATS:
        client, airports, flights = kit.client(), unique("airports"), unique("flights")
        name = {"avro": "air.Airport", "json": "airport.schema.json", "protobuf": "air/airport.proto"}[format]
        reference = SchemaReference(name=name, subject=airports, version=1)
        flight = schema("flight", format, [reference])
        await refused(422, 42201, client.register_schema(flights, flight))
        await client.register_schema(airports, schema("airport", format))
        id = await client.register_schema(flights, flight)
        for read in (
            await kit.client().get_schema(id),
            (await kit.client().get_version(flights, 1)).schema,
            (await kit.client().get_latest_version(flights)).schema,
        ):
            assert read.references == [reference], read
        assert (await kit.client().lookup_schema(flights, flight)).version == 1
        assert await client.get_referenced_by(airports, 1) == [id]
        assert await client.get_referenced_by(airports) == [id]
        await refused(422, 42206, client.delete_version(airports, 1))
        await refused(422, 42206, client.delete_subject(airports))
        await client.delete_subject(flights)
        await client.delete_subject(flights, permanent=True)
        assert await client.get_referenced_by(airports, 1) == []
        assert await client.delete_subject(airports) == [1]


async def check_compatibility_is_tested_and_enforced(kit):
    client, subject = kit.client(), unique("delays")
    assert await client.test_compatibility(subject, STRING), "nothing to be compatible with"
    await client.register_schema(subject, schema("delay"))
    assert await client.test_compatibility(subject, OPTIONAL)
    assert not await client.test_compatibility(subject, REQUIRED)
    assert not await client.test_compatibility(subject, REQUIRED, version=1, verbose=True)
    assert not await client.test_compatibility_all_versions(subject, REQUIRED, normalize=True)
    await refused(404, 40402, client.test_compatibility(subject, OPTIONAL, version=9))
    message = await refused(409, 40901, client.register_schema(subject, REQUIRED))
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in message, message
    await refused(409, 40901, client.register_schema(subject, schema("delay", "json")))

    await client.set_compatibility(subject, "forward")
    assert await client.get_compatibility(subject) == "FORWARD"
    assert await client.test_compatibility(subject, REQUIRED)
    await client.register_schema(subject, REQUIRED)
    await client.set_compatibility(subject, "BACKWARD_TRANSITIVE")
    assert await client.test_compatibility(subject, OPTIONAL), "against the latest"
    assert await client.test_compatibility_all_versions(subject, OPTIONAL)
    await refused(422, 42203, client.set_compatibility(subject, "SIDEWARD"))


async def check_json_and_protobuf_have_their_own_compatibility(kit):
    client, subject = kit.client(), unique("delays")
    await client.register_schema(subject, schema("delay", "json"))
    changed = json.loads(text("delay", "json"))
    changed["properties"]["minutes"] = {"type": "string"}
    assert not await client.test_compatibility(subject, Schema(json.dumps(changed), "JSON"))
    changed = json.loads(text("delay", "json"))
    changed["properties"]["gate"] = {"type": "string"}
    assert await client.test_compatibility(subject, Schema(json.dumps(changed), "JSON")), "closed, optional"
    changed["required"].append("gate")
    assert not await client.test_compatibility(subject, Schema(json.dumps(changed), "JSON"))

    subject = unique("airports")
    await client.register_schema(subject, schema("airport", "protobuf"))
    proto = text("airport", "protobuf")
    more = Schema(proto.replace("string city = 2;", "string city = 2;\n  int32 gates = 3;"), "PROTOBUF")
    assert await client.test_compatibility(subject, more)
    other = Schema(proto.replace("string city = 2;", "int32 city = 2;"), "PROTOBUF")
    assert not await client.test_compatibility(subject, other)
    await refused(409, 40901, client.register_schema(subject, other))


async def check_a_config_keeps_all_its_fields(kit):
    client, subject = kit.client(), unique("delays")
    default = Metadata(None, MetadataProperties({"owner": "tower"}), ["owner"])
    override = Metadata(None, MetadataProperties({"reviewed": "yes"}), None)
    config = ServerConfig(
        compatibility=ConfigCompatibilityLevel.FULL,
        compatibility_group="major",
        default_metadata=default,
        override_metadata=override,
    )
    echo = await client.set_config(subject, config)
    assert echo["compatibility"] == "FULL" and echo["compatibilityGroup"] == "major", echo
    read = await client.get_config(subject)
    assert read.compatibility_level == ConfigCompatibilityLevel.FULL, read
    assert read.compatibility_group == "major", read
    assert read.default_metadata.properties.properties == {"owner": "tower"}, read
    assert read.default_metadata.sensitive == ["owner"], read
    assert read.override_metadata.properties.properties == {"reviewed": "yes"}, read

    # a field that is not sent stays; both names of the level are taken
    both = ServerConfig(
        compatibility=ConfigCompatibilityLevel.NONE, compatibility_level=ConfigCompatibilityLevel.NONE
    )
    await client.set_config(subject, both)
    read = await client.get_config(subject)
    assert (read.compatibility_level, read.compatibility_group) == (
        ConfigCompatibilityLevel.NONE,
        "major",
    ), read
    deleted = await client.delete_config(subject)
    assert deleted.compatibility_group == "major", deleted
    await refused(404, 40408, client.get_config(subject))
    await refused(404, 40401, client.delete_config(subject))


async def check_metadata_of_the_config_is_put_on_what_is_registered(kit):
    client, subject = kit.client(), unique("delays")
    config = ServerConfig(
        default_metadata=Metadata(None, MetadataProperties({"owner": "tower", "tier": "1"}), None),
        override_metadata=Metadata(None, MetadataProperties({"reviewed": "yes"}), None),
    )
    await client.set_config(subject, config)
    own = Metadata(None, MetadataProperties({"owner": "crew", "reviewed": "no"}), None)
    await client.register_schema(subject, schema("delay", metadata=own))
    read = (await kit.client().get_latest_version(subject)).schema.metadata.properties.properties
    assert read == {"owner": "crew", "tier": "1", "reviewed": "yes"}, read


async def check_the_global_config_is_what_subjects_without_one_have(kit):
    client, subject = kit.client(), unique("delays")
    assert await client.get_compatibility() == "BACKWARD"
    await client.register_schema(subject, schema("delay"))
    try:
        await client.set_compatibility(level="NONE")
        assert await client.get_compatibility() == "NONE"
        assert (await client.get_config()).compatibility_level == ConfigCompatibilityLevel.NONE
        assert await client.test_compatibility(subject, REQUIRED)
    finally:
        deleted = await client.delete_config()
    assert deleted.compatibility_level == ConfigCompatibilityLevel.NONE, deleted
    assert await client.get_compatibility() == "BACKWARD"
    assert not await client.test_compatibility(subject, REQUIRED)


async def check_a_compatibility_group_is_compared_within_itself(kit):
    client, subject = kit.client(), unique("delays")
    await client.set_config(subject, ServerConfig(compatibility_group="major"))

    def major(each, number):
        properties = MetadataProperties({"major": number})
        return Schema(each.schema_str, "AVRO", [], Metadata(None, properties, None))

    await client.register_schema(subject, major(schema("delay"), "1"))
    await refused(409, 40901, client.register_schema(subject, major(REQUIRED, "1")))
    assert (await client.register_schema_full_response(subject, major(REQUIRED, "2"))).version == 2


async def check_a_read_only_subject_takes_nothing(kit):
    client, subject = kit.client(), unique("delays")
    await client.register_schema(subject, schema("delay"))
    assert await client.update_mode(subject, "READONLY") == "READONLY"
    assert await client.get_mode(subject) == "READONLY"
    await refused(422, 42205, kit.client().register_schema(subject, OPTIONAL))
    await refused(422, 42205, client.delete_subject(subject))
    assert await client.delete_mode(subject) == "READONLY"
    await refused(404, 40409, client.get_mode(subject))
    await client.register_schema(subject, OPTIONAL)
    await refused(422, 42204, client.update_mode(subject, "SIDEWARD"))


async def check_import_mode_asks_for_an_empty_subject_or_force(kit):
    client, subject = kit.client(), unique("delays")
    await client.register_schema(subject, schema("delay"))
    await refused(422, 42205, client.update_mode(subject, "IMPORT"))
    assert await client.update_mode(subject, "IMPORT", force=True) == "IMPORT"
    # this client sends no ids, and import wants them
    await refused(422, 42205, kit.client().register_schema(subject, OPTIONAL))
    assert await client.delete_mode(subject) == "IMPORT"
    assert await client.update_mode(unique("empty"), "IMPORT") == "IMPORT"


async def check_the_global_mode_is_what_subjects_without_one_have(kit):
    client, subject = kit.client(), unique("delays")
    assert await client.get_global_mode() == "READWRITE"
    try:
        assert await client.update_global_mode("READONLY") == "READONLY"
        await refused(422, 42205, client.register_schema(subject, STRING))
    finally:
        assert await client.update_global_mode("READWRITE", force=True) == "READWRITE"
    await client.register_schema(subject, STRING)


async def check_metadata_finds_the_newest_version_that_has_it(kit):
    client, subject = kit.client(), unique("delays")
    for each, properties in (
        (schema("delay"), {"major": "1", "owner": "tower"}),
        (OPTIONAL, {"major": "1", "owner": "crew"}),
        (OTHER_OPTIONAL, {"major": "2", "owner": "crew"}),
    ):
        metadata = Metadata(None, MetadataProperties(properties), None)
        await client.register_schema(subject, Schema(each.schema_str, "AVRO", [], metadata))
    newest = await client.get_latest_with_metadata(subject, {"major": "1"})
    assert newest.version == 2 and newest.subject == subject, newest
    assert newest.schema.metadata.properties.properties == {"major": "1", "owner": "crew"}, newest
    assert (await client.get_latest_with_metadata(subject, {"major": "1", "owner": "tower"})).version == 1
    await refused(404, 40403, client.get_latest_with_metadata(subject, {"major": "3"}))
    await refused(404, 40401, client.get_latest_with_metadata(unique("none"), {"major": "1"}))
    await client.delete_version(subject, 2)
    assert (await kit.client().get_latest_with_metadata(subject, {"major": "1"})).version == 1
    assert (await kit.client().get_latest_with_metadata(subject, {"major": "1"}, deleted=True)).version == 2


async def check_formats_are_asked_for(kit):
    client, airports, flights = kit.client(), unique("airports"), unique("flights")
    await client.register_schema(airports, schema("airport"))
    reference = SchemaReference(name="air.Airport", subject=airports, version=1)
    id = await client.register_schema(flights, schema("flight", references=[reference]))
    for resolved in (
        (await kit.client().get_latest_version(flights, fmt="resolved")).schema,
        (await kit.client().get_version(flights, 1, fmt="resolved")).schema,
        await kit.client().get_schema(id, fmt="resolved"),
    ):
        origin = json.loads(resolved.schema_str)["fields"][0]["type"]
        assert isinstance(origin, dict) and origin["name"] == "Airport", resolved


if __name__ == "__main__":
    main(globals())
