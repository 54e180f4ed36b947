//! Load: connections that send one request after the other until the time is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::task::JoinSet;

use crate::Result;
use crate::http::Connection;
use crate::numbers::percentile;

/// What came of it.
pub struct Load {
    pub elapsed: Duration,
    /// Of each request, in milliseconds.
    latencies_ms: Vec<f64>,
}

/// Keeps `connections` busy for so long; `request(n)` makes the n-th request of all of them.
pub async fn run(
    address: SocketAddr,
    connections: usize,
    duration: Duration,
    request: impl Fn(u64) -> Bytes + Send + Sync + 'static,
) -> Result<Load> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    run_on(open, duration, request).await
}

/// Keeps open connections busy for so long.
pub async fn run_on(
    open: Vec<Connection>,
    duration: Duration,
    request: impl Fn(u64) -> Bytes + Send + Sync + 'static,
) -> Result<Load> {
    let (request, count) = (Arc::new(request), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let deadline = start + duration;
    let mut tasks = JoinSet::new();
    for connection in open {
        tasks.spawn(keep_busy(connection, deadline, request.clone(), count.clone()));
    }
    let mut latencies_ms = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        latencies_ms.extend(ended??);
    }
    Ok(Load { elapsed: start.elapsed(), latencies_ms })
}

async fn keep_busy(
    mut connection: Connection,
    deadline: Instant,
    request: Arc<impl Fn(u64) -> Bytes>,
    count: Arc<AtomicU64>,
) -> Result<Vec<f64>> {
    let mut latencies_ms = Vec::with_capacity(64 * 1024);
    loop {
        let bytes = request(count.fetch_add(1, Ordering::Relaxed));
        let start = Instant::now();
        connection.send(&bytes).await?;
        let end = Instant::now();
        latencies_ms.push((end - start).as_secs_f64() * 1000.0);
        if end >= deadline {
            return Ok(latencies_ms);
        }
    }
}

impl Load {
    pub fn requests(&self) -> f64 {
        self.latencies_ms.len() as f64
    }

    pub fn requests_per_s(&self) -> f64 {
        self.requests() / self.elapsed.as_secs_f64()
    }

    pub fn latency_ms(&self, part: f64) -> f64 {
        percentile(&self.latencies_ms, part)
    }
}
