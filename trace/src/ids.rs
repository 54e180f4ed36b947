//! Ids that have to be unique and not secret: asking the system for randomness would cost as much as a whole answer.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// 128 bits of hashes with keys that this process has drawn at random. Never 0.
pub(crate) fn random() -> u128 {
    static KEYS: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (high, low) = (KEYS.0.hash_one(count), KEYS.1.hash_one(count));
    ((u128::from(high) << 64) | u128::from(low)).max(1)
}

/// A new id of a span. Never 0, which is no id.
pub(crate) fn span_id() -> u64 {
    ((random() >> 64) as u64).max(1)
}

/// A new id of a request: a UUID of version 4.
pub fn new_request_id() -> HeaderValue {
    let id = uuid::Builder::from_random_bytes(random().to_be_bytes());
    HeaderValue::from_str(id.as_uuid().hyphenated().encode_lower(&mut [0; 36]))
        .expect("a UUID is ASCII")
}
