//! Data contracts: metadata and rules beside a schema, what they are merged with, what they guard

use serde_json::{Value, json};
use weir_tests::{Answer, Api, registry};

use crate::fixtures::*;

async fn post(api: &Api, request: &Value) -> Answer {
    api.post("/subjects/orders/versions", request).await
}

fn owned_by(owner: &str) -> Value {
    json!({"properties": {"owner": owner}})
}

fn with_metadata(schema: &str, metadata: Value) -> Value {
    json!({"schema": schema, "metadata": metadata})
}

/// The id, the version and the metadata of an answer.
#[track_caller]
fn contract(answer: &Answer) -> (u64, u64, Value) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let number = |name: &str| answer.json[name].as_u64().unwrap();
    (number("id"), number("version"), answer.json["metadata"].clone())
}

// Metadata

#[tokio::test]
async fn metadata_is_kept_in_order_and_shown_everywhere() {
    let api = registry().await;
    let metadata = json!({"tags": {"shop.Order.cents": ["PII", "MONEY"], "shop.Order": ["X"]},
        "properties": {"owner": "a", "city": "Berlin"}, "sensitive": ["owner", "city"]});
    let kept = json!({"tags": {"shop.Order": ["X"], "shop.Order.cents": ["MONEY", "PII"]},
        "properties": {"city": "Berlin", "owner": "a"}, "sensitive": ["city", "owner"]});
    let registered = post(&api, &with_metadata(ORDER, metadata.clone())).await;
    assert_eq!(contract(&registered), (1, 1, kept.clone()));
    let guid = registered.json["guid"].as_str().unwrap();
    for path in [
        "/subjects/orders/versions/1",
        "/subjects/orders/versions/latest",
        "/schemas/ids/1",
        &format!("/schemas/guids/{guid}"),
    ] {
        let answer = api.get(path).await;
        assert_eq!(
            (&answer.json["metadata"], &answer.json["guid"]),
            (&kept, &json!(guid)),
            "{path}"
        );
    }
    assert_eq!(api.get("/schemas").await.json[0]["metadata"], kept);
    let found = api.post("/subjects/orders", &with_metadata(ORDER, metadata)).await;
    assert_eq!((found.status.as_u16(), &found.json["metadata"]), (200, &kept));
}

#[tokio::test]
async fn metadata_is_part_of_what_a_schema_is() {
    let api = registry().await;
    assert_eq!(register(&api, "orders", ORDER).await, 1);
    assert_eq!(contract(&post(&api, &with_metadata(ORDER, owned_by("a"))).await).0, 2);
    assert_eq!(contract(&post(&api, &with_metadata(ORDER, owned_by("b"))).await).0, 3);
    // the same once more
    assert_eq!(contract(&post(&api, &with_metadata(ORDER, owned_by("a"))).await).1, 2);
    api.get("/subjects/orders/versions").await.is(json!([1, 2, 3]));
}

#[tokio::test]
async fn metadata_that_is_empty_is_metadata() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let request = with_metadata(ORDER, json!({}));
    assert_eq!(register_body(&api, "returns", &request).await, 2);
    let null = json!({"schema": ORDER, "metadata": null, "ruleSet": null});
    assert_eq!(register_body(&api, "archive", &null).await, 1);
}

#[tokio::test]
async fn a_guid_is_made_of_text_references_and_metadata() {
    let api = registry().await;
    register_body(&api, "s", &json!({"schemaType": "JSON", "schema": "{}"})).await;
    let reference = json!({"name": "r", "subject": "s", "version": 1});
    let request = json!({"schemaType": "JSON", "schema": "{}", "references": [reference],
        "metadata": owned_by("a")});
    let answer = api.post("/subjects/owned/versions", &request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["guid"], "9fa59d45-51d1-7793-fd83-d0241e363760");
}

#[tokio::test]
async fn a_schema_without_metadata_has_that_of_the_version_before() {
    let api = registry().await;
    post(&api, &with_metadata(ORDER, owned_by("a"))).await;
    assert_eq!(contract(&post(&api, &body(ORDER_NOTE)).await), (2, 2, owned_by("a")));
    // one that has some has its own, whole
    let city = json!({"properties": {"city": "Berlin"}});
    let answer = post(&api, &with_metadata(ORDER_NOTE, city.clone())).await;
    assert_eq!(contract(&answer), (3, 3, city));
}

#[tokio::test]
async fn the_same_schema_without_metadata_is_the_version_that_has_some() {
    let api = registry().await;
    post(&api, &with_metadata(ORDER, owned_by("a"))).await;
    assert_eq!(contract(&post(&api, &body(ORDER)).await), (1, 1, owned_by("a")));
    let found = api.post("/subjects/orders", &body(ORDER)).await;
    assert_eq!((found.status.as_u16(), &found.json["id"]), (200, &json!(1)));
}

#[tokio::test]
async fn defaults_lie_under_and_overrides_over_a_schemas_own_metadata() {
    let api = registry().await;
    let default = json!({"tags": {"shop.Order": ["DEFAULT"]},
        "properties": {"owner": "default", "city": "default", "era": "default"},
        "sensitive": ["owner"]});
    let over = json!({"properties": {"era": "override"}, "sensitive": ["era"]});
    let update = json!({"defaultMetadata": default, "overrideMetadata": over});
    api.put("/config/orders", &update).await;
    let own = json!({"properties": {"owner": "own", "era": "own"}, "sensitive": ["city"]});
    let merged = json!({"tags": {"shop.Order": ["DEFAULT"]},
        "properties": {"owner": "own", "city": "default", "era": "override"},
        "sensitive": ["city", "era", "owner"]});
    assert_eq!(contract(&post(&api, &with_metadata(ORDER, own)).await), (1, 1, merged.clone()));
    assert_eq!(contract(&post(&api, &body(ORDER_NOTE)).await), (2, 2, merged));
}

#[tokio::test]
async fn a_config_alone_gives_metadata() {
    let api = registry().await;
    api.put("/config", &json!({"defaultMetadata": owned_by("default")})).await;
    assert_eq!(contract(&post(&api, &body(ORDER)).await), (1, 1, owned_by("default")));
    assert_eq!(contract(&post(&api, &body(ORDER)).await), (1, 1, owned_by("default")));
    api.put("/config", &json!({"defaultMetadata": null, "overrideMetadata": owned_by("over")}))
        .await;
    let returns = api.post("/subjects/returns/versions", &body(ORDER)).await;
    assert_eq!(contract(&returns), (2, 1, owned_by("over")));
}

#[tokio::test]
async fn a_changed_override_makes_a_new_version() {
    let api = registry().await;
    api.put("/config/orders", &json!({"overrideMetadata": owned_by("a")})).await;
    assert_eq!(contract(&post(&api, &body(ORDER)).await), (1, 1, owned_by("a")));
    api.put("/config/orders", &json!({"overrideMetadata": owned_by("b")})).await;
    assert_eq!(contract(&post(&api, &body(ORDER)).await), (2, 2, owned_by("b")));
}

// confluent:version

fn version_property(version: u32) -> Value {
    json!({"properties": {"confluent:version": version.to_string()}})
}

#[tokio::test]
async fn a_version_that_is_asked_for_knows_its_number() {
    let api = registry().await;
    for (version, schema) in [(1, ORDER), (2, ORDER_NOTE)] {
        let request = json!({"schema": schema, "version": version});
        let answer = post(&api, &request).await;
        let (_, given, metadata) = contract(&answer);
        assert_eq!((given, metadata), (u64::from(version), version_property(version)));
    }
}

#[tokio::test]
async fn a_number_once_there_is_kept_up() {
    let api = registry().await;
    post(&api, &json!({"schema": ORDER, "version": 1})).await;
    assert_eq!(contract(&post(&api, &body(ORDER_NOTE)).await).2, version_property(2));
    let request = with_metadata(&ORDER_NOTE.replace("note", "memo"), version_property(9));
    assert_eq!(contract(&post(&api, &request).await).2, version_property(3));
}

#[tokio::test]
async fn schemas_that_differ_in_their_number_alone_are_the_same() {
    let api = registry().await;
    post(&api, &json!({"schema": ORDER, "version": 1})).await;
    post(&api, &json!({"schema": ORDER_NOTE, "version": 2})).await;
    for request in [body(ORDER), with_metadata(ORDER, version_property(1))] {
        assert_eq!(contract(&post(&api, &request).await), (1, 1, version_property(1)));
        let found = api.post("/subjects/orders", &request).await;
        assert_eq!((found.status.as_u16(), &found.json["version"]), (200, &json!(1)));
    }
    api.get("/subjects/orders/versions").await.is(json!([1, 2]));
}

#[tokio::test]
async fn an_import_gets_no_number_and_no_metadata_but_its_own() {
    let api = registry().await;
    api.put("/config", &json!({"defaultMetadata": owned_by("default")})).await;
    set_mode(&api, "/mode", "IMPORT").await;
    let answer = post(&api, &json!({"schema": ORDER, "id": 7, "version": 3})).await;
    assert_eq!(contract(&answer), (7, 3, Value::Null));
}

// A request without a schema

#[tokio::test]
async fn a_request_without_a_schema_means_the_latest_one() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    for (request, version) in [
        (json!({"metadata": owned_by("a")}), 3),
        (json!({"metadata": owned_by("b"), "schema": ""}), 4),
    ] {
        let answer = post(&api, &request).await;
        assert_eq!((contract(&answer).1, &answer.json["schema"]), (version, &json!(ORDER_NOTE)));
        assert_eq!(answer.json["metadata"], request["metadata"]);
    }
}

#[tokio::test]
async fn a_request_without_a_schema_copies_type_and_references_too() {
    let api = registry().await;
    register_payment(&api).await;
    let path = "/subjects/payments/versions";
    let answer = api.post(path, &json!({"metadata": owned_by("a")})).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(PAYMENT)));
    assert_eq!(answer.json["references"], payment(1)["references"]);
}

#[tokio::test]
async fn a_request_without_a_schema_for_a_new_subject_is_42201() {
    let api = registry().await;
    let answer = post(&api, &json!({"metadata": owned_by("a")})).await;
    answer.is_error(422, 42201, "Empty schema");
}

// Rules

fn rule(name: &str, rule_type: &str) -> Value {
    json!({"name": name, "kind": "TRANSFORM", "mode": "WRITEREAD", "type": rule_type,
        "disabled": false})
}

fn with_rules(schema: &str, rules: Value) -> Value {
    json!({"schema": schema, "ruleSet": rules})
}

fn domain(rules: &[Value]) -> Value {
    json!({"domainRules": rules})
}

#[tokio::test]
async fn rules_are_kept_with_all_their_fields_and_shown_everywhere() {
    let api = registry().await;
    let encrypt = json!({"name": "encrypt", "doc": "hides cents", "kind": "TRANSFORM",
        "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"], "params": {"kek": "k"},
        "expr": "true", "onSuccess": "NONE", "onFailure": "ERROR,NONE", "disabled": true});
    let upgrade = json!({"name": "up", "kind": "CONDITION", "mode": "UPGRADE", "type": "JSONATA",
        "expr": "$", "disabled": false});
    let rules = json!({"migrationRules": [upgrade], "domainRules": [rule("check", "CEL")],
        "encodingRules": [encrypt], "enableAt": "CLIENT"});
    let registered = post(&api, &with_rules(ORDER, rules.clone())).await;
    assert_eq!((registered.status.as_u16(), &registered.json["ruleSet"]), (200, &rules));
    let guid = registered.json["guid"].as_str().unwrap();
    assert_ne!(guid, ORDER_GUID);
    for path in ["/subjects/orders/versions/1", "/schemas/ids/1", &format!("/schemas/guids/{guid}")]
    {
        assert_eq!(api.get(path).await.json["ruleSet"], rules, "{path}");
    }
    assert_eq!(api.get("/schemas").await.json[0]["ruleSet"], rules);
}

#[tokio::test]
async fn what_a_rule_does_not_say_has_its_default() {
    let api = registry().await;
    let rules = json!({"domainRules": [{"name": "check", "type": "CEL"}]});
    let answer = post(&api, &with_rules(ORDER, rules)).await;
    assert_eq!(answer.json["ruleSet"], domain(&[rule("check", "CEL")]));
}

#[tokio::test]
async fn rules_are_part_of_what_a_schema_is() {
    let api = registry().await;
    assert_eq!(register(&api, "orders", ORDER).await, 1);
    for (name, id) in [("a", 2), ("b", 3), ("a", 2)] {
        let answer = post(&api, &with_rules(ORDER, domain(&[rule(name, "CEL")]))).await;
        assert_eq!((answer.status.as_u16(), &answer.json["id"]), (200, &json!(id)));
    }
}

#[tokio::test]
async fn a_schema_without_rules_has_those_of_the_version_before() {
    let api = registry().await;
    let rules = domain(&[rule("a", "CEL")]);
    post(&api, &with_rules(ORDER, rules.clone())).await;
    let answer = post(&api, &body(ORDER_NOTE)).await;
    assert_eq!((&answer.json["version"], &answer.json["ruleSet"]), (&json!(2), &rules));
    assert_eq!(post(&api, &body(ORDER_NOTE)).await.json["version"], 2);
}

#[tokio::test]
async fn default_rules_lie_under_and_overrides_over_a_schemas_own() {
    let api = registry().await;
    let update = json!({
        "defaultRuleSet": domain(&[rule("a", "DEFAULT"), rule("b", "DEFAULT"), rule("c", "DEFAULT")]),
        "overrideRuleSet": domain(&[rule("c", "OVERRIDE")]),
    });
    api.put("/config/orders", &update).await;
    let own = domain(&[rule("b", "OWN"), rule("c", "OWN")]);
    let answer = post(&api, &with_rules(ORDER, own)).await;
    let merged = domain(&[rule("a", "DEFAULT"), rule("b", "OWN"), rule("c", "OVERRIDE")]);
    assert_eq!(answer.json["ruleSet"], merged);
}

#[tokio::test]
async fn rules_that_are_none_are_42210() {
    let api = registry().await;
    let of = |mode: &str| json!({"name": "a", "type": "X", "mode": mode});
    for (rules, text) in [
        (domain(&[rule("a", "X"), rule("a", "Y")]), "Found rule with duplicate name 'a'"),
        (
            json!({"migrationRules": [of("READ")]}),
            "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN",
        ),
        (
            json!({"domainRules": [of("UPGRADE")]}),
            "Domain rules can only be WRITE, READ, WRITEREAD",
        ),
        (
            json!({"domainRules": [of("DOWNGRADE")]}),
            "Domain rules can only be WRITE, READ, WRITEREAD",
        ),
        (json!({"domainRules": [of("UPDOWN")]}), "Domain rules can only be WRITE, READ, WRITEREAD"),
        (
            json!({"encodingRules": [of("UPDOWN")]}),
            "Encoding rules can only be WRITE, READ, WRITEREAD",
        ),
        (json!({"domainRules": [{"type": "X"}]}), "Missing rule name"),
        (json!({"domainRules": [{"name": "", "type": "X"}]}), "Empty rule name"),
        (domain(&[rule("1a", "X")]), "Illegal initial character in rule name: 1a"),
        (domain(&[rule("a b", "X")]), "Illegal character in rule name: a b"),
        (json!({"domainRules": [{"name": "a"}]}), "Missing rule type"),
    ] {
        post(&api, &with_rules(ORDER, rules)).await.is_error(422, 42210, text);
    }
    api.get("/subjects").await.is(json!([]));
    // the same name in two lists is two rules
    let both = json!({"migrationRules": [of("UPGRADE")], "domainRules": [of("READ")]});
    assert_eq!(post(&api, &with_rules(ORDER, both)).await.status, 200);
}

// compatibilityGroup

#[tokio::test]
async fn versions_are_compared_within_their_group() {
    let api = registry().await;
    let update = json!({"compatibilityGroup": "major", "compatibility": "FULL_TRANSITIVE"});
    api.put("/config/orders", &update).await;
    let major =
        |schema: &str, major: &str| with_metadata(schema, json!({"properties": {"major": major}}));
    let rate = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"order_id","type":"int"}]}"#;
    assert_eq!(contract(&post(&api, &major(ORDER, "1")).await).1, 1);
    assert_eq!(contract(&post(&api, &major(rate, "2")).await).1, 2);
    assert_eq!(contract(&post(&api, &major(ORDER_NOTE, "1")).await).1, 3);
    let answer = post(&api, &major(rate, "1")).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (409, &json!(40901)));
    let path = "/compatibility/subjects/orders/versions";
    api.post(path, &major(rate, "3")).await.is(json!({"is_compatible": true}));
    api.post(path, &major(rate, "1")).await.is(json!({"is_compatible": false}));
}

#[tokio::test]
async fn versions_without_a_group_are_a_group() {
    let api = registry().await;
    api.put("/config/orders", &json!({"compatibilityGroup": "major"})).await;
    register(&api, "orders", ORDER).await;
    let answer = post(&api, &body(FLIGHT)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (409, &json!(40901)));
    let request = with_metadata(FLIGHT, json!({"properties": {"major": "2"}}));
    assert_eq!(contract(&post(&api, &request).await).1, 2);
}

// validateFields

const CLOSING: &str = "{validateFields: 'true', compatibility: 'BACKWARD'}";

fn reserving(schema: &str, fields: &str) -> Value {
    with_metadata(schema, json!({"properties": {"confluent:reserved": fields}}))
}

async fn validating() -> Api {
    let api = registry().await;
    api.put("/config/orders", &json!({"validateFields": true})).await;
    api
}

/// A registration and a check of it answer these messages.
async fn refused(api: &Api, request: &Value, messages: &[&str]) {
    let text = format!(
        "Schema being registered is incompatible with an earlier schema for subject \"orders\", details: [{}]",
        messages.join(", ")
    );
    post(api, request).await.is_error(409, 40901, &text);
    let path = "/compatibility/subjects/orders/versions/latest?verbose=true";
    let answer = api.post(path, request).await;
    answer.is(json!({"is_compatible": false, "messages": messages}));
}

#[tokio::test]
async fn a_reserved_field_stays_reserved() {
    let api = validating().await;
    post(&api, &reserving(ORDER, "currency, country")).await;
    let removed = "The new schema has reserved field country removed from its metadata which is present in the old schema's metadata.";
    refused(&api, &reserving(ORDER_NOTE, "currency"), &[removed, CLOSING]).await;
    let answer = post(&api, &reserving(ORDER_NOTE, "currency,country,city")).await;
    assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(2)));
}

#[tokio::test]
async fn no_field_has_a_reserved_name() {
    let api = validating().await;
    post(&api, &reserving(ORDER, "note")).await;
    let taken = "The new schema has field that conflicts with the reserved field note.";
    refused(&api, &reserving(ORDER_NOTE, "note"), &[taken, CLOSING]).await;
}

#[tokio::test]
async fn reserved_fields_come_before_other_reasons() {
    let api = validating().await;
    post(&api, &reserving(ORDER, "currency")).await;
    let answer = post(&api, &reserving(ORDER_CURRENCY, "currency")).await;
    let text = [
        "Schema being registered is incompatible with an earlier schema for subject \"orders\", details: [",
        "The new schema has field that conflicts with the reserved field currency., ",
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'currency' at path '/fields/2' in the new schema has no default value and is missing in the old schema', additionalInfo:'currency'}, ",
        "{oldSchemaVersion: 1}, ",
        &format!("{{oldSchema: '{ORDER}'}}, "),
        CLOSING,
        "]",
    ];
    answer.is_error(409, 40901, &text.concat());
}

#[tokio::test]
async fn reserved_fields_are_looked_after_only_if_a_config_says_so() {
    let api = registry().await;
    post(&api, &reserving(ORDER, "note")).await;
    assert_eq!(post(&api, &reserving(ORDER_NOTE, "note")).await.status, 200);
    api.put("/config", &json!({"validateFields": true})).await;
    let answer = post(&api, &reserving(ORDER, "")).await;
    assert_eq!(answer.json["error_code"], 40901);
}

// validateNewSchemas

#[tokio::test]
async fn a_default_of_the_wrong_type_is_taken_if_new_schemas_are_not_validated() {
    let api = registry().await;
    let schema = ORDER.replace(r#""long"}"#, r#""long","default":"none"}"#);
    let answer = post(&api, &body(&schema)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
    api.put("/config/orders", &json!({"validateNewSchemas": false})).await;
    let answer = post(&api, &body(&schema)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(schema)));
    // and is read again whatever the config says
    api.put("/config/orders", &json!({"validateNewSchemas": true})).await;
    assert_eq!(api.get("/subjects/orders/versions/1?format=resolved").await.status, 200);
    let found = api.post("/subjects/orders", &body(&schema)).await;
    assert_eq!((found.status.as_u16(), &found.json["version"]), (200, &json!(1)));
}
