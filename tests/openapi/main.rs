//! The contracts and the routers agree: every path and method of one is in the other, in the same
//! order, each with the query parameters that its handler asks for, and answers come in the media types that are
//! written there. The contracts name every error code.
#![allow(clippy::unwrap_used)] // how a test fails

mod contract;
mod handlers;
mod media;

use std::collections::BTreeSet;
use std::path::Path;

use contract::{Contract, METHODS};
use handlers::Handlers;

use weir_errors::ErrorRow;
use weir_proxy::ProxyError;
use weir_registry_api::RegistryError;

/// Paths and methods, in the order in which they stand.
type Operations = Vec<(String, String)>;

/// Paths and methods of an OpenAPI file: keys of `paths` at two spaces, methods at four.
fn documented(yaml: &str) -> Operations {
    let mut operations = Operations::new();
    let (mut in_paths, mut path) = (false, String::new());
    for line in yaml.lines().filter(|l| !l.trim_start().starts_with('#')) {
        let key = |indent: &str| {
            let rest = line.strip_prefix(indent)?;
            (!rest.starts_with(' '))
                .then(|| rest.strip_suffix(':'))?
                .map(|k| k.trim_matches(['"', '\'']))
        };
        if let Some(section) = key("") {
            in_paths = section == "paths";
        } else if let Some(found) = key("  ").filter(|_| in_paths) {
            path = found.to_string();
        } else if let Some(method) = key("    ").filter(|m| in_paths && METHODS.contains(m)) {
            operations.push((path.clone(), method.to_string()));
        }
    }
    operations
}

/// Paths and methods of a router's source: `.route("path", get(..).post(..))`.
fn routed(source: &str) -> Operations {
    let mut operations = Operations::new();
    for route in source.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let handlers = route.split('"').nth(2).unwrap().split("//").next().unwrap();
        for method in METHODS {
            let called = |before: char| handlers.contains(&format!("{before}{method}("));
            if called(' ') || called('.') || called('\n') {
                operations.push((path.to_string(), method.to_string()));
            }
        }
    }
    operations
}

#[track_caller]
fn agree(yaml: &str, routed: &Operations) {
    let set = |operations: &Operations| operations.iter().cloned().collect::<BTreeSet<_>>();
    let (documented, routed) = (set(&documented(yaml)), set(routed));
    assert!(routed.len() > 10, "the router's source is read: {routed:?}");
    let missing: Vec<_> = routed.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&routed).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "undocumented {missing:?}, invented {invented:?}"
    );
}

/// Operations whose document and whose handler's text differ in parameters, and why that is right.
const EXCEPT: [(&[&str], &[&str], &str); 4] = [
    (
        &["post /subjects/{subject}", "post /subjects/{subject}/versions"],
        &["findTags", "referenceFormat"],
        "all answers with a schema are shaped alike; the reference does not offer it there",
    ),
    (
        &["post /consumers/{group}/instances/{instance}/offsets"],
        &["async"],
        "documented as one that is passed over",
    ),
    (
        &["get /consumers/{group}/instances/{instance}/offsets"],
        &["partition", "topic"],
        "their order counts: they are no fields of a type",
    ),
    (&["get /v3/clusters"], &["page_size", "page_token"], "there is one cluster"),
];

/// Each operation has the query parameters that its handler asks for.
#[track_caller]
fn ask_the_same(yaml: &str, router: &str, sources: &str, folder: &str) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(sources);
    let (handlers, routes) = (Handlers::read(&sources), handlers::of_router(router));
    let operations = Contract::read(yaml).operations();
    assert!(operations.iter().any(|o| !o.query.is_empty()), "the document is read");
    let mut differences = Vec::new();
    for operation in &operations {
        let (path, method) = (&operation.path, &operation.method);
        let (module, name) = &routes[&(path.clone(), method.clone())];
        let folder = if path.starts_with("/v3") { "v3/" } else { folder };
        let mut asked = handlers.parameters(folder, (module, name));
        for (_, parameters, _) in
            EXCEPT.iter().filter(|(of, ..)| of.contains(&operation.to_string().as_str()))
        {
            for parameter in *parameters {
                // in one of the two, and not in the other
                let differs = asked.contains(*parameter) != operation.query.contains(*parameter);
                assert!(differs, "{operation} is no exception any more: {parameter}");
                match operation.query.contains(*parameter) {
                    true => drop(asked.insert(parameter.to_string())),
                    false => drop(asked.remove(*parameter)),
                }
            }
        }
        if asked != operation.query {
            let undocumented: Vec<_> = asked.difference(&operation.query).collect();
            let invented: Vec<_> = operation.query.difference(&asked).collect();
            differences.push(format!(
                "{operation} ({module}::{name}): undocumented {undocumented:?}, invented {invented:?}"
            ));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn the_registrys_openapi_and_handlers_have_the_same_query_parameters() {
    ask_the_same(REGISTRY, REGISTRY_ROUTER, "registry/src/http", "");
}

#[test]
fn the_proxys_openapi_and_handlers_have_the_same_query_parameters() {
    ask_the_same(PROXY, PROXY_ROUTER, "proxy/src/http", "v2/");
}

/// Paths in the order in which they stand.
fn paths(operations: Operations) -> Vec<String> {
    let mut paths: Vec<String> = operations.into_iter().map(|(path, _)| path).collect();
    paths.dedup();
    paths
}

#[track_caller]
fn names_every_code(yaml: &str, table: &[ErrorRow]) {
    let words: BTreeSet<u32> = yaml
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| word.parse().ok())
        .collect();
    let missing: Vec<_> = table.iter().filter(|row| !words.contains(&row.code)).collect();
    assert!(missing.is_empty(), "undocumented {missing:?}");
    // what answers 405 is no operation
    for status in table.iter().map(|row| row.status).filter(|status| *status != 405) {
        assert!(yaml.contains(&format!("\"{status}\":")), "no answer is {status}");
    }
}

const REGISTRY: &str = include_str!("../../openapi/registry.yaml");
const REGISTRY_ROUTER: &str = include_str!("../../registry/src/http/router.rs");

/// What is below `/contexts/{context}/` is no route of its own: the contract says so in words.
#[test]
fn the_registrys_openapi_and_router_agree() {
    agree(REGISTRY, &routed(REGISTRY_ROUTER));
}

#[test]
fn the_registrys_openapi_has_the_routers_order() {
    assert_eq!(paths(documented(REGISTRY)), paths(routed(REGISTRY_ROUTER)));
}

#[test]
fn the_registrys_openapi_names_every_error_code() {
    names_every_code(REGISTRY, RegistryError::TABLE);
}

const PROXY: &str = include_str!("../../openapi/proxy.yaml");
const PROXY_ROUTER: &str = include_str!("../../proxy/src/http/router.rs");

/// The routes of the two APIs, and then the others, which stand before them in the source.
fn proxy_routes() -> Operations {
    let (others, apis) = PROXY_ROUTER.split_once("\nfn v2() ").unwrap();
    [routed(apis), routed(others)].concat()
}

#[test]
fn the_proxys_openapi_and_router_agree() {
    let routes = proxy_routes();
    for path in ["/topics", "/v3/clusters", "/metrics"] {
        assert!(routes.iter().any(|(known, _)| known == path), "{path} is read: {routes:?}");
    }
    agree(PROXY, &routes);
}

#[test]
fn the_proxys_openapi_has_the_routers_order() {
    assert_eq!(paths(documented(PROXY)), paths(proxy_routes()));
}

/// What is below `/kafka` is no route of its own: the contract says so in words.
#[test]
fn the_proxys_openapi_says_what_is_below_kafka() {
    assert_eq!(PROXY_ROUTER.matches(".nest(").count(), 1);
    assert!(PROXY_ROUTER.contains(".nest(\"/kafka\", v3)"));
    assert!(PROXY.contains("`/kafka/v3/clusters` is\n    `/v3/clusters`"));
}

#[test]
fn the_proxys_openapi_names_every_error_code() {
    names_every_code(PROXY, ProxyError::TABLE);
}
