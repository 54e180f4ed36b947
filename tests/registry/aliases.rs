//! Aliases: subjects whose configuration says which other one requests for them are about

use serde_json::{Value, json};
use weir_tests::{Api, registry};

use crate::fixtures::*;

/// `orders` with `ORDER` and `ORDER_NOTE`, and `purchases`, which is another name of it.
async fn purchases_are_orders() -> Api {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    api.put("/config/purchases", &json!({"alias": "orders"})).await;
    api
}

#[tokio::test]
async fn an_alias_reads_what_its_subject_has() {
    let api = purchases_are_orders().await;
    for path in [
        "/versions",
        "/versions/1",
        "/versions/latest",
        "/versions/1/schema",
        "/versions/1/referencedby",
    ] {
        let plain = api.get(&format!("/subjects/orders{path}")).await;
        let answer = api.get(&format!("/subjects/purchases{path}")).await;
        assert_eq!((answer.status.as_u16(), &answer.text), (200, &plain.text), "{path}");
    }
    let found = api.post("/subjects/purchases", &body(ORDER)).await;
    assert_eq!((&found.json["subject"], &found.json["version"]), (&json!("orders"), &json!(1)));
    api.get("/subjects").await.is(json!(["orders"]));
}

#[tokio::test]
async fn an_alias_writes_to_its_subject() {
    let api = purchases_are_orders().await;
    let newer = ORDER_NOTE.replace(r#""note""#, r#""memo""#);
    let answer = api.post("/subjects/purchases/versions", &body(&newer)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(3)));
    api.get("/subjects/orders/versions").await.is(json!([1, 2, 3]));
    api.delete("/subjects/purchases/versions/3").await.is(json!(3));
    api.delete("/subjects/purchases").await.is(json!([1, 2]));
    api.get("/subjects").await.is(json!([]));
}

#[tokio::test]
async fn a_check_of_an_alias_is_a_check_of_its_subject() {
    let api = purchases_are_orders().await;
    for path in ["", "/latest", "/1"] {
        let path = format!("/compatibility/subjects/purchases/versions{path}");
        api.post(&path, &body(ORDER_NOTE)).await.is(json!({"is_compatible": true}));
        api.post(&path, &body(FLIGHT)).await.is(json!({"is_compatible": false}));
    }
}

#[tokio::test]
async fn the_subject_of_an_id_may_be_an_alias() {
    let api = purchases_are_orders().await;
    register(&api, "returns", ORDER).await;
    assert_eq!(api.get("/schemas/ids/1?subject=purchases").await.json["subject"], "orders");
    assert_eq!(api.get("/schemas/ids/1/schema?subject=purchases").await.text, ORDER);
    api.get("/schemas/ids/1/subjects?subject=purchases").await.is(json!(["orders"]));
    let version = json!({"subject": "orders", "version": 1});
    api.get("/schemas/ids/1/versions?subject=purchases").await.is(json!([version]));
}

#[tokio::test]
async fn config_and_mode_are_the_aliass_own() {
    let api = purchases_are_orders().await;
    let own = json!({"alias": "orders", "compatibilityLevel": "BACKWARD"});
    api.get("/config/purchases").await.is(own);
    assert_eq!(api.get("/config/orders").await.json["error_code"], 40408);
    set_mode(&api, "/mode/purchases", "READONLY").await;
    assert_eq!(api.get("/mode/orders").await.json["error_code"], 40409);
    api.delete("/mode/purchases").await.is(json!({"mode": "READONLY"}));
    assert_eq!(api.delete("/config/purchases").await.json["alias"], "orders");
    let answer = api.get("/subjects/purchases/versions").await;
    answer.is_error(404, 40401, "Subject 'purchases' not found.");
}

#[tokio::test]
async fn an_alias_of_an_alias_is_a_subject() {
    let api = purchases_are_orders().await;
    api.put("/config/sales", &json!({"alias": "purchases"})).await;
    let answer = api.get("/subjects/sales/versions").await;
    answer.is_error(404, 40401, "Subject 'purchases' not found.");
}

#[tokio::test]
async fn an_alias_may_be_of_a_subject_in_another_context() {
    let api = registry().await;
    register(&api, ":.eu:orders", ORDER).await;
    api.put("/config/orders", &json!({"alias": ":.eu:orders"})).await;
    api.get("/subjects/orders/versions").await.is(json!([1]));
    assert_eq!(api.get("/subjects/orders/versions/1").await.json["subject"], ":.eu:orders");
}

#[tokio::test]
async fn a_list_of_schemas_shows_aliases_if_asked_to() {
    let api = purchases_are_orders().await;
    api.put("/config/deals", &json!({"alias": "orders"})).await;
    register(&api, "flights", FLIGHT).await;
    let plain = api.get("/schemas?latestOnly=true").await;
    assert!(
        plain.json.as_array().unwrap().iter().all(|s| s["aliases"].is_null()),
        "{}",
        plain.text
    );
    let answer = api.get("/schemas?latestOnly=true&aliases=true").await;
    let aliases: Vec<(&Value, &Value)> =
        answer.json.as_array().unwrap().iter().map(|s| (&s["subject"], &s["aliases"])).collect();
    let both = json!(["deals", "purchases"]);
    assert_eq!(aliases, [(&json!("flights"), &Value::Null), (&json!("orders"), &both)]);
}
