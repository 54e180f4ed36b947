//! `/subjects` and `/subjects/{subject}`

use serde_json::json;
use weir_tests::registry;

use crate::fixtures::*;

// GET /subjects

#[tokio::test]
async fn an_empty_registry_has_no_subjects() {
    registry().await.get("/subjects").await.is(json!([]));
}

#[tokio::test]
async fn subjects_are_listed_in_order() {
    let api = registry().await;
    for subject in ["payments", "flights", "orders"] {
        register(&api, subject, ORDER).await;
    }
    api.get("/subjects").await.is(json!(["flights", "orders", "payments"]));
}

#[tokio::test]
async fn a_prefix_narrows_the_list_of_subjects() {
    let api = registry().await;
    for subject in ["order", "orders-key", "orders-value", "payments-value"] {
        register(&api, subject, ORDER).await;
    }
    api.get("/subjects?subjectPrefix=orders-").await.is(json!(["orders-key", "orders-value"]));
    api.get("/subjects?subjectPrefix=flights").await.is(json!([]));
}

#[tokio::test]
async fn soft_deleted_subjects_are_listed_only_if_asked_for() {
    let api = registry().await;
    register(&api, "flights", FLIGHT).await;
    register(&api, "orders", ORDER).await;
    soft_delete(&api, "flights").await;
    api.get("/subjects").await.is(json!(["orders"]));
    api.get("/subjects?deleted=false").await.is(json!(["orders"]));
    api.get("/subjects?deleted=true").await.is(json!(["flights", "orders"]));
    api.get("/subjects?deletedOnly=true").await.is(json!(["flights"]));
}

#[tokio::test]
async fn deleted_only_wins_over_deleted() {
    let api = registry().await;
    register(&api, "flights", FLIGHT).await;
    register(&api, "orders", ORDER).await;
    soft_delete(&api, "flights").await;
    api.get("/subjects?deleted=true&deletedOnly=true").await.is(json!(["flights"]));
}

#[tokio::test]
async fn a_subject_with_a_live_version_is_not_deleted() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    soft_delete(&api, "orders/versions/1").await;
    api.get("/subjects").await.is(json!(["orders"]));
    api.get("/subjects?deletedOnly=true").await.is(json!([]));
}

#[tokio::test]
async fn subjects_come_in_pages() {
    let api = registry().await;
    for subject in ["flights", "orders", "payments", "seats"] {
        register(&api, subject, ORDER).await;
    }
    api.get("/subjects?limit=2").await.is(json!(["flights", "orders"]));
    api.get("/subjects?offset=1&limit=2").await.is(json!(["orders", "payments"]));
    api.get("/subjects?offset=3").await.is(json!(["seats"]));
    api.get("/subjects?offset=4").await.is(json!([]));
}

#[tokio::test]
async fn a_limit_out_of_range_is_no_limit() {
    let api = registry().await;
    register(&api, "flights", FLIGHT).await;
    register(&api, "orders", ORDER).await;
    for limit in ["0", "-1", "-5", "2147483647"] {
        let all = json!(["flights", "orders"]);
        api.get(&format!("/subjects?limit={limit}")).await.is(all);
    }
}

// POST /subjects/{subject}

#[tokio::test]
async fn a_lookup_answers_the_version_of_a_schema() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    api.post("/subjects/orders", &body(ORDER)).await.is(json!({"subject": "orders",
        "version": 1, "id": 1, "guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER}));
}

#[tokio::test]
async fn a_lookup_does_not_mind_white_space() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let spaced = ORDER.replace(',', " ,\n  ");
    let found = api.post("/subjects/orders", &body(&spaced)).await;
    assert_eq!((found.status.as_u16(), &found.json["version"]), (200, &json!(1)));
}

#[tokio::test]
async fn a_lookup_registers_nothing() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    api.post("/subjects/orders", &body(ORDER_NOTE)).await.is_error(404, 40403, "Schema not found");
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_lookup_in_an_unknown_subject_is_40401() {
    let api = registry().await;
    let answer = api.post("/subjects/orders", &body(ORDER)).await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
}

#[tokio::test]
async fn a_lookup_of_an_invalid_schema_is_42201() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let answer = api.post("/subjects/orders", &body(r#"{"type":"recrod"}"#)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
}

#[tokio::test]
async fn a_lookup_sees_soft_deleted_versions_only_if_asked_to() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    soft_delete(&api, "orders/versions/1").await;
    api.post("/subjects/orders", &body(ORDER)).await.is_error(404, 40403, "Schema not found");
    let found = json!({"subject": "orders", "version": 1, "id": 1, "guid": ORDER_GUID,
        "schemaType": "AVRO", "schema": ORDER});
    api.post("/subjects/orders?deleted=true", &body(ORDER)).await.is(found);
}

#[tokio::test]
async fn a_lookup_sees_a_soft_deleted_subject_only_if_asked_to() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    soft_delete(&api, "orders").await;
    let answer = api.post("/subjects/orders", &body(ORDER)).await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
    let found = api.post("/subjects/orders?deleted=true", &body(ORDER)).await;
    assert_eq!((found.status.as_u16(), &found.json["version"]), (200, &json!(1)));
}

#[tokio::test]
async fn a_lookup_finds_a_schema_whatever_the_order_of_its_properties() {
    let api = registry().await;
    register(&api, "seats", SORTED).await;
    for query in ["", "?normalize=true"] {
        let found = api.post(&format!("/subjects/seats{query}"), &body(UNSORTED)).await;
        assert_eq!((found.status.as_u16(), &found.json["schema"]), (200, &json!(SORTED)));
    }
}

#[tokio::test]
async fn a_lookup_of_nothing_finds_nothing() {
    let api = registry().await;
    let nowhere = api.post("/subjects/orders", &json!({})).await;
    nowhere.is_error(404, 40401, "Subject 'orders' not found.");
    register(&api, "orders", ORDER).await;
    for nothing in [json!({}), body("")] {
        api.post("/subjects/orders", &nothing).await.is_error(404, 40403, "Schema not found");
    }
}

#[tokio::test]
async fn a_lookup_of_what_is_no_schema_says_so_whether_the_subject_is_there_or_not() {
    let answer = registry().await.post("/subjects/orders", &body("recrod")).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
}

#[tokio::test]
async fn a_lookup_finds_a_schema_whose_references_are_inlined() {
    let api = registry().await;
    register_payment(&api).await;
    for request in [payment(1), payment(-1), body(PAYMENT_RESOLVED)] {
        let found = api.post("/subjects/payments", &request).await;
        assert_eq!((found.status.as_u16(), &found.json["id"]), (200, &json!(2)));
        assert_eq!(found.json["schema"], PAYMENT);
    }
}

#[tokio::test]
async fn a_lookup_answers_the_resolved_text_if_asked_to() {
    let api = registry().await;
    register_payment(&api).await;
    let found = api.post("/subjects/payments?format=resolved", &payment(1)).await;
    assert_eq!((found.status.as_u16(), &found.json["schema"]), (200, &json!(PAYMENT_RESOLVED)));
}

// DELETE /subjects/{subject}

#[tokio::test]
async fn a_soft_delete_of_a_subject_answers_its_versions() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    api.delete("/subjects/orders").await.is(json!([1, 2]));
    let answer = api.get("/subjects/orders/versions").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
    api.get("/subjects/orders/versions?deleted=true").await.is(json!([1, 2]));
}

#[tokio::test]
async fn a_soft_delete_of_a_subject_answers_only_what_was_live() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    soft_delete(&api, "orders/versions/1").await;
    api.delete("/subjects/orders").await.is(json!([2]));
}

#[tokio::test]
async fn deleting_an_unknown_subject_is_40401() {
    let api = registry().await;
    for path in ["/subjects/orders", "/subjects/orders?permanent=true"] {
        api.delete(path).await.is_error(404, 40401, "Subject 'orders' not found.");
    }
}

#[tokio::test]
async fn a_second_soft_delete_of_a_subject_is_40404() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    soft_delete(&api, "orders").await;
    let text = "Subject 'orders' was soft deleted.Set permanent=true to delete permanently";
    api.delete("/subjects/orders").await.is_error(404, 40404, text);
}

#[tokio::test]
async fn hard_delete_before_soft_delete_is_40405() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let text = "Subject 'orders' was not deleted first before being permanently deleted";
    api.delete("/subjects/orders?permanent=true").await.is_error(404, 40405, text);
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_hard_delete_leaves_nothing_of_a_subject() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    soft_delete(&api, "orders").await;
    api.delete("/subjects/orders?permanent=true").await.is(json!([1, 2]));
    api.get("/subjects?deleted=true").await.is(json!([]));
    api.get("/schemas/ids/1").await.is_error(404, 40403, "Schema 1 not found");
    let answer = api.delete("/subjects/orders?permanent=true").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
}

#[tokio::test]
async fn a_hard_delete_drops_the_subjects_config_and_mode() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    api.put("/config/orders", &json!({"compatibility": "FULL"})).await;
    set_mode(&api, "/mode/orders", "READWRITE").await;
    soft_delete(&api, "orders").await;
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "FULL"}));
    api.get("/mode/orders").await.is(json!({"mode": "READWRITE"}));
    api.delete("/subjects/orders?permanent=true").await.is(json!([1]));
    assert_eq!(api.get("/config/orders").await.json["error_code"], 40408);
    assert_eq!(api.get("/mode/orders").await.json["error_code"], 40409);
}

#[tokio::test]
async fn after_a_hard_delete_versions_start_again_and_ids_go_on() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    hard_delete(&api, "orders").await;
    assert_eq!(register(&api, "orders", ORDER).await, 2);
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_schema_that_another_subject_uses_survives_a_hard_delete() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "returns", ORDER).await;
    hard_delete(&api, "orders").await;
    assert_eq!(api.get("/schemas/ids/1").await.json["schema"], ORDER);
    api.get("/schemas/ids/1/subjects?deleted=true").await.is(json!(["returns"]));
}

#[tokio::test]
async fn deleting_a_subject_that_a_live_schema_refers_to_is_42206() {
    let api = registry().await;
    register_payment(&api).await;
    let text = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=money,version=1}.";
    api.delete("/subjects/money").await.is_error(422, 42206, text);
    api.get("/subjects/money/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_soft_deleted_referrer_stops_only_a_hard_delete_of_the_subject() {
    let api = registry().await;
    register_payment(&api).await;
    soft_delete(&api, "payments").await;
    api.delete("/subjects/money").await.is(json!([1]));
    let text = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=money,version=1}.";
    api.delete("/subjects/money?permanent=true").await.is_error(422, 42206, text);
    api.delete("/subjects/payments?permanent=true").await.is(json!([1]));
    api.delete("/subjects/money?permanent=true").await.is(json!([1]));
}

#[tokio::test]
async fn references_inside_a_subject_do_not_stop_its_deletion() {
    let api = registry().await;
    set_level(&api, "NONE").await;
    register(&api, "money", MONEY).await;
    register_body(&api, "money", &payment(1)).await;
    api.delete("/subjects/money").await.is(json!([1, 2]));
    api.delete("/subjects/money?permanent=true").await.is(json!([1, 2]));
}

// What clients send back

/// Programs that copy schemas post what they have got.
#[tokio::test]
async fn a_lookup_takes_the_whole_answer_of_a_get() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    let mut request = payment(1);
    request["metadata"] = json!({"properties": {"owner": "a"}, "sensitive": ["owner"]});
    request["ruleSet"] = json!({"domainRules": [{"name": "a", "type": "CEL", "expr": "true"}]});
    register_body(&api, "payments", &request).await;
    let got = api.get("/subjects/payments/versions/1?findTags=*").await;
    let found = api.post("/subjects/payments", &got.json).await;
    let mut expected = got.json.clone();
    for unsaid in ["ts", "deleted"] {
        expected.as_object_mut().unwrap().remove(unsaid);
    }
    assert_eq!((found.status.as_u16(), &found.json), (200, &expected));
    let path = "/compatibility/subjects/payments/versions/latest";
    api.post(path, &got.json).await.is(json!({"is_compatible": true}));
    let by_id = api.get("/schemas/ids/2?fetchMaxId=true").await;
    assert_eq!(api.post("/subjects/payments", &by_id.json).await.json, expected);
}

#[tokio::test]
async fn unknown_fields_are_ignored_at_any_depth() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    let mut request = payment(1);
    request["color"] = json!({"name": "green"});
    request["references"][0]["color"] = json!("green");
    request["metadata"] = json!({"properties": {"owner": "a"}, "color": "green"});
    request["ruleSet"] =
        json!({"domainRules": [{"name": "a", "type": "CEL", "color": "green"}], "color": 1});
    register_body(&api, "payments", &request).await;
    let found = api.post("/subjects/payments", &request).await;
    assert_eq!((found.status.as_u16(), &found.json["id"]), (200, &json!(2)), "{}", found.text);
    for path in ["/mode", "/mode/orders"] {
        let answer = api.put(path, &json!({"mode": "READWRITE", "color": "green"})).await;
        answer.is(json!({"mode": "READWRITE"}));
    }
    let path = "/subjects/payments/versions/1/tags";
    let answer = api.post(path, &json!({"newVersion": 2, "color": "green"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_page_of_subjects_has_no_bound_but_ones_own() {
    let api = registry().await;
    for number in 0..1001 {
        register(&api, &format!("orders-{number}"), "\"string\"").await;
    }
    for (query, count) in
        [("", 1001), ("?limit=1001", 1001), ("?limit=1000", 1000), ("?offset=1000", 1)]
    {
        let answer = api.get(&format!("/subjects{query}")).await;
        assert_eq!(answer.json.as_array().unwrap().len(), count, "{query}");
    }
}
