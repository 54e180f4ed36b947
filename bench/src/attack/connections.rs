//! Connections, bodies and answers: many of them, slow ones, and ones that a browser was tricked into.
//!
//! `WEIR_BENCH_BINARY` is another `weir` to be attacked, to compare it with this one. Whoever runs this needs some
//! 1,200 descriptors.

use std::net::{SocketAddr, TcpStream as StdStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::http::{self, Connection, REGISTRY_JSON, get, post};
use crate::process::rss_mib;
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, load};

const IDLE: usize = 1100;
const DESCRIPTORS: usize = 1024;
const BODIES: usize = 100;
const BODY_BYTES: usize = 9_000_000;
const READERS: usize = 300;
const SCHEMA_BYTES: usize = 4_000_000;
const BYSTANDERS: usize = 2;
const ROUND: Duration = Duration::from_secs(3);

pub async fn run() -> Result {
    idle().await?;
    slow_bodies().await?;
    slow_readers().await
}

/// A registry in memory with so many descriptors, and once it has answered.
async fn registry(descriptors: usize) -> Result<Server> {
    let address = server::free_address()?;
    let binary = server::weir_binary()?;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {descriptors}; exec \"$@\""), "sh"]).arg(binary);
    command.args(["serve", "--roles", "registry", "--store", "memory"]);
    command.args(["--registry-listener", &address.to_string()]);
    let server = Server::of(&mut command, address)?;
    http::ready(address).await?;
    Ok(server)
}

/// How long an innocent client waits on a connection of its own.
async fn innocent_ms(address: SocketAddr) -> Result<f64> {
    let start = Instant::now();
    Connection::open(address).await?.send(&get("/subjects")).await?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

/// The p99 of clients that ask all the time.
async fn bystanders_ms(address: SocketAddr) -> Result<f64> {
    let load = load::run(address, BYSTANDERS, ROUND, |_| get("/subjects")).await?;
    Ok(load.latency_ms(0.99))
}

async fn idle() -> Result {
    let weir = registry(DESCRIPTORS).await?;
    let alone = innocent_ms(weir.address).await?;
    let connect = |_| StdStream::connect(weir.address);
    let idle = (0..IDLE).map(connect).collect::<std::io::Result<Vec<_>>>()?;
    let during = innocent_ms(weir.address).await?;
    drop(idle);
    let mut table = Table::new(&format!("{IDLE} idle connections, {DESCRIPTORS} descriptors"));
    table.row("GET /subjects alone, ms", &[alone]);
    table.row("GET /subjects during it, ms", &[during]);
    table.print();
    Ok(())
}

/// All but the last byte of each body is sent, and the answers are not read.
async fn slow_bodies() -> Result {
    let weir = registry(DESCRIPTORS).await?;
    let (rss, alone) = (rss_mib(weir.pid())?, bystanders_ms(weir.address).await?);
    let mut slow = Vec::new();
    for _ in 0..BODIES {
        let address = weir.address;
        slow.push(tokio::spawn(async move {
            let Ok(mut stream) = TcpStream::connect(address).await else { return };
            let head = format!(
                "POST /subjects/slow/versions HTTP/1.1\r\nHost: localhost\r\n\
                 Content-Type: {REGISTRY_JSON}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
            );
            let body = vec![b' '; BODY_BYTES - 1];
            // the server may have closed it
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            std::future::pending::<()>().await;
        }));
    }
    let mut peak = 0.0_f64;
    let mut p99_ms = Vec::new();
    for _ in 0..3 {
        p99_ms.push(bystanders_ms(weir.address).await?);
        peak = peak.max(rss_mib(weir.pid())?);
    }
    let start = Instant::now();
    let schema = json!({"schema": "\"string\""}).to_string();
    let request = post("/subjects/innocent/versions", REGISTRY_JSON, &schema);
    Connection::open(weir.address).await?.send(&request).await?;
    let write_ms = start.elapsed().as_secs_f64() * 1000.0;
    slow.iter().for_each(tokio::task::JoinHandle::abort);
    let mut table = Table::new(&format!("{BODIES} bodies of {BODY_BYTES} bytes that do not end"));
    table.row("resident before, MiB", &[rss]);
    table.row("resident during it, at most, MiB", &[peak]);
    table.row("GET /subjects alone, p99 ms", &[alone]);
    table.row("GET /subjects during it, p99 ms", &p99_ms);
    table.row("POST of a small schema during it, ms", &[write_ms]);
    table.print();
    Ok(())
}

async fn slow_readers() -> Result {
    let weir = registry(DESCRIPTORS).await?;
    let doc = "long ".repeat(SCHEMA_BYTES / 5);
    let schema = json!({"type": "record", "name": "Long", "doc": doc, "fields": []}).to_string();
    let body = json!({"schema": schema}).to_string();
    let request = post("/subjects/long/versions", REGISTRY_JSON, &body);
    let mut connection = Connection::open(weir.address).await?;
    let answer: Value = serde_json::from_slice(connection.send(&request).await?)?;
    let request = get(&format!("/schemas/ids/{}", answer["id"]));
    drop(connection);
    let (rss, alone) = (rss_mib(weir.pid())?, bystanders_ms(weir.address).await?);
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut stream = TcpStream::connect(weir.address).await?;
        let _ = stream.write_all(&request).await; // it may be one too many
        readers.push(stream);
    }
    let p99_ms = bystanders_ms(weir.address).await?;
    let peak = rss_mib(weir.pid())?;
    let mut open = 0;
    for reader in &readers {
        open += usize::from(reader.peek(&mut [0; 12]).await.is_ok_and(|bytes| bytes > 0));
    }
    drop(readers);
    let mut table = Table::new(&format!(
        "{READERS} clients that do not read their schema of {SCHEMA_BYTES} bytes; {open} were answered"
    ));
    table.row("resident before, MiB", &[rss]);
    table.row("resident during it, MiB", &[peak]);
    table.row("GET /subjects alone, p99 ms", &[alone]);
    table.row("GET /subjects during it, p99 ms", &[p99_ms]);
    table.print();
    Ok(())
}
