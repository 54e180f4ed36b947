//! Registry and REST proxy of one process: the proxy asks the registry on behalf of its callers.

use reqwest::Method;
use serde_json::json;
use weir_tests::embedded_broker;

use super::house::*;
use crate::process::Weir;

const AVRO: &str = "application/vnd.kafka.avro.v2+json";

/// Also where the registry listens on an address that is not called `localhost`: nobody else is asked, on whose behalf or
/// not.
#[tokio::test]
async fn the_proxy_asks_its_registry_on_behalf_of_its_caller() {
    let (house, broker) = (House::new(RULES), embedded_broker());
    broker.create_topic("orders", 1).await;
    let settings = house.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let args = ["serve", "--store", "memory", "--bootstrap-servers", &broker.bootstrap_servers];
    let listeners = ["--registry-listener", "127.0.0.2:0", "--proxy-listener", "127.0.0.1:0"];
    let mut weir = Weir::start(&[&args[..], &listeners, &settings].concat());
    let registry = weir.api("registry on");
    let proxy = weir.api("REST proxy on");

    // Carol's schema, which Alice may not read
    let payment = user("carol").register(&registry, "payments-value", "Payment").await;
    assert_eq!(payment.json["id"], 1);
    let produce = async |login: &Login, body: serde_json::Value| {
        let request = login.on(proxy.request(Method::POST, "/topics/orders"));
        let request = request.header("content-type", AVRO).body(body.to_string());
        proxy.send(request).await
    };
    let order = json!({"value_schema": r#"{"type":"record","name":"Order","fields":[]}"#, "records": [{"value": {}}]});
    let answer = produce(&user("alice"), order.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["value_schema_id"], 2);
    // Bob may read the topic and no more, Carol knows nothing of it
    for login in [user("bob"), user("carol")] {
        produce(&login, order.clone()).await.is_error(
            403,
            40301,
            "User is denied operation on this server.",
        );
    }
    assert_eq!(produce(&Login::Nobody, order).await.status, 401);
    // a schema of others is none, also after its owner has used it
    let foreign = json!({"value_schema_id": 1, "records": [{"value": {}}]});
    let answer = produce(&user("alice"), foreign).await;
    assert!(!answer.json["offsets"][0]["offset"].is_i64(), "{}", answer.text);
    assert!(!answer.text.contains("Payment"), "{}", answer.text);
}
