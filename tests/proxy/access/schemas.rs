//! What the registry has shown to one caller is not for another.

use std::sync::{Arc, Mutex};

use serde_json::json;
use weir_http::Caller;
use weir_proxy::RegistryFor;
use weir_serde::RegistryClient;
use weir_tests::{TestBroker, registry};

use super::house::House;
use crate::fixtures::*;

on_both_brokers! {
    a_schema_that_one_caller_has_used_is_not_there_for_another
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
