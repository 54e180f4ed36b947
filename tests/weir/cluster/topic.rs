//! A topic that is not as it has to be, or does not stay so.

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use serde_json::json;
use weir_tests::{kafka, unique};

use super::nodes::*;

#[tokio::test]
async fn a_topic_that_is_not_compacted_or_has_two_partitions_is_refused_with_what_mends_it() {
    let Some(kafka) = kafka() else { return };
    for (policy, partitions, mends) in [
        ("delete", 1, "--add-config cleanup.policy=compact"),
        ("compact,delete", 1, "--add-config cleanup.policy=compact"),
        ("compact", 2, "--partitions 1"),
    ] {
        let topic = unique("_schemas");
        make(&kafka, &topic, policy, partitions).await;
        let site = nodes(&kafka, &topic, 1, &[]).await;
        site.nodes[0].start();
        let tail = site.nodes[0].ended().await;
        assert!(tail.contains(mends) && tail.contains(&topic), "{tail}");
    }
    let topic = unique("_schemas");
    make(&kafka, &topic, "delete", 1).await;
    let site = nodes(&kafka, &topic, 1, &["--skip-topic-validation"]).await;
    site.nodes[0].start();
    site.until_ready(&site.nodes[0]).await;
    id(&register(&site.nodes[0], "s", "S").await);
}

#[tokio::test]
async fn a_topic_that_loses_its_policy_while_running_takes_no_writes_until_it_is_mended() {
    let Some(kafka) = kafka() else { return };
    let Some(site) = three_nodes().await else { return };
    id(&register(&site.nodes[0], "s", "S").await);
    set_policy(&kafka, &site.topic, "compact,delete").await;
    for node in &site.nodes {
        let status = site.until(node, "at fault", |status| !status.faults.is_empty()).await;
        assert!(status.faults[0].contains("cleanup.policy=compact,delete"), "{:?}", status.faults);
        assert!(!status.writable);
    }
    let refused = register(&site.nodes[1], "t", "T").await;
    assert_eq!(refused.status, 500, "{}", refused.text);
    assert_eq!(api(&site.nodes[2]).get("/subjects").await.json, json!(["s"]));
    set_policy(&kafka, &site.topic, "compact").await;
    for node in &site.nodes {
        site.until_ready(node).await;
    }
    site.leader().await;
    id(&register_again(&site.nodes[1], "t", "T").await);
}

#[tokio::test]
async fn a_topic_that_is_deleted_while_running_leaves_reads_and_takes_no_writes() {
    let Some(kafka) = kafka() else { return };
    let Some(site) = three_nodes().await else { return };
    id(&register(&site.nodes[0], "s", "S").await);
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let deleted = admin.delete_topics(&[&site.topic], &AdminOptions::new()).await.unwrap();
    deleted.into_iter().for_each(|result| drop(result.unwrap()));
    for node in &site.nodes {
        site.until(node, "at fault", |status| !status.faults.is_empty()).await;
    }
    // one of the same name has nothing in it
    make(&kafka, &site.topic, "compact", 1).await;
    for node in &site.nodes {
        let status = site.status(node).await.unwrap();
        assert!(status.faults[0].contains("was deleted"), "{:?}", status.faults);
        let refused = register(node, "t", "T").await;
        assert_eq!(refused.status, 500, "{}", refused.text);
        assert_eq!(api(node).get("/subjects").await.json, json!(["s"]));
    }
}

#[tokio::test]
async fn a_topic_whose_beginning_is_deleted_while_running_takes_no_writes() {
    let Some(kafka) = kafka() else { return };
    let Some(site) = three_nodes().await else { return };
    for subject in ["a", "b", "s"] {
        id(&register(&site.nodes[0], subject, "S").await);
    }
    // Kafka deletes records of a topic only where it may delete
    set_policy(&kafka, &site.topic, "compact,delete").await;
    let proxy = kafka.proxy().await.api;
    let path = format!("/v3/clusters/-/topics/{}/partitions/0/records:delete", site.topic);
    let cluster = proxy.get("/v3/clusters").await.json["data"][0]["cluster_id"].clone();
    let path = path.replace("/-/", &format!("/{}/", cluster.as_str().unwrap()));
    let deleted =
        proxy.post_as(&path, "application/json", json!({"before_offset": 3}).to_string()).await;
    assert!(deleted.status.is_success(), "{path}: {}", deleted.text);
    set_policy(&kafka, &site.topic, "compact").await;
    for node in &site.nodes {
        let truncated = |status: &weir_faults::Status| {
            status.faults.iter().any(|fault| fault.contains("begins at offset 3"))
        };
        site.until(node, "at fault", truncated).await;
        assert_eq!(api(node).get("/subjects").await.json, json!(["a", "b", "s"]));
    }
    // and a node that comes then says what is missing, instead of forgetting it
    site.nodes[0].kill();
    site.nodes[0].start();
    let tail = site.nodes[0].ended().await;
    assert!(tail.contains("begins at offset 3"), "{tail}");
}
