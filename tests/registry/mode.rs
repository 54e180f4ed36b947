//! `/mode`

use serde_json::json;
use weir_tests::{Api, registry};

use crate::fixtures::*;

const INVALID_MODE: &str =
    "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.";

// /mode

#[tokio::test]
async fn the_default_mode_is_readwrite() {
    let api = registry().await;
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
    api.get("/mode?defaultToGlobal=true").await.is(json!({"mode": "READWRITE"}));
}

#[tokio::test]
async fn setting_a_mode_echoes_it() {
    let api = registry().await;
    for mode in ["READONLY", "READONLY_OVERRIDE", "READWRITE"] {
        api.put("/mode", &json!({"mode": mode})).await.is(json!({"mode": mode}));
        api.get("/mode").await.is(json!({"mode": mode}));
    }
}

#[tokio::test]
async fn a_mode_may_be_forced() {
    let api = registry().await;
    let answer = api.put("/mode?force=true", &json!({"mode": "READONLY"})).await;
    answer.is(json!({"mode": "READONLY"}));
}

#[tokio::test]
async fn an_unknown_mode_is_42204() {
    let api = registry().await;
    for mode in ["WRITEONLY", ""] {
        let update = json!({"mode": mode});
        api.put("/mode", &update).await.is_error(422, 42204, INVALID_MODE);
        api.put("/mode/orders", &update).await.is_error(422, 42204, INVALID_MODE);
    }
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
}

#[tokio::test]
async fn the_mode_null_is_none() {
    let api = registry().await;
    set_mode(&api, "/mode", "READONLY").await;
    assert_eq!(api.put("/mode", &json!({"mode": null})).await.status, 200);
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
}

#[tokio::test]
async fn deleting_the_global_mode_answers_it_and_restores_readwrite() {
    let api = registry().await;
    set_mode(&api, "/mode", "READONLY").await;
    api.delete("/mode").await.is(json!({"mode": "READONLY"}));
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
}

#[tokio::test]
async fn only_a_recursive_delete_of_the_global_mode_clears_the_subjects_own() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    set_mode(&api, "/mode/orders", "READONLY").await;
    set_mode(&api, "/mode", "READONLY").await;
    api.delete("/mode").await.is(json!({"mode": "READONLY"}));
    api.get("/mode/orders").await.is(json!({"mode": "READONLY"}));
    set_mode(&api, "/mode", "READONLY").await;
    api.delete("/mode?recursive=true").await.is(json!({"mode": "READONLY"}));
    assert_eq!(api.get("/mode/orders").await.json["error_code"], 40409);
}

#[tokio::test]
async fn a_recursive_delete_clears_the_modes_of_subjects_without_versions_too() {
    let api = registry().await;
    set_mode(&api, "/mode/orders", "READONLY").await;
    assert_eq!(api.delete("/mode?recursive=true").await.status, 200);
    assert_eq!(api.get("/mode/orders").await.json["error_code"], 40409);
}

// /mode/{subject}

#[tokio::test]
async fn a_subject_without_mode_is_40409() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let text = "Subject 'orders' does not have subject-level mode configured";
    api.get("/mode/orders").await.is_error(404, 40409, text);
    api.get("/mode/orders?defaultToGlobal=false").await.is_error(404, 40409, text);
}

#[tokio::test]
async fn a_subject_without_mode_has_the_global_one_if_asked_so() {
    let api = registry().await;
    set_mode(&api, "/mode", "READONLY").await;
    api.get("/mode/orders?defaultToGlobal=true").await.is(json!({"mode": "READONLY"}));
}

#[tokio::test]
async fn a_subject_need_not_be_there_to_have_a_mode() {
    let api = registry().await;
    let update = json!({"mode": "READONLY"});
    api.put("/mode/orders", &update).await.is(update.clone());
    api.get("/mode/orders").await.is(update);
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
    api.get("/subjects").await.is(json!([]));
}

#[tokio::test]
async fn the_mode_null_of_a_subject_is_none() {
    let api = registry().await;
    set_mode(&api, "/mode/orders", "READONLY").await;
    assert_eq!(api.put("/mode/orders", &json!({"mode": null})).await.status, 200);
    assert_eq!(api.get("/mode/orders").await.json["error_code"], 40409);
}

#[tokio::test]
async fn deleting_a_subjects_mode_answers_it_and_restores_the_global_one() {
    let api = registry().await;
    set_mode(&api, "/mode/orders", "READONLY").await;
    api.delete("/mode/orders").await.is(json!({"mode": "READONLY"}));
    assert_eq!(api.get("/mode/orders").await.json["error_code"], 40409);
}

#[tokio::test]
async fn deleting_a_subjects_mode_that_is_not_there_is_40401_unless_recursive() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let answer = api.delete("/mode/orders").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
    assert_eq!(api.delete("/mode/orders?recursive=true").await.status, 200);
}

#[tokio::test]
async fn a_mode_for_no_subject_is_42208() {
    let api = registry().await;
    let answer = api.put("/mode/__GLOBAL", &json!({"mode": "READONLY"})).await;
    answer.is_error(422, 42208, "The specified subject '__GLOBAL' is not a valid.");
}

// What READONLY means

const READ_ONLY: &str = "Subject orders in context  is in read-only mode";

/// `orders` with `ORDER` and soft-deleted `ORDER_NOTE`, and a mode at `path`.
async fn orders_in_mode(path: &str, mode: &str) -> Api {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    soft_delete(&api, "orders/versions/2").await;
    set_mode(&api, path, mode).await;
    api
}

#[tokio::test]
async fn a_read_only_subject_takes_no_schema_42205() {
    for (path, mode) in
        [("/mode/orders", "READONLY"), ("/mode", "READONLY"), ("/mode", "READONLY_OVERRIDE")]
    {
        let api = orders_in_mode(path, mode).await;
        let answer = api.post("/subjects/orders/versions", &body(ORDER_NOTE)).await;
        answer.is_error(422, 42205, READ_ONLY);
    }
}

#[tokio::test]
async fn a_read_only_subject_still_answers_registrations_of_what_it_has() {
    let api = orders_in_mode("/mode/orders", "READONLY").await;
    assert_eq!(register(&api, "orders", ORDER).await, 1);
}

#[tokio::test]
async fn a_read_only_subject_loses_nothing_42205() {
    let api = orders_in_mode("/mode/orders", "READONLY").await;
    for path in [
        "/subjects/orders",
        "/subjects/orders?permanent=true",
        "/subjects/orders/versions/1",
        "/subjects/orders/versions/2?permanent=true",
        "/config/orders",
    ] {
        api.delete(path).await.is_error(422, 42205, READ_ONLY);
    }
    api.get("/subjects/orders/versions?deletedAsNegative=true").await.is(json!([1, -2]));
}

#[tokio::test]
async fn a_read_only_subject_keeps_its_config_42205() {
    let api = orders_in_mode("/mode/orders", "READONLY").await;
    let answer = api.put("/config/orders", &json!({"compatibility": "NONE"})).await;
    answer.is_error(422, 42205, READ_ONLY);
}

#[tokio::test]
async fn a_read_only_registry_keeps_its_config_42205() {
    let api = registry().await;
    set_mode(&api, "/mode", "READONLY").await;
    let put = api.put("/config", &json!({"compatibility": "NONE"})).await;
    assert_eq!((put.status.as_u16(), &put.json["error_code"]), (422, &json!(42205)));
    let delete = api.delete("/config").await;
    assert_eq!((delete.status.as_u16(), &delete.json["error_code"]), (422, &json!(42205)));
}

#[tokio::test]
async fn a_read_only_subject_is_read() {
    let api = orders_in_mode("/mode/orders", "READONLY").await;
    assert_eq!(api.get("/subjects/orders/versions/latest").await.status, 200);
    assert_eq!(api.post("/subjects/orders", &body(ORDER)).await.status, 200);
    let path = "/compatibility/subjects/orders/versions";
    assert_eq!(api.post(path, &body(ORDER_NOTE)).await.status, 200);
}

#[tokio::test]
async fn a_subjects_own_mode_wins_over_the_global_one() {
    let api = orders_in_mode("/mode", "READONLY").await;
    set_mode(&api, "/mode/orders", "READWRITE").await;
    assert_eq!(register(&api, "orders", ORDER_NOTE).await, 2);
}

#[tokio::test]
async fn other_subjects_of_a_read_only_one_are_written() {
    let api = orders_in_mode("/mode/orders", "READONLY").await;
    assert_eq!(register(&api, "flights", FLIGHT).await, 3);
}

#[tokio::test]
async fn a_read_only_mode_can_be_left() {
    let api = orders_in_mode("/mode", "READONLY").await;
    set_mode(&api, "/mode", "READWRITE").await;
    assert_eq!(register(&api, "orders", ORDER_NOTE).await, 2);
}
