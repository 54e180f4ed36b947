//! No client can make more series.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use weir_tests::Api;

use crate::process::Weir;

/// Hostile requests of each kind.
const HOSTILE: usize = 10_000;

/// Requests that are sent before their answers are read.
const AHEAD: usize = 100;

/// The names and labels of all series.
async fn series(api: &Api) -> BTreeSet<String> {
    let text = api.get("/metrics").await.text;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_string()).collect()
}

/// Sends many requests on one connection, and reads their answers.
fn ask(api: &Api, count: usize, request: impl Fn(usize) -> String) {
    let mut stream = TcpStream::connect(api.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut buffer = vec![0; 1 << 16];
    for first in (0..count).step_by(AHEAD) {
        let requests = (first..count.min(first + AHEAD)).map(&request);
        let text: String = requests.clone().collect();
        stream.write_all(text.as_bytes()).unwrap();
        let (mut missing, mut tail) = (requests.count(), Vec::new());
        while missing > 0 {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the connection was closed");
            tail.extend_from_slice(&buffer[..read]);
            let answers = tail.windows(9).filter(|window| window == b"HTTP/1.1 ").count();
            missing -= answers;
            tail.drain(..tail.len().saturating_sub(8));
        }
    }
}

#[tokio::test]
async fn hostile_paths_methods_and_principals_make_no_series() {
    let args = ["--bootstrap-servers", "127.0.0.1:1", "--trusted-proxy", "127.0.0.0/8"];
    let limited = ["--rate-limit-requests-per-sec", "1"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&[&args[..], &limited].concat()));
    let (registry, proxy) = (weir.api("registry on"), weir.api("REST proxy on"));
    let head = |line: String| format!("{line} HTTP/1.1\r\nhost: {}\r\n\r\n", registry.address());
    let hostile = |at: usize| match at % 4 {
        0 => head(format!("GET /no/such/{at}")),
        1 => head(format!("GET /subjects/s{at}/versions")),
        2 => head(format!("M{at} /subjects")),
        _ => head(format!("GET /config/c{at}?x={at}")),
    };
    let from = |at: usize| {
        let (address, host) = (std::net::Ipv4Addr::from(at as u32 / 2), proxy.address());
        format!("GET /nothing HTTP/1.1\r\nhost: {host}\r\nx-forwarded-for: {address}\r\n\r\n")
    };
    ask(&registry, 8, hostile);
    ask(&proxy, 400, from);
    series(&registry).await; // the scrape itself has series
    let before = series(&registry).await;
    ask(&registry, HOSTILE, hostile);
    ask(&proxy, HOSTILE, |at| from(at + 1000));
    let after = series(&registry).await;
    let new: Vec<&String> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:?}");
}
