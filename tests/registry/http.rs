//! What holds for all of the API: media types, bodies, paths, request ids.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::json;
use weir_tests::{Answer, Api, REGISTRY_JSON, registry};

use crate::fixtures::*;

// Answers' media types

async fn accepting(accept: &str) -> Answer {
    let api = registry().await;
    api.send(api.request(Method::GET, "/subjects").header(ACCEPT, accept)).await
}

#[tokio::test]
async fn answers_are_registry_json_unless_asked_otherwise() {
    let api = registry().await;
    let plain = api.get("/subjects").await;
    assert_eq!(plain.headers[CONTENT_TYPE], REGISTRY_JSON);
    for accept in ["*/*", "application/*", REGISTRY_JSON] {
        assert_eq!(accepting(accept).await.headers[CONTENT_TYPE], REGISTRY_JSON, "{accept}");
    }
}

#[tokio::test]
async fn answers_have_the_media_type_that_the_client_accepts() {
    for (accept, answered) in [
        ("application/json", "application/json"),
        ("APPLICATION/JSON; charset=utf-8", "application/json"),
        ("application/vnd.schemaregistry+json", "application/vnd.schemaregistry+json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/json, application/vnd.schemaregistry.v1+json", REGISTRY_JSON),
        (
            "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json",
            REGISTRY_JSON,
        ),
        ("application/vnd.schemaregistry.v1+json;q=0.1, application/json", "application/json"),
        ("text/html, */*;q=0.1", REGISTRY_JSON),
    ] {
        let answer = accepting(accept).await;
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(answer.headers[CONTENT_TYPE], answered, "{accept}");
    }
}

#[tokio::test]
async fn a_client_that_accepts_no_json_is_406() {
    for accept in ["text/html", "application/xml", "application/json;q=0"] {
        accepting(accept).await.is_error(406, 406, "HTTP 406 Not Acceptable");
    }
}

#[tokio::test]
async fn accept_headers_add_up() {
    let api = registry().await;
    let request = api.request(Method::GET, "/subjects").header(ACCEPT, "text/html");
    let answer = api.send(request.header(ACCEPT, "application/json")).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "[]"));
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
}

#[tokio::test]
async fn errors_have_the_media_type_that_the_client_accepts() {
    let api = registry().await;
    let request = api.request(Method::GET, "/schemas/ids/1").header(ACCEPT, "application/json");
    let answer = api.send(request).await;
    answer.is_error(404, 40403, "Schema 1 not found");
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
}

// Requests' media types

#[tokio::test]
async fn bodies_may_be_registry_json_json_or_octets() {
    let api = registry().await;
    for media_type in [
        "application/vnd.schemaregistry.v1+json",
        "application/vnd.schemaregistry+json",
        "application/json",
        "application/json; charset=utf-8",
        "application/octet-stream",
    ] {
        let answer = api.post_as("/subjects/orders/versions", media_type, body(ORDER).to_string());
        assert_eq!(answer.await.status, 200, "{media_type}");
    }
}

#[tokio::test]
async fn a_body_without_a_media_type_is_read() {
    let api = registry().await;
    let request = api.request(Method::POST, "/subjects/orders/versions");
    assert_eq!(api.send(request.body(body(ORDER).to_string())).await.status, 200);
}

#[tokio::test]
async fn a_body_of_another_media_type_is_415() {
    let api = registry().await;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let answer =
            api.post_as("/subjects/orders/versions", media_type, body(ORDER).to_string()).await;
        answer.is_error(415, 415, "HTTP 415 Unsupported Media Type");
    }
    api.get("/subjects").await.is(json!([]));
}

// Bodies

/// Every endpoint with a body.
const WITH_BODY: [(Method, &str); 9] = [
    (Method::POST, "/subjects/orders"),
    (Method::POST, "/subjects/orders/versions"),
    (Method::POST, "/subjects/orders/versions/1/tags"),
    (Method::POST, "/compatibility/subjects/orders/versions"),
    (Method::POST, "/compatibility/subjects/orders/versions/latest"),
    (Method::PUT, "/config"),
    (Method::PUT, "/config/orders"),
    (Method::PUT, "/mode"),
    (Method::PUT, "/mode/orders"),
];

async fn send_body(api: &Api, method: Method, path: &str, body: &str) -> Answer {
    let request = api.request(method, path).header(CONTENT_TYPE, REGISTRY_JSON);
    api.send(request.body(body.to_string())).await
}

#[tokio::test]
async fn a_malformed_body_is_400() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    for (method, path) in WITH_BODY {
        for malformed in ["{", "{\"schema\": }", "[1, 2", "order", "{} {}"] {
            let answer = send_body(&api, method.clone(), path, malformed).await;
            let code = &answer.json["error_code"];
            assert_eq!((answer.status.as_u16(), code), (400, &json!(400)), "{path} {malformed}");
            assert!(!answer.json["message"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_body_of_the_wrong_json_type_is_400() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    for (method, path) in WITH_BODY {
        for wrong in ["[]", "\"orders\"", "7"] {
            let answer = send_body(&api, method.clone(), path, wrong).await;
            let code = &answer.json["error_code"];
            assert_eq!((answer.status.as_u16(), code), (400, &json!(400)), "{path} {wrong}");
        }
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_json_type_is_400() {
    let api = registry().await;
    for request in [
        json!({"schema": {"type": "string"}}),
        json!({"schema": ORDER, "version": "two"}),
        json!({"schema": ORDER, "references": "money"}),
        json!({"schema": ORDER, "references": [{"name": "Money", "subject": "money", "version": {}}]}),
    ] {
        let answer = api.post("/subjects/orders/versions", &request).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (400, &json!(400)));
    }
    let answer = api.put("/config", &json!({"normalize": "often"})).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (400, &json!(400)));
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_400() {
    let api = registry().await;
    let request = api.request(Method::POST, "/subjects/orders/versions");
    let bytes = b"{\"schema\": \"\xff\"}".to_vec();
    let answer = api.send(request.header(CONTENT_TYPE, REGISTRY_JSON).body(bytes)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (400, &json!(400)));
}

#[tokio::test]
async fn a_missing_body_is_422() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    for (method, path) in WITH_BODY {
        for missing in ["", " \n", "null"] {
            let answer = send_body(&api, method.clone(), path, missing).await;
            assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(422)));
            let message = answer.json["message"].as_str().unwrap();
            assert!(message.ends_with("request must not be null (was null)"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_body_of_more_than_ten_megabytes_is_413() {
    let api = registry().await;
    let schema = "o".repeat(10 * 1024 * 1024);
    let answer = api.post("/subjects/orders/versions", &body(&schema)).await;
    answer.is_error(413, 413, "HTTP 413 Request Entity Too Large");
    assert_eq!(answer.headers[CONTENT_TYPE], REGISTRY_JSON);
}

#[tokio::test]
async fn a_large_schema_is_registered_and_read() {
    let api = registry().await;
    let doc = "o".repeat(1024 * 1024);
    let schema = ORDER.replace(r#","fields""#, &format!(r#","doc":"{doc}","fields""#));
    register(&api, "orders", &schema).await;
    assert_eq!(api.get("/schemas/ids/1/schema").await.text, schema);
}

#[tokio::test]
async fn a_schema_nested_beyond_reason_does_no_harm() {
    let api = registry().await;
    let depth = 100_000;
    let open = r#"{"type":"array","items":"#;
    let schema = format!("{}\"int\"{}", open.repeat(depth), "}".repeat(depth));
    let answer = api.post("/subjects/orders/versions", &body(&schema)).await;
    assert!(answer.status.as_u16() < 500, "{}", answer.status);
    assert_eq!(api.get("/").await.status, 200);
}

// Paths

#[tokio::test]
async fn an_unknown_path_is_404() {
    let api = registry().await;
    for path in ["/orders", "/subjects/orders/latest", "/schemas/ids", "/v1/metadata", "/health"] {
        api.get(path).await.is_error(404, 404, "HTTP 404 Not Found");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_does_not_count() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    for path in [
        "/subjects/",
        "/subjects/orders/versions/",
        "/subjects/orders/versions/latest/",
        "/schemas/ids/1/",
        "/config/",
        "/mode/",
    ] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_405() {
    let api = registry().await;
    for (method, path) in [
        (Method::PUT, "/"),
        (Method::POST, "/subjects"),
        (Method::GET, "/subjects/orders"),
        (Method::PUT, "/subjects/orders/versions"),
        (Method::POST, "/subjects/orders/versions/1"),
        (Method::DELETE, "/schemas/ids/1"),
        (Method::GET, "/compatibility/subjects/orders/versions"),
        (Method::POST, "/config"),
        (Method::POST, "/mode/orders"),
    ] {
        let answer = api.send(api.request(method, path)).await;
        answer.is_error(405, 405, "HTTP 405 Method Not Allowed");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let answer = api.send(api.request(Method::HEAD, "/subjects/orders/versions/latest")).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    assert_eq!(answer.headers[CONTENT_TYPE], REGISTRY_JSON);
    assert_eq!(api.send(api.request(Method::HEAD, "/schemas/ids/7")).await.status, 404);
}

#[tokio::test]
async fn subjects_may_hold_what_paths_encode() {
    let api = registry().await;
    let encoded = ["shop%2Forders", "airline%20flights", "caf%C3%A9", "50%25", "a%3Fb%23c", "a+b"];
    let names = ["shop/orders", "airline flights", "café", "50%", "a?b#c", "a+b"];
    for (path, name) in encoded.into_iter().zip(names) {
        register(&api, path, ORDER).await;
        let answer = api.get(&format!("/subjects/{path}/versions/latest")).await;
        assert_eq!((answer.status.as_u16(), &answer.json["subject"]), (200, &json!(name)));
        assert_eq!(api.post(&format!("/subjects/{path}"), &body(ORDER)).await.status, 200);
        let update = json!({"compatibility": "FULL"});
        api.put(&format!("/config/{path}"), &update).await.is(update);
        set_mode(&api, &format!("/mode/{path}"), "READWRITE").await;
        hard_delete(&api, path).await;
    }
    api.get("/subjects?deleted=true").await.is(json!([]));
}

#[tokio::test]
async fn an_encoded_prefix_is_decoded() {
    let api = registry().await;
    register(&api, "shop%2Forders", ORDER).await;
    register(&api, "shops", ORDER).await;
    api.get("/subjects?subjectPrefix=shop%2F").await.is(json!(["shop/orders"]));
}

// Queries

#[tokio::test]
async fn a_flag_is_true_in_any_case_and_else_false() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    soft_delete(&api, "orders").await;
    for flag in ["true", "TRUE", "True"] {
        api.get(&format!("/subjects?deleted={flag}")).await.is(json!(["orders"]));
    }
    for flag in ["false", "no", "1", ""] {
        api.get(&format!("/subjects?deleted={flag}")).await.is(json!([]));
    }
}

#[tokio::test]
async fn a_page_that_is_no_number_is_404() {
    let api = registry().await;
    for query in ["limit=ten", "offset=first"] {
        let answer = api.get(&format!("/subjects?{query}")).await;
        answer.is_error(404, 404, "HTTP 404 Not Found");
    }
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    api.get("/subjects?color=green&color").await.is(json!(["orders"]));
    assert_eq!(api.get("/schemas/ids/1?color=green").await.json["schema"], ORDER);
}

// Request ids

#[tokio::test]
async fn a_request_id_is_echoed() {
    let api = registry().await;
    for path in ["/subjects", "/schemas/ids/7", "/nowhere"] {
        let request = api.request(Method::GET, path).header("x-request-id", "order-4711");
        assert_eq!(api.send(request).await.headers["x-request-id"], "order-4711");
    }
}

#[tokio::test]
async fn an_answer_to_a_request_without_an_id_has_a_new_one() {
    let api = registry().await;
    let mut ids = Vec::new();
    for path in ["/subjects", "/subjects", "/schemas/ids/7", "/nowhere"] {
        let id = api.get(path).await.headers["x-request-id"].to_str().unwrap().to_string();
        assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
        assert!(!ids.contains(&id));
        ids.push(id);
    }
}

#[tokio::test]
async fn blank_and_doubled_request_ids_are_replaced() {
    let api = registry().await;
    let blank = api.request(Method::GET, "/subjects").header("x-request-id", " ");
    assert_eq!(api.send(blank).await.headers["x-request-id"].len(), 36);
    let doubled = api.request(Method::GET, "/subjects");
    let doubled = doubled.header("x-request-id", "a").header("x-request-id", "b");
    assert_eq!(api.send(doubled).await.headers["x-request-id"].len(), 36);
}
