//! What is written down, over the wire.

use serde_json::json;

use super::house::*;

#[tokio::test]
async fn each_change_and_each_refusal_is_a_line_before_it_is_answered() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let request =
        api.request(reqwest::Method::POST, "/subjects/orders-value/versions?normalize=true");
    let request = user("alice").on(request).header("x-request-id", "r-1");
    let answer = api.send(request.body(schema("Order").to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let line = house.audited().pop().unwrap();
    for (name, value) in [
        ("principal", json!("alice")),
        ("proof", json!("password")),
        ("address", json!("127.0.0.1")),
        ("service", json!("registry")),
        ("method", json!("POST")),
        ("path", json!("/subjects/orders-value/versions")),
        ("action", json!("write")),
        ("resource", json!("subject:orders-value")),
        ("verdict", json!("allowed")),
        ("status", json!(200)),
        ("request_id", json!("r-1")),
    ] {
        assert_eq!(line[name], value, "{name} in {line}");
    }
    assert!(line["rule"].as_str().unwrap().contains("owner"), "{line}");
    // reads are not written down
    user("alice").get(&api, "/subjects/orders-value/versions").await.is(json!([1]));
    assert_eq!(house.audited().len(), 1);
    user("bob").register(&api, "orders-value", "Other").await;
    user("bob").get(&api, "/subjects/payments-value/versions").await;
    let lines = house.audited();
    let verdicts: Vec<_> = lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["allowed", "denied", "denied"]);
    assert_eq!(lines[2]["rule"], json!(null));
    Login::Nobody.get(&api, "/subjects").await;
    assert_eq!(house.audited().pop().unwrap()["verdict"], "refused");
}
