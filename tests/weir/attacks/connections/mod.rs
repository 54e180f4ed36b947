//! Connections, bodies and answers: many of them, slow ones, and ones that a browser was tricked into.

mod bodies;
mod browsers;
mod certificates;
mod readers;
mod sizes;
mod wire;

use std::net::TcpStream;
use std::process::Command;

use weir_tests::Api;

use crate::process::Weir;
use wire::{Raw, metric, until_metric};

/// Nobody is helped by time: it is longer than a test takes.
const NEVER: &str = "3600000";

/// A registry in memory, with these flags.
pub fn registry(flags: &[&str]) -> (Weir, Api) {
    start(&mut Weir::command(&[&REGISTRY[..], flags].concat()))
}

const REGISTRY: [&str; 7] =
    ["serve", "--roles", "registry", "--store", "memory", "--registry-listener", "127.0.0.1:0"];

fn start(command: &mut Command) -> (Weir, Api) {
    let mut weir = Weir::spawn(command);
    let api = weir.api("registry on");
    (weir, api)
}

/// The same, with so many descriptors.
fn registry_with_descriptors(descriptors: usize, flags: &[&str]) -> (Weir, Api) {
    let script = format!("ulimit -n {descriptors}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_weir")]).args(REGISTRY).args(flags);
    start(command.env_remove("WEIR_LOG"))
}

#[tokio::test]
async fn idle_connections_at_the_limit_of_descriptors_keep_nobody_out() {
    weir_http::raise_descriptors();
    let (_weir, api) = registry_with_descriptors(1024, &["--idle-timeout-ms", NEVER]);
    assert_eq!(metric(&api, "weir_connections_max").await, 512);
    assert_eq!(metric(&api, "weir_connections_per_address_max").await, 256);
    let idle: Vec<_> = (0..1100).map(|_| TcpStream::connect(api.address()).unwrap()).collect();
    assert_eq!(Api::at(api.url.clone()).get("/subjects").await.status, 200);
    // who was there before is so still
    assert_eq!(api.get("/subjects").await.status, 200);
    until_metric(&api, "weir_connections_closed_total{reason=\"evicted\"}", 1100 - 256).await;
    assert!(metric(&api, "weir_connections").await <= 512 + 32);
    drop(idle);
}

/// More connections may be open than there are descriptors.
#[tokio::test]
async fn idle_connections_make_room_where_descriptors_run_out_first() {
    let flags = ["--connections-max", "1000", "--connections-per-address-max", "1000"];
    let flags = [&flags[..], &["--idle-timeout-ms", NEVER]].concat();
    let (_weir, api) = registry_with_descriptors(64, &flags);
    let idle: Vec<_> = (0..300).map(|_| TcpStream::connect(api.address()).unwrap()).collect();
    assert_eq!(api.get("/subjects").await.status, 200);
    drop(idle);
}

/// Heads that do not come to their end are as good as none.
#[tokio::test]
async fn heads_that_never_end_keep_nobody_out() {
    let flags = ["--idle-timeout-ms", NEVER, "--connections-max", "8"];
    let (_weir, api) = registry(&flags);
    let slow: Vec<_> = (0..50)
        .map(|_| {
            let mut raw = Raw::connect(&api);
            raw.send_or_closed("GET /subjects HTTP/1.1\r\nhost: localhost\r\nx-");
            raw
        })
        .collect();
    assert_eq!(api.get("/subjects").await.status, 200);
    drop(slow);
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_503() {
    let flags = ["--connections-max", "2", "--connections-per-address-max", "2"];
    let patience = ["--answer-stall-timeout-ms", NEVER, "--answer-timeout-ms", NEVER];
    let (_weir, api) = registry(&[&flags[..], &patience].concat());
    let path = readers::long_schema(&api).await;
    // both places are taken by clients that are being answered, until it is seen that they do not read
    let refused = loop {
        let mut readers = [readers::reader(&api, &path), readers::reader(&api, &path)];
        readers.iter_mut().for_each(Raw::until_answered);
        let answer = Raw::connect(&api).ask("GET /subjects HTTP/1.1\r\nhost: localhost\r\n\r\n");
        if answer.status == 503 {
            break answer;
        }
    };
    assert_eq!(refused.json["error_code"], 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    while Raw::connect(&api).ask("GET /subjects HTTP/1.1\r\nhost: localhost\r\n\r\n").status != 200
    {
    }
    let lack = "weir_connections_refused_total{lack=\"connections_of_address\"}";
    // the client's own connection has made room long ago
    assert!(metric(&Api::at(api.url), lack).await >= 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time() {
    let (_weir, api) = registry(&["--idle-timeout-ms", "2000"]);
    let mut raw = Raw::connect(&api);
    let answer = raw.ask("GET /subjects HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(answer.status, 200);
    raw.until_closed();
}

/// A head that has begun has less time than a connection that waits.
#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_is_given_up_in_time() {
    let (_weir, api) = registry(&["--idle-timeout-ms", NEVER, "--header-timeout-ms", "1000"]);
    let mut idle = Raw::connect(&api);
    let mut slow = Raw::connect(&api);
    let first = slow.ask("GET /subjects HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(first.status, 200);
    slow.send("GET /subjects HTTP/1.1\r\nhost: localhost\r\nx-");
    slow.until_closed();
    assert_eq!(idle.ask("GET /subjects HTTP/1.1\r\nhost: localhost\r\n\r\n").status, 200);
}

/// A client that agrees on no keys.
#[tokio::test]
async fn a_handshake_that_does_not_come_is_given_up_in_time() {
    let files = certificates::Files::new();
    files.write(2100);
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| files.path(name));
    let tls = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let flags = ["--idle-timeout-ms", NEVER, "--handshake-timeout-ms", "1000"];
    let (_weir, api) = registry(&[&flags[..], &tls].concat());
    let mut silent = TcpStream::connect(api.url.trim_start_matches("https://")).unwrap();
    assert_eq!(std::io::Read::read(&mut silent, &mut [0]).unwrap(), 0);
}
