//! How much a principal may ask for.

use serde_json::json;

use super::house::*;

fn rules(quota: &str) -> String {
    format!("{RULES}\n[[quota]]\nto = [\"user:bob\"]\n{quota}\n")
}

#[tokio::test]
async fn a_principal_that_asks_for_more_than_it_may_is_told_when_to_come_again() {
    let house = House::new(&rules("requests_per_sec = 2"));
    let (_weir, api) = house.registry(&[]);
    let mut refused = None;
    for _ in 0..50 {
        let request = user("bob").on(api.request(reqwest::Method::GET, "/subjects"));
        let answer = request.send().await.unwrap();
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("fifty requests take less than 25 s");
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(refused.text().await.unwrap().contains("\"error_code\":429"));
    // others are not concerned
    for _ in 0..10 {
        user("alice").get(&api, "/subjects").await.is(json!([]));
    }
}

#[tokio::test]
async fn bodies_are_paid_for() {
    let house = House::new(&rules("bytes_per_sec = 1000"));
    let (_weir, api) = house.registry(&[]);
    let long = json!({"schema": "x".repeat(50_000)});
    let denied =
        user("bob").send(&api, reqwest::Method::POST, "/subjects/orders-value", &long).await;
    assert_ne!(denied.status, 429);
    let next = user("bob").get(&api, "/subjects").await;
    assert_eq!(next.status, 429, "{}", next.text);
}
