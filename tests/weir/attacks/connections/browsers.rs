//! What a page elsewhere can have a browser send, on both servers.

use reqwest::Method;
use serde_json::json;
use weir_tests::{Answer, Api};

use super::wire::{Raw, metric};
use crate::process::Weir;

/// Registry and proxy, in one process, on loopback.
fn both(flags: &[&str]) -> (Weir, [Api; 2]) {
    let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&[&kafka[..], flags].concat()));
    let apis = [weir.api("registry on"), weir.api("REST proxy on")];
    (weir, apis)
}

/// A path that each of them has, without asking Kafka.
const PATH: &str = "/metrics";

fn status(api: &Api, head: &str) -> u16 {
    let answer = Raw::connect(api).ask(&format!("GET {PATH} {head}\r\n\r\n"));
    if answer.status != 200 {
        assert_eq!(answer.json["error_code"], answer.status, "{head}");
        assert!(answer.json["message"].is_string(), "{head}");
    }
    answer.status
}

#[tokio::test]
async fn a_request_has_one_host() {
    let (_weir, apis) = both(&[]);
    for api in &apis {
        assert_eq!(status(api, "HTTP/1.1"), 400);
        assert_eq!(status(api, "HTTP/1.1\r\nhost: localhost\r\nhost: localhost"), 400);
        assert_eq!(status(api, "HTTP/1.0\r\nhost: localhost\r\nhost: localhost"), 400);
        assert_eq!(status(api, "HTTP/1.1\r\nhost: a b"), 400);
        assert_eq!(status(api, "HTTP/1.1\r\nhost:"), 400);
        assert_eq!(status(api, "HTTP/1.0"), 200);
        assert_eq!(status(api, "HTTP/1.1\r\nhost: localhost"), 200);
    }
}

#[tokio::test]
async fn a_name_that_somebody_has_pointed_to_this_machine_is_421() {
    let (_weir, apis) = both(&["--allowed-host", "allowed.example,other.example:443"]);
    for api in &apis {
        let port = api.address().port();
        for host in [
            "localhost".to_string(),
            format!("localhost:{port}"),
            format!("LOCALHOST.:{port}"),
            format!("127.0.0.1:{port}"),
            format!("[::1]:{port}"),
            "allowed.example:1".to_string(),
            "other.example:443".to_string(),
        ] {
            assert_eq!(status(api, &format!("HTTP/1.1\r\nhost: {host}")), 200, "{host}");
        }
        for host in [
            format!("rebound.example:{port}"),
            format!("localhost.example:{port}"),
            "localhost:1".to_string(),
            "other.example:444".to_string(),
            format!("127.0.0.1.example:{port}"),
            format!("10.0.0.1:{port}"),
        ] {
            assert_eq!(status(api, &format!("HTTP/1.1\r\nhost: {host}")), 421, "{host}");
            assert_eq!(status(api, &format!("HTTP/1.0\r\nhost: {host}")), 421, "{host}");
        }
        let named = Raw::connect(api)
            .ask("GET http://rebound.example/metrics HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(named.status, 421);
    }
    let refused = "weir_requests_refused_total{header=\"host\"}";
    assert_eq!(metric(&apis[0], refused).await, metric(&apis[1], refused).await);

    let (_weir, apis) = both(&["--allowed-host", "*"]);
    assert_eq!(status(&apis[0], "HTTP/1.1\r\nhost: rebound.example"), 200);
}

const FOREIGN: [(&str, &str); 5] = [
    ("origin", "http://evil.example"),
    ("origin", "null"),
    ("origin", "http://localhost:1"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
];

async fn sent(
    api: &Api,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = api.request(method, path).body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request).await
}

#[tokio::test]
async fn a_page_elsewhere_changes_nothing() {
    let (_weir, [registry, proxy]) = both(&[]);
    let schema = json!({"schema": "\"string\""}).to_string();
    registry.post("/subjects/kept/versions", &json!({"schema": "\"int\""})).await;
    for foreign in FOREIGN {
        // what a browser sends without asking, and what it asks for first
        for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/json"] {
            let headers = [foreign, ("content-type", media_type)];
            for (api, method, path, body) in [
                (&registry, Method::POST, "/subjects/s/versions", schema.as_str()),
                (&registry, Method::PUT, "/config", r#"{"compatibility":"NONE"}"#),
                (&registry, Method::PUT, "/mode", r#"{"mode":"READONLY"}"#),
                (&registry, Method::DELETE, "/subjects/kept", ""),
                (&proxy, Method::POST, "/topics/t", r#"{"records":[{"value":1}]}"#),
                (&proxy, Method::POST, "/consumers/g", "{}"),
                (&proxy, Method::DELETE, "/consumers/g/instances/i", ""),
                (&proxy, Method::POST, "/v3/clusters/c/topics", r#"{"topic_name":"t"}"#),
                (&proxy, Method::POST, "/v3/clusters/c/topics/t/records", "{}"),
                (&proxy, Method::PATCH, "/kafka/v3/clusters/c/topics/t", "{}"),
            ] {
                let answer = sent(api, method, path, &headers, body).await;
                let error = (answer.status.as_u16(), &answer.json["error_code"]);
                assert_eq!(error, (403, &json!(403)), "{path} {foreign:?} {}", answer.text);
            }
        }
        // it reads what it likes, and the browser shows it to nobody
        assert_eq!(sent(&registry, Method::GET, "/subjects", &[foreign], "").await.status, 200);
    }
    registry.get("/subjects").await.is(json!(["kept"]));
    registry.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    registry.get("/mode").await.is(json!({"mode": "READWRITE"}));
}

#[tokio::test]
async fn a_page_of_the_servers_own_or_an_allowed_one_says_what_it_sends() {
    let (_weir, [registry, _]) = both(&["--allowed-origin", "https://*.ui.example"]);
    let own = registry.url.clone();
    let body = json!({"schema": "\"string\""}).to_string();
    let path = "/subjects/s/versions";
    for origin in [own.as_str(), "https://a.ui.example"] {
        let origin = ("origin", origin);
        let without = sent(&registry, Method::POST, path, &[origin], &body).await;
        without.is_error(415, 415, "HTTP 415 Unsupported Media Type");
        let plain = [origin, ("content-type", "text/plain")];
        assert_eq!(sent(&registry, Method::POST, path, &plain, &body).await.status, 415);
        registry.get("/subjects").await.is(json!([]));
    }
    for origin in [own.as_str(), "https://a.ui.example"] {
        let json = [("origin", origin), ("content-type", "application/json")];
        assert_eq!(sent(&registry, Method::POST, path, &json, &body).await.status, 200);
    }
}

/// As the reference: where no browser is, what a body says it is has no say.
#[tokio::test]
async fn a_client_that_is_no_browser_needs_no_content_type() {
    let (_weir, [registry, _]) = both(&[]);
    let body = json!({"schema": "\"string\""}).to_string();
    let answer = sent(&registry, Method::POST, "/subjects/s/versions", &[], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_request_id_is_the_clients_own_if_it_is_short_and_visible() {
    let (_weir, apis) = both(&[]);
    let (longest, too_long) = ("a".repeat(128), "a".repeat(129));
    for api in &apis {
        for path in [PATH, "/nowhere"] {
            for id in ["order-4711", &longest] {
                let answer = sent(api, Method::GET, path, &[("x-request-id", id)], "").await;
                assert_eq!(answer.headers["x-request-id"], id);
            }
            for id in [" ", "\u{e9}", &too_long] {
                let answer = sent(api, Method::GET, path, &[("x-request-id", id)], "").await;
                assert_eq!(answer.headers["x-request-id"].len(), 36, "{id}");
            }
        }
        let refused =
            sent(api, Method::POST, "/", &[FOREIGN[0], ("x-request-id", "mine")], "").await;
        assert_eq!(refused.headers["x-request-id"], "mine");
    }
}
