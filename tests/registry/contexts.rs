//! `/contexts`, everything below it, and qualified names

use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{Api, REGISTRY_JSON, registry};

use crate::fixtures::*;

/// `orders` with `ORDER` and `ORDER_NOTE` in the default context; in `.eu` `flights` with `FLIGHT`
/// and `orders` with `ORDER`.
async fn two_contexts() -> Api {
    let api = registry().await;
    assert_eq!(register(&api, "orders", ORDER).await, 1);
    assert_eq!(register(&api, "orders", ORDER_NOTE).await, 2);
    assert_eq!(register(&api, ":.eu:flights", FLIGHT).await, 1);
    assert_eq!(register(&api, ":.eu:orders", ORDER).await, 2);
    api
}

// GET /contexts

#[tokio::test]
async fn there_is_always_the_default_context() {
    registry().await.get("/contexts").await.is(json!(["."]));
}

#[tokio::test]
async fn a_context_is_there_from_its_first_schema_on() {
    let api = registry().await;
    api.put("/config/:.eu:", &json!({"compatibility": "FULL"})).await;
    api.get("/contexts").await.is(json!(["."]));
    register(&api, ":.us:orders", ORDER).await;
    register(&api, ":.eu:orders", ORDER).await;
    api.get("/contexts").await.is(json!([".", ".eu", ".us"]));
}

#[tokio::test]
async fn a_context_stays_without_its_subjects() {
    let api = two_contexts().await;
    hard_delete(&api, ":.eu:orders").await;
    hard_delete(&api, ":.eu:flights").await;
    api.get("/contexts").await.is(json!([".", ".eu"]));
}

#[tokio::test]
async fn contexts_come_in_pages_and_by_prefix() {
    let api = registry().await;
    for context in ["eu", "eu-north", "us"] {
        register(&api, &format!(":.{context}:orders"), ORDER).await;
    }
    api.get("/contexts?limit=2").await.is(json!([".", ".eu"]));
    api.get("/contexts?offset=1&limit=2").await.is(json!([".eu", ".eu-north"]));
    api.get("/contexts?offset=3").await.is(json!([".us"]));
    api.get("/contexts?offset=4").await.is(json!([]));
    for limit in ["0", "-1"] {
        let all = json!([".", ".eu", ".eu-north", ".us"]);
        api.get(&format!("/contexts?limit={limit}")).await.is(all);
    }
    api.get("/contexts?contextPrefix=.eu").await.is(json!([".eu", ".eu-north"]));
    api.get("/contexts?contextPrefix=.eu&offset=1").await.is(json!([".eu-north"]));
    api.get("/contexts?contextPrefix=.asia").await.is(json!([]));
}

// DELETE /contexts/{context}

#[tokio::test]
async fn deleting_a_context_without_subjects_is_204() {
    let api = two_contexts().await;
    hard_delete(&api, ":.eu:orders").await;
    hard_delete(&api, ":.eu:flights").await;
    let answer = api.delete("/contexts/.eu").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    api.get("/contexts").await.is(json!(["."]));
}

#[tokio::test]
async fn deleting_an_unknown_context_is_204() {
    let api = registry().await;
    assert_eq!(api.delete("/contexts/.eu").await.status, 204);
    assert_eq!(api.delete("/contexts/eu").await.status, 204);
}

#[tokio::test]
async fn deleting_a_context_that_has_a_subject_is_42211() {
    let api = two_contexts().await;
    let text = "The specified context ':.eu:' is not empty.";
    for name in [".eu", "eu"] {
        api.delete(&format!("/contexts/{name}")).await.is_error(422, 42211, text);
    }
    soft_delete(&api, ":.eu:orders").await;
    hard_delete(&api, ":.eu:flights").await;
    api.delete("/contexts/.eu").await.is_error(422, 42211, text);
    api.get("/contexts").await.is(json!([".", ".eu"]));
}

#[tokio::test]
async fn a_deleted_context_can_begin_again() {
    let api = two_contexts().await;
    hard_delete(&api, ":.eu:orders").await;
    hard_delete(&api, ":.eu:flights").await;
    assert_eq!(api.delete("/contexts/.eu").await.status, 204);
    register(&api, ":.eu:orders", ORDER).await;
    api.get("/contexts").await.is(json!([".", ".eu"]));
}

// Qualified names

#[tokio::test]
async fn a_qualified_name_is_a_subject_of_a_context() {
    let api = two_contexts().await;
    api.get("/subjects/:.eu:orders/versions").await.is(json!([1]));
    api.get("/subjects/:.eu:orders/versions/1").await.is(json!({"subject": ":.eu:orders",
        "version": 1, "id": 2, "guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER}));
    api.get("/subjects/orders/versions").await.is(json!([1, 2]));
    let answer = api.get("/subjects/:.us:orders/versions/1").await;
    answer.is_error(404, 40401, "Subject ':.us:orders' not found.");
}

#[tokio::test]
async fn the_default_context_need_not_be_named() {
    let api = registry().await;
    register(&api, ":.:orders", ORDER).await;
    api.get("/subjects").await.is(json!(["orders"]));
    api.get("/contexts").await.is(json!(["."]));
    api.get("/subjects/:.:orders/versions/1").await.is(json!({"subject": "orders", "version": 1,
        "id": 1, "guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER}));
}

#[tokio::test]
async fn subjects_of_all_contexts_are_listed_unless_one_is_asked_for() {
    let api = two_contexts().await;
    for (query, subjects) in [
        ("", json!([":.eu:flights", ":.eu:orders", "orders"])),
        ("?subjectPrefix=:*:", json!([":.eu:flights", ":.eu:orders", "orders"])),
        ("?subjectPrefix=:*:ord", json!([":.eu:orders", "orders"])),
        ("?subjectPrefix=:.eu:", json!([":.eu:flights", ":.eu:orders"])),
        ("?subjectPrefix=:.eu:ord", json!([":.eu:orders"])),
        ("?subjectPrefix=:.:", json!(["orders"])),
        ("?subjectPrefix=ord", json!(["orders"])),
        ("?subjectPrefix=:.us:", json!([])),
    ] {
        api.get(&format!("/subjects{query}")).await.is(subjects);
    }
}

#[tokio::test]
async fn schemas_of_the_default_context_are_listed_unless_others_are_asked_for() {
    let api = two_contexts().await;
    for (query, expected) in [
        ("", vec!["orders", "orders"]),
        ("?subjectPrefix=:.eu:", vec![":.eu:flights", ":.eu:orders"]),
        ("?subjectPrefix=:.eu:fl", vec![":.eu:flights"]),
        ("?subjectPrefix=:*:", vec![":.eu:flights", ":.eu:orders", "orders", "orders"]),
        ("?subjectPrefix=:*:ord&latestOnly=true", vec![":.eu:orders", "orders"]),
    ] {
        let answer = api.get(&format!("/schemas{query}")).await;
        let subjects: Vec<&str> = answer
            .json
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["subject"].as_str().unwrap())
            .collect();
        assert_eq!(subjects, expected, "{query}");
    }
}

#[tokio::test]
async fn errors_name_the_context() {
    let api = two_contexts().await;
    let answer = api.get("/subjects/:.eu:payments/versions").await;
    answer.is_error(404, 40401, "Subject ':.eu:payments' not found.");
    set_mode(&api, "/mode/:.eu:", "READONLY").await;
    let answer = api.post("/subjects/:.eu:orders/versions", &body(ORDER_NOTE)).await;
    answer.is_error(422, 42205, "Subject :.eu:orders in context :.eu: is in read-only mode");
}

// Ids

#[tokio::test]
async fn each_context_has_ids_of_its_own() {
    let api = two_contexts().await;
    assert_eq!(register(&api, ":.us:flights", FLIGHT).await, 1);
    assert_eq!(register(&api, "flights", FLIGHT).await, 3);
    assert_eq!(register(&api, ":.eu:returns", ORDER).await, 2);
    for (query, schema) in [
        ("1", ORDER),
        ("1?subject=:.:", ORDER),
        ("1?subject=:.eu:", FLIGHT),
        ("2?subject=:.eu:", ORDER),
        ("2?subject=:.eu:orders", ORDER),
        ("1?subject=:.us:", FLIGHT),
    ] {
        assert_eq!(
            api.get(&format!("/schemas/ids/{query}")).await.json["schema"],
            schema,
            "{query}"
        );
    }
    let answer = api.get("/schemas/ids/3?subject=:.eu:").await;
    answer.is_error(404, 40403, "Schema 3 not found");
    assert_eq!(api.get("/schemas/ids/1/schema?subject=:.eu:").await.text, FLIGHT);
    api.get("/schemas/ids/1/subjects?subject=:.eu:").await.is(json!([":.eu:flights"]));
    let version = json!({"subject": ":.eu:flights", "version": 1});
    api.get("/schemas/ids/1/versions?subject=:.eu:").await.is(json!([version]));
}

#[tokio::test]
async fn each_context_has_a_highest_id_of_its_own() {
    let api = two_contexts().await;
    register(&api, "flights", FLIGHT).await;
    assert_eq!(api.get("/schemas/ids/1?fetchMaxId=true").await.json["maxId"], 3);
    let path = "/schemas/ids/1?subject=:.eu:&fetchMaxId=true";
    assert_eq!(api.get(path).await.json["maxId"], 2);
}

#[tokio::test]
async fn a_guid_is_the_same_in_all_contexts() {
    let api = two_contexts().await;
    let ids = json!([{"context": ".", "id": 1}, {"context": ".eu", "id": 2}]);
    api.get(&format!("/schemas/guids/{ORDER_GUID}/ids")).await.is(ids);
    hard_delete(&api, "orders").await;
    let ids = json!([{"context": ".eu", "id": 2}]);
    api.get(&format!("/schemas/guids/{ORDER_GUID}/ids")).await.is(ids);
    let schema = json!({"guid": ORDER_GUID, "schemaType": "AVRO", "schema": ORDER});
    api.get(&format!("/schemas/guids/{ORDER_GUID}")).await.is(schema);
}

// Look-ups of unqualified names

#[tokio::test]
async fn a_version_that_the_default_context_lacks_is_looked_for_in_the_others() {
    let api = two_contexts().await;
    for path in ["/subjects/flights/versions/1", "/subjects/flights/versions/latest"] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["subject"]),
            (200, &json!(":.eu:flights"))
        );
        assert_eq!(answer.json["schema"], FLIGHT);
    }
    // what the default context has comes first
    let answer = api.get("/subjects/orders/versions/1").await;
    assert_eq!((&answer.json["subject"], &answer.json["id"]), (&json!("orders"), &json!(1)));
    let answer = api.get("/subjects/:.:flights/versions/2").await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_schema_that_the_default_context_lacks_is_looked_for_in_the_others() {
    let api = two_contexts().await;
    let answer = api.post("/subjects/flights", &body(FLIGHT)).await;
    answer.is(json!({"subject": ":.eu:flights", "version": 1, "id": 1,
        "guid": api.get("/schemas/ids/1?subject=:.eu:").await.json["guid"], "schemaType": "AVRO",
        "schema": FLIGHT}));
    let answer = api.post("/subjects/orders", &body(ORDER)).await;
    assert_eq!((&answer.json["subject"], &answer.json["id"]), (&json!("orders"), &json!(1)));
    let answer = api.post("/subjects/payments", &body(FLIGHT)).await;
    answer.is_error(404, 40401, "Subject 'payments' not found.");
}

#[tokio::test]
async fn the_id_of_a_subject_that_the_default_context_lacks_is_looked_for_in_the_others() {
    let api = two_contexts().await;
    let answer = api.get("/schemas/ids/1?subject=flights").await;
    assert_eq!(
        (&answer.json["subject"], &answer.json["schema"]),
        (&json!(":.eu:flights"), &json!(FLIGHT))
    );
    assert_eq!(api.get("/schemas/ids/1/schema?subject=flights").await.text, FLIGHT);
    let answer = api.get("/schemas/ids/1?subject=orders").await;
    assert_eq!(
        (&answer.json["subject"], &answer.json["schema"]),
        (&json!("orders"), &json!(ORDER))
    );
}

#[tokio::test]
async fn nothing_else_is_looked_for_in_other_contexts() {
    let api = two_contexts().await;
    let not_found = "Subject 'flights' not found.";
    api.get("/subjects/flights/versions").await.is_error(404, 40401, not_found);
    api.delete("/subjects/flights").await.is_error(404, 40401, not_found);
    api.delete("/subjects/flights/versions/1").await.is_error(404, 40401, not_found);
    let path = "/compatibility/subjects/flights/versions/latest";
    api.post(path, &body(ORDER)).await.is(json!({"is_compatible": true}));
    api.put("/config/:.eu:flights", &json!({"compatibility": "NONE"})).await;
    assert_eq!(api.get("/config/flights").await.json["error_code"], 40408);
    assert_eq!(register(&api, "flights", FLIGHT).await, 3);
    api.get("/subjects?subjectPrefix=flights").await.is(json!(["flights"]));
}

#[tokio::test]
async fn a_qualified_name_is_looked_for_nowhere_else() {
    let api = two_contexts().await;
    for subject in [":.us:flights", ":.us:orders"] {
        let text = format!("Subject '{subject}' not found.");
        let answer = api.get(&format!("/subjects/{subject}/versions/1")).await;
        answer.is_error(404, 40401, &text);
        let answer = api.post(&format!("/subjects/{subject}"), &body(ORDER)).await;
        answer.is_error(404, 40401, &text);
    }
    let answer = api.get("/schemas/ids/2?subject=:.us:orders").await;
    answer.is_error(404, 40403, "Schema 2 not found");
}

// /contexts/{context}/...

/// What is read below a context and how it is asked for without.
const READ_BELOW: [(&str, &str); 21] = [
    ("/v1/metadata/version", "/v1/metadata/version"),
    ("/subjects", "/subjects?subjectPrefix=:.eu:"),
    ("/subjects?subjectPrefix=or", "/subjects?subjectPrefix=:.eu:or"),
    ("/subjects/orders/versions", "/subjects/:.eu:orders/versions"),
    ("/subjects/orders/versions/1", "/subjects/:.eu:orders/versions/1"),
    ("/subjects/orders/versions/latest", "/subjects/:.eu:orders/versions/latest"),
    ("/subjects/orders/versions/1/schema", "/subjects/:.eu:orders/versions/1/schema"),
    ("/subjects/orders/versions/1/referencedby", "/subjects/:.eu:orders/versions/1/referencedby"),
    ("/subjects/:.:orders/versions", "/subjects/orders/versions"),
    ("/schemas", "/schemas?subjectPrefix=:.eu:"),
    ("/schemas?subjectPrefix=or", "/schemas?subjectPrefix=:.eu:or"),
    ("/schemas/types", "/schemas/types"),
    ("/schemas/ids/1", "/schemas/ids/1?subject=:.eu:"),
    ("/schemas/ids/2?subject=orders", "/schemas/ids/2?subject=:.eu:orders"),
    ("/schemas/ids/1/schema", "/schemas/ids/1/schema?subject=:.eu:"),
    ("/schemas/ids/1/subjects", "/schemas/ids/1/subjects?subject=:.eu:"),
    ("/schemas/ids/1/versions", "/schemas/ids/1/versions?subject=:.eu:"),
    ("/config", "/config/:.eu:"),
    ("/config/orders", "/config/:.eu:orders"),
    ("/mode", "/mode/:.eu:"),
    ("/mode/orders", "/mode/:.eu:orders"),
];

#[tokio::test]
async fn everything_is_read_below_a_context_too() {
    let api = two_contexts().await;
    api.put("/config/:.eu:", &json!({"compatibility": "FORWARD"})).await;
    api.put("/config/:.eu:orders", &json!({"compatibility": "FULL"})).await;
    set_mode(&api, "/mode/:.eu:", "READONLY").await;
    set_mode(&api, "/mode/:.eu:orders", "READWRITE").await;
    for (below, plain) in READ_BELOW {
        let plain = api.get(plain).await;
        assert_eq!(plain.status, 200, "{below}");
        for context in [".eu", "eu", ":.eu:"] {
            let answer = api.get(&format!("/contexts/{context}{below}")).await;
            assert_eq!(
                (answer.status, &answer.text),
                (plain.status, &plain.text),
                "{context}{below}"
            );
        }
    }
    let guids = api.get(&format!("/contexts/.eu/schemas/guids/{ORDER_GUID}/ids")).await;
    assert_eq!((guids.status.as_u16(), guids.json.as_array().unwrap().len()), (200, 2));
    // clients make of `/contexts/./subjects` what paths make of a dot
    api.get("/contexts/:.:/subjects").await.is(json!(["orders"]));
}

#[tokio::test]
async fn everything_is_written_below_a_context_too() {
    let api = registry().await;
    let eu = |path: &str| format!("/contexts/.eu{path}");
    let answer = api.post(&eu("/subjects/orders/versions"), &body(ORDER)).await;
    answer.is(json!({"id": 1, "version": 1, "guid": ORDER_GUID, "schemaType": "AVRO",
        "schema": ORDER}));
    api.get("/subjects").await.is(json!([":.eu:orders"]));
    let found = api.post(&eu("/subjects/orders"), &body(ORDER)).await;
    assert_eq!((found.status.as_u16(), &found.json["subject"]), (200, &json!(":.eu:orders")));
    for version in ["", "/latest", "/1"] {
        let path = eu(&format!("/compatibility/subjects/orders/versions{version}"));
        api.post(&path, &body(ORDER_NOTE)).await.is(json!({"is_compatible": true}));
        api.post(&path, &body(FLIGHT)).await.is(json!({"is_compatible": false}));
    }

    let update = json!({"compatibility": "FULL"});
    api.put(&eu("/config/orders"), &update).await.is(update.clone());
    api.get("/config/:.eu:orders").await.is(json!({"compatibilityLevel": "FULL"}));
    api.put(&eu("/config"), &update).await.is(update);
    api.get("/config/:.eu:").await.is(json!({"compatibilityLevel": "FULL"}));
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    api.delete(&eu("/config/orders")).await.is(json!({"compatibilityLevel": "FULL"}));
    api.delete(&eu("/config")).await.is(json!({"compatibilityLevel": "FULL"}));
    assert_eq!(api.get("/config/:.eu:").await.json["error_code"], 40408);

    set_mode(&api, &eu("/mode/orders"), "READWRITE").await;
    set_mode(&api, &eu("/mode"), "READONLY").await;
    api.get("/mode/:.eu:orders").await.is(json!({"mode": "READWRITE"}));
    api.get("/mode/:.eu:").await.is(json!({"mode": "READONLY"}));
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
    api.delete(&eu("/mode")).await.is(json!({"mode": "READONLY"}));
    api.delete(&eu("/mode/orders")).await.is(json!({"mode": "READWRITE"}));

    api.delete(&eu("/subjects/orders/versions/1")).await.is(json!(1));
    api.delete(&eu("/subjects/orders/versions/1?permanent=true")).await.is(json!(1));
    register(&api, ":.eu:orders", ORDER).await;
    api.delete(&eu("/subjects/orders")).await.is(json!([1]));
    api.delete(&eu("/subjects/orders?permanent=true")).await.is(json!([1]));
    api.get("/subjects?deleted=true").await.is(json!([]));
}

#[tokio::test]
async fn a_subject_below_a_context_may_hold_what_paths_encode() {
    let api = registry().await;
    let answer = api.post("/contexts/.eu/subjects/shop%2Forders/versions", &body(ORDER)).await;
    assert_eq!(answer.status, 200);
    api.get("/subjects").await.is(json!([":.eu:shop/orders"]));
    let answer = api.get("/contexts/.eu/subjects/shop%2Forders/versions/latest").await;
    assert_eq!(answer.json["subject"], ":.eu:shop/orders");
}

#[tokio::test]
async fn a_context_with_a_colon_in_its_name_is_400() {
    let api = registry().await;
    for path in ["/contexts/a%3Ab/subjects", "/contexts/a:b/subjects/orders/versions"] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["error_code"]),
            (400, &json!(400)),
            "{path}"
        );
        assert!(!answer.json["message"].as_str().unwrap().is_empty());
    }
    let answer = api.delete("/contexts/a:b").await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (400, &json!(400)));
}

#[tokio::test]
async fn what_is_nothing_is_nothing_below_a_context() {
    let api = two_contexts().await;
    for path in ["/contexts/.eu/orders", "/contexts/.eu/subjects/orders/latest"] {
        api.get(path).await.is_error(404, 404, "HTTP 404 Not Found");
    }
    let request = api.request(Method::PUT, "/contexts/.eu/subjects/orders/versions");
    let answer = api.send(request.header("content-type", REGISTRY_JSON).body("{}")).await;
    answer.is_error(405, 405, "HTTP 405 Method Not Allowed");
}

// Configuration and modes of contexts

#[tokio::test]
async fn a_contexts_config_counts_for_its_subjects_alone() {
    let api = two_contexts().await;
    api.put("/config/:.eu:", &json!({"compatibility": "NONE"})).await;
    assert_eq!(register(&api, ":.eu:orders", FLIGHT).await, 1);
    let answer = api.post("/subjects/orders/versions", &body(FLIGHT)).await;
    assert_eq!(answer.json["error_code"], 40901);
}

#[tokio::test]
async fn the_global_config_does_not_count_in_other_contexts() {
    let api = two_contexts().await;
    set_level(&api, "NONE").await;
    assert_eq!(register(&api, "orders", FLIGHT).await, 3);
    let answer = api.post("/subjects/:.eu:orders/versions", &body(FLIGHT)).await;
    assert_eq!(answer.json["error_code"], 40901);
}

#[tokio::test]
async fn the_config_of_all_contexts_counts_where_nothing_nearer_does() {
    let api = two_contexts().await;
    api.put("/config/:.__GLOBAL:", &json!({"compatibility": "NONE"})).await;
    api.get("/config/:.__GLOBAL:").await.is(json!({"compatibilityLevel": "NONE"}));
    api.put("/config/:.eu:", &json!({"compatibility": "BACKWARD"})).await;
    assert_eq!(register(&api, "orders", FLIGHT).await, 3);
    let answer = api.post("/subjects/:.eu:orders/versions", &body(FLIGHT)).await;
    assert_eq!(answer.json["error_code"], 40901);
    api.delete("/config/:.__GLOBAL:").await.is(json!({"compatibilityLevel": "NONE"}));
    let answer = api.post("/subjects/orders/versions", &body(ORDER)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(1)));
    let answer = api.post("/subjects/orders/versions", &body(MONEY)).await;
    assert_eq!(answer.json["error_code"], 40901);
}

#[tokio::test]
async fn a_contexts_mode_counts_for_its_subjects_alone() {
    let api = two_contexts().await;
    set_mode(&api, "/mode/:.eu:", "READONLY").await;
    api.get("/mode/:.eu:orders?defaultToGlobal=true").await.is(json!({"mode": "READONLY"}));
    let answer = api.post("/subjects/:.eu:orders/versions", &body(ORDER_NOTE)).await;
    answer.is_error(422, 42205, "Subject :.eu:orders in context :.eu: is in read-only mode");
    assert_eq!(register(&api, "flights", FLIGHT).await, 3);
    set_mode(&api, "/mode/:.eu:orders", "READWRITE").await;
    assert_eq!(register(&api, ":.eu:orders", ORDER_NOTE).await, 3);
}

#[tokio::test]
async fn the_global_mode_does_not_count_in_other_contexts() {
    let api = two_contexts().await;
    set_mode(&api, "/mode", "READONLY").await;
    assert_eq!(register(&api, ":.eu:orders", ORDER_NOTE).await, 3);
    let answer = api.post("/subjects/flights/versions", &body(FLIGHT)).await;
    answer.is_error(422, 42205, "Subject flights in context  is in read-only mode");
}

#[tokio::test]
async fn the_mode_of_all_contexts_counts_where_nothing_nearer_does() {
    let api = two_contexts().await;
    set_mode(&api, "/mode/:.__GLOBAL:", "READONLY").await;
    set_mode(&api, "/mode/:.eu:", "READWRITE").await;
    assert_eq!(register(&api, ":.eu:orders", ORDER_NOTE).await, 3);
    for subject in ["flights", ":.us:flights"] {
        let answer = api.post(&format!("/subjects/{subject}/versions"), &body(FLIGHT)).await;
        assert_eq!(answer.json["error_code"], 42205, "{subject}");
    }
    api.delete("/mode/:.__GLOBAL:").await.is(json!({"mode": "READONLY"}));
    assert_eq!(register(&api, ":.us:flights", FLIGHT).await, 1);
}

#[tokio::test]
async fn all_contexts_are_no_place_for_subjects_42208() {
    let api = registry().await;
    for subject in [":.__GLOBAL:", ":.__GLOBAL:orders", ":.eu:__GLOBAL", ":.eu:__EMPTY"] {
        let text = format!("The specified subject '{subject}' is not a valid.");
        let answer = api.post(&format!("/subjects/{subject}/versions"), &body(ORDER)).await;
        answer.is_error(422, 42208, &text);
    }
}

// References in a context

/// `PAYMENT` with a reference to version 1 of a subject.
fn payment_of(subject: &str) -> Value {
    let reference = json!({"name": "shop.Money", "subject": subject, "version": 1});
    json!({"schema": PAYMENT, "references": [reference]})
}

#[tokio::test]
async fn an_unqualified_reference_is_to_a_subject_of_the_same_context() {
    let api = registry().await;
    register(&api, "money", MONEY).await;
    let answer = api.post("/subjects/:.eu:payments/versions", &payment_of("money")).await;
    let text = "Invalid schema of type AVRO, details: No schema reference found for subject \"money\" and version 1";
    answer.is_error(422, 42201, text);
    register(&api, ":.eu:money", MONEY).await;
    let answer = api.post("/subjects/:.eu:payments/versions", &payment_of("money")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["references"], payment_of("money")["references"]);
    api.get("/subjects/:.eu:money/versions/1/referencedby").await.is(json!([2]));
    api.get("/subjects/money/versions/1/referencedby").await.is(json!([]));
    let answer = api.get("/subjects/:.eu:payments/versions/1?format=resolved").await;
    assert_eq!(answer.json["schema"], PAYMENT_RESOLVED);
}

#[tokio::test]
async fn a_qualified_reference_is_to_a_subject_of_its_context() {
    let api = registry().await;
    register(&api, ":.eu:money", MONEY).await;
    for subject in ["payments", ":.us:payments"] {
        register_body(&api, subject, &payment_of(":.eu:money")).await;
        let answer = api.get(&format!("/subjects/{subject}/versions/1?format=resolved")).await;
        assert_eq!(answer.json["schema"], PAYMENT_RESOLVED);
    }
    let text = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=:.eu:money,version=1}.";
    api.delete("/subjects/:.eu:money").await.is_error(422, 42206, text);
    api.delete("/subjects/:.eu:money/versions/1").await.is_error(422, 42206, text);
}

#[tokio::test]
async fn references_are_qualified_if_asked_so() {
    let api = registry().await;
    register(&api, ":.eu:money", MONEY).await;
    register_body(&api, ":.eu:payments", &payment_of("money")).await;
    let qualified = &payment_of(":.eu:money")["references"];
    for path in ["/subjects/:.eu:payments/versions/1", "/schemas/ids/2?subject=:.eu:payments"] {
        let plain = api.get(path).await;
        assert_eq!(plain.json["references"], payment_of("money")["references"], "{path}");
        let separator = if path.contains('?') { '&' } else { '?' };
        let answer = api.get(&format!("{path}{separator}referenceFormat=qualified")).await;
        assert_eq!(&answer.json["references"], qualified, "{path}");
        assert_eq!(answer.json["guid"], plain.json["guid"]);
    }
}
