//! `attack`: what the attacks of `tests/weir/attacks` cost the server and those who ask it meanwhile.
//!
//! `WEIR_BENCH_BINARY` is another `weir` to be attacked, to compare it with this one.

mod connections;
mod consumers;
mod disk;
mod requests;

use crate::{Result, server};

/// `which` is one of them, or all.
pub async fn run(which: &str) -> Result {
    server::build()?;
    let is_asked = |name| which == name || which == "all";
    if is_asked("requests") {
        requests::run().await?;
    }
    if is_asked("connections") {
        connections::run().await?;
    }
    if is_asked("consumers") {
        consumers::run().await?;
    }
    if is_asked("disk") {
        disk::run().await?;
    }
    Ok(())
}
