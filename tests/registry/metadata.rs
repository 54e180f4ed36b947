//! `/` and `/v1/metadata`

use serde_json::json;
use weir_tests::{REGISTRY_JSON, registry};

#[tokio::test]
async fn the_root_answers_an_empty_object() {
    let api = registry().await;
    api.get("/").await.is(json!({}));
    api.post("/", &json!({"probe": "liveness"})).await.is(json!({}));
    api.post_as("/", REGISTRY_JSON, String::new()).await.is(json!({}));
}

#[tokio::test]
async fn the_cluster_has_an_id() {
    let answer = registry().await.get("/v1/metadata/id").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["scope"]["path"], json!([]));
    let clusters = &answer.json["scope"]["clusters"];
    assert!(clusters["kafka-cluster"].is_string(), "{clusters}");
    assert_eq!(clusters["schema-registry-cluster"], "schema-registry");
}

#[tokio::test]
async fn the_build_has_a_version_and_a_commit() {
    let answer = registry().await.get("/v1/metadata/version").await;
    assert_eq!(answer.status, 200);
    let version = answer.json["version"].as_str().unwrap();
    let numbers = version.split(['.', '-']).take(3).filter_map(|n| n.parse::<u32>().ok());
    assert_eq!(numbers.count(), 3, "{version}");
    assert!(answer.json["commitId"].is_string());
}

#[tokio::test]
async fn the_deployment_has_no_attributes() {
    registry().await.get("/v1/metadata/deployment").await.is(json!({"attributes": []}));
}
