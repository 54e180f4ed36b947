//! `X-Request-Id`: the client's own, or a new one. It stands in the answer and in what a request causes
//! elsewhere, so that it can be followed through logs.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a client's own id. What is longer is another's log filled up.
const BYTES_MAX: usize = 128;

/// The id that a request has: its own if there is one of at most 128 visible ASCII bytes, else a new one. While a request is
/// being answered, it has the same id each time.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    weir_trace::with_current(|current| current.ongoing.id().clone())
        .unwrap_or_else(|| given(headers).unwrap_or_else(weir_trace::new_request_id))
}

/// A client's own id, if it can be used.
pub(crate) fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut given = headers.get_all(&REQUEST_ID).iter();
    match (given.next(), given.next()) {
        (Some(id), None) if is_usable(id.as_bytes()) => Some(id.clone()),
        _ => None,
    }
}

fn is_usable(id: &[u8]) -> bool {
    let is_visible = |byte: &u8| matches!(byte, b' '..=b'~');
    id.len() <= BYTES_MAX && id.iter().all(is_visible) && !id.trim_ascii().is_empty()
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
