//! Loss of power: of the pages that were written after the last sync, any may have reached the disk.
//!
//! The folder is copied when an append has returned, and again after the next. Every page that
//! differs between the two is taken from one or the other, at random; so is the file's length. On
//! what that makes the log has to open, with every record of the first copy and of the others
//! either all of an append or none.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use weir_registry_core::{RawRecord, State};

use super::{Log, SledLog};

const PAGE_BYTES: usize = 4096;

/// Every second record is one long text, which others have too.
fn record(n: usize, bytes: usize) -> RawRecord {
    let value = match n % 2 {
        0 => vec![(n % 251) as u8; bytes],
        _ => format!("\"{}\"", "x".repeat(bytes / 10_000 * 10_000)).into_bytes(),
    };
    let value = Some(value);
    RawRecord { key: format!("key-{n}").into_bytes(), value, timestamp_ms: None }
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The folder `before`, with a random part of what `after` has more in sled's file.
fn mix(before: &Path, after: &Path, to: &Path, mut keep: impl FnMut() -> bool) {
    copy(before, to);
    let (old, new) = (fs::read(before.join("db")).unwrap(), fs::read(after.join("db")).unwrap());
    let length = if keep() { new.len() } else { old.len() };
    let mut mixed = old.clone();
    mixed.resize(length, 0);
    for at in (0..length).step_by(PAGE_BYTES) {
        let end = (at + PAGE_BYTES).min(length).min(new.len());
        if at < end && old.get(at..end) != Some(&new[at..end]) && keep() {
            mixed[at..end].copy_from_slice(&new[at..end]);
        }
    }
    fs::write(to.join("db"), mixed).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_was_appended_survives_and_the_rest_is_all_or_nothing(
        appends in proptest::collection::vec(proptest::collection::vec(0..40_000usize, 1..6), 1..8),
        seed: u64,
    ) {
        let mut random = seed | 1;
        let mut keep = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random & 1 == 0
        };
        let folder = tempfile::tempdir().unwrap();
        let (disk, before, after) =
            (folder.path().join("disk"), folder.path().join("before"), folder.path().join("after"));
        let mut log = SledLog::open(&disk).unwrap();
        let mut records = Vec::new();
        copy(&disk, &before);
        for (n, sizes) in appends.iter().enumerate() {
            let durable = records.len();
            let new: Vec<RawRecord> =
                sizes.iter().enumerate().map(|(i, s)| record(durable + i, *s)).collect();
            log.append(durable as u64, &new).unwrap();
            records.extend(new);
            copy(&disk, &after);
            log.tend(&State::default()); // the witness may know of it
            for attempt in 0..3 {
                let mixed = folder.path().join(format!("mixed-{n}-{attempt}"));
                mix(&before, &after, &mixed, &mut keep);
                let mut survivor = SledLog::open(&mixed).unwrap();
                let mut found = Vec::new();
                survivor.read(0, &mut |_, r| found.push(r)).unwrap();
                prop_assert!(
                    found == records[..durable] || found == records,
                    "{} of {} records, {} of them durable", found.len(), records.len(), durable
                );
                // what nobody was answered for is written again, over whatever is left of it
                survivor.append(found.len() as u64, &records[found.len()..]).unwrap();
                let mut again = Vec::new();
                survivor.read(0, &mut |_, r| again.push(r)).unwrap();
                prop_assert!(again == records);
            }
            fs::remove_dir_all(&before).unwrap();
            fs::rename(&after, &before).unwrap();
        }
    }
}
