//! `../brokers`.

use serde_json::json;
use weir_tests::TestBroker;

use super::site::Site;
use crate::fixtures::refused;

on_both_brokers! {
    a_broker_says_where_it_is
    a_broker_lists_the_replicas_that_it_has
    a_broker_that_is_not_there_is_404
}

async fn a_broker_says_where_it_is(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (host, port) = broker.bootstrap_servers.split_once(':').unwrap();
    let expected = json!({
        "kind": "KafkaBroker",
        "metadata": site.metadata("/brokers/1", "/broker=1"),
        "cluster_id": site.id,
        "broker_id": 1,
        "host": host,
        "port": port.parse::<u16>().unwrap(),
        "rack": null,
        "configs": site.link("/brokers/1/configs"),
        "partition_replicas": site.link("/brokers/1/partition-replicas"),
    });
    let brokers = site.list("/brokers", "KafkaBrokerList").await;
    let one = site.get("/brokers/1").await.json;
    assert_eq!((one, brokers), (expected.clone(), vec![expected]));
}

async fn a_broker_lists_the_replicas_that_it_has(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 2).await;
    let replicas = site.list("/brokers/1/partition-replicas", "KafkaReplicaList").await;
    let of_topic: Vec<_> = replicas.iter().filter(|r| r["topic_name"] == json!(topic)).collect();
    let partition = |n: i32| format!("/topics/{topic}/partitions/{n}/replicas/1");
    let name = |n: i32| format!("/topic={topic}/partition={n}/replica=1");
    let replica = |n: i32| {
        json!({
            "kind": "KafkaReplica",
            "metadata": site.metadata(&partition(n), &name(n)),
            "cluster_id": site.id,
            "topic_name": topic,
            "partition_id": n,
            "broker_id": 1,
            "is_leader": true,
            "is_in_sync": true,
            "broker": site.link("/brokers/1"),
        })
    };
    assert_eq!(of_topic, [&replica(0), &replica(1)]);
    let path = format!("/topics/{topic}/partitions/1/replicas");
    assert_eq!(site.list(&path, "KafkaReplicaList").await, [replica(1)]);
    site.get(&partition(1)).await.is(replica(1));
    site.get(&format!("{path}/7")).await.is_error(404, 404, "HTTP 404 Not Found");
}

async fn a_broker_that_is_not_there_is_404(broker: &TestBroker) {
    let site = Site::new(broker).await;
    for path in ["/brokers/7", "/brokers/7/partition-replicas", "/brokers/x", "/brokers/7/configs"]
    {
        refused(&site.get(path).await, 404, 404);
    }
}
