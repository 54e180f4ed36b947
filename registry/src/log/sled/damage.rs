//! Damage: whatever happens to a byte of the log's files, the log is what it was, or says that it is damaged
//! and takes no writes. It is never another log.
//!
//! Some of the bytes are tried, others in each run; all that are not far from any other in a stretch of zeros with
//! `WEIR_TEST_EVERY_BYTE=1`, and every 32nd block.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use weir_registry_core::{RawRecord, State};

use crate::log::power::copy;
use crate::log::{Fault, Log, SledLog};

type Records = Vec<(u64, RawRecord)>;

const RECORDS: u64 = 21;

/// Damages that are tried where not all are.
const SAMPLES: usize = 1_500;

const BLOCK_BYTES: usize = 512;

/// Some have a long text, which others have too; some are larger than a chunk.
fn record(n: u64) -> RawRecord {
    let value = match n % 7 {
        0 => None,
        1 => Some(format!("{{\"schema\":\"{}\"}}", "long".repeat(1500)).into_bytes()),
        2 => Some(vec![n as u8 + 1; 9_000]),
        _ => Some(format!("{{\"schema\":\"{n}\"}}").into_bytes()),
    };
    RawRecord { key: format!("key-{n}").into_bytes(), value, timestamp_ms: Some(n as i64) }
}

fn read(log: &mut SledLog) -> Records {
    let mut found = Vec::new();
    if log.read(0, &mut |offset, record| found.push((offset, record))).is_err() {
        assert!(log.salvage(), "what is sound can be read");
        found.clear();
        log.read(0, &mut |offset, record| found.push((offset, record))).unwrap();
    }
    found
}

/// Writes a log, and waits until its witness knows its end.
fn write(folder: &Path) -> (SledLog, Records) {
    let mut log = SledLog::open(folder).unwrap();
    let records: Records = (0..RECORDS).map(|n| (n, record(n))).collect();
    for part in records.chunks(3) {
        let (offset, _) = part[0];
        let part: Vec<_> = part.iter().map(|(_, record)| record.clone()).collect();
        log.append(offset, &part).unwrap();
    }
    settle(&mut log);
    (log, records)
}

fn settle(log: &mut SledLog) {
    while let Some(wait) = log.tend(&State::default()) {
        #[expect(clippy::disallowed_methods, reason = "no runtime here")]
        std::thread::sleep(wait);
    }
}

/// The files of a folder with what is in them.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().into(), fs::read(path).unwrap())).collect()
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip,
    Zero,
    Cut,
    /// The block stands where the next one was, too.
    Double,
}

const DAMAGES: [Damage; 4] = [Damage::Flip, Damage::Zero, Damage::Cut, Damage::Double];

impl Damage {
    fn apply(self, bytes: &mut Vec<u8>, at: usize) {
        match self {
            Damage::Flip => bytes[at] ^= 1 << (at % 8),
            Damage::Cut => bytes.truncate(at),
            Damage::Zero => {
                let end = (at + BLOCK_BYTES).min(bytes.len());
                bytes[at..end].fill(0);
            }
            Damage::Double => {
                let end = (at + BLOCK_BYTES).min(bytes.len());
                let to = end.min(bytes.len() - (end - at));
                bytes.copy_within(at..end, to);
            }
        }
    }
}

/// How often the log was what it was, and how often it was refused.
#[derive(Default)]
struct Tally {
    same: AtomicUsize,
    refused: AtomicUsize,
}

fn judge(folder: &Path, records: &Records, what: &str, tally: &Tally) {
    let mut log = SledLog::open(folder).unwrap_or_else(|why| panic!("{what}: {why}"));
    let found = read(&mut log);
    match log.status().fault {
        None => {
            assert!(found == *records, "{what}: {} records and no word", found.len());
            let next = records.len() as u64;
            assert_eq!(log.append(next, &[record(next)]), Ok(next), "{what}");
            tally.same.fetch_add(1, Ordering::Relaxed);
        }
        Some(Fault::Damaged(why)) => {
            let is_sound = found.iter().all(|(offset, r)| records[*offset as usize].1 == *r);
            assert!(is_sound, "{what}: a record is served that was never written");
            assert!(why.contains(folder.to_str().unwrap()), "{what}: {why}");
            assert!(log.append(found.len() as u64, &[record(0)]).is_err(), "{what}");
            tally.refused.fetch_add(1, Ordering::Relaxed);
        }
        Some(other) => panic!("{what}: {other}"),
    }
}

/// Of long stretches of nothing, one byte stands for many.
fn is_worth_it(bytes: &[u8], at: usize) -> bool {
    let near = &bytes[at..(at + 64).min(bytes.len())];
    at.is_multiple_of(4096) || near.iter().any(|byte| *byte != 0)
}

/// Damages the files of a log in all ways, or in some.
fn damage_everywhere(files: &[(PathBuf, Vec<u8>)], records: &Records, samples: usize) {
    let places = files.iter().enumerate().flat_map(|(file, (_, bytes))| {
        let at = (0..bytes.len()).filter(|at| is_worth_it(bytes, *at));
        let damages = at.flat_map(move |at| DAMAGES.map(|damage| (file, at, damage)));
        damages.filter(|(_, at, damage)| matches!(damage, Damage::Flip) || at % 32 == 0)
    });
    let places: Vec<_> = match std::env::var_os("WEIR_TEST_EVERY_BYTE") {
        Some(_) => places.collect(),
        None => {
            let all: Vec<_> = places.collect();
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let mut random = since_1970.as_nanos() as usize | 1;
            let mut any = || {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                all[(random >> 33) % all.len()]
            };
            // small files are as telling as large ones
            let small =
                all.iter().filter(|(file, at, _)| files[*file].1.len() < 10_000 && at % 97 == 3);
            (0..samples).map(|_| any()).chain(small.copied()).collect()
        }
    };
    let (next, tally) = (AtomicUsize::new(0), Tally::default());
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                while let Some((file, at, damage)) =
                    places.get(next.fetch_add(1, Ordering::Relaxed)).copied()
                {
                    let data = folder.path().join("data");
                    let _ = fs::remove_dir_all(&data);
                    fs::create_dir_all(&data).unwrap();
                    let what = format!("{damage:?} at {at} of {}", files[file].0.display());
                    for (number, (name, bytes)) in files.iter().enumerate() {
                        let mut bytes = bytes.clone();
                        if number == file {
                            damage.apply(&mut bytes, at);
                        }
                        fs::write(data.join(name), bytes).unwrap();
                    }
                    *failed.lock().unwrap() = Some(what.clone());
                    judge(&data, records, &what, &tally);
                }
            });
        }
    });
    println!(
        "{} damages: {} times the same log, {} times refused",
        places.len(),
        tally.same.into_inner(),
        tally.refused.into_inner()
    );
}

#[test]
fn a_closed_log_that_is_damaged_is_what_it_was_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (log, records) = write(folder.path());
    drop(log);
    damage_everywhere(&files(folder.path()), &records, SAMPLES);
}

#[test]
fn a_log_that_was_not_closed_and_is_damaged_is_what_it_was_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (log, records) = write(folder.path());
    let files = files(folder.path());
    drop(log);
    damage_everywhere(&files, &records, SAMPLES);
}

#[test]
fn a_log_of_long_texts_that_is_damaged_is_what_it_was_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    let text = |n: u64| (0..40_000).map(|i| format!("{n}{i}")).collect::<String>();
    let records: Records = (0..10)
        .map(|n| match n % 2 {
            0 => (n, record(3)),
            _ => {
                let value = Some(format!("{{\"schema\":\"{}\"}}", text(n)).into_bytes());
                (n, RawRecord { key: vec![n as u8], value, timestamp_ms: None })
            }
        })
        .collect();
    for (offset, record) in &records {
        log.append(*offset, std::slice::from_ref(record)).unwrap();
    }
    settle(&mut log);
    let files = files(folder.path());
    drop(log);
    damage_everywhere(&files, &records, SAMPLES / 5);
}

#[test]
fn a_file_that_is_gone_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (log, records) = write(folder.path());
    drop(log);
    let all = files(folder.path());
    for (gone, _) in &all {
        let data = tempfile::tempdir().unwrap();
        for (name, bytes) in all.iter().filter(|(name, _)| name != gone) {
            fs::write(data.path().join(name), bytes).unwrap();
        }
        let (what, tally) = (format!("without {}", gone.display()), Tally::default());
        judge(data.path(), &records, &what, &tally);
        let is_refused = tally.refused.into_inner() == 1;
        assert_eq!(is_refused, ["db", "witness"].contains(&gone.to_str().unwrap()), "{what}");
    }
}

#[test]
fn what_is_lost_is_accepted_by_name_and_no_offset_is_given_twice() {
    const LOST: u64 = 12;
    let folder = tempfile::tempdir().unwrap();
    let (log, records) = write(folder.path());
    drop(log);
    let path = folder.path().join("db");
    let mut bytes = fs::read(&path).unwrap();
    let key = records[LOST as usize].1.key.clone();
    let places: Vec<_> = memchr::memmem::find_iter(&bytes, &key).collect();
    places.iter().for_each(|at| bytes[*at] ^= 1);
    fs::write(&path, bytes).unwrap();

    let mut log = SledLog::open(folder.path()).unwrap();
    let Some(Fault::Damaged(why)) = log.status().fault else { panic!("it is damaged") };
    assert!(why.contains("--accept-loss-after 12"), "{why}");
    let sound: Records = records.iter().filter(|(offset, _)| *offset != LOST).cloned().collect();
    assert_eq!(read(&mut log), sound, "all others are served");
    drop(log);

    let refused = SledLog::open_accepting(folder.path(), Some(LOST + 1)).err().unwrap().to_string();
    assert!(refused.contains("the first record that is lost is 12"), "{refused}");
    let mut log = SledLog::open_accepting(folder.path(), Some(LOST)).unwrap();
    assert_eq!((log.status().fault.clone(), read(&mut log)), (None, sound.clone()));
    assert_eq!(log.append(RECORDS, &[record(RECORDS)]), Ok(RECORDS));
    drop(log);
    let mut log = SledLog::open(folder.path()).unwrap();
    assert_eq!(log.status().fault, None);
    assert_eq!(read(&mut log).len(), sound.len() + 1);
}

#[test]
fn a_folder_that_is_gone_takes_no_writes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut log, records) = write(&data);
    fs::rename(&data, folder.path().join("elsewhere")).unwrap();
    let next = records.len() as u64;
    let error = log.append(next, &[record(next)]).unwrap_err().to_string();
    assert!(error.contains("was removed while it was open"), "{error}");
    assert!(log.recover().is_err(), "no restart of ours brings it back");
}

/// A log in a generation of its own, as a compaction leaves it.
fn write_compacted(folder: &Path) -> Records {
    let (log, records) = write(folder);
    drop(log);
    // what sled cannot read and is sound is written anew
    fs::write(folder.join("conf"), "no configuration of sled's").unwrap();
    let mut log = SledLog::open(folder).unwrap();
    assert_eq!((log.status().fault.clone(), read(&mut log) == records), (None, true));
    settle(&mut log);
    drop(log);
    assert!(folder.join("log.1/db").exists() && !folder.join("db").exists());
    records
}

#[test]
fn a_witness_that_is_not_the_logs_own_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (sound, empty, other) =
        (folder.path().join("sound"), folder.path().join("empty"), folder.path().join("other"));
    let records = write_compacted(&sound);
    drop(SledLog::open(&empty).unwrap());
    let mut shorter = SledLog::open(&other).unwrap();
    shorter.append(0, &[record(3), record(4)]).unwrap();
    settle(&mut shorter);
    drop(shorter);
    let of = |folder: &Path| fs::read(folder.join("witness")).unwrap();
    let witnesses = [
        None,
        Some(Vec::new()),
        Some(vec![0; 8192]),
        Some(vec![7; 8192]),
        Some(of(&empty)),
        Some(of(&other)),
    ];
    for (number, witness) in witnesses.iter().enumerate() {
        let data = folder.path().join(number.to_string());
        copy(&sound, &data);
        match witness {
            Some(bytes) => fs::write(data.join("witness"), bytes).unwrap(),
            None => fs::remove_file(data.join("witness")).unwrap(),
        }
        let tally = Tally::default();
        judge(&data, &records, &format!("witness {number}"), &tally);
        assert_eq!(tally.refused.into_inner(), 1, "witness {number}");
        let mut log = SledLog::open(&data).unwrap();
        assert!(read(&mut log) == records, "witness {number}: all of it is served");
        drop(log);
        let mut log = SledLog::open_accepting(&data, Some(0)).unwrap();
        assert!(read(&mut log) == records, "witness {number}: all of it stays");
        assert_eq!(log.status().fault, None);
    }
}

#[test]
fn what_is_not_sleds_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("log.7")).unwrap();
    fs::write(folder.path().join("log.7/mine"), "mine").unwrap();
    fs::write(folder.path().join("log.1"), "mine").unwrap();
    let (log, records) = write(folder.path());
    drop(log);
    fs::write(folder.path().join("conf"), "no configuration of sled's").unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    assert_eq!((log.status().fault.clone(), read(&mut log) == records), (None, true));
    assert_eq!(fs::read(folder.path().join("log.7/mine")).unwrap(), b"mine");
    assert_eq!(fs::read(folder.path().join("log.1")).unwrap(), b"mine");
}

#[test]
fn a_witness_that_is_gone_takes_no_writes_and_what_was_answered_is_known() {
    for gone in ["witness", "db"] {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SledLog::open(folder.path()).unwrap();
        assert_eq!(log.append(0, &[record(3), record(4)]), Ok(0));
        fs::remove_file(folder.path().join(gone)).unwrap();
        let error = log.append(2, &[record(5)]).unwrap_err().to_string();
        assert!(error.contains("while it was open"), "{error}");
        log.tend(&State::default());
        drop(log);
        let mut log = SledLog::open(folder.path()).unwrap();
        assert!(log.status().fault.is_some(), "{gone}");
        assert!(log.append(0, &[record(3)]).is_err(), "{gone}");
    }
}

#[test]
fn long_texts_that_are_damaged_do_not_make_a_start_long() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    for n in 0..3_u64 {
        let text: String = (0..500_000_u64).map(|i| format!("{n}{i}")).collect();
        let value = Some(format!("{{\"schema\":\"{text}\"}}").into_bytes());
        let record = RawRecord { key: vec![n as u8], value, timestamp_ms: None };
        log.append(n, &[record]).unwrap();
    }
    settle(&mut log);
    drop(log);
    let path = folder.path().join("db");
    let mut bytes = fs::read(&path).unwrap();
    let places: Vec<_> = memchr::memmem::find_iter(&bytes, "0400000040000104000020").collect();
    places.iter().for_each(|at| bytes[*at] ^= 1);
    fs::write(&path, bytes).unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    assert!(matches!(log.status().fault, Some(Fault::Damaged(_))));
    assert_eq!(read(&mut log).len(), 2);
}
