//! `/schemas`

use serde_json::{Value, json};
use weir_tests::{Answer, Api, registry, without_ts};

use crate::fixtures::*;

// GET /schemas

/// `orders` with versions 1 and 2, `flights` with version 1; ids 1, 2 and 3.
async fn three_schemas() -> Api {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    register(&api, "flights", FLIGHT).await;
    api
}

/// Subjects and versions of a list of schemas: `flights 1`.
fn places(answer: &Answer) -> Vec<String> {
    let place = |s: &Value| format!("{} {}", s["subject"].as_str().unwrap(), s["version"]);
    answer.json.as_array().unwrap().iter().map(place).collect()
}

#[tokio::test]
async fn schemas_are_listed_by_subject_and_version() {
    let api = three_schemas().await;
    let answer = api.get("/schemas").await;
    assert_eq!(places(&answer), ["flights 1", "orders 1", "orders 2"]);
    let second = json!({"subject": "orders", "version": 1, "id": 1, "guid": ORDER_GUID,
        "schemaType": "AVRO", "schema": ORDER});
    assert_eq!(without_ts(&answer.json)[1], second);
}

#[tokio::test]
async fn an_empty_registry_has_no_schemas() {
    registry().await.get("/schemas").await.is(json!([]));
}

#[tokio::test]
async fn a_prefix_narrows_the_list_of_schemas() {
    let api = three_schemas().await;
    let answer = api.get("/schemas?subjectPrefix=ord").await;
    assert_eq!(places(&answer), ["orders 1", "orders 2"]);
}

#[tokio::test]
async fn the_latest_schemas_can_be_listed_alone() {
    let api = three_schemas().await;
    let answer = api.get("/schemas?latestOnly=true").await;
    assert_eq!(places(&answer), ["flights 1", "orders 2"]);
    soft_delete(&api, "orders/versions/2").await;
    let answer = api.get("/schemas?latestOnly=true").await;
    assert_eq!(places(&answer), ["flights 1", "orders 1"]);
}

#[tokio::test]
async fn soft_deleted_schemas_are_listed_only_if_asked_for() {
    let api = three_schemas().await;
    soft_delete(&api, "orders/versions/1").await;
    soft_delete(&api, "flights").await;
    assert_eq!(places(&api.get("/schemas").await), ["orders 2"]);
    let answer = api.get("/schemas?deleted=true").await;
    assert_eq!(places(&answer), ["flights 1", "orders 1", "orders 2"]);
    let deleted: Vec<&Value> =
        answer.json.as_array().unwrap().iter().map(|s| &s["deleted"]).collect();
    assert_eq!(deleted, [&json!(true), &json!(true), &json!(false)]);
}

#[tokio::test]
async fn schemas_come_in_pages() {
    let api = three_schemas().await;
    let page = async |query: &str| places(&api.get(&format!("/schemas?{query}")).await);
    assert_eq!(page("limit=1").await, ["flights 1"]);
    assert_eq!(page("offset=1&limit=1").await, ["orders 1"]);
    assert_eq!(page("offset=2").await, ["orders 2"]);
    assert_eq!(page("latestOnly=true&offset=1").await, ["orders 2"]);
    for all in ["limit=0", "limit=-1", "limit=1001"] {
        assert_eq!(page(all).await.len(), 3, "{all}");
    }
}

#[tokio::test]
async fn a_page_has_at_most_a_thousand_schemas() {
    let api = registry().await;
    for number in 0..1001 {
        register(&api, &format!("orders-{number}"), "\"string\"").await;
    }
    for query in ["", "?limit=1000", "?limit=1001", "?limit=0"] {
        let answer = api.get(&format!("/schemas{query}")).await;
        assert_eq!(answer.json.as_array().unwrap().len(), 1000, "{query}");
    }
    let rest = api.get("/schemas?offset=1000").await;
    assert_eq!(rest.json.as_array().unwrap().len(), 1);
}

// GET /schemas/types

#[tokio::test]
async fn avro_is_a_schema_type() {
    let types = registry().await.get("/schemas/types").await;
    assert!(types.json.as_array().unwrap().contains(&json!("AVRO")));
}

// GET /schemas/ids/{id}

#[tokio::test]
async fn a_schema_is_got_by_its_id() {
    let api = three_schemas().await;
    api.get("/schemas/ids/1").await.is(json!({"subject": "orders", "version": 1, "id": 1,
        "guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER}));
}

#[tokio::test]
async fn an_unknown_id_is_40403() {
    let api = three_schemas().await;
    for id in ["4", "0", "-1", "2147483647"] {
        let answer = api.get(&format!("/schemas/ids/{id}")).await;
        answer.is_error(404, 40403, &format!("Schema {id} not found"));
    }
}

#[tokio::test]
async fn an_id_that_is_no_number_is_404() {
    let api = three_schemas().await;
    for id in ["one", "1.0", "2147483648"] {
        for below in ["", "/schema", "/subjects", "/versions"] {
            let answer = api.get(&format!("/schemas/ids/{id}{below}")).await;
            answer.is_error(404, 404, "HTTP 404 Not Found");
        }
    }
}

#[tokio::test]
async fn a_schema_by_id_shows_its_references() {
    let api = registry().await;
    register_payment(&api).await;
    let answer = api.get("/schemas/ids/2").await;
    assert_eq!(answer.json["schema"], PAYMENT);
    assert_eq!(answer.json["references"], payment(1)["references"]);
}

#[tokio::test]
async fn a_schema_by_id_may_be_resolved() {
    let api = registry().await;
    register_payment(&api).await;
    let answer = api.get("/schemas/ids/2?format=resolved").await;
    assert_eq!(answer.json["schema"], PAYMENT_RESOLVED);
}

#[tokio::test]
async fn a_schema_by_id_names_the_subject_that_is_asked_for() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "returns", ORDER).await;
    for subject in ["orders", "returns"] {
        let answer = api.get(&format!("/schemas/ids/1?subject={subject}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json["subject"]), (200, &json!(subject)));
    }
}

#[tokio::test]
async fn the_highest_id_is_told_if_asked_for() {
    let api = three_schemas().await;
    assert_eq!(api.get("/schemas/ids/1?fetchMaxId=true").await.json["maxId"], 3);
    assert_eq!(api.get("/schemas/ids/1").await.json["maxId"], Value::Null);
}

#[tokio::test]
async fn the_highest_id_does_not_go_down() {
    let api = three_schemas().await;
    hard_delete(&api, "flights").await;
    assert_eq!(api.get("/schemas/ids/1?fetchMaxId=true").await.json["maxId"], 3);
}

// GET /schemas/ids/{id}/schema

#[tokio::test]
async fn the_text_of_an_id_is_the_body() {
    let api = three_schemas().await;
    let answer = api.get("/schemas/ids/1/schema").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ORDER));
    assert_eq!(answer.headers["content-type"], "application/vnd.schemaregistry.v1+json");
}

#[tokio::test]
async fn the_text_of_an_id_may_be_resolved() {
    let api = registry().await;
    register_payment(&api).await;
    assert_eq!(api.get("/schemas/ids/2/schema").await.text, PAYMENT);
    assert_eq!(api.get("/schemas/ids/2/schema?format=resolved").await.text, PAYMENT_RESOLVED);
    assert_eq!(api.get("/schemas/ids/2/schema?subject=payments").await.text, PAYMENT);
}

#[tokio::test]
async fn the_text_of_an_unknown_id_is_40403() {
    let api = three_schemas().await;
    api.get("/schemas/ids/4/schema").await.is_error(404, 40403, "Schema 4 not found");
}

// GET /schemas/ids/{id}/subjects, GET /schemas/ids/{id}/versions

/// One schema, id 1, in `orders` 1, `returns` 2 and, soft-deleted, in `archived-orders` 1.
async fn one_schema_in_three_subjects() -> Api {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "archived-orders", ORDER).await;
    register(&api, "returns", ORDER_NOTE).await;
    register(&api, "returns", ORDER).await;
    soft_delete(&api, "archived-orders").await;
    api
}

#[tokio::test]
async fn an_id_knows_its_subjects() {
    let api = one_schema_in_three_subjects().await;
    let path = "/schemas/ids/1/subjects";
    api.get(path).await.is(json!(["orders", "returns"]));
    let with_deleted = api.get(&format!("{path}?deleted=true")).await;
    with_deleted.is(json!(["archived-orders", "orders", "returns"]));
    api.get(&format!("{path}?subject=returns")).await.is(json!(["returns"]));
    // a subject that does not use it only says the context
    api.get(&format!("{path}?subject=flights")).await.is(json!(["orders", "returns"]));
}

#[tokio::test]
async fn subjects_of_an_id_come_in_pages() {
    let api = one_schema_in_three_subjects().await;
    let path = "/schemas/ids/1/subjects?deleted=true";
    api.get(&format!("{path}&limit=1")).await.is(json!(["archived-orders"]));
    api.get(&format!("{path}&offset=1&limit=1")).await.is(json!(["orders"]));
    let all = json!(["archived-orders", "orders", "returns"]);
    api.get(&format!("{path}&limit=0")).await.is(all);
}

#[tokio::test]
async fn an_id_knows_its_versions() {
    let api = one_schema_in_three_subjects().await;
    let archived = json!({"subject": "archived-orders", "version": 1});
    let orders = json!({"subject": "orders", "version": 1});
    let returns = json!({"subject": "returns", "version": 2});
    let path = "/schemas/ids/1/versions";
    api.get(path).await.is(json!([orders, returns]));
    api.get(&format!("{path}?deleted=true")).await.is(json!([archived, orders, returns]));
    api.get(&format!("{path}?subject=returns")).await.is(json!([returns]));
}

#[tokio::test]
async fn versions_of_an_id_come_in_pages() {
    let api = one_schema_in_three_subjects().await;
    let path = "/schemas/ids/1/versions";
    let orders = json!({"subject": "orders", "version": 1});
    let returns = json!({"subject": "returns", "version": 2});
    api.get(&format!("{path}?limit=1")).await.is(json!([orders]));
    api.get(&format!("{path}?offset=1")).await.is(json!([returns]));
    api.get(&format!("{path}?limit=-1")).await.is(json!([orders, returns]));
}

#[tokio::test]
async fn subjects_and_versions_of_an_unknown_id_are_40403() {
    let api = three_schemas().await;
    api.get("/schemas/ids/4/subjects").await.is_error(404, 40403, "Schema not found");
    api.get("/schemas/ids/4/versions").await.is_error(404, 40403, "Schema not found");
}

// GET /schemas/guids/{guid}

#[tokio::test]
async fn a_schema_is_got_by_its_guid() {
    let api = three_schemas().await;
    let schema = json!({"guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER});
    api.get(&format!("/schemas/guids/{ORDER_GUID}")).await.is(schema.clone());
    let digits = ORDER_GUID.replace('-', "");
    api.get(&format!("/schemas/guids/{digits}")).await.is(schema.clone());
    api.get(&format!("/schemas/guids/{}", digits.to_uppercase())).await.is(schema);
}

#[tokio::test]
async fn a_schema_by_guid_may_be_resolved() {
    let api = registry().await;
    register_payment(&api).await;
    let guid = api.get("/schemas/ids/2").await.json["guid"].as_str().unwrap().to_string();
    let plain = api.get(&format!("/schemas/guids/{guid}")).await;
    assert_eq!(plain.json["references"], payment(1)["references"]);
    let resolved = api.get(&format!("/schemas/guids/{guid}?format=resolved")).await;
    assert_eq!(resolved.json["schema"], PAYMENT_RESOLVED);
    assert_eq!(resolved.json["guid"], guid);
}

#[tokio::test]
async fn an_unknown_guid_is_40403() {
    let api = three_schemas().await;
    let guid = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";
    let answer = api.get(&format!("/schemas/guids/{guid}")).await;
    answer.is_error(404, 40403, &format!("Schema {guid} not found"));
}

#[tokio::test]
async fn a_guid_knows_its_id() {
    let api = three_schemas().await;
    let ids = api.get(&format!("/schemas/guids/{ORDER_GUID}/ids")).await;
    ids.is(json!([{"context": ".", "id": 1}]));
}

#[tokio::test]
async fn an_unknown_guid_has_no_ids() {
    let api = three_schemas().await;
    api.get("/schemas/guids/095d71cf-1255-6b9d-5e33-0ad575b3df5d/ids").await.is(json!([]));
}

// What the lists take beside

#[tokio::test]
async fn the_latest_of_soft_deleted_schemas_can_be_listed_alone() {
    let api = three_schemas().await;
    soft_delete(&api, "orders/versions/2").await;
    soft_delete(&api, "flights").await;
    let answer = api.get("/schemas?latestOnly=true&deleted=true").await;
    assert_eq!(places(&answer), ["flights 1", "orders 2"]);
}

#[tokio::test]
async fn a_page_begins_with_the_first_schema_if_its_offset_is_negative() {
    let api = three_schemas().await;
    let answer = api.get("/schemas?offset=-1&limit=1").await;
    assert_eq!(places(&answer), ["flights 1"]);
    for query in ["limit=ten", "offset=first", "limit="] {
        let answer = api.get(&format!("/schemas?{query}")).await;
        answer.is_error(404, 404, "HTTP 404 Not Found");
    }
}

#[tokio::test]
async fn schemas_are_listed_by_the_type_of_their_rules() {
    let api = three_schemas().await;
    for (subject, list, rule_type, mode) in [
        ("seats", "domainRules", "CEL", "WRITE"),
        ("cabins", "migrationRules", "JSONATA", "UPGRADE"),
        ("gates", "encodingRules", "ENCRYPT", "WRITEREAD"),
    ] {
        let rules = json!({list: [{"name": "a", "type": rule_type, "mode": mode}]});
        register_body(&api, subject, &json!({"schema": FLIGHT, "ruleSet": rules})).await;
    }
    for (rule_type, expected) in [
        ("CEL", vec!["seats 1"]),
        ("JSONATA", vec!["cabins 1"]),
        ("ENCRYPT", vec!["gates 1"]),
        ("CEL_FIELD", vec![]),
    ] {
        let answer = api.get(&format!("/schemas?ruleType={rule_type}")).await;
        assert_eq!(places(&answer), expected, "{rule_type}");
    }
    assert_eq!(places(&api.get("/schemas").await).len(), 6);
}

#[tokio::test]
async fn all_languages_are_schema_types() {
    let types = registry().await.get("/schemas/types").await;
    let mut types: Vec<&str> =
        types.json.as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    types.sort();
    assert_eq!(types, ["AVRO", "JSON", "PROTOBUF"]);
}
