//! Requests that change more than what their path names.

use serde_json::{Value, json};

use super::{ADMIN, Guarded, Said, allow, record};

fn topic(id: &str, associations: Value) -> Value {
    json!({
        "resourceName": id,
        "resourceNamespace": "ns",
        "resourceId": id,
        "resourceType": "topic",
        "associations": associations,
    })
}

fn uses(subject: &str, association_type: &str) -> Value {
    json!({"subject": subject, "associationType": association_type, "lifecycle": "WEAK"})
}

/// `writer` writes `orders`, and the subjects in `.ns`; it reads `money` as well.
async fn shop() -> Guarded {
    let policy = [
        allow("writer", &["read", "write"], &["subject:orders", "subject::.ns:*"]),
        allow("writer", &["read"], &["subject:money"]),
    ];
    let shop = Guarded::new(&policy.concat()).await;
    for subject in ["orders", "secret", "money"] {
        shop.register(subject, &record("Order")).await;
    }
    shop
}

/// How many associations a topic has.
async fn count(shop: &Guarded, id: &str) -> usize {
    let found = shop.get(ADMIN, &format!("/associations/resources/{id}")).await.ok();
    found.as_array().unwrap().len()
}

/// 13.
#[tokio::test]
async fn each_subject_of_an_association_is_asked_about_and_all_are_made_or_none() {
    let shop = shop().await;
    for subjects in
        [["orders", "secret"], ["secret", "orders"], ["orders", "money"], ["orders", "nothing"]]
    {
        let both = json!([uses(subjects[0], "key"), uses(subjects[1], "value")]);
        shop.post("writer", "/associations", &topic("t", both.clone())).await.denied();
        shop.post("writer", "/associations?dryRun=true", &topic("t", both.clone())).await.denied();
        shop.put("writer", "/associations/resources/t", &topic("t", both)).await.denied();
        assert_eq!(count(&shop, "t").await, 0, "{subjects:?}");
    }
    shop.post("writer", "/associations", &topic("t", json!([uses("orders", "key")]))).await.ok();
    assert_eq!(count(&shop, "t").await, 1);
}

/// 13: where no subject is named, it is the topic's own.
#[tokio::test]
async fn the_subject_that_a_topic_owns_is_asked_about() {
    let shop = Guarded::new(&allow("writer", &["read", "write"], &["subject::.ns:mine-*"])).await;
    let owned = json!([{"associationType": "value", "schema": record("Order")}]);
    shop.post("writer", "/associations", &topic("other", owned.clone())).await.denied();
    let made = shop.post("writer", "/associations", &topic("mine", owned)).await.ok();
    assert_eq!(made["associations"][0]["subject"], ":.ns:mine-value");
    shop.get(ADMIN, "/subjects").await.is(json!([":.ns:mine-value"]));
}

/// 13, 4: an alias is asked about as the subject that it stands for.
#[tokio::test]
async fn an_association_with_an_alias_is_one_with_the_subject_behind_it() {
    let policy = allow("writer", &["read", "write"], &["subject:sales"]);
    let shop = Guarded::new(&policy).await;
    shop.register("secret", &record("Order")).await;
    shop.set("/config/sales", &json!({"alias": "secret"})).await;
    let request = topic("t", json!([uses("sales", "value")]));
    shop.post("writer", "/associations", &request).await.denied();
    assert_eq!(count(&shop, "t").await, 0);
}

/// 13.
#[tokio::test]
async fn each_request_of_a_batch_has_its_own_verdict() {
    let shop = shop().await;
    let op = |subject: &str| {
        let mut op = uses(subject, "value");
        op["opType"] = json!("CREATE");
        json!([op])
    };
    let batch = json!({"requests": [
        topic("t1", op("orders")), topic("t2", op("secret")), topic("t3", op("orders")),
    ]});
    let said: Said = shop.post("writer", "/associations:batchMutate", &batch).await;
    assert_eq!(said.status, 207);
    let codes: Vec<Value> =
        (0..3).map(|n| said.json["results"][n]["error"]["error_code"].clone()).collect();
    assert_eq!(codes, [Value::Null, json!(40301), Value::Null]);
    for (id, expected) in [("t1", 1), ("t2", 0), ("t3", 1)] {
        assert_eq!(count(&shop, id).await, expected, "{id}");
    }
}

/// 13.
#[tokio::test]
async fn associations_are_deleted_where_they_may_be_read_if_all_of_those_may_be_written() {
    let shop = shop().await;
    let both = json!([uses("orders", "key"), uses("secret", "value")]);
    shop.post(ADMIN, "/associations", &topic("t", both)).await.ok();
    shop.post(ADMIN, "/associations", &topic("m", json!([uses("money", "value")]))).await.ok();
    shop.post(ADMIN, "/associations", &topic("s", json!([uses("secret", "value")]))).await.ok();
    shop.delete("writer", "/associations/resources/m").await.denied();
    for id in ["s", "nothing"] {
        let said = shop.delete("writer", &format!("/associations/resources/{id}")).await;
        said.is_error(404, 40410, &format!("Association for '{id}' not found."));
    }
    assert_eq!(shop.delete("writer", "/associations/resources/t").await.status, 204);
    let left = shop.get(ADMIN, "/associations/resources/t").await.ok();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["subject"]), (1, &json!("secret")));
    assert_eq!((count(&shop, "m").await, count(&shop, "s").await), (1, 1));
}

/// 13.
#[tokio::test]
async fn a_subject_that_goes_with_its_topic_has_to_be_deletable() {
    let policy = [
        allow("writer", &["read", "write"], &["subject::.ns:*"]),
        allow("owner", &["read", "write", "delete"], &["subject::.ns:*"]),
    ];
    let shop = Guarded::new(&policy.concat()).await;
    let owned = json!([{"associationType": "value", "schema": record("Order")}]);
    shop.post("writer", "/associations", &topic("t", owned)).await.ok();
    let path = "/associations/resources/t?cascadeLifecycle=true";
    shop.delete("writer", path).await.denied();
    shop.delete("writer", &format!("{path}&dryRun=true")).await.denied();
    assert_eq!(shop.delete("owner", path).await.status, 204);
    shop.get(ADMIN, "/subjects?deleted=true").await.is(json!([]));
}

#[tokio::test]
async fn what_keeps_an_association_away_is_not_named() {
    let shop = shop().await;
    shop.post(ADMIN, "/associations", &topic("t", json!([uses("secret", "value")]))).await.ok();
    let request = topic("t", json!([uses("orders", "value")]));
    for said in [
        shop.post("writer", "/associations", &request).await,
        shop.put("writer", "/associations/resources/t", &request).await,
    ] {
        assert_eq!(said.code(), 40903, "{}", said.text);
        assert!(!said.text.contains("secret"), "{}", said.text);
    }
}

#[tokio::test]
async fn what_keeps_an_import_from_beginning_is_not_named() {
    let policy = allow("ops", &["read", "configure"], &["context:.eu"]);
    let shop = Guarded::new(&policy).await;
    shop.register(":.eu:secret", &record("Secret")).await;
    let schema =
        json!({"type": "record", "name": "Order", "fields": [{"name": "a", "type": "Secret"}]});
    let reference = json!({"name": "Secret", "subject": ":.eu:secret", "version": 1});
    let body = json!({"schema": schema.to_string(), "references": [reference]});
    shop.register("orders", &body).await;
    shop.delete(ADMIN, "/subjects/orders").await.ok();
    shop.delete(ADMIN, "/subjects/:.eu:secret").await.ok();
    let import = json!({"mode": "IMPORT"});
    let said = shop.put("ops", "/mode/:.eu:", &import).await;
    said.is_error(422, 42205, "Cannot import since found existing subjects");
    assert_eq!(shop.put(ADMIN, "/mode/:.eu:", &import).await.code(), 42206);
}
