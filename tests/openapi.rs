//! The contracts and the routers agree: every path and method of one is in the other. The
//! registry's names every error code.
#![allow(clippy::unwrap_used)] // how a test fails

use std::collections::BTreeSet;

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
fn agree(yaml: &str, source: &str) {
    let set = |operations: Operations| operations.into_iter().collect::<BTreeSet<_>>();
    let (documented, routed) = (set(documented(yaml)), set(routed(source)));
    assert!(routed.len() > 10, "the router's source is read: {routed:?}");
    let missing: Vec<_> = routed.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&routed).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "undocumented {missing:?}, invented {invented:?}"
    );
}

const REGISTRY: &str = include_str!("../openapi/registry.yaml");
const REGISTRY_ROUTER: &str = include_str!("../registry/src/http/router.rs");

/// What is below `/contexts/{context}/` is no route of its own: the contract says so in words.
#[test]
fn the_registrys_openapi_and_router_agree() {
    agree(REGISTRY, REGISTRY_ROUTER);
}

#[test]
fn the_registrys_openapi_has_the_routers_order() {
    let paths = |operations: Operations| {
        let mut paths: Vec<String> = operations.into_iter().map(|(path, _)| path).collect();
        paths.dedup();
        paths
    };
    assert_eq!(paths(documented(REGISTRY)), paths(routed(REGISTRY_ROUTER)));
}

/// Codes and statuses of the table in `registry/api/src/error.rs`.
fn registry_codes() -> Vec<(u32, u32)> {
    let source = include_str!("../registry/api/src/error.rs");
    let (_, table) = source.split_once("\ncodes! {\n").unwrap();
    let (table, _) = table.split_once("\n}").unwrap();
    let row = |line: &str| {
        let mut numbers = line.split_whitespace().map_while(|word| word.parse().ok());
        (numbers.next().unwrap(), numbers.next().unwrap())
    };
    table.lines().map(row).collect()
}

#[test]
fn the_registrys_openapi_names_every_error_code() {
    let codes = registry_codes();
    assert!(codes.len() > 40, "the table is read: {codes:?}");
    let words: BTreeSet<u32> = REGISTRY
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| word.parse().ok())
        .collect();
    let missing: Vec<_> = codes.iter().filter(|(code, _)| !words.contains(code)).collect();
    assert!(missing.is_empty(), "undocumented {missing:?}");
    // what answers 405 is no operation
    for (_, status) in codes.into_iter().filter(|(_, status)| *status != 405) {
        assert!(REGISTRY.contains(&format!("\"{status}\":")), "no answer is {status}");
    }
}

#[test]
fn the_proxys_openapi_and_router_agree() {
    agree(include_str!("../openapi/proxy.yaml"), include_str!("../proxy/src/http/router.rs"));
}
