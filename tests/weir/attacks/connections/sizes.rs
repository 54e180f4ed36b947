//! Requests that are too large in one way or another: each is answered, soon, and takes no memory to speak of.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use weir_tests::Api;

use super::wire::Raw;
use super::{NEVER, registry};
use crate::process::Weir;

/// What a machine that has much else to do takes for what takes no time.
const SOON: Duration = Duration::from_secs(30);

/// Twice the largest body.
const GROWTH_KIB_MAX: u64 = 20 * 1024;

const REGISTER: &str = "POST /subjects/s/versions HTTP/1.1\r\nhost: localhost\r\n\
                        content-type: application/vnd.schemaregistry.v1+json\r\n";

/// Attacks, and looks that this took neither long nor much memory, and that others are answered.
async fn survived(weir: &Weir, api: &Api, attack: impl FnOnce(&mut Raw)) {
    assert!(api.get("/metrics").await.status.is_success());
    let (before, begun) = (weir.resident_kib(), Instant::now());
    let mut raw = Raw::connect(api);
    attack(&mut raw);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(api.get("/metrics").await.status.is_success());
    let growth = weir.resident_kib().saturating_sub(before);
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB");
}

/// Status of the answer to a body, which may come before all of it is sent.
fn posted(raw: &mut Raw, body: &str) -> u16 {
    let head = format!("{REGISTER}content-length: {}\r\n\r\n", body.len());
    raw.send_or_closed(&head);
    raw.ask(body).status
}

#[tokio::test]
async fn a_hundred_thousand_headers_are_431() {
    let (weir, api) = registry(&[]);
    let headers: String = (0..100_000).map(|n| format!("x-{n}: v\r\n")).collect();
    survived(&weir, &api, |raw| {
        let answer =
            raw.ask(&format!("GET /subjects HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n"));
        assert_eq!(answer.status, 431);
    })
    .await;
}

#[tokio::test]
async fn a_header_of_a_megabyte_is_431() {
    let (weir, api) = registry(&[]);
    let long = "v".repeat(1024 * 1024);
    survived(&weir, &api, |raw| {
        let answer =
            raw.ask(&format!("GET /subjects HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"));
        assert_eq!(answer.status, 431);
    })
    .await;
}

#[tokio::test]
async fn chunks_without_an_end_are_413() {
    let (weir, api) = registry(&["--body-timeout-ms", NEVER]);
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    survived(&weir, &api, |raw| {
        raw.send(&format!("{REGISTER}transfer-encoding: chunked\r\n\r\n"));
        while raw.send_or_closed(&chunk) {}
        raw.until_closed();
    })
    .await;
}

#[tokio::test]
async fn a_gigabyte_is_413_before_it_has_all_come() {
    let (weir, api) = registry(&["--body-timeout-ms", NEVER]);
    let piece = " ".repeat(1024 * 1024);
    survived(&weir, &api, |raw| {
        raw.send(&format!("{REGISTER}content-length: {}\r\n\r\n", 1 << 30));
        let sent = (0..1024).take_while(|_| raw.send_or_closed(&piece)).count();
        assert!(sent < 1024);
    })
    .await;
}

#[tokio::test]
async fn nesting_by_the_million_is_refused() {
    let (weir, api) = registry(&[]);
    for depth in [10_000, 1_000_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        for body in [
            format!("{open}{close}"),
            format!("{{\"schema\": \"{open}{close}\"}}"),
            format!("{{\"references\": {open}{close}, \"schema\": \"\\\"string\\\"\"}}"),
        ] {
            survived(&weir, &api, |raw| {
                let status = posted(raw, &body);
                assert!([400, 422].contains(&status), "{depth}: {status}");
            })
            .await;
        }
    }
}

/// A gigabyte of zeros that is a megabyte on the wire.
#[tokio::test]
async fn a_body_that_grows_when_it_is_unpacked_is_413() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b'0'; 1024 * 1024];
    for _ in 0..1024 {
        gzip.write_all(&zeros).unwrap();
    }
    let packed = gzip.finish().unwrap();
    let mut weir = Weir::spawn(&mut Weir::serve_command(&["--bootstrap-servers", "127.0.0.1:1"]));
    let api = weir.api("REST proxy on");
    for path in ["/topics/t", "/v3/clusters/c/topics/t/records"] {
        assert!(api.get("/metrics").await.status.is_success());
        let (before, begun) = (weir.resident_kib(), Instant::now());
        let media_type = if path.starts_with("/v3") {
            "application/json"
        } else {
            "application/vnd.kafka.json.v2+json"
        };
        let request = api.request(reqwest::Method::POST, path).header("content-encoding", "gzip");
        let answer =
            api.send(request.header("content-type", media_type).body(packed.clone())).await;
        assert!(answer.status.as_u16() >= 400 || answer.text.contains("error_code"), "{answer:?}");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        let growth = weir.resident_kib().saturating_sub(before);
        assert!(growth < 2 * GROWTH_KIB_MAX, "{growth} KiB");
    }
}
