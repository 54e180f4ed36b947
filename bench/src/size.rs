//! `size`: a large registry. How long it takes to start again, what it holds in memory, and whether
//! its answers cost more than those of a small one: each against axum that has the same bytes.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::json;

use crate::http::{Connection, REGISTRY_JSON, get, post};
use crate::process::{cpu_us, rss_mib};
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, http, load};

const SUBJECTS: u64 = 20_000;
const VERSIONS: u64 = 5;

/// Bytes of each schema's text.
const SCHEMA_BYTES: usize = 1000;

const CONNECTIONS: usize = 16;
const RESTARTS: usize = 5;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

pub async fn run() -> Result {
    server::build()?;
    let folder = server::folder()?;
    let data_dir = folder.path().join("data");
    let data_dir = data_dir.to_str().ok_or("the build is in a folder with an odd name")?;
    let args = ["--store", "sled", "--data-dir", data_dir];
    fill(&Server::registry(&args)?).await?;

    let mut table = Table::new(&format!(
        "size: {SUBJECTS} subjects of {VERSIONS} versions, {} distinct schemas of {SCHEMA_BYTES} \
         bytes on sled; {RESTARTS} restarts, then {ROUNDS} rounds of {} s with {CONNECTIONS} \
         connections",
        SUBJECTS * VERSIONS,
        ROUND.as_secs()
    ));
    let (mut ready_ms, mut rss) = (Vec::new(), Vec::new());
    let mut weir = None;
    for _ in 0..RESTARTS {
        drop(weir.take());
        let start = Instant::now();
        let server = Server::registry(&args)?;
        http::ready(server.address).await?;
        ready_ms.push(start.elapsed().as_secs_f64() * 1000.0);
        rss.push(rss_mib(server.pid())?);
        weir = Some(server);
    }
    let weir = weir.ok_or("no restart was made")?;
    table.row("ready after ms", &ready_ms);
    table.row("RSS MiB", &rss);
    for (what, path) in [
        ("GET by id", "/schemas/ids/70000".to_string()),
        ("GET latest", format!("/subjects/{}/versions/latest", subject(14_000))),
        ("list versions", format!("/subjects/{}/versions", subject(14_000))),
    ] {
        compare(&mut table, &weir, what, &path).await?;
    }
    table.row("RSS MiB after that", &[rss_mib(weir.pid())?]);
    drop(weir);
    subject_list(&mut table).await?;
    shared_schema(&mut table).await?;
    table.print();
    Ok(())
}

fn subject(number: u64) -> String {
    format!("com.example.events.topic-{number:06}-value")
}

/// A record of about [`SCHEMA_BYTES`] that no other number has.
fn schema(number: u64) -> String {
    let mut fields = Vec::new();
    loop {
        let name = format!("reading_{number}_{}", fields.len());
        fields.push(json!({"name": name, "type": ["null", "double"], "default": null}));
        let record = json!({"type": "record", "name": "Event", "fields": fields}).to_string();
        if record.len() >= SCHEMA_BYTES {
            return record;
        }
    }
}

fn registration(subject: &str, schema: &str) -> Bytes {
    let body = json!({"schema": schema}).to_string();
    post(&format!("/subjects/{subject}/versions"), REGISTRY_JSON, &body)
}

async fn fill(weir: &Server) -> Result {
    http::ready(weir.address).await?;
    let total = SUBJECTS * VERSIONS;
    send_all(weir, total, |number| registration(&subject(number % SUBJECTS), &schema(number))).await
}

/// Sends `count` requests over 64 connections.
async fn send_all(
    server: &Server,
    count: u64,
    request: impl Fn(u64) -> Bytes + Send + Sync + Copy + 'static,
) -> Result {
    let mut tasks = tokio::task::JoinSet::new();
    let address = server.address;
    for first in 0..64 {
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            for number in (first..count).step_by(64) {
                connection.send(&request(number)).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// CPU of a request, beside axum that answers the same bytes, in turns.
async fn compare(table: &mut Table, weir: &Server, what: &str, path: &str) -> Result {
    let body = Connection::open(weir.address).await?.send(&get(path)).await?.to_vec();
    let bare = Server::bare_axum(&body)?;
    http::ready(bare.address).await?;
    let (mut of_weir, mut of_bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (server, samples) in [(weir, &mut of_weir), (&bare, &mut of_bare)] {
            let request = get(path);
            let before = cpu_us(server.pid())?;
            let load =
                load::run(server.address, CONNECTIONS, ROUND, move |_| request.clone()).await?;
            samples.push((cpu_us(server.pid())? - before) / load.requests());
        }
    }
    table.row(&format!("{what}, {} bytes, server CPU us/request", body.len()), &of_weir);
    table.row("bare axum with the same bytes", &of_bare);
    table.ratio("bare axum", &of_weir, &of_bare);
    Ok(())
}

/// 100,000 subjects in one answer.
async fn subject_list(table: &mut Table) -> Result {
    let weir = Server::registry(&["--store", "memory"])?;
    http::ready(weir.address).await?;
    send_all(&weir, 100_000, |number| registration(&subject(number), "\"string\"")).await?;
    for (what, path) in [
        ("100,000 subjects, the whole list, ms", "/subjects".to_string()),
        ("100,000 subjects, a page of 100, ms", "/subjects?offset=50000&limit=100".into()),
    ] {
        let mut connection = Connection::open(weir.address).await?;
        let mut ms = Vec::new();
        for _ in 0..50 {
            let start = Instant::now();
            connection.send(&get(&path)).await?;
            ms.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        table.row(what, &ms);
    }
    Ok(())
}

/// After requests, until memory is measured: the allocator gives back what they needed.
const REST: Duration = Duration::from_secs(2);

/// 8,000 subjects that share one schema of 80 kB.
async fn shared_schema(table: &mut Table) -> Result {
    let folder = server::folder()?;
    let data_dir = folder.path().join("data");
    let data_dir = data_dir.to_str().ok_or("the build is in a folder with an odd name")?;
    let weir = Server::registry(&["--store", "sled", "--data-dir", data_dir])?;
    http::ready(weir.address).await?;
    let symbols: Vec<String> = (0..5000).map(|n| format!("SYMBOL_{n:06}")).collect();
    let schema = json!({"type": "enum", "name": "Large", "symbols": symbols}).to_string();
    let schema: &'static str = Box::leak(schema.into_boxed_str());
    send_all(&weir, 1_000, |number| registration(&format!("warm-{number}"), schema)).await?;
    tokio::time::sleep(REST).await;
    let before = rss_mib(weir.pid())?;
    send_all(&weir, 8_000, |number| registration(&subject(number), schema)).await?;
    tokio::time::sleep(REST).await;
    let after = rss_mib(weir.pid())?;
    drop(weir);
    let again = Server::registry(&["--store", "sled", "--data-dir", data_dir])?;
    http::ready(again.address).await?;
    table.row(
        &format!("one schema of {} bytes in 1,000 subjects: RSS MiB at rest", schema.len()),
        &[before],
    );
    table.row("the same in 8,000 more", &[after]);
    table.row("the same after a restart", &[rss_mib(again.pid())?]);
    Ok(())
}
