//! `POST /associations`, and what associations do to subjects.

use serde_json::{Value, json};
use weir_tests::{Answer, Api, registry};

use crate::fixtures::*;

/// The subject that the topic `flights` owns.
pub const OWN: &str = ":.air:flights-value";

/// A request for the topic `flights`, whose id is `t1`.
pub fn flights(associations: Value) -> Value {
    json!({
        "resourceName": "flights",
        "resourceNamespace": "air",
        "resourceId": "t1",
        "resourceType": "topic",
        "associations": associations,
    })
}

/// The topic uses a subject.
pub fn weak(subject: &str) -> Value {
    json!({"subject": subject, "associationType": "value", "lifecycle": "WEAK"})
}

/// The topic owns the subject that it comes with.
pub fn strong(schema: &str) -> Value {
    json!({"schema": body(schema)})
}

async fn create(api: &Api, associations: Value) -> Answer {
    api.post("/associations", &flights(associations)).await
}

pub async fn created(api: &Api, associations: Value) -> Value {
    let answer = create(api, associations).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

pub async fn put(api: &Api, associations: Value) -> Answer {
    api.put("/associations/resources/t1", &flights(associations)).await
}

/// The subjects of a question's answer.
pub async fn subjects(api: &Api, path: &str) -> Vec<String> {
    let answer = api.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = answer.json.as_array().unwrap().iter();
    found.map(|a| a["subject"].as_str().unwrap().to_string()).collect()
}

#[track_caller]
pub fn is_invalid(answer: &Answer, property: &str, detail: &str) {
    let message = format!(
        "The association specified an invalid value for property: '{property}', detail: {detail}"
    );
    answer.is_error(422, 42212, &message);
}

// POST /associations

#[tokio::test]
async fn a_topic_uses_a_subject_that_is_there() {
    let api = registry().await;
    register(&api, "flights-value", FLIGHT).await;
    let answer = create(&api, json!([{"subject": "flights-value"}])).await;
    assert_eq!(
        answer.text,
        r#"{"resourceName":"flights","resourceNamespace":"air","resourceId":"t1","resourceType":"topic","associations":[{"subject":"flights-value","associationType":"value","lifecycle":"WEAK","frozen":false}]}"#
    );
    let found = api.get("/associations/resources/t1").await;
    let guid = found.json[0]["guid"].as_str().unwrap();
    let created = found.json[0]["createTs"].as_i64().unwrap();
    let updated = found.json[0]["updateTs"].as_i64().unwrap();
    assert!(updated >= created, "{updated}");
    assert!(created > 1_700_000_000_000, "{created}");
    assert_eq!((guid.len(), &guid[14..15]), (36, "4"));
    assert_eq!(
        found.text,
        format!(
            r#"[{{"subject":"flights-value","guid":"{guid}","resourceName":"flights","resourceNamespace":"air","resourceId":"t1","resourceType":"topic","associationType":"value","lifecycle":"WEAK","frozen":false,"createTs":{created},"updateTs":{updated}}}]"#
        )
    );
}

#[tokio::test]
async fn a_topic_owns_the_subject_that_comes_with_it() {
    let api = registry().await;
    let answer = created(&api, json!([strong(FLIGHT)])).await;
    let made = &answer["associations"][0];
    assert_eq!(
        (&made["subject"], &made["lifecycle"], &made["frozen"], &made["associationType"]),
        (&json!(OWN), &json!("STRONG"), &json!(true), &json!("value"))
    );
    assert_eq!((&made["schema"]["version"], &made["schema"]["id"]), (&json!(1), &json!(1)));
    assert_eq!(made["schema"]["schema"], FLIGHT);
    let latest = api.get(&format!("/subjects/{OWN}/versions/latest")).await;
    assert_eq!(latest.json["schema"], FLIGHT);
    assert_eq!(subjects(&api, &format!("/associations/subjects/{OWN}")).await, [OWN]);
}

#[tokio::test]
async fn key_and_value_come_together_or_not_at_all() {
    let api = registry().await;
    let key = |schema: &str| json!({"associationType": "key", "schema": body(schema)});
    let answer = create(&api, json!([key(ORDER), strong("{")])).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
    api.get("/subjects").await.is(json!([]));
    assert!(subjects(&api, "/associations/resources/t1").await.is_empty());

    let answer = created(&api, json!([key(ORDER), strong(FLIGHT)])).await;
    let ids: Vec<&Value> = (0..2).map(|i| &answer["associations"][i]["schema"]["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!(2)]);
    api.get("/subjects").await.is(json!([":.air:flights-key", OWN]));
}

#[tokio::test]
async fn creating_the_same_again_changes_nothing() {
    let api = registry().await;
    created(&api, json!([strong(FLIGHT)])).await;
    let before = api.get("/associations/resources/t1").await.text;
    let answer = created(&api, json!([strong(FLIGHT)])).await;
    assert!(answer.get("associations").is_none(), "{answer}");
    assert_eq!(api.get("/associations/resources/t1").await.text, before);
    api.get(&format!("/subjects/{OWN}/versions")).await.is(json!([1]));
}

#[tokio::test]
async fn a_dry_run_needs_no_id_and_writes_nothing() {
    let api = registry().await;
    let mut request = flights(json!([strong(FLIGHT)]));
    request["resourceId"] = Value::Null;
    let dry =
        json!({"resourceName": "flights", "resourceNamespace": "air", "resourceType": "topic"});
    api.post("/associations?dryRun=true", &request).await.is(dry.clone());
    api.get("/subjects").await.is(json!([]));
    is_invalid(&api.post("/associations", &request).await, "resourceId", "cannot be null or empty");
    created(&api, json!([strong(FLIGHT)])).await;
    api.post("/associations?dryRun=true", &request).await.is(dry);
    request["associations"] = json!([strong(ORDER)]);
    let message = "An association of type 'value' already exists for resource 'flights'";
    api.post("/associations?dryRun=true", &request).await.is_error(409, 40903, message);
}

#[tokio::test]
async fn unqualified_subjects_are_in_the_context_of_the_request() {
    let api = registry().await;
    register(&api, ":.eu:orders", ORDER).await;
    let request = flights(json!([weak("orders")]));
    for path in ["/associations?context=:.eu:", "/contexts/.eu/associations"] {
        assert_eq!(api.post(path, &request).await.status, 200, "{path}");
    }
    let again = json!({"opType": "UPSERT", "subject": "orders"});
    let batch = json!({"requests": [flights(json!([again]))]});
    let answer = api.post("/contexts/.eu/associations:batchMutate", &batch).await;
    assert!(answer.json["results"][0]["result"].is_object(), "{}", answer.text);
    assert_eq!(subjects(&api, "/associations/resources/t1").await, [":.eu:orders"]);
    assert_eq!(subjects(&api, "/contexts/eu/associations/subjects/orders").await, [":.eu:orders"]);
}

#[tokio::test]
async fn an_alias_stands_for_its_subject() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    api.put("/config/other", &json!({"alias": "orders"})).await;
    created(&api, json!([weak("other")])).await;
    assert_eq!(subjects(&api, "/associations/resources/t1").await, ["orders"]);
}

#[tokio::test]
async fn what_a_request_must_not_say_is_42212() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let of = |property: &str, value: Value| {
        let mut request = flights(json!([weak("orders")]));
        request[property] = value;
        request
    };
    let long = "n".repeat(257);
    for (request, property, detail) in [
        (of("resourceName", Value::Null), "resourceName", "cannot be null or empty"),
        (of("resourceName", json!("a b")), "resourceName", "illegal character ' '"),
        (of("resourceName", json!(long)), "resourceName", "exceeds max length of 256"),
        (of("resourceNamespace", json!("")), "resourceNamespace", "cannot be null or empty"),
        (of("resourceNamespace", json!("a:b")), "resourceNamespace", "illegal character ':'"),
        (of("resourceId", json!("")), "resourceId", "cannot be null or empty"),
        (of("resourceType", json!("table")), "resourceType", "must be 'topic'"),
        (of("associations", json!([])), "associations", "cannot be null or empty"),
        (of("associations", Value::Null), "associations", "cannot be null or empty"),
    ] {
        is_invalid(&api.post("/associations", &request).await, property, detail);
    }
    assert_eq!(api.post("/associations", &of("resourceName", json!("a.b_c-1"))).await.status, 200);
}

#[tokio::test]
async fn what_an_association_must_not_be_is_42212() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let with = |more: Value| {
        let mut association = json!({"subject": "orders"});
        association.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        association
    };
    for (association, property, detail) in [
        (with(json!({"subject": ""})), "subject", "must not be empty"),
        (with(json!({"subject": null})), "subject", "must be provided for WEAK associations"),
        (
            with(json!({"associationType": "header"})),
            "associationType",
            "must be either 'key' or 'value'",
        ),
        (
            with(json!({"frozen": true})),
            "frozen",
            "association with lifecycle of WEAK cannot be frozen=true",
        ),
        (
            with(json!({"lifecycle": "WEAK", "schema": body(ORDER)})),
            "lifecycle",
            "cannot be WEAK when schema is provided for create",
        ),
        (
            with(json!({"frozen": false, "schema": body(ORDER)})),
            "frozen",
            "cannot be false when schema is provided for create",
        ),
        (
            with(json!({"schema": body(ORDER)})),
            "subject",
            "frozen associations must use subject ':.air:flights-value'",
        ),
        (
            with(json!({"lifecycle": "STRONG", "frozen": false})),
            "frozen",
            "association with lifecycle of STRONG cannot be frozen=false",
        ),
        (
            json!({"lifecycle": "STRONG"}),
            "schema",
            "schema must be provided when creating a frozen association",
        ),
        (
            with(json!({"subject": OWN})),
            "subject",
            "WEAK associations cannot use subject ':.air:flights-value'",
        ),
    ] {
        is_invalid(&create(&api, json!([association])).await, property, detail);
    }
    let twice = json!([weak("orders"), weak("orders")]);
    let detail = "may only appear once per request, but 'value' appears more than once";
    is_invalid(&create(&api, twice).await, "associationType", detail);
    let answer = create(&api, json!([weak(&"s".repeat(1025))])).await;
    assert_eq!(answer.json["error_code"], 42208);
}

#[tokio::test]
async fn a_topic_does_not_own_a_subject_with_other_schemas() {
    let api = registry().await;
    register(&api, OWN, ORDER).await;
    let detail = "cannot create a frozen association when schemas already exist in the subject";
    is_invalid(&create(&api, json!([strong(FLIGHT)])).await, "frozen", detail);
    created(&api, json!([strong(ORDER)])).await;
}

#[tokio::test]
async fn a_topic_owns_all_its_subjects_or_none() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let key = json!({"subject": "orders", "associationType": "key"});
    let detail = "all associations for a resource must have the same lifecycle, but got key=WEAK, value=STRONG";
    is_invalid(&create(&api, json!([key, strong(FLIGHT)])).await, "lifecycle", detail);
    created(&api, json!([key])).await;
    is_invalid(&create(&api, json!([strong(FLIGHT)])).await, "lifecycle", detail);
}

#[tokio::test]
async fn another_association_of_the_same_type_is_40903() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "flights", FLIGHT).await;
    created(&api, json!([weak("orders")])).await;
    let message = "An association of type 'value' already exists for resource 'flights'";
    create(&api, json!([weak("flights")])).await.is_error(409, 40903, message);
}

#[tokio::test]
async fn a_subject_of_others_cannot_be_owned_40904() {
    let api = registry().await;
    register(&api, OWN, FLIGHT).await;
    let mut other = flights(json!([weak(OWN)]));
    other["resourceName"] = json!("copies");
    other["resourceId"] = json!("t2");
    assert_eq!(api.post("/associations", &other).await.status, 200);
    let message = "An association already exists for subject ':.air:flights-value'";
    create(&api, json!([strong(FLIGHT)])).await.is_error(409, 40904, message);
    // nor may it be deleted
    api.delete(&format!("/subjects/{OWN}")).await.is_error(409, 40904, message);
}

#[tokio::test]
async fn a_subject_that_a_topic_owns_is_for_no_other_40905() {
    let api = registry().await;
    created(&api, json!([strong(FLIGHT)])).await;
    let mut other = flights(json!([weak(OWN)]));
    other["resourceName"] = json!("copies");
    other["resourceId"] = json!("t2");
    let message = "A strong association already exists for subject ':.air:flights-value'";
    api.post("/associations", &other).await.is_error(409, 40905, message);
}

#[tokio::test]
async fn a_subject_without_a_version_is_40907() {
    let api = registry().await;
    let message = "No active (non-deleted) version exists for subject 'orders'";
    create(&api, json!([weak("orders")])).await.is_error(409, 40907, message);
    register(&api, "orders", ORDER).await;
    soft_delete(&api, "orders").await;
    create(&api, json!([weak("orders")])).await.is_error(409, 40907, message);
}

#[tokio::test]
async fn a_subject_that_a_topic_owns_is_not_referred_to() {
    let api = registry().await;
    created(&api, json!([strong(MONEY)])).await;
    let reference = json!({"name": "shop.Money", "subject": OWN, "version": 1});
    let request = json!({"schema": PAYMENT, "references": [reference]});
    let message = "Subject ':.air:flights-value' has a strong association and cannot be referenced";
    api.post("/subjects/payments/versions", &request).await.is_error(422, 42205, message);
}

#[tokio::test]
async fn a_subject_that_is_referred_to_is_not_owned_42206() {
    let api = registry().await;
    register(&api, OWN, MONEY).await;
    let reference = json!({"name": "shop.Money", "subject": OWN, "version": 1});
    register_body(&api, "payments", &json!({"schema": PAYMENT, "references": [reference]})).await;
    let message = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=:.air:flights-value,version=1}.";
    create(&api, json!([strong(MONEY)])).await.is_error(422, 42206, message);
}

#[tokio::test]
async fn a_read_only_subject_is_not_associated() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    created(&api, json!([weak("orders")])).await;
    set_mode(&api, "/mode/orders", "READONLY").await;
    let message = "Subject orders in context  is in read-only mode";
    create(&api, json!([weak("orders")])).await.is_error(422, 42205, message);
    api.delete("/associations/resources/t1").await.is_error(422, 42205, message);
}

#[tokio::test]
async fn an_imported_subject_is_owned_without_a_schema() {
    let api = registry().await;
    set_mode(&api, &format!("/mode/{OWN}"), "IMPORT").await;
    let message = "No active (non-deleted) version exists for subject ':.air:flights-value'";
    let own = json!([{"lifecycle": "STRONG"}]);
    create(&api, own.clone()).await.is_error(409, 40907, message);
    register_body(&api, OWN, &json!({"schema": FLIGHT, "version": 7, "id": 42})).await;
    let detail = "cannot be provided while subject ':.air:flights-value' is in IMPORT mode";
    is_invalid(&create(&api, json!([strong(FLIGHT)])).await, "schema", detail);
    assert_eq!(put(&api, own).await.status, 200);
    assert_eq!(subjects(&api, "/associations/resources/t1?lifecycle=STRONG").await, [OWN]);
}

// GET /schemas

#[tokio::test]
async fn schemas_are_chosen_by_the_associations_of_their_subjects() {
    let api = registry().await;
    created(&api, json!([strong(FLIGHT)])).await;
    register(&api, ":.air:orders", ORDER).await;
    register(&api, ":.air:money", MONEY).await;
    let mut copies = flights(json!([{"subject": ":.air:orders", "associationType": "key"}]));
    copies["resourceName"] = json!("copies");
    copies["resourceId"] = json!("t2");
    assert_eq!(api.post("/associations", &copies).await.status, 200);
    for (query, found) in [
        ("", vec![OWN, ":.air:money", ":.air:orders"]),
        ("&resourceType=topic", vec![OWN, ":.air:orders"]),
        ("&associationType=value", vec![OWN]),
        ("&associationType=key&associationType=value", vec![OWN, ":.air:orders"]),
        ("&lifecycle=STRONG", vec![OWN]),
        ("&lifecycle=WEAK", vec![":.air:orders"]),
        ("&lifecycle=NONE", vec![":.air:money"]),
        ("&lifecycle=WEAK&lifecycle=NONE", vec![":.air:money", ":.air:orders"]),
    ] {
        let path = format!("/schemas?subjectPrefix=:.air:{query}");
        assert_eq!(subjects(&api, &path).await, found, "{query}");
    }
    let answer = api.get("/schemas?subjectPrefix=:.air:&lifecycle=STRONG").await;
    assert_eq!(answer.json[0]["associations"][0]["resourceId"], "t1");
    let answer = api.get("/schemas?subjectPrefix=:.air:").await;
    assert!(answer.json[0].get("associations").is_none());
}
