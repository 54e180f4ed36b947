//! `/v3/clusters`.

use serde_json::json;
use weir_tests::TestBroker;

use super::site::Site;
use crate::fixtures::*;

on_both_brokers! {
    there_is_one_cluster
    another_cluster_is_404
    the_api_is_also_below_kafka
}

async fn there_is_one_cluster(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let cluster = json!({
        "kind": "KafkaCluster",
        "metadata": site.metadata("", ""),
        "cluster_id": site.id,
        "controller": site.link("/brokers/1"),
        "acls": site.link("/acls"),
        "brokers": site.link("/brokers"),
        "broker_configs": site.link("/broker-configs"),
        "consumer_groups": site.link("/consumer-groups"),
        "topics": site.link("/topics"),
        "partition_reassignments": site.link("/topics/-/partitions/-/reassignment"),
    });
    let answer = site.get("").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.is(cluster.clone());
    site.api.get("/v3/clusters").await.is(json!({
        "kind": "KafkaClusterList",
        "metadata": {"self": format!("{}/v3/clusters", site.api.url), "next": null},
        "data": [cluster],
    }));
}

async fn another_cluster_is_404(broker: &TestBroker) {
    let site = Site::new(broker).await;
    for rest in ["", "/topics", "/brokers/1", "/consumer-groups/g/lags", "/acls"] {
        let answer = site.api.get(&format!("/v3/clusters/other{rest}")).await;
        answer.is_error(404, 404, "Cluster other cannot be found.");
    }
    let answer = site.get("/nothing").await;
    answer.is_error(404, 404, "HTTP 404 Not Found");
    let answer = site.delete("").await;
    answer.is_error(405, 405, "HTTP 405 Method Not Allowed");
}

async fn the_api_is_also_below_kafka(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/kafka/v3/clusters/{}/topics/{topic}", site.id);
    let answer = site.api.get(&path).await;
    assert_eq!(answer.json["metadata"]["self"], json!(format!("{}{path}", site.api.url)));
    refused(&site.api.get(&format!("{path}s")).await, 404, 40403);
}
