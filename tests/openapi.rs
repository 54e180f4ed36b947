//! The contract and the routers agree: every path and method of one is in the other.
#![allow(clippy::unwrap_used)] // how a test fails

use std::collections::BTreeSet;

type Operations = BTreeSet<(String, String)>;

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
            operations.insert((path.clone(), method.to_string()));
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
                operations.insert((path.to_string(), method.to_string()));
            }
        }
    }
    operations
}

#[track_caller]
fn agree(yaml: &str, source: &str) {
    let (documented, routed) = (documented(yaml), routed(source));
    assert!(routed.len() > 10, "the router's source is read: {routed:?}");
    let missing: Vec<_> = routed.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&routed).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "undocumented {missing:?}, invented {invented:?}"
    );
}

#[test]
fn the_registrys_openapi_and_router_agree() {
    agree(include_str!("../openapi/registry.yaml"), include_str!("../registry/src/http/router.rs"));
}

#[test]
fn the_proxys_openapi_and_router_agree() {
    agree(include_str!("../openapi/proxy.yaml"), include_str!("../proxy/src/http/router.rs"));
}
