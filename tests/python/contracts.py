"""Data contracts: metadata and rule sets are kept by the registry, the rules are run by the client.

contracts.py REGISTRY
"""

import contextlib
import json

from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    MetadataTags,
    Rule,
    RuleKind,
    RuleMode,
    RuleParams,
    RuleSet,
    Schema,
    ServerConfig,
)
from confluent_kafka.schema_registry.rules.cel.cel_executor import CelExecutor
from confluent_kafka.schema_registry.rules.cel.cel_field_executor import CelFieldExecutor
from confluent_kafka.schema_registry.rules.jsonata.jsonata_executor import JsonataExecutor
from confluent_kafka.serialization import SerializationError
from kit import FORMATS, context, fails, main, plain, record, refused, schema, text, unique

for executor in (CelExecutor, CelFieldExecutor, JsonataExecutor):
    executor.register()

DELAY = {"flight": "WN1", "minutes": 14, "note": "fog"}
LATEST = {"use.latest.version": True, "auto.register.schemas": False}


def rule(name, type, expr, mode=RuleMode.WRITE, kind=RuleKind.CONDITION, tags=None, **rest):
    fields = dict(doc=None, params=None, on_success=None, on_failure=None, disabled=False)
    return Rule(name=name, type=type, expr=expr, mode=mode, kind=kind, tags=tags, **{**fields, **rest})


def domain(*rules, **rest):
    return RuleSet(migration_rules=[], domain_rules=list(rules), **rest)


def owned(**properties):
    return Metadata(None, MetadataProperties(properties), None)


# every field of every kind of rule
WHOLE = RuleSet(
    migration_rules=[
        rule("up", "JSONATA", "$", RuleMode.UPGRADE, RuleKind.TRANSFORM),
        rule("down", "JSONATA", "$", RuleMode.DOWNGRADE, RuleKind.TRANSFORM),
    ],
    domain_rules=[
        rule(
            "positive",
            "CEL",
            "message.minutes > 0",
            RuleMode.WRITEREAD,
            doc="no flight leaves early",
            tags=["PII", "PRIVATE"],
            params=RuleParams({"dlq.topic": "late", "owner": "tower"}),
            on_success="NONE,NONE",
            on_failure="ERROR,NONE",
            disabled=True,
        )
    ],
    encoding_rules=[rule("payload", "ENCRYPT_PAYLOAD", "", RuleMode.WRITEREAD, RuleKind.TRANSFORM)],
    enable_at="CLIENT",
)


def filled(value):
    """A rule set without what is empty: an answer may leave that out."""
    if isinstance(value, dict):
        return {key: filled(each) for key, each in value.items() if each not in (None, False, "", [], {})}
    return [filled(each) for each in value] if isinstance(value, list) else value


async def serde(kit, format, conf=LATEST):
    """A function that writes a delay to a topic, and one that reads it."""
    serialize = await kit.serializer(format, kit.client(), "Delay" if format == "protobuf" else None, conf)
    reader = {key: value for key, value in conf.items() if key != "auto.register.schemas"}
    deserialize = await kit.deserializer(
        format, kit.client(), "Delay" if format == "protobuf" else None, reader
    )

    async def write(topic, value):
        return await serialize(record("Delay", value, format), context(topic))

    async def read(topic, data):
        return plain(await deserialize(data, context(topic)))

    return write, read


async def check_metadata_comes_back(kit):
    for format in FORMATS:
        client, subject = kit.client(), unique("delays")
        # this client cannot hash the lists of tags: tuples it can send, and the answer it does not take
        tags = MetadataTags({"**.note": ("PII", "PRIVATE"), "air.Delay.flight": ("PUBLIC",)})
        metadata = Metadata(tags, MetadataProperties({"owner": "tower", "text": 'π "quoted"'}), ["owner"])
        with contextlib.suppress(TypeError):
            await client.register_schema(subject, schema("delay", format, metadata=metadata))
        registered = await kit.client().get_latest_version(subject)
        read = registered.schema
        assert read.schema_type == format.upper(), read
        assert read.metadata.properties.properties == metadata.properties.properties, read
        assert read.metadata.tags.tags == {key: list(value) for key, value in tags.tags.items()}, read
        assert read.metadata.sensitive == ["owner"], read
        plain_id = await kit.client().register_schema(unique("delays"), schema("delay", format))
        assert registered.schema_id != plain_id, "metadata makes another schema"


async def check_a_rule_set_comes_back_as_it_was(kit):
    for format in FORMATS:
        client, subject = kit.client(), unique("delays")
        delay = schema("delay", format, rule_set=WHOLE, metadata=owned(owner="tower"))
        registered = await client.register_schema_full_response(subject, delay)
        for read in (
            registered.schema,
            (await kit.client().get_latest_version(subject)).schema,
            (await kit.client().get_version(subject, 1)).schema,
            await kit.client().get_schema(registered.schema_id),
            await kit.client().get_schema_by_guid(registered.guid),
            (await kit.client().get_latest_with_metadata(subject, {"owner": "tower"})).schema,
        ):
            assert filled(read.rule_set.to_dict()) == filled(WHOLE.to_dict()), read.rule_set
            assert read.metadata.properties.properties == {"owner": "tower"}, read
        assert (await kit.client().lookup_schema(subject, delay)).version == 1
        again = await kit.client().register_schema_full_response(subject, delay)
        assert (again.schema_id, again.version) == (registered.schema_id, 1), again


async def check_other_rules_make_another_version(kit):
    client, subject = kit.client(), unique("delays")
    first = await client.register_schema_full_response(subject, schema("delay"))
    rules = domain(rule("positive", "CEL", "message.minutes > 0"))
    second = await client.register_schema_full_response(subject, schema("delay", rule_set=rules))
    assert second.version == 2 and second.schema_id != first.schema_id, (first, second)
    assert second.guid != first.guid, (first, second)
    rules = domain(rule("positive", "CEL", "message.minutes > 1"))
    third = await client.register_schema_full_response(subject, schema("delay", rule_set=rules))
    assert third.version == 3, third
    # what is left out is taken from the version before
    same = await kit.client().register_schema_full_response(
        subject, schema("delay", metadata=owned(tier="1"))
    )
    assert same.version == 4, same
    latest = await kit.client().get_latest_version(subject)
    assert latest.schema.rule_set.domain_rules[0].expr == "message.minutes > 1", latest
    assert latest.schema.metadata.properties.properties == {"tier": "1"}, latest


async def check_rules_that_contradict_are_refused(kit):
    client = kit.client()
    twice = domain(rule("one", "CEL", "true"), rule("one", "CEL", "true"))
    upgrade = domain(rule("one", "CEL", "true", RuleMode.UPGRADE))
    write = RuleSet(migration_rules=[rule("one", "JSONATA", "$", RuleMode.WRITE)], domain_rules=[])
    for wrong in (twice, upgrade, write):
        await refused(422, 42210, client.register_schema(unique("delays"), schema("delay", rule_set=wrong)))


async def check_a_condition_is_enforced_when_writing(kit):
    for format in FORMATS:
        topic = unique("delays")
        rules = domain(rule("positive", "CEL", "message.minutes > 0"))
        await kit.client().register_schema(f"{topic}-value", schema("delay", format, rule_set=rules))
        write, read = await serde(kit, format)
        data = await write(topic, DELAY)
        assert await read(topic, data) == DELAY
        await fails(SerializationError, write(topic, {**DELAY, "minutes": -1}))


async def check_a_condition_is_enforced_when_reading(kit):
    for format in FORMATS:
        topic, client = unique("delays"), kit.client()
        await client.register_schema(f"{topic}-value", schema("delay", format))
        write, _ = await serde(kit, format)
        short, long = await write(topic, DELAY), await write(topic, {**DELAY, "minutes": 1000})
        rules = domain(rule("credible", "CEL", "message.minutes < 600", RuleMode.READ))
        await client.register_schema(f"{topic}-value", schema("delay", format, rule_set=rules))
        _, read = await serde(kit, format)
        assert await read(topic, short) == DELAY
        await fails(SerializationError, read(topic, long))


async def check_tagged_fields_are_transformed(kit):
    for format in FORMATS:
        topic = unique("delays")
        expr = "typeName == 'STRING' ; value + '!'"
        rules = domain(
            rule("mark", "CEL_FIELD", expr, RuleMode.WRITE, RuleKind.TRANSFORM, ["PII"]),
            rule("mark_again", "CEL_FIELD", expr, RuleMode.READ, RuleKind.TRANSFORM, ["PII"]),
        )
        # the tag PII is in the text of the schema, on its note
        await kit.client().register_schema(f"{topic}-value", schema("delay", format, rule_set=rules))
        write, read = await serde(kit, format)
        seen = await read(topic, await write(topic, DELAY))
        assert seen == {**DELAY, "note": "fog!!"}, seen


async def check_rules_that_are_off_do_not_run(kit):
    topic = unique("delays")
    rules = domain(rule("never", "CEL", "false", disabled=True))
    await kit.client().register_schema(f"{topic}-value", schema("delay", rule_set=rules))
    write, read = await serde(kit, "avro")
    assert await read(topic, await write(topic, DELAY)) == DELAY


async def check_rules_of_the_config_are_put_on_what_is_registered(kit):
    client, topic = kit.client(), unique("delays")
    subject = f"{topic}-value"
    default = domain(rule("positive", "CEL", "message.minutes > 0"))
    override = domain(rule("credible", "CEL", "message.minutes < 600"))
    await client.set_config(subject, ServerConfig(default_rule_set=default, override_rule_set=override))
    read = await client.get_config(subject)
    assert filled(read.default_rule_set.to_dict()) == filled(default.to_dict()), read
    assert filled(read.override_rule_set.to_dict()) == filled(override.to_dict()), read
    await client.register_schema(subject, schema("delay"))
    rules = (await kit.client().get_latest_version(subject)).schema.rule_set.domain_rules
    assert sorted(each.name for each in rules) == ["credible", "positive"], rules
    write, _ = await serde(kit, "avro")
    await write(topic, DELAY)
    for minutes in (-1, 1000):
        await fails(SerializationError, write(topic, {**DELAY, "minutes": minutes}))


def major(version, format):
    """The delay's schema; in version 2 its minutes are called late. JSONata goes both ways."""
    rename = "$merge([$sift($, function($v, $k) {$k != '%s'}), {'%s': $.'%s'}])"
    up = rule("up", "JSONATA", rename % ("minutes", "late", "minutes"), RuleMode.UPGRADE, RuleKind.TRANSFORM)
    down = rule(
        "down", "JSONATA", rename % ("late", "minutes", "late"), RuleMode.DOWNGRADE, RuleKind.TRANSFORM
    )
    rules = RuleSet(migration_rules=[up, down], domain_rules=[]) if version == "2" else None
    content = text("delay", format).replace("minutes", "late") if version == "2" else text("delay", format)
    return Schema(content, format.upper(), [], owned(major=version), rules)


async def check_an_old_record_is_read_as_a_new_one_and_back(kit):
    for format in FORMATS:
        client, topic = kit.client(), unique("delays")
        subject = f"{topic}-value"
        await client.set_config(subject, ServerConfig(compatibility_group="major"))
        old, new = {"flight": "WN1", "minutes": 14, "note": "fog"}, {
            "flight": "WN1",
            "late": 14,
            "note": "fog",
        }
        for version in "12":
            await client.register_schema(subject, major(version, format))
        serdes = {}
        for version in "12":
            conf = {"use.latest.with.metadata": {"major": version}, "auto.register.schemas": False}
            serdes[version] = await serde(kit, format, conf)
        write, read = serdes["1"]
        data = await write(topic, old)
        assert await read(topic, data) == old
        seen = await serdes["2"][1](topic, data)
        assert new.items() <= seen.items() and "minutes" not in seen, seen
        if format == "protobuf":
            continue  # there is no class of the new message to write
        write, read = serdes["2"]
        data = await write(topic, new)
        assert await read(topic, data) == new
        assert await serdes["1"][1](topic, data) == old


async def check_versions_between_are_migrated_one_by_one(kit):
    client, topic = kit.client(), unique("delays")
    subject = f"{topic}-value"
    await client.set_compatibility(subject, "NONE")
    names = ["minutes", "late", "behind", "overdue"]
    for version, (before, name) in enumerate(zip([None, *names], names)):
        delay = json.loads(text("delay", "json").replace('"minutes"', f'"{name}"'))
        expr = f"$merge([$sift($, function($v, $k) {{$k != '{before}'}}), {{'{name}': $.'{before}'}}])"
        up = rule(f"to_{name}", "JSONATA", expr, RuleMode.UPGRADE, RuleKind.TRANSFORM)
        rules = RuleSet(migration_rules=[up] if version else [], domain_rules=[])
        await client.register_schema(subject, Schema(json.dumps(delay), "JSON", [], None, rules))
        if not version:
            write, _ = await serde(kit, "json")
            data = await write(topic, DELAY)
    _, read = await serde(kit, "json")
    seen = await read(topic, data)
    assert seen == {"flight": "WN1", "overdue": 14, "note": "fog"}, seen


if __name__ == "__main__":
    main(globals())
