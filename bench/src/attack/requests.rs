//! Requests that are small and ask for much: schemas, patterns, checks. For each: what is answered and
//! when, what it costs the server, and what a bystander waits for `GET /schemas/ids/1` alone and meanwhile.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{Connection, REGISTRY_JSON, get, post, ready};
use crate::numbers::{percentile, shown};
use crate::server::Server;
use crate::{Result, process};

/// Questions of the bystander when nobody else asks.
const ALONE: usize = 2_000;

/// Between two of them: a bystander is no load of its own.
const PAUSE: Duration = Duration::from_millis(1);

/// An attack: what is there before it, and what is then asked.
struct Attack {
    name: &'static str,
    stored: Option<Value>,
    asked: Value,
    path: &'static str,
    /// How many ask it at once.
    at_once: usize,
}

const REGISTER: &str = "/subjects/s/versions";
const CHECK: &str = "/compatibility/subjects/s/versions/latest?verbose=true";

pub async fn run() -> Result {
    let columns = format!(
        "{:>6} {:>8} {:>10} {:>9} {:>7}",
        "status", "seconds", "bytes", "peak MiB", "CPU s"
    );
    println!("{:44} {columns}   bystander p50/p99 ms: alone, during", "attack: requests");
    for attack in attacks() {
        attack.run().await?;
    }
    println!();
    Ok(())
}

impl Attack {
    async fn run(self) -> Result {
        let weir = Server::registry(&["--store", "memory"])?;
        ready(weir.address).await?;
        let mut connection = Connection::open(weir.address).await?;
        let body = json!({"schema": "\"string\""}).to_string();
        connection.send(&post("/subjects/bystander/versions", REGISTRY_JSON, &body)).await?;
        if let Some(stored) = &self.stored {
            connection.send(&post(REGISTER, REGISTRY_JSON, &stored.to_string())).await?;
        }
        let alone = bystander(weir.address, |asked| asked >= ALONE).await?;
        let pid = weir.pid();
        let before = Usage::of(pid)?;
        let request = post(self.path, REGISTRY_JSON, &self.asked.to_string());
        let asking: Vec<_> = (0..self.at_once)
            .map(|_| tokio::spawn(answered(weir.address, request.clone())))
            .collect();
        drop(request);
        let during =
            bystander(weir.address, |_| asking.iter().all(|one| one.is_finished())).await?;
        let mut last = Answered { status: 0, bytes: 0, seconds: 0.0 };
        for one in asking {
            let answered = one.await??;
            if answered.seconds > last.seconds {
                last = answered;
            }
        }
        let after = Usage::of(pid)?;
        println!(
            "{:44} {:>6} {:>8} {:>10} {:>9} {:>7}   {}/{}, {}/{}",
            format!("{}{}", self.name, if self.at_once > 1 { ", four at once" } else { "" }),
            last.status,
            shown(last.seconds),
            last.bytes,
            shown(after.peak_mib - before.rss_mib),
            shown((after.cpu_us - before.cpu_us) / 1e6),
            shown(percentile(&alone, 0.5)),
            shown(percentile(&alone, 0.99)),
            shown(percentile(&during, 0.5)),
            shown(percentile(&during, 0.99)),
        );
        Ok(())
    }
}

/// What a process has used; asking forgets the peak of its memory.
struct Usage {
    rss_mib: f64,
    peak_mib: f64,
    cpu_us: f64,
}

impl Usage {
    fn of(pid: u32) -> Result<Usage> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
        fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        Ok(Usage {
            rss_mib: process::rss_mib(pid)?,
            peak_mib: kib.parse::<f64>()? / 1024.0,
            cpu_us: process::cpu_us(pid)?,
        })
    }
}

/// Milliseconds of each answer to a client that asks for one schema again and again.
async fn bystander(address: SocketAddr, is_done: impl Fn(usize) -> bool) -> Result<Vec<f64>> {
    let mut connection = Connection::open(address).await?;
    let request = get("/schemas/ids/1");
    let mut waited = Vec::new();
    while waited.is_empty() || !is_done(waited.len()) {
        let start = Instant::now();
        connection.send(&request).await?;
        waited.push(start.elapsed().as_secs_f64() * 1000.0);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(waited)
}

struct Answered {
    status: u16,
    bytes: usize,
    seconds: f64,
}

/// The answer to a request, whatever it is.
async fn answered(address: SocketAddr, request: Bytes) -> Result<Answered> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&request).await?;
    let mut answer = Vec::new();
    let (status, bytes) = loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("the server closed a connection".into());
        }
        if let Some(whole) = whole(&answer)? {
            break whole;
        }
    };
    Ok(Answered { status, bytes, seconds: start.elapsed().as_secs_f64() })
}

/// Status and bytes of an answer, once all of it was read.
fn whole(answer: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(end) = answer.windows(4).take(64 * 1024).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
    let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.ok_or("an answer without Content-Length")?.trim().parse()?;
    Ok((answer.len() >= end + 4 + length).then_some((status, length)))
}

fn attacks() -> Vec<Attack> {
    let one = |name, stored, asked, path| Attack { name, stored, asked, path, at_once: 1 };
    let check = |name, stored, asked| one(name, Some(stored), asked, CHECK);
    let register = |name, asked| one(name, None, asked, REGISTER);
    let four = |attack: Attack| Attack { at_once: 4, ..attack };
    let doubling = || {
        let name = "Avro: 300 records that use the next twice";
        check(name, avro(&doubling("\"int\"")), avro(&doubling("\"string\"")))
    };
    let branches = || {
        let name = "JSON Schema: 4,000 branches each";
        check(name, json_schema(&branches("a")), json_schema(&branches("b")))
    };
    vec![
        doubling(),
        four(doubling()),
        register("Avro: 80,000 aliases", avro(&aliases())),
        register("Avro: 3 MB that 4,000 inherit", avro(&inherited())),
        register(
            "Avro: 4 million values",
            avro(&format!("{{\"type\":\"int\",\"p\":[{}0]}}", "0,".repeat(4_000_000))),
        ),
        check("Avro: 40,000 fields", avro(&avro_fields("int")), avro(&avro_fields("string"))),
        check(
            "Protobuf: 1,800 fields",
            protobuf(&protobuf_fields("int32", 1_800)),
            protobuf(&protobuf_fields("string", 1_800)),
        ),
        check(
            "Protobuf: 10,000 fields",
            protobuf(&protobuf_fields("int32", 10_000)),
            protobuf(&protobuf_fields("string", 10_000)),
        ),
        register("Protobuf: names of 30 KB around 100,000", protobuf(&long_names())),
        branches(),
        four(branches()),
        register("JSON Schema: 40,000 circles", json_schema(&circles())),
    ]
}

fn avro(text: &str) -> Value {
    json!({ "schema": text })
}

fn protobuf(text: &str) -> Value {
    json!({"schema": text, "schemaType": "PROTOBUF"})
}

fn json_schema(text: &str) -> Value {
    json!({"schema": text, "schemaType": "JSON"})
}

fn listed(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

fn doubling(innermost: &str) -> String {
    (0..300).fold(innermost.to_string(), |text, i| {
        let again = match i {
            0 => innermost.to_string(),
            _ => format!("\"R{}\"", i - 1),
        };
        format!(
            r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":{text}}},{{"name":"b","type":{again}}}]}}"#
        )
    })
}

fn aliases() -> String {
    let aliases = listed(80_000, |i| format!("\"A{i}\""));
    format!(r#"{{"type":"record","name":"R","fields":[],"aliases":[{aliases}]}}"#)
}

fn inherited() -> String {
    let namespace = "n".repeat(3_000_000);
    let fields = listed(4_000, |i| {
        format!(r#"{{"name":"f{i}","type":{{"type":"record","name":"R{i}","fields":[]}}}}"#)
    });
    format!(r#"{{"type":"record","name":"R","namespace":"{namespace}","fields":[{fields}]}}"#)
}

fn avro_fields(kind: &str) -> String {
    let fields = listed(40_000, |i| format!(r#"{{"name":"f{i}","type":"{kind}"}}"#));
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

fn protobuf_fields(kind: &str, count: usize) -> String {
    let fields: String = (0..count).map(|i| format!("{kind} f{i} = {};\n", i + 20_000)).collect();
    format!("syntax = \"proto3\"; message M {{\n{fields}}}")
}

fn long_names() -> String {
    let name = "N".repeat(500);
    let outer: String = (0..60).map(|i| format!("message {name}{i} {{")).collect();
    let inner: String = (0..100_000).map(|i| format!("message a{i}{{}}")).collect();
    format!("syntax = \"proto3\"; {outer}{inner}{}", "}".repeat(60))
}

fn branches(letter: &str) -> String {
    let branch = |i| format!(r#"{{"properties":{{"{letter}{i}":{{"const":{i}}}}}}}"#);
    format!(r#"{{"oneOf":[{}]}}"#, listed(4_000, branch))
}

fn circles() -> String {
    let pairs = listed(40_000, |i| {
        format!(
            r##""a{i}":{{"$ref":"#/definitions/b{i}"}},"b{i}":{{"$ref":"#/definitions/a{i}"}}"##
        )
    });
    format!(r#"{{"definitions":{{{pairs}}}}}"#)
}
