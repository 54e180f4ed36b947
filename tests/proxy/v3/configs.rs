//! Configurations of topics, brokers, and all brokers.

use serde_json::{Value, json};
use weir_tests::TestBroker;

use super::site::Site;
use crate::fixtures::*;

on_both_brokers! {
    a_topics_setting_can_be_read_set_and_reset
    several_settings_are_altered_together
    what_a_broker_refuses_is_40002
    settings_of_several_topics
    a_setting_that_no_broker_has_is_not_stored
    several_topics_are_altered_or_say_why_not
}

// settings of a disk and of replicas that the broker of `weir dev` does not have
on_kafka! {
    a_brokers_setting_can_be_read_set_and_reset
    all_brokers_settings_can_be_read_set_and_reset
}

/// The setting gets this value.
async fn becomes(site: &Site, path: &str, value: &str) -> Value {
    site.until(path, |answer| answer.json["value"] == json!(value)).await.json
}

async fn a_topics_setting_can_be_read_set_and_reset(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/topics/{topic}/configs/retention.ms");
    let default = json!({
        "kind": "KafkaTopicConfig",
        "metadata": site.metadata(&path, &format!("/topic={topic}/config=retention.ms")),
        "cluster_id": site.id,
        "topic_name": topic,
        "name": "retention.ms",
        "value": "604800000",
        "is_default": true,
        "is_read_only": false,
        "is_sensitive": false,
        "source": "DEFAULT_CONFIG",
        "synonyms": [],
    });
    let mut found = site.get(&path).await;
    found.json["synonyms"] = json!([]); // the broker's
    found.is(default.clone());
    done(&site.put(&path, &json!({"value": "1000"})).await);
    let found = becomes(&site, &path, "1000").await;
    assert_eq!(found["is_default"], json!(false));
    assert_eq!(
        found["synonyms"][0],
        json!({"name": "retention.ms", "value": "1000", "source": "DYNAMIC_TOPIC_CONFIG"})
    );
    done(&site.delete(&path).await);
    assert_eq!(becomes(&site, &path, "604800000").await["source"], json!("DEFAULT_CONFIG"));
    let all = site.list(&format!("/topics/{topic}/configs"), "KafkaTopicConfigList").await;
    assert!(all.len() > 20);
    assert!(all.iter().any(|config| config["name"] == json!("retention.ms")));
    site.get(&format!("/topics/{topic}/configs/no.such")).await.is_error(
        404,
        404,
        "HTTP 404 Not Found",
    );
    refused(&site.get("/topics/missing/configs").await, 404, 40403);
    refused(
        &site.put("/topics/missing/configs/retention.ms", &json!({"value": "1"})).await,
        404,
        40403,
    );
}

async fn several_settings_are_altered_together(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/topics/{topic}/configs");
    let alter = format!("{path}:alter");
    let body = json!({"data": [
        {"name": "retention.ms", "value": "2000"},
        {"name": "cleanup.policy", "value": "compact", "operation": "SET"},
    ]});
    done(&site.post(&alter, &body).await);
    becomes(&site, &format!("{path}/retention.ms"), "2000").await;
    becomes(&site, &format!("{path}/cleanup.policy"), "compact").await;
    let delete = json!({"name": "retention.ms", "operation": "DELETE"});
    let body = json!({"data": [delete], "validate_only": true});
    done(&site.post(&alter, &body).await);
    becomes(&site, &format!("{path}/retention.ms"), "2000").await;
    done(&site.post(&alter, &json!({"data": [delete]})).await);
    becomes(&site, &format!("{path}/retention.ms"), "604800000").await;
    // what was not named has stayed
    becomes(&site, &format!("{path}/cleanup.policy"), "compact").await;
    refused(&site.post(&alter, &json!({"data": [delete, delete]})).await, 400, 40002);
    refused(
        &site.post(&alter, &json!({"data": [{"name": "a", "operation": "ADD"}]})).await,
        400,
        400,
    );
}

async fn what_a_broker_refuses_is_40002(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/topics/{topic}/configs");
    refused(
        &site.put(&format!("{path}/retention.ms"), &json!({"value": "soon"})).await,
        400,
        40002,
    );
    let body = json!({"data": [{"name": "retention.ms", "value": "2000"}, {"name": "no.such", "value": "1"}]});
    refused(&site.post(&format!("{path}:alter"), &body).await, 404, 404);
    becomes(&site, &format!("{path}/retention.ms"), "604800000").await;
    refused(&site.put("/brokers/1/configs/log.dirs", &json!({"value": "/"})).await, 400, 40002);
}

async fn settings_of_several_topics(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (a, b) = (site.topic(broker, 1).await, site.topic(broker, 1).await);
    let body = json!({"data": [
        {"topic_name": a, "configs": [{"name": "retention.ms", "value": "1000"}]},
        {"topic_name": b, "configs": [{"name": "retention.ms", "value": "2000"}]},
    ]});
    done(&site.post("/topics/-/configs:alter", &body).await);
    becomes(&site, &format!("/topics/{a}/configs/retention.ms"), "1000").await;
    becomes(&site, &format!("/topics/{b}/configs/retention.ms"), "2000").await;
    let answer = site.get("/topics/-/configs").await;
    assert_eq!(answer.json["kind"], json!("KafkaTopicConfigList"));
    let value = |topic: &str| {
        let configs = answer.json["data"].as_array().unwrap().iter();
        let mut of = configs
            .filter(|c| c["topic_name"] == json!(topic) && c["name"] == json!("retention.ms"));
        of.next().map(|config| config["value"].clone())
    };
    assert_eq!((value(&a), value(&b)), (Some(json!("1000")), Some(json!("2000"))));
}

async fn a_brokers_setting_can_be_read_set_and_reset(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let path = "/brokers/1/configs/log.cleaner.io.buffer.load.factor";
    done(&site.delete(path).await); // of an earlier run
    let no_value = "Null value not supported for : log.cleaner.io.buffer.load.factor";
    for body in [json!({"value": null}), json!({})] {
        site.put(path, &body).await.is_error(400, 40002, no_value);
    }
    let found = becomes(&site, path, "0.9").await;
    assert_eq!(found["kind"], json!("KafkaBrokerConfig"));
    assert_eq!((&found["broker_id"], &found["value"]), (&json!(1), &json!("0.9")));
    done(&site.put(path, &json!({"value": "0.8"})).await);
    assert_eq!(becomes(&site, path, "0.8").await["source"], json!("DYNAMIC_BROKER_CONFIG"));
    let alter = json!({"data": [{"name": "log.cleaner.io.buffer.load.factor", "value": "0.7"}]});
    done(&site.post("/brokers/1/configs:alter", &alter).await);
    becomes(&site, path, "0.7").await;
    done(&site.delete(path).await);
    assert_eq!(becomes(&site, path, "0.9").await["source"], json!("DEFAULT_CONFIG"));
    let all = site.list("/brokers/1/configs", "KafkaBrokerConfigList").await;
    let of_all = site.list("/brokers/-/configs", "KafkaBrokerConfigList").await;
    let names = |configs: &[Value]| configs.iter().map(|c| c["name"].clone()).collect::<Vec<_>>();
    assert!(all.len() > 100);
    assert_eq!(names(&all), names(&of_all));
    let secret = all.iter().find(|c| c["name"] == json!("ssl.keystore.password")).unwrap();
    assert_eq!((&secret["value"], &secret["is_sensitive"]), (&Value::Null, &json!(true)));
    // no broker lists it before it is set
    let rate = "/brokers/1/configs/leader.replication.throttled.rate";
    done(&site.put(rate, &json!({"value": 1_000_000_000})).await);
    done(&site.delete(rate).await);
}

async fn all_brokers_settings_can_be_read_set_and_reset(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let name = "log.cleaner.backoff.ms";
    let path = format!("/broker-configs/{name}");
    site.delete(&path).await; // of an earlier run
    let missing = site.until(&path, |answer| answer.status == 404).await;
    missing.is_error(404, 404, "HTTP 404 Not Found");
    done(&site.put(&path, &json!({"value": "15001"})).await);
    let found = becomes(&site, &path, "15001").await;
    assert_eq!(found["kind"], json!("KafkaClusterConfig"));
    assert_eq!(found["config_type"], json!("BROKER"));
    let all = site.list("/broker-configs", "KafkaClusterConfigList").await;
    assert!(all.iter().any(|config| config["name"] == json!(name)));
    let alter = json!({"data": [{"name": name, "value": "15002"}]});
    done(&site.post("/broker-configs:alter", &alter).await);
    becomes(&site, &path, "15002").await;
    done(&site.delete(&path).await);
    site.until(&path, |answer| answer.status == 404).await;
    refused(&site.delete(&path).await, 404, 404);
}

/// Kafka itself would keep it, and hand it to every broker.
async fn a_setting_that_no_broker_has_is_not_stored(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    for (path, whose) in [
        (format!("/topics/{topic}/configs"), format!("TOPIC {topic}")),
        ("/brokers/1/configs".to_string(), "BROKER 1".to_string()),
        ("/broker-configs".to_string(), "BROKER ".to_string()),
    ] {
        let one = format!("{path}/no.such");
        let message = format!("Config no.such cannot be found for {whose} in cluster {}.", site.id);
        site.put(&one, &json!({"value": "1"})).await.is_error(404, 404, &message);
        site.delete(&one).await.is_error(404, 404, &message);
        let body = json!({"data": [{"name": "no.such", "value": "1"}]});
        site.post(&format!("{path}:alter"), &body).await.is_error(404, 404, &message);
        site.get(&one).await.is_error(404, 404, "HTTP 404 Not Found");
    }
}

async fn several_topics_are_altered_or_say_why_not(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (a, b) = (site.topic(broker, 1).await, site.topic(broker, 1).await);
    let alter = |first: Value| {
        let second = json!({"topic_name": b, "configs": [{"name": "retention.ms", "value": 2000}]});
        let (site, body) = (&site, json!({"data": [first, second]}));
        async move { site.post("/topics/-/configs:alter", &body).await }
    };
    let of = |topic: &str, name: &str, value: &str| json!({"topic_name": topic, "configs": [{"name": name, "value": value}]});
    let path = format!("/topics/{b}/configs/retention.ms");
    refused(&alter(of("missing", "retention.ms", "1")).await, 404, 40403);
    refused(&alter(of(&a, "no.such", "1")).await, 404, 404);
    refused(
        &alter(json!({"topic_name": a, "configs": [{"name": "retention.ms"}]})).await,
        400,
        40002,
    );
    assert_eq!(site.get(&path).await.json["value"], json!("604800000"));
    let answer = alter(of(&a, "retention.ms", "soon")).await;
    let failure = &answer.json["failures"][0];
    assert_eq!((answer.status.as_u16(), &failure["topic_name"]), (207, &json!(a)));
    assert_eq!(failure["error_code"], json!(40002));
    becomes(&site, &path, "2000").await;
}
