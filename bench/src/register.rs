//! `register`: durable registrations over HTTP, against the disk they end on.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use crate::disk::syncs_per_s;
use crate::http::{REGISTRY_JSON, post};
use crate::process::cpu_us;
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, http, load};

const CONNECTIONS: [usize; 2] = [1, 64];
pub const ROUNDS: usize = 5;
pub const ROUND: Duration = Duration::from_secs(3);

#[derive(Default)]
pub struct Samples {
    pub per_s: Vec<f64>,
    pub p50_ms: Vec<f64>,
    pub p99_ms: Vec<f64>,
    pub cpu_us: Vec<f64>,
}

pub async fn run() -> Result {
    server::build()?;
    let folder = server::folder()?;
    let data_dir = folder.path().join("data");
    let data_dir = data_dir.to_str().ok_or("the build is in a folder with an odd name")?;
    let weir = [Server::registry(&["--store", "sled", "--data-dir", data_dir])?];
    let at = weir[0].address;
    http::ready(at).await?;

    let mut syncs = Vec::new();
    let mut samples = CONNECTIONS.map(|_| Samples::default());
    for round in 0..ROUNDS {
        syncs.push(syncs_per_s(folder.path(), ROUND)?);
        for (connections, samples) in CONNECTIONS.into_iter().zip(&mut samples) {
            samples.add(at, &weir, connections, &format!("{connections}_{round}")).await?;
        }
    }

    let seconds = ROUND.as_secs();
    let mut table = Table::new(&format!(
        "register: new schemas on sled, beside 4 KiB append + fdatasync in the same folder; \
         {ROUNDS} rounds of {seconds} s"
    ));
    table.row("disk, syncs/s", &syncs);
    for (connections, samples) in CONNECTIONS.into_iter().zip(&samples) {
        let row = |what| format!("{connections} connections, {what}");
        table.row(&row("registrations/s"), &samples.per_s);
        table.ratio("disk's syncs", &samples.per_s, &syncs);
        table.row(&row("p50 ms"), &samples.p50_ms);
        table.row(&row("p99 ms"), &samples.p99_ms);
        table.row(&row("server CPU us/registration"), &samples.cpu_us);
    }
    table.print();
    Ok(())
}

impl Samples {
    /// A round of new schemas, whose names begin so, at the first of some servers; CPU is that of all.
    pub async fn add(
        &mut self,
        at: SocketAddr,
        servers: &[Server],
        connections: usize,
        prefix: &str,
    ) -> Result {
        let prefix = prefix.to_string();
        let request = move |number| {
            let name = format!("Event_{prefix}_{number}");
            let fields =
                json!([{"name": "id", "type": "long"}, {"name": "text", "type": "string"}]);
            let schema = json!({"type": "record", "name": name, "fields": fields}).to_string();
            let body = json!({"schema": schema}).to_string();
            post(&format!("/subjects/{name}-value/versions"), REGISTRY_JSON, &body)
        };
        let cpu = || servers.iter().map(|server| cpu_us(server.pid())).sum::<Result<f64>>();
        let cpu_before = cpu()?;
        let load = load::run(at, connections, ROUND, request).await?;
        self.cpu_us.push((cpu()? - cpu_before) / load.requests());
        self.per_s.push(load.requests_per_s());
        self.p50_ms.push(load.latency_ms(0.5));
        self.p99_ms.push(load.latency_ms(0.99));
        Ok(())
    }
}
