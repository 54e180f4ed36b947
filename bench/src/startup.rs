//! `startup`: how long `weir dev` takes until both its ports answer, and what it holds then.

use std::time::{Duration, Instant};

use crate::process::{cpu_us, rss_mib};
use crate::server::{self, Server, free_address};
use crate::table::Table;
use crate::{Result, http};

const RUNS: usize = 10;

/// How long a server is left alone before it is looked at again.
const IDLE: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Samples {
    ready_ms: Vec<f64>,
    rss_mib: Vec<f64>,
    idle_rss_mib: Vec<f64>,
    idle_cpu_ms: Vec<f64>,
}

pub async fn run() -> Result {
    server::build()?;
    let (mut weir, mut bare) = (Samples::default(), Samples::default());
    for _ in 0..RUNS {
        weir.add(weir_dev().await?).await?;
        bare.add(bare_axum().await?).await?;
    }
    let mut table = Table::new(&format!(
        "startup: weir dev until registry and proxy answer GET /; {RUNS} runs, each in a new folder"
    ));
    table.row("weir dev, ready after ms", &weir.ready_ms);
    table.row("bare axum, ready after ms", &bare.ready_ms);
    table.ratio("bare axum", &weir.ready_ms, &bare.ready_ms);
    table.row("weir dev, RSS MiB", &weir.rss_mib);
    table.row("bare axum, RSS MiB", &bare.rss_mib);
    table.ratio("bare axum", &weir.rss_mib, &bare.rss_mib);
    table.row("weir dev, RSS MiB after 2 s idle", &weir.idle_rss_mib);
    table.row("weir dev, CPU ms in 2 s idle", &weir.idle_cpu_ms);
    table.print();
    Ok(())
}

/// A server that answers, and the time it took.
struct Started {
    server: Server,
    after: Duration,
    _folder: Option<tempfile::TempDir>,
}

async fn weir_dev() -> Result<Started> {
    let folder = server::folder()?;
    let data_dir = folder.path().join("data");
    let (registry, proxy) = (free_address()?, free_address()?);
    let (registry_listener, proxy_listener) = (registry.to_string(), proxy.to_string());
    let args = ["dev", "--registry-listener", &registry_listener];
    let more = ["--proxy-listener", &proxy_listener, "--data-dir"];
    let data_dir = data_dir.to_str().ok_or("the build is in a folder with an odd name")?;
    let start = Instant::now();
    let server = Server::weir(registry, &[&args[..], &more, &[data_dir]].concat())?;
    tokio::try_join!(http::ready(registry), http::ready(proxy))?;
    Ok(Started { server, after: start.elapsed(), _folder: Some(folder) })
}

async fn bare_axum() -> Result<Started> {
    let start = Instant::now();
    let server = Server::bare_axum(b"{}")?;
    http::ready(server.address).await?;
    Ok(Started { server, after: start.elapsed(), _folder: None })
}

impl Samples {
    async fn add(&mut self, started: Started) -> Result {
        let pid = started.server.pid();
        self.ready_ms.push(started.after.as_secs_f64() * 1000.0);
        self.rss_mib.push(rss_mib(pid)?);
        let cpu_before = cpu_us(pid)?;
        tokio::time::sleep(IDLE).await;
        self.idle_rss_mib.push(rss_mib(pid)?);
        self.idle_cpu_ms.push((cpu_us(pid)? - cpu_before) / 1000.0);
        Ok(())
    }
}
