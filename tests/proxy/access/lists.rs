//! Attack 9: what a caller may not read is left out of lists, before they are cut into pages.

use serde_json::{Value, json};
use weir_tests::{Answer, TestBroker, unique};

use super::house::{House, User};
use crate::fixtures::*;

on_both_brokers! {
    topics_that_may_not_be_read_are_in_no_list
    groups_that_may_not_be_read_are_in_no_list
    settings_of_topics_that_may_not_be_read_are_in_no_list
    lags_and_resets_are_of_topics_that_may_be_read
}

/// A list's items, as this field of each has it.
fn field(answer: &Answer, name: &str) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.json["data"].as_array().unwrap();
    items.iter().map(|item| item[name].clone()).collect()
}

/// All items of a list that comes in pages of one.
async fn paged(user: &User, path: &str, name: &str) -> Vec<Value> {
    let mut path = format!("{path}?page_size=1");
    let mut items = Vec::new();
    loop {
        let answer = user.get(&path).await;
        let page = field(&answer, name);
        // the last page has an item too: what was left out is not counted
        assert_eq!(page.len(), 1, "{}", answer.text);
        items.extend(page);
        let Some(next) = answer.json["metadata"]["next"].as_str() else { return items };
        path = next.strip_prefix(&user.api.url).unwrap().to_string();
    }
}

async fn topics_that_may_not_be_read_are_in_no_list(broker: &TestBroker) {
    let house = House::new(broker).await;
    let prefix = unique("routes");
    let names: Vec<String> = ["a", "b", "c"].map(|name| format!("{prefix}-{name}")).into();
    for topic in &names {
        broker.create_topic(topic, 1).await;
        appears(broker, topic).await;
    }
    let on = format!("['topic:{}', 'topic:{}']", names[0], names[2]);
    house.add_rules(&format!(
        "[[rule]]\nallow = 'read'\nto = 'user:some'\non = {on}\n\
         [[rule]]\nallow = 'read'\nto = 'user:some'\non = 'cluster:kafka'"
    ));
    let (some, none) = (house.user("some"), house.user("none"));
    let cluster = some.cluster().await;
    let seen = json!([names[0], names[2]]);
    some.get("/topics").await.is(seen.clone());
    none.get("/topics").await.is(json!([]));
    let topics = format!("{cluster}/topics");
    assert_eq!(json!(field(&some.get(&topics).await, "topic_name")), seen);
    assert_eq!(json!(paged(&some, &topics, "topic_name").await), seen);
    assert_eq!(field(&none.get(&topics).await, "topic_name"), [json!(null); 0]);
    let brokers = some.get("/brokers").await.json["brokers"].clone();
    let id = brokers[0].as_i64().unwrap();
    let replicas = some.get(&format!("{cluster}/brokers/{id}/partition-replicas")).await;
    assert_eq!(json!(field(&replicas, "topic_name")), seen);
}

async fn groups_that_may_not_be_read_are_in_no_list(broker: &TestBroker) {
    let house = House::new(broker).await;
    let (admin, some) = (house.user("admin"), house.user("some"));
    let topic = new_topic(broker, "routes", 1).await;
    let prefix = unique("gates");
    let names: Vec<String> = ["a", "b", "c"].map(|name| format!("{prefix}-{name}")).into();
    for group in &names {
        let instance = admin.instance(group).await;
        let committed = admin.post(&format!("{instance}/offsets"), offset(&topic, 0, 0)).await;
        assert_eq!(committed.status, 200, "{}", committed.text);
    }
    house.add_rules(&format!(
        "[[rule]]\nallow = 'read'\nto = 'user:some'\non = ['group:{}', 'group:{}']",
        names[0], names[2]
    ));
    let groups = format!("{}/consumer-groups", admin.cluster().await);
    let seen = json!([names[0], names[2]]);
    assert_eq!(json!(field(&some.get(&groups).await, "consumer_group_id")), seen);
    assert_eq!(json!(paged(&some, &groups, "consumer_group_id").await), seen);
    let all = field(&admin.get(&groups).await, "consumer_group_id");
    assert!(names.iter().all(|name| all.contains(&json!(name))), "{all:?}");
}

async fn settings_of_topics_that_may_not_be_read_are_in_no_list(broker: &TestBroker) {
    let house = House::new(broker).await;
    let (mine, other) =
        (new_topic(broker, "routes", 1).await, new_topic(broker, "routes", 1).await);
    house.add_rules(&format!("[[rule]]\nallow = 'read'\nto = 'user:some'\non = 'topic:{mine}'"));
    let cluster = house.user("admin").cluster().await;
    let path = format!("{cluster}/topics/-/configs");
    let mut topics = field(&house.user("some").get(&path).await, "topic_name");
    topics.dedup();
    assert_eq!(topics, [json!(mine)]);
    let all = field(&house.user("admin").get(&path).await, "topic_name");
    assert!(all.contains(&json!(other)));
}

/// A group's reader sees its partitions of those topics only that it may read, and sums and moves only these.
async fn lags_and_resets_are_of_topics_that_may_be_read(broker: &TestBroker) {
    let house = House::new(broker).await;
    let admin = house.user("admin");
    let (mine, other) =
        (new_topic(broker, "routes", 1).await, new_topic(broker, "routes", 1).await);
    let group = unique("gates");
    sent(&admin.produce(&mine, &[json!(1), json!(2)]).await);
    sent(&admin.produce(&other, &[json!(1), json!(2), json!(3)]).await);
    let instance = admin.instance(&group).await;
    for topic in [&mine, &other] {
        let body = json!({"offsets": [{"topic": topic, "partition": 0, "offset": 0}]});
        assert_eq!(admin.post(&format!("{instance}/offsets"), body).await.status, 200);
    }
    done(&admin.delete(&instance).await);
    house.add_rules(&format!(
        "[[rule]]\nallow = ['read', 'configure']\nto = 'user:some'\non = 'group:{group}'\n\
         [[rule]]\nallow = 'read'\nto = 'user:some'\non = 'topic:{mine}'\n\
         [[rule]]\nallow = ['read', 'configure']\nto = 'user:none'\non = 'group:{group}'"
    ));
    let (some, none) = (house.user("some"), house.user("none"));
    let place = format!("{}/consumer-groups/{group}", admin.cluster().await);
    let lags = some.get(&format!("{place}/lags")).await;
    assert_eq!(field(&lags, "topic_name"), [json!(mine)]);
    let summary = some.get(&format!("{place}/lag-summary")).await;
    let found = (&summary.json["max_lag_topic_name"], &summary.json["total_lag"]);
    assert_eq!(found, (&json!(mine), &json!(1)), "{}", summary.text);
    assert_eq!(some.get(&format!("{place}/lags/{mine}/partitions/0")).await.status, 200);
    super::house::denied(&some.get(&format!("{place}/lags/{other}/partitions/0")).await);
    for path in ["/lags", "/lag-summary"] {
        let answer = none.get(&format!("{place}{path}")).await;
        answer.is_error(404, 404, "Consumer group offsets could not be found.");
    }
    // a reset of all moves what may be read
    let reset = some.post_v3(&format!("{place}/offsets:reset"), json!({"to": {"offset": 2}})).await;
    assert_eq!(field(&reset, "topic_name"), [json!(mine)]);
    let offsets = admin.get(&format!("{place}/lags")).await;
    let moved = |topic: &str| {
        let lags = offsets.json["data"].as_array().unwrap();
        lags.iter().find(|lag| lag["topic_name"] == topic).unwrap()["current_offset"].clone()
    };
    assert_eq!((moved(&mine), moved(&other)), (json!(2), json!(1)));
}
