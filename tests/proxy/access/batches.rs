//! Attack 13: each item of a body is checked, and one that is denied denies all.

use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::house::{House, denied};
use crate::fixtures::*;

on_both_brokers! {
    settings_of_several_topics_are_altered_together_or_not_at_all
    a_reset_of_several_topics_is_of_all_or_none
}

async fn settings_of_several_topics_are_altered_together_or_not_at_all(broker: &TestBroker) {
    let house = House::new(broker).await;
    let owner = house.user("owner");
    let mine = new_topic(broker, "flights", 1).await;
    let other = new_topic(broker, "movies", 1).await;
    let cluster = owner.cluster().await;
    let path = format!("{cluster}/topics/-/configs:alter");
    let of = |topic: &str, ms: &str| json!({"topic_name": topic, "configs": [{"name": "retention.ms", "value": ms}]});
    let retention = async || -> Value {
        owner.get(&format!("{cluster}/topics/{mine}/configs/retention.ms")).await.json["value"]
            .clone()
    };
    let before = retention().await;
    for items in [
        json!([of(&mine, "60000"), of(&other, "60000")]),
        json!([of(&other, "60000"), of(&mine, "60000")]),
        // one that is not there, and one that cannot be
        json!([of(&mine, "60000"), of(&unique("movies"), "60000")]),
        json!([of(&mine, "60000"), of("no topic", "60000")]),
    ] {
        denied(&owner.post_v3(&path, json!({"data": items})).await);
    }
    assert_eq!(retention().await, before);
    done(&owner.post_v3(&path, json!({"data": [of(&mine, "60000")]})).await);
    assert_eq!(retention().await, json!("60000"));
}

async fn a_reset_of_several_topics_is_of_all_or_none(broker: &TestBroker) {
    let house = House::new(broker).await;
    let owner = house.user("owner");
    let (mine, group) = (new_topic(broker, "flights", 1).await, unique("departures"));
    let path = format!("{}/consumer-groups/{group}/offsets:reset", owner.cluster().await);
    let topics = json!([{"topic_name": mine}, {"topic_name": "movies"}]);
    denied(&owner.post_v3(&path, json!({"to": {"offset": 0}, "topics": topics})).await);
    let topics = json!([{"topic_name": mine}]);
    let moved = owner.post_v3(&path, json!({"to": {"offset": 0}, "topics": topics})).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
}

/// A body of which all items are somebody else's to decide is refused before it is looked at.
#[tokio::test]
async fn batches_for_the_cluster_are_for_who_administers_it() {
    let house = House::without_kafka().await;
    let owner = house.user("owner");
    let acl = json!({
        "resource_type": "TOPIC", "resource_name": "flights", "pattern_type": "LITERAL",
        "principal": "User:owner", "host": "*", "operation": "ALL", "permission": "ALLOW",
    });
    for (path, body) in [
        ("acls:batch", json!({"data": [acl]})),
        ("acls:batch", json!({"data": []})),
        ("acls", json!("not an acl")),
        ("broker-configs:alter", json!({"data": []})),
        ("brokers/1/configs:alter", json!({"data": []})),
        ("topics/movies/records:batch", json!({"entries": []})),
    ] {
        denied(&owner.post_v3(&format!("/v3/clusters/x/{path}"), body).await);
    }
    // a body names the topic that is made: nothing else does
    for path in ["/v3/clusters/x/topics", "/v3/clusters/x/topics?topic_name=flights"] {
        denied(&owner.post_v3(path, json!({"topic_name": "movies"})).await);
    }
    let twice = r#"{"topic_name":"flights","topic_name":"movies"}"#;
    let request = owner.request(reqwest::Method::POST, "/v3/clusters/x/topics");
    let request = request.header("content-type", "application/json").body(twice);
    assert_eq!(house.api.send(request).await.status, 400);
}
