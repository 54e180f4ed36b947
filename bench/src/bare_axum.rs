//! `weir-bench bare-axum PORT`: axum and nothing else. Every path is answered with the bytes that
//! came on standard input; what Weir costs beyond it is Weir's own.

use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::Result;
use crate::http::REGISTRY_JSON;

pub async fn run(port: u16) -> Result {
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    let body = Bytes::from(body);
    let answer = || {
        let body = body.clone();
        get(async move || ([(CONTENT_TYPE, REGISTRY_JSON)], body))
    };
    let router = Router::new()
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
