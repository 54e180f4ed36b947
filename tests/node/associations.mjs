// Associations of topics with subjects: associations.mjs REGISTRY

import assert from "node:assert/strict";

import {
  FORMATS,
  client,
  confluent,
  deserializer,
  fails,
  main,
  plain,
  record,
  refused,
  schema,
  schemaId,
  serializer,
  unique,
} from "./kit.mjs";

const { FALLBACK_TYPE, KAFKA_CLUSTER_ID, RestError, SerdeType } = confluent;
const DELAY = { flight: "WN1", minutes: 14, note: "fog" };

const weak = (subject, associationType = "value") => ({ subject, associationType, lifecycle: "WEAK" });
const strong = (subject, more = {}) => ({ subject, associationType: "value", lifecycle: "STRONG", ...more });

const request = (resourceName, ...associations) => ({
  resourceName,
  resourceNamespace: "cluster",
  resourceId: `id-of-${resourceName}`,
  resourceType: "topic",
  associations,
});

const find = (url, topic, namespace = "-", types = [], lifecycle = null, limit = -1) =>
  client(url).getAssociationsByResourceName(topic, namespace, "topic", types, lifecycle, 0, limit);

async function a_topic_without_associations_has_none(url) {
  assert.deepEqual(await find(url, unique("topic")), []);
  assert.deepEqual(await find(url, unique("topic"), "cluster", ["value"]), []);
}

async function an_association_is_made_found_and_deleted(url) {
  const [topic, keys, values] = [unique("topic"), unique("keys"), unique("values")];
  await client(url).register(keys, schema("airport"));
  await client(url).register(values, schema("delay"));
  const made = await client(url).createAssociation(request(topic, weak(keys, "key"), weak(values)));
  assert.deepEqual([made.resourceName, made.resourceNamespace], [topic, "cluster"]);
  assert.deepEqual([made.resourceId, made.resourceType], [`id-of-${topic}`, "topic"]);
  const seen = made.associations.map((each) => [each.associationType, each.subject, each.lifecycle]);
  assert.deepEqual(seen, [
    ["key", keys, "WEAK"],
    ["value", values, "WEAK"],
  ]);

  for (const namespace of ["cluster", "-"]) {
    const [only, ...none] = await find(url, topic, namespace, ["value"]);
    assert.deepEqual(none, []);
    const { subject, resourceName, resourceNamespace, resourceId, resourceType, lifecycle } = only;
    assert.deepEqual([subject, resourceName, resourceNamespace], [values, topic, "cluster"]);
    assert.deepEqual([resourceId, resourceType, lifecycle], [`id-of-${topic}`, "topic", "WEAK"]);
    assert.equal((await find(url, topic, namespace, ["key", "value"])).length, 2);
    assert.equal((await find(url, topic, namespace, [], null, 1)).length, 1);
    assert.equal((await find(url, topic, namespace, [], "WEAK")).length, 2);
    assert.deepEqual(await find(url, topic, namespace, [], "STRONG"), []);
  }
  assert.deepEqual(await find(url, topic, "other-cluster"), []);

  await client(url).deleteAssociations(`id-of-${topic}`, "topic", ["key"], false);
  assert.deepEqual(
    (await find(url, topic)).map((each) => each.subject),
    [values],
  );
  await client(url).deleteAssociations(`id-of-${topic}`, null, null, true);
  assert.deepEqual(await find(url, topic), []);
  for (const subject of [keys, values]) {
    assert.equal((await client(url).getLatestSchemaMetadata(subject)).version, 1);
  }
}

async function a_frozen_association_brings_its_schema(url) {
  const topic = unique("topic");
  const subject = `:.cluster:${topic}-value`;
  const more = { frozen: true, schema: schema("delay") };
  const made = await client(url).createAssociation(request(topic, strong(subject, more)));
  assert.deepEqual([made.associations[0].frozen, made.associations[0].subject], [true, subject]);
  assert.equal((await client(url).getLatestSchemaMetadata(subject)).version, 1);
  await assert.rejects(client(url).deleteAssociations(`id-of-${topic}`, null, null, false), RestError);
  await client(url).deleteAssociations(`id-of-${topic}`, null, null, true);
  await refused(404, 40401, client(url).getLatestSchemaMetadata(subject));
}

async function associations_that_contradict_are_refused(url) {
  const [topic, subject, second] = [unique("topic"), unique("values"), unique("values")];
  await refused(409, 40907, client(url).createAssociation(request(topic, weak(subject))));
  await client(url).register(subject, schema("delay"));
  await client(url).register(second, schema("delay"));
  await client(url).createAssociation(request(topic, weak(subject)));
  await refused(409, 40903, client(url).createAssociation(request(topic, weak(second))));
  await refused(409, 40904, client(url).deleteSubject(subject));
  await refused(422, 42212, client(url).createAssociation(request(unique("topic"), strong(second))));
}

async function serializers_write_under_the_associated_subject(url) {
  for (const format of FORMATS) {
    const [topic, subject] = [unique("topic"), unique("values")];
    const id = await client(url).register(subject, schema("delay", format));
    await client(url).createAssociation(request(topic, weak(subject)));
    for (const subjectNameStrategyConfig of [{}, { [KAFKA_CLUSTER_ID]: "cluster" }]) {
      const conf = { useLatestVersion: true, subjectNameStrategyConfig };
      const to = serializer(format, client(url), conf);
      const data = await to.serialize(topic, record("Delay", DELAY, format));
      assert.equal(schemaId(data), id);
      const from = deserializer(format, client(url), conf);
      assert.deepEqual(plain("Delay", await from.deserialize(topic, data), format), DELAY);
    }
    await refused(404, 40401, client(url).getLatestSchemaMetadata(`${topic}-value`));
    // the key has none, nor has the topic in another cluster
    const key = serializer(format, client(url), { useLatestVersion: true }, SerdeType.KEY);
    await refused(404, 40401, key.serialize(topic, record("Delay", DELAY, format)));
    const subjectNameStrategyConfig = { [KAFKA_CLUSTER_ID]: "other-cluster" };
    const other = serializer(format, client(url), { useLatestVersion: true, subjectNameStrategyConfig });
    await refused(404, 40401, other.serialize(topic, record("Delay", DELAY, format)));
  }
}

async function without_a_fallback_nothing_is_written(url) {
  const subjectNameStrategyConfig = { [FALLBACK_TYPE]: "NONE" };
  const to = serializer("avro", client(url), { useLatestVersion: true, subjectNameStrategyConfig });
  await fails("No associated subject", to.serialize(unique("topic"), DELAY));
}

await main([
  a_topic_without_associations_has_none,
  an_association_is_made_found_and_deleted,
  a_frozen_association_brings_its_schema,
  associations_that_contradict_are_refused,
  serializers_write_under_the_associated_subject,
  without_a_fallback_nothing_is_written,
]);
