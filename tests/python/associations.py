"""Associations of topics with subjects: their calls, and the serializers that ask for them.

associations.py REGISTRY
"""

from confluent_kafka.schema_registry import AssociationCreateOrUpdateInfo, AssociationCreateOrUpdateRequest
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationError
from kit import FORMATS, context, fails, main, plain, record, refused, schema, schema_id, unique

DELAY = {"flight": "WN1", "minutes": 14, "note": "fog"}
CLUSTER = "subject.name.strategy.kafka.cluster.id"
FALLBACK = "subject.name.strategy.fallback.type"


def request(topic, *associations, namespace="cluster"):
    return AssociationCreateOrUpdateRequest(
        resource_name=topic,
        resource_namespace=namespace,
        resource_id=f"id-of-{topic}",
        resource_type="topic",
        associations=list(associations),
    )


def weak(subject, type="value"):
    return AssociationCreateOrUpdateInfo(subject=subject, association_type=type, lifecycle="WEAK")


def strong(subject, type="value", **rest):
    return AssociationCreateOrUpdateInfo(subject=subject, association_type=type, lifecycle="STRONG", **rest)


async def check_a_topic_without_associations_has_none(kit):
    assert await kit.client().get_associations_by_resource_name(unique("topic"), "-") == []
    found = kit.client().get_associations_by_resource_name(unique("topic"), "cluster", "topic", ["value"])
    assert await found == []


async def check_an_association_is_made_found_and_deleted(kit):
    client, topic, keys, values = kit.client(), unique("topic"), unique("keys"), unique("values")
    await client.register_schema(keys, schema("airport"))
    await client.register_schema(values, schema("delay"))
    made = await client.create_association(request(topic, weak(keys, "key"), weak(values)))
    assert (made.resource_name, made.resource_namespace) == (topic, "cluster"), made
    assert (made.resource_id, made.resource_type) == (f"id-of-{topic}", "topic"), made
    seen = [(each.association_type, each.subject, each.lifecycle, each.frozen) for each in made.associations]
    assert seen == [("key", keys, "WEAK", False), ("value", values, "WEAK", False)], made

    for namespace in ("cluster", "-"):
        find = client.get_associations_by_resource_name
        both = await find(topic, namespace)
        assert {(each.association_type, each.subject) for each in both} == {
            ("key", keys),
            ("value", values),
        }, both
        for each in both:
            assert (each.resource_name, each.resource_namespace) == (topic, "cluster"), each
            assert (each.resource_id, each.resource_type) == (f"id-of-{topic}", "topic"), each
        [only] = await find(topic, namespace, "topic", ["value"])
        assert only.subject == values, only
        assert len(await find(topic, namespace, "topic", ["key", "value"])) == 2
        assert len(await find(topic, namespace, limit=1)) == 1
        assert await find(topic, namespace, "topic", ["other"]) == []
    assert await client.get_associations_by_resource_name(topic, "other-cluster") == []

    assert await client.delete_associations(f"id-of-{topic}", "topic", ["key"]) is None
    [left] = await client.get_associations_by_resource_name(topic, "-")
    assert left.subject == values, left
    assert await client.delete_associations(f"id-of-{topic}") is None
    assert await client.get_associations_by_resource_name(topic, "-") == []
    assert await client.get_versions(values) == [1], "the subject stays"


async def check_a_strong_association_takes_its_subject_along(kit):
    client, topic = kit.client(), unique("topic")
    subject = f":.cluster:{topic}-value"
    await client.create_association(request(topic, strong(subject, schema=schema("delay"))))
    assert subject in await client.get_subjects()
    await client.delete_associations(f"id-of-{topic}", cascade_lifecycle=True)
    assert await client.get_associations_by_resource_name(topic, "-") == []
    assert subject not in await client.get_subjects()


async def check_a_frozen_association_brings_its_schema(kit):
    client, topic = kit.client(), unique("topic")
    subject = f":.cluster:{topic}-value"
    made = await client.create_association(
        request(topic, strong(subject, frozen=True, schema=schema("delay")))
    )
    [association] = made.associations
    assert association.frozen and association.schema.schema_type == "AVRO", made
    assert (await client.get_latest_version(subject)).version == 1
    [found] = await client.get_associations_by_resource_name(topic, "cluster")
    assert found.frozen and found.subject == subject, found
    await fails(SchemaRegistryError, client.delete_associations(f"id-of-{topic}"))
    await client.delete_associations(f"id-of-{topic}", cascade_lifecycle=True)
    assert await client.get_associations_by_resource_name(topic, "-") == []


async def check_associations_that_contradict_are_refused(kit):
    client, topic, other = kit.client(), unique("topic"), unique("topic")
    subject, second = unique("values"), unique("values")
    owned = f":.cluster:{other}-value"
    await refused(409, 40907, client.create_association(request(topic, weak(subject))))
    await client.register_schema(subject, schema("delay"))
    await client.register_schema(second, schema("delay"))
    await client.create_association(request(topic, weak(subject)))
    # one of a type for a resource; strong means alone
    await refused(409, 40903, client.create_association(request(topic, weak(second))))
    await refused(409, 40904, client.delete_subject(subject))
    await client.create_association(request(other, strong(owned, schema=schema("delay"))))
    await refused(409, 40905, client.create_association(request(unique("topic"), weak(owned))))
    await refused(422, 42212, client.create_association(request(unique("topic"), strong(second))))
    frozen = AssociationCreateOrUpdateInfo(
        subject=subject, association_type="key", lifecycle="WEAK", frozen=True
    )
    await refused(422, 42212, client.create_association(request(topic, frozen)))


async def check_serializers_write_under_the_associated_subject(kit):
    for format in FORMATS:
        client, topic, subject = kit.client(), unique("topic"), unique("values")
        id = await client.register_schema(subject, schema("delay", format))
        await client.create_association(request(topic, weak(subject)))
        kind = "Delay" if format == "protobuf" else schema("delay", format)
        for conf in (None, {"subject.name.strategy.conf": {CLUSTER: "cluster"}}):
            serialize = await kit.serializer(format, kit.client(), kind, conf)
            data = await serialize(record("Delay", DELAY, format), context(topic))
            assert schema_id(data) == id, data
            reader = "Delay" if format == "protobuf" else None
            deserialize = await kit.deserializer(format, kit.client(), reader, conf)
            assert plain(await deserialize(data, context(topic))) == DELAY
        await refused(404, 40401, client.get_latest_version(f"{topic}-value"))

        # the key has none
        serialize = await kit.serializer(format, kit.client(), kind)
        await serialize(record("Delay", DELAY, format), context(topic, MessageField.KEY))
        await registered(client, f"{topic}-key", id, format)
        # nor has the topic in another cluster
        elsewhere = {"subject.name.strategy.conf": {CLUSTER: "other-cluster"}}
        serialize = await kit.serializer(format, kit.client(), kind, elsewhere)
        await serialize(record("Delay", DELAY, format), context(topic))
        await registered(client, f"{topic}-value", id, format)


async def registered(client, subject, id, format):
    """The serializer's schema is there; a descriptor is another one than the text it came from."""
    found = await client.get_latest_version(subject)
    assert (found.version, found.schema_id == id) == (1, format != "protobuf"), found


async def check_the_fallback_is_taken_where_nothing_is_associated(kit):
    topic, client = unique("topic"), kit.client()
    for fallback, subject in (("TOPIC_RECORD", f"{topic}-air.Delay"), ("RECORD", "air.Delay")):
        conf = {"subject.name.strategy.conf": {FALLBACK: fallback}}
        serialize = await kit.serializer("avro", kit.client(), schema("delay"), conf)
        data = await serialize(DELAY, context(topic))
        assert (await kit.client().get_latest_version(subject)).schema_id == schema_id(data)
    conf = {"subject.name.strategy.conf": {FALLBACK: "NONE"}}
    serialize = await kit.serializer("avro", client, schema("delay"), conf)
    await fails(SerializationError, serialize(DELAY, context(topic)))


async def check_one_topic_name_in_two_clusters_is_ambiguous(kit):
    client, topic = kit.client(), unique("topic")
    for cluster in ("one", "two"):
        subject = unique("values")
        await client.register_schema(subject, schema("delay"))
        made = request(topic, weak(subject), namespace=cluster)
        made.resource_id += cluster
        await client.create_association(made)
    serialize = await kit.serializer("avro", client, schema("delay"))
    error = await fails(SerializationError, serialize(DELAY, context(topic)))
    assert "Multiple associated subjects" in str(error), error


if __name__ == "__main__":
    main(globals())
