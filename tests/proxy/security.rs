//! A secured Kafka: producing goes through librdkafka, asking the cluster through connections of the
//! proxy's own; both have to be let in.

use serde_json::json;
use weir_tests::{TestBroker, unique};

use crate::fixtures::*;
use crate::v3::Site;

on_kafka! {
    each_way_of_saying_who_one_is_works
    a_wrong_password_is_40101
}

async fn each_way_of_saying_who_one_is_works(_kafka: &TestBroker) {
    for protocol in ["sasl_plaintext", "sasl_ssl"] {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let site = Site::of(secured_proxy(protocol, mechanism, "weir-secret").await).await;
            let topic = unique("secured");
            let body = json!({"topic_name": topic, "partitions_count": 1});
            let answer = site.post("/topics", &body).await;
            assert_eq!(answer.status, 201, "{protocol} {mechanism} {}", answer.text);
            sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
            let path = format!("/topics/{topic}/partitions/0/records?format=json");
            let read = site.get(&path).await;
            assert_eq!(read.json["data"].as_array().unwrap().len(), 3, "{}", read.text);
        }
    }
}

async fn a_wrong_password_is_40101(_kafka: &TestBroker) {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let proxy = secured_proxy("sasl_ssl", mechanism, "guessed").await;
        refused(&proxy.api.get("/v3/clusters").await, 401, 40101);
    }
}
