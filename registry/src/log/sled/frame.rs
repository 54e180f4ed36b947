//! A record as bytes: its place in the chain of the log, and itself. A long string in its value, such as a
//! schema that many subjects share, is left out: it stands beside the records, once, under its digest.

use std::ops::Range;

use sha2::{Digest as _, Sha256};
use weir_registry_core::RawRecord;

pub(super) type Digest = [u8; 32];

/// What a record has to be followed by: a digest of it, its offset and all records before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Link(pub(super) [u8; 16]);

impl Link {
    /// What the first record of a log follows.
    pub(super) const FIRST: Link = Link([0; 16]);

    fn of(offset: u64, before: Link, rest: &[u8]) -> Link {
        let digest = Sha256::new_with_prefix(offset.to_be_bytes())
            .chain_update(before.0)
            .chain_update(rest)
            .finalize();
        let mut link = [0; 16];
        link.copy_from_slice(&digest[..16]);
        Link(link)
    }
}

/// Bytes of a string from which on it is long.
const LONG: usize = 4 * 1024;

const HAS_VALUE: u8 = 1;
const HAS_TIMESTAMP: u8 = 2;
const HAS_TEXT: u8 = 4;
const ENDS_APPEND: u8 = 8;

/// A string that was left out.
pub(super) struct Text<'a> {
    pub(super) digest: Digest,
    pub(super) bytes: &'a [u8],
}

/// A record as it is stored.
pub(super) struct Encoded<'a> {
    pub(super) bytes: Vec<u8>,
    /// What the next record follows.
    pub(super) link: Link,
    pub(super) text: Option<Text<'a>>,
}

/// A record as bytes: the link before and its own, the length of the key, what there is, the timestamp, where the
/// text was and its digest, the key, the value. `ends_append` says that no other record of its append follows.
pub(super) fn encode(
    offset: u64,
    before: Link,
    record: &RawRecord,
    ends_append: bool,
) -> Encoded<'_> {
    let value = record.value.as_deref().unwrap_or_default();
    let text = long_string(value);
    let (head, tail) = match &text {
        Some(text) => (&value[..text.start], &value[text.end..]),
        None => (value, &[][..]),
    };
    let mut bytes = vec![0; 32];
    bytes.extend((record.key.len() as u32).to_be_bytes());
    bytes.push(
        HAS_VALUE * u8::from(record.value.is_some())
            + HAS_TIMESTAMP * u8::from(record.timestamp_ms.is_some())
            + HAS_TEXT * u8::from(text.is_some())
            + ENDS_APPEND * u8::from(ends_append),
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
    let link = Link::of(offset, before, &bytes[32..]);
    bytes[..16].copy_from_slice(&before.0);
    bytes[16..32].copy_from_slice(&link.0);
    Encoded { bytes, link, text }
}

pub(super) fn digest(text: &[u8]) -> Digest {
    Sha256::digest(text).into()
}

/// The bytes of a record that are known to be those that were written.
pub(super) struct Sound<'a> {
    /// The link of the record that it was written behind.
    pub(super) before: Link,
    pub(super) link: Link,
    /// Whether nothing else was appended with it that comes after it.
    pub(super) ends_append: bool,
    rest: &'a [u8],
}

impl<'a> Sound<'a> {
    /// None if these are not all the bytes of a record that was written at that offset.
    pub(super) fn new(offset: u64, bytes: &'a [u8]) -> Option<Sound<'a>> {
        let (before, rest) = bytes.split_first_chunk()?;
        let (link, rest) = rest.split_first_chunk()?;
        let (before, link) = (Link(*before), Link(*link));
        let ends_append = rest.get(4)? & ENDS_APPEND != 0;
        (Link::of(offset, before, rest) == link).then_some(Sound {
            before,
            link,
            ends_append,
            rest,
        })
    }

    /// None if the text that was left out is not there.
    pub(super) fn record(
        &self,
        text: impl FnOnce(&Digest) -> Option<Vec<u8>>,
    ) -> Option<RawRecord> {
        record(self.rest, text)
    }
}

/// A record of bytes that Weir 0.1 wrote, with their length before them; none if some are missing.
pub(super) fn unchained(
    bytes: &[u8],
    text: impl FnOnce(&Digest) -> Option<Vec<u8>>,
) -> Option<RawRecord> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    if rest.len() != u32::from_be_bytes(*length) as usize {
        return None;
    }
    record(rest, text)
}

fn record(rest: &[u8], text: impl FnOnce(&Digest) -> Option<Vec<u8>>) -> Option<RawRecord> {
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

    const BEFORE: Link = Link([3; 16]);

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
                let Encoded { bytes, link, text } = encode(7, BEFORE, &record, true);
                let text = |digest: &Digest| {
                    text.as_ref().filter(|t| t.digest == *digest).map(|t| t.bytes.to_vec())
                };
                let sound = Sound::new(7, &bytes).unwrap();
                assert_eq!((sound.before, sound.link), (BEFORE, link));
                assert_eq!(sound.record(text), Some(record.clone()));
                assert!(Sound::new(8, &bytes).is_none(), "it is not the record of another offset");
                for at in 0..bytes.len() {
                    assert!(Sound::new(7, &bytes[..at]).is_none(), "cut at {at}");
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << (at % 8);
                    assert!(Sound::new(7, &flipped).is_none(), "flipped at {at}");
                }
            }
        }
    }

    #[test]
    fn a_long_text_is_left_out_and_asked_for() {
        let long = "a".repeat(LONG);
        let value = value(&long).into_bytes();
        let record = RawRecord { key: b"key".to_vec(), value: Some(value), timestamp_ms: None };
        let Encoded { bytes, text, .. } = encode(0, Link::FIRST, &record, true);
        assert_eq!(text.map(|t| t.bytes.to_vec()), Some(long.into_bytes()));
        assert!(bytes.len() < 200);
        let sound = Sound::new(0, &bytes).unwrap();
        assert_eq!(sound.record(|_| None), None, "a record without its text is no record");
    }
}
