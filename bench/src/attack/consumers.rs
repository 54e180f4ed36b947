//! Consumer instances beyond the descriptors and threads that there are, and outages of Kafka.

use crate::Result;

pub async fn run() -> Result {
    Ok(())
}
