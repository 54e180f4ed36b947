// Data contracts: metadata and rule sets are kept by the registry, the rules are run by the client.
// contracts.mjs REGISTRY

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
  serializer,
  text,
  unique,
} from "./kit.mjs";

confluent.CelExecutor.register();
confluent.CelFieldExecutor.register();
confluent.JsonataExecutor.register();

// where its CEL cannot read a value, this client takes a condition for met: it knows no Protobuf
// message, nor the records that it reads from Avro
const WRITTEN = ["avro", "json"];
const READ = ["json"];
const DELAY = { flight: "WN1", minutes: 14, note: "fog" };
const LATEST = { useLatestVersion: true };

const rule = (name, type, expr, more = {}) => ({
  name,
  kind: "CONDITION",
  mode: "WRITE",
  type,
  expr,
  ...more,
});
const domain = (...domainRules) => ({ ruleSet: { domainRules } });
const transform = (mode) => ({ kind: "TRANSFORM", mode });

// every field of every kind of rule
const WHOLE = {
  migrationRules: [
    rule("up", "JSONATA", "$", transform("UPGRADE")),
    rule("down", "JSONATA", "$", transform("DOWNGRADE")),
  ],
  domainRules: [
    rule("positive", "CEL", "message.minutes > 0", {
      mode: "WRITEREAD",
      doc: "no flight leaves early",
      tags: ["PII", "PRIVATE"],
      params: { "dlq.topic": "late", owner: "tower" },
      onSuccess: "NONE,NONE",
      onFailure: "ERROR,NONE",
      disabled: true,
    }),
  ],
  encodingRules: [rule("payload", "ENCRYPT_PAYLOAD", "", transform("WRITEREAD"))],
  enableAt: "CLIENT",
};

/** A value without what is empty: an answer may leave that out. */
function filled(value) {
  if (Array.isArray(value)) return value.map(filled);
  if (typeof value !== "object" || value === null) return value;
  const empty = (each) => [null, false, ""].includes(each) || (Array.isArray(each) && each.length === 0);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => !empty(each))
      .map(([key, each]) => [key, filled(each)]),
  );
}

const write = (url, format, topic, value = DELAY, conf = LATEST) =>
  serializer(format, client(url), conf).serialize(topic, record("Delay", value, format));

const read = async (url, format, topic, data, conf = LATEST) =>
  plain("Delay", await deserializer(format, client(url), conf).deserialize(topic, data), format);

async function metadata_comes_back(url) {
  for (const format of FORMATS) {
    const subject = unique("delays");
    const metadata = {
      tags: { "**.note": ["PII", "PRIVATE"], "air.Delay.flight": ["PUBLIC"] },
      properties: { owner: "tower", text: 'π "quoted"' },
      sensitive: ["owner"],
    };
    const { id, guid } = await client(url).registerFullResponse(
      subject,
      schema("delay", format, { metadata }),
    );
    for (const answer of [
      await client(url).getLatestSchemaMetadata(subject),
      await client(url).getSchemaMetadata(subject, 1),
      await client(url).getBySubjectAndId(subject, id),
      await client(url).getByGuid(guid),
    ]) {
      assert.deepEqual(answer.metadata, metadata);
    }
    assert.notEqual(await client(url).register(unique("delays"), schema("delay", format)), id);
  }
}

async function a_rule_set_comes_back_as_it_was(url) {
  for (const format of FORMATS) {
    const subject = unique("delays");
    const metadata = { properties: { owner: "tower" } };
    const delay = schema("delay", format, { metadata, ruleSet: WHOLE });
    const registered = await client(url).registerFullResponse(subject, delay);
    for (const answer of [
      registered,
      await client(url).getLatestSchemaMetadata(subject),
      await client(url).getSchemaMetadata(subject, 1),
      await client(url).getBySubjectAndId(subject, registered.id),
      await client(url).getByGuid(registered.guid),
      await client(url).getLatestWithMetadata(subject, { owner: "tower" }),
      await client(url).getIdFullResponse(subject, delay),
    ]) {
      assert.deepEqual(filled(answer.ruleSet), filled(WHOLE));
      assert.deepEqual(answer.metadata, metadata);
    }
    assert.equal(await client(url).register(subject, delay), registered.id);
    assert.equal(await client(url).getVersion(subject, delay), 1);
  }
}

async function other_rules_make_another_version(url) {
  const subject = unique("delays");
  const ids = new Set();
  for (const expr of [null, "message.minutes > 0", "message.minutes > 1"]) {
    const rules = expr === null ? {} : domain(rule("positive", "CEL", expr));
    ids.add(await client(url).register(subject, schema("delay", "avro", rules)));
  }
  assert.equal(ids.size, 3);
  assert.deepEqual(await client(url).getAllVersions(subject), [1, 2, 3]);
}

async function rules_that_contradict_are_refused(url) {
  const refuse = (ruleSet) =>
    refused(422, 42210, client(url).register(unique("delays"), schema("delay", "avro", { ruleSet })));
  await refuse({ domainRules: [rule("one", "CEL", "true"), rule("one", "CEL", "true")] });
  await refuse({ domainRules: [rule("one", "CEL", "true", { mode: "UPGRADE" })] });
  await refuse({ migrationRules: [rule("one", "JSONATA", "$", { mode: "WRITE" })] });
}

async function a_condition_is_enforced_when_writing(url) {
  for (const format of WRITTEN) {
    const topic = unique("delays");
    const rules = domain(rule("noted", "CEL", "message.note != ''"));
    await client(url).register(`${topic}-value`, schema("delay", format, rules));
    const data = await write(url, format, topic);
    assert.deepEqual(await read(url, format, topic, data), DELAY);
    await fails("noted", write(url, format, topic, { ...DELAY, note: "" }));
  }
}

async function a_condition_is_enforced_when_reading(url) {
  for (const format of READ) {
    const topic = unique("delays");
    await client(url).register(`${topic}-value`, schema("delay", format));
    const fog = await write(url, format, topic);
    const snow = await write(url, format, topic, { ...DELAY, note: "snow" });
    const rules = domain(rule("summer", "CEL", "message.note != 'snow'", { mode: "READ" }));
    await client(url).register(`${topic}-value`, schema("delay", format, rules));
    assert.deepEqual(await read(url, format, topic, fog), DELAY);
    await fails("summer", read(url, format, topic, snow));
  }
}

async function tagged_fields_are_transformed(url) {
  for (const format of FORMATS) {
    const topic = unique("delays");
    const mark = (mode) =>
      rule(`mark_${mode}`, "CEL_FIELD", "typeName == 'STRING' ; value + '!'", {
        ...transform(mode),
        tags: ["PII"],
      });
    // the tag PII is in the text of the schema, on its note
    await client(url).register(
      `${topic}-value`,
      schema("delay", format, domain(mark("WRITE"), mark("READ"))),
    );
    const data = await write(url, format, topic);
    assert.deepEqual(await read(url, format, topic, data), { ...DELAY, note: "fog!!" });
  }
}

async function tags_of_the_metadata_name_fields(url) {
  const topic = unique("delays");
  const mark = rule("mark", "CEL_FIELD", "value + '!'", { ...transform("WRITE"), tags: ["CODE"] });
  const contract = { ...domain(mark), metadata: { tags: { "air.Delay.flight": ["CODE"] } } };
  await client(url).register(`${topic}-value`, schema("delay", "avro", contract));
  const data = await write(url, "avro", topic);
  assert.deepEqual(await read(url, "avro", topic, data), { ...DELAY, flight: "WN1!" });
}

async function rules_that_are_off_do_not_run(url) {
  const never = rule("never", "CEL", "false");
  const disabled = { domainRules: [{ ...never, disabled: true }] };
  const elsewhere = { domainRules: [never], enableAt: "NONE" };
  for (const ruleSet of [disabled, elsewhere]) {
    const topic = unique("delays");
    await client(url).register(`${topic}-value`, schema("delay", "avro", { ruleSet }));
    assert.deepEqual(await read(url, "avro", topic, await write(url, "avro", topic)), DELAY);
  }
}

async function rules_of_the_config_are_put_on_what_is_registered(url) {
  const topic = unique("delays");
  await client(url).updateConfig(`${topic}-value`, {
    defaultRuleSet: { domainRules: [rule("noted", "CEL", "message.note != ''")] },
    overrideRuleSet: { domainRules: [rule("summer", "CEL", "message.note != 'snow'")] },
  });
  await client(url).register(`${topic}-value`, schema("delay"));
  await write(url, "avro", topic);
  await fails("noted", write(url, "avro", topic, { ...DELAY, note: "" }));
  await fails("summer", write(url, "avro", topic, { ...DELAY, note: "snow" }));
}

/** The delay's schema; in version 2 its minutes are called late. JSONata goes both ways. */
function major(version, format) {
  const rename = (from, to, mode) => {
    const expr = `$merge([$sift($, function($v, $k) {$k != '${from}'}), {'${to}': $.'${from}'}])`;
    return rule(mode, "JSONATA", expr, transform(mode));
  };
  const metadata = { properties: { major: version } };
  if (version === "1") return schema("delay", format, { metadata });
  const migrationRules = [rename("minutes", "late", "UPGRADE"), rename("late", "minutes", "DOWNGRADE")];
  const content = text("delay", format).replaceAll("minutes", "late");
  return { schema: content, schemaType: format.toUpperCase(), metadata, ruleSet: { migrationRules } };
}

async function an_old_record_is_read_as_a_new_one_and_back(url) {
  for (const format of ["avro", "json"]) {
    const topic = unique("delays");
    await client(url).updateConfig(`${topic}-value`, { compatibilityGroup: "major" });
    const records = { 1: DELAY, 2: { flight: "WN1", late: 14, note: "fog" } };
    for (const version of ["1", "2"]) await client(url).register(`${topic}-value`, major(version, format));
    for (const from of ["1", "2"]) {
      const conf = (version) => ({ useLatestWithMetadata: { major: version } });
      const data = await write(url, format, topic, records[from], conf(from));
      for (const to of ["1", "2"]) {
        assert.deepEqual(await read(url, format, topic, data, conf(to)), records[to]);
      }
    }
  }
}

await main([
  metadata_comes_back,
  a_rule_set_comes_back_as_it_was,
  other_rules_make_another_version,
  rules_that_contradict_are_refused,
  a_condition_is_enforced_when_writing,
  a_condition_is_enforced_when_reading,
  tagged_fields_are_transformed,
  tags_of_the_metadata_name_fields,
  rules_that_are_off_do_not_run,
  rules_of_the_config_are_put_on_what_is_registered,
  an_old_record_is_read_as_a_new_one_and_back,
]);
