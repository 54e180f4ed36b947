//! `weir probe`.

use std::process::Output;

use super::{proxy, registry, until_ready};
use crate::process::Weir;

/// Its exit code, and the line that it has printed.
fn outcome(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.stderr.is_empty(), "{output:?}");
    (output.status.code(), text.trim_end().to_string())
}

fn probe(args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Weir::command(&[&["probe"], args].concat());
    outcome(&command.envs(env.iter().copied()).output().unwrap())
}

#[tokio::test]
async fn a_probe_says_in_a_line_and_an_exit_code_how_a_server_is() {
    let (mut weir, api) = registry(&[]);
    until_ready(&api).await;
    let url = &api.url;
    let line = |path: &str, status: &str| (Some(0), format!("{url}{path}: {status}"));
    assert_eq!(probe(&[url], &[]), line("/readyz", "ready"));
    assert_eq!(probe(&[url, "--live"], &[]), line("/healthz", "ok"));
    assert_eq!(probe(&[url, "--startup"], &[]), line("/startupz", "started"));
    // from the settings of the server, as a HEALTHCHECK has them
    let address = url.trim_start_matches("http://");
    let env = [("WEIR_ROLES", "registry"), ("WEIR_REGISTRY_LISTENERS", address)];
    assert_eq!(probe(&[], &env), line("/readyz", "ready"));
    let anywhere = address.replace("127.0.0.1", "0.0.0.0");
    let flags = ["--roles", "registry", "--registry-listener", &anywhere, "--insecure"];
    assert_eq!(probe(&flags, &[]), line("/readyz", "ready"));
    weir.kill();
    let (code, line) = probe(&[url], &[]);
    assert_eq!(code, Some(1));
    assert!(line.contains("refused"), "{line}");
}

#[tokio::test]
async fn a_probe_names_what_a_proxy_waits_for() {
    let (_weir, api) = proxy("127.0.0.1:1", &[]);
    let (code, line) = probe(&[&api.url], &[]);
    assert_eq!(code, Some(1));
    assert!(line.contains("/readyz: not ready: kafka: ") && line.contains("since "), "{line}");
    assert!(!line.contains("schema-registry"), "what is not required is left out: {line}");
}

#[tokio::test]
async fn a_probe_of_a_server_that_does_not_answer_ends() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (code, line) = probe(&[&url, "--timeout-ms", "50"], &[]);
    assert_eq!((code, line), (Some(1), format!("{url}/readyz: no answer within 50 ms")));
}

#[tokio::test]
async fn a_probe_asks_an_https_listener_whatever_its_certificate_says() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["elsewhere.example".to_string()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let (_weir, api) = registry(&tls);
    let given = probe(&[&api.url, "--live"], &[]);
    assert_eq!(given, (Some(0), format!("{}/healthz: ok", api.url)));
    let address = api.url.trim_start_matches("https://");
    let listener = ["--live", "--roles", "registry", "--registry-listener", address];
    let own = probe(&[&listener[..], &tls].concat(), &[]);
    assert_eq!(own, (Some(0), format!("{}/healthz: ok", api.url)));
}
