//! Long texts, each on disk once, however many records have it.

use std::collections::HashMap;

use sled::{Batch, Db};

use super::chunk::{Chunk, Whole, join};
use super::frame::{Digest, Text, digest};

/// Bytes of texts that are kept, so that sled is not asked for one that the record before had too.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// Some of the texts that are whole on disk, or will be once their records are.
#[derive(Default)]
pub(super) struct Texts(HashMap<Digest, Vec<u8>>);

impl Texts {
    /// A text, if all of it is there.
    pub(super) fn get(&mut self, tree: &Db, of: &Digest) -> Result<Option<Vec<u8>>, sled::Error> {
        if let Some(text) = self.0.get(of) {
            return Ok(Some(text.clone()));
        }
        let chunks = tree.scan_prefix(Whole::Text(*of).key_prefix()).values();
        let chunks = chunks.collect::<Result<Vec<_>, _>>()?;
        let text = chunks.iter().map(|chunk| Chunk::read(chunk)).collect::<Option<Vec<_>>>();
        let text = text.and_then(join).filter(|text| digest(text) == *of);
        if let Some(text) = &text {
            self.keep(*of, text);
        }
        Ok(text)
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
        for (key, chunk) in Whole::Text(text.digest).chunks(text.bytes) {
            batch.insert(key, chunk);
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
