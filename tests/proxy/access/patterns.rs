//! Subscriptions by pattern: only topics that the owner may read are among those that match.

use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::house::{House, User};
use crate::fixtures::*;

on_both_brokers! {
    a_pattern_subscribes_to_what_may_be_read_and_hears_of_rules_that_change
}

/// Reads until a value comes. What was read and not committed may come again before it, but nothing else than `known`.
async fn reads(user: &User, instance: &str, value: &str, known: &[&str]) {
    let deadline = Instant::now() + DEADLINE;
    let mut has_come = false;
    while !has_come {
        let answer = user.get(&format!("{instance}/records?timeout=2000")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(Instant::now() < deadline, "{value} does not come");
        for record in answer.json.as_array().unwrap() {
            let found = record["value"].as_str().unwrap();
            assert!(found == value || known.contains(&found), "{found} beside {known:?}");
            has_come |= found == value;
        }
    }
}

async fn a_pattern_subscribes_to_what_may_be_read_and_hears_of_rules_that_change(
    broker: &TestBroker,
) {
    let house = House::new(broker).await;
    let (owner, admin) = (house.user("owner"), house.user("admin"));
    // none of them begins with what the owner may read
    let prefix = unique("routes");
    let topics: Vec<String> =
        ["open", "shut", "late"].map(|name| format!("{prefix}-{name}")).into();
    let write = async |topic: &String, value: &str| {
        sent(&admin.produce(topic, &[Value::from(value)]).await);
    };
    for topic in &topics[..2] {
        broker.create_topic(topic, 1).await;
        appears(broker, topic).await;
    }
    let only = |names: &[&String]| {
        let on: Vec<String> = names.iter().map(|name| format!("'topic:{name}'")).collect();
        house.add_rules(&format!(
            "[[rule]]\nallow = 'read'\nto = 'user:owner'\non = [{}]",
            on.join(", ")
        ));
    };
    only(&[&topics[0]]);
    write(&topics[0], "open 1").await;
    write(&topics[1], "shut 1").await;
    let instance = owner.instance(&unique("departures")).await;
    let pattern = json!({"topic_pattern": format!("{prefix}-.*")});
    done(&owner.post(&format!("{instance}/subscription"), pattern).await);
    reads(&owner, &instance, "open 1", &[]).await;
    owner.get(&format!("{instance}/subscription")).await.is(json!({"topics": [topics[0]]}));
    // one more may be read, and one that is made later may not
    only(&[&topics[0], &topics[1]]);
    broker.create_topic(&topics[2], 1).await;
    appears(broker, &topics[2]).await;
    write(&topics[2], "late 1").await;
    reads(&owner, &instance, "shut 1", &["open 1"]).await;
    // one may not be read any more
    only(&[&topics[1]]);
    write(&topics[0], "open 2").await;
    write(&topics[1], "shut 2").await;
    reads(&owner, &instance, "shut 2", &["shut 1"]).await;
}
