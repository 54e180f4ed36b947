//! `/mode`

use serde_json::{Value, json};
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
    ] {
        api.delete(path).await.is_error(422, 42205, READ_ONLY);
    }
    // what is not there is said first
    let not_found = |what: &str| format!("Subject '{what}' not found.");
    set_mode(&api, "/mode/flights", "READONLY").await;
    for (path, what) in [
        ("/config/orders", "orders"),
        ("/subjects/flights", "flights"),
        ("/subjects/flights?permanent=true", "flights"),
        ("/subjects/flights/versions/1", "flights"),
    ] {
        api.delete(path).await.is_error(404, 40401, &not_found(what));
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

#[tokio::test]
async fn a_read_only_registry_has_no_subject_to_name() {
    let api = registry().await;
    set_mode(&api, "/mode", "READONLY").await;
    let answer = api.put("/config", &json!({"compatibility": "NONE"})).await;
    answer.is_error(422, 42205, "Subject null in context  is in read-only mode");
}

// What IMPORT means

/// A schema with an id and a version of somebody else's.
fn imported(schema: &str, id: i32, version: i32) -> Value {
    json!({"schema": schema, "id": id, "version": version})
}

/// A registry that imports.
async fn importing() -> Api {
    let api = registry().await;
    set_mode(&api, "/mode", "IMPORT").await;
    api
}

#[tokio::test]
async fn an_import_keeps_ids_and_versions() {
    let api = importing().await;
    let answer = api.post("/subjects/orders/versions", &imported(ORDER, 100, 7)).await;
    answer.is(json!({"id": 100, "version": 7, "guid": ORDER_GUID, "schemaType": "AVRO",
        "schema": ORDER}));
    register_body(&api, "orders", &imported(ORDER_NOTE, 90, 3)).await;
    api.get("/subjects/orders/versions").await.is(json!([3, 7]));
    assert_eq!(api.get("/schemas/ids/90/schema").await.text, ORDER_NOTE);
}

#[tokio::test]
async fn an_import_without_a_version_is_the_next_one() {
    let api = importing().await;
    register_body(&api, "orders", &imported(ORDER, 100, 7)).await;
    let request = json!({"schema": ORDER_NOTE, "id": 101});
    let answer = api.post("/subjects/orders/versions", &request).await;
    assert_eq!((&answer.json["id"], &answer.json["version"]), (&json!(101), &json!(8)));
}

#[tokio::test]
async fn ids_go_on_after_an_import() {
    let api = importing().await;
    register_body(&api, "orders", &imported(ORDER, 100, 7)).await;
    set_mode(&api, "/mode", "READWRITE").await;
    assert_eq!(register(&api, "flights", FLIGHT).await, 101);
    assert_eq!(register(&api, "orders", ORDER_NOTE).await, 102);
    api.get("/subjects/orders/versions").await.is(json!([7, 8]));
}

#[tokio::test]
async fn an_import_needs_an_id_42205() {
    let api = importing().await;
    let answer = api.post("/subjects/orders/versions", &body(ORDER)).await;
    answer.is_error(422, 42205, "Subject orders in context  is not in read-write mode");
    let answer =
        api.post("/subjects/:.eu:orders/versions", &json!({"schema": ORDER, "id": 7})).await;
    let text = "Subject :.eu:orders in context :.eu: is not in import mode";
    answer.is_error(422, 42205, text);
}

#[tokio::test]
async fn an_imported_schema_can_be_imported_again() {
    let api = importing().await;
    for _ in 0..2 {
        let request = json!({"schema": ORDER, "id": 100});
        let answer = api.post("/subjects/orders/versions", &request).await;
        assert_eq!((&answer.json["id"], &answer.json["version"]), (&json!(100), &json!(1)));
    }
    assert_eq!(register_body(&api, "returns", &imported(ORDER, 100, 5)).await, 100);
    api.get("/subjects/orders/versions").await.is(json!([1]));
}

#[tokio::test]
async fn an_id_that_another_schema_has_is_42205() {
    let api = importing().await;
    register_body(&api, "orders", &imported(ORDER, 100, 1)).await;
    for subject in ["orders", "flights"] {
        let path = format!("/subjects/{subject}/versions");
        let answer = api.post(&path, &imported(FLIGHT, 100, 2)).await;
        let text = "Overwrite new schema with id 100 in context  is not permitted.";
        answer.is_error(422, 42205, text);
    }
    set_mode(&api, "/mode/:.eu:", "IMPORT").await;
    register_body(&api, ":.eu:orders", &imported(FLIGHT, 100, 1)).await;
    let answer = api.post("/subjects/:.eu:orders/versions", &imported(ORDER, 100, 2)).await;
    let text = "Overwrite new schema with id 100 in context :.eu: is not permitted.";
    answer.is_error(422, 42205, text);
}

#[tokio::test]
async fn another_id_for_a_version_is_42207() {
    let api = importing().await;
    register_body(&api, "orders", &imported(ORDER, 100, 1)).await;
    let text = "The ID of an imported schema does not match the existing ID";
    for schema in [ORDER, ORDER_NOTE] {
        let answer = api.post("/subjects/orders/versions", &imported(schema, 101, 1)).await;
        answer.is_error(422, 42207, text);
    }
    assert_eq!(api.get("/subjects/orders/versions/1").await.json["id"], 100);
}

#[tokio::test]
async fn an_import_is_taken_as_it_is() {
    let api = importing().await;
    api.put("/config", &json!({"normalize": true, "compatibility": "FULL"})).await;
    register_body(&api, "seats", &imported(UNSORTED, 1, 1)).await;
    assert_eq!(api.get("/schemas/ids/1/schema").await.text, UNSORTED);
    // neither compatible nor, by the rules for new schemas, valid
    let no_default = ORDER.replace(r#""long"}"#, r#""long","default":"none"}"#);
    register_body(&api, "seats", &imported(&no_default, 2, 2)).await;
    api.get("/subjects/seats/versions").await.is(json!([1, 2]));
}

#[tokio::test]
async fn an_import_begins_where_nothing_is_42205() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, ":.eu:orders", ORDER).await;
    let text = "Cannot import since found existing subjects";
    for path in ["/mode", "/mode/orders", "/mode/:.eu:", "/mode/:.eu:orders", "/mode/:.__GLOBAL:"] {
        api.put(path, &json!({"mode": "IMPORT"})).await.is_error(422, 42205, text);
    }
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
    set_mode(&api, "/mode/flights", "IMPORT").await;
    set_mode(&api, "/mode/:.us:", "IMPORT").await;
    assert_eq!(register(&api, "orders", ORDER_NOTE).await, 2);
}

#[tokio::test]
async fn subjects_of_other_contexts_do_not_stop_an_import() {
    let api = registry().await;
    register(&api, ":.eu:orders", ORDER).await;
    set_mode(&api, "/mode", "IMPORT").await;
    set_mode(&api, "/mode/:.us:", "IMPORT").await;
    register_body(&api, "orders", &imported(ORDER, 100, 7)).await;
}

#[tokio::test]
async fn an_import_may_be_forced_to_begin_beside_what_is_there() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "flights", FLIGHT).await;
    soft_delete(&api, "flights").await;
    let answer = api.put("/mode?force=true", &json!({"mode": "IMPORT"})).await;
    answer.is(json!({"mode": "IMPORT"}));
    register_body(&api, "orders", &imported(ORDER_NOTE, 100, 7)).await;
    api.get("/subjects/orders/versions").await.is(json!([1, 7]));
    api.get("/subjects?deleted=true").await.is(json!(["flights", "orders"]));
}

#[tokio::test]
async fn an_import_goes_on_beside_what_it_has_imported() {
    let api = importing().await;
    register_body(&api, "orders", &imported(ORDER, 100, 7)).await;
    set_mode(&api, "/mode", "IMPORT").await;
    set_mode(&api, "/mode/orders", "IMPORT").await;
    api.get("/subjects/orders/versions").await.is(json!([7]));
}

#[tokio::test]
async fn an_import_clears_what_is_soft_deleted() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    register(&api, "money", MONEY).await;
    register_body(&api, "payments", &payment(1)).await;
    for subject in ["payments", "money", "orders"] {
        soft_delete(&api, subject).await;
    }
    set_mode(&api, "/mode", "IMPORT").await;
    api.get("/subjects?deleted=true").await.is(json!([]));
    assert_eq!(api.get("/schemas/ids/1").await.status, 404);
    register_body(&api, "orders", &imported(FLIGHT, 1, 1)).await;
    assert_eq!(api.get("/schemas/ids/1/schema").await.text, FLIGHT);
}

#[tokio::test]
async fn an_import_clears_its_own_scope_alone() {
    let api = registry().await;
    for subject in ["orders", "flights", ":.eu:orders"] {
        register(&api, subject, ORDER).await;
        soft_delete(&api, subject).await;
    }
    set_mode(&api, "/mode/orders", "IMPORT").await;
    api.get("/subjects?deleted=true").await.is(json!([":.eu:orders", "flights"]));
    set_mode(&api, "/mode/:.eu:", "IMPORT").await;
    api.get("/subjects?deleted=true").await.is(json!(["flights"]));
}

#[tokio::test]
async fn an_import_does_not_clear_what_others_refer_to_42206() {
    let api = registry().await;
    register_payment(&api).await;
    soft_delete(&api, "payments").await;
    soft_delete(&api, "money").await;
    let text = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=money,version=1}.";
    api.put("/mode/money", &json!({"mode": "IMPORT"})).await.is_error(422, 42206, text);
    api.get("/subjects?deleted=true").await.is(json!(["money", "payments"]));
}

// What FORWARD means

#[tokio::test]
async fn forward_is_for_all_contexts_alone_42204() {
    let api = registry().await;
    for path in ["/mode", "/mode/orders", "/mode/:.eu:", "/mode/:.eu:orders"] {
        let answer = api.put(path, &json!({"mode": "FORWARD"})).await;
        answer.is_error(422, 42204, "Forward mode only supported on global level");
    }
    set_mode(&api, "/mode/:.__GLOBAL:", "FORWARD").await;
    api.get("/mode/:.__GLOBAL:").await.is(json!({"mode": "FORWARD"}));
    api.get("/mode/orders?defaultToGlobal=true").await.is(json!({"mode": "FORWARD"}));
}

#[tokio::test]
async fn what_is_forwarded_has_ids_of_somebody_elses() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    set_mode(&api, "/mode/:.__GLOBAL:", "FORWARD").await;
    for subject in ["flights", ":.eu:flights"] {
        let path = format!("/subjects/{subject}/versions");
        let answer = api.post(&path, &body(FLIGHT)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42205)));
        let answer = api.post(&path, &imported(FLIGHT, 100, 7)).await;
        assert_eq!((&answer.json["id"], &answer.json["version"]), (&json!(100), &json!(7)));
    }
}

// Modes within modes

#[tokio::test]
async fn a_subjects_mode_comes_before_its_contexts_and_that_before_all_contexts() {
    let api = registry().await;
    let mode = async |mode: &str| {
        api.get("/mode/:.eu:orders?defaultToGlobal=true").await.is(json!({"mode": mode}));
    };
    set_mode(&api, "/mode/:.__GLOBAL:", "READONLY_OVERRIDE").await;
    mode("READONLY_OVERRIDE").await;
    set_mode(&api, "/mode/:.eu:", "IMPORT").await;
    mode("IMPORT").await;
    set_mode(&api, "/mode/:.eu:orders", "READONLY").await;
    mode("READONLY").await;
}

#[tokio::test]
async fn a_recursive_delete_clears_the_modes_within_alone() {
    let api = registry().await;
    let paths = ["/mode", "/mode/orders", "/mode/:.eu:", "/mode/:.eu:orders", "/mode/:.us:orders"];
    let set_all = async || {
        for path in paths {
            set_mode(&api, path, "READONLY").await;
        }
    };
    let left = async || {
        let mut left = Vec::new();
        for path in &paths[1..] {
            let answer = api.get(path).await;
            left.extend((answer.status == 200).then_some(*path));
        }
        left
    };
    set_all().await;
    api.delete("/mode/:.eu:?recursive=true").await.is(json!({"mode": "READONLY"}));
    assert_eq!(left().await, ["/mode/orders", "/mode/:.us:orders"]);
    set_all().await;
    api.delete("/mode?recursive=true").await.is(json!({"mode": "READONLY"}));
    assert_eq!(left().await, ["/mode/:.eu:", "/mode/:.eu:orders", "/mode/:.us:orders"]);
    set_all().await;
    set_mode(&api, "/mode/:.__GLOBAL:", "READONLY").await;
    api.delete("/mode/:.__GLOBAL:?recursive=true").await.is(json!({"mode": "READONLY"}));
    assert!(left().await.is_empty());
}
