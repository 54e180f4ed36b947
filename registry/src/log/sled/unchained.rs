//! Logs that Weir wrote before records had a chain and logs a witness: they are written anew, once.

use std::path::Path;

use weir_registry_core::RawRecord;

use super::chunk::FIRST_TEXT_KEY;
use super::frame::{digest, unchained};
use super::generation;
use super::store::{self, Filling, Store, StoreError, caught, open_tree};

/// Where the log is then.
pub(super) const GENERATION: u32 = 1;

/// The log of a folder with a chain; none if there is no log.
pub(super) fn upgrade(data: &Path) -> Result<Option<Store>, StoreError> {
    if !data.join(store::FILE).exists() {
        return Ok(None);
    }
    let old = open_tree(data)?;
    if caught(|| Ok(old.is_empty()))? {
        return Ok(None);
    }
    generation::remove_others(data, 0)?;
    let mut new = Store::open(&generation::folder(data, GENERATION), 0)?;
    let mut filling = Filling::new(&mut new);
    for offset in 0.. {
        let Some(record) = record(&old, offset)? else { break };
        filling.push(offset, record);
    }
    filling.finish()?;
    new.sync()?;
    let last = caught(|| old.get_lt(FIRST_TEXT_KEY))?;
    let last = last.and_then(|(key, _)| key.first_chunk().map(|o| u64::from_be_bytes(*o)));
    match last.is_none_or(|last| last <= new.end.next_offset) {
        true => Ok(Some(new)), // the last may be torn
        false => Err(StoreError::Damaged(format!("record {} is damaged", new.end.next_offset))),
    }
}

fn record(tree: &sled::Db, offset: u64) -> Result<Option<RawRecord>, StoreError> {
    let joined = |prefix: Vec<u8>| -> Result<Vec<u8>, sled::Error> {
        let mut bytes = Vec::new();
        for chunk in tree.scan_prefix(prefix).values() {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(bytes)
    };
    let bytes = caught(|| joined(offset.to_be_bytes().to_vec()))?;
    let mut failed = None;
    let record = unchained(&bytes, |name| {
        let text = caught(|| joined([&FIRST_TEXT_KEY[..], name].concat()));
        let text = text.map_err(|error| failed = Some(error)).ok();
        text.filter(|text| digest(text) == *name)
    });
    failed.map_or(Ok(record), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, SledLog};

    /// Length of the rest, length of the key, a value, nothing else.
    fn old_bytes(key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut rest = (key.len() as u32).to_be_bytes().to_vec();
        rest.push(1);
        rest.extend([key, value].concat());
        [&(rest.len() as u32).to_be_bytes()[..], &rest].concat()
    }

    fn old_log(folder: &Path, records: &[(Vec<u8>, Vec<u8>)]) -> sled::Db {
        let tree = sled::open(folder).unwrap();
        for (offset, (key, value)) in (0_u64..).zip(records) {
            let bytes = old_bytes(key, value);
            for (number, chunk) in (0_u32..).zip(bytes.chunks(16 * 1024)) {
                tree.insert(
                    [offset.to_be_bytes().as_slice(), &number.to_be_bytes()].concat(),
                    chunk,
                )
                .unwrap();
            }
        }
        tree.flush().unwrap();
        tree
    }

    #[test]
    fn a_log_without_a_chain_gets_one() {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<(Vec<u8>, Vec<u8>)> =
            (0..300).map(|n| (format!("key-{n}").into_bytes(), vec![n as u8; n * 100])).collect();
        drop(old_log(folder.path(), &records));
        for _ in 0..2 {
            let mut log = SledLog::open(folder.path()).unwrap();
            assert_eq!(log.status().fault, None);
            let mut found = Vec::new();
            log.read(0, &mut |_, record| found.push((record.key, record.value.unwrap()))).unwrap();
            assert!(found == records);
        }
        assert!(!folder.path().join("db").exists(), "the old file is gone");
    }

    #[test]
    fn an_old_log_with_a_hole_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<_> = (0..9).map(|n| (vec![n], vec![n])).collect();
        let tree = old_log(folder.path(), &records);
        tree.remove([4_u64.to_be_bytes().as_slice(), &[0; 4]].concat()).unwrap();
        tree.flush().unwrap();
        drop(tree);
        let why = SledLog::open(folder.path()).err().unwrap().to_string();
        assert!(why.contains("record 4 is damaged"), "{why}");
    }
}
