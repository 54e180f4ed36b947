//! `/subjects/{subject}/metadata`

use serde_json::{Value, json};
use weir_tests::{Api, registry};

use crate::fixtures::*;

fn order_with(properties: Value) -> Value {
    json!({"schema": ORDER, "metadata": {"properties": properties}})
}

/// `orders` with three versions: of team a, of team a in Berlin, of team b in Berlin.
async fn three_teams() -> Api {
    let api = registry().await;
    for properties in [
        json!({"team": "a"}),
        json!({"team": "a", "city": "Berlin"}),
        json!({"team": "b", "city": "Berlin"}),
    ] {
        register_body(&api, "orders", &order_with(properties)).await;
    }
    api
}

#[tokio::test]
async fn the_newest_version_that_has_all_pairs_is_found() {
    let api = three_teams().await;
    for (query, version) in [
        ("key=team&value=a", 2),
        ("key=team&value=b", 3),
        ("key=city&value=Berlin", 3),
        ("key=team&value=a&key=city&value=Berlin", 2),
        ("key=city&key=team&value=Berlin&value=a", 2),
    ] {
        let answer = api.get(&format!("/subjects/orders/metadata?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["version"]),
            (200, &json!(version)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_version_is_answered_whole() {
    let api = three_teams().await;
    let found = api.get("/subjects/orders/metadata?key=team&value=b").await;
    assert_eq!(found.json, api.get("/subjects/orders/versions/3").await.json);
    assert_eq!(found.json["metadata"], json!({"properties": {"city": "Berlin", "team": "b"}}));
}

#[tokio::test]
async fn pairs_that_no_version_has_are_40403() {
    let api = three_teams().await;
    register(&api, "flights", FLIGHT).await;
    for path in [
        "/subjects/orders/metadata?key=team&value=c",
        "/subjects/orders/metadata?key=owner&value=a",
        "/subjects/orders/metadata?key=team&value=b&key=city&value=Hamburg",
        "/subjects/flights/metadata?key=team&value=a",
    ] {
        api.get(path).await.is_error(404, 40403, "Schema not found");
    }
}

#[tokio::test]
async fn metadata_of_an_unknown_subject_is_40401() {
    let api = registry().await;
    let answer = api.get("/subjects/orders/metadata?key=team&value=a").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
}

#[tokio::test]
async fn soft_deleted_versions_are_found_only_if_asked_for() {
    let api = three_teams().await;
    soft_delete(&api, "orders/versions/3").await;
    let path = "/subjects/orders/metadata?key=team&value=b";
    api.get(path).await.is_error(404, 40403, "Schema not found");
    let answer = api.get(&format!("{path}&deleted=true")).await;
    assert_eq!((&answer.json["version"], &answer.json["deleted"]), (&json!(3), &json!(true)));
    soft_delete(&api, "orders").await;
    api.get(path).await.is_error(404, 40401, "Subject 'orders' not found.");
}

#[tokio::test]
async fn the_version_may_be_resolved() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    let mut request = payment(1);
    request["metadata"] = json!({"properties": {"team": "a"}});
    register_body(&api, "payments", &request).await;
    let path = "/subjects/payments/metadata?key=team&value=a";
    assert_eq!(api.get(path).await.json["schema"], PAYMENT);
    let answer = api.get(&format!("{path}&format=resolved")).await;
    assert_eq!(answer.json["schema"], PAYMENT_RESOLVED);
}

#[tokio::test]
async fn what_no_subject_can_be_called_is_not_there() {
    let api = registry().await;
    let answer = api.get("/subjects/__EMPTY/metadata?key=a&value=b").await;
    answer.is_error(404, 40401, "Subject '__EMPTY' not found.");
}
