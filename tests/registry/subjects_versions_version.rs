//! `/subjects/{subject}/versions/{version}` and what is below

use serde_json::json;
use weir_tests::{Api, registry};

use crate::fixtures::*;

/// `orders` with `ORDER` and `ORDER_NOTE`.
async fn two_orders() -> Api {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    api
}

const INVALID_VERSIONS: [&str; 5] = ["0", "-2", "abc", "1.0", "2147483648"];

fn invalid_version(version: &str) -> String {
    format!(
        "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
    )
}

// GET

#[tokio::test]
async fn a_version_is_got_by_its_number() {
    let api = two_orders().await;
    api.get("/subjects/orders/versions/1").await.is(json!({"subject": "orders", "version": 1,
        "id": 1, "guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER}));
}

#[tokio::test]
async fn the_latest_version_has_many_names() {
    let api = two_orders().await;
    for name in ["2", "latest", "LATEST", "%20latest%20", "-1"] {
        let answer = api.get(&format!("/subjects/orders/versions/{name}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(2)), "{name}");
        assert_eq!(answer.json["schema"], ORDER_NOTE);
    }
}

#[tokio::test]
async fn the_latest_version_follows_registrations_and_deletions() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    assert_eq!(api.get("/subjects/orders/versions/latest").await.json["version"], 1);
    register(&api, "orders", ORDER_NOTE).await;
    assert_eq!(api.get("/subjects/orders/versions/latest").await.json["version"], 2);
    soft_delete(&api, "orders/versions/2").await;
    assert_eq!(api.get("/subjects/orders/versions/latest").await.json["version"], 1);
}

#[tokio::test]
async fn a_version_of_an_unknown_subject_is_40401() {
    let api = registry().await;
    for version in ["1", "latest", "-1"] {
        let answer = api.get(&format!("/subjects/orders/versions/{version}")).await;
        answer.is_error(404, 40401, "Subject 'orders' not found.");
    }
}

#[tokio::test]
async fn an_unknown_version_is_40402() {
    let api = two_orders().await;
    let answer = api.get("/subjects/orders/versions/3").await;
    answer.is_error(404, 40402, "Version 3 not found.");
}

#[tokio::test]
async fn what_is_no_version_is_42202() {
    let api = two_orders().await;
    for version in INVALID_VERSIONS {
        let text = invalid_version(version);
        let path = format!("/subjects/orders/versions/{version}");
        api.get(&path).await.is_error(422, 42202, &text);
        api.get(&format!("{path}/schema")).await.is_error(422, 42202, &text);
        api.get(&format!("{path}/referencedby")).await.is_error(422, 42202, &text);
        api.delete(&path).await.is_error(422, 42202, &text);
    }
}

#[tokio::test]
async fn a_soft_deleted_version_is_got_only_if_asked_for() {
    let api = two_orders().await;
    soft_delete(&api, "orders/versions/1").await;
    let answer = api.get("/subjects/orders/versions/1").await;
    answer.is_error(404, 40402, "Version 1 not found.");
    api.get("/subjects/orders/versions/1?deleted=true").await.is(json!({"subject": "orders",
        "version": 1, "id": 1, "guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER,
        "deleted": true}));
}

#[tokio::test]
async fn the_latest_version_is_never_a_deleted_one() {
    let api = two_orders().await;
    soft_delete(&api, "orders/versions/2").await;
    let answer = api.get("/subjects/orders/versions/latest?deleted=true").await;
    assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(1)));
}

#[tokio::test]
async fn the_latest_version_of_a_soft_deleted_subject_is_40401() {
    let api = two_orders().await;
    soft_delete(&api, "orders").await;
    let answer = api.get("/subjects/orders/versions/latest").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
}

#[tokio::test]
async fn the_latest_version_of_a_soft_deleted_subject_is_40402_if_deleted_ones_are_asked_for() {
    let api = two_orders().await;
    soft_delete(&api, "orders").await;
    let answer = api.get("/subjects/orders/versions/latest?deleted=true").await;
    answer.is_error(404, 40402, "Version -1 not found.");
}

#[tokio::test]
async fn a_version_shows_its_references() {
    let api = registry().await;
    register_payment(&api).await;
    for version in ["1", "latest"] {
        let answer = api.get(&format!("/subjects/payments/versions/{version}")).await;
        assert_eq!(answer.json["schema"], PAYMENT);
        assert_eq!(answer.json["references"], payment(1)["references"]);
    }
}

#[tokio::test]
async fn a_resolved_version_holds_its_references() {
    let api = registry().await;
    register_payment(&api).await;
    let plain = api.get("/subjects/payments/versions/1").await;
    for version in ["1", "latest"] {
        let path = format!("/subjects/payments/versions/{version}?format=resolved");
        let resolved = api.get(&path).await;
        assert_eq!(resolved.json["schema"], PAYMENT_RESOLVED);
        assert_eq!(resolved.json["guid"], plain.json["guid"]);
    }
}

#[tokio::test]
async fn an_unknown_format_means_the_canonical_text() {
    let api = registry().await;
    register_payment(&api).await;
    for format in ["default", "serialized", "ddl"] {
        let answer = api.get(&format!("/subjects/payments/versions/1?format={format}")).await;
        assert_eq!(answer.json["schema"], PAYMENT);
    }
}

// GET /schema

#[tokio::test]
async fn the_text_of_a_version_is_the_body() {
    let api = two_orders().await;
    let answer = api.get("/subjects/orders/versions/1/schema").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ORDER));
    assert_eq!(answer.headers["content-type"], "application/vnd.schemaregistry.v1+json");
    assert_eq!(api.get("/subjects/orders/versions/latest/schema").await.text, ORDER_NOTE);
}

#[tokio::test]
async fn the_text_of_a_version_may_be_resolved() {
    let api = registry().await;
    register_payment(&api).await;
    let path = "/subjects/payments/versions/1/schema";
    assert_eq!(api.get(path).await.text, PAYMENT);
    assert_eq!(api.get(&format!("{path}?format=resolved")).await.text, PAYMENT_RESOLVED);
}

#[tokio::test]
async fn the_text_of_a_soft_deleted_version_is_got_only_if_asked_for() {
    let api = two_orders().await;
    soft_delete(&api, "orders/versions/1").await;
    let path = "/subjects/orders/versions/1/schema";
    api.get(path).await.is_error(404, 40402, "Version 1 not found.");
    assert_eq!(api.get(&format!("{path}?deleted=true")).await.text, ORDER);
}

#[tokio::test]
async fn the_text_of_what_is_not_there_is_40401_or_40402() {
    let api = two_orders().await;
    let answer = api.get("/subjects/flights/versions/1/schema").await;
    answer.is_error(404, 40401, "Subject 'flights' not found.");
    let answer = api.get("/subjects/orders/versions/3/schema").await;
    answer.is_error(404, 40402, "Version 3 not found.");
}

// GET /referencedby

#[tokio::test]
async fn a_version_knows_the_ids_that_refer_to_it() {
    let api = registry().await;
    register_payment(&api).await;
    let refund = json!({"schema": PAYMENT.replace("Payment", "Refund"),
        "references": payment(1)["references"]});
    register_body(&api, "refunds", &refund).await;
    for version in ["1", "latest", "-1"] {
        let path = format!("/subjects/money/versions/{version}/referencedby");
        api.get(&path).await.is(json!([2, 3]));
    }
    api.get("/subjects/payments/versions/1/referencedby").await.is(json!([]));
}

#[tokio::test]
async fn a_schema_that_refers_from_two_subjects_counts_once() {
    let api = registry().await;
    register_payment(&api).await;
    register_body(&api, "archived-payments", &payment(1)).await;
    api.get("/subjects/money/versions/1/referencedby").await.is(json!([2]));
}

#[tokio::test]
async fn soft_deleted_referrers_are_shown_only_if_asked_for() {
    let api = registry().await;
    register_payment(&api).await;
    soft_delete(&api, "payments").await;
    let path = "/subjects/money/versions/1/referencedby";
    api.get(path).await.is(json!([]));
    api.get(&format!("{path}?deleted=true")).await.is(json!([2]));
}

#[tokio::test]
async fn referrers_come_in_pages() {
    let api = registry().await;
    register_payment(&api).await;
    for name in ["Refund", "Invoice"] {
        let request = json!({"schema": PAYMENT.replace("Payment", name),
            "references": payment(1)["references"]});
        register_body(&api, &name.to_lowercase(), &request).await;
    }
    let path = "/subjects/money/versions/1/referencedby";
    api.get(&format!("{path}?limit=2")).await.is(json!([2, 3]));
    api.get(&format!("{path}?offset=1&limit=1")).await.is(json!([3]));
    api.get(&format!("{path}?limit=0")).await.is(json!([2, 3, 4]));
}

#[tokio::test]
async fn referrers_of_what_is_not_there_are_40401_or_40402() {
    let api = two_orders().await;
    let answer = api.get("/subjects/flights/versions/1/referencedby").await;
    answer.is_error(404, 40401, "Subject 'flights' not found.");
    let answer = api.get("/subjects/orders/versions/3/referencedby").await;
    answer.is_error(404, 40402, "Version 3 not found.");
}

// DELETE

#[tokio::test]
async fn a_soft_delete_of_a_version_answers_its_number() {
    let api = two_orders().await;
    api.delete("/subjects/orders/versions/1").await.is(json!(1));
    api.get("/subjects/orders/versions").await.is(json!([2]));
}

#[tokio::test]
async fn the_latest_version_can_be_soft_deleted_by_name() {
    for name in ["latest", "-1"] {
        let api = two_orders().await;
        api.delete(&format!("/subjects/orders/versions/{name}")).await.is(json!(2));
        api.get("/subjects/orders/versions").await.is(json!([1]));
    }
}

#[tokio::test]
async fn a_soft_deleted_schema_is_still_got_by_its_id() {
    let api = two_orders().await;
    soft_delete(&api, "orders/versions/1").await;
    assert_eq!(api.get("/schemas/ids/1").await.json["schema"], ORDER);
}

#[tokio::test]
async fn deleting_a_version_of_an_unknown_subject_is_40401() {
    let api = registry().await;
    for query in ["", "?permanent=true"] {
        let answer = api.delete(&format!("/subjects/orders/versions/1{query}")).await;
        answer.is_error(404, 40401, "Subject 'orders' not found.");
    }
}

#[tokio::test]
async fn deleting_an_unknown_version_is_40402() {
    let api = two_orders().await;
    for query in ["", "?permanent=true"] {
        let answer = api.delete(&format!("/subjects/orders/versions/3{query}")).await;
        answer.is_error(404, 40402, "Version 3 not found.");
    }
}

#[tokio::test]
async fn a_second_soft_delete_of_a_version_is_40406() {
    let api = two_orders().await;
    soft_delete(&api, "orders/versions/1").await;
    let text =
        "Subject 'orders' Version 1 was soft deleted.Set permanent=true to delete permanently";
    api.delete("/subjects/orders/versions/1").await.is_error(404, 40406, text);
}

#[tokio::test]
async fn hard_delete_of_a_version_before_its_soft_delete_is_40407() {
    let api = two_orders().await;
    let text = "Subject 'orders' Version 1 was not deleted first before being permanently deleted";
    api.delete("/subjects/orders/versions/1?permanent=true").await.is_error(404, 40407, text);
    api.get("/subjects/orders/versions").await.is(json!([1, 2]));
}

#[tokio::test]
async fn a_hard_delete_leaves_nothing_of_a_version() {
    let api = two_orders().await;
    soft_delete(&api, "orders/versions/1").await;
    api.delete("/subjects/orders/versions/1?permanent=true").await.is(json!(1));
    api.get("/subjects/orders/versions?deleted=true").await.is(json!([2]));
    api.get("/schemas/ids/1").await.is_error(404, 40403, "Schema 1 not found");
}

#[tokio::test]
async fn the_number_of_a_hard_deleted_version_is_not_given_again() {
    let api = two_orders().await;
    hard_delete(&api, "orders/versions/1").await;
    register(&api, "orders", ORDER).await;
    api.get("/subjects/orders/versions").await.is(json!([2, 3]));
}

#[tokio::test]
async fn config_and_mode_go_with_the_last_version() {
    let api = two_orders().await;
    api.put("/config/orders", &json!({"compatibility": "FULL"})).await;
    set_mode(&api, "/mode/orders", "READWRITE").await;
    hard_delete(&api, "orders/versions/1").await;
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "FULL"}));
    hard_delete(&api, "orders/versions/2").await;
    assert_eq!(api.get("/config/orders").await.json["error_code"], 40408);
    assert_eq!(api.get("/mode/orders").await.json["error_code"], 40409);
}

#[tokio::test]
async fn deleting_a_version_that_a_live_schema_refers_to_is_42206() {
    let api = registry().await;
    register_payment(&api).await;
    let text = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=money,version=1}.";
    api.delete("/subjects/money/versions/1").await.is_error(422, 42206, text);
    api.delete("/subjects/money/versions/latest").await.is_error(422, 42206, text);
}

#[tokio::test]
async fn a_soft_deleted_referrer_stops_only_a_hard_delete_of_the_version() {
    let api = registry().await;
    register_payment(&api).await;
    soft_delete(&api, "payments/versions/1").await;
    api.delete("/subjects/money/versions/1").await.is(json!(1));
    let text = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=money,version=1}.";
    api.delete("/subjects/money/versions/1?permanent=true").await.is_error(422, 42206, text);
    api.delete("/subjects/payments/versions/1?permanent=true").await.is(json!(1));
    api.delete("/subjects/money/versions/1?permanent=true").await.is(json!(1));
}

#[tokio::test]
async fn other_versions_of_a_referred_subject_can_be_deleted() {
    let api = registry().await;
    register_payment(&api).await;
    register(&api, "money", MONEY_RATE).await;
    api.delete("/subjects/money/versions/2").await.is(json!(2));
}
