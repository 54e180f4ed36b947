//! `weir-bench bare-axum PORT`: axum and nothing else. Every path is answered with the bytes that
//! came on standard input, a produce request once it is parsed; what Weir costs beyond it is Weir's own.

use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::Result;
use crate::http::REGISTRY_JSON;

/// A produce request, as little of it as can be.
#[derive(Deserialize)]
struct Records {
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "value")]
    _value: String,
}

pub async fn run(port: u16) -> Result {
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    let body = Bytes::from(body);
    let answer = || {
        let body = body.clone();
        get(async move || ([(CONTENT_TYPE, REGISTRY_JSON)], body))
    };
    let produced = || {
        let body = body.clone();
        post(async move |request: Bytes| match serde_json::from_slice::<Records>(&request) {
            Ok(Records { records }) if !records.is_empty() => {
                std::hint::black_box(records);
                Ok(([(CONTENT_TYPE, REGISTRY_JSON)], body))
            }
            _ => Err(StatusCode::BAD_REQUEST),
        })
    };
    let router = Router::new()
        .route("/topics/{topic}", produced())
        .route("/", answer())
        .route("/schemas/ids/{id}", answer())
        .route("/subjects/{subject}/versions", answer())
        .route("/subjects/{subject}/versions/{version}", answer());
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true); // as weir does; a client may be gone already
    });
    Ok(axum::serve(listener, router).await?)
}
