// Records for the client of another language, and from it: a JSON object a line, in every format, with
// the schema's id before the payload and in a header.
//
// exchange.mjs write REGISTRY   to stdout
// exchange.mjs read REGISTRY    from stdin; says how many it has read

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import {
  FORMATS,
  client,
  confluent,
  deserializer,
  plain,
  record,
  schema,
  serializer,
  unique,
} from "./kit.mjs";

const DELAY = { flight: "WN1", minutes: 14, note: "fog" };
// for the Avro schema "bytes", whose data has no length before it: this would be read as one of 3
const RAW = Buffer.from("\x06abc and more\xff", "latin1");
const { HeaderSchemaIdSerializer, PrefixSchemaIdSerializer } = confluent;

async function write(url) {
  for (const format of [...FORMATS, "bytes"]) {
    for (const schemaIdSerializer of [PrefixSchemaIdSerializer, HeaderSchemaIdSerializer]) {
      const [topic, sent] = [unique(`exchange-${format}`), {}];
      const isBytes = format === "bytes";
      const registered = isBytes ? { schema: '"bytes"', schemaType: "AVRO" } : schema("delay", format);
      await client(url).register(`${topic}-value`, registered);
      const conf = { useLatestVersion: true, schemaIdSerializer };
      const to = serializer(isBytes ? "avro" : format, client(url), conf);
      const given = isBytes ? RAW : record("Delay", DELAY, format);
      const value = (await to.serialize(topic, given, sent)).toString("base64");
      const headers = Object.fromEntries(
        Object.entries(sent).map(([name, header]) => [name, header.toString("base64")]),
      );
      console.log(JSON.stringify({ format, topic, value, headers }));
    }
  }
}

async function read(url) {
  const lines = readFileSync(0, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const { format, topic, value, headers } of lines) {
    const received = Object.fromEntries(
      Object.entries(headers).map(([name, header]) => [name, Buffer.from(header, "base64")]),
    );
    for (const conf of [{}, { useLatestVersion: true }]) {
      const from = deserializer(format === "bytes" ? "avro" : format, client(url), conf);
      const seen = await from.deserialize(topic, Buffer.from(value, "base64"), received);
      if (format === "bytes") assert.deepEqual(Buffer.from(seen), RAW);
      else assert.deepEqual(plain("Delay", seen, format), DELAY);
    }
  }
  console.log(lines.length);
}

await { write, read }[process.argv[2]](process.argv[3]);
process.exit(0); // caches hold timers
