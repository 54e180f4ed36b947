//! The documents of the APIs, and the pages that show them.

use std::io::Read;

use reqwest::Method;
use serde_json::json;
use weir_tests::Api;

use super::registry;
use crate::access::house::{House, RULES};
use crate::process::Weir;

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_document_says_the_address_that_its_client_has_asked() {
    let (_weir, api) = registry(&["--trusted-proxy", "127.0.0.0/8"]);
    let document = api.get("/openapi.json").await;
    assert_eq!(document.json["openapi"], json!("3.1.0"));
    assert_eq!(document.json["servers"], json!([{"url": api.url}]));
    assert_eq!(document.headers["content-type"], "application/json");
    let request = api.request(Method::GET, "/openapi.json");
    let request = request.header("x-forwarded-for", "192.0.2.1");
    let request = request.header("x-forwarded-proto", "https").header("x-forwarded-prefix", "/sr");
    let document = api.send(request.header("x-forwarded-host", "example.org")).await;
    assert_eq!(document.json["servers"][0]["url"], json!("https://example.org/sr"));
    let yaml =
        api.send(api.request(Method::GET, "/openapi.yaml").header("accept", "text/plain")).await;
    assert_eq!(
        (yaml.status.as_u16(), &yaml.headers["content-type"]),
        (200, &"application/yaml".parse().unwrap())
    );
    assert!(yaml.text.contains(&format!("  - url: \"{}\"\n", api.url)));
}

#[tokio::test]
async fn a_document_is_sent_once_and_packed() {
    let (_weir, api) = registry(&[]);
    let plain = api.get("/openapi.json").await;
    let tag = &plain.headers["etag"];
    let again = api.request(Method::GET, "/openapi.json").header("if-none-match", tag);
    let again = api.send(again).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    let head = api.send(api.request(Method::HEAD, "/openapi.json")).await;
    assert_eq!((head.status.as_u16(), &head.headers["etag"], head.text.as_str()), (200, tag, ""));
    for path in ["/openapi.json", "/docs", "/docs/swagger-ui-bundle.js"] {
        let request = api.request(Method::GET, path).header("accept-encoding", "br, gzip");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], "gzip", "{path}");
        assert_eq!(answer.headers()["vary"], "accept-encoding", "{path}");
        let packed = answer.bytes().await.unwrap();
        assert_eq!(unpacked(&packed), api.get(path).await.text, "{path}");
    }
}

#[tokio::test]
async fn a_page_asks_nobody_but_its_server() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/registry");
    let fixed = ["serve", "--roles", "registry", "--store", "memory", "--registry-listener"];
    let mut weir = Weir::start(&[&fixed[..], &[&url]].concat());
    weir.line("registry on");
    let api = Api::at(url.clone());
    for path in ["/docs", "/docs/"] {
        let page = api.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        for place in page.text.split("=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(!place.contains("//"), "{place} is elsewhere");
            if place.starts_with('/') {
                assert!(place.starts_with("/registry/"), "{place}");
                let found = Api::at(format!("http://127.0.0.1:{port}")).get(place).await;
                assert_eq!(found.status, 200, "{place}");
            }
        }
        assert!(page.text.contains("data-document=\"/registry/openapi.json\""), "{}", page.text);
    }
    let document = api.get("/openapi.json").await;
    assert_eq!(document.json["servers"][0]["url"], json!(url));
    api.get("/docs/nothing.js").await.is_error(404, 404, "HTTP 404 Not Found");
}

#[tokio::test]
async fn documents_are_open_and_can_be_switched_off() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    for path in ["/openapi.json", "/openapi.yaml", "/docs", "/docs/page.js"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    assert_eq!(api.get("/subjects").await.status, 401);
    let (_weir, api) = registry(&["--api-docs=false"]);
    for path in ["/openapi.json", "/openapi.yaml", "/docs", "/docs/page.js"] {
        api.get(path).await.is_error(404, 404, "HTTP 404 Not Found");
    }
}

#[tokio::test]
async fn the_management_listener_has_the_documents_of_what_runs() {
    let kafka = ["--bootstrap-servers", "127.0.0.1:1", "--management-listener", "127.0.0.1:0"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&kafka));
    let management = weir.api("management on");
    let registry = weir.api("registry on");
    let proxy = weir.api("REST proxy on");
    for (name, product) in [("registry", &registry), ("proxy", &proxy)] {
        let document = management.get(&format!("/openapi/{name}.json")).await;
        assert_eq!(document.json["servers"][0]["url"], json!(product.url));
        assert!(product.get("/openapi.yaml").await.text.starts_with("openapi: 3.1.0\n"));
        assert_eq!(product.get("/docs").await.status, 200);
        let page = management.get(&format!("/docs/{name}")).await;
        let said = format!("data-document=\"/openapi/{name}.json\" data-can-try=\"no\"");
        assert!(page.text.contains(&said), "{}", page.text);
        assert!(management.get("/docs").await.text.contains(&format!("/docs/{name}")));
    }
    assert_eq!(management.get("/openapi/other.json").await.status, 404);
}
