//! `get-by-id`: the answer that a fleet asks for all day, against axum that has the same bytes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Connection, REGISTRY_JSON, get, post};
use crate::process::cpu_us;
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, http, load};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);

/// Bytes of the schema's text, at least.
const SCHEMA_BYTES: usize = 1000;

#[derive(Default)]
struct Samples {
    requests_per_s: Vec<f64>,
    cpu_us: Vec<f64>,
    p99_ms: Vec<f64>,
}

pub async fn run() -> Result {
    server::build()?;
    let weir = Server::registry(&["--store", "memory"])?;
    http::ready(weir.address).await?;
    let path = register(&weir).await?;
    let body = Connection::open(weir.address).await?.send(&get(&path)).await?.to_vec();
    let bare = Server::bare_axum(&body)?;
    http::ready(bare.address).await?;
    if Connection::open(bare.address).await?.send(&get(&path)).await? != body {
        return Err("the two servers do not answer the same".into());
    }

    for server in [&weir, &bare] {
        let request = get(&path);
        load::run(server.address, CONNECTIONS, WARM_UP, move |_| request.clone()).await?;
    }
    let (mut of_weir, mut of_bare) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        of_weir.add(&weir, &path).await?;
        of_bare.add(&bare, &path).await?;
    }

    let seconds = ROUND.as_secs();
    let mut table = Table::new(&format!(
        "get-by-id: GET /schemas/ids/{{id}}, {} bytes; {CONNECTIONS} connections, \
         {ROUNDS} rounds of {seconds} s",
        body.len()
    ));
    table.row("weir, requests/s", &of_weir.requests_per_s);
    table.row("bare axum, requests/s", &of_bare.requests_per_s);
    table.ratio("bare axum", &of_weir.requests_per_s, &of_bare.requests_per_s);
    table.row("weir, server CPU us/request", &of_weir.cpu_us);
    table.row("bare axum, server CPU us/request", &of_bare.cpu_us);
    table.ratio("bare axum", &of_weir.cpu_us, &of_bare.cpu_us);
    table.row("weir, p99 ms", &of_weir.p99_ms);
    table.row("bare axum, p99 ms", &of_bare.p99_ms);
    table.print();
    Ok(())
}

/// Registers the schema and returns its path.
async fn register(server: &Server) -> Result<String> {
    let mut fields = Vec::new();
    let schema = loop {
        let name = format!("reading_{}", fields.len());
        fields.push(json!({"name": name, "type": ["null", "double"], "default": null}));
        let record = json!({"type": "record", "name": "Measurement", "fields": fields}).to_string();
        if record.len() >= SCHEMA_BYTES {
            break record;
        }
    };
    let request = json!({"schema": schema}).to_string();
    let request = post("/subjects/measurements-value/versions", REGISTRY_JSON, &request);
    let mut connection = Connection::open(server.address).await?;
    let answer: Value = serde_json::from_slice(connection.send(&request).await?)?;
    Ok(format!("/schemas/ids/{}", answer["id"]))
}

impl Samples {
    async fn add(&mut self, server: &Server, path: &str) -> Result {
        let request = get(path);
        let cpu_before = cpu_us(server.pid())?;
        let load = load::run(server.address, CONNECTIONS, ROUND, move |_| request.clone()).await?;
        self.cpu_us.push((cpu_us(server.pid())? - cpu_before) / load.requests());
        self.requests_per_s.push(load.requests_per_s());
        self.p99_ms.push(load.latency_ms(0.99));
        Ok(())
    }
}
