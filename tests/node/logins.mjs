// Ways to log in: logins.mjs REGISTRY, with lines of JSON to read: the client's settings, and the status of a refusal
// that they come to, or null.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { confluent } from "./kit.mjs";

const ORDER = { schema: '{"type":"record","name":"Order","fields":[]}', schemaType: "AVRO" };

/** Null, or the status of what is refused. */
async function status(call) {
  try {
    await call();
    return null;
  } catch (error) {
    assert.ok(error.status, error);
    return error.status;
  }
}

for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  const [settings, refused] = JSON.parse(line);
  const client = new confluent.SchemaRegistryClient({ baseURLs: [process.argv[2]], maxRetries: 0, ...settings });
  assert.equal(await status(() => client.register("orders-value", ORDER)), refused, line);
  if (refused === null) {
    assert.ok(!(await client.getAllSubjects()).includes("payments-value"));
    assert.equal(await status(() => client.register("payments-value", ORDER)), 403, line);
  }
}
