//! Lines of the log: their form, where they go, and what happens when nobody reads them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::Weir;

const NO_KAFKA: [&str; 2] = ["--bootstrap-servers", "127.0.0.1:1"];

fn serve(args: &[&str]) -> Weir {
    Weir::spawn(&mut Weir::serve_command(&[&NO_KAFKA[..], args].concat()))
}

/// Each field with the type that docs/logs.md has for it.
fn documented() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/logs.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("<!-- fields").unwrap();
    let (table, _) = rest.split_once("<!-- end of fields").unwrap();
    let cells = |line: &str| line.split('|').map(|it| it.trim().to_string()).collect::<Vec<_>>();
    let rows = table.lines().filter(|line| line.starts_with("| `")).map(cells);
    rows.map(|cells| (cells[1].trim_matches('`').to_string(), cells[2].clone())).collect()
}

#[track_caller]
fn is_documented(line: &str, fields: &[(String, String)]) -> Value {
    let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    for (name, value) in object.as_object().unwrap() {
        let field = fields.iter().find(|(field, _)| field == name);
        let (_, kind) = field.unwrap_or_else(|| panic!("{name} of {line} is not documented"));
        let is_of_kind = match kind.as_str() {
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => value.is_string(),
        };
        assert!(is_of_kind, "{name} is no {kind}: {line}");
    }
    object
}

/// Sends bytes as they stand, and returns the status of the answer.
async fn send_raw(address: &str, request: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer)[9..12].parse().unwrap()
}

#[tokio::test]
async fn every_line_of_json_is_an_object_with_documented_fields_whatever_clients_send() {
    let mut weir = serve(&["--log-format", "json", "--access-log", "--log", "debug,rdkafka=off"]);
    let address = weir.api_in_json("registry on").address().to_string();
    let long = "a".repeat(8000);
    let head = format!(
        "GET /subjects/%0a%1b?x=%0a HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         x-request-id: \t\r\nuser-agent: "
    );
    let mut request = head.into_bytes();
    request.extend_from_slice(
        b"\xff\xfe\"}\\{ \x1b[31m".as_slice().split(|b| *b == 0x1b).next().unwrap(),
    );
    request.extend_from_slice(long.as_bytes());
    request.extend_from_slice(b"\r\n\r\n");
    send_raw(&address, &request).await;
    let known = format!(
        "GET /schemas/ids/7 HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         x-request-id: order \"4711\"\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"
    );
    assert_eq!(send_raw(&address, known.as_bytes()).await, 404);
    weir.signal("TERM");
    weir.wait();
    let fields = documented();
    let stderr = weir.output.iter().filter(|line| !line.is_empty());
    let objects: Vec<Value> = stderr.map(|line| is_documented(line, &fields)).collect();
    let of_access = |route: &str| {
        let mut lines = objects.iter().filter(|it| it["target"] == "weir::access");
        lines.find(|it| it["route"] == route).unwrap_or_else(|| panic!("{objects:#?}"))
    };
    let line = of_access("/schemas/ids/{id}");
    assert_eq!(line["request_id"], "order \"4711\"");
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((&line["status"], &line["error_code"]), (&404.into(), &40403.into()));
    assert_eq!(
        (&line["level"], &line["message"]),
        (&"INFO".into(), &"GET /schemas/ids/7 404".into())
    );
    let time = line["time"].as_str().unwrap();
    assert!(time.len() == 27 && time.ends_with('Z') && &time[19..20] == ".", "{time}");
    let longest = objects.iter().filter_map(|it| it["user_agent"].as_str()).map(str::len).max();
    assert!((2000..5000).contains(&longest.unwrap()), "{longest:?}");
}

#[tokio::test]
async fn the_access_log_may_have_a_file_of_its_own_which_is_made_anew_when_it_was_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let mut weir = serve(&["--access-log-file", path.to_str().unwrap()]);
    let registry = weir.api("registry on");
    registry.get("/subjects").await;
    until(|| lines(&path) == 1).await;
    std::fs::rename(&path, &moved).unwrap();
    registry.get("/contexts").await;
    until(|| path.exists() && lines(&path) == 1).await;
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert!(
        read(&moved).contains("weir::access: GET /subjects 200 service=registry"),
        "{}",
        read(&moved)
    );
    assert!(read(&path).contains("GET /contexts 200"));
    weir.signal("TERM");
    weir.wait();
    assert!(weir.output.iter().all(|line| !line.contains("weir::access")), "{:#?}", weir.output);
}

fn lines(path: &std::path::Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

async fn until(is: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < give_up);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_answer_whose_client_goes_is_aborted_and_a_stream_has_its_bytes() {
    let mut weir = serve(&["--access-log", "--log-format", "json"]);
    let address = weir.api_in_json("REST proxy on").address().to_string();
    let body = "{\"value\":{\"type\":\"JSON\",\"data\":1}} no json";
    let request = format!(
        "POST /v3/clusters/none/topics/none/records HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    send_raw(&address, request.as_bytes()).await;
    let line: Value = serde_json::from_str(&weir.line("weir::access")).unwrap();
    assert!(line["bytes"].as_u64().unwrap() > 0 && line.get("aborted").is_none(), "{line}");
    // its client goes while it waits for its body
    let request = format!(
        "POST /topics/none HTTP/1.1\r\nhost: {address}\r\n\
         content-type: application/vnd.kafka.json.v2+json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let line: Value = serde_json::from_str(&weir.line("weir::access")).unwrap();
    assert_eq!(line["route"], "/topics/{topic}");
}

#[tokio::test]
async fn requests_are_answered_while_nobody_reads_the_log() {
    let args = [&NO_KAFKA[..], &["--access-log", "--registry-listener", "127.0.0.1:0"]].concat();
    let mut command = Weir::serve_command(&args);
    // what is written to a pipe that nobody reads waits once the pipe is full
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let address = loop {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
        if let Some((_, url)) = line.trim().split_once("registry on http://") {
            break url.split(',').next().unwrap().to_string();
        }
    };
    let client = reqwest::Client::new();
    let agent = "a".repeat(2000);
    // some MB of lines
    for _ in 0..3000 {
        let request = client.request(Method::GET, format!("http://{address}/subjects"));
        let answer = request.header("user-agent", &agent).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let reading = std::thread::spawn(move || {
        let lines = std::io::BufRead::lines(stderr).map_while(Result::ok);
        lines.filter(|line| line.contains("lines of the log were dropped")).count()
    });
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(reading.join().unwrap(), 1);
}

#[tokio::test]
async fn a_process_says_what_it_is_and_how_it_ends() {
    let mut weir = serve(&[]);
    let started = weir.line("weir ");
    assert!(started.contains(concat!("weir ", env!("CARGO_PKG_VERSION"))), "{started}");
    let registry = weir.api("registry on");
    weir.line("REST proxy on");
    registry.put("/config", &json!({"compatibility": "FULL"})).await;
    weir.signal("TERM");
    assert!(weir.wait().success());
    let said = weir.output.join("\n");
    assert!(said.contains("stopping: SIGTERM"), "{said}");
    assert!(said.contains("stopped after "), "{said}");
}
