//! The disk: what is deleted for good, and how long a start takes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{Connection, REGISTRY_JSON, get, post, request};
use crate::process::rss_mib;
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, http};

const ROUNDS: usize = 22;
const SCHEMAS: usize = 478;
const CLIENTS: usize = 16;

/// How long what goes on in the background is waited for.
const SETTLE: Duration = Duration::from_secs(5);

pub async fn run() -> Result {
    let mut table = Table::new(&format!(
        "attack disk: {ROUNDS} rounds of {SCHEMAS} schemas registered and deleted for good"
    ));
    let folder = server::folder()?;
    let data = folder.path().join("data");
    let data_dir = data.to_str().ok_or("the build is in a folder with an odd name")?.to_string();
    let sled = ["--store", "sled", "--data-dir", &data_dir];
    for (name, store) in [("memory", &["--store", "memory"][..]), ("sled", &sled)] {
        let weir = Server::registry(store)?;
        http::ready(weir.address).await?;
        let mut resident = Vec::new();
        for round in 0..ROUNDS {
            churn(&weir, round).await?;
            resident.push(rss_mib(weir.pid())?);
        }
        tokio::time::sleep(SETTLE).await;
        let after = rss_mib(weir.pid())?;
        let (first, last) = (resident[0], resident[ROUNDS - 1]);
        table
            .row(&format!("{name}: resident MiB, first round, last, later"), &[first, last, after]);
        if name == "sled" {
            table.row("sled: MiB on the disk", &[mib(&data)?]);
            stop(weir, "TERM")?;
            table.row("sled: start after a clean stop, ms", &[started_ms(store, "TERM").await?]);
            table.row("sled: start after a stop, ms", &[started_ms(store, "KILL").await?]);
            table.row("sled: start after kill -9, ms", &[started_ms(store, "TERM").await?]);
        }
    }
    table.print();
    Ok(())
}

/// Registers and deletes for good.
async fn churn(weir: &Server, round: usize) -> Result {
    let clients = (0..CLIENTS).map(|client| {
        let address = weir.address;
        tokio::spawn(async move {
            let mut connection = Connection::open(address).await?;
            for n in (client..SCHEMAS).step_by(CLIENTS) {
                let fields: Vec<_> = (0..20)
                    .map(|field| json!({"name": format!("field_{round}_{n}_{field}"), "type": "string"}))
                    .collect();
                let name = format!("R{round}x{n}");
                let schema = json!({"type": "record", "name": name, "fields": fields}).to_string();
                let body = json!({"schema": schema}).to_string();
                let subject = format!("/subjects/s-{round}-{n}");
                let register = post(&format!("{subject}/versions"), REGISTRY_JSON, &body);
                connection.send(&register).await?;
                connection.send(&request("DELETE", &subject, "")).await?;
                connection.send(&request("DELETE", &format!("{subject}?permanent=true"), "")).await?;
            }
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await??;
    }
    Ok(())
}

/// How long a start takes until a request is answered; then it is ended.
async fn started_ms(store: &[&str], signal: &str) -> Result<f64> {
    let start = Instant::now();
    let weir = Server::registry(store)?;
    http::ready(weir.address).await?;
    let took = start.elapsed().as_secs_f64() * 1000.0;
    Connection::open(weir.address).await?.send(&get("/subjects")).await?;
    stop(weir, signal)?;
    Ok(took)
}

fn stop(weir: Server, signal: &str) -> Result {
    let pid = weir.pid().to_string();
    Command::new("kill").args(["-s", signal, &pid]).status()?;
    weir.wait()
}

fn mib(folder: &Path) -> Result<f64> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => mib(&entry.path())? * 1024.0 * 1024.0,
            false => entry.metadata()?.len() as f64,
        };
    }
    Ok(bytes / 1024.0 / 1024.0)
}
