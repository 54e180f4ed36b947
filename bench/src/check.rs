//! `check`: compatibility checks over HTTP, of a record of 200 fields.

use std::time::Instant;

use serde_json::json;

use crate::http::{Connection, REGISTRY_JSON, post};
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, http};

const FIELDS: usize = 200;
const VERSIONS: usize = 1000;

pub async fn run() -> Result {
    server::build()?;
    let weir = Server::registry(&["--store", "memory"])?;
    http::ready(weir.address).await?;
    let mut connection = Connection::open(weir.address).await?;
    let level = json!({"compatibility": "NONE"}).to_string();
    let request = post("/config/wide-value", REGISTRY_JSON, &level);
    let request = String::from_utf8(request.to_vec())?.replacen("POST", "PUT", 1);
    connection.send(request.as_bytes()).await?;
    for version in 0..VERSIONS {
        let body = json!({"schema": record(version)}).to_string();
        connection.send(&post("/subjects/wide-value/versions", REGISTRY_JSON, &body)).await?;
    }
    let mut table = Table::new(&format!(
        "check: a record of {FIELDS} fields, {} bytes, over one connection",
        record(0).len()
    ));
    for (level, path, rounds) in [
        ("BACKWARD", "versions/latest", 1000),
        ("FULL", "versions/latest", 1000),
        ("BACKWARD_TRANSITIVE", "versions", 100),
    ] {
        let body = json!({"compatibility": level}).to_string();
        let request = post("/config/wide-value", REGISTRY_JSON, &body);
        let request = String::from_utf8(request.to_vec())?.replacen("POST", "PUT", 1);
        connection.send(request.as_bytes()).await?;
        let path = format!("/compatibility/subjects/wide-value/{path}");
        let mut ms = Vec::new();
        for round in 0..rounds {
            let body = json!({"schema": record(VERSIONS + round)}).to_string();
            let start = Instant::now();
            let answer = connection.send(&post(&path, REGISTRY_JSON, &body)).await?;
            ms.push(start.elapsed().as_secs_f64() * 1000.0);
            if answer != br#"{"is_compatible":true}"# {
                return Err(String::from_utf8_lossy(answer).into());
            }
        }
        let against = if path.ends_with("latest") { 1 } else { VERSIONS };
        table.row(&format!("{level} against {against} versions, ms"), &ms);
        let p99 = crate::numbers::percentile(&ms, 0.99);
        table.row("the same, p99 ms", &[p99]);
    }
    table.print();
    Ok(())
}

/// Records that differ and read each other.
fn record(number: usize) -> String {
    let fields: Vec<_> = (0..FIELDS)
        .map(|field| match field % 4 {
            0 => json!({"name": format!("text_{field}"), "type": "string", "default": ""}),
            1 => {
                json!({"name": format!("count_{field}"), "type": ["null", "long"], "default": null})
            }
            2 => json!({"name": format!("share_{field}"), "type": "double", "default": number}),
            _ => json!({
                "name": format!("tags_{field}"),
                "type": {"type": "array", "items": "string"},
                "default": [],
            }),
        })
        .collect();
    json!({"type": "record", "name": "Wide", "namespace": "com.example", "fields": fields})
        .to_string()
}
