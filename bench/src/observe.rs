//! `observe`: what it costs to see what a registry does, on `GET /schemas/ids/{id}` over kept connections: an access log as text and as
//! JSON, a trace of each request and of one in a hundred, beside the same server that logs no requests.
//!
//! Metrics are always counted, and so are in every figure.

use crate::server::{self, Server};
use crate::ways::{self, Way};
use crate::{Result, http};

pub async fn run() -> Result {
    server::build()?;
    let folder = server::folder()?;
    // takes traces, and forgets them
    let collector = Server::bare_axum(b"")?;
    http::ready(collector.address).await?;
    let collector = format!("http://{}", collector.address);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (text, json) = (file("access.log"), file("access.json"));
    let way = |name, args: &[&str]| -> Result<Way> {
        Ok(Way::new(name, Server::registry(&[&["--store", "memory"], args].concat())?))
    };
    let log = ["--access-log", "--access-log-file"];
    let traced = ["--otlp-metrics=false", "--otlp-endpoint", &collector];
    let sampled = ["--otlp-sampler", "parentbased_traceidratio", "--otlp-sampler-ratio", "0.01"];
    let mut ways = [
        way("metrics alone", &[])?,
        way("access log, text", &[&log[..], &[&text]].concat())?,
        way("access log, JSON", &[&log[..], &[&json, "--log-format", "json"]].concat())?,
        way("1 of 100 requests traced", &[&traced[..], &sampled].concat())?,
        way("every request traced", &traced)?,
    ];
    ways::compare("observe: GET /schemas/ids/{id} of a registry that is watched", &mut ways).await
}
