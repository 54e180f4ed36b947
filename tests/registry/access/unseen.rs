//! What a caller may not read is not there: ids, lists, searches, references.

use serde_json::{Value, json};

use super::{ADMIN, Guarded, allow, record, referring};

/// `reader` reads `orders`, and `:.eu:orders`; `secret` and what is in `.us` are for others.
const READABLE: [&str; 2] = ["subject:orders", "subject::.eu:orders"];

async fn shop() -> Guarded {
    Guarded::new(&allow("reader", &["read"], &READABLE)).await
}

async fn guid_of(shop: &Guarded, id: u64) -> String {
    shop.get(ADMIN, &format!("/schemas/ids/{id}")).await.ok()["guid"].as_str().unwrap().to_string()
}

/// 7.
#[tokio::test]
async fn an_id_that_may_not_be_read_is_unknown() {
    let shop = shop().await;
    let secret = shop.register("secret", &record("Secret")).await;
    for (path, message) in [
        ("/schemas/ids/ID", "Schema ID not found"),
        ("/schemas/ids/ID/schema", "Schema ID not found"),
        ("/schemas/ids/ID/subjects", "Schema not found"),
        ("/schemas/ids/ID/versions", "Schema not found"),
    ] {
        for id in [secret, 4711] {
            let said = shop.get("reader", &path.replace("ID", &id.to_string())).await;
            said.is_error(404, 40403, &message.replace("ID", &id.to_string()));
        }
    }
}

/// 7.
#[tokio::test]
async fn one_readable_subject_makes_an_id_readable_and_no_other_is_named() {
    let shop = shop().await;
    for subject in ["another", "orders", "zebra"] {
        assert_eq!(shop.register(subject, &record("Order")).await, 1);
    }
    let schema = shop.get("reader", "/schemas/ids/1").await.ok();
    assert_eq!((&schema["subject"], &schema["version"]), (&json!("orders"), &json!(1)));
    assert_eq!(shop.get(ADMIN, "/schemas/ids/1").await.ok()["subject"], "another");
    shop.get("reader", "/schemas/ids/1/subjects").await.is(json!(["orders"]));
    let versions = json!([{"subject": "orders", "version": 1}]);
    shop.get("reader", "/schemas/ids/1/versions").await.is(versions);
    // a soft-deleted version is a place, too
    shop.delete(ADMIN, "/subjects/orders").await.ok();
    assert_eq!(shop.get("reader", "/schemas/ids/1").await.ok()["subject"], "orders");
    shop.get("reader", "/schemas/ids/1/subjects").await.is(json!([]));
    shop.get("reader", "/schemas/ids/1/subjects?deleted=true").await.is(json!(["orders"]));
    shop.delete(ADMIN, "/subjects/orders?permanent=true").await.ok();
    assert_eq!(shop.get("reader", "/schemas/ids/1").await.code(), 40403);
}

/// 8.
#[tokio::test]
async fn an_id_with_a_subject_is_unknown_unless_that_subject_may_be_read() {
    let shop = shop().await;
    for subject in ["orders", "secret", ":.us:orders", ":.us:secret"] {
        assert_eq!(shop.register(subject, &record("Order")).await, 1);
    }
    shop.get("reader", "/schemas/ids/1?subject=orders").await.ok();
    for query in [
        "subject=secret",
        "subject=nothing",
        "subject=:.us:secret",
        "subject=:.us:",
        "subject=:.us:orders",
        "subject=secret&fetchMaxId=true",
        "subject=secret&format=resolved",
    ] {
        let said = shop.get("reader", &format!("/schemas/ids/1?{query}")).await;
        said.is_error(404, 40403, "Schema 1 not found");
    }
    for path in ["/contexts/.us/schemas/ids/1", "/contexts/.us/schemas/ids/1?subject=orders"] {
        assert_eq!(shop.get("reader", path).await.code(), 40403, "{path}");
    }
}

/// 8.
#[tokio::test]
async fn an_unqualified_subject_is_looked_for_only_where_it_may_be_read() {
    let shop = shop().await;
    shop.register(":.us:orders", &record("Us")).await;
    let not_found = "Subject 'orders' not found.";
    shop.get("reader", "/subjects/orders/versions/1").await.is_error(404, 40401, not_found);
    shop.post("reader", "/subjects/orders", &record("Us")).await.is_error(404, 40401, not_found);
    assert_eq!(shop.get("reader", "/schemas/ids/1?subject=orders").await.code(), 40403);
    shop.register(":.eu:orders", &record("Eu")).await;
    let found = shop.get("reader", "/subjects/orders/versions/1").await.ok();
    assert_eq!(found["subject"], ":.eu:orders");
    let found = shop.post("reader", "/subjects/orders", &record("Eu")).await.ok();
    assert_eq!(found["subject"], ":.eu:orders");
    let found = shop.get("reader", "/schemas/ids/1?subject=orders").await.ok();
    assert_eq!(found["subject"], ":.eu:orders");
}

/// 8.
#[tokio::test]
async fn a_guid_that_may_not_be_read_is_unknown() {
    let shop = shop().await;
    let secret = shop.register("secret", &record("Secret")).await;
    let hidden = guid_of(&shop, secret).await;
    let unknown = "00000000-0000-0000-0000-000000000000";
    for guid in [&*hidden, unknown] {
        let said = shop.get("reader", &format!("/schemas/guids/{guid}")).await;
        said.is_error(404, 40403, &format!("Schema {guid} not found"));
        shop.get("reader", &format!("/schemas/guids/{guid}/ids")).await.is(json!([]));
    }
    // the same content in a context of which a subject may be read
    let id = shop.register(":.eu:orders", &record("Secret")).await;
    shop.get("reader", &format!("/schemas/guids/{hidden}")).await.ok();
    let ids = shop.get("reader", &format!("/schemas/guids/{hidden}/ids")).await;
    ids.is(json!([{"context": ".eu", "id": id}]));
}

/// 8.
#[tokio::test]
async fn the_highest_id_is_told_with_a_schema_that_may_be_read() {
    let shop = shop().await;
    shop.register("orders", &record("Order")).await;
    let secret = shop.register("secret", &record("Secret")).await;
    let said = shop.get("reader", "/schemas/ids/1?fetchMaxId=true").await.ok();
    assert_eq!(said["maxId"], json!(secret), "a count, and no schema");
    let said = shop.get("reader", &format!("/schemas/ids/{secret}?fetchMaxId=true")).await;
    assert_eq!((said.code(), said.json.get("maxId")), (40403, None));
}

/// 9.
#[tokio::test]
async fn lists_have_only_what_may_be_read_and_pages_are_counted_after_that() {
    let policy = allow("reader", &["read"], &["subject:mine-*", "subject::.eu:mine-*"]);
    let shop = Guarded::new(&policy).await;
    for number in 0..6 {
        for (name, prefix) in [("mine", ""), ("other", ""), ("mine", ":.eu:"), ("other", ":.us:")] {
            let subject = format!("{prefix}{name}-{number}");
            shop.register(&subject, &record(&format!("R{name}{number}"))).await;
        }
    }
    shop.delete(ADMIN, "/subjects/mine-5").await.ok();
    shop.delete(ADMIN, "/subjects/other-5").await.ok();
    let all = shop.get("reader", "/subjects?subjectPrefix=").await;
    all.is(json!(["mine-0", "mine-1", "mine-2", "mine-3", "mine-4"]));
    shop.get("reader", "/subjects?subjectPrefix=&offset=1&limit=2")
        .await
        .is(json!(["mine-1", "mine-2"]));
    shop.get("reader", "/subjects?subjectPrefix=&offset=4&limit=2").await.is(json!(["mine-4"]));
    shop.get("reader", "/subjects?subjectPrefix=&deletedOnly=true").await.is(json!(["mine-5"]));
    shop.get("reader", "/subjects?subjectPrefix=other").await.is(json!([]));
    assert_eq!(shop.get("reader", "/subjects").await.ok().as_array().unwrap().len(), 11);
    assert_eq!(shop.get(ADMIN, "/subjects").await.ok().as_array().unwrap().len(), 22);
    let names = |schemas: Value| -> Vec<String> {
        let names = schemas.as_array().unwrap().iter();
        names.map(|schema| schema["subject"].as_str().unwrap().to_string()).collect()
    };
    let page = names(shop.get("reader", "/schemas?offset=3&limit=2").await.ok());
    assert_eq!(page, ["mine-3", "mine-4"]);
    let page = names(shop.get("reader", "/schemas?subjectPrefix=:*:&deleted=true").await.ok());
    assert_eq!(page.len(), 12);
    shop.get("reader", "/contexts").await.is(json!([".", ".eu"]));
    shop.get("reader", "/contexts?offset=1&limit=1").await.is(json!([".eu"]));
    shop.get("reader", "/contexts?contextPrefix=.us").await.is(json!([]));
    shop.get("", "/contexts").await.is(json!(["."]));
    shop.get("", "/subjects").await.is(json!([]));
    shop.get("", "/schemas").await.is(json!([]));
    shop.get(ADMIN, "/contexts").await.is(json!([".", ".eu", ".us"]));
}

/// 9.
#[tokio::test]
async fn a_context_that_may_be_read_is_listed_without_its_subjects() {
    let shop = Guarded::new(&allow("reader", &["read"], &["context:.us"])).await;
    shop.register(":.us:secret", &record("Secret")).await;
    shop.get("reader", "/contexts").await.is(json!([".", ".us"]));
    shop.get("reader", "/contexts/.us/subjects").await.is(json!([]));
    shop.get("reader", "/subjects/:.us:/versions").await.denied();
}

/// 9.
#[tokio::test]
async fn whoever_refers_to_a_schema_and_may_not_be_read_is_left_out() {
    let shop = shop().await;
    shop.register("orders", &record("Order")).await;
    let secret = shop.register("secret", &referring("Secret", "Order", "orders")).await;
    shop.get("reader", "/subjects/orders/versions/1/referencedby").await.is(json!([]));
    shop.get(ADMIN, "/subjects/orders/versions/1/referencedby").await.is(json!([secret]));
    // nor does the refusal to delete it name them
    let deleter = allow("deleter", &["read", "delete"], &["subject:orders"]);
    let shop = Guarded::new(&deleter).await;
    shop.register("orders", &record("Order")).await;
    shop.register("secret", &referring("Secret", "Order", "orders")).await;
    let said = shop.delete("deleter", "/subjects/orders").await;
    assert_eq!(said.code(), 42206);
    assert!(!said.text.contains("ecret"), "{}", said.text);
}

/// 9.
#[tokio::test]
async fn associations_of_subjects_that_may_not_be_read_are_left_out() {
    let shop = shop().await;
    for (subject, association_type) in [("orders", "key"), ("secret", "value")] {
        shop.register(subject, &record("Order")).await;
        let associated = json!({
            "resourceName": "topic", "resourceNamespace": "-ns", "resourceId": "t", "resourceType": "topic",
            "associations": [{
                "subject": subject, "associationType": association_type, "lifecycle": "WEAK",
            }],
        });
        shop.post(ADMIN, "/associations", &associated).await.ok();
    }
    for path in ["/associations/resources/t", "/associations/resources/-ns/topic"] {
        let found = shop.get("reader", path).await.ok();
        assert_eq!(found.as_array().unwrap().len(), 1, "{path}");
        assert_eq!(found[0]["subject"], "orders", "{path}");
        shop.get("reader", &format!("{path}?offset=1")).await.is(json!([]));
        shop.get("", path).await.is(json!([]));
    }
    let batch = json!({"requests": [{"resourceId": "t"}]});
    let said = shop.post("reader", "/associations:batchGet?includeSchemas=true", &batch).await;
    assert_eq!(said.status, 207);
    assert!(said.text.contains("orders") && !said.text.contains("secret"), "{}", said.text);
    let listed = shop.get("reader", "/schemas?resourceType=topic").await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

/// 9.
#[tokio::test]
async fn aliases_that_may_not_be_read_are_left_out() {
    let shop = shop().await;
    shop.register("orders", &record("Order")).await;
    shop.register("secret", &record("Secret")).await;
    shop.set("/config/hidden", &json!({"alias": "orders"})).await;
    let listed = shop.get("reader", "/schemas?aliases=true").await.ok();
    assert_eq!(listed[0].get("aliases"), None, "{listed}");
    let listed = shop.get(ADMIN, "/schemas?aliases=true").await.ok();
    assert_eq!(listed[0]["aliases"], json!(["hidden"]));
    // nor does an alias show what it stands for
    shop.set("/config/orders", &json!({"alias": "secret"})).await;
    let listed = shop.get("reader", "/schemas?aliases=true&subjectPrefix=orders").await.ok();
    assert!(!listed.to_string().contains("ecret"), "{listed}");
}

/// 10.
#[tokio::test]
async fn a_reference_to_what_may_not_be_read_is_a_reference_to_what_is_not_there() {
    let policy = allow("writer", &["read", "write"], &["subject:orders", "subject:money"]);
    let shop = Guarded::new(&policy).await;
    shop.register("money", &record("Money")).await;
    shop.register("secret", &record("Secret")).await;
    shop.set("/config/orders", &json!({"compatibility": "NONE"})).await;
    for path in
        ["/subjects/orders/versions", "/subjects/orders", "/compatibility/subjects/orders/versions"]
    {
        for subject in ["secret", "nothing"] {
            let said = shop.post("writer", path, &referring("Order", "Secret", subject)).await;
            let message = format!(
                "Invalid schema of type AVRO, details: No schema reference found for subject \"{subject}\" and version 1"
            );
            said.is_error(422, 42201, &message);
        }
    }
    shop.post("writer", "/subjects/orders/versions", &referring("Order", "Money", "money"))
        .await
        .ok();
    shop.register("orders", &referring("Order", "Secret", "secret")).await;
    // the very text that is stored, too
    let said = shop
        .post("writer", "/subjects/orders/versions", &referring("Order", "Secret", "secret"))
        .await;
    assert_eq!(said.code(), 42201);
}

/// 10.
#[tokio::test]
async fn no_format_brings_the_text_of_what_may_not_be_read() {
    let readable = [&READABLE[..], &["subject:money"]].concat();
    let shop = Guarded::new(&allow("reader", &["read"], &readable)).await;
    shop.register("secret", &record("Secret")).await;
    shop.register("money", &referring("Money", "Secret", "secret")).await;
    let mut order = referring("Order", "Money", "money");
    order["metadata"] = json!({"properties": {"owner": "shop"}});
    let id = shop.register("orders", &order).await;
    let guid = guid_of(&shop, id).await;
    let missing = "Invalid schema of type AVRO, details: No schema reference found for subject \"secret\" and version 1";
    for path in [
        "/subjects/orders/versions/1".to_string(),
        "/subjects/orders/versions/1/schema".to_string(),
        "/subjects/orders/metadata".to_string(),
        format!("/schemas/ids/{id}"),
        format!("/schemas/ids/{id}/schema"),
        format!("/schemas/guids/{guid}"),
    ] {
        shop.get("reader", &path).await.ok();
        let said = shop.get("reader", &format!("{path}?format=resolved")).await;
        said.is_error(422, 42201, missing);
        let resolved = shop.get(ADMIN, &format!("{path}?format=resolved")).await;
        assert!(resolved.text.contains("Secret"), "{path}: {}", resolved.text);
    }
}

/// 11.
#[tokio::test]
async fn a_compatibility_test_and_a_lookup_need_the_right_to_read() {
    let policy = allow("writer", &["write"], &["subject:secret"]);
    let shop = Guarded::new(&policy).await;
    shop.register("secret", &record("Secret")).await;
    for path in [
        "/subjects/secret",
        "/compatibility/subjects/secret/versions?verbose=true",
        "/compatibility/subjects/secret/versions/1?verbose=true",
        "/compatibility/subjects/nothing/versions?verbose=true",
    ] {
        shop.post("writer", path, &record("Other")).await.denied();
    }
}

/// 11.
#[tokio::test]
async fn a_writer_who_may_not_read_hears_nothing_of_the_versions_before() {
    let shop = Guarded::new(&allow("writer", &["write"], &["subject:secret"])).await;
    let mut first = record("Secret");
    first["metadata"] = json!({"properties": {"owner": "hidden"}});
    shop.register("secret", &first).await;
    let said =
        shop.post("writer", "/subjects/secret/versions", &json!({"schema": "\"long\""})).await;
    said.is_error(
        409,
        40901,
        "Schema being registered is incompatible with an earlier schema for subject \"secret\", details: [{description: 'The reasons quote schemas that you may not read'}]",
    );
    // neither by the metadata and text that it inherits
    for body in [json!({}), record("Secret"), json!({"metadata": {"properties": {"a": "b"}}})] {
        let said = shop.post("writer", "/subjects/secret/versions", &body).await;
        let keys: Vec<String> = said.clone().ok().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["id", "schemaType", "version"], "{}", said.text);
    }
    let tags = json!({"metadata": {"properties": {"c": "d"}}});
    let said = shop.post("writer", "/subjects/secret/versions/1/tags", &tags).await;
    assert!(
        !said.text.contains("hidden") && said.clone().ok().get("schema").is_none(),
        "{}",
        said.text
    );
}

/// 11: versions that refer to what may not be read are not quoted either.
#[tokio::test]
async fn messages_do_not_speak_of_what_a_version_refers_to_and_may_not_be_read() {
    let policy = allow("reader", &["read", "write"], &["subject:orders"]);
    let shop = Guarded::new(&policy).await;
    let schema =
        json!({"type": "record", "name": "Secret", "fields": [{"name": "hidden", "type": "int"}]});
    shop.register("secret", &json!({"schema": schema.to_string()})).await;
    shop.register("orders", &referring("Order", "Secret", "secret")).await;
    let inner =
        json!({"type": "record", "name": "Secret", "fields": [{"name": "b", "type": "int"}]});
    let outer =
        json!({"type": "record", "name": "Order", "fields": [{"name": "a", "type": inner}]});
    let body = json!({"schema": outer.to_string()});
    let path = "/compatibility/subjects/orders/versions?verbose=true";
    let said = shop.post("reader", path, &body).await.ok();
    let withheld = "{description: 'The reasons quote schemas that you may not read'}";
    assert_eq!(said, json!({"is_compatible": false, "messages": [withheld]}));
    let said = shop.post("reader", "/subjects/orders/versions", &body).await;
    assert!(said.code() == 40901 && said.text.contains(withheld), "{}", said.text);
    let said = shop.post(ADMIN, path, &body).await.ok();
    assert!(said["incompatibilities"].is_array() && said["messages"].as_array().unwrap().len() > 1);
}
