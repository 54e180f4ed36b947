//! What consumers tell each other through JoinGroup and SyncGroup, as far as the coordinator reads it.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::ConsumerProtocolSubscription;
use kafka_protocol::protocol::Decodable;

/// The newest version that the broker reads; newer ones begin in the same way.
const VERSION_MAX: i16 = 3;

/// The topics that a consumer's subscription names. What cannot be read names none.
pub(super) fn topics(metadata: &Bytes) -> Vec<String> {
    decode(metadata)
        .map(|subscription| subscription.topics.iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}

/// A consumer's subscription, if it can be read.
pub(super) fn decode(metadata: &Bytes) -> Option<ConsumerProtocolSubscription> {
    let mut bytes = metadata.clone();
    if bytes.remaining() < 2 {
        return None;
    }
    let version = bytes.get_i16();
    if version < 0 {
        return None;
    }
    ConsumerProtocolSubscription::decode(&mut bytes, version.min(VERSION_MAX)).ok()
}
