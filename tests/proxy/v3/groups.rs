//! `../consumer-groups`: groups, members, lags, and moving and deleting them.

use std::time::Instant;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::site::Site;
use crate::fixtures::*;

on_both_brokers! {
    a_group_and_its_members_can_be_seen
    members_of_the_newer_protocol_can_be_seen
    a_group_that_is_not_there_is_404
    lags_are_what_is_not_read
    a_group_can_be_moved
    a_group_with_members_stays_as_it_is
    a_group_can_be_deleted
}

/// Commits offsets of partitions 0 and on.
async fn commit(broker: &TestBroker, group: &str, topic: &str, offsets: &[i64]) {
    let (mut client, topic, offsets) = (broker.client(), topic.to_string(), offsets.to_vec());
    client.set("group.id", group);
    let committed = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = client.create().unwrap();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets.iter().enumerate() {
            let offset = Offset::Offset(*offset);
            list.add_partition_offset(&topic, partition as i32, offset).unwrap();
        }
        consumer.commit(&list, CommitMode::Sync).unwrap();
    });
    committed.await.unwrap();
}

/// A native consumer that has its partitions. It is polled until it is dropped.
fn member(broker: &TestBroker, group: &str, topic: &str, settings: &[(&str, &str)]) -> Member {
    let mut client = broker.client();
    client.set("group.id", group).set("client.id", "native").set("enable.auto.commit", "false");
    for (name, value) in settings {
        client.set(*name, *value);
    }
    let consumer: BaseConsumer = client.create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let polling = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            consumer.poll(std::time::Duration::from_millis(50));
        }
    });
    Member { stop: Some(stop), polling: Some(polling) }
}

struct Member {
    stop: Option<std::sync::mpsc::Sender<()>>,
    polling: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Member {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.polling.take().map(std::thread::JoinHandle::join);
    }
}

/// The group once it is in a state.
async fn group_in(site: &Site, group: &str, state: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = site.get(&format!("/consumer-groups/{group}")).await;
        let consumers = site.get(&format!("/consumer-groups/{group}/consumers")).await;
        // the link, for an id may hold a slash
        let link = consumers.json["data"][0]["assignments"]["related"].as_str();
        let assigned = match link.and_then(|url| url.strip_prefix(&site.api.url)) {
            Some(path) => {
                site.api.get(path).await.json["data"].as_array().is_some_and(|a| !a.is_empty())
            }
            None => state == "EMPTY",
        };
        if found.json["state"] == json!(state) && assigned {
            return found.json;
        }
        assert!(Instant::now() < deadline, "{}\n{}", found.text, consumers.text);
    }
}

async fn a_group_and_its_members_can_be_seen(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, group) = (site.topic(broker, 2).await, unique("readers"));
    let _member = member(broker, &group, &topic, &[("group.instance.id", "first")]);
    let found = group_in(&site, &group, "STABLE").await;
    let path = format!("/consumer-groups/{group}");
    let expected = json!({
        "kind": "KafkaConsumerGroup",
        "metadata": site.metadata(&path, &format!("/consumer-group={group}")),
        "cluster_id": site.id,
        "consumer_group_id": group,
        "is_simple": false,
        "partition_assignor": "range",
        "state": "STABLE",
        "type": "CLASSIC",
        "is_mixed_consumer_group": false,
        "coordinator": site.link("/brokers/1"),
        "consumers": site.link(&format!("{path}/consumers")),
        "lag_summary": site.link(&format!("{path}/lag-summary")),
    });
    assert_eq!(found, expected);
    let groups = site.list("/consumer-groups", "KafkaConsumerGroupList").await;
    assert!(groups.contains(&expected));
    let consumers = site.list(&format!("{path}/consumers"), "KafkaConsumerList").await;
    let id = consumers[0]["consumer_id"].as_str().unwrap();
    let place = format!("{path}/consumers/{id}");
    let consumer = json!({
        "kind": "KafkaConsumer",
        "metadata": site.metadata(&place, &format!("/consumer-group={group}/consumer={id}")),
        "cluster_id": site.id,
        "consumer_group_id": group,
        "consumer_id": id,
        "instance_id": "first",
        "client_id": "native",
        "assignments": site.link(&format!("{place}/assignments")),
    });
    assert_eq!(consumers, std::slice::from_ref(&consumer));
    site.get(&place).await.is(consumer);
    let assignment = |n: i32| {
        let at = format!("{place}/assignments/{topic}/partitions/{n}");
        let name =
            format!("/consumer-group={group}/consumer={id}/assignment={topic}/partition={n}");
        json!({
            "kind": "KafkaConsumerAssignment",
            "metadata": site.metadata(&at, &name),
            "cluster_id": site.id,
            "consumer_group_id": group,
            "consumer_id": id,
            "topic_name": topic,
            "partition_id": n,
            "partition": site.link(&format!("/topics/{topic}/partitions/{n}")),
            "lag": site.link(&format!("{path}/lags/{topic}/partitions/{n}")),
        })
    };
    let assignments = format!("{place}/assignments");
    let all = site.list(&assignments, "KafkaConsumerAssignmentList").await;
    assert_eq!(all, [assignment(0), assignment(1)]);
    site.get(&format!("{assignments}/{topic}/partitions/1")).await.is(assignment(1));
    for missing in [
        format!("{assignments}/{topic}/partitions/2"),
        format!("{path}/consumers/nobody"),
        format!("{path}/consumers/nobody/assignments"),
    ] {
        site.get(&missing).await.is_error(404, 404, "HTTP 404 Not Found");
    }
}

async fn members_of_the_newer_protocol_can_be_seen(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, group) = (site.topic(broker, 2).await, unique("readers"));
    let _member = member(broker, &group, &topic, &[("group.protocol", "consumer")]);
    let found = group_in(&site, &group, "STABLE").await;
    assert_eq!(
        (&found["type"], &found["partition_assignor"]),
        (&json!("CONSUMER"), &json!("uniform"))
    );
    let consumers =
        site.list(&format!("/consumer-groups/{group}/consumers"), "KafkaConsumerList").await;
    assert_eq!((consumers.len(), &consumers[0]["client_id"]), (1, &json!("native")));
}

async fn a_group_that_is_not_there_is_404(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let path = format!("/consumer-groups/{}", unique("nobody"));
    let group = path.rsplit('/').next().unwrap().to_string();
    for rest in ["", "/consumers", "/consumers/a/assignments"] {
        let answer = site.get(&format!("{path}{rest}")).await;
        answer.is_error(404, 404, "HTTP 404 Not Found");
    }
    for rest in ["/lags", "/lag-summary", "/lags/t/partitions/0"] {
        let answer = site.get(&format!("{path}{rest}")).await;
        answer.is_error(404, 404, &format!("Consumer Group {group} could not be found."));
    }
    site.delete(&path).await.is_error(404, 404, "The group id does not exist.");
    let answer =
        site.post(&format!("{path}/offsets:reset"), &json!({"to": {"position": "latest"}})).await;
    answer.is_error(404, 404, "Consumer group offsets could not be found.");
}

async fn lags_are_what_is_not_read(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, group) = (site.topic(broker, 3).await, unique("readers"));
    for partition in [0, 1] {
        let path = format!("/topics/{topic}/partitions/{partition}");
        sent(&site.proxy.api.post_as(&path, JSON, records(&flights()).to_string()).await);
    }
    commit(broker, &group, &topic, &[1, 3]).await;
    let path = format!("/consumer-groups/{group}");
    let lag = |partition: i32, current: i64, lag: i64| {
        let place = format!("{path}/lags/{topic}/partitions/{partition}");
        let name = format!("/consumer-group={group}/lag={topic}/partition={partition}");
        json!({
            "kind": "KafkaConsumerLag",
            "metadata": site.metadata(&place, &name),
            "cluster_id": site.id,
            "consumer_group_id": group,
            "topic_name": topic,
            "partition_id": partition,
            "consumer_id": "",
            "instance_id": null,
            "client_id": "",
            "current_offset": current,
            "log_end_offset": 3,
            "lag": lag,
        })
    };
    let lags = site.list(&format!("{path}/lags"), "KafkaConsumerLagList").await;
    assert_eq!(lags, [lag(0, 1, 2), lag(1, 3, 0)]);
    site.get(&format!("{path}/lags/{topic}/partitions/0")).await.is(lag(0, 1, 2));
    let none = site.get(&format!("{path}/lags/{topic}/partitions/2")).await;
    none.is_error(404, 404, "HTTP 404 Not Found");
    site.get(&format!("{path}/lag-summary")).await.is(json!({
        "kind": "KafkaConsumerGroupLagSummary",
        "metadata": site.metadata(
            &format!("{path}/lag-summary"), &format!("/consumer-group={group}/lag-summary"),
        ),
        "cluster_id": site.id,
        "consumer_group_id": group,
        "max_lag_consumer_id": "",
        "max_lag_instance_id": null,
        "max_lag_client_id": "",
        "max_lag_topic_name": topic,
        "max_lag_partition_id": 0,
        "max_lag": 2,
        "total_lag": 2,
        "max_lag_consumer": site.link(&format!("{path}/consumers/")),
        "max_lag_partition": site.link(&format!("/topics/{topic}/partitions/0")),
    }));
    // who reads a partition is said
    let _member = member(broker, &group, &topic, &[]);
    group_in(&site, &group, "STABLE").await;
    let found = site.get(&format!("{path}/lags/{topic}/partitions/1")).await.json;
    assert_eq!(found["client_id"], json!("native"));
    assert!(!found["consumer_id"].as_str().unwrap().is_empty());
}

async fn a_group_can_be_moved(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, group) = (site.topic(broker, 2).await, unique("readers"));
    for partition in [0, 1] {
        let timed: Vec<Value> = (1..=5)
            .map(|n| json!({"value": n, "timestamp": 1_000_000_000_000_i64 + n, "partition": partition}))
            .collect();
        sent(&produce(&site.proxy, &topic, JSON, &json!({"records": timed})).await);
    }
    commit(broker, &group, &topic, &[2, 4]).await;
    let path = format!("/consumer-groups/{group}/offsets:reset");
    let only = |partition: i32| json!([{"topic_name": topic, "partitions": [partition]}]);
    let all = json!([{"topic_name": topic}]);
    for (to, topics, offsets) in [
        (json!({"position": "earliest"}), Value::Null, vec![(0, 2, 0), (1, 4, 0)]),
        (json!({"position": "latest"}), Value::Null, vec![(0, 0, 5), (1, 0, 5)]),
        (json!({"offset": 3}), all, vec![(0, 5, 3), (1, 5, 3)]),
        (json!({"offset": 99}), only(1), vec![(1, 3, 5)]),
        (json!({"shift": -2}), Value::Null, vec![(0, 3, 1), (1, 5, 3)]),
        (json!({"shift": -99}), only(0), vec![(0, 1, 0)]),
        (json!({"timestamp": "2001-09-09T01:46:40.004Z"}), Value::Null, vec![(0, 0, 3), (1, 3, 3)]),
        (json!({"timestamp": "2030-01-01T00:00:00Z"}), only(1), vec![(1, 3, 5)]),
    ] {
        let mut body = json!({"to": to, "topics": topics, "validate_only": true});
        for dry in [true, false] {
            body["validate_only"] = json!(dry);
            let answer = site.post(&path, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let moved = answer.json["data"].as_array().unwrap().iter().map(|moved| {
                assert_eq!(moved["topic_name"], json!(topic));
                let number = |name: &str| moved[name].as_i64().unwrap();
                (number("partition_id"), number("previous_offset"), number("offset"))
            });
            assert_eq!(moved.collect::<Vec<_>>(), offsets, "{to} {dry}");
        }
        for (partition, _, offset) in offsets {
            let lag = format!("/consumer-groups/{group}/lags/{topic}/partitions/{partition}");
            assert_eq!(site.get(&lag).await.json["current_offset"], json!(offset));
        }
    }
    for (body, status, code) in [
        (json!({"to": {}}), 400, 400),
        (json!({"to": {"offset": 1, "shift": 1}}), 400, 400),
        (json!({"to": {"position": "middle"}}), 400, 400),
        (json!({"to": {"offset": 1}, "topics": [{"topic_name": "missing"}]}), 404, 40403),
        (json!({"to": {"offset": 1}, "topics": only(7)}), 404, 40402),
    ] {
        refused(&site.post(&path, &body).await, status, code);
    }
    // a group may begin so
    let path = format!("/consumer-groups/{}/offsets:reset", unique("new"));
    let body = json!({"to": {"position": "latest"}, "topics": only(0)});
    let answer = site.post(&path, &body).await;
    assert_eq!(answer.json["data"][0]["previous_offset"], Value::Null);
    assert_eq!(answer.json["data"][0]["offset"], json!(5));
}

async fn a_group_with_members_stays_as_it_is(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, group) = (site.topic(broker, 1).await, unique("readers"));
    sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
    commit(broker, &group, &topic, &[1]).await;
    let member = member(broker, &group, &topic, &[]);
    group_in(&site, &group, "STABLE").await;
    let path = format!("/consumer-groups/{group}");
    let body = json!({"to": {"position": "latest"}});
    let answer = site.post(&format!("{path}/offsets:reset"), &body).await;
    let message = format!("Consumer group {group} has active members.");
    answer.is_error(400, 40002, &message);
    site.delete(&path).await.is_error(400, 40002, "The group is not empty.");
    let lag = format!("{path}/lags/{topic}/partitions/0");
    assert_eq!(site.get(&lag).await.json["current_offset"], json!(1));
    drop(member);
    group_in(&site, &group, "EMPTY").await;
    assert_eq!(site.post(&format!("{path}/offsets:reset"), &body).await.status, 200);
}

async fn a_group_can_be_deleted(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, group) = (site.topic(broker, 1).await, unique("readers"));
    commit(broker, &group, &topic, &[0]).await;
    let path = format!("/consumer-groups/{group}");
    assert_eq!(site.get(&path).await.json["is_simple"], json!(true));
    done(&site.delete(&path).await);
    site.get(&path).await.is_error(404, 404, "HTTP 404 Not Found");
}
