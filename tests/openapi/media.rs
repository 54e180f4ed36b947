//! Answers come in the media types that the contracts write, and bodies of those media types are taken.

use std::collections::BTreeSet;

use reqwest::Method;
use weir_tests::{Api, embedded_broker, registry};

use super::contract::{Contract, Operation};

/// A media type that nobody knows.
const UNKNOWN: &str = "application/x-nobody-knows+json";

/// A path with something in the place of each name.
fn filled(path: &str) -> String {
    let mut parts = path.split(['{', '}']);
    let mut filled = parts.next().unwrap_or_default().to_string();
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        filled.push_str(match name {
            "id" | "version" | "partition" | "broker" => "1",
            "guid" => "00000000-0000-0000-0000-000000000001",
            _ => "none",
        });
        filled.push_str(rest);
    }
    filled
}

fn request(api: &Api, operation: &Operation) -> reqwest::RequestBuilder {
    let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap();
    api.request(method, &filled(&operation.path))
}

/// What is wrong with an answer: its status, or its media type.
async fn wrong(api: &Api, operation: &Operation, body: Option<&str>) -> Option<String> {
    let mut request = request(api, operation);
    if let Some(media_type) = body {
        request = request.header("content-type", media_type).body("{}");
    }
    let answer = api.send(request).await;
    let (status, path) = (answer.status.as_u16(), &operation.path);
    let found = answer.headers.get("content-type").map(|v| v.to_str().unwrap().to_string());
    let found = found.map(|found| found.split(';').next().unwrap().to_string());
    let Some(documented) = operation.answers.get(&status) else {
        return Some(format!("{} {path}: {status} is not documented", operation.method));
    };
    if body.is_some() && status == 415 {
        return Some(format!("{} {path}: {body:?} is refused", operation.method));
    }
    let found: BTreeSet<String> = found.into_iter().collect();
    let is_documented = found.is_subset(documented) && found.is_empty() == documented.is_empty();
    (!is_documented).then(|| {
        format!("{} {path}: {status} is {found:?}, documented {documented:?}", operation.method)
    })
}

async fn agree(api: &Api, yaml: &str) {
    let mut differences = Vec::new();
    let operations = Contract::read(yaml).operations();
    assert!(operations.iter().filter(|operation| !operation.body.is_empty()).count() > 5);
    for operation in &operations {
        if operation.body.is_empty() {
            differences.extend(wrong(api, operation, None).await);
            continue;
        }
        for media_type in &operation.body {
            differences.extend(wrong(api, operation, Some(media_type)).await);
        }
        let request = request(api, operation).header("content-type", UNKNOWN).body("{}");
        let status = api.send(request).await.status;
        if operation.answers.contains_key(&415) && status != 415 {
            let (method, path) = (&operation.method, &operation.path);
            differences.push(format!("{method} {path}: {status} for {UNKNOWN}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[tokio::test]
async fn the_registry_answers_in_the_media_types_of_its_openapi() {
    agree(&registry().await, super::REGISTRY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_answers_in_the_media_types_of_its_openapi() {
    let proxy = embedded_broker().proxy().await;
    agree(&proxy.api, super::PROXY).await;
}
