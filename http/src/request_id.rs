//! `X-Request-Id`: the client's own, or a new one. It stands in the answer and in what a request causes
//! elsewhere, so that it can be followed through logs.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a client's own id. What is longer is another's log filled up.
const BYTES_MAX: usize = 128;

/// The id that a request has: its own if there is one of at most 128 visible ASCII bytes, else a new one.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    let mut given = headers.get_all(&REQUEST_ID).iter();
    match (given.next(), given.next()) {
        (Some(id), None) if is_usable(id.as_bytes()) => id.clone(),
        _ => new(),
    }
}

fn is_usable(id: &[u8]) -> bool {
    let is_visible = |byte: &u8| matches!(byte, b' '..=b'~');
    id.len() <= BYTES_MAX && id.iter().all(is_visible) && !id.trim_ascii().is_empty()
}

/// A UUID of version 4 from hashes with this process's random keys: it has to be unique, not
/// secret, and asking the system for randomness would cost as much as the whole answer.
fn new() -> HeaderValue {
    static KEYS: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (high, low) = (KEYS.0.hash_one(count), KEYS.1.hash_one(count));
    let id = uuid::Builder::from_random_bytes(
        ((u128::from(high) << 64) | u128::from(low)).to_be_bytes(),
    );
    HeaderValue::from_str(id.as_uuid().hyphenated().encode_lower(&mut [0; 36]))
        .expect("a UUID is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(ids: &[&[u8]]) -> HeaderValue {
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(&REQUEST_ID, HeaderValue::from_bytes(id).unwrap());
        }
        of(&headers)
    }

    #[test]
    fn a_clients_id_is_kept_if_it_is_one_and_short() {
        let longest = [b'a'; BYTES_MAX];
        for id in [&b"order-4711"[..], b"of the client", &longest] {
            assert_eq!(answered(&[id]).as_bytes(), id);
        }
        let too_long = [b'a'; BYTES_MAX + 1];
        let unusable: [&[u8]; 5] = [b" ", b"", b"a\tb", b"\xc3\xa9", &too_long];
        for id in unusable {
            assert_eq!(answered(&[id]).len(), 36, "{id:?}");
        }
        assert_eq!(answered(&[b"a", b"b"]).len(), 36);
        assert_ne!(answered(&[]), answered(&[]));
    }
}
