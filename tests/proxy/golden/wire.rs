//! HTTP by hand: the recording has paths, methods and bodies that no client sends.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Recorded;
use super::compare::Found;

/// Sends a recorded request on a connection of its own.
pub(super) async fn send(url: &str, recorded: &Recorded) -> Found {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(&request(host, recorded)).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    parsed(&answer, recorded.method == "HEAD")
}

fn request(host: &str, recorded: &Recorded) -> Vec<u8> {
    let Recorded { method, path, .. } = recorded;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let mut header = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
    if let Some(value) = &recorded.content_type {
        header("Content-Type", value);
    }
    if let Some(value) = &recorded.accept {
        header("Accept", value);
    }
    let mut is_chunked = false;
    for (name, value) in recorded.headers.iter().flatten() {
        header(name, value);
        is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
    }
    let body = recorded.body.as_ref().map_or("", |body| body.get());
    // a text is what was sent, and anything else the JSON that was
    let body = serde_json::from_str::<String>(body).unwrap_or_else(|_| body.to_string());
    if !is_chunked {
        header("Content-Length", &body.len().to_string());
    }
    format!("{head}\r\n{body}").into_bytes()
}

fn parsed(answer: &[u8], is_head: bool) -> Found {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer has a head");
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: BTreeMap<String, String> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()))
        .collect();
    let body = &answer[end + 4..];
    let is_chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    let body = if is_chunked && !is_head { unchunked(body) } else { body.to_vec() };
    let text = String::from_utf8_lossy(&body).into_owned();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Found { status, headers, text, json }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|w| w == b"\r\n").expect("a chunk has a size");
        let size = std::str::from_utf8(&body[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return whole;
        }
        body = &body[end + 2..];
        whole.extend_from_slice(&body[..size]);
        body = &body[size + 2..];
    }
}
