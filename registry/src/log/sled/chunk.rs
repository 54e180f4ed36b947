//! What sled stores: chunks, each of which says what it is a part of.
//!
//! sled finds a chunk by its key. The chunk says the same again, with a checksum, so that it can be found in the
//! bytes of sled's file where sled itself cannot read that any more.

use super::frame::Digest;

/// Bytes of a record or a text in one chunk. sled writes up to 17 of them as one page, and makes a file of its
/// own, which it never syncs, of a page of 128 KiB.
pub(super) const BODY_BYTES: usize = 4 * 1024;

/// Begins every chunk.
pub(super) const MAGIC: [u8; 4] = *b"\xf7WR1";

/// Begins the keys of texts, which go on with the digest and the chunk's number; no offset is that
/// large.
pub(super) const FIRST_TEXT_KEY: [u8; 1] = [0xff];

/// What a chunk is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Whole {
    /// The record at an offset.
    Record(u64),
    Text(Digest),
}

impl Whole {
    /// What the keys of all its chunks begin with.
    pub(super) fn key_prefix(&self) -> Vec<u8> {
        match self {
            Whole::Record(offset) => offset.to_be_bytes().to_vec(),
            Whole::Text(digest) => [&FIRST_TEXT_KEY[..], digest].concat(),
        }
    }

    /// Keys and values of its chunks.
    pub(super) fn chunks(self, bytes: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        (0_u32..).zip(bytes.chunks(BODY_BYTES)).map(move |(number, body)| {
            let key = [&self.key_prefix()[..], &number.to_be_bytes()].concat();
            let mut chunk = MAGIC.to_vec();
            match self {
                Whole::Record(offset) => {
                    chunk.push(b'r');
                    chunk.extend(offset.to_be_bytes());
                }
                Whole::Text(digest) => {
                    chunk.push(b't');
                    chunk.extend(digest);
                }
            }
            chunk.extend(number.to_be_bytes());
            chunk.extend((body.len() as u32).to_be_bytes());
            chunk.extend(checksum(&chunk, body).to_be_bytes());
            chunk.extend(body);
            (key, chunk)
        })
    }
}

/// A chunk that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) of: Whole,
    pub(super) number: u32,
    pub(super) body: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Bytes of the largest.
    pub(super) const BYTES_MAX: usize = MAGIC.len() + 1 + size_of::<Digest>() + 12 + BODY_BYTES;

    /// Reads the chunk that bytes begin with; none if they do not begin with a whole and sound one.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Chunk<'a>> {
        let (kind, rest) = bytes.strip_prefix(&MAGIC)?.split_first()?;
        let (of, rest) = match kind {
            b'r' => {
                let (offset, rest) = rest.split_first_chunk()?;
                (Whole::Record(u64::from_be_bytes(*offset)), rest)
            }
            b't' => {
                let (digest, rest) = rest.split_first_chunk()?;
                (Whole::Text(*digest), rest)
            }
            _ => return None,
        };
        let (number, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        let head = &bytes[..bytes.len() - rest.len()];
        let (check, rest) = rest.split_first_chunk()?;
        let body = rest.get(..length).filter(|body| body.len() <= BODY_BYTES)?;
        if checksum(head, body) != u32::from_be_bytes(*check) {
            return None;
        }
        Some(Chunk { of, number: u32::from_be_bytes(*number), body })
    }
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    crc.update(body);
    crc.finalize()
}

/// Puts chunks of one whole together; none unless their numbers are 0, 1, and so on.
pub(super) fn join<'a>(chunks: impl IntoIterator<Item = Chunk<'a>>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (number, chunk) in (0..).zip(chunks) {
        if chunk.number != number {
            return None;
        }
        bytes.extend_from_slice(chunk.body);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_what_it_is_a_part_of() {
        for whole in [Whole::Record(7), Whole::Text([9; 32])] {
            let bytes = vec![1; 3 * BODY_BYTES - 5];
            let chunks: Vec<_> = whole.chunks(&bytes).collect();
            assert_eq!(chunks.len(), 3);
            let read = chunks.iter().map(|(_, chunk)| Chunk::read(chunk).unwrap());
            assert!(read.clone().all(|chunk| chunk.of == whole));
            assert_eq!(join(read), Some(bytes));
            for (key, chunk) in &chunks {
                assert!(key.starts_with(&whole.key_prefix()) && chunk.len() <= Chunk::BYTES_MAX);
                for at in 0..chunk.len() {
                    assert_eq!(Chunk::read(&chunk[..at]), None);
                    let mut flipped = chunk.clone();
                    flipped[at] ^= 1 << (at % 8);
                    assert_eq!(Chunk::read(&flipped), None);
                }
            }
            assert_eq!(
                join(chunks[1..].iter().map(|(_, chunk)| Chunk::read(chunk).unwrap())),
                None
            );
        }
    }
}
