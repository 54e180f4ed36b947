//! The HTTP face: Confluent's REST Proxy API v2 and v3.

mod access;
mod answer;
mod docs;
mod front;
pub(crate) mod json;
mod limit;
mod metrics;
mod path;
mod probes;
mod request;
mod rights;
mod router;
mod v2;
mod v3;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use weir_kafka::admin::{Isolation, PartitionOffsets, Topic};
use weir_kafka::{Fault, Partition};

pub(crate) use json::Object;
pub use router::router;
pub(crate) use v2::consumers::READ_BYTES_MAX;
pub(crate) use v3::produce::BATCH_MAX;

use crate::broker::Broker;
use crate::error::ProxyError;

/// What stands in a URL as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The first offset of a partition, and the one after the last. 40402 · 50003 it has no leader at the moment.
async fn offsets_of(
    broker: &Broker,
    topic: &Topic,
    partition: i32,
) -> Result<PartitionOffsets, ProxyError> {
    // asking would be tried again until there is a leader
    if topic.partition(partition)?.leader.is_none() {
        return Err(Fault::no_leader().into());
    }
    let partition = Partition::new(topic.name.clone(), partition);
    Ok(broker.cluster.bounds(&partition, Isolation::ReadUncommitted).await?)
}

/// A part of a URL's path or query.
fn encoded(part: &str) -> String {
    utf8_percent_encode(part, UNRESERVED).to_string()
}
