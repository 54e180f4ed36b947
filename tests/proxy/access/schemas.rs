//! What the registry has shown to one caller is not for another.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use weir_http::Caller;
use weir_proxy::RegistryFor;
use weir_serde::RegistryClient;
use weir_tests::{TestBroker, registry};

use super::house::{DENIED, House, User};
use crate::fixtures::*;

on_both_brokers! {
    a_schema_that_one_caller_has_used_is_not_there_for_another
    a_registry_that_knows_only_the_proxy_is_no_way_around_the_rules
}

/// A registry for each name, and the callers for whom a client was made.
async fn registries(known: &'static str) -> (RegistryFor, i64, Arc<Mutex<Vec<String>>>) {
    let (its, others) = (registry().await, registry().await);
    let body = json!({"schema": STOCK});
    let path = "/subjects/flights-value/versions";
    let id = its.post(path, &body).await.json["id"].as_i64().unwrap();
    let (its, others) = (RegistryClient::new(&its.url), RegistryClient::new(&others.url));
    let (its, others) = (its.unwrap(), others.unwrap());
    let made = Arc::<Mutex<Vec<String>>>::default();
    let made_by = made.clone();
    let each = RegistryFor::each(move |caller: &Caller| {
        let name = caller.identity().map(|identity| identity.name.to_string());
        let is_its = name.as_deref() == Some(known);
        made_by.lock().unwrap().extend(name);
        if is_its { its.clone() } else { others.clone() }
    });
    (each, id, made)
}

async fn a_schema_that_one_caller_has_used_is_not_there_for_another(broker: &TestBroker) {
    let (each, id, made) = registries("owner").await;
    let house = House::with(broker, each).await;
    let topic = new_topic(broker, "flights", 1).await;
    let (owner, admin) = (house.user("owner"), house.user("admin"));
    let stock = &stocks()[0];
    let body = json!({"value": {
        "subject": "flights-value", "schema_id": id, "data": stock,
    }});
    let path = format!("{}/topics/{topic}/records", owner.cluster().await);
    for _ in 0..2 {
        let sent = owner.post_v3(&path, body.clone()).await;
        assert_eq!(sent.json["error_code"], 200, "{}", sent.text);
    }
    let refused = admin.post_v3(&path, body).await;
    assert_eq!(refused.json["error_code"], 42207, "{}", refused.text);
    // nor does a record come to light that another could write
    let read = format!("{}/topics/{topic}/partitions/0/records?format=avro", owner.cluster().await);
    let found = owner.get(&read).await;
    assert_eq!(found.json["data"][0]["value"]["data"], *stock, "{}", found.text);
    let hidden = admin.get(&read).await;
    assert_eq!(hidden.json["data"][0]["error"]["error_code"], 40801, "{}", hidden.text);
    // each has one client, however often it asks
    assert_eq!(*made.lock().unwrap(), ["owner", "admin"]);
}

/// What has become of the record of a stream: its `error_code`.
async fn produced(user: &User, topic: &str, value: Value) -> Value {
    let path = format!("{}/topics/{topic}/records", user.cluster().await);
    user.post_v3(&path, json!({"value": value})).await.json["error_code"].clone()
}

/// The registry lets the proxy do all, whoever has asked: then the proxy looks at the caller's rights on subjects.
async fn a_registry_that_knows_only_the_proxy_is_no_way_around_the_rules(broker: &TestBroker) {
    let registry = registry().await;
    let client = RegistryClient::new(&registry.url).unwrap();
    let house = House::with(broker, client.into()).await;
    let (owner, admin) = (house.user("owner"), house.user("admin"));
    let topic = new_topic(broker, "flights", 1).await;
    let stock = &stocks()[0];
    let inline = json!({"type": "AVRO", "subject": "stocks", "schema": STOCK, "data": stock});
    // neither is it registered, nor said whether it is
    assert_eq!(produced(&owner, &topic, inline.clone()).await, 40301);
    registry.get("/subjects").await.is(json!([]));
    assert_eq!(produced(&admin, &topic, inline.clone()).await, 200);
    assert_eq!(produced(&owner, &topic, inline.clone()).await, 40301);
    let id = registry.get("/subjects/stocks/versions/1").await.json["id"].as_i64().unwrap();
    for (how, code) in [
        (json!({"subject": "stocks", "schema_id": id}), 40301),
        (json!({"subject": "stocks", "schema_version": 1}), 40301),
        (json!({"subject": "stocks"}), 40301),
        (json!({"subject": "unknown"}), 40301),
        // an id whose schema says its subject is as one that is not there
        (json!({"subject_name_strategy": "RECORD_NAME", "schema_id": id}), 42207),
        (json!({"subject_name_strategy": "RECORD_NAME", "schema_id": 99}), 42207),
    ] {
        let mut value = how.clone();
        value["data"] = stock.clone();
        assert_eq!(produced(&owner, &topic, value).await, code, "{how}");
    }
    let v2 = json!({"value_schema": STOCK, "records": [{"value": stock}]});
    let path = format!("/topics/{topic}");
    let answer = owner.ask(reqwest::Method::POST, &path, Some((AVRO, v2))).await;
    answer.is_error(403, 40301, DENIED);
    // a record that names a schema does not bring to light what is in it
    let read = format!("{}/topics/{topic}/partitions/0/records?format=avro", owner.cluster().await);
    let hidden = owner.get(&read).await;
    let error = &hidden.json["data"][0]["error"];
    let unknown = format!("Schema {id} not found; error code: 40403");
    assert_eq!(*error, json!({"error_code": 40801, "message": unknown}), "{}", hidden.text);
    assert_eq!(admin.get(&read).await.json["data"][0]["value"]["data"], *stock);
    // rights on the subject are enough
    house.add_rules("[[rule]]\nallow = 'read'\nto = 'user:owner'\non = 'subject:stocks'");
    assert_eq!(owner.get(&read).await.json["data"][0]["value"]["data"], *stock);
    assert_eq!(produced(&owner, &topic, inline).await, 200);
    let movie = json!({"Title": null, "US_Gross": null, "IMDB_Rating": null});
    let new = json!({"type": "AVRO", "subject": "stocks", "schema": MOVIE, "data": movie});
    assert_eq!(produced(&owner, &topic, new).await, 40301);
}
