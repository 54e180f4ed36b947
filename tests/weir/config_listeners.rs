//! Listeners are URLs, of which all are served.

use std::net::TcpListener;

use serde_json::json;
use weir_tests::Api;

use crate::process::Weir;

/// Whether this machine has IPv6 on loopback.
fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// A registry in memory with these listeners.
fn registry(listeners: &str, vars: &[(&str, &str)]) -> Weir {
    let args = ["serve", "--roles", "registry", "--store", "memory"];
    let mut command = Weir::command(&[&args[..], &["--registry-listener", listeners]].concat());
    Weir::spawn(command.envs(vars.iter().copied()))
}

async fn is_served(api: &Api) {
    let answer = api.get("/subjects").await;
    assert_eq!((answer.status.as_u16(), answer.json), (200, json!([])), "{}", api.url);
}

#[tokio::test]
async fn all_listeners_of_registry_and_proxy_are_served() {
    let mut command =
        Weir::command(&["serve", "--store", "memory", "--bootstrap-servers", "127.0.0.1:1"]);
    command
        .env("WEIR_REGISTRY_LISTENERS", "http://127.0.0.1:0,127.0.0.1:0")
        .env("WEIR_PROXY_LISTENERS", "http://127.0.0.1:0, http://localhost:0/");
    let mut weir = Weir::spawn(&mut command);
    for _ in 0..2 {
        is_served(&weir.api("registry on")).await;
    }
    for _ in 0..2 {
        let answer = weir.api("REST proxy on").get("/").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_listener_may_be_ipv6_a_name_or_a_port_alone() {
    let mut weir = registry("http://localhost:0", &[]);
    is_served(&weir.api("registry on")).await;
    let mut weir = registry(":0", &[("WEIR_INSECURE", "true")]);
    let line = weir.line("registry on http://0.0.0.0:");
    let port = line.rsplit(':').next().unwrap();
    is_served(&Api::at(format!("http://127.0.0.1:{port}"))).await;
    if has_ipv6() {
        let mut weir = registry("http://[::1]:0,127.0.0.1:0", &[]);
        is_served(&weir.api("registry on http://[::1]:")).await;
        is_served(&weir.api("registry on http://127.0.0.1:")).await;
    }
}

#[test]
fn insecure_has_its_variable_and_can_be_taken_back() {
    let said = |args: &[&str], insecure: &str| {
        let fixed = ["serve", "--roles", "registry", "--store", "memory"];
        let all = [&fixed[..], &["--registry-listener", "0.0.0.0:0"], args].concat();
        let mut weir = Weir::spawn(Weir::command(&all).env("WEIR_INSECURE", insecure));
        weir.line("0.0.0.0:")
    };
    assert!(said(&[], "TRUE").contains("registry on"));
    assert!(said(&[], "false").contains("--insecure"));
    assert!(said(&["--insecure"], "false").contains("registry on"));
    assert!(said(&["--insecure=false"], "true").contains("--insecure"));
}

#[test]
fn a_listener_that_cannot_be_is_named() {
    for (listeners, expected) in [
        ("ftp://127.0.0.1:1", "--registry-listener: ftp://127.0.0.1:1 is not a listener"),
        ("http://127.0.0.1", "--registry-listener: http://127.0.0.1 is not a listener"),
        (
            "http://no-such-host.invalid:1",
            "http://no-such-host.invalid:1 names a host that is not known",
        ),
        ("https://127.0.0.1:1", "there is no certificate"),
        ("", "registry.listeners: there is no listener"),
    ] {
        let mut weir = registry(listeners, &[]);
        assert_eq!(weir.wait().code(), Some(1), "{listeners}");
        let said = weir.output.join("\n");
        assert!(said.contains(expected), "{listeners}: {said}");
    }
}
