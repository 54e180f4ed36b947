//! A record as bytes. A long string in its value, such as a schema that many subjects share, is left
//! out: it stands beside the records, once, under its digest.

use std::ops::Range;

use sha2::{Digest as _, Sha256};
use weir_registry_core::RawRecord;

pub(super) type Digest = [u8; 32];

/// Bytes of a string from which on it is long.
const LONG: usize = 4 * 1024;

const HAS_VALUE: u8 = 1;
const HAS_TIMESTAMP: u8 = 2;
const HAS_TEXT: u8 = 4;

/// A string that was left out.
pub(super) struct Text<'a> {
    pub(super) digest: Digest,
    pub(super) bytes: &'a [u8],
}

/// Length of the rest, length of the key, what there is, the timestamp, where the text was and its
/// digest, key, value.
pub(super) fn encode(record: &RawRecord) -> (Vec<u8>, Option<Text<'_>>) {
    let value = record.value.as_deref().unwrap_or_default();
    let text = long_string(value);
    let (head, tail) = match &text {
        Some(text) => (&value[..text.start], &value[text.end..]),
        None => (value, &[][..]),
    };
    let mut bytes = vec![0; 4];
    bytes.extend((record.key.len() as u32).to_be_bytes());
    bytes.push(
        HAS_VALUE * u8::from(record.value.is_some())
            + HAS_TIMESTAMP * u8::from(record.timestamp_ms.is_some())
            + HAS_TEXT * u8::from(text.is_some()),
    );
    bytes.extend(record.timestamp_ms.map(i64::to_be_bytes).iter().flatten());
    let text = text.map(|at| &value[at]).map(|bytes| Text { digest: digest(bytes), bytes });
    if let Some(text) = &text {
        bytes.extend((head.len() as u32).to_be_bytes());
        bytes.extend(text.digest);
    }
    for part in [&record.key, head, tail] {
        bytes.extend(part);
    }
    let length = bytes.len() as u32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    (bytes, text)
}

pub(super) fn digest(text: &[u8]) -> Digest {
    Sha256::digest(text).into()
}

/// None if bytes are missing, or the text that was left out is.
pub(super) fn decode(
    bytes: &[u8],
    text: impl FnOnce(&Digest) -> Option<Vec<u8>>,
) -> Option<RawRecord> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    if rest.len() != u32::from_be_bytes(*length) as usize {
        return None;
    }
    let (key_length, rest) = rest.split_first_chunk::<4>()?;
    let (there, mut rest) = rest.split_first()?;
    let mut timestamp_ms = None;
    if there & HAS_TIMESTAMP != 0 {
        let stamp;
        (stamp, rest) = rest.split_first_chunk::<8>()?;
        timestamp_ms = Some(i64::from_be_bytes(*stamp));
    }
    let mut left_out = None;
    if there & HAS_TEXT != 0 {
        let (at, digest);
        (at, rest) = rest.split_first_chunk::<4>()?;
        (digest, rest) = rest.split_first_chunk::<32>()?;
        left_out = Some((u32::from_be_bytes(*at) as usize, text(digest)?));
    }
    let (key, value) = rest.split_at_checked(u32::from_be_bytes(*key_length) as usize)?;
    let value = match left_out {
        None => value.to_vec(),
        Some((at, text)) => {
            let (head, tail) = value.split_at_checked(at)?;
            [head, &text, tail].concat()
        }
    };
    let value = (there & HAS_VALUE != 0).then_some(value);
    Some(RawRecord { key: key.into(), value, timestamp_ms })
}

/// The longest string of a JSON text, without its quotes, if it is long. Whatever the bytes are, the
/// answer is some of them.
fn long_string(json: &[u8]) -> Option<Range<usize>> {
    if json.len() < LONG {
        return None;
    }
    let (mut longest, mut start, mut escaped) = (0..0, None, false);
    for (at, byte) in json.iter().enumerate() {
        match (start, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (None, b'"') => start = Some(at + 1),
            (Some(from), b'"') => {
                if at - from > longest.len() {
                    longest = from..at;
                }
                start = None;
            }
            _ => {}
        }
    }
    Some(longest).filter(|string| string.len() >= LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        format!(r#"{{"subject":"a\"b","id":1,"schema":"{text}","deleted":false}}"#)
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let long = r#"x\"y\\"#.repeat(LONG);
        let values = [
            None,
            Some(String::new()),
            Some(value("{}")),
            Some(value(&long)),
            Some(format!("\"{long}")), // no JSON
        ];
        for value in values {
            for timestamp_ms in [None, Some(-1), Some(1_700_000_000_000)] {
                let value = value.clone().map(Vec::from);
                let record = RawRecord { key: b"key".to_vec(), value, timestamp_ms };
                let (bytes, text) = encode(&record);
                let text = |digest: &Digest| {
                    text.as_ref().filter(|t| t.digest == *digest).map(|t| t.bytes.to_vec())
                };
                assert_eq!(decode(&bytes, text), Some(record.clone()));
                for cut in 0..bytes.len() {
                    assert_eq!(decode(&bytes[..cut], text), None, "cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn a_long_text_is_left_out_and_asked_for() {
        let long = "a".repeat(LONG);
        let value = value(&long).into_bytes();
        let record = RawRecord { key: b"key".to_vec(), value: Some(value), timestamp_ms: None };
        let (bytes, text) = encode(&record);
        assert_eq!(text.map(|t| t.bytes.to_vec()), Some(long.into_bytes()));
        assert!(bytes.len() < 200);
        assert_eq!(decode(&bytes, |_| None), None, "a record without its text is no record");
    }
}
