//! Requests that are small and ask for much: schemas, patterns, checks.

use crate::Result;

pub async fn run() -> Result {
    Ok(())
}
