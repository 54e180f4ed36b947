//! Several ways to ask the same of a server, measured in turns: what a way costs beside the first one.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;

use crate::http::{Connection, REGISTRY_JSON};
use crate::process::cpu_us;
use crate::server::Server;
use crate::table::Table;
use crate::{Result, http, load};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);

/// The subject that is registered and asked for.
pub const SUBJECT: &str = "measurements-value";

/// A registry, how it is asked, and what its answers took.
pub struct Way {
    pub name: &'static str,
    pub server: Server,
    /// The header `Authorization` of requests, if they have one.
    pub authorization: Option<String>,
    /// What its certificate is trusted by, if it has one.
    pub tls: Option<TlsConnector>,
    taken: Taken,
}

/// What the rounds took.
#[derive(Default)]
struct Taken {
    cpu_us: Vec<f64>,
    requests_per_s: Vec<f64>,
    p99_ms: Vec<f64>,
}

/// Measures `GET /schemas/ids/{id}` in all ways, in turns, and prints them beside the first one.
pub async fn compare(what: &str, ways: &mut [Way]) -> Result {
    let mut paths = Vec::new();
    for way in &*ways {
        paths.push(way.register().await?);
    }
    for (way, path) in ways.iter_mut().zip(&paths) {
        way.measure(path, WARM_UP).await?;
        way.taken = Taken::default();
    }
    for _ in 0..ROUNDS {
        for (way, path) in ways.iter_mut().zip(&paths) {
            way.measure(path, ROUND).await?;
        }
    }
    print(what, ways);
    Ok(())
}

fn print(what: &str, ways: &[Way]) {
    let mut table = Table::new(&format!(
        "{what}; {CONNECTIONS} connections, {ROUNDS} rounds of {} s",
        ROUND.as_secs()
    ));
    let (first, others) = ways.split_first().expect("there are some");
    table.row(&format!("{}, server CPU us/request", first.name), &first.taken.cpu_us);
    for way in others {
        table.row(&format!("{}, server CPU us/request", way.name), &way.taken.cpu_us);
        table.ratio(first.name, &way.taken.cpu_us, &first.taken.cpu_us);
    }
    for way in ways {
        table.row(&format!("{}, requests/s", way.name), &way.taken.requests_per_s);
        table.row(&format!("{}, p99 ms", way.name), &way.taken.p99_ms);
    }
    table.print();
}

impl Way {
    /// Over http, as anybody.
    pub fn new(name: &'static str, server: Server) -> Way {
        Way { name, server, authorization: None, tls: None, taken: Taken::default() }
    }

    /// Registers the schema and returns its path.
    async fn register(&self) -> Result<String> {
        let fields: Vec<Value> = (0..16)
            .map(|n| json!({"name": format!("reading_{n}"), "type": ["null", "double"], "default": null}))
            .collect();
        let schema = json!({"type": "record", "name": "Measurement", "fields": fields}).to_string();
        let body = json!({"schema": schema}).to_string();
        let path = format!("/subjects/{SUBJECT}/versions");
        let request = self.request("POST", &path, &body);
        let mut connection = self.ready().await?;
        let answer: Value = serde_json::from_slice(connection.send(&request).await?)?;
        Ok(format!("/schemas/ids/{}", answer["id"]))
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Bytes {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        if let Some(authorization) = &self.authorization {
            let _ = write!(request, "Authorization: {authorization}\r\n");
        }
        if !body.is_empty() {
            let length = body.len();
            let _ =
                write!(request, "Content-Type: {REGISTRY_JSON}\r\nContent-Length: {length}\r\n");
        }
        let _ = write!(request, "\r\n{body}");
        request.into()
    }

    async fn connect(&self) -> Result<Connection> {
        match &self.tls {
            Some(tls) => Connection::open_tls(self.server.address, tls).await,
            None => Connection::open(self.server.address).await,
        }
    }

    /// A connection to a server that answers.
    async fn ready(&self) -> Result<Connection> {
        http::ready_over(|| async {
            let mut connection = self.connect().await?;
            connection.send(&self.request("GET", "/", "")).await?;
            Ok(connection)
        })
        .await
    }

    async fn measure(&mut self, path: &str, duration: Duration) -> Result {
        let mut open = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            open.push(self.connect().await?);
        }
        let request = self.request("GET", path, "");
        let before = cpu_us(self.server.pid())?;
        let load = load::run_on(open, duration, move |_| request.clone()).await?;
        self.taken.cpu_us.push((cpu_us(self.server.pid())? - before) / load.requests());
        self.taken.requests_per_s.push(load.requests_per_s());
        self.taken.p99_ms.push(load.latency_ms(0.99));
        Ok(())
    }
}
