//! HTTP/2 beside HTTP/1.1: over TLS by ALPN, in clear by prior knowledge; and what a hostile client can do with it.

use std::process::Command;

use serde_json::json;
use weir_tests::{Api, REGISTRY_JSON};

use super::frames::*;
use super::{NEVER, registry};

/// What `RFC 9113` calls the reason for which a server has enough of its client.
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// Nobody's window is used up.
const WINDOW: u32 = 1 << 20;

const CLOSED: &str = "weir_connections_closed_total{reason=\"slow_reader\"}";

/// Asks with curl, and returns the version of HTTP, the status, and the body.
fn curl(args: &[&str]) -> (String, String, String) {
    let written = ["-sS", "-w", "\n%{http_version} %{http_code}"];
    let asked = Command::new("curl").args(written).args(args).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let output = String::from_utf8(asked.stdout).unwrap();
    let (body, last) = output.rsplit_once('\n').unwrap();
    let (version, status) = last.split_once(' ').unwrap();
    (version.to_string(), status.to_string(), body.to_string())
}

fn schema() -> String {
    json!({"schema": r#"{"type": "record", "name": "R", "fields": []}"#}).to_string()
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_in_clear_and_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let [cert, key] = [cert.to_str().unwrap(), key.to_str().unwrap()];
    let (_clear, clear) = registry(&[]);
    let (_secure, secure) = registry(&["--tls-cert", cert, "--tls-key", key]);
    let secure = secure.url.replace("127.0.0.1", "localhost");
    let header = format!("content-type: {REGISTRY_JSON}");
    for (url, flags, version) in [
        (&clear.url, &["--http2-prior-knowledge"][..], "2"),
        (&clear.url, &["--http1.1"], "1.1"),
        (&secure, &["--cacert", cert], "2"),
        (&secure, &["--cacert", cert, "--http1.1"], "1.1"),
    ] {
        let path = format!("{url}/subjects/s/versions");
        let body = schema();
        let register = [flags, &["-H", &header, "-d", &body, &path]].concat();
        let answer = (version.to_string(), "200".to_string());
        let (found, status, text) = curl(&register);
        assert_eq!((found, status), answer, "{text}");
        let (found, status, text) = curl(&[flags, &[&path]].concat());
        assert_eq!((found, status), answer);
        assert_eq!(text, "[1]");
    }
}

/// A connection with h2, which keeps to the protocol.
async fn client(api: &Api) -> h2::client::SendRequest<axum::body::Bytes> {
    let stream = tokio::net::TcpStream::connect(api.address()).await.unwrap();
    // before it knows how many streams it may open, it opens no more than is usual
    let mut builder = h2::client::Builder::new();
    let (sender, connection) =
        builder.initial_max_send_streams(100).handshake(stream).await.unwrap();
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("the connection has ended: {error:?}");
        }
    });
    sender
}

fn post(api: &Api, path: &str) -> axum::http::Request<()> {
    let request = axum::http::Request::post(format!("{}{path}", api.url));
    request.header("content-type", REGISTRY_JSON).body(()).unwrap()
}

/// Reads an answer's body.
async fn text(mut body: h2::RecvStream) -> String {
    let mut text = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        let _ = body.flow_control().release_capacity(chunk.len());
        text.extend_from_slice(&chunk);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn requests_of_one_connection_are_answered_each_by_itself() {
    let (_weir, api) = registry(&[]);
    let sender = client(&api).await;
    // one whose body is not there yet keeps no other waiting
    let mut waiting = sender.clone().ready().await.unwrap();
    let (slow, mut slow_body) =
        waiting.send_request(post(&api, "/subjects/slow/versions"), false).unwrap();
    let mut answers = Vec::new();
    for n in 0..300 {
        let mut sender = sender.clone().ready().await.unwrap();
        let path = format!("/subjects/s{n}/versions");
        let (answer, mut body) = sender.send_request(post(&api, &path), false).unwrap();
        body.send_data(schema().into(), true).unwrap();
        answers.push(tokio::spawn(answer));
    }
    for answer in answers {
        let answer = answer.await.unwrap().unwrap();
        assert_eq!(answer.status(), 200);
        assert!(text(answer.into_body()).await.starts_with("{\"id\":1,"));
    }
    slow_body.send_data(schema().into(), true).unwrap();
    assert_eq!(slow.await.unwrap().status(), 200);
    let metrics = api.get("/metrics").await.text;
    let route = "route=\"/subjects/{subject}/versions\",method=\"POST\",status=\"200\"} 301";
    assert!(metrics.contains(route), "{metrics}");
    assert!(metrics.contains("weir_request_body_bytes 0"), "{metrics}");
}

#[tokio::test]
async fn what_is_under_way_is_answered_when_the_process_stops() {
    let (mut weir, api) = registry(&[]);
    let mut sender = client(&api).await.ready().await.unwrap();
    let (answer, mut body) =
        sender.send_request(post(&api, "/subjects/s/versions"), false).unwrap();
    // the request is there once a later one is answered
    let mut other = sender.clone().ready().await.unwrap();
    let get = axum::http::Request::get(format!("{}/subjects", api.url)).body(()).unwrap();
    assert_eq!(other.send_request(get, true).unwrap().0.await.unwrap().status(), 200);
    drop((other, sender));
    weir.signal("TERM");
    weir.line("stopping");
    body.send_data(schema().into(), true).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(text(answer.into_body()).await.starts_with("{\"id\":1,"));
    assert!(weir.wait().success());
}

#[tokio::test]
async fn an_idle_connection_is_told_goodbye_and_closed() {
    let (_weir, api) = registry(&["--idle-timeout-ms", "1000"]);
    let mut frames = Frames::connect(&api, WINDOW);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &request("GET", "/subjects", &[]));
    assert!(frames.next(&[HEADERS]).is_some());
    assert_eq!(frames.until_closed(), Some(0));
}

/// One that keeps its windows shut, and one that does not say that it is there.
#[tokio::test]
async fn an_answer_that_a_client_leaves_where_it_is_ends_its_connection() {
    let (_weir, api) = registry(&["--answer-stall-timeout-ms", "1000", "--idle-timeout-ms", NEVER]);
    let mut frames = Frames::connect(&api, 0);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &request("GET", "/metrics", &[]));
    assert!(frames.next(&[HEADERS]).is_some());
    frames.until_closed();
    assert_eq!(metric(&api, CLOSED).await, 1);
}

async fn metric(api: &Api, name: &str) -> i64 {
    let answer = api.get("/metrics").await;
    let value = answer.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}

/// What an attack may leave behind: twice the largest body.
const GROWTH_KIB_MAX: u64 = 20 * 1024;

#[tokio::test]
async fn a_client_that_resets_what_it_asks_for_is_told_to_calm_down() {
    let (weir, api) = registry(&[]);
    api.get("/subjects").await;
    let before = weir.resident_kib();
    let mut frames = Frames::connect(&api, WINDOW);
    let head = request("GET", "/subjects", &[]);
    let reset = |stream: u32| {
        let asked = bytes(HEADERS, END_HEADERS | END_STREAM, stream, &head);
        [asked, bytes(RST_STREAM, 0, stream, &8u32.to_be_bytes())].concat()
    };
    let streams: Vec<u8> = (0..1_000).flat_map(|n| reset(2 * n + 1)).collect();
    frames.send_all(&streams); // the server may close it before it has all
    assert_eq!(frames.until_closed(), Some(ENHANCE_YOUR_CALM));
    assert_eq!(api.get("/subjects").await.status, 200);
    assert!(weir.resident_kib() < before + GROWTH_KIB_MAX);
}

#[tokio::test]
async fn ten_thousand_streams_on_a_connection_are_refused_but_for_the_first_hundred() {
    let (weir, api) = registry(&["--idle-timeout-ms", NEVER, "--body-timeout-ms", NEVER]);
    api.get("/subjects").await;
    let before = weir.resident_kib();
    let mut frames = Frames::connect(&api, WINDOW);
    assert!(frames.next(&[SETTINGS]).is_some());
    let head = request("POST", "/subjects/s/versions", &[("content-type", REGISTRY_JSON)]);
    let streams: Vec<u8> =
        (0..10_000).flat_map(|n| bytes(HEADERS, END_HEADERS, 2 * n + 1, &head)).collect();
    frames.send_all(&streams);
    // a stream is refused, or the connection is given up: it is not kept
    let refused = frames.next(&[RST_STREAM, GOAWAY]).unwrap();
    assert!(refused.kind == GOAWAY || refused.stream > 200, "{refused:?}");
    assert_eq!(api.get("/subjects").await.status, 200);
    assert!(weir.resident_kib() < before + GROWTH_KIB_MAX);
}

#[tokio::test]
async fn headers_without_an_end_end_the_connection() {
    let (weir, api) = registry(&["--idle-timeout-ms", NEVER]);
    api.get("/subjects").await;
    let before = weir.resident_kib();
    let mut frames = Frames::connect(&api, WINDOW);
    frames.send(HEADERS, END_STREAM, 1, &request("GET", "/subjects", &[]));
    let piece = request("GET", "/", &[("x", "y"); 100])[14..].to_vec();
    while frames.send(CONTINUATION, 0, 1, &piece) {}
    frames.until_closed();
    assert_eq!(api.get("/subjects").await.status, 200);
    assert!(weir.resident_kib() < before + GROWTH_KIB_MAX);
}

#[tokio::test]
async fn more_headers_than_a_request_may_have_are_431() {
    let (_weir, api) = registry(&[]);
    let mut sender = client(&api).await.ready().await.unwrap();
    let mut get = axum::http::Request::get(format!("{}/subjects", api.url)).body(()).unwrap();
    for n in 0..700 {
        let name = axum::http::HeaderName::try_from(format!("x-{n}")).unwrap();
        get.headers_mut().insert(name, "v".repeat(90).parse().unwrap());
    }
    let answer = sender.send_request(get, true).unwrap().0.await.unwrap();
    assert_eq!(answer.status(), 431);
}

#[tokio::test]
async fn a_name_in_host_that_is_not_the_authority_is_400() {
    let (_weir, api) = registry(&[]);
    let mut sender = client(&api).await.ready().await.unwrap();
    let get = axum::http::Request::get(format!("{}/subjects", api.url));
    let get = get.header("host", "localhost").body(()).unwrap();
    let answer = sender.send_request(get, true).unwrap().0.await.unwrap();
    assert_eq!(answer.status(), 400);
}

/// Who has begun as HTTP/2 does and says no more is as idle as any other.
#[tokio::test]
async fn a_connection_that_only_begins_is_closed_in_time() {
    let (_weir, api) = registry(&["--idle-timeout-ms", "1000"]);
    let mut streams = ["", "P", "PRI ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"].map(|beginning| {
        let mut stream = std::net::TcpStream::connect(api.address()).unwrap();
        std::io::Write::write_all(&mut stream, beginning.as_bytes()).unwrap();
        stream
    });
    for stream in &mut streams {
        let _ = std::io::copy(stream, &mut std::io::sink()); // until it is closed
    }
}
