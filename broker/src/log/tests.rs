//! Logs as their owner sees them.

use std::time::Duration;

use super::*;
use crate::files::{DiskFiles, MemoryFiles};

/// A batch of `count` records, of which the first has a value of this length.
pub fn batch(count: i32, timestamp: i64, value: &[u8]) -> Batch {
    let value = String::from_utf8(vec![b'x'; value.len()]).unwrap();
    let mut fields = vec![(None, None, timestamp); count as usize];
    fields[0].1 = Some(&*value);
    Batch::parse(super::records::tests::batch(&fields, 0, |_| {}).into()).unwrap()
}

pub fn memory() -> (Arc<MemoryFiles>, Arc<dyn Files>) {
    let files = Arc::new(MemoryFiles::default());
    (files.clone(), files)
}

fn small_segments() -> LogConfig {
    LogConfig { segment_bytes: 1000, index_interval_bytes: 200, ..LogConfig::default() }
}

/// A log of 100 batches of two records of 100 bytes, with timestamps 1000, 1010, ..
pub fn filled(files: &Arc<dyn Files>) -> Log {
    let mut log = Log::open(files, "t-0").unwrap();
    log.set_config(small_segments());
    for number in 0..100 {
        log.append(batch(2, 1000 + number * 10, &[0; 25])).unwrap();
    }
    log
}

pub fn bases(bytes: &Bytes) -> Vec<i64> {
    let mut rest = &bytes[..];
    let mut bases = Vec::new();
    while !rest.is_empty() {
        let header = BatchHeader::parse(rest).unwrap();
        bases.push(header.base_offset);
        rest = &rest[header.bytes..];
    }
    bases
}

fn everything(log: &Log) -> Bytes {
    let mut all = Vec::new();
    let mut from = log.start_offset();
    while from < log.end_offset() {
        let bytes = log.read(from, i64::MAX, 1 << 20).unwrap();
        let last = *bases(&bytes).last().unwrap();
        from = log.batches(last).next().unwrap().unwrap().header().next_offset();
        all.extend_from_slice(&bytes);
    }
    all.into()
}

#[test]
fn batches_are_read_across_segments() {
    let (_, files) = memory();
    let log = filled(&files);
    assert_eq!((log.start_offset(), log.end_offset()), (0, 200));
    assert_eq!(log.segments.len(), 10);
    assert_eq!(bases(&log.read(0, 200, 250).unwrap()), [0, 2]);
    assert_eq!(bases(&log.read(19, 200, 450).unwrap()), [18, 20, 22, 24]);
    assert_eq!(bases(&log.read(5, 200, 1).unwrap()), [4]);
    assert_eq!(bases(&log.read(5, 9, 1000).unwrap()), [4, 6]);
    assert_eq!(bases(&log.read(199, 200, 1000).unwrap()), [198]);
    assert_eq!(log.read(200, 201, 1000).unwrap(), "");
    assert_eq!(bases(&everything(&log)), (0..100).map(|n| n * 2).collect::<Vec<_>>());
    assert_eq!(log.headers(7).count(), 97);
    assert_eq!(log.batches(7).count(), 97);
    assert_eq!(log.slice(198, 200, 1000).unwrap().bytes_at_most(), 100);
}

#[test]
fn a_slice_is_read_after_its_log_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Files> = Arc::new(DiskFiles::open(folder.path()).unwrap());
    for files in [memory().1, disk] {
        let mut log = filled(&files);
        let slice = log.slice(10, 200, 450).unwrap();
        log.delete_before(150).unwrap();
        files.remove_folder(&log.into_folder()).unwrap();
        assert_eq!(bases(&slice.read().unwrap()), [10, 12, 14, 16]);
        assert_eq!(files.list("t-0").unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_log_is_the_same_when_it_is_opened_again() {
    let (memory, files) = memory();
    let mut log = filled(&files);
    let before = everything(&log);
    for is_synced in [false, true] {
        if is_synced {
            log.sync_all().unwrap();
        }
        let files: Arc<dyn Files> = Arc::new(memory.after_kill());
        let mut again = Log::open(&files, "t-0").unwrap();
        again.set_config(small_segments());
        assert_eq!(everything(&again), before);
        assert_eq!((again.start_offset(), again.end_offset()), (0, 200));
        assert_eq!(again.offset_of(1015).unwrap().unwrap().offset, 4);
        assert_eq!(again.max_timestamp().unwrap().unwrap().timestamp, 1990);
        again.append(batch(1, 5, b"x")).unwrap();
        assert_eq!(bases(&again.read(200, 201, 1000).unwrap()), [200]);
    }
}

#[test]
fn a_torn_tail_is_cut_at_any_byte() {
    let (memory, files) = memory();
    let mut log = Log::open(&files, "t-0").unwrap();
    log.append(batch(1, 1, b"flushed")).unwrap();
    log.sync_all().unwrap();
    let flushed = log.size_bytes();
    log.append(batch(1, 2, b"first")).unwrap();
    let first = log.size_bytes();
    log.append(batch(1, 3, b"second")).unwrap();
    for kept in 0..log.size_bytes() - flushed {
        let files: Arc<dyn Files> =
            Arc::new(memory.after_power_loss(|unsynced| kept.min(unsynced)));
        let mut again = Log::open(&files, "t-0").unwrap();
        let end = if kept + flushed < first { 1 } else { 2 };
        assert_eq!(again.end_offset(), end, "with {kept} bytes");
        again.append(batch(1, 4, b"x")).unwrap();
        again.sync_all().unwrap();
        let reopened = Log::open(&files, "t-0").unwrap();
        assert_eq!(reopened.end_offset(), end + 1);
    }
}

#[test]
fn a_fault_in_what_was_flushed_is_an_error_and_is_not_served() {
    let (_, files) = memory();
    let mut log = filled(&files);
    log.sync_all().unwrap();
    files.open("t-0/00000000000000000040.log").unwrap().write_at(b"!", 270).unwrap();
    let log = Log::open(&files, "t-0").unwrap();
    let error = log.read(40, 200, 1000).unwrap_err().to_string();
    assert!(error.contains("t-0/00000000000000000040.log: the batch at byte 200"), "{error}");
    assert!(log.batches(40).any(|batch| batch.is_err()));
    assert_eq!(bases(&log.read(60, 200, 1000).unwrap()).len(), 10);
}

#[test]
fn a_failed_write_leaves_nothing() {
    let (memory, files) = memory();
    let mut log = Log::open(&files, "t-0").unwrap();
    log.append(batch(1, 1, b"a")).unwrap();
    memory.fail_after(0);
    assert!(log.append(batch(1, 2, b"a long one, which fails")).is_err());
    assert_eq!(log.end_offset(), 1);
    log.append(batch(1, 3, b"b")).unwrap();
    let again = Log::open(&files, "t-0").unwrap();
    assert_eq!(bases(&everything(&again)), [0, 1]);
}

#[test]
fn the_start_moves_and_stays_after_a_restart() {
    let (memory, files) = memory();
    let mut log = filled(&files);
    log.delete_before(45).unwrap();
    assert_eq!(log.start_offset(), 45);
    assert_eq!(log.segments.len(), 8);
    log.delete_before(20).unwrap();
    assert_eq!(log.start_offset(), 45);
    let files: Arc<dyn Files> = Arc::new(memory.after_kill());
    let mut again = Log::open(&files, "t-0").unwrap();
    assert_eq!((again.start_offset(), again.end_offset()), (45, 200));
    assert_eq!(again.offset_of(0).unwrap().unwrap().offset, 45);
    again.delete_before(i64::MAX).unwrap();
    assert_eq!((again.start_offset(), again.end_offset()), (200, 200));
    let again = Log::open(&files, "t-0").unwrap();
    assert_eq!((again.start_offset(), again.end_offset()), (200, 200));
    assert_eq!(again.read(200, 300, 100).unwrap(), "");
}

#[test]
fn a_start_after_records_that_were_lost_is_the_end() {
    let (memory, files) = memory();
    let mut log = filled(&files);
    log.delete_before(190).unwrap();
    files.open("t-0/state").unwrap().sync().unwrap();
    let files: Arc<dyn Files> = Arc::new(memory.after_power_loss(|_| 0));
    let log = Log::open(&files, "t-0").unwrap();
    assert_eq!((log.start_offset(), log.end_offset()), (190, 190));
}

#[test]
fn a_gap_of_lost_records_ends_the_log() {
    let (memory, files) = memory();
    let log = filled(&files);
    let mut file = 0;
    let lost = memory.after_power_loss(|unsynced| {
        file += 1;
        if file == 3 { 500 } else { unsynced }
    });
    let files: Arc<dyn Files> = Arc::new(lost);
    let again = Log::open(&files, "t-0").unwrap();
    assert_eq!(again.end_offset(), 50);
    assert_eq!(everything(&again), everything(&log).slice(..2500));
}

#[test]
fn a_segment_ends_by_time_and_is_deleted_by_time_and_size() {
    let (_, files) = memory();
    let mut log = Log::open(&files, "t-0").unwrap();
    let config = LogConfig { segment_ms: 100, retention_ms: Some(1000), ..LogConfig::default() };
    log.set_config(config);
    for timestamp in [0, 50, 101, 150, 202, 203] {
        log.append(batch(1, timestamp, b"x")).unwrap();
    }
    assert_eq!(log.segments.iter().map(|segment| segment.base).collect::<Vec<_>>(), [0, 2, 4]);
    log.expire(1050).unwrap();
    assert_eq!(log.start_offset(), 0);
    log.expire(1051).unwrap();
    assert_eq!(log.start_offset(), 2);
    log.set_config(LogConfig { retention_bytes: Some(124), ..config });
    log.expire(1051).unwrap();
    assert_eq!(log.start_offset(), 4);
    log.expire(5000).unwrap();
    assert_eq!((log.start_offset(), log.end_offset(), log.size_bytes()), (6, 6, 0));
    let again = Log::open(&files, "t-0").unwrap();
    assert_eq!((again.start_offset(), again.end_offset()), (6, 6));
}

#[test]
fn a_sync_waits_for_its_time_and_keeps_what_it_had() {
    let (memory, files) = memory();
    let mut log = Log::open(&files, "t-0").unwrap();
    let second = Duration::from_secs(1);
    log.append(batch(1, 1, b"a")).unwrap();
    assert!(log.plan_sync(second).unwrap().is_none());
    let sync = log.plan_sync(2 * second).unwrap().unwrap();
    log.append(batch(1, 1, b"b")).unwrap();
    let result = sync.run();
    log.synced(&sync, &result);
    log.append(batch(1, 1, b"c")).unwrap();
    // the file is synced as a whole, but only the first batch is known to be
    let files: Arc<dyn Files> = Arc::new(memory.after_power_loss(|_| 0));
    assert_eq!(Log::open(&files, "t-0").unwrap().end_offset(), 2);
    log.sync_all().unwrap();
    assert!(log.plan_sync(9 * second).unwrap().is_none());
}

#[test]
fn each_write_is_flushed_if_the_config_says_so() {
    let (memory, files) = memory();
    let mut log = Log::open(&files, "t-0").unwrap();
    log.set_config(LogConfig { flush_messages: 1, ..LogConfig::default() });
    log.append(batch(1, 1, b"a")).unwrap();
    let files: Arc<dyn Files> = Arc::new(memory.after_power_loss(|_| 0));
    assert_eq!(Log::open(&files, "t-0").unwrap().end_offset(), 1);
}

#[test]
fn the_last_snapshot_that_fits_is_found() {
    let (_, files) = memory();
    let mut log = Log::open(&files, "t-0").unwrap();
    assert_eq!(log.snapshot().unwrap(), None);
    for number in 0..4 {
        log.append(batch(1, 1, b"a")).unwrap();
        log.write_snapshot(&[number]).unwrap();
    }
    assert_eq!(log.snapshot().unwrap().unwrap().offset, 4);
    assert_eq!(files.list("t-0").unwrap().iter().filter(|n| n.contains("snapshot")).count(), 2);
    files.open("t-0/00000000000000000004.snapshot").unwrap().write_at(b"x", 4).unwrap();
    let snapshot = log.snapshot().unwrap().unwrap();
    assert_eq!((snapshot.offset, &snapshot.bytes[..]), (3, &[2][..]));
}

#[test]
fn records_are_found_by_their_timestamps_in_compressed_batches() {
    let (_, files) = memory();
    for codec in 0..=5 {
        let mut log = Log::open(&files, &format!("t-{codec}")).unwrap();
        log.set_config(small_segments());
        for first in (0..1000).step_by(10) {
            let times: Vec<i64> = (first..first + 10).map(|number| number * 100).collect();
            let mut fields: Vec<_> =
                times.iter().map(|time| (None, Some("value"), *time)).collect();
            fields.swap(3, 4);
            let bytes = super::records::tests::batch(&fields, codec, |_| {});
            log.append(Batch::parse(bytes.into()).unwrap()).unwrap();
        }
        let found =
            |timestamp| log.offset_of(timestamp).unwrap().map(|it| (it.timestamp, it.offset));
        assert_eq!(found(-1), Some((0, 0)));
        assert_eq!(found(5_201), Some((5_400, 53)), "codec {codec}");
        assert_eq!(found(5_300), Some((5_400, 53)));
        assert_eq!(found(99_900), Some((99_900, 999)));
        assert_eq!(found(99_901), None);
        let newest = log.max_timestamp().unwrap().unwrap();
        assert_eq!((newest.timestamp, newest.offset), (99_900, 999));
    }
}

#[test]
fn a_torn_write_of_a_killed_process_is_cut_at_any_byte() {
    let (memory, files) = memory();
    let mut log = Log::open(&files, "t-0").unwrap();
    log.append(batch(1, 1, b"first")).unwrap();
    log.append(batch(1, 2, b"second")).unwrap();
    let second = log.size_bytes();
    log.append(batch(1, 3, b"third")).unwrap();
    let path = "t-0/00000000000000000000.log";
    for size in (second..log.size_bytes()).rev() {
        files.open(path).unwrap().set_size(size).unwrap();
        let again: Arc<dyn Files> = Arc::new(memory.after_kill());
        let again = Log::open(&again, "t-0").unwrap();
        assert_eq!((again.end_offset(), again.size_bytes()), (2, second), "of {size} bytes");
    }
    // a page of the last write that never arrived
    files.open(path).unwrap().write_at(&[0; 40], second - 40).unwrap();
    let again: Arc<dyn Files> = Arc::new(memory.after_kill());
    assert_eq!(Log::open(&again, "t-0").unwrap().end_offset(), 1);
}
