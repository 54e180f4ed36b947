//! Bodies that are announced and do not come.

use serde_json::json;
use weir_tests::Api;

use super::wire::{Raw, metric, until_metric};
use super::{NEVER, registry};
use crate::process::Weir;

const HELD: &str = "weir_request_body_bytes";

/// A request that announces 9 MB and sends so many bytes of it.
fn slow_body(api: &Api, bytes: usize) -> Raw {
    let mut raw = Raw::connect(api);
    raw.send_or_closed(
        "POST /subjects/slow/versions HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: 9000000\r\n\r\n",
    );
    raw.send_or_closed(&" ".repeat(bytes));
    raw
}

async fn register(api: &Api, subject: &str, doc_bytes: usize) {
    let doc = "d".repeat(doc_bytes);
    let schema = json!({"type": "record", "name": "R", "doc": doc, "fields": []}).to_string();
    let path = format!("/subjects/{subject}/versions");
    let answer = api.post(&path, &json!({"schema": schema})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_body_counts_as_what_has_arrived_of_it_until_its_request_is_answered() {
    let (_weir, api) = registry(&["--body-timeout-ms", NEVER]);
    let slow: Vec<_> = (0..20).map(|_| slow_body(&api, 1000)).collect();
    until_metric(&api, HELD, 20_000).await;
    assert_eq!(metric(&api, HELD).await, 20_000);
    drop(slow);
    while metric(&api, HELD).await > 0 {}
    register(&api, "quick", 100_000).await;
    assert_eq!(metric(&api, HELD).await, 0);
}

#[tokio::test]
async fn slow_bodies_keep_no_others_out() {
    let limits = ["--body-bytes-sum-max", "1048576", "--body-timeout-ms", NEVER];
    let (_weir, api) = registry(&limits);
    let slow: Vec<_> = (0..100).map(|_| slow_body(&api, 200_000)).collect();
    until_metric(&api, HELD, 600_000).await;
    // a small one has room of its own
    register(&api, "small", 1000).await;
    // slow ones make room for a large one, once there are none before it
    let large = json!({"schema": "\"string\"", "padding": "p".repeat(500_000)});
    loop {
        let answer = api.post("/subjects/large/versions", &large).await;
        if answer.status != 503 {
            assert_eq!(answer.status, 200, "{}", answer.text);
            break;
        }
    }
    assert!(metric(&api, HELD).await <= 1_048_576);
    assert!(metric(&api, "weir_request_bodies_refused_total{reason=\"cut\"}").await > 0);
    drop(slow);
}

#[tokio::test]
async fn a_body_for_which_there_is_no_room_is_503() {
    let limits = ["--body-bytes-sum-max", "100000", "--body-wait-ms", "1"];
    let (_weir, api) = registry(&limits);
    let body = json!({"schema": "\"string\"", "padding": "p".repeat(200_000)});
    let answer = api.post("/subjects/large/versions", &body).await;
    let message = "Other requests' bodies take all the room that there is.";
    answer.is_error(503, 503, message);
    assert_eq!(answer.headers["retry-after"], "1");
    register(&api, "small", 1000).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_408() {
    let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
    let mut command = Weir::serve_command(&[&kafka[..], &["--body-timeout-ms", "200"]].concat());
    let mut weir = Weir::spawn(&mut command);
    let registry = weir.api("registry on");
    let proxy = weir.api("REST proxy on");
    for (api, path, media_type) in [
        (&registry, "/subjects/s/versions", "application/json"),
        (&registry, "/compatibility/subjects/s/versions", "application/json"),
        (&proxy, "/topics/t", "application/vnd.kafka.json.v2+json"),
        (&proxy, "/consumers/g", "application/vnd.kafka.v2+json"),
    ] {
        let mut raw = Raw::connect(api);
        raw.send(&format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\n\
             content-length: 100\r\n\r\n{{"
        ));
        let answer = raw.answer();
        assert_eq!((answer.status, &answer.json["error_code"]), (408, &json!(408)), "{path}");
        raw.until_closed();
    }
    // a stream of records says it in its answer
    let mut raw = Raw::connect(&proxy);
    raw.send(
        "POST /v3/clusters/c/topics/t/records HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    );
    assert_eq!(raw.answer().status, 200);
    assert!(raw.rest().contains("\"error_code\":408"));
    let too_slow = "weir_request_bodies_refused_total{reason=\"too_slow\"}";
    assert_eq!(metric(&proxy, too_slow).await, 5);
}

/// Where a stream of records has nothing to say, it may take its time.
#[tokio::test]
async fn a_stream_of_records_may_be_silent_between_them() {
    let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
    let mut command = Weir::serve_command(&[&kafka[..], &["--body-timeout-ms", "50"]].concat());
    let mut weir = Weir::spawn(&mut command);
    let proxy = weir.api("REST proxy on");
    let mut raw = Raw::connect(&proxy);
    raw.send(
        "POST /v3/clusters/c/topics/t/records HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: 4\r\n\r\n[]",
    );
    assert_eq!(raw.answer().status, 200);
    // as long as another body is given up for coming too late
    let mut late = Raw::connect(&proxy);
    late.send(
        "POST /consumers/g HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/vnd.kafka.v2+json\r\ncontent-length: 9\r\n\r\n",
    );
    assert_eq!(late.answer().status, 408);
    raw.send("[]");
    let rest = raw.rest();
    assert_eq!(rest.matches("\"error_code\":400").count(), 2, "{rest}");
    assert!(!rest.contains("408"), "{rest}");
}
