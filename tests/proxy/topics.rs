//! `/topics`

use serde_json::json;
use weir_tests::{TestBroker, embedded_broker, kafka, unique};

async fn base64_arrives(broker: &TestBroker) {
    let topic = unique("photos");
    broker.create_topic(&topic, 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"key": "U0ZP", "value": "AAEC/w=="}]});
    let answer = proxy
        .api
        .post_as(
            &format!("/topics/{topic}"),
            "application/vnd.kafka.binary.v2+json",
            body.to_string(),
        )
        .await;
    answer.is(json!({"key_schema_id": null, "value_schema_id": null,
        "offsets": [{"partition": 0, "offset": 0, "error_code": null, "error": null}]}));
}

#[tokio::test]
async fn base64_is_produced_on_the_embedded_broker() {
    base64_arrives(&embedded_broker()).await;
}

#[tokio::test]
async fn base64_is_produced_on_kafka() {
    let Some(kafka) = kafka() else { return };
    base64_arrives(&kafka).await;
}
