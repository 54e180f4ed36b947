//! `/config`

use serde_json::json;
use weir_tests::registry;

use crate::fixtures::*;

const INVALID_LEVEL: &str = "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive";

// /config

#[tokio::test]
async fn the_default_level_is_backward() {
    let api = registry().await;
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    api.get("/config?defaultToGlobal=true").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

#[tokio::test]
async fn put_says_compatibility_and_get_says_compatibility_level() {
    let api = registry().await;
    let update = json!({"compatibility": "FULL"});
    api.put("/config", &update).await.is(update);
    api.get("/config").await.is(json!({"compatibilityLevel": "FULL"}));
}

#[tokio::test]
async fn every_level_can_be_set_in_any_case() {
    let api = registry().await;
    for level in [
        "none",
        "Backward",
        "BACKWARD_TRANSITIVE",
        "forward",
        "forward_transitive",
        "FULL",
        "Full_Transitive",
    ] {
        set_level(&api, level).await;
        let config = json!({"compatibilityLevel": level.to_uppercase()});
        api.get("/config").await.is(config);
    }
}

#[tokio::test]
async fn an_unknown_level_is_42203() {
    let api = registry().await;
    for level in ["SIDEWAYS", ""] {
        let update = json!({"compatibility": level});
        api.put("/config", &update).await.is_error(422, 42203, INVALID_LEVEL);
        api.put("/config/orders", &update).await.is_error(422, 42203, INVALID_LEVEL);
    }
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

#[tokio::test]
async fn a_field_that_is_absent_stays_as_it_is() {
    let api = registry().await;
    api.put("/config", &json!({"compatibility": "FULL", "normalize": true})).await;
    api.put("/config", &json!({"compatibility": "NONE"})).await;
    api.get("/config").await.is(json!({"normalize": true, "compatibilityLevel": "NONE"}));
    api.put("/config", &json!({"normalize": false})).await;
    api.get("/config").await.is(json!({"normalize": false, "compatibilityLevel": "NONE"}));
    api.put("/config", &json!({})).await.is(json!({}));
    api.get("/config").await.is(json!({"normalize": false, "compatibilityLevel": "NONE"}));
}

#[tokio::test]
async fn a_field_that_is_null_is_cleared() {
    let api = registry().await;
    api.put("/config", &json!({"compatibility": "FULL", "normalize": true})).await;
    api.put("/config", &json!({"normalize": null})).await;
    api.get("/config").await.is(json!({"compatibilityLevel": "FULL"}));
    api.put("/config", &json!({"compatibility": null})).await;
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

#[tokio::test]
async fn unknown_properties_of_a_config_are_ignored() {
    let api = registry().await;
    let answer = api.put("/config", &json!({"compatibility": "FULL", "color": "green"})).await;
    answer.is(json!({"compatibility": "FULL"}));
}

#[tokio::test]
async fn deleting_the_global_config_answers_it_and_restores_the_default() {
    let api = registry().await;
    set_level(&api, "FULL").await;
    api.delete("/config").await.is(json!({"compatibilityLevel": "FULL"}));
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

// /config/{subject}

#[tokio::test]
async fn a_subject_without_config_is_40408() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let text = "Subject 'orders' does not have subject-level compatibility configured";
    api.get("/config/orders").await.is_error(404, 40408, text);
    api.get("/config/orders?defaultToGlobal=false").await.is_error(404, 40408, text);
}

#[tokio::test]
async fn a_subject_without_config_has_the_global_one_if_asked_so() {
    let api = registry().await;
    let path = "/config/orders?defaultToGlobal=true";
    api.get(path).await.is(json!({"compatibilityLevel": "BACKWARD"}));
    set_level(&api, "FULL").await;
    api.get(path).await.is(json!({"compatibilityLevel": "FULL"}));
}

#[tokio::test]
async fn a_subject_need_not_be_there_to_be_configured() {
    let api = registry().await;
    let update = json!({"compatibility": "FORWARD"});
    api.put("/config/orders", &update).await.is(update);
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "FORWARD"}));
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    api.get("/subjects").await.is(json!([]));
}

#[tokio::test]
async fn a_subjects_config_lies_over_the_global_one() {
    let api = registry().await;
    api.put("/config", &json!({"normalize": true})).await;
    api.put("/config/orders", &json!({"compatibility": "FORWARD"})).await;
    let merged = json!({"normalize": true, "compatibilityLevel": "FORWARD"});
    api.get("/config/orders").await.is(merged);
}

#[tokio::test]
async fn fields_of_a_subjects_config_are_kept_and_cleared_one_by_one() {
    let api = registry().await;
    api.put("/config/orders", &json!({"compatibility": "FULL", "normalize": true})).await;
    api.put("/config/orders", &json!({"compatibility": "NONE"})).await;
    api.get("/config/orders").await.is(json!({"normalize": true, "compatibilityLevel": "NONE"}));
    api.put("/config/orders", &json!({"normalize": null})).await;
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "NONE"}));
}

#[tokio::test]
async fn deleting_a_subjects_config_answers_it_and_restores_the_global_one() {
    let api = registry().await;
    api.put("/config/orders", &json!({"compatibility": "FULL"})).await;
    api.delete("/config/orders").await.is(json!({"compatibilityLevel": "FULL"}));
    assert_eq!(api.get("/config/orders").await.json["error_code"], 40408);
}

#[tokio::test]
async fn deleting_a_subjects_config_that_is_not_there_is_40401() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let answer = api.delete("/config/orders").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
}

#[tokio::test]
async fn a_config_for_no_subject_is_42208() {
    let api = registry().await;
    let answer = api.put("/config/__GLOBAL", &json!({"compatibility": "FULL"})).await;
    answer.is_error(422, 42208, "The specified subject '__GLOBAL' is not a valid.");
}
