//! JSON Schema: what is registered, referred to, compared, and never fetched

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};
use weir_tests::{Answer, Api, registry};

use crate::fixtures::*;

const MONEY: &str = r#"{"type":"object","properties":{"cents":{"type":"integer"}}}"#;
const MONEY_GUID: &str = "62883244-42f9-604b-f363-5a26cdafb94f";

/// Refers to `MONEY`.
const PAYMENT: &str = r#"{"type":"object","properties":{"total":{"$ref":"money.json"}}}"#;

fn json_schema(schema: &str) -> Value {
    json!({"schemaType": "JSON", "schema": schema})
}

/// `PAYMENT` with a reference to a version of a subject.
fn payment(subject: &str, version: i32) -> Value {
    let reference = json!({"name": "money.json", "subject": subject, "version": version});
    json!({"schemaType": "JSON", "schema": PAYMENT, "references": [reference]})
}

/// What the registry says of `new` after `old`, at a level.
async fn check(level: &str, old: &str, new: &str) -> Answer {
    let api = registry().await;
    set_level(&api, level).await;
    register_body(&api, "orders", &json_schema(old)).await;
    checked(&api, new).await
}

async fn checked(api: &Api, new: &str) -> Answer {
    let path = "/compatibility/subjects/orders/versions/latest?verbose=true";
    api.post(path, &json_schema(new)).await
}

#[track_caller]
fn assert_incompatible(answer: &Answer, level: &str, old: &str, reasons: &[&str]) {
    let mut messages: Vec<String> = reasons.iter().map(|reason| reason.to_string()).collect();
    messages.push("{oldSchemaVersion: 1}".into());
    messages.push(format!("{{oldSchema: '{old}'}}"));
    messages.push(format!("{{validateFields: 'false', compatibility: '{level}'}}"));
    assert_eq!((answer.status.as_u16(), &answer.json["is_compatible"]), (200, &json!(false)));
    assert_eq!(answer.json["messages"], json!(messages));
}

#[track_caller]
fn assert_compatible(answer: &Answer) {
    answer.is(json!({"is_compatible": true, "messages": []}));
}

// What is registered

#[tokio::test]
async fn a_schema_is_kept_without_white_space_and_in_its_own_order() {
    let api = registry().await;
    let written =
        "{ \"type\" : \"object\",\n  \"properties\": { \"cents\": { \"type\":\"integer\" } } }";
    for text in [written, MONEY] {
        let answer = api.post("/subjects/money/versions", &json_schema(text)).await;
        answer.is(json!({"id": 1, "version": 1, "guid": MONEY_GUID, "schemaType": "JSON",
            "schema": MONEY}));
    }
    let version = api.get("/subjects/money/versions/1").await;
    version.is(json!({"subject": "money", "version": 1, "id": 1, "guid": MONEY_GUID,
        "schemaType": "JSON", "schema": MONEY}));
    assert_eq!(api.get("/schemas/ids/1").await.json["schemaType"], "JSON");
    assert_eq!(api.get("/schemas/ids/1/schema").await.text, MONEY);
    let found = api.post("/subjects/money", &json_schema(written)).await;
    assert_eq!((found.status.as_u16(), &found.json["version"]), (200, &json!(1)));
}

#[tokio::test]
async fn the_order_of_keys_is_kept_but_makes_no_other_version() {
    let api = registry().await;
    let turned = r#"{"properties":{"cents":{"type":"integer"}},"type":"object"}"#;
    assert_eq!(register_body(&api, "money", &json_schema(MONEY)).await, 1);
    assert_eq!(register_body(&api, "money", &json_schema(turned)).await, 1);
    assert_eq!(register_body(&api, "turned", &json_schema(turned)).await, 2);
    for text in [MONEY, turned] {
        let answer = api.post("/subjects/sums/versions?normalize=true", &json_schema(text)).await;
        assert_eq!((&answer.json["id"], &answer.json["schema"]), (&json!(2), &json!(turned)));
    }
}

#[tokio::test]
async fn numbers_and_texts_are_kept_as_the_reference_keeps_them() {
    let api = registry().await;
    for (written, kept) in [
        (r#"{"minimum":1.50,"multipleOf":0.1000}"#, r#"{"minimum":1.50,"multipleOf":0.1000}"#),
        (r#"{"maximum":1e3,"minimum":0.0000001}"#, r#"{"maximum":1E+3,"minimum":1E-7}"#),
        (r#"{"maximum":1e400}"#, r#"{"maximum":1E+400}"#),
        (r#"{"const":123456789012345678901234}"#, r#"{"const":123456789012345678901234}"#),
        (r#"{"title":"\u00e9\/\u0001","a":1,"a":2}"#, r#"{"title":"é/\u0001","a":2}"#),
    ] {
        let answer = api.post("/subjects/numbers/versions", &json_schema(written)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(kept)));
        let id = answer.json["id"].clone();
        for text in [written, kept] {
            let found = api.post("/subjects/numbers", &json_schema(text)).await;
            assert_eq!((found.status.as_u16(), &found.json["id"]), (200, &id), "{text}");
        }
        api.delete("/subjects/numbers").await;
    }
}

#[tokio::test]
async fn the_guid_is_that_of_the_text_with_its_decimals() {
    let api = registry().await;
    let answer = api.post("/subjects/a/versions", &json_schema(r#"{"minimum":1.50}"#)).await;
    assert_eq!(answer.json["guid"], "5de06996-fa1a-3f12-4d7f-48d06574d541");
}

#[tokio::test]
async fn an_imported_text_that_is_no_schema_is_kept_and_looked_up() {
    let api = registry().await;
    api.put("/mode", &json!({"mode": "IMPORT"})).await;
    let five = json!({"schemaType": "JSON", "schema": "5", "id": 7, "version": 1});
    assert_eq!(api.post("/subjects/five/versions", &five).await.status, 200);
    api.put("/mode", &json!({"mode": "READWRITE"})).await;
    assert_eq!(api.get("/schemas/ids/7/schema").await.text, "5");
    assert_eq!(register_body(&api, "other", &json_schema("5")).await, 7);
    let refused = api.post("/subjects/other/versions", &json_schema("6")).await;
    assert_eq!((refused.status.as_u16(), &refused.json["error_code"]), (422, &json!(42201)));
    let next = api.post("/subjects/five/versions", &json_schema(MONEY)).await;
    assert!([200, 409].contains(&next.status.as_u16()), "{}", next.text);
}

#[tokio::test]
async fn names_with_two_dollars_are_refused_only_where_fields_are_validated() {
    let api = registry().await;
    let text = r#"{"$$title":"t","properties":{"$$a":{}}}"#;
    assert_eq!(register_body(&api, "dollars", &json_schema(text)).await, 1);
    api.put("/config/strict", &json!({"validateFields": true})).await;
    let refused = api.post("/subjects/strict/versions", &json_schema(text)).await;
    assert_eq!((refused.status.as_u16(), &refused.json["error_code"]), (422, &json!(42201)));
    let message = refused.json["message"].as_str().unwrap();
    assert!(message.contains("Field names cannot start with $$ prefix"), "{message}");
    let other = json_schema(r#"{"$$title":"t","properties":{"a":{}}}"#);
    assert_eq!(api.post("/subjects/strict/versions", &other).await.status, 200);
}

#[tokio::test]
async fn true_and_false_are_schemas() {
    let api = registry().await;
    for (subject, text) in [("anything", "true"), ("nothing", "false")] {
        let answer = api.post(&format!("/subjects/{subject}/versions"), &json_schema(text)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(text)));
    }
}

#[tokio::test]
async fn what_is_no_json_schema_is_42201() {
    let api = registry().await;
    for text in ["{", "order", r#"{"type":"decimal"}"#, r#"{"properties":7}"#, r#"{"minimum":"0"}"#]
    {
        let answer = api.post("/subjects/orders/versions", &json_schema(text)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["error_code"]),
            (422, &json!(42201)),
            "{text}"
        );
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.starts_with("Invalid schema of type JSON, details: "), "{message}");
    }
}

// References

#[tokio::test]
async fn a_schema_may_refer_to_another_subject() {
    let api = registry().await;
    register_body(&api, "money", &json_schema(MONEY)).await;
    for version in [1, -1] {
        let answer = api.post("/subjects/payments/versions", &payment("money", version)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["id"]),
            (200, &json!(2)),
            "{}",
            answer.text
        );
        assert_eq!(answer.json["references"], payment("money", 1)["references"]);
        assert_eq!(answer.json["schema"], PAYMENT);
    }
    api.get("/subjects/money/versions/1/referencedby").await.is(json!([2]));
}

#[tokio::test]
async fn a_schema_may_refer_to_a_subject_in_a_context() {
    let api = registry().await;
    register_body(&api, ":.eu:money", &json_schema(MONEY)).await;
    register_body(&api, "payments", &payment(":.eu:money", 1)).await;
    register_body(&api, ":.eu:payments", &payment("money", 1)).await;
    let answer = api.post("/subjects/payments/versions", &payment("money", 1)).await;
    let text = "Invalid schema of type JSON, details: No schema reference found for subject \"money\" and version 1";
    answer.is_error(422, 42201, text);
}

#[tokio::test]
async fn a_reference_to_what_is_not_there_is_42201() {
    let api = registry().await;
    register_body(&api, "money", &json_schema(MONEY)).await;
    let answer = api.post("/subjects/payments/versions", &payment("money", 2)).await;
    let text = "Invalid schema of type JSON, details: No schema reference found for subject \"money\" and version 2";
    answer.is_error(422, 42201, text);
}

#[tokio::test]
async fn what_a_reference_says_is_compared() {
    let api = registry().await;
    set_level(&api, "NONE").await;
    register_body(&api, "money", &json_schema(MONEY)).await;
    register_body(&api, "money", &json_schema(&MONEY.replace("integer", "string"))).await;
    register_body(&api, "payments", &payment("money", 1)).await;
    set_level(&api, "FULL").await;
    let path = "/compatibility/subjects/payments/versions/latest";
    api.post(path, &payment("money", 1)).await.is(json!({"is_compatible": true}));
    api.post(path, &payment("money", 2)).await.is(json!({"is_compatible": false}));
}

/// The registry is no way into the network that it stands in, nor to its disk.
#[tokio::test]
async fn what_a_schema_refers_to_is_never_fetched() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let port = canary.local_addr().unwrap().port();
    let mut file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    std::io::Write::write_all(&mut file, MONEY.as_bytes()).unwrap();
    let api = registry().await;
    register_body(&api, "payments", &json_schema("{}")).await;
    for remote in [
        format!("http://127.0.0.1:{port}/money.json"),
        format!("https://127.0.0.1:{port}/money.json"),
        format!("file://{}", file.path().display()),
        file.path().display().to_string(),
    ] {
        for keyword in ["$ref", "$schema", "$id"] {
            let mut schema = json!({"properties": {"total": {"$ref": remote}}});
            schema[keyword] = json!(remote);
            let request = json_schema(&schema.to_string());
            for path in [
                "/subjects/payments/versions",
                "/subjects/payments",
                "/compatibility/subjects/payments/versions/latest",
            ] {
                let answer = api.post(path, &request).await;
                assert_ne!(answer.status.as_u16() / 100, 5, "{path}: {}", answer.text);
            }
        }
        let request = json_schema(&json!({"properties": {"total": {"$ref": remote}}}).to_string());
        let answer = api.post("/subjects/payments/versions", &request).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["error_code"]),
            (422, &json!(42201)),
            "{remote}"
        );
    }
    assert_eq!(canary.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody called");
}

// Compatibility

const OPEN: &str = r#"{"type":"object","properties":{"cents":{"type":"integer"}}}"#;
const OPEN_NOTE: &str =
    r#"{"type":"object","properties":{"cents":{"type":"integer"},"note":{"type":"string"}}}"#;
const CLOSED: &str =
    r#"{"type":"object","properties":{"cents":{"type":"integer"}},"additionalProperties":false}"#;
const CLOSED_NOTE: &str = r#"{"type":"object","properties":{"cents":{"type":"integer"},"note":{"type":"string"}},"additionalProperties":false}"#;

#[tokio::test]
async fn a_new_property_of_an_open_schema_is_not_backward_compatible() {
    let answer = check("BACKWARD", OPEN, OPEN_NOTE).await;
    let reason = r#"{errorType:"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", description:"The new schema has an open content model and has a property or item at path '#/properties/note' which is missing in the old schema'}"#;
    assert_incompatible(&answer, "BACKWARD", OPEN, &[reason]);
    let place = &answer.json["incompatibilities"][0];
    assert_eq!(place["rule"], "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL");
    assert_eq!((&place["version"], &place["line"]), (&json!(1), &json!(1)));
    assert!(!place["fix"].as_str().unwrap().is_empty());
    assert_compatible(&check("FORWARD", OPEN, OPEN_NOTE).await);
}

#[tokio::test]
async fn a_property_that_an_open_schema_loses_is_not_forward_compatible() {
    let answer = check("FORWARD", OPEN_NOTE, OPEN).await;
    let reason = r#"{errorType:"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", description:"The old schema has an open content model and has a property or item at path '#/properties/note' which is missing in the new schema'}"#;
    assert_incompatible(&answer, "FORWARD", OPEN_NOTE, &[reason]);
    assert_compatible(&check("BACKWARD", OPEN_NOTE, OPEN).await);
}

#[tokio::test]
async fn a_closed_schema_may_gain_a_property_but_not_lose_one() {
    assert_compatible(&check("BACKWARD", CLOSED, CLOSED_NOTE).await);
    let answer = check("BACKWARD", CLOSED_NOTE, CLOSED).await;
    let reason = r#"{errorType:"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", description:"The new has a closed content model and is missing a property or item present at path '#/properties/note' in the old schema'}"#;
    assert_incompatible(&answer, "BACKWARD", CLOSED_NOTE, &[reason]);
}

#[tokio::test]
async fn types_and_limits_are_compared() {
    let with = |cents: &str| format!(r#"{{"type":"object","properties":{{"cents":{cents}}}}}"#);
    let integer = with(r#"{"type":"integer"}"#);
    let number = with(r#"{"type":"number"}"#);
    let string = with(r#"{"type":"string"}"#);
    let limited = with(r#"{"type":"integer","maximum":9}"#);
    let tighter = with(r#"{"type":"integer","maximum":8}"#);
    for (old, new, rule, text) in [
        (
            &integer,
            &string,
            "TYPE_CHANGED",
            "A type at path '#/properties/cents' is different between the new schema and the old schema",
        ),
        (
            &number,
            &integer,
            "TYPE_NARROWED",
            "A type at path '#/properties/cents' is different between the new schema and the old schema",
        ),
        (
            &integer,
            &limited,
            "MAXIMUM_ADDED",
            "The keyword at path '#/properties/cents/maximum' in the new schema is not present in the old schema",
        ),
        (
            &limited,
            &tighter,
            "MAXIMUM_DECREASED",
            "The value at path '#/properties/cents/maximum' in the new schema is less than its value in the old schema",
        ),
    ] {
        let reason = format!(r#"{{errorType:"{rule}", description:"{text}'}}"#);
        assert_incompatible(&check("BACKWARD", old, new).await, "BACKWARD", old, &[&reason]);
    }
}

#[tokio::test]
async fn lenient_lets_an_open_schema_gain_optional_properties() {
    let api = registry().await;
    register_body(&api, "orders", &json_schema(OPEN)).await;
    let required = OPEN_NOTE.replace(r#"}}}"#, r#"}},"required":["note"]}"#);
    assert_eq!(checked(&api, OPEN_NOTE).await.json["is_compatible"], false);
    for (policy, optional) in [("LENIENT", true), ("STRICT", false)] {
        api.put("/config/orders", &json!({"compatibilityPolicy": policy})).await;
        assert_eq!(checked(&api, OPEN_NOTE).await.json["is_compatible"], optional, "{policy}");
        let answer = checked(&api, &required).await;
        assert_eq!(answer.json["is_compatible"], false, "{policy}");
        assert!(
            answer.text.contains("REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_schema_of_another_type_is_incompatible() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let answer = checked(&api, OPEN).await;
    let reason = "Incompatible because of different schema type";
    let closing = "{validateFields: 'false', compatibility: 'BACKWARD'}";
    assert_eq!(answer.json["messages"], json!([reason, closing]));
}
