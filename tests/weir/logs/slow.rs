//! Requests that take long.

use reqwest::Method;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::process::Weir;

const BODY: &str = r#"{"schema": "\"int\""}"#;

#[tokio::test]
async fn a_slow_request_is_said_with_what_it_has_waited_for() {
    let args = ["--bootstrap-servers", "127.0.0.1:1", "--log-format", "json"];
    let slow = ["--slow-request-ms", "200"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&[&args[..], &slow].concat()));
    let address = weir.api_in_json("registry on").address().to_string();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /subjects/slow/versions HTTP/1.1\r\nhost: {address}\r\nx-request-id: order-4711\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    stream.write_all(BODY.as_bytes()).await.unwrap();
    let line: Value = serde_json::from_str(&weir.line("weir::slow")).unwrap();
    assert_eq!((&line["level"], &line["service"]), (&"WARN".into(), &"registry".into()));
    assert_eq!(line["route"], "/subjects/{subject}/versions");
    assert_eq!((&line["status"], &line["request_id"]), (&200.into(), &"order-4711".into()));
    let ms = |name: &str| line[name].as_u64().unwrap_or(0);
    assert!(ms("body_ms") >= 200 && ms("duration_ms") >= ms("body_ms"), "{line}");
}

#[tokio::test]
async fn a_read_that_is_asked_to_wait_for_records_is_not_slow() {
    let folder = tempfile::tempdir().unwrap();
    let listeners = ["--registry-listener", "127.0.0.1:0", "--proxy-listener", "127.0.0.1:0"];
    let args = ["dev", "--data-dir", folder.path().to_str().unwrap(), "--slow-request-ms", "1500"];
    let mut weir = Weir::start(&[&args[..], &listeners].concat());
    let proxy = weir.api("REST proxy  http");
    let v2 = "application/vnd.kafka.v2+json";
    let made = proxy.post_as("/consumers/slow", v2, r#"{"name": "me"}"#.to_string()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let instance = "/consumers/slow/instances/me";
    let binary = "application/vnd.kafka.binary.v2+json";
    let records = r#"{"records": [{"value": "AAEC"}]}"#.to_string();
    proxy.post_as("/topics/slow", binary, records).await;
    let topics = r#"{"topics": ["slow"]}"#.to_string();
    proxy.post_as(&format!("{instance}/subscription"), v2, topics).await;
    let read = proxy.request(Method::GET, &format!("{instance}/records?timeout=4000"));
    let read = proxy.send(read.header("accept", binary)).await;
    assert_eq!(read.status, 200, "{}", read.text);
    weir.signal("TERM");
    weir.wait();
    let is_read = |line: &&String| line.contains("weir::slow") && line.contains("/records");
    assert_eq!(weir.output.iter().find(is_read), None);
}
