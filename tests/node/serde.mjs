// The serializers and deserializers of one format: serde.mjs REGISTRY avro|json|protobuf

import assert from "node:assert/strict";

import {
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
  text,
  unique,
} from "./kit.mjs";

const { HeaderSchemaIdSerializer, PrefixSchemaIdDeserializer, SerdeType } = confluent;
const DELAY = { flight: "WN1", minutes: 14, note: "fog" };
const FLIGHT = {
  origin: { code: "SFO", city: "San Francisco" },
  destination: { code: "LAX", city: "Los Angeles" },
  distance: 337,
};
const REFERENCE = { avro: "air.Airport", json: "airport.schema.json", protobuf: "air/airport.proto" };
const LATEST = { useLatestVersion: true };
const FIELDS = [
  [SerdeType.VALUE, "value"],
  [SerdeType.KEY, "key"],
];

/** The delay's schema with one optional field more. */
function evolved(format) {
  const old = text("delay", format);
  if (format === "protobuf") {
    return { schema: old.replace("reserved 10", "string gate = 11;\n  reserved 10"), schemaType: "PROTOBUF" };
  }
  const delay = JSON.parse(old);
  if (format === "json") delay.properties.gate = { type: "string" };
  else delay.fields.push({ name: "gate", type: "string", default: "?" });
  return { schema: JSON.stringify(delay), schemaType: format.toUpperCase() };
}

const write = (url, format, topic, conf = LATEST, { value = DELAY, type, headers } = {}) =>
  serializer(format, client(url), conf, type).serialize(topic, record("Delay", value, format), headers);

const read = async (url, format, topic, data, conf = {}, { type, headers } = {}) =>
  plain(
    "Delay",
    await deserializer(format, client(url), conf, type).deserialize(topic, data, headers),
    format,
  );

async function a_value_and_a_key_come_back(url, format) {
  for (const [type, name] of FIELDS) {
    const topic = unique("delays");
    const id = await client(url).register(`${topic}-${name}`, schema("delay", format));
    const data = await write(url, format, topic, LATEST, { type });
    assert.equal(schemaId(data), id);
    assert.deepEqual(await read(url, format, topic, data, {}, { type }), DELAY);
    const prefix = { schemaIdDeserializer: PrefixSchemaIdDeserializer };
    assert.deepEqual(await read(url, format, topic, data, prefix, { type }), DELAY);
  }
}

async function the_guid_goes_in_a_header(url, format) {
  for (const [type, name] of FIELDS) {
    const topic = unique("delays");
    const { guid } = await client(url).registerFullResponse(`${topic}-${name}`, schema("delay", format));
    const headers = {};
    const conf = { ...LATEST, schemaIdSerializer: HeaderSchemaIdSerializer };
    const data = await write(url, format, topic, conf, { type, headers });
    const header = headers[`__${name}_schema_id`];
    assert.deepEqual([header[0], header.toString("hex", 1, 17)], [1, guid.replaceAll("-", "")]);
    assert.deepEqual(await read(url, format, topic, data, {}, { type, headers }), DELAY);
    assert.deepEqual(await read(url, format, unique("elsewhere"), data, {}, { type, headers }), DELAY);
  }
}

async function one_serializer_writes_many_records(url, format) {
  const topic = unique("delays");
  await client(url).register(`${topic}-value`, schema("delay", format));
  const [to, from] = [serializer(format, client(url), LATEST), deserializer(format, client(url))];
  for (let minutes = 1; minutes < 50; minutes += 1) {
    const delay = { ...DELAY, minutes };
    const data = await to.serialize(topic, record("Delay", delay, format));
    assert.deepEqual(plain("Delay", await from.deserialize(topic, data), format), delay);
  }
}

/** Avro and JSON schemas are derived from the value. */
async function what_is_not_registered_is_registered_if_asked(url, format) {
  const topic = unique("delays");
  await refused(404, 40401, write(url, format, topic, {}));
  const data = await write(url, format, topic, { autoRegisterSchemas: true, normalizeSchemas: true });
  const latest = await client(url).getLatestSchemaMetadata(`${topic}-value`);
  assert.deepEqual([latest.id, latest.version, latest.schemaType], [schemaId(data), 1, format.toUpperCase()]);
  assert.deepEqual(await read(url, format, topic, data), DELAY);
  assert.deepEqual(await write(url, format, topic, { normalizeSchemas: true }), data);
}

async function the_latest_version_is_written_and_read(url, format) {
  const topic = unique("delays");
  const first = await client(url).register(`${topic}-value`, schema("delay", format));
  const old = await write(url, format, topic);
  assert.equal(schemaId(old), first);
  const second = await client(url).register(`${topic}-value`, evolved(format));
  const more = format === "protobuf" ? {} : { gate: "B7" };
  const data = await write(url, format, topic, LATEST, { value: { ...DELAY, ...more } });
  assert.equal(schemaId(data), second);
  const seen = await read(url, format, topic, old, LATEST);
  assert.deepEqual(seen, format === "avro" ? { ...DELAY, gate: "?" } : DELAY);
}

async function the_version_with_metadata_is_written_and_read(url, format) {
  const topic = unique("delays");
  const ids = [];
  for (const [major, each] of [
    ["1", schema("delay", format)],
    ["2", evolved(format)],
  ]) {
    const contract = { ...each, metadata: { properties: { major } } };
    ids.push(await client(url).register(`${topic}-value`, contract));
  }
  for (const [index, id] of ids.entries()) {
    const conf = { useLatestWithMetadata: { major: String(index + 1) } };
    const value = index === 1 && format !== "protobuf" ? { ...DELAY, gate: "B7" } : DELAY;
    const data = await write(url, format, topic, conf, { value });
    assert.equal(schemaId(data), id);
    assert.deepEqual(await read(url, format, topic, data, conf), value);
  }
}

async function the_schema_of_an_id_is_written(url, format) {
  const topic = unique("delays");
  const useSchemaId = await client(url).register(`${topic}-value`, schema("delay", format));
  await client(url).register(`${topic}-value`, evolved(format));
  const data = await write(url, format, topic, { useSchemaId });
  assert.equal(schemaId(data), useSchemaId);
  assert.deepEqual(await read(url, format, topic, data), DELAY);
}

async function a_schema_that_refers_to_another_is_written_and_read(url, format) {
  const topic = unique("flights");
  // this client names what it registers itself after the file
  const airports = format === "protobuf" ? REFERENCE[format] : unique("airports");
  await client(url).register(airports, schema("airport", format));
  const references = [{ name: REFERENCE[format], subject: airports, version: 1 }];
  await client(url).register(`${topic}-value`, schema("flight", format, { references }));
  for (const conf of [LATEST, ...(format === "protobuf" ? [{ autoRegisterSchemas: true }, {}] : [])]) {
    const data = await serializer(format, client(url), conf).serialize(
      topic,
      record("Flight", FLIGHT, format),
    );
    for (const reader of [{}, LATEST]) {
      const seen = await deserializer(format, client(url), reader).deserialize(topic, data);
      assert.deepEqual(plain("Flight", seen, format), FLIGHT);
    }
  }
  assert.deepEqual(await client(url).getAllVersions(`${topic}-value`), [1]);
}

async function strategies_name_the_subject(url, format) {
  // of a file with many messages this client takes the first for the record
  const name = { avro: "air.Delay", json: "Delay", protobuf: "air.Airport" }[format];
  const [message, value] = format === "protobuf" ? ["Airport", FLIGHT.origin] : ["Delay", DELAY];
  const type = message.toLowerCase();
  for (const [strategy, subject] of [
    ["TOPIC", "*-value"],
    ["RECORD", name],
    ["TOPIC_RECORD", `*-${name}`],
  ]) {
    const topic = unique("delays");
    const id = await client(url).register(subject.replace("*", topic), schema(type, format));
    const conf = { subjectNameStrategyType: strategy };
    // without a schema there is no record to name a subject after: only a schema that is derived has one
    if (strategy === "TOPIC" || format === "protobuf") {
      const source = strategy === "TOPIC" ? LATEST : {};
      const to = serializer(format, client(url), { ...conf, ...source });
      const data = await to.serialize(topic, record(message, value, format));
      assert.equal(schemaId(data), id);
    }
    const topicwise = serializer(format, client(url), LATEST);
    await client(url).register(`${topic}-value`, schema(type, format));
    const data = await topicwise.serialize(topic, record(message, value, format));
    const seen = await deserializer(format, client(url), conf).deserialize(topic, data);
    assert.deepEqual(plain(message, seen, format), value);
  }
}

async function what_does_not_fit_is_not_written(url, format) {
  if (format === "protobuf") return; // a message always fits
  const topic = unique("delays");
  await client(url).register(`${topic}-value`, schema("delay", format));
  const value = { ...DELAY, minutes: "many" };
  await fails("nvalid message", write(url, format, topic, { ...LATEST, validate: true }, { value }));
}

async function what_is_not_ours_is_not_read(url, format) {
  await fails("magic byte", read(url, format, "delays", Buffer.from("\x07 none of ours")));
  await refused(
    404,
    40403,
    read(url, format, "delays", Buffer.from("\x00\x7f\x0f\x0f\x0f\x00 none of ours")),
  );
}

async function a_message_of_every_kind_of_field_comes_back(url, format) {
  if (format !== "protobuf") return;
  const topic = unique("delays");
  await client(url).register(`${topic}-value`, schema("delay", format));
  const value = {
    ...DELAY,
    severity: "MAJOR",
    causes: [{ detail: { text: "fog" } }, { detail: { text: "crew" } }],
    seconds: { taxi: "60", air: "-5" },
    refunded: false,
    tower: 4_000_000_000,
  };
  for (const conf of [LATEST, {}, { autoRegisterSchemas: true }]) {
    const data = await write(url, format, topic, conf, { value });
    assert.equal(data.toString("hex", 5, 7), "0202", "the second message of its file");
    assert.deepEqual(await read(url, format, topic, data), value);
  }
  assert.deepEqual(
    await client(url).getAllVersions(`${topic}-value`),
    [1],
    "text and descriptor are the same",
  );
}

await main([
  a_value_and_a_key_come_back,
  the_guid_goes_in_a_header,
  one_serializer_writes_many_records,
  what_is_not_registered_is_registered_if_asked,
  the_latest_version_is_written_and_read,
  the_version_with_metadata_is_written_and_read,
  the_schema_of_an_id_is_written,
  a_schema_that_refers_to_another_is_written_and_read,
  strategies_name_the_subject,
  what_does_not_fit_is_not_written,
  what_is_not_ours_is_not_read,
  a_message_of_every_kind_of_field_comes_back,
]);
