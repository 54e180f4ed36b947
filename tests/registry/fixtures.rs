//! Schemas of a shop and an airline, in canonical text, and short ways to register them.

use serde_json::{Value, json};
use weir_tests::Api;

pub const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"order_id","type":"string"},{"name":"cents","type":"long"}]}"#;
pub const ORDER_GUID: &str = "5b3da7a4-30c6-aff9-ec78-db11a9f650bc";

/// An optional field more: reads orders, and is read as one.
pub const ORDER_NOTE: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"order_id","type":"string"},{"name":"cents","type":"long"},{"name":"note","type":["null","string"],"default":null}]}"#;

/// A field without a default more: is read as an order, but reads none.
pub const ORDER_CURRENCY: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"order_id","type":"string"},{"name":"cents","type":"long"},{"name":"currency","type":"string"}]}"#;

/// A field less: reads orders, but is not read as one.
pub const ORDER_WITHOUT_CENTS: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"order_id","type":"string"}]}"#;

pub const FLIGHT: &str = r#"{"type":"record","name":"Flight","namespace":"airline","fields":[{"name":"number","type":"string"},{"name":"origin","type":"string"},{"name":"destination","type":"string"}]}"#;

pub const MONEY: &str = r#"{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"},{"name":"currency","type":"string"}]}"#;

/// `MONEY` with an optional field more.
pub const MONEY_RATE: &str = r#"{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"},{"name":"currency","type":"string"},{"name":"rate","type":"double","default":1.0}]}"#;

/// Refers to `MONEY`.
pub const PAYMENT: &str = r#"{"type":"record","name":"Payment","namespace":"shop","fields":[{"name":"payment_id","type":"string"},{"name":"total","type":"Money"}]}"#;

/// `PAYMENT` with `MONEY` in its place.
pub const PAYMENT_RESOLVED: &str = r#"{"type":"record","name":"Payment","namespace":"shop","fields":[{"name":"payment_id","type":"string"},{"name":"total","type":{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"},{"name":"currency","type":"string"}]}}]}"#;

/// Properties and aliases in no order.
pub const UNSORTED: &str = r#"{"type":"record","name":"Seat","namespace":"airline","fields":[{"name":"row","type":"int"}],"owner":"ops","cost":{"unit":"eur","amount":2},"aliases":["Place","Chair"]}"#;

/// `UNSORTED` as it is normalised.
pub const SORTED: &str = r#"{"type":"record","name":"Seat","namespace":"airline","fields":[{"name":"row","type":"int"}],"cost":{"amount":2,"unit":"eur"},"owner":"ops","aliases":["Chair","Place"]}"#;

/// A schema as a request's body.
pub fn body(schema: &str) -> Value {
    json!({"schema": schema})
}

/// `PAYMENT` with a reference to a version of `money`.
pub fn payment(version: i32) -> Value {
    let reference = json!({"name": "shop.Money", "subject": "money", "version": version});
    json!({"schema": PAYMENT, "references": [reference]})
}

/// Registers a schema, answers its id.
pub async fn register(api: &Api, subject: &str, schema: &str) -> u64 {
    register_body(api, subject, &body(schema)).await
}

pub async fn register_body(api: &Api, subject: &str, body: &Value) -> u64 {
    let answer = api.post(&format!("/subjects/{subject}/versions"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["id"].as_u64().unwrap()
}

/// Registers `MONEY` as `money` 1 with id 1, and `PAYMENT`, which refers to it, as `payments` 1
/// with id 2.
pub async fn register_payment(api: &Api) {
    assert_eq!(register(api, "money", MONEY).await, 1);
    assert_eq!(register_body(api, "payments", &payment(1)).await, 2);
}

/// Soft-deletes a subject (`orders`) or a version (`orders/versions/1`).
pub async fn soft_delete(api: &Api, what: &str) {
    let answer = api.delete(&format!("/subjects/{what}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Soft-deletes it, then removes it for good.
pub async fn hard_delete(api: &Api, what: &str) {
    soft_delete(api, what).await;
    let answer = api.delete(&format!("/subjects/{what}?permanent=true")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Sets the compatibility level of all subjects.
pub async fn set_level(api: &Api, level: &str) {
    let answer = api.put("/config", &json!({"compatibility": level})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Sets the mode of all subjects (`/mode`) or of one (`/mode/orders`).
pub async fn set_mode(api: &Api, path: &str, mode: &str) {
    let answer = api.put(path, &json!({"mode": mode})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}
