//! Limits of requests and bytes.

use serde_json::json;
use weir_proxy::{ProxyConfig, RateLimits};
use weir_tests::embedded_broker;

use crate::fixtures::*;
use crate::v3::Site;

fn limited(requests_per_s: Option<u32>, bytes_per_s: Option<u32>) -> ProxyConfig {
    let rate_limits = RateLimits { requests_per_s, bytes_per_s };
    ProxyConfig { rate_limits, ..ProxyConfig::default() }
}

const MESSAGE: &str =
    "Request rate limit exceeded: The rate limit of requests per second has been exceeded.";

#[tokio::test]
async fn too_many_requests_are_429_and_say_when_to_come_again() {
    let broker = embedded_broker();
    let proxy = broker.proxy_with(limited(Some(5), None)).await;
    let mut refusals = 0;
    for path in ["/topics", "/", "/v3/clusters", "/brokers"].iter().cycle().take(40) {
        let answer = proxy.api.get(path).await;
        if answer.status == 429 {
            answer.is_error(429, 429, MESSAGE);
            assert_eq!(answer.headers["retry-after"], "1");
            assert!(answer.headers.contains_key("content-type"));
            refusals += 1;
        } else {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    assert!(refusals > 0);
    // an operator sees who is refused
    let metrics = loop {
        let answer = proxy.api.get("/metrics").await;
        if answer.status == 200 {
            break answer.text;
        }
        refusals += 1;
    };
    let line = format!("weir_proxy_rate_limited_total{{principal=\"127.0.0.1\"}} {refusals}\n");
    assert!(metrics.contains(&line), "{line}{metrics}");
}

#[tokio::test]
async fn too_many_records_of_a_stream_are_429_each() {
    let broker = embedded_broker();
    broker.create_topic("routes", 1).await;
    let site = Site::of(broker.proxy_with(limited(Some(1000), Some(2000))).await).await;
    let record = json!({"value": {"type": "STRING", "data": "x".repeat(600)}}).to_string();
    let path = site.path("/topics/routes/records");
    let answer = site.api.post_as(&path, "application/json", record.repeat(20)).await;
    assert_eq!(answer.status, 200);
    let reports: Vec<serde_json::Value> =
        answer.text.trim_end().split("\r\n").map(|r| serde_json::from_str(r).unwrap()).collect();
    assert_eq!(reports.len(), 20);
    let refused = reports.iter().filter(|r| r["error_code"] == json!(429)).count();
    assert!((1..20).contains(&refused), "{}", answer.text);
    // what was refused is not there
    assert_eq!(native_read(&broker, "routes").await.len(), 20 - refused);
    let batch =
        json!({"entries": [{"id": "1", "value": {"type": "STRING", "data": "x".repeat(1900)}}]});
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = site.post("/topics/routes/records:batch", &batch).await;
        statuses.push(answer.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn too_many_bytes_of_v2_are_429() {
    let broker = embedded_broker();
    let proxy = broker.proxy_with(limited(None, Some(1000))).await;
    let body = json!({"records": [{"value": "x".repeat(900)}]});
    for path in ["/topics/routes", "/topics/routes/partitions/0"] {
        let mut refused = None;
        for _ in 0..5 {
            let answer = proxy.api.post_as(path, JSON, body.to_string()).await;
            if answer.status == 429 {
                refused = Some(answer);
            }
        }
        refused.expect("the second comes within the same second").is_error(429, 429, MESSAGE);
    }
}
