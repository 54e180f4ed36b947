//! The contracts and the routers agree: every path and method of one is in the other, in the same
//! order. The contracts name every error code.
#![allow(clippy::unwrap_used)] // how a test fails

use std::collections::BTreeSet;

use weir_errors::ErrorRow;
use weir_proxy::ProxyError;
use weir_registry_api::RegistryError;

/// Paths and methods, in the order in which they stand.
type Operations = Vec<(String, String)>;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

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

const REGISTRY: &str = include_str!("../openapi/registry.yaml");
const REGISTRY_ROUTER: &str = include_str!("../registry/src/http/router.rs");

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

const PROXY: &str = include_str!("../openapi/proxy.yaml");
const PROXY_ROUTER: &str = include_str!("../proxy/src/http/router.rs");

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
