//! Consumer instances are those of the principal that made them.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{Answer, TestBroker, embedded_broker, unique};

use super::house::{House, User, denied};
use crate::fixtures::*;

on_both_brokers! {
    two_principals_may_have_instances_of_one_name
    a_read_stops_when_the_right_does
}

const NOT_FOUND: &str = "Consumer instance not found.";

/// The values of the next `count` records.
async fn take(user: &User, instance: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + DEADLINE;
    let mut taken = Vec::new();
    while taken.len() < count {
        let answer = user.get(&format!("{instance}/records?timeout=2000")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(Instant::now() < deadline, "{taken:?}");
        taken.extend(answer.json.as_array().unwrap().iter().map(|record| record["value"].clone()));
    }
    taken
}

/// Attack 29: the URL of another's instance. It is answered as one that is not there, whoever asks and whatever rights
/// they have, and goes on for its owner.
#[tokio::test]
async fn the_instance_of_another_is_not_there() {
    let house = House::new(&embedded_broker()).await;
    let owner = house.user("owner");
    let group = unique("departures");
    let instance = owner.instance(&group).await;
    let unknown = format!("/consumers/{group}/instances/unknown");
    for name in ["writer", "reader", "admin", "stranger"] {
        let user = house.user(name);
        for below in ["/records", "/subscription", "/assignments", "/offsets?topic=flights"] {
            for path in [&instance, &unknown] {
                user.get(&format!("{path}{below}")).await.is_error(404, 40403, NOT_FOUND);
            }
        }
        for path in [&instance, &unknown] {
            user.delete(path).await.is_error(404, 40403, NOT_FOUND);
        }
    }
    // a name that is another's is as free as any other
    let name = instance.rsplit('/').next().unwrap();
    let reader = house.user("reader");
    let made = reader.post(&format!("/consumers/{group}"), json!({"name": name})).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let twice = owner.post(&format!("/consumers/{group}"), json!({"name": name})).await;
    refused(&twice, 409, 40902);
    done(&owner.delete(&instance).await);
    owner.delete(&instance).await.is_error(404, 40403, NOT_FOUND);
    // and what is deleted is the owner's
    done(&reader.delete(&instance).await);
}

async fn two_principals_may_have_instances_of_one_name(broker: &TestBroker) {
    let house = House::new(broker).await;
    let (owner, reader) = (house.user("owner"), house.user("reader"));
    let (group, name) = (unique("departures"), unique("gate"));
    let instance = format!("/consumers/{group}/instances/{name}");
    let topics = [new_topic(broker, "flights-a", 1).await, new_topic(broker, "flights-b", 1).await];
    for (user, topic) in [&owner, &reader].into_iter().zip(&topics) {
        sent(&owner.produce(topic, &[json!(topic)]).await);
        let settings = json!({"name": name, "format": "json", "auto.offset.reset": "earliest"});
        assert_eq!(user.post(&format!("/consumers/{group}"), settings).await.status, 200);
        done(&user.post(&format!("{instance}/assignments"), partitions(topic, &[0])).await);
    }
    assert_eq!(take(&owner, &instance, 1).await, [json!(topics[0])]);
    assert_eq!(take(&reader, &instance, 1).await, [json!(topics[1])]);
}

/// What a request names that may not be read refuses all of it (attack 13), and the instance goes on as it was.
#[tokio::test]
async fn topics_that_may_not_be_read_are_neither_subscribed_nor_committed() {
    let house = House::new(&embedded_broker()).await;
    let owner = house.user("owner");
    let instance = owner.instance(&unique("departures")).await;
    let both = |f: fn(&str) -> Value| json!([f("flights"), f("movies")]);
    let of = |topic: &str| json!({"topic": topic, "partition": 0});
    let at = |topic: &str| json!({"topic": topic, "partition": 0, "offset": 0});
    let time =
        |topic: &str| json!({"topic": topic, "partition": 0, "timestamp": "2001-01-10T18:20:00Z"});
    for (below, body) in [
        ("/subscription", json!({"topics": ["flights", "movies"]})),
        ("/assignments", json!({"partitions": both(of)})),
        ("/offsets", json!({"offsets": both(at)})),
        ("/positions", json!({"offsets": both(at)})),
        ("/positions", json!({"offsets": [at("flights")], "timestamps": [time("movies")]})),
        ("/positions/beginning", json!({"partitions": both(of)})),
        ("/positions/end", json!({"partitions": both(of)})),
    ] {
        denied(&owner.post(&format!("{instance}{below}"), body).await);
    }
    let body = json!({"partitions": both(of)});
    denied(&owner.ask(Method::GET, &format!("{instance}/offsets"), Some((V2, body))).await);
    let query = "topic=flights&partition=0&topic=movies";
    denied(&owner.get(&format!("{instance}/offsets?{query}")).await);
    owner.get(&format!("{instance}/subscription")).await.is(json!({"topics": []}));
    owner.get(&format!("{instance}/assignments")).await.is(json!({"partitions": []}));
}

async fn a_read_stops_when_the_right_does(broker: &TestBroker) {
    let house = House::new(broker).await;
    let owner = house.user("owner");
    let topic = new_topic(broker, "flights", 1).await;
    let group = unique("departures");
    let instance = owner.instance(&group).await;
    done(&owner.post(&format!("{instance}/assignments"), partitions(&topic, &[0])).await);
    sent(&owner.produce(&topic, &[json!(1)]).await);
    assert_eq!(take(&owner, &instance, 1).await, [json!(1)]);
    sent(&owner.produce(&topic, &[json!(2)]).await);
    for resource in [format!("topic:{topic}"), format!("group:{group}")] {
        house.add_rules(&format!("[[rule]]\ndeny = 'read'\nto = 'user:owner'\non = '{resource}'"));
        denied(&owner.get(&format!("{instance}/records?timeout=2000")).await);
    }
    // the group may not be read: that holds for all that the instance does but its end
    denied(&owner.get(&format!("{instance}/assignments")).await);
    house.add_rules("");
    assert_eq!(take(&owner, &instance, 1).await, [json!(2)]);
    done(&owner.delete(&instance).await);
}

#[tokio::test]
async fn a_principal_has_as_many_instances_as_it_may_have() {
    let house = House::new(&embedded_broker()).await;
    house.add_rules("[[quota]]\nto = 'user:owner'\nconsumer_instances = 2");
    let owner = house.user("owner");
    let group = unique("departures");
    let first = owner.instance(&group).await;
    owner.instance(&group).await;
    let refused_now =
        async || -> Answer { owner.post(&format!("/consumers/{group}"), json!({})).await };
    let answer = refused_now().await;
    refused(&answer, 429, 429);
    assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.headers);
    // another may have its own, and one that is gone makes room
    house.user("reader").instance(&group).await;
    done(&owner.delete(&first).await);
    owner.instance(&group).await;
    refused(&refused_now().await, 429, 429);
}
