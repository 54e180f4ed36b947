// kafkajs: `node kafkajs.mjs BOOTSTRAP PREFIX` prints a line of JSON for each step.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";

const { CompressionTypes, ConfigResourceTypes, Kafka, Partitioners, logLevel } =
  createRequire(`${process.env.WEIR_TEST_NODE}/`)("kafkajs");

/** No step takes so long that ends at all. */
const PATIENCE_MS = 60_000;

const [bootstrap, prefix] = process.argv.slice(2);
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
const admin = kafka.admin();
const name = (what) => `${prefix}-${what}`;
const topic = name("records");
const group = name("readers");
let failed = false;

async function step(what, run) {
  const begin = Date.now();
  const said = { step: what, ok: true };
  const late = pause(PATIENCE_MS, undefined, { ref: false }).then(() => assert.fail(`no end after ${PATIENCE_MS} ms`));
  try {
    await Promise.race([run(), late]);
  } catch (error) {
    failed = true;
    Object.assign(said, { ok: false, error: `${error.name}: ${error.message}`.slice(0, 1000) });
  }
  console.log(JSON.stringify({ ...said, ms: Date.now() - begin }));
}

/** Asks until the answer is as expected: what a broker answers may take effect a moment later. */
async function wait(expected, ask) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await ask();
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    if (Date.now() > end) assert.deepEqual(found, expected);
    await pause(20);
  }
}

// Keys twice, a header, a record without key and one without value.
const RECORDS = [
  ...Array.from({ length: 10 }, (_, i) => ({ key: `k${i % 5}`, value: `v${i}`, headers: {} })),
  { key: null, value: "no key", headers: { h: ["1", "2"], empty: "" } },
  { key: "no value", value: null, headers: {} },
];
const COMPRESSIBLE = Array.from({ length: 5 }, (_, i) => ({ key: null, value: `${i} compressible `.repeat(100), headers: {} }));

const text = (value) => (value === null ? null : Array.isArray(value) ? value.map(String) : String(value));

function ofMessage(partition, message) {
  const headers = Object.fromEntries(Object.entries(message.headers).map(([key, value]) => [key, text(value)]));
  return { key: text(message.key), value: text(message.value), headers, partition, offset: message.offset };
}

function sameRecords(read, written) {
  const plain = (records) => records.map(({ key, value, headers }) => JSON.stringify({ key, value, headers })).sort();
  assert.deepEqual(plain(read), plain(written));
  const places = new Map();
  for (const { key, partition } of read.filter(({ key }) => key !== null)) {
    assert.equal(places.get(key) ?? partition, partition, `partition of ${key}`);
    places.set(key, partition);
  }
}

async function produce(to, messages, compression = CompressionTypes.None) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic: to, messages, compression, acks: -1 });
  await producer.disconnect();
}

/** A member of a group; `held` is how many partitions it has. */
async function member(of, from, options = {}) {
  const consumer = kafka.consumer({ groupId: of, heartbeatInterval: 100, maxWaitTimeInMs: 50, rebalanceTimeout: 5000, ...options });
  const state = { held: 0, read: [], consumer };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    state.held = Object.values(payload.memberAssignment).flat().length;
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [from], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachMessage: async ({ partition, message }) => state.read.push(ofMessage(partition, message)) });
  return state;
}

/** Reads so many records in a group, does something and leaves. */
async function read(of, from, count, then = async () => {}, options = {}) {
  const reader = await member(of, from, options);
  await wait(true, () => reader.read.length >= count);
  await then(reader);
  await reader.consumer.disconnect();
  return reader.read;
}

const create = (what, partitions, configEntries = []) =>
  admin.createTopics({ topics: [{ topic: what, numPartitions: partitions, replicationFactor: 1, configEntries }] });

async function config(wanted) {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [wanted] }];
  return (await admin.describeConfigs({ resources })).resources[0].configEntries[0].configValue;
}

async function committed(of) {
  const [found] = await admin.fetchOffsets({ groupId: of, topics: [topic] });
  return found.partitions.reduce((sum, { offset }) => sum + Math.max(Number(offset), 0), 0);
}

async function transaction(id, value, commits, offsets) {
  const producer = kafka.producer({ transactionalId: id, maxInFlightRequests: 1, idempotent: true, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const open = await producer.transaction();
  await open.send({ topic: name("txn"), messages: [{ value }] });
  if (offsets) await open.sendOffsets(offsets);
  await (commits ? open.commit() : open.abort());
  await producer.disconnect();
}

async function sees(uncommitted, ...values) {
  const found = await read(name(`see-${values.length}-${uncommitted}`), name("txn"), values.length, undefined, { readUncommitted: uncommitted });
  assert.deepEqual(found.map(({ value }) => value), values);
}

await admin.connect();

await step("create_topic", async () => {
  assert.equal(await create(topic, 2, [{ name: "max.message.bytes", value: "100000" }]), true);
  assert.equal(await create(topic, 2), false);
});
await step("describe_config", async () => {
  assert.equal(await config("max.message.bytes"), "100000");
  assert.equal((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 2);
});
await step("alter_config", async () => {
  const configEntries = [{ name: "max.message.bytes", value: "100000" }, { name: "retention.ms", value: "123456789" }];
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] });
  await wait("123456789", () => config("retention.ms"));
});
await step("records", async () => {
  await produce(topic, RECORDS);
  sameRecords(await read(name("all"), topic, RECORDS.length), RECORDS);
});
await step("gzip", async () => {
  await create(name("gzip"), 1);
  await produce(name("gzip"), COMPRESSIBLE, CompressionTypes.GZIP);
  sameRecords(await read(name("all-gzip"), name("gzip"), COMPRESSIBLE.length), COMPRESSIBLE);
});
await step("rebalance", async () => {
  const stays = await member(name("shared"), topic);
  await wait(2, () => stays.held);
  const leaves = await member(name("shared"), topic);
  await wait([1, 1], () => [stays.held, leaves.held]);
  await leaves.consumer.disconnect();
  await wait(2, () => stays.held);
  await stays.consumer.disconnect();
});
await step("commit", async () => {
  await read(group, topic, RECORDS.length, async ({ consumer, read }) => {
    const next = (partition) => String(Math.max(...read.filter((one) => one.partition === partition).map(({ offset }) => Number(offset) + 1), 0));
    await consumer.commitOffsets([0, 1].map((partition) => ({ topic, partition, offset: next(partition) })));
  });
  assert.equal(await committed(group), RECORDS.length);
});
await step("resume", async () => {
  const later = [{ key: null, value: "later", headers: {} }];
  await produce(topic, later);
  sameRecords(await read(group, topic, 1), later);
});
await step("seek", async () => {
  const offsets = (records) => records.filter(({ partition }) => partition === 0).map(({ offset }) => offset);
  const found = await read(name("seek"), topic, RECORDS.length + 1, async ({ consumer, read }) => {
    read.length = 0;
    consumer.seek({ topic, partition: 0, offset: "1" });
    await wait(true, () => read.length > 0);
  });
  assert.equal(offsets(found)[0], "1");
});
await step("txn_commit", async () => {
  await create(name("txn"), 1);
  await transaction(name("txn"), "committed", true);
  await sees(false, "committed");
});
await step("txn_abort", async () => {
  await transaction(name("txn"), "aborted", false);
  await transaction(name("txn"), "last", true);
  await sees(false, "committed", "last");
  await sees(true, "committed", "aborted", "last");
});
await step("txn_offsets", async () => {
  const offsets = { consumerGroupId: name("etl"), topics: [{ topic, partitions: [{ partition: 0, offset: "3" }] }] };
  await transaction(name("etl"), "moved", false, offsets);
  await wait(0, () => committed(name("etl")));
  await transaction(name("etl"), "moved", true, offsets);
  await wait(3, () => committed(name("etl")));
});
await step("groups", async () => {
  assert(((await admin.listGroups()).groups).some(({ groupId }) => groupId === group));
  const here = await member(group, topic);
  await wait(2, () => here.held);
  const { groups } = await admin.describeGroups([group]);
  assert.deepEqual([groups[0].state, groups[0].members.length], ["Stable", 1]);
  await here.consumer.disconnect();
});
await step("lag", async () => {
  const ends = await admin.fetchTopicOffsets(topic);
  assert.equal(ends.reduce((sum, { high }) => sum + Number(high), 0) - (await committed(group)), 1);
});
await step("delete_records", async () => {
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "1" }] });
  const place = (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === 0);
  assert.equal(place.low, "1");
});
await step("delete_group", async () => admin.deleteGroups([group]));
await step("delete_topic", async () => {
  await admin.deleteTopics({ topics: [topic] });
  await wait(false, async () => (await admin.listTopics()).includes(topic));
});
await admin.disconnect();
process.exit(failed ? 1 : 0);
