// The registry client's calls: registry.mjs REGISTRY

import assert from "node:assert/strict";

import { FORMATS, client, main, refused, schema, text, unique } from "./kit.mjs";

const STRING = { schema: '"string"', schemaType: "AVRO" };
// vector of the reference server: MD5 of the canonical text
const STRING_GUID = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";

/** The delay's schema with one field more. */
function withField(field) {
  const delay = JSON.parse(text("delay"));
  delay.fields.push(field);
  return { schema: JSON.stringify(delay), schemaType: "AVRO" };
}

const OPTIONAL = withField({ name: "gate", type: "string", default: "" });
const REQUIRED = withField({ name: "gate", type: "string" });

async function a_schema_is_registered_once_and_found_again(url) {
  for (const format of FORMATS) {
    const subject = unique("delays");
    const registered = await client(url).registerFullResponse(subject, schema("delay", format));
    assert.equal(registered.version, 1);
    assert.equal(registered.schemaType, format.toUpperCase());
    assert.match(registered.guid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(await client(url).register(subject, schema("delay", format)), registered.id);
    assert.equal(await client(url).register(unique("delays"), schema("delay", format)), registered.id);
    assert.ok((await client(url).register(subject, schema("delay", format), true)) > 0);
    assert.equal(await client(url).getId(subject, schema("delay", format)), registered.id);
    const full = await client(url).getIdFullResponse(subject, schema("delay", format));
    assert.deepEqual([full.subject, full.version, full.guid], [subject, 1, registered.guid]);
    assert.equal(await client(url).getVersion(subject, schema("delay", format)), 1);
  }
}

async function a_schema_without_a_type_is_avro(url) {
  const subject = unique("strings");
  const registered = await client(url).registerFullResponse(subject, { schema: '"string"' });
  assert.equal(registered.guid, STRING_GUID);
  assert.equal(await client(url).getId(subject, STRING), registered.id);
}

async function what_is_not_there_is_refused(url) {
  const subject = unique("delays");
  await refused(404, 40401, client(url).getId(subject, STRING));
  await client(url).register(subject, STRING);
  await refused(404, 40403, client(url).getId(subject, schema("delay")));
  await refused(404, 40401, client(url).getLatestSchemaMetadata(unique("none")));
  await refused(404, 40402, client(url).getSchemaMetadata(subject, 7));
  await refused(422, 42202, client(url).getSchemaMetadata(subject, 0));
  await refused(404, 40403, client(url).getBySubjectAndId(subject, 2_000_000_000));
  await refused(404, 40403, client(url).getByGuid("00000000-0000-0000-0000-000000000000"));
  await refused(404, 40408, client(url).getConfig(subject));
  await refused(404, 40401, client(url).getAllVersions(unique("none")));
  await refused(422, 42201, client(url).register(subject, { schema: '{"type":"recrd"}' }));
}

async function a_schema_is_read_by_id_guid_and_version(url) {
  const subject = unique("strings");
  const { id } = await client(url).registerFullResponse(subject, STRING);
  const byId = await client(url).getBySubjectAndId(subject, id);
  assert.equal(byId.schema, '"string"');
  assert.equal((await client(url).getBySubjectAndId("", id)).schema, '"string"');
  assert.equal((await client(url).getByGuid(STRING_GUID)).schema, '"string"');
  const latest = await client(url).getLatestSchemaMetadata(subject);
  assert.deepEqual([latest.subject, latest.version, latest.id, latest.guid], [subject, 1, id, STRING_GUID]);
  const first = await client(url).getSchemaMetadata(subject, 1);
  assert.deepEqual([first.subject, first.version, first.id], [subject, 1, id]);
  assert.ok((await client(url).getAllSubjects()).includes(subject));
  assert.deepEqual(await client(url).getAllVersions(subject), [1]);
}

async function a_name_of_any_characters_is_a_subject(url) {
  for (const name of ["air/airport.proto", "a b", "π", "100%", "a+b", "a?b#c", "a&b=c"]) {
    const subject = unique(name);
    const { id } = await client(url).registerFullResponse(subject, STRING);
    assert.equal((await client(url).getLatestSchemaMetadata(subject)).subject, subject);
    assert.equal((await client(url).getBySubjectAndId(subject, id)).schema, '"string"');
    assert.deepEqual(await client(url).deleteSubject(subject), [1]);
  }
}

async function deletes_take_two_steps(url) {
  const subject = unique("delays");
  await client(url).register(subject, schema("delay"));
  await client(url).register(subject, OPTIONAL);
  await refused(404, 40407, client(url).deleteSubjectVersion(subject, 2, true));
  assert.equal(await client(url).deleteSubjectVersion(subject, 2), 2);
  assert.deepEqual(await client(url).getAllVersions(subject), [1]);
  await refused(404, 40402, client(url).getSchemaMetadata(subject, 2));
  assert.equal((await client(url).getSchemaMetadata(subject, 2, true)).version, 2);
  await refused(404, 40403, client(url).getVersion(subject, OPTIONAL));
  assert.equal(await client(url).getVersion(subject, OPTIONAL, false, true), 2);
  assert.equal(await client(url).deleteSubjectVersion(subject, 2, true), 2);
  await refused(404, 40405, client(url).deleteSubject(subject, true));
  assert.deepEqual(await client(url).deleteSubject(subject), [1]);
  await refused(404, 40404, client(url).deleteSubject(subject));
  assert.deepEqual(await client(url).deleteSubject(subject, true), [1]);
  await refused(404, 40401, client(url).deleteSubject(subject));
}

async function references_are_kept(url) {
  const names = { avro: "air.Airport", json: "airport.schema.json", protobuf: "air/airport.proto" };
  for (const format of FORMATS) {
    const [airports, flights] = [unique("airports"), unique("flights")];
    const references = [{ name: names[format], subject: airports, version: 1 }];
    const flight = schema("flight", format, { references });
    await refused(422, 42201, client(url).register(flights, flight));
    await client(url).register(airports, schema("airport", format));
    const { id, guid } = await client(url).registerFullResponse(flights, flight);
    for (const read of [
      await client(url).getBySubjectAndId(flights, id),
      await client(url).getByGuid(guid),
      await client(url).getSchemaMetadata(flights, 1),
      await client(url).getLatestSchemaMetadata(flights),
    ]) {
      assert.deepEqual(read.references, references);
    }
    await refused(422, 42206, client(url).deleteSubject(airports));
  }
}

/** What a serializer has read it sends back, with all that came along. */
async function an_answer_is_taken_as_a_question(url) {
  for (const format of FORMATS) {
    const subject = unique("delays");
    const contract = { metadata: { properties: { owner: "tower" } } };
    const { id } = await client(url).registerFullResponse(subject, schema("delay", format, contract));
    const read = format === "protobuf" ? "serialized" : undefined;
    for (const answer of [
      await client(url).getBySubjectAndId(subject, id, read),
      await client(url).getLatestSchemaMetadata(subject, read),
      await client(url).getSchemaMetadata(subject, 1, true, read),
    ]) {
      assert.equal(await client(url).getId(subject, answer), id);
      assert.equal(await client(url).getVersion(subject, answer, false, true), 1);
    }
  }
}

async function compatibility_is_tested_and_enforced(url) {
  const subject = unique("delays");
  await client(url).register(subject, schema("delay"));
  assert.equal(await client(url).testSubjectCompatibility(subject, OPTIONAL), true);
  assert.equal(await client(url).testSubjectCompatibility(subject, REQUIRED), false);
  assert.equal(await client(url).testCompatibility(subject, 1, REQUIRED), false);
  const message = await refused(409, 40901, client(url).register(subject, REQUIRED));
  assert.match(message, /READER_FIELD_MISSING_DEFAULT_VALUE/);
  assert.equal(await client(url).updateCompatibility(subject, "FORWARD"), "FORWARD");
  assert.equal(await client(url).getCompatibility(subject), "FORWARD");
  assert.equal(await client(url).testSubjectCompatibility(subject, REQUIRED), true);
  await refused(422, 42203, client(url).updateCompatibility(subject, "SIDEWARD"));
}

async function the_global_level_is_what_subjects_without_one_have(url) {
  assert.equal(await client(url).getDefaultCompatibility(), "BACKWARD");
  try {
    assert.equal(await client(url).updateDefaultCompatibility("FULL"), "FULL");
    assert.equal((await client(url).getDefaultConfig()).compatibilityLevel, "FULL");
    const config = { compatibility: "NONE", normalize: true };
    assert.deepEqual(await client(url).updateDefaultConfig(config), config);
    assert.equal((await client(url).getDefaultConfig()).normalize, true);
  } finally {
    await client(url).updateDefaultConfig({ compatibility: "BACKWARD", normalize: null });
  }
}

async function a_config_keeps_all_its_fields(url) {
  const subject = unique("delays");
  const config = {
    alias: unique("other"),
    normalize: true,
    compatibility: "FULL",
    compatibilityGroup: "major",
    defaultMetadata: { tags: { "**.note": ["PII"] }, properties: { owner: "tower" }, sensitive: ["owner"] },
    overrideMetadata: { properties: { reviewed: "yes" } },
    defaultRuleSet: {
      domainRules: [{ name: "one", kind: "CONDITION", mode: "WRITE", type: "CEL", expr: "true" }],
    },
    overrideRuleSet: {
      migrationRules: [{ name: "two", kind: "TRANSFORM", mode: "UPGRADE", type: "JSONATA", expr: "$" }],
    },
  };
  const echo = await client(url).updateConfig(subject, config);
  assert.equal(echo.compatibility, "FULL");
  const { compatibility, ...rest } = config;
  const read = await client(url).getConfig(subject);
  assert.equal(read.compatibilityLevel, compatibility);
  for (const [name, value] of Object.entries(rest)) {
    if (name.endsWith("RuleSet")) {
      const [kind] = Object.keys(value);
      const { disabled, ...rule } = read[name][kind][0];
      assert.deepEqual([rule, disabled ?? false], [value[kind][0], false], name);
    } else {
      assert.deepEqual(read[name], value, name);
    }
  }
  // absent stays, null goes
  await client(url).updateConfig(subject, { normalize: null });
  const left = await client(url).getConfig(subject);
  assert.equal(left.normalize, undefined);
  assert.equal(left.compatibilityGroup, "major");
}

async function an_alias_leads_to_another_subject(url) {
  const [alias, subject] = [unique("alias"), unique("delays")];
  const { id } = await client(url).registerFullResponse(subject, schema("delay"));
  await client(url).updateConfig(alias, { alias: subject });
  const latest = await client(url).getLatestSchemaMetadata(alias);
  assert.deepEqual([latest.subject, latest.id], [subject, id]);
  assert.equal((await client(url).getBySubjectAndId(alias, id)).schemaType, "AVRO");
  await client(url).register(alias, OPTIONAL);
  assert.deepEqual(await client(url).getAllVersions(subject), [1, 2]);
}

async function metadata_finds_the_newest_version_that_has_it(url) {
  const subject = unique("delays");
  const owner = "tower of London/π & more";
  const versions = [
    [schema("delay"), { major: "1", owner }],
    [OPTIONAL, { major: "1", owner: "crew" }],
    [REQUIRED, { major: "2", owner: "crew" }],
  ];
  await client(url).updateCompatibility(subject, "NONE");
  for (const [each, properties] of versions) {
    await client(url).register(subject, { ...each, metadata: { properties } });
  }
  assert.equal((await client(url).getLatestWithMetadata(subject, { major: "1" })).version, 2);
  const found = await client(url).getLatestWithMetadata(subject, { major: "1", owner });
  assert.equal(found.version, 1);
  assert.deepEqual(found.metadata, { properties: { major: "1", owner } });
  await refused(404, 40403, client(url).getLatestWithMetadata(subject, { major: "3" }));
}

async function a_context_is_named_in_the_url_or_the_subject(url) {
  const [name, subject] = [unique(".ctx"), unique("delays")];
  const within = () => client(url, `/contexts/${name}`);
  assert.equal(await within().register(subject, schema("delay")), 1);
  const qualified = `:${name}:${subject}`;
  assert.equal((await client(url).getLatestSchemaMetadata(qualified)).subject, qualified);
  assert.equal((await within().getLatestSchemaMetadata(subject)).id, 1);
  assert.equal((await within().getBySubjectAndId(subject, 1)).schemaType, "AVRO");
  assert.equal(await client(url).register(qualified, OPTIONAL), 2);
  assert.deepEqual(await within().getAllVersions(subject), [1, 2]);
  assert.ok((await client(url).getAllSubjects()).includes(qualified));
}

await main([
  a_schema_is_registered_once_and_found_again,
  a_schema_without_a_type_is_avro,
  what_is_not_there_is_refused,
  a_schema_is_read_by_id_guid_and_version,
  a_name_of_any_characters_is_a_subject,
  deletes_take_two_steps,
  references_are_kept,
  an_answer_is_taken_as_a_question,
  compatibility_is_tested_and_enforced,
  the_global_level_is_what_subjects_without_one_have,
  a_config_keeps_all_its_fields,
  an_alias_leads_to_another_subject,
  metadata_finds_the_newest_version_that_has_it,
  a_context_is_named_in_the_url_or_the_subject,
]);
