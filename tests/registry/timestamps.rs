//! `ts`: when a version was written, in milliseconds since 1970

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use weir_tests::{Api, registry};

use crate::fixtures::*;

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// `orders` with `ORDER`, and the times before and after that was written.
async fn written_order() -> (Api, std::ops::RangeInclusive<u64>) {
    let api = registry().await;
    let before = now_ms();
    register(&api, "orders", ORDER).await;
    (api, before..=now_ms())
}

#[tokio::test]
async fn what_is_stored_says_when_it_was_written() {
    let (api, written) = written_order().await;
    let mut answers = Vec::new();
    for path in [
        "/subjects/orders/versions/1",
        "/subjects/orders/versions/latest",
        "/schemas/ids/1",
        "/schemas/ids/1?subject=orders",
    ] {
        answers.push(api.get(path).await.json);
    }
    answers.push(api.get("/schemas").await.json[0].clone());
    let first = answers[0]["ts"].as_u64().unwrap();
    assert!(written.contains(&first), "{first} is not in {written:?}");
    for answer in answers {
        assert_eq!((&answer["ts"], &answer["deleted"]), (&first.into(), &false.into()), "{answer}");
    }
}

#[tokio::test]
async fn a_lookup_says_neither_when_it_was_written_nor_whether_it_is_deleted() {
    let (api, _) = written_order().await;
    let found = api.post("/subjects/orders?deleted=true", &body(ORDER)).await;
    assert_eq!(found.status.as_u16(), 200);
    assert!(found.json.get("ts").is_none() && found.json.get("deleted").is_none());
}

#[tokio::test]
async fn what_is_just_being_registered_has_no_time_yet() {
    let (api, _) = written_order().await;
    for _ in 0..2 {
        let answer = api.post("/subjects/orders/versions", &body(ORDER)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["ts"]), (200, &Value::Null));
    }
}

#[tokio::test]
async fn each_version_has_its_own_time() {
    let (api, _) = written_order().await;
    let before = now_ms();
    register(&api, "returns", ORDER).await;
    for (subject, path) in
        [("orders", "/schemas/ids/1?subject=orders"), ("returns", "/schemas/ids/1?subject=returns")]
    {
        let version = api.get(&format!("/subjects/{subject}/versions/1")).await;
        assert_eq!(api.get(path).await.json["ts"], version.json["ts"]);
    }
    let returns = api.get("/subjects/returns/versions/1").await;
    assert!(returns.json["ts"].as_u64().unwrap() >= before);
}

#[tokio::test]
async fn a_soft_deleted_version_still_has_a_time() {
    let (api, _) = written_order().await;
    let before = api.get("/subjects/orders/versions/1").await.json["ts"].as_u64().unwrap();
    soft_delete(&api, "orders/versions/1").await;
    let deleted = api.get("/subjects/orders/versions/1?deleted=true").await;
    assert_eq!(deleted.json["deleted"], json!(true));
    assert!(deleted.json["ts"].as_u64().unwrap() >= before);
}
