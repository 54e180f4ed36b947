//! `../topics/{topic}/partitions`.

use serde_json::json;
use weir_tests::TestBroker;

use super::site::Site;
use crate::fixtures::*;

on_both_brokers! {
    partitions_are_listed_and_described
    a_partition_says_its_offsets
    a_partition_that_is_not_there_is_404
    nothing_is_reassigned
    records_before_an_offset_can_be_deleted
}

async fn partitions_are_listed_and_described(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 11).await;
    let partition = |n: usize| {
        let path = format!("/topics/{topic}/partitions/{n}");
        json!({
            "kind": "KafkaPartition",
            "metadata": site.metadata(&path, &format!("/topic={topic}/partition={n}")),
            "cluster_id": site.id,
            "topic_name": topic,
            "partition_id": n,
            "leader": site.link(&format!("{path}/replicas/1")),
            "replicas": site.link(&format!("{path}/replicas")),
            "reassignment": site.link(&format!("{path}/reassignment")),
        })
    };
    let path = format!("/topics/{topic}/partitions");
    let all: Vec<_> = (0..11).map(partition).collect();
    assert_eq!(site.list(&path, "KafkaPartitionList").await, all);
    let pages = site.pages(&path, 4).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 3]);
    assert_eq!(pages.concat(), all);
    site.get(&format!("{path}/10")).await.is(partition(10));
}

async fn a_partition_says_its_offsets(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
    let path = format!("/topics/{topic}/partitions/0/offset");
    for query in ["", "?offset_type=earliest_and_latest"] {
        let found = site.get(&format!("{path}{query}")).await.json;
        assert_eq!(found["kind"], json!("KafkaPartitionWithOffsets"));
        assert_eq!((&found["earliest_offset"], &found["latest_offset"]), (&json!(0), &json!(3)));
        let name = format!("/topic={topic}/partition=0/offset_type=earliest_and_latest");
        assert_eq!(found["metadata"], site.metadata(&path, &name));
    }
    let answer = site.get(&format!("{path}?offset_type=median")).await;
    answer.is_error(400, 400, "Bad Request: offset_type:median is invalid");
}

async fn a_partition_that_is_not_there_is_404(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    for rest in ["", "/offset", "/replicas", "/replicas/1", "/records"] {
        let answer = site.get(&format!("/topics/{topic}/partitions/7{rest}")).await;
        let code = if ["/offset", "/records"].contains(&rest) { 40402 } else { 404 };
        refused(&answer, 404, code);
        refused(&site.get(&format!("/topics/missing/partitions/0{rest}")).await, 404, 40403);
        let answer = site.get(&format!("/topics/{topic}/partitions/x{rest}")).await;
        answer.is_error(404, 404, "HTTP 404 Not Found");
    }
}

async fn nothing_is_reassigned(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    for path in [
        "/topics/-/partitions/-/reassignment".to_string(),
        format!("/topics/{topic}/partitions/-/reassignment"),
    ] {
        assert_eq!(site.list(&path, "KafkaReassignmentList").await, [json!(null); 0]);
    }
    let answer = site.get(&format!("/topics/{topic}/partitions/0/reassignment")).await;
    answer.is_error(404, 404, "HTTP 404 Not Found");
    refused(&site.get("/topics/missing/partitions/-/reassignment").await, 404, 40403);
}

async fn records_before_an_offset_can_be_deleted(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
    let path = format!("/topics/{topic}/partitions/0");
    let delete = |before: i64| {
        let path = format!("{path}/records:delete");
        let site = &site;
        async move { site.post(&path, &json!({"before_offset": before})).await }
    };
    delete(2).await.is(json!({
        "kind": "KafkaDeletedRecords",
        "metadata": site.metadata(&path, &format!("/topic={topic}/partition=0")),
        "cluster_id": site.id,
        "topic_name": topic,
        "partition_id": 0,
        "earliest_offset": 2,
    }));
    assert_eq!(site.get(&format!("{path}/offset")).await.json["earliest_offset"], json!(2));
    refused(&delete(4).await, 400, 40002);
    refused(&delete(-2).await, 400, 400);
    assert_eq!(delete(-1).await.json["earliest_offset"], json!(3));
    let body = json!({"before_offset": 1});
    refused(
        &site.post(&format!("/topics/{topic}/partitions/7/records:delete"), &body).await,
        404,
        40402,
    );
}
