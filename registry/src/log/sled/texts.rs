//! Long texts, each on disk once, however many records have it.

use std::collections::HashMap;

use sled::{Batch, Db};
use weir_registry_core::RawRecord;

use super::CHUNK_BYTES;
use super::frame::{self, Digest, Text, digest};

/// Begins the keys of texts, which go on with the digest and the chunk's number; no offset is that
/// large.
pub(super) const FIRST_KEY: [u8; 1] = [0xff];

/// Bytes of texts that are kept, so that sled is not asked for one that the record before had too.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// Some of the texts that are whole on disk, or will be once their records are.
#[derive(Default)]
pub(super) struct Texts(HashMap<Digest, Vec<u8>>);

impl Texts {
    /// A record of bytes and its text; none if not all of it is there.
    pub(super) fn record(
        &mut self,
        tree: &Db,
        bytes: &[u8],
    ) -> Result<Option<RawRecord>, sled::Error> {
        let mut failed = None;
        let record = frame::decode(bytes, |digest| {
            self.get(tree, digest).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        failed.map_or(Ok(record), Err)
    }

    /// A text, if all of it is there.
    fn get(&mut self, tree: &Db, of: &Digest) -> Result<Option<Vec<u8>>, sled::Error> {
        if let Some(text) = self.0.get(of) {
            return Ok(Some(text.clone()));
        }
        let mut text = Vec::new();
        for chunk in tree.scan_prefix([&FIRST_KEY[..], of].concat()).values() {
            text.extend_from_slice(&chunk?);
        }
        if digest(&text) != *of {
            return Ok(None);
        }
        self.keep(*of, &text);
        Ok(Some(text))
    }

    /// Adds a text to what will be written, unless it is there.
    pub(super) fn put(
        &mut self,
        tree: &Db,
        batch: &mut Batch,
        text: Text<'_>,
    ) -> Result<(), sled::Error> {
        if self.0.contains_key(&text.digest) || self.get(tree, &text.digest)?.is_some() {
            return Ok(());
        }
        for (number, chunk) in (0_u32..).zip(text.bytes.chunks(CHUNK_BYTES)) {
            batch.insert([&FIRST_KEY[..], &text.digest, &number.to_be_bytes()].concat(), chunk);
        }
        self.keep(text.digest, text.bytes);
        Ok(())
    }

    fn keep(&mut self, digest: Digest, text: &[u8]) {
        if self.0.values().map(Vec::len).sum::<usize>() + text.len() > KEPT_BYTES {
            self.0.clear();
        }
        self.0.insert(digest, text.to_vec());
    }
}
