//! Tags of types and fields: `/subjects/{subject}/versions/{version}/tags`, `findTags`, and tags in
//! registrations

use serde_json::{Value, json};
use weir_tests::{Answer, Api, registry};

use crate::fixtures::*;

/// `ORDER`, whose cents are tagged.
const TAGGED: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"order_id","type":"string"},{"name":"cents","type":"long","confluent:tags":["PII"]}]}"#;

fn cents(tags: &[&str]) -> Value {
    let entity = json!({"entityPath": "shop.Order.cents", "entityType": "sr_field"});
    json!({"schemaEntity": entity, "tags": tags})
}

fn order(tags: &[&str]) -> Value {
    let entity = json!({"entityPath": "shop.Order", "entityType": "sr_record"});
    json!({"schemaEntity": entity, "tags": tags})
}

/// `orders` with `ORDER`.
async fn one_order() -> Api {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    api
}

async fn tag(api: &Api, version: &str, request: &Value) -> Answer {
    api.post(&format!("/subjects/orders/versions/{version}/tags"), request).await
}

async fn post(api: &Api, request: &Value) -> Answer {
    api.post("/subjects/orders/versions", request).await
}

// POST /tags

#[tokio::test]
async fn tagging_a_version_makes_a_new_one() {
    let api = one_order().await;
    let answer = tag(&api, "1", &json!({"newVersion": 2, "tagsToAdd": [cents(&["PII"])]})).await;
    answer.is(json!({"id": 2, "version": 2, "guid": answer.json["guid"], "schemaType": "AVRO",
        "metadata": {"properties": {"confluent:version": "2"}}, "schema": TAGGED}));
    assert_eq!(api.get("/subjects/orders/versions/2/schema").await.text, TAGGED);
    assert_eq!(api.get("/subjects/orders/versions/1/schema").await.text, ORDER);
}

#[tokio::test]
async fn tags_are_taken_out_again() {
    let api = registry().await;
    let both = TAGGED.replace(r#"["PII"]"#, r#"["MONEY","PII"]"#);
    register(&api, "orders", &both).await;
    for (version, gone, left) in [(2, "MONEY", TAGGED), (3, "PII", ORDER)] {
        let request = json!({"newVersion": version, "tagsToRemove": [cents(&[gone])]});
        assert_eq!(tag(&api, "latest", &request).await.json["schema"], left);
    }
}

#[tokio::test]
async fn records_have_tags_too() {
    let api = one_order().await;
    let answer = tag(&api, "1", &json!({"newVersion": 2, "tagsToAdd": [order(&["SHOP"])]})).await;
    let tagged = ORDER.replace("]}", r#"],"confluent:tags":["SHOP"]}"#);
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(tagged)));
}

#[tokio::test]
async fn a_version_is_tagged_under_any_of_its_names() {
    for version in ["1", "latest", "-1"] {
        let api = one_order().await;
        let request = json!({"newVersion": 2, "tagsToAdd": [cents(&["PII"])]});
        assert_eq!(tag(&api, version, &request).await.json["version"], 2, "{version}");
    }
}

#[tokio::test]
async fn tagging_may_change_metadata_and_rules() {
    let api = one_order().await;
    let rule = json!({"name": "a", "kind": "CONDITION", "mode": "WRITE", "type": "CEL",
        "disabled": false});
    let request = json!({"newVersion": 2, "metadata": {"properties": {"owner": "a"}},
        "ruleSet": {"domainRules": [rule]}});
    let answer = tag(&api, "1", &request).await;
    let metadata = json!({"properties": {"confluent:version": "2", "owner": "a"}});
    assert_eq!((answer.status.as_u16(), &answer.json["metadata"]), (200, &metadata));
    assert_eq!(answer.json["ruleSet"], json!({"domainRules": [rule]}));
    assert_eq!(answer.json["schema"], ORDER);
}

#[tokio::test]
async fn rules_are_merged_and_removed_by_name() {
    let api = registry().await;
    let rule = |name: &str, rule_type: &str| {
        json!({"name": name, "kind": "TRANSFORM", "mode": "WRITEREAD", "type": rule_type,
            "disabled": false})
    };
    let rules = json!({"domainRules": [rule("a", "X"), rule("b", "X"), rule("c", "X")]});
    register_body(&api, "orders", &json!({"schema": ORDER, "ruleSet": rules})).await;
    let request = json!({"newVersion": 2, "rulesToMerge": {"domainRules": [rule("c", "Y"), rule("d", "Y")]},
        "rulesToRemove": ["a"]});
    let answer = tag(&api, "1", &request).await;
    let merged = json!({"domainRules": [rule("b", "X"), rule("c", "Y"), rule("d", "Y")]});
    assert_eq!(
        (answer.status.as_u16(), &answer.json["ruleSet"]),
        (200, &merged),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn whole_rules_and_changes_of_rules_are_42210() {
    let api = one_order().await;
    let text = "ruleSet should be omitted if specifying rulesToMerge or rulesToRemove";
    for change in [json!({"rulesToMerge": {}}), json!({"rulesToRemove": ["a"]})] {
        let mut request = json!({"newVersion": 2, "ruleSet": {"domainRules": []}});
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        tag(&api, "1", &request).await.is_error(422, 42210, text);
    }
    let wrong = json!({"domainRules": [{"name": "a", "type": "X", "mode": "UPGRADE"}]});
    let answer = tag(&api, "1", &json!({"newVersion": 2, "rulesToMerge": wrong})).await;
    answer.is_error(422, 42210, "Domain rules can only be WRITE, READ, WRITEREAD");
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_new_version_that_is_not_the_next_is_42201() {
    let api = one_order().await;
    for version in [1, 3] {
        let request = json!({"newVersion": version, "tagsToAdd": [cents(&["PII"])]});
        let answer = tag(&api, "1", &request).await;
        answer.is_error(422, 42201, "Version is not one more than previous version");
    }
}

#[tokio::test]
async fn a_tag_of_what_the_schema_does_not_have_is_42201() {
    let api = one_order().await;
    for (path, kind) in [("shop.Order.currency", "sr_field"), ("shop.Money", "sr_record")] {
        let entity = json!({"entityPath": path, "entityType": kind});
        let tags = json!({"schemaEntity": entity, "tags": ["PII"]});
        let answer = tag(&api, "1", &json!({"newVersion": 2, "tagsToAdd": [tags]})).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
        let text = answer.json["message"].as_str().unwrap();
        assert!(text.contains(&format!("No matching path '{path}' found")), "{text}");
    }
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

/// A record goes by its own name too, and a field needs its record's.
#[tokio::test]
async fn a_path_may_be_without_the_namespace() {
    for (path, kind, status) in [
        ("Order.cents", "sr_field", 200),
        ("Order", "sr_record", 200),
        ("Order", "sr_field", 422),
        ("shop.Order", "sr_field", 422),
        ("Order.cents", "sr_record", 422),
        ("store.Order", "sr_record", 422),
    ] {
        let api = one_order().await;
        let entity = json!({"entityPath": path, "entityType": kind});
        let tags = json!({"schemaEntity": entity, "tags": ["PII"]});
        let answer = tag(&api, "1", &json!({"newVersion": 2, "tagsToAdd": [tags]})).await;
        assert_eq!(answer.status, status, "{path} {kind} {}", answer.text);
        if status == 422 {
            assert_eq!(answer.json["error_code"], 42201);
        }
    }
}

#[tokio::test]
async fn a_tag_that_is_there_leaves_the_text_as_it_is() {
    let api = registry().await;
    let unsorted = TAGGED.replace(r#"["PII"]"#, r#"["PII","MONEY"]"#);
    register(&api, "orders", &unsorted).await;
    let answer = tag(&api, "1", &json!({"newVersion": 2, "tagsToAdd": [cents(&["PII"])]})).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(unsorted)));
}

#[tokio::test]
async fn tagging_what_is_not_there_is_40401_or_40402() {
    let api = one_order().await;
    let request = json!({"newVersion": 2, "tagsToAdd": [cents(&["PII"])]});
    let answer = api.post("/subjects/flights/versions/1/tags", &request).await;
    answer.is_error(404, 40401, "Subject 'flights' not found.");
    tag(&api, "2", &request).await.is_error(404, 40402, "Version 2 not found.");
    let answer = tag(&api, "newest", &request).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42202)));
}

#[tokio::test]
async fn a_read_only_subject_takes_no_tags_42205() {
    let api = one_order().await;
    set_mode(&api, "/mode/orders", "READONLY").await;
    let answer = tag(&api, "1", &json!({"newVersion": 2, "tagsToAdd": [cents(&["PII"])]})).await;
    answer.is_error(422, 42205, "Subject orders in context  is in read-only mode");
}

// Tags in registrations

#[tokio::test]
async fn a_registration_puts_tags_in() {
    let api = registry().await;
    let request = json!({"schema": ORDER, "schemaTagsToAdd": [cents(&["PII"])]});
    let answer = post(&api, &request).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(TAGGED)));
}

#[tokio::test]
async fn a_registration_takes_tags_out() {
    let api = registry().await;
    let request = json!({"schema": TAGGED, "schemaTagsToRemove": [cents(&["PII"])]});
    let answer = post(&api, &request).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(ORDER)));
}

#[tokio::test]
async fn tags_of_the_version_before_are_carried_over_if_asked_so() {
    let api = registry().await;
    register(&api, "orders", TAGGED).await;
    let answer = post(&api, &json!({"schema": ORDER_NOTE, "propagateSchemaTags": true})).await;
    let tagged = ORDER_NOTE.replace(r#""long"}"#, r#""long","confluent:tags":["PII"]}"#);
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(tagged)));
    let plain = ORDER_NOTE.replace("note", "memo");
    let answer = post(&api, &body(&plain)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(plain)));
}

/// As in the reference, which puts them in as if the request had named them.
#[tokio::test]
async fn tags_of_what_the_new_schema_has_no_more_are_42201() {
    let api = registry().await;
    register(&api, "orders", TAGGED).await;
    let request = json!({"schema": ORDER_WITHOUT_CENTS, "propagateSchemaTags": true});
    let answer = post(&api, &request).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
}

#[tokio::test]
async fn tags_in_a_registration_have_to_fit_42201() {
    let api = registry().await;
    let request = json!({"schema": ORDER_WITHOUT_CENTS, "schemaTagsToAdd": [cents(&["PII"])]});
    let answer = post(&api, &request).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
}

// findTags

#[tokio::test]
async fn tagged_parts_are_shown_if_asked_for() {
    let api = registry().await;
    let tagged = TAGGED.replace("]}", r#"],"confluent:tags":["SHOP"]}"#);
    let tagged = tagged.replace(r#"["PII"],"confluent:tags":["SHOP"]"#, r#"["PII"]"#);
    register(&api, "orders", &tagged).await;
    for path in ["/subjects/orders/versions/1", "/schemas/ids/1"] {
        for (query, expected) in [
            ("findTags=PII", json!([cents(&["PII"])])),
            ("findTags=SHOP", json!([order(&["SHOP"])])),
            ("findTags=*", json!([order(&["SHOP"]), cents(&["PII"])])),
            ("findTags=PII&findTags=SHOP", json!([order(&["SHOP"]), cents(&["PII"])])),
            ("findTags=MONEY", Value::Null),
            ("deleted=true", Value::Null),
        ] {
            let answer = api.get(&format!("{path}?{query}")).await;
            let tags = &answer.json["schemaTags"];
            assert_eq!((answer.status.as_u16(), tags), (200, &expected), "{path} {query}");
        }
    }
}
