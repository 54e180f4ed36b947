//! `/subjects/{subject}/versions`

use serde_json::json;
use weir_tests::{Answer, Api, registry};

use crate::fixtures::*;

// GET

#[tokio::test]
async fn versions_are_listed_ascending() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    api.get("/subjects/orders/versions").await.is(json!([1, 2]));
}

#[tokio::test]
async fn versions_of_an_unknown_subject_are_40401() {
    let api = registry().await;
    let answer = api.get("/subjects/orders/versions").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
}

/// `orders` with versions 1, 2 and 3, of which 1 and 2 are soft-deleted.
async fn two_of_three_deleted() -> Api {
    let api = registry().await;
    set_level(&api, "NONE").await;
    for schema in [ORDER, ORDER_NOTE, ORDER_CURRENCY] {
        register(&api, "orders", schema).await;
    }
    soft_delete(&api, "orders/versions/1").await;
    soft_delete(&api, "orders/versions/2").await;
    api
}

#[tokio::test]
async fn soft_deleted_versions_are_listed_only_if_asked_for() {
    let api = two_of_three_deleted().await;
    api.get("/subjects/orders/versions").await.is(json!([3]));
    api.get("/subjects/orders/versions?deleted=true").await.is(json!([1, 2, 3]));
    api.get("/subjects/orders/versions?deletedOnly=true").await.is(json!([1, 2]));
}

#[tokio::test]
async fn deleted_as_negative_wins() {
    let api = two_of_three_deleted().await;
    let path = "/subjects/orders/versions?deletedAsNegative=true";
    api.get(path).await.is(json!([-1, -2, 3]));
    api.get(&format!("{path}&deletedOnly=true")).await.is(json!([-1, -2, 3]));
    api.get(&format!("{path}&deleted=false")).await.is(json!([-1, -2, 3]));
}

#[tokio::test]
async fn versions_come_in_pages() {
    let api = two_of_three_deleted().await;
    let path = "/subjects/orders/versions?deleted=true";
    api.get(&format!("{path}&limit=2")).await.is(json!([1, 2]));
    api.get(&format!("{path}&offset=1&limit=1")).await.is(json!([2]));
    api.get(&format!("{path}&limit=0")).await.is(json!([1, 2, 3]));
    api.get(&format!("{path}&limit=-3")).await.is(json!([1, 2, 3]));
    api.get(&format!("{path}&offset=3")).await.is(json!([]));
}

// POST

#[tokio::test]
async fn registering_a_schema_answers_all_about_it() {
    let api = registry().await;
    api.post("/subjects/orders/versions", &body(ORDER)).await.is(json!({"id": 1, "version": 1,
        "guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER}));
}

#[tokio::test]
async fn registering_the_same_schema_twice_returns_the_same_id() {
    let api = registry().await;
    let registered = json!({"id": 1, "version": 1, "guid": "095d71cf-1255-6b9d-5e33-0ad575b3df5d",
        "schemaType": "AVRO", "schema": "\"string\""});
    for _ in 0..2 {
        let answer = api.post("/subjects/names/versions", &body("\"string\"")).await;
        answer.is(registered.clone());
    }
    api.get("/subjects/names/versions").await.is(json!([1]));
}

#[tokio::test]
async fn the_same_schema_has_the_same_id_in_every_subject() {
    let api = registry().await;
    assert_eq!(register(&api, "orders", ORDER).await, 1);
    assert_eq!(register(&api, "flights", FLIGHT).await, 2);
    assert_eq!(register(&api, "returns", ORDER).await, 1);
    api.get("/subjects/returns/versions").await.is(json!([1]));
}

#[tokio::test]
async fn an_older_version_that_is_registered_again_stays_what_it_is() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    let again = api.post("/subjects/orders/versions", &body(ORDER)).await;
    assert_eq!((&again.json["id"], &again.json["version"]), (&json!(1), &json!(1)));
    api.get("/subjects/orders/versions").await.is(json!([1, 2]));
}

#[tokio::test]
async fn the_type_of_a_schema_may_be_given() {
    let api = registry().await;
    let request = json!({"schema": ORDER, "schemaType": "AVRO", "references": null});
    assert_eq!(register_body(&api, "orders", &request).await, 1);
}

#[tokio::test]
async fn unknown_properties_of_a_request_are_ignored() {
    let api = registry().await;
    let request = json!({"schema": ORDER, "color": "green", "propagateSchemaTags": true});
    assert_eq!(register_body(&api, "orders", &request).await, 1);
}

#[tokio::test]
async fn a_schema_is_kept_in_its_canonical_text() {
    let api = registry().await;
    let written = r#" { "fields" : [ { "type" : {"type": "string"}, "name" : "order_id" },
        { "doc": "in cents", "type": "long", "name": "cents", "order": "ascending" } ],
        "name" : "shop.Order", "type" : "record", "doc": "an order" } "#;
    let kept = r#"{"type":"record","name":"Order","namespace":"shop","doc":"an order","fields":[{"name":"order_id","type":"string"},{"name":"cents","type":"long","doc":"in cents"}]}"#;
    let answer = api.post("/subjects/orders/versions", &body(written)).await;
    assert_eq!(answer.json["schema"], kept);
    assert_eq!(register(&api, "orders", kept).await, 1);
}

#[tokio::test]
async fn schemas_that_differ_only_in_documentation_have_ids_of_their_own() {
    let api = registry().await;
    let documented = ORDER.replace(r#","fields""#, r#","doc":"an order","fields""#);
    assert_eq!(register(&api, "orders", ORDER).await, 1);
    assert_eq!(register(&api, "orders", &documented).await, 2);
}

#[tokio::test]
async fn normalizing_sorts_properties_and_aliases() {
    let api = registry().await;
    let kept = api.post("/subjects/seats/versions", &body(UNSORTED)).await;
    assert_eq!((&kept.json["id"], &kept.json["schema"]), (&json!(1), &json!(UNSORTED)));
    let found = api.post("/subjects/seats/versions?normalize=true", &body(UNSORTED)).await;
    assert_eq!((&found.json["id"], &found.json["schema"]), (&json!(1), &json!(UNSORTED)));
    let normalized = api.post("/subjects/chairs/versions?normalize=true", &body(UNSORTED)).await;
    assert_eq!((&normalized.json["id"], &normalized.json["schema"]), (&json!(2), &json!(SORTED)));
}

#[tokio::test]
async fn normalizing_keeps_the_order_of_fields() {
    let api = registry().await;
    let answer = api.post("/subjects/flights/versions?normalize=true", &body(FLIGHT)).await;
    assert_eq!(answer.json["schema"], FLIGHT);
}

#[tokio::test]
async fn normalizing_sorts_references_and_drops_doubles() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    register(&api, "addresses", r#"{"type":"enum","name":"Country","symbols":["FR","SE"]}"#).await;
    let money = json!({"name": "shop.Money", "subject": "money", "version": 1});
    let country = json!({"name": "Country", "subject": "addresses", "version": 1});
    let request = json!({"schema": PAYMENT, "references": [money, country, money]});
    let answer = api.post("/subjects/payments/versions?normalize=true", &request).await;
    assert_eq!(answer.json["references"], json!([country, money]));
}

#[tokio::test]
async fn a_subject_can_be_configured_to_normalize() {
    let api = registry().await;
    api.put("/config/seats", &json!({"normalize": true})).await;
    let answer = api.post("/subjects/seats/versions", &body(UNSORTED)).await;
    assert_eq!(answer.json["schema"], SORTED);
}

#[tokio::test]
async fn the_version_to_be_may_be_given() {
    let api = registry().await;
    for (version, schema) in [(1, ORDER), (2, ORDER_NOTE)] {
        let request = json!({"schema": schema, "version": version});
        let answer = api.post("/subjects/orders/versions", &request).await;
        assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(version)));
    }
}

#[tokio::test]
async fn version_0_and_minus_1_mean_the_next_one() {
    let api = registry().await;
    for (asked, schema, version) in [(0, ORDER, 1), (-1, ORDER_NOTE, 2)] {
        let request = json!({"schema": schema, "version": asked});
        let answer = api.post("/subjects/orders/versions", &request).await;
        assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(version)));
    }
}

#[tokio::test]
async fn version_minus_1_is_the_latest_or_a_new_version_that_knows_its_number() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let request = json!({"schema": ORDER, "version": -1});
    let answer = api.post("/subjects/orders/versions", &request).await;
    assert_eq!((&answer.json["id"], &answer.json["version"]), (&json!(1), &json!(1)));
    let request = json!({"schema": ORDER_NOTE, "version": -1});
    let answer = api.post("/subjects/orders/versions", &request).await;
    assert_eq!((&answer.json["id"], &answer.json["version"]), (&json!(2), &json!(2)));
    assert_eq!(answer.json["metadata"], json!({"properties": {"confluent:version": "2"}}));
    api.get("/subjects/orders/versions").await.is(json!([1, 2]));
}

#[tokio::test]
async fn a_version_that_is_not_the_next_is_42201() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    for version in [1, 3] {
        let request = json!({"schema": ORDER_NOTE, "version": version});
        let answer = api.post("/subjects/orders/versions", &request).await;
        answer.is_error(422, 42201, "Version is not one more than previous version");
    }
}

#[tokio::test]
async fn an_id_of_ones_own_is_42205() {
    let api = registry().await;
    let request = json!({"schema": ORDER, "id": 7});
    let answer = api.post("/subjects/orders/versions", &request).await;
    answer.is_error(422, 42205, "Subject orders in context  is not in import mode");
}

#[tokio::test]
async fn the_id_that_a_schema_has_already_may_be_given() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    assert_eq!(register_body(&api, "orders", &json!({"schema": ORDER, "id": 1})).await, 1);
}

#[tokio::test]
async fn a_negative_id_is_no_id() {
    let api = registry().await;
    assert_eq!(register_body(&api, "orders", &json!({"schema": ORDER, "id": -1})).await, 1);
}

#[tokio::test]
async fn names_that_stand_for_no_subject_are_42208() {
    let api = registry().await;
    for name in ["__GLOBAL", "__EMPTY", ":*:orders"] {
        let answer = api.post(&format!("/subjects/{name}/versions"), &body(ORDER)).await;
        let text = format!("The specified subject '{name}' is not a valid.");
        answer.is_error(422, 42208, &text);
        let not_found = format!("Subject '{name}' not found.");
        api.get(&format!("/subjects/{name}/versions")).await.is_error(404, 40401, &not_found);
    }
}

#[tokio::test]
async fn a_path_that_does_not_say_what_it_names_is_400_and_makes_no_subject() {
    let api = registry().await;
    for path in ["%ZZ", "a%", "a%5Cb", "a%01b", "%00", "%E9", ""] {
        let answer = api.post(&format!("/subjects/{path}/versions"), &body(ORDER)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (400, &json!(400)));
    }
    api.get("/subjects").await.is(json!([]));
}

// POST: schemas that are none

async fn post_order(request: serde_json::Value) -> Answer {
    registry().await.post("/subjects/orders/versions", &request).await
}

#[tokio::test]
async fn an_empty_schema_is_42201() {
    for request in [json!({}), json!({"schema": null}), body(""), body(" \n")] {
        post_order(request).await.is_error(422, 42201, "Empty schema");
    }
}

#[tokio::test]
async fn an_unknown_schema_type_is_42201() {
    let request = json!({"schema": ORDER, "schemaType": "THRIFT"});
    post_order(request).await.is_error(422, 42201, "Invalid schema type THRIFT");
}

#[tokio::test]
async fn what_is_no_avro_schema_is_42201() {
    let invalid = [
        r#"{"type":"record""#,
        r#"{"type":"record","name":"Order"}"#,
        r#"{"type":"record","name":"9lives","fields":[]}"#,
        r#"{"type":"record","name":"Order","fields":[{"name":"money","type":"Money"}]}"#,
        r#"{"type":"record","name":"Order","fields":[{"name":"cents","type":"long","default":"x"}]}"#,
        r#"{"type":"record","name":"Order","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
        r#"{"type":"enum","name":"Cabin","symbols":["ECONOMY","ECONOMY"]}"#,
        r#"["null",["string"]]"#,
        r#"["string","string"]"#,
        "order",
    ];
    for schema in invalid {
        let answer = post_order(body(schema)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
        let text = answer.json["message"].as_str().unwrap();
        assert!(text.starts_with("Invalid schema of type AVRO, details: "), "{text}");
    }
}

// POST: compatibility

#[tokio::test]
async fn an_incompatible_schema_is_40901() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let text = [
        r#"Schema being registered is incompatible with an earlier schema for subject "orders", details: ["#,
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'currency' at path '/fields/2' in the new schema has no default value and is missing in the old schema', additionalInfo:'currency'}, ",
        "{oldSchemaVersion: 1}, ",
        &format!("{{oldSchema: '{ORDER}'}}, "),
        "{validateFields: 'false', compatibility: 'BACKWARD'}]",
    ];
    let answer = api.post("/subjects/orders/versions", &body(ORDER_CURRENCY)).await;
    answer.is_error(409, 40901, &text.concat());
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_subjects_own_level_wins_over_the_global_one() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    api.put("/config/orders", &json!({"compatibility": "FORWARD"})).await;
    assert_eq!(register(&api, "orders", ORDER_CURRENCY).await, 2);
}

#[tokio::test]
async fn the_level_none_allows_anything() {
    let api = registry().await;
    set_level(&api, "NONE").await;
    assert_eq!(register(&api, "orders", ORDER).await, 1);
    assert_eq!(register(&api, "orders", FLIGHT).await, 2);
}

#[tokio::test]
async fn force_registers_what_is_incompatible() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let answer = api.post("/subjects/orders/versions?force=true", &body(FLIGHT)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(2)));
}

#[tokio::test]
async fn soft_deleted_versions_are_not_compared() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    soft_delete(&api, "orders").await;
    assert_eq!(register(&api, "orders", FLIGHT).await, 2);
}

/// Registers orders whose cents are a text, then orders without cents, then orders whose cents are
/// a number with a default: that fits version 2 in both directions, and version 1 in none.
async fn third_version_at(level: &str) -> Answer {
    let api = registry().await;
    set_level(&api, "NONE").await;
    let text_cents = ORDER.replace("long", "string");
    for schema in [text_cents.as_str(), ORDER_WITHOUT_CENTS] {
        register(&api, "orders", schema).await;
    }
    set_level(&api, level).await;
    let with_default = r#""type":"long","default":0}"#;
    let optional_cents = ORDER.replace(r#""type":"long"}"#, with_default);
    api.post("/subjects/orders/versions", &body(&optional_cents)).await
}

#[tokio::test]
async fn plain_levels_compare_with_the_latest_version() {
    for level in ["BACKWARD", "FORWARD", "FULL"] {
        let answer = third_version_at(level).await;
        assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(3)), "{level}");
    }
}

#[tokio::test]
async fn transitive_levels_compare_with_all_versions() {
    for level in ["BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"] {
        let answer = third_version_at(level).await;
        assert_eq!(answer.json["error_code"], 40901, "{level}");
        let text = answer.json["message"].as_str().unwrap();
        assert!(text.contains("{oldSchemaVersion: 1}"), "{text}");
        let config = format!("{{validateFields: 'false', compatibility: '{level}'}}]");
        assert!(text.ends_with(&config), "{text}");
    }
}

// POST: references

#[tokio::test]
async fn a_schema_may_refer_to_another_subject() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    let answer = api.post("/subjects/payments/versions", &payment(1)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(PAYMENT)));
    assert_eq!(answer.json["references"], payment(1)["references"]);
}

#[tokio::test]
async fn a_reference_to_version_minus_1_is_pinned_to_the_latest() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    register(&api, "money", MONEY_RATE).await;
    let answer = api.post("/subjects/payments/versions", &payment(-1)).await;
    assert_eq!(answer.json["references"], payment(2)["references"]);
}

#[tokio::test]
async fn the_same_text_with_other_references_has_another_id() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    register(&api, "money", MONEY_RATE).await;
    assert_eq!(register_body(&api, "payments", &payment(1)).await, 3);
    assert_eq!(register_body(&api, "payments", &payment(2)).await, 4);
}

#[tokio::test]
async fn references_of_references_are_found() {
    let api = registry().await;
    register_payment(&api).await;
    let invoice = r#"{"type":"record","name":"Invoice","namespace":"shop","fields":[{"name":"payments","type":{"type":"array","items":"Payment"}}]}"#;
    let reference = json!({"name": "shop.Payment", "subject": "payments", "version": 1});
    let request = json!({"schema": invoice, "references": [reference]});
    assert_eq!(register_body(&api, "invoices", &request).await, 3);
}

#[tokio::test]
async fn a_reference_to_what_is_not_there_is_42201() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    let answer = api.post("/subjects/payments/versions", &payment(2)).await;
    let text = "Invalid schema of type AVRO, details: No schema reference found for subject \"money\" and version 2";
    answer.is_error(422, 42201, text);
}

#[tokio::test]
async fn a_reference_to_a_soft_deleted_version_is_42201() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    soft_delete(&api, "money").await;
    let answer = api.post("/subjects/payments/versions", &payment(1)).await;
    let text = "Invalid schema of type AVRO, details: No schema reference found for subject \"money\" and version 1";
    answer.is_error(422, 42201, text);
}

#[tokio::test]
async fn a_schema_with_its_references_inlined_is_found_again() {
    let api = registry().await;
    register_payment(&api).await;
    assert_eq!(register(&api, "payments", PAYMENT_RESOLVED).await, 2);
    api.get("/subjects/payments/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_registration_answers_the_resolved_text_if_asked_to() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    let answer = api.post("/subjects/payments/versions?format=resolved", &payment(1)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(PAYMENT_RESOLVED)));
}

// POST: after a deletion

#[tokio::test]
async fn a_schema_comes_back_after_a_soft_delete_with_a_new_version_and_its_old_id() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    soft_delete(&api, "orders").await;
    let answer = api.post("/subjects/orders/versions", &body(ORDER)).await;
    assert_eq!((&answer.json["id"], &answer.json["version"]), (&json!(1), &json!(3)));
    // version 1 made way for version 3
    api.get("/subjects/orders/versions?deletedAsNegative=true").await.is(json!([-2, 3]));
}

#[tokio::test]
async fn a_soft_deleted_version_that_is_referred_to_does_not_make_way() {
    let api = registry().await;
    register_payment(&api).await;
    soft_delete(&api, "payments").await;
    soft_delete(&api, "money").await;
    assert_eq!(register(&api, "money", MONEY).await, 1);
    api.get("/subjects/money/versions?deletedAsNegative=true").await.is(json!([-1, 2]));
}
