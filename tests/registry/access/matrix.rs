//! Every operation of the API as every kind of caller.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ADMIN, Guarded, NODE, Said, allow, record};

const OPENAPI: &str = include_str!("../../../openapi/registry.yaml");

/// Who asks, in the order of a row's verdicts: nobody, a reader, a writer of another subject, the owner, and the admin.
const CALLERS: [&str; 5] = ["", "reader", "stranger", "owner", ADMIN];

/// An operation, the verdict on each caller, and those on the same below `/contexts/{context}`, where they differ.
///
/// `a` it is allowed · `d` it is denied, 403 · `h` what is asked for is hidden: it is said not to be there, 404 · `i` each
/// item is denied.
type Row = (&'static str, &'static str, &'static str);

const NOT_BELOW: &str = "-";

const MATRIX: &[Row] = &[
    ("get /", "aaaaa", NOT_BELOW),
    ("post /", "aaaaa", NOT_BELOW),
    ("get /v1/metadata/id", "aaaaa", ""),
    ("get /v1/metadata/version", "aaaaa", ""),
    ("get /v1/metadata/deployment", "aaaaa", ""),
    ("get /v1/cluster", "dadda", ""),
    ("get /v1/access/check", "dddda", ""), // about others than the caller
    ("get /healthz", "aaaaa", ""),
    ("get /readyz", "aaaaa", ""),
    ("get /startupz", "aaaaa", ""),
    ("get /metrics", "dadda", ""),
    ("get /openapi.json", "aaaaa", ""),
    ("get /openapi.yaml", "aaaaa", ""),
    ("get /docs", "aaaaa", ""),
    ("get /docs/{file}", "aaaaa", ""),
    ("get /subjects", "aaaaa", ""),
    ("post /subjects/{subject}", "dadaa", ""),
    ("delete /subjects/{subject}", "dddaa", ""),
    ("get /subjects/{subject}/metadata", "dadaa", ""),
    ("get /subjects/{subject}/versions", "dadaa", ""),
    ("post /subjects/{subject}/versions", "dddaa", ""),
    ("get /subjects/{subject}/versions/{version}", "dadaa", ""),
    ("delete /subjects/{subject}/versions/{version}", "dddaa", ""),
    ("get /subjects/{subject}/versions/{version}/schema", "dadaa", ""),
    ("get /subjects/{subject}/versions/{version}/referencedby", "dadaa", ""),
    ("post /subjects/{subject}/versions/{version}/tags", "dddaa", ""),
    ("get /schemas", "aaaaa", ""),
    ("get /schemas/types", "aaaaa", ""),
    ("get /schemas/ids/{id}", "hahaa", ""),
    ("get /schemas/ids/{id}/schema", "hahaa", ""),
    ("get /schemas/ids/{id}/subjects", "hahaa", ""),
    ("get /schemas/ids/{id}/versions", "hahaa", ""),
    ("get /schemas/guids/{guid}", "hahaa", ""),
    ("get /schemas/guids/{guid}/ids", "aaaaa", ""),
    ("post /compatibility/subjects/{subject}/versions", "dadaa", ""),
    ("post /compatibility/subjects/{subject}/versions/{version}", "dadaa", ""),
    ("get /config", "dadda", "dadaa"),
    ("put /config", "dddda", "dddaa"),
    ("delete /config", "dddda", "dddaa"),
    ("get /config/{subject}", "dadaa", ""),
    ("put /config/{subject}", "dddaa", ""),
    ("delete /config/{subject}", "dddaa", ""),
    ("get /mode", "dadda", "dadaa"),
    ("put /mode", "dddda", "dddaa"),
    ("delete /mode", "dddda", "dddaa"),
    ("get /mode/{subject}", "dadaa", ""),
    ("put /mode/{subject}", "dddaa", ""),
    ("delete /mode/{subject}", "dddaa", ""),
    ("get /contexts", "aaaaa", NOT_BELOW),
    ("delete /contexts/{context}", "dddaa", NOT_BELOW),
    ("post /associations", "dddaa", ""),
    ("post /associations:batchGet", "aaaaa", ""),
    ("post /associations:batchMutate", "iiiaa", ""),
    ("get /associations/subjects/{subject}", "dadaa", ""),
    ("get /associations/resources/{resource}", "aaaaa", ""),
    ("put /associations/resources/{resource}", "dddaa", ""),
    ("delete /associations/resources/{resource}", "hdhaa", ""),
    ("get /associations/resources/{namespace}/{name}", "aaaaa", ""),
];

/// Operations of the contract: `get /subjects`.
fn documented() -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    let paths = OPENAPI.split("\npaths:\n").nth(1).unwrap().split("\ncomponents:\n").next();
    let mut path = "";
    for line in paths.unwrap().lines() {
        let Some(key) = line.trim_start().strip_suffix(':') else { continue };
        match line.len() - line.trim_start().len() {
            2 => path = key.trim_matches('"'),
            4 if ["get", "put", "post", "delete"].contains(&key) => {
                operations.insert(format!("{key} {path}"));
            }
            _ => {}
        }
    }
    operations
}

#[test]
fn every_operation_of_the_contract_has_a_row() {
    let rows: BTreeSet<String> = MATRIX.iter().map(|row| row.0.to_string()).collect();
    assert!(rows.len() > 40, "{rows:?}");
    assert_eq!(rows, documented());
}

/// What is there in the default context (an empty prefix) and in `.eu`: `orders` with all that can be set, and two topics
/// that it belongs to, if they are asked for: subjects that topics use cannot be deleted.
async fn shop(is_associated: bool) -> Guarded {
    let all = ["read", "write", "delete", "configure"];
    let orders = ["subject:orders", "subject::.eu:orders", "context:.eu"];
    let policy = [
        allow("reader", &["read"], &[&orders[..], &["cluster:registry"]].concat()),
        allow("stranger", &all, &["subject:others", "subject::.eu:others", "context:.us"]),
        allow("owner", &all, &orders),
    ];
    let shop = Guarded::new(&policy.concat()).await;
    for prefix in ["", ":.eu:"] {
        let mut order = record("Order");
        order["metadata"] = json!({"properties": {"owner": "shop"}});
        assert_eq!(shop.register(&format!("{prefix}orders"), &order).await, 1);
        shop.register(&format!("{prefix}others"), &record("Other")).await;
        shop.set(&format!("/config/{prefix}orders"), &json!({"compatibility": "NONE"})).await;
        shop.set(&format!("/mode/{prefix}orders"), &json!({"mode": "READWRITE"})).await;
    }
    shop.set("/config/:.eu:", &json!({"compatibility": "NONE"})).await;
    shop.set("/mode/:.eu:", &json!({"mode": "READWRITE"})).await;
    let associations = [("there", "orders"), (".eu-there", ":.eu:orders")];
    for (resource, subject) in associations.into_iter().filter(|_| is_associated) {
        let associated = association(resource, subject);
        shop.post(ADMIN, "/associations", &associated).await.ok();
    }
    shop
}

fn association(resource: &str, subject: &str) -> Value {
    json!({
        "resourceName": resource,
        "resourceNamespace": "shop",
        "resourceId": resource,
        "resourceType": "topic",
        "associations": [{"subject": subject, "associationType": "value", "lifecycle": "WEAK"}],
    })
}

/// A body that the operation can be carried out with.
fn body(operation: &str, below: &str) -> Option<Value> {
    let (method, path) = operation.split_once(' ').unwrap();
    let put = format!("{below}there");
    match (method, path) {
        ("get" | "delete", _) => None,
        (_, "/") => Some(json!({})),
        (_, path) if path.ends_with("/tags") => {
            Some(json!({"metadata": {"properties": {"a": "b"}}}))
        }
        (_, path) if path.starts_with("/subjects") || path.starts_with("/compatibility") => {
            Some(record("Order"))
        }
        (_, path) if path.starts_with("/config") => Some(json!({"compatibility": "FULL"})),
        (_, path) if path.starts_with("/mode") => Some(json!({"mode": "READWRITE"})),
        ("post", "/associations") => Some(association("new", "orders")),
        (_, "/associations:batchGet") => Some(json!({"requests": [{"resourceId": "there"}]})),
        (_, "/associations:batchMutate") => {
            let mut request = association("new", "orders");
            request["associations"][0]["opType"] = json!("CREATE");
            Some(json!({"requests": [request]}))
        }
        ("put", _) => Some(association(&put, "orders")),
        other => panic!("no body for {other:?}"),
    }
}

fn path(operation: &str, below: &str, guid: &str) -> String {
    let path = operation.split_once(' ').unwrap().1;
    let path = path
        .replace("{subject}", "orders")
        .replace("{version}", "1")
        .replace("{id}", "1")
        .replace("{guid}", guid)
        .replace("{context}", ".eu")
        .replace("{resource}", &format!("{below}there"))
        .replace("{namespace}", "shop")
        .replace("{name}", &format!("{below}there"))
        .replace("/check", "/check?principal=admin&action=read&resource=subject:orders");
    match below.is_empty() {
        true => path,
        false => format!("/contexts/.eu{path}"),
    }
}

/// The verdict that an answer shows. Once somebody who was allowed has changed the shop, the next may find it done.
fn verdict(said: &Said, is_done: bool) -> char {
    match said.status {
        403 if said.is_denied() => 'd',
        207 if said.json["results"][0]["error"]["error_code"] == json!(40301) => 'i',
        200 | 204 | 207 => 'a',
        404 | 409 if is_done => 'a',
        422 if said.code() == 42211 => 'a', // a context with subjects stays
        404 if [40403, 40410].contains(&said.code()) => 'h',
        _ => panic!("{said:?}"),
    }
}

async fn drive(below: &str) {
    let mut wrong = Vec::new();
    for (operation, expected, expected_below) in MATRIX.iter().copied() {
        let expected = match (below, expected_below) {
            ("", _) | (_, "") => expected,
            (_, NOT_BELOW) => continue,
            (_, differing) => differing,
        };
        let shop = shop(operation.contains("/associations")).await;
        let guid =
            shop.get(ADMIN, "/schemas/ids/1").await.ok()["guid"].as_str().unwrap().to_string();
        let (method, path) = (operation.split_once(' ').unwrap().0, path(operation, below, &guid));
        let body = body(operation, below);
        let mut found = String::new();
        for (caller, expected) in CALLERS.into_iter().zip(expected.chars()) {
            let text = body.as_ref().map(Value::to_string);
            if method == "get" {
                let head = shop.send(caller, "HEAD", &path, None).await;
                let get = shop.get(caller, &path).await;
                assert_eq!(head.status, get.status, "HEAD {path} as {caller}");
            }
            if expected == 'd' && body.is_some() && !operation.contains("/associations") {
                // before the body is read
                let said = shop.send(caller, method, &path, Some("{".into())).await;
                assert!(said.is_denied(), "{operation} as {caller}: {said:?}");
            }
            let said = shop.send(caller, method, &path, text).await;
            // the documents are the binary's: without them, everybody is told that there are none
            let is_document = operation.contains("/openapi.") || operation.contains("/docs");
            let is_done = is_document || method != "get" && found.contains('a');
            found.push(verdict(&said, is_done));
        }
        if found != expected {
            wrong.push(format!("{method} {path}: {found}, expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn another_node_is_told_how_this_one_is_and_nothing_else() {
    let shop = shop(false).await;
    shop.get(NODE, "/v1/cluster").await.ok();
    for path in ["/metrics", "/config", "/subjects/orders/versions"] {
        shop.get(NODE, path).await.denied();
    }
}

/// 12.
#[tokio::test]
async fn every_operation_is_allowed_to_whom_the_matrix_says() {
    drive("").await;
}

/// 12.
#[tokio::test]
async fn every_operation_below_a_context_is_allowed_to_whom_the_matrix_says() {
    drive(".eu-").await;
}
