// What the checks of this folder stand on: the client that tests/run installed, the schemas of
// tests/schemas/air, and `main`, which runs every exported function of a module.
//
// A check is `async function <fact>(url)`, and is in the list that its module gives to `main`.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.WEIR_TEST_NODE}/`);
export const confluent = require("@confluentinc/schemaregistry");
const { create, createFileRegistry, createRegistry, fromJson, toJson } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema, file_google_protobuf_timestamp } = require("@bufbuild/protobuf/wkt");
const { file_google_protobuf_descriptor } = require("@bufbuild/protobuf/wkt");
const { file_confluent_meta } = confluent;

export const FORMATS = ["avro", "json", "protobuf"];
const AIR = new URL("../schemas/air/", import.meta.url);
const SUFFIX = { avro: "avsc", json: "schema.json", protobuf: "proto" };

/** A name that no other check uses. */
export const unique = (name) => `${name}-${randomUUID()}`;

/** The text of tests/schemas/air/<name>. */
export const text = (name, format = "avro") =>
  readFileSync(new URL(`${name}.${SUFFIX[format]}`, AIR), "utf8");

/** The schema of tests/schemas/air/<name>, to register; `more` is references, metadata, ruleSet. */
export const schema = (name, format = "avro", more = {}) => ({
  schema: text(name, format),
  schemaType: format.toUpperCase(),
  ...more,
});

const known = [file_google_protobuf_timestamp, file_google_protobuf_descriptor, file_confluent_meta];
const set = fromJson(FileDescriptorSetSchema, JSON.parse(readFileSync(new URL("descriptors.json", AIR))), {
  registry: createRegistry(...known),
});
const files = new Map(set.file.map((file) => [file.name, file]));
const found = (name) => known.find((file) => `${file.name}.proto` === name) ?? files.get(name);
/** The messages of tests/schemas/air. */
export const messages = createRegistry(...set.file.flatMap((file) => [...createFileRegistry(file, found)]));

/** A value as a serializer of the format takes it; rules may change it. */
export const record = (name, value, format) =>
  format === "protobuf" ? fromJson(messages.getMessage(`air.${name}`), value) : structuredClone(value);

/** The same, back as plain properties. */
export const plain = (name, value, format) => {
  if (format !== "protobuf") return JSON.parse(JSON.stringify(value));
  // a reader has made its own descriptors; the bytes are what both agree on
  return toJson(messages.getMessage(value.$typeName), create(messages.getMessage(value.$typeName), value));
};

/** A client with empty caches. It tries once: an error is an answer, not to be outlived. */
export function client(url, path = "") {
  newest = new Error("the newest client was made here");
  return new confluent.SchemaRegistryClient({ baseURLs: [url + path], maxRetries: 0 });
}

let newest; // its locks lose the line that called it

const CLASS = { avro: "Avro", json: "Json", protobuf: "Protobuf" };

export function serializer(format, registry, conf, type = confluent.SerdeType.VALUE) {
  const made = { ...conf, ...(format === "protobuf" ? { registry: mutable() } : {}) };
  return new confluent[`${CLASS[format]}Serializer`](registry, type, made);
}

export const deserializer = (format, registry, conf = {}, type = confluent.SerdeType.VALUE) =>
  new confluent[`${CLASS[format]}Deserializer`](registry, type, { ...conf });

function mutable() {
  const registry = require("@bufbuild/protobuf").createMutableRegistry();
  for (const type of messages) registry.add(type);
  return registry;
}

/** The id before the payload. */
export function schemaId(data) {
  assert.equal(data[0], 0);
  return data.readUInt32BE(1);
}

/** The call is refused with this status and code; returns the message. */
export async function refused(status, code, call) {
  const error = await call.then(
    (answer) => assert.fail(`not refused: ${JSON.stringify(answer)}`),
    (error) => error,
  );
  if (!(error instanceof confluent.RestError)) throw error;
  assert.deepEqual([error.status, error.errorCode], [status, code], error.message);
  return error.message;
}

/** The call throws an error whose text has `words`. */
export const fails = (words, call) =>
  assert.rejects(
    call,
    (error) => error.message.includes(words) || assert.fail(`other words: ${error.message}`),
  );

/** Runs the checks of a module: `<file> URL [ARGUMENT]`. Tells which ones fail. */
export async function main(checks) {
  const [url, ...rest] = process.argv.slice(2);
  let failed = 0;
  for (const check of checks) {
    try {
      await check(url, ...rest);
      console.log(`ok      ${check.name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${check.name}\n${where(error)}\n`);
    }
  }
  if (failed > 0) {
    console.log(`${failed} checks failed`);
    process.exit(1);
  }
  process.exit(0); // caches hold timers
}

/** An error, and the lines of this folder that led to it. */
function where(error) {
  const folder = new URL(".", import.meta.url).href;
  const ours = (stack) => stack.split("\n").filter((line) => !/^\s+at /.test(line) || line.includes(folder));
  return [
    ...ours(String(error.stack)),
    ...ours(newest.stack).filter((line) => !line.includes("kit.mjs")),
  ].join("\n");
}
