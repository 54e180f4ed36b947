//! `/associations/resources/{resource}`, and by name.

use serde_json::{Value, json};
use weir_tests::registry;

use crate::associations::*;
use crate::fixtures::*;

// PUT /associations/resources/{resource}

#[tokio::test]
async fn putting_makes_a_shared_association() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let mut request = flights(json!([{"subject": "orders"}]));
    request["resourceId"] = Value::Null;
    let answer = api.put("/associations/resources/t1", &request).await;
    assert_eq!(answer.json["resourceId"], "t1");
    assert_eq!(answer.json["associations"][0]["lifecycle"], "WEAK");
    let answer = put(&api, json!([{}])).await;
    assert!(answer.status.is_success() && answer.json.get("associations").is_none());
}

#[tokio::test]
async fn putting_a_schema_evolves_the_subject_that_the_topic_owns() {
    let api = registry().await;
    created(&api, json!([strong(ORDER)])).await;
    assert_eq!(put(&api, json!([strong(ORDER_NOTE)])).await.status, 200);
    api.get(&format!("/subjects/{OWN}/versions")).await.is(json!([1, 2]));
    let answer = put(&api, json!([strong(ORDER_CURRENCY)])).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (409, &json!(40901)));
    let message = answer.json["message"].as_str().unwrap();
    let start = "Schema being registered is incompatible with an earlier schema for subject \":.air:flights-value\", details: [";
    assert!(message.starts_with(start), "{message}");
    let answer = put(&api, json!([strong("{")])).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
    api.get(&format!("/subjects/{OWN}/versions")).await.is(json!([1, 2]));
}

#[tokio::test]
async fn what_putting_must_not_do_is_42212() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "flights", FLIGHT).await;
    let detail =
        "Resource ID in the path parameter does not match the resource ID in the request body";
    let request = flights(json!([weak("orders")]));
    is_invalid(&api.put("/associations/resources/t2", &request).await, "resourceId", detail);
    let detail = "cannot be STRONG when creating an association; STRONG associations must be created with the topic";
    let own = json!([{"lifecycle": "STRONG", "schema": body(FLIGHT)}]);
    is_invalid(&put(&api, own).await, "lifecycle", detail);
    created(&api, json!([weak("orders")])).await;
    for (association, property, detail) in [
        (
            json!({"subject": "orders", "schema": body(ORDER)}),
            "lifecycle",
            "cannot be WEAK when schema is provided",
        ),
        (
            weak("flights"),
            "subject",
            "subject of association cannot be changed from 'orders' to 'flights'",
        ),
        (
            json!({"subject": "flights"}),
            "lifecycle",
            "at least lifecycle or schema must be provided for update",
        ),
        (
            json!({"lifecycle": "STRONG"}),
            "frozen",
            "association with lifecycle of STRONG cannot be frozen=false",
        ),
        (
            json!({"lifecycle": "STRONG", "frozen": true}),
            "frozen",
            "frozen attribute of association cannot be changed",
        ),
    ] {
        is_invalid(&put(&api, json!([association])).await, property, detail);
    }
}

// GET

#[tokio::test]
async fn a_resource_is_found_by_its_name_in_one_namespace_or_in_any() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    created(&api, json!([weak("orders")])).await;
    for (path, found) in [
        ("air/flights", 1),
        ("-/flights", 1),
        ("-/flights?resourceType=topic&associationType=value", 1),
        ("-/flights?associationType=key&associationType=value", 1),
        ("-/flights?associationType=key", 0),
        ("-/flights?resourceType=table", 0),
        ("-/flights?lifecycle=WEAK", 1),
        ("-/flights?lifecycle=STRONG", 0),
        ("-/flights?offset=1", 0),
        ("-/flights?offset=0&limit=-1", 1),
        ("sea/flights", 0),
        ("-/flight", 0),
    ] {
        let answer = subjects(&api, &format!("/associations/resources/{path}")).await;
        assert_eq!(answer.len(), found, "{path}");
    }
    let answer = api.get("/associations/resources/-/flights?lifecycle=weak").await;
    answer.is_error(404, 404, "HTTP 404 Not Found");
}

#[tokio::test]
async fn key_comes_before_value_and_pages_are_cut_from_them() {
    let api = registry().await;
    register(&api, "a", ORDER).await;
    register(&api, "b", ORDER).await;
    let key = json!({"subject": "b", "associationType": "key"});
    created(&api, json!([weak("a"), key])).await;
    assert_eq!(subjects(&api, "/associations/resources/t1").await, ["b", "a"]);
    assert_eq!(subjects(&api, "/associations/resources/t1?limit=1").await, ["b"]);
    assert_eq!(subjects(&api, "/associations/resources/t1?offset=1").await, ["a"]);
}

// DELETE /associations/resources/{resource}

#[tokio::test]
async fn a_shared_subject_outlives_its_association() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    created(&api, json!([weak("orders")])).await;
    let path = "/associations/resources/t1?cascadeLifecycle=true&resourceType=topic";
    assert_eq!(api.delete(&format!("{path}&dryRun=true")).await.status, 204);
    assert_eq!(subjects(&api, "/associations/resources/t1").await, ["orders"]);
    let answer = api.delete(path).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert!(subjects(&api, "/associations/resources/t1").await.is_empty());
    api.get("/subjects").await.is(json!(["orders"]));
}

#[tokio::test]
async fn a_subject_goes_for_good_with_the_topic_that_owns_it() {
    let api = registry().await;
    created(&api, json!([strong(FLIGHT)])).await;
    let message = "The association of type  'value' is frozen for subject ':.air:flights-value'";
    api.delete("/associations/resources/t1").await.is_error(409, 40908, message);
    let cascade = "/associations/resources/t1?cascadeLifecycle=true";
    api.delete(&format!("{cascade}&associationType=key")).await.is_error(
        404,
        40410,
        "Association for 't1' not found.",
    );
    assert_eq!(api.delete(cascade).await.status, 204);
    api.get("/subjects?deleted=true").await.is(json!([]));
    created(&api, json!([strong(ORDER)])).await;
}

#[tokio::test]
async fn a_resource_without_associations_is_40410() {
    let api = registry().await;
    let answer = api.delete("/associations/resources/t1").await;
    answer.is_error(404, 40410, "Association for 't1' not found.");
}
