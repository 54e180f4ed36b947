//! `/compatibility/subjects/{subject}/versions`

use serde_json::{Value, json};
use weir_tests::{Answer, Api, registry};

use crate::fixtures::*;

const ALL: &str = "/compatibility/subjects/orders/versions";
const LATEST: &str = "/compatibility/subjects/orders/versions/latest";

/// A registry at a level, with versions of `orders` that need not fit each other.
async fn orders_at(level: &str, schemas: &[&str]) -> Api {
    let api = registry().await;
    set_level(&api, "NONE").await;
    for schema in schemas {
        register(&api, "orders", schema).await;
    }
    set_level(&api, level).await;
    api
}

/// What the registry says of `new` after `old`, at a level.
async fn check(level: &str, old: &str, new: &str) -> Answer {
    let api = orders_at(level, &[old]).await;
    api.post(&format!("{LATEST}?verbose=true"), &body(new)).await
}

#[track_caller]
fn assert_compatible(answer: &Answer) {
    answer.is(json!({"is_compatible": true, "messages": []}));
}

/// Names of the rules that are broken, as programs are told.
fn rules(answer: &Answer) -> Vec<&str> {
    let incompatibilities = answer.json["incompatibilities"].as_array().unwrap();
    incompatibilities.iter().map(|i| i["rule"].as_str().unwrap()).collect()
}

/// The same as a message tells it.
fn rule(message: &str) -> Option<&str> {
    message.strip_prefix("{errorType:'")?.split('\'').next()
}

/// `new` does not fit `old`, for these reasons, and what always follows them. Programs are told the
/// same reasons; what more they are told is below.
async fn assert_incompatible(level: &str, old: &str, new: &str, reasons: &[&str]) {
    let mut messages: Vec<String> = reasons.iter().map(|r| r.to_string()).collect();
    messages.push("{oldSchemaVersion: 1}".into());
    messages.push(format!("{{oldSchema: '{old}'}}"));
    messages.push(format!("{{validateFields: 'false', compatibility: '{level}'}}"));
    let answer = check(level, old, new).await;
    assert_eq!((answer.status.as_u16(), &answer.json["is_compatible"]), (200, &json!(false)));
    assert_eq!(answer.json["messages"], json!(messages));
    assert_eq!(answer.json.as_object().unwrap().len(), 3, "{}", answer.text);
    assert!(
        rules(&answer).into_iter().eq(reasons.iter().filter_map(|r| rule(r))),
        "{}",
        answer.text
    );
}

// What is asked and answered

#[tokio::test]
async fn messages_are_there_only_if_asked_for() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    for path in [ALL, LATEST] {
        api.post(path, &body(ORDER_NOTE)).await.is(json!({"is_compatible": true}));
        api.post(path, &body(ORDER_CURRENCY)).await.is(json!({"is_compatible": false}));
        let verbose = format!("{path}?verbose=true");
        assert_compatible(&api.post(&verbose, &body(ORDER_NOTE)).await);
        let answer = api.post(&verbose, &body(ORDER_CURRENCY)).await;
        assert_eq!(answer.json["messages"].as_array().unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_check_registers_nothing() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    api.post(ALL, &body(ORDER_NOTE)).await.is(json!({"is_compatible": true}));
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

#[tokio::test]
async fn anything_fits_a_subject_without_versions() {
    let api = registry().await;
    for path in [ALL, LATEST] {
        api.post(path, &body(ORDER)).await.is(json!({"is_compatible": true}));
    }
}

#[tokio::test]
async fn a_check_against_an_unknown_version_is_40402() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    let answer = api.post(&format!("{ALL}/2"), &body(ORDER)).await;
    answer.is_error(404, 40402, "Version 2 not found.");
    let answer = api.post("/compatibility/subjects/flights/versions/1", &body(FLIGHT)).await;
    answer.is_error(404, 40402, "Version 1 not found.");
}

#[tokio::test]
async fn a_check_against_no_version_is_42202() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    for version in ["0", "-2", "newest"] {
        let answer = api.post(&format!("{ALL}/{version}"), &body(ORDER)).await;
        let text = format!(
            "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
        );
        answer.is_error(422, 42202, &text);
    }
}

#[tokio::test]
async fn a_check_of_an_invalid_schema_is_42201() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    for path in [ALL, LATEST] {
        let answer = api.post(path, &body(r#"{"type":"recrod"}"#)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
        api.post(path, &body("")).await.is_error(422, 42201, "Empty schema");
    }
}

#[tokio::test]
async fn a_verbose_check_of_an_invalid_schema_says_that_it_is_incompatible() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    let unknown_type = json!({"schema": ORDER, "schemaType": "THRIFT"});
    for path in [ALL, LATEST] {
        for request in [body(r#"{"type":"recrod"}"#), unknown_type.clone()] {
            let answer = api.post(&format!("{path}?verbose=true"), &request).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json["is_compatible"]),
                (200, &json!(false))
            );
            assert_eq!(answer.json["messages"].as_array().unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_check_may_refer_to_other_subjects() {
    let api = registry().await;
    register_payment(&api).await;
    let path = "/compatibility/subjects/payments/versions/latest";
    for version in [1, -1] {
        api.post(path, &payment(version)).await.is(json!({"is_compatible": true}));
    }
    let answer = api.post(path, &payment(2)).await;
    assert_eq!(answer.json["error_code"], 42201);
}

#[tokio::test]
async fn a_check_may_be_of_a_normalized_schema() {
    let api = orders_at("BACKWARD", &[UNSORTED]).await;
    let answer = api.post(&format!("{ALL}?normalize=true"), &body(UNSORTED)).await;
    answer.is(json!({"is_compatible": true}));
}

#[tokio::test]
async fn soft_deleted_versions_are_not_compared() {
    let api = orders_at("BACKWARD_TRANSITIVE", &[FLIGHT, ORDER]).await;
    api.post(ALL, &body(ORDER_NOTE)).await.is(json!({"is_compatible": false}));
    soft_delete(&api, "orders/versions/1").await;
    api.post(ALL, &body(ORDER_NOTE)).await.is(json!({"is_compatible": true}));
    let answer = api.post(&format!("{ALL}/1"), &body(ORDER_NOTE)).await;
    answer.is_error(404, 40402, "Version 1 not found.");
}

#[tokio::test]
async fn latest_of_a_soft_deleted_subject_fits_anything() {
    let api = orders_at("FULL", &[ORDER]).await;
    soft_delete(&api, "orders").await;
    api.post(LATEST, &body(FLIGHT)).await.is(json!({"is_compatible": true}));
}

#[tokio::test]
async fn the_latest_version_has_many_names() {
    let api = orders_at("BACKWARD", &[FLIGHT, ORDER]).await;
    for name in ["2", "latest", "LATEST", "-1"] {
        let answer = api.post(&format!("{ALL}/{name}"), &body(ORDER_NOTE)).await;
        answer.is(json!({"is_compatible": true}));
    }
}

// Levels

#[tokio::test]
async fn backward_means_that_the_new_schema_reads_the_old_one() {
    assert_compatible(&check("BACKWARD", ORDER, ORDER_WITHOUT_CENTS).await);
    assert_eq!(check("BACKWARD", ORDER, ORDER_CURRENCY).await.json["is_compatible"], false);
}

#[tokio::test]
async fn forward_means_that_the_old_schema_reads_the_new_one() {
    assert_compatible(&check("FORWARD", ORDER, ORDER_CURRENCY).await);
    assert_eq!(check("FORWARD", ORDER, ORDER_WITHOUT_CENTS).await.json["is_compatible"], false);
}

#[tokio::test]
async fn full_means_both() {
    assert_compatible(&check("FULL", ORDER, ORDER_NOTE).await);
    assert_eq!(check("FULL", ORDER, ORDER_CURRENCY).await.json["is_compatible"], false);
    assert_eq!(check("FULL", ORDER, ORDER_WITHOUT_CENTS).await.json["is_compatible"], false);
}

#[tokio::test]
async fn none_means_anything() {
    assert_compatible(&check("NONE", ORDER, FLIGHT).await);
}

#[tokio::test]
async fn a_subjects_own_level_counts() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    api.put("/config/orders", &json!({"compatibility": "FORWARD"})).await;
    api.post(LATEST, &body(ORDER_CURRENCY)).await.is(json!({"is_compatible": true}));
}

#[tokio::test]
async fn plain_levels_compare_with_the_latest_version() {
    for level in ["BACKWARD", "FORWARD", "FULL"] {
        let api = orders_at(level, &[FLIGHT, ORDER]).await;
        api.post(ALL, &body(ORDER_NOTE)).await.is(json!({"is_compatible": true}));
    }
}

#[tokio::test]
async fn transitive_levels_compare_with_all_versions() {
    for level in ["BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"] {
        let api = orders_at(level, &[FLIGHT, ORDER]).await;
        api.post(ALL, &body(ORDER_NOTE)).await.is(json!({"is_compatible": false}));
    }
}

#[tokio::test]
async fn one_version_is_compared_alone_at_transitive_levels_too() {
    for level in ["BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"] {
        let api = orders_at(level, &[FLIGHT, ORDER]).await;
        api.post(LATEST, &body(ORDER_NOTE)).await.is(json!({"is_compatible": true}));
        api.post(&format!("{ALL}/1"), &body(ORDER_NOTE)).await.is(json!({"is_compatible": false}));
    }
}

#[tokio::test]
async fn the_newest_version_that_does_not_fit_is_the_only_one_reported() {
    let api = orders_at("BACKWARD_TRANSITIVE", &[FLIGHT, ORDER, ORDER_NOTE]).await;
    let answer = api.post(&format!("{ALL}?verbose=true"), &body(ORDER_CURRENCY)).await;
    let versions: Vec<&Value> = answer.json["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m.as_str().unwrap().starts_with("{oldSchemaVersion"))
        .collect();
    assert_eq!(versions, ["{oldSchemaVersion: 3}"]);
}

// Messages

const A: &str = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#;
const A_B: &str = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"string"}]}"#;

#[tokio::test]
async fn a_field_without_default_is_reader_field_missing_default_value() {
    let reason = "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'b'}";
    assert_incompatible("BACKWARD", A, A_B, &[reason]).await;
}

#[tokio::test]
async fn full_reports_what_the_old_schema_cannot_read_first() {
    let old_reads_new = "{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the old schema does not match with the new schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}";
    let new_reads_old = "{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: STRING not compatible with writer type: INT'}";
    let reasons = [old_reads_new, new_reads_old];
    assert_incompatible("FULL", "\"int\"", "\"string\"", &reasons).await;
}

#[tokio::test]
async fn a_new_enum_symbol_is_missing_enum_symbols_forward() {
    let old = r#"{"type":"enum","name":"E","symbols":["A"]}"#;
    let new = r#"{"type":"enum","name":"E","symbols":["A","B"]}"#;
    let reason = "{errorType:'MISSING_ENUM_SYMBOLS', description:'The old schema is missing enum symbols '[B]' at path '/symbols' in the new schema', additionalInfo:'[B]'}";
    assert_incompatible("FORWARD", old, new, &[reason]).await;
    assert_compatible(&check("BACKWARD", old, new).await);
}

#[tokio::test]
async fn a_shorter_fixed_is_fixed_size_mismatch() {
    let old = r#"{"type":"fixed","name":"F","size":8}"#;
    let new = r#"{"type":"fixed","name":"F","size":4}"#;
    let reason = "{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/size' in the new schema does not match with the old schema', additionalInfo:'expected: 8, found: 4'}";
    assert_incompatible("BACKWARD", old, new, &[reason]).await;
}

#[tokio::test]
async fn a_branch_that_no_branch_reads_is_missing_union_branch() {
    let reason = "{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at path '/1' in the old schema', additionalInfo:'reader union lacking writer type: STRING'}";
    let (old, new) = (r#"["null","string"]"#, r#"["null","int"]"#);
    assert_incompatible("BACKWARD", old, new, &[reason]).await;
}

#[tokio::test]
async fn a_branch_that_a_plain_type_does_not_read_is_type_mismatch() {
    let reason = "{errorType:'TYPE_MISMATCH', description:'The type (path '/1') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}";
    assert_incompatible("BACKWARD", r#"["int","string"]"#, "\"int\"", &[reason]).await;
}

#[tokio::test]
async fn a_plain_type_that_no_branch_reads_is_missing_union_branch() {
    let reason = "{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at path '/' in the old schema', additionalInfo:'reader union lacking writer type: STRING'}";
    assert_incompatible("BACKWARD", "\"string\"", r#"["int"]"#, &[reason]).await;
}

#[tokio::test]
async fn another_record_name_is_name_mismatch() {
    let new = A.replace(r#""R""#, r#""S""#);
    let reason = "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')', additionalInfo:'expected: R'}";
    assert_incompatible("BACKWARD", A, &new, &[reason]).await;
}

#[tokio::test]
async fn a_narrower_number_is_type_mismatch() {
    let reason = "{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: LONG'}";
    assert_incompatible("BACKWARD", "\"long\"", "\"int\"", &[reason]).await;
}

/// The default of an enum is for symbols, not for fields; the reference compares the enum with the
/// whole record that was written, and says so.
#[tokio::test]
async fn a_new_field_whose_enum_has_a_default_is_type_mismatch() {
    let new = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"cabin","type":{"type":"enum","name":"Cabin","symbols":["ECONOMY","FIRST"],"default":"ECONOMY"}}]}"#;
    let reason = "{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/1/type') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: ENUM not compatible with writer type: RECORD'}";
    assert_incompatible("BACKWARD", A, new, &[reason]).await;
}

#[tokio::test]
async fn paths_lead_into_records_unions_and_arrays() {
    let old = r#"{"type":"record","name":"Trip","fields":[{"name":"id","type":"string"},{"name":"legs","type":{"type":"array","items":{"type":"record","name":"Leg","fields":[{"name":"miles","type":["null","double"]}]}}}]}"#;
    let new = old.replace("double", "long");
    let reason = "{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at path '/fields/1/type/items/fields/0/type/1' in the old schema', additionalInfo:'reader union lacking writer type: DOUBLE'}";
    assert_incompatible("BACKWARD", old, &new, &[reason]).await;
}

#[tokio::test]
async fn every_reason_is_reported() {
    let new = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"order_id","type":"int"},{"name":"currency","type":"string"},{"name":"country","type":"string"}]}"#;
    let answer = check("BACKWARD", ORDER, new).await;
    let messages = answer.json["messages"].as_array().unwrap();
    let reasons: Vec<&str> = messages.iter().filter_map(|m| rule(m.as_str().unwrap())).collect();
    let expected = [
        "TYPE_MISMATCH",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(rules(&answer), expected);
}

#[tokio::test]
async fn a_long_old_schema_is_quoted_in_part() {
    let doc = "o".repeat(11_000);
    let old = A.replace(r#","fields""#, &format!(r#","doc":"{doc}","fields""#));
    let answer = check("BACKWARD", &old, A_B).await;
    let quoted = format!("{{oldSchema: <truncated> '{}...'}}", &old[..10_240]);
    assert_eq!(answer.json["messages"][2], quoted);
}

// Incompatibilities: the reasons for programs, which are Weir's own

/// An order without cents and with a currency, as its author wrote it: it reads no `ORDER`, whose
/// cents it has no field for but whose currency it wants.
const WRITTEN: &str = r#"{
  "type": "record",
  "name": "Order",
  "namespace": "shop",
  "fields": [
    { "name": "order_id", "type": "string" },
    { "name": "cents", "type": "int" },
    { "name": "currency",
      "type": "string" }
  ]
}"#;

#[tokio::test]
async fn an_incompatibility_says_where_it_is_and_what_to_change() {
    let answer = check("BACKWARD", ORDER, WRITTEN).await;
    let cents = json!({"rule": "TYPE_MISMATCH", "version": 1, "path": "/fields/1/type",
        "versionPath": "/fields/1/type", "line": 7, "column": 32,
        "fix": "Keep the type, or choose one that reads it: reader type: INT not compatible with writer type: LONG."});
    let currency = json!({"rule": "READER_FIELD_MISSING_DEFAULT_VALUE", "version": 1,
        "path": "/fields/2", "versionPath": "/fields", "line": 8, "column": 5,
        "fix": "Give the field 'currency' a default."});
    assert_eq!(answer.json["incompatibilities"], json!([cents, currency]));
}

#[tokio::test]
async fn forward_the_submitted_schema_is_the_one_that_is_written() {
    let fewer = r#"{"type":"enum","name":"Cabin","symbols":["ECONOMY"]}"#;
    let more = "{\"type\":\"enum\",\n\"name\":\"Cabin\",\n\"symbols\":[\"ECONOMY\",\"FIRST\"]}";
    let answer = check("FORWARD", fewer, more).await;
    let symbols = json!({"rule": "MISSING_ENUM_SYMBOLS", "version": 1, "path": "/symbols",
        "versionPath": "/symbols", "line": 3, "column": 11,
        "fix": "Leave out the symbols [FIRST]: the other enum has no default for them."});
    assert_eq!(answer.json["incompatibilities"], json!([symbols]));
}

#[tokio::test]
async fn paths_lead_into_each_of_the_two_schemas() {
    let old = ORDER.replace(r#"{"name":"order_id","type":"string"},"#, "");
    let answer = check("BACKWARD", &old, &ORDER.replace("long", "int")).await;
    let paths: Vec<_> = answer.json["incompatibilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["rule"].as_str().unwrap(), i["path"].as_str().unwrap(), &i["versionPath"]))
        .filter(|(rule, ..)| *rule == "TYPE_MISMATCH")
        .collect();
    assert_eq!(paths, [("TYPE_MISMATCH", "/fields/1/type", &json!("/fields/0/type"))]);
}

#[tokio::test]
async fn an_incompatibility_names_the_version_that_does_not_fit() {
    let api = orders_at("BACKWARD_TRANSITIVE", &["\"long\"", "\"int\""]).await;
    let answer = api.post(&format!("{ALL}?verbose=true"), &body("\"int\"")).await;
    let narrower = json!({"rule": "TYPE_MISMATCH", "version": 1, "path": "", "versionPath": "",
        "line": 1, "column": 1,
        "fix": "Keep the type, or choose one that reads it: reader type: INT not compatible with writer type: LONG."});
    assert_eq!(answer.json["incompatibilities"], json!([narrower]));
}

#[tokio::test]
async fn incompatibilities_are_there_only_if_there_are_some_and_asked_for() {
    let api = orders_at("BACKWARD", &[ORDER]).await;
    api.post(LATEST, &body(ORDER_CURRENCY)).await.is(json!({"is_compatible": false}));
    let answer = api.post(&format!("{LATEST}?verbose=true"), &body(ORDER_NOTE)).await;
    answer.is(json!({"is_compatible": true, "messages": []}));
}

// What reads what: the new schema reads the old one, at BACKWARD

async fn reads(new: &str, old: &str) -> bool {
    check("BACKWARD", old, new).await.json["is_compatible"].as_bool().unwrap()
}

#[tokio::test]
async fn numbers_widen() {
    let numbers = ["\"int\"", "\"long\"", "\"float\"", "\"double\""];
    for (i, old) in numbers.into_iter().enumerate() {
        for (j, new) in numbers.into_iter().enumerate() {
            assert_eq!(reads(new, old).await, i <= j, "{new} reads {old}");
        }
    }
}

#[tokio::test]
async fn strings_and_bytes_read_each_other() {
    assert!(reads("\"string\"", "\"bytes\"").await);
    assert!(reads("\"bytes\"", "\"string\"").await);
}

#[tokio::test]
async fn a_namespace_does_not_count() {
    assert!(reads(&A.replace(r#""R""#, r#""airline.R""#), A).await);
}

#[tokio::test]
async fn an_alias_of_a_record_stands_for_its_old_name() {
    let renamed = ORDER
        .replace(r#""Order""#, r#""Purchase""#)
        .replace(r#","fields""#, r#","aliases":["Order"],"fields""#);
    assert!(reads(&renamed, ORDER).await);
}

#[tokio::test]
async fn an_alias_of_a_field_stands_for_its_old_name() {
    let renamed = ORDER.replace(r#""name":"cents""#, r#""name":"price","aliases":["cents"]"#);
    assert!(reads(&renamed, ORDER).await);
    assert!(!reads(&ORDER.replace("cents", "price"), ORDER).await);
}

#[tokio::test]
async fn two_fields_that_an_alias_matches_are_an_exception() {
    let old = r#"{"type":"record","name":"Order","fields":[{"name":"cents","type":"long"},{"name":"price","type":"long"}]}"#;
    let new = r#"{"type":"record","name":"Order","fields":[{"name":"cents","type":"long","aliases":["price"]}]}"#;
    let answer = check("BACKWARD", old, new).await;
    let text = answer.json["messages"][0].as_str().unwrap();
    assert!(text.starts_with("Unexpected exception during compatibility check: "), "{text}");
}

#[tokio::test]
async fn the_order_of_fields_does_not_count() {
    let turned = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"cents","type":"long"},{"name":"order_id","type":"string"}]}"#;
    assert!(reads(turned, ORDER).await);
}

#[tokio::test]
async fn logical_types_do_not_count() {
    let date = r#"{"type":"int","logicalType":"date"}"#;
    let millis = r#"{"type":"int","logicalType":"time-millis"}"#;
    assert!(reads(date, "\"int\"").await);
    assert!(reads(millis, date).await);
}

#[tokio::test]
async fn an_enum_with_a_default_reads_symbols_that_it_does_not_have() {
    let old = r#"{"type":"enum","name":"Cabin","symbols":["ECONOMY","BUSINESS","FIRST"]}"#;
    let fewer = r#"{"type":"enum","name":"Cabin","symbols":["ECONOMY","BUSINESS"]}"#;
    assert!(!reads(fewer, old).await);
    assert!(reads(&fewer.replace("]}", r#"],"default":"ECONOMY"}"#), old).await);
}

#[tokio::test]
async fn a_union_reads_what_one_of_its_branches_reads() {
    assert!(reads(r#"["null","string"]"#, "\"string\"").await);
    assert!(reads(r#"["null","double"]"#, "\"int\"").await);
    assert!(!reads(r#"["null","string"]"#, "\"int\"").await);
}

#[tokio::test]
async fn a_union_is_read_if_each_of_its_branches_is() {
    assert!(reads(r#"["string","null"]"#, r#"["null","string"]"#).await);
    assert!(reads("\"long\"", r#"["int","long"]"#).await);
    assert!(!reads("\"string\"", r#"["null","string"]"#).await);
}

#[tokio::test]
async fn recursive_records_are_compared() {
    let node = r#"{"type":"record","name":"Route","fields":[{"name":"stop","type":"string"},{"name":"next","type":["null","Route"],"default":null}]}"#;
    assert!(reads(node, node).await);
    assert!(!reads(&node.replace("string", "int"), node).await);
}

#[tokio::test]
async fn a_field_of_a_referenced_type_is_compared() {
    let api = registry().await;
    register_payment(&api).await;
    let text_cents = MONEY.replace("long", "string");
    api.put("/config/money", &json!({"compatibility": "NONE"})).await;
    register(&api, "money", &text_cents).await;
    let path = "/compatibility/subjects/payments/versions/latest";
    api.post(path, &payment(2)).await.is(json!({"is_compatible": false}));
}
