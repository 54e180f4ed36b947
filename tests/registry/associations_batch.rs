//! `/associations:batchGet` and `/associations:batchMutate`.

use serde_json::{Value, json};
use weir_tests::{Api, registry};

use crate::associations::*;
use crate::fixtures::*;

// POST /associations:batchGet

#[tokio::test]
async fn a_batch_of_questions_has_an_answer_for_each() {
    let api = registry().await;
    created(&api, json!([strong(FLIGHT)])).await;
    let batch = json!({"requests": [
        {"resourceId": "t1"},
        {"resourceName": "flights", "resourceNamespace": "-", "lifecycle": "WEAK"},
        {"resourceId": "t2"},
        {"resourceName": "flights"},
        {},
    ]});
    let answer = api.post("/associations:batchGet", &batch).await;
    assert_eq!(answer.status, 207);
    let found =
        json!({"subject": OWN, "associationType": "value", "lifecycle": "STRONG", "frozen": true});
    let message = |property: &str, detail: &str| {
        let text = format!(
            "The association specified an invalid value for property: '{property}', detail: {detail}"
        );
        json!({"error": {"error_code": 42212, "message": text}})
    };
    assert_eq!(
        answer.json["results"],
        json!([
            {"result": {
                "resourceName": "flights", "resourceNamespace": "air", "resourceId": "t1",
                "resourceType": "topic", "associations": [found],
            }},
            {"result": {
                "resourceName": "flights", "resourceNamespace": "-", "resourceType": "topic",
            }},
            {"result": {"resourceId": "t2", "resourceType": "topic"}},
            message("resourceNamespace", "resourceNamespace is required when resourceName is specified"),
            message("resourceId", "either resourceId or resourceName must be specified"),
        ])
    );
    let answer = api.post("/associations:batchGet?includeSchemas=true", &batch).await;
    let schema = &answer.json["results"][0]["result"]["associations"][0]["schema"];
    assert_eq!((&schema["schema"], &schema["subject"]), (&json!(FLIGHT), &json!(OWN)));
}

#[tokio::test]
async fn a_batch_without_requests_is_42212() {
    let api = registry().await;
    for path in ["/associations:batchGet", "/associations:batchMutate"] {
        for batch in [json!({}), json!({"requests": []}), json!({"requests": null})] {
            is_invalid(&api.post(path, &batch).await, "requests", "cannot be null or empty");
        }
    }
}

// POST /associations:batchMutate

async fn mutate(api: &Api, requests: Value) -> Value {
    let batch = json!({"requests": requests});
    let answer = api.post("/associations:batchMutate", &batch).await;
    assert_eq!(answer.status, 207, "{}", answer.text);
    answer.json["results"].clone()
}

fn op(kind: &str, association: Value) -> Value {
    let mut op = association;
    op["opType"] = json!(kind);
    op
}

#[tokio::test]
async fn each_request_of_a_batch_stands_for_itself() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let mut copies = flights(json!([op("UPSERT", weak("orders"))]));
    copies["resourceName"] = json!("copies");
    copies["resourceId"] = json!("t2");
    let results = mutate(
        &api,
        json!([
            flights(json!([op("CREATE", strong(FLIGHT))])),
            flights(json!([op("CREATE", strong(ORDER))])),
            copies,
            flights(json!([op("DELETE", json!({"cascadeLifecycle": true}))])),
            flights(json!([op("DELETE", json!({}))])),
        ]),
    )
    .await;
    assert_eq!(results[0]["result"]["associations"][0]["schema"]["schema"], FLIGHT);
    assert_eq!(
        results[1]["error"],
        json!({"error_code": 40903, "message": "An association of type 'value' already exists for resource 'flights'"})
    );
    assert_eq!(results[2]["result"]["associations"][0]["subject"], "orders");
    let nothing = json!({"result": {
        "resourceName": "flights", "resourceNamespace": "air", "resourceId": "t1",
        "resourceType": "topic",
    }});
    assert_eq!((&results[3], &results[4]), (&nothing, &nothing));
    api.get("/subjects?deleted=true").await.is(json!(["orders"]));
}

#[tokio::test]
async fn changes_of_one_kind_in_a_request_are_made_together_or_not_at_all() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let key = |subject: &str| json!({"subject": subject, "associationType": "key"});
    let results = mutate(
        &api,
        json!([flights(json!([op("CREATE", key("orders")), op("CREATE", weak("none"))]))]),
    )
    .await;
    assert_eq!(results[0]["error"]["error_code"], 40907);
    assert!(subjects(&api, "/associations/resources/t1").await.is_empty());

    let results = mutate(
        &api,
        json!([flights(json!([op("CREATE", key("orders")), op("UPSERT", weak("none"))]))]),
    )
    .await;
    assert_eq!(results[0]["error"]["error_code"], 40907);
    assert_eq!(subjects(&api, "/associations/resources/t1").await, ["orders"]);
}

#[tokio::test]
async fn a_request_of_a_batch_changes_each_type_once() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let ops = json!([op("UPSERT", weak("orders")), op("DELETE", json!({}))]);
    let results = mutate(&api, json!([flights(ops), flights(json!([]))])).await;
    assert_eq!(
        results[0]["error"]["message"],
        "The association specified an invalid value for property: 'associationType', detail: may only appear once per request, but 'value' appears more than once"
    );
    assert_eq!(
        results[1]["error"]["message"],
        "The association specified an invalid value for property: 'associations', detail: cannot be null or empty"
    );
    let batch = json!({"requests": [flights(json!([op("COPY", json!({}))]))]});
    assert_eq!(api.post("/associations:batchMutate", &batch).await.status, 400);
}

#[tokio::test]
async fn a_dry_batch_writes_nothing() {
    let api = registry().await;
    let requests = json!([flights(json!([op("CREATE", strong(FLIGHT))]))]);
    let path = "/associations:batchMutate?dryRun=true";
    let answer = api.post(path, &json!({"requests": requests})).await;
    assert_eq!(answer.status, 207);
    assert!(answer.json["results"][0]["result"].get("associations").is_none());
    api.get("/subjects").await.is(json!([]));
}
