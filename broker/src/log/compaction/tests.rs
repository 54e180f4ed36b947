use std::sync::Arc;

use super::*;
use crate::files::{Files, MemoryFiles};
use crate::log::records::tests::{Fields, batch};
use crate::log::{Batch, BatchHeader, Cleanup, LogConfig, Records};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn compacted_config() -> LogConfig {
    LogConfig {
        cleanup: Cleanup { delete: false, compact: true },
        segment_bytes: 400,
        index_interval_bytes: 200,
        min_cleanable_dirty_ratio: 0.0,
        ..LogConfig::default()
    }
}

fn memory() -> (Arc<MemoryFiles>, Arc<dyn Files>) {
    let files = Arc::new(MemoryFiles::default());
    (files.clone(), files)
}

fn empty(files: &Arc<dyn Files>) -> Log {
    let mut log = Log::open(files, "t-0").unwrap();
    log.set_config(compacted_config());
    log
}

fn append(log: &mut Log, fields: &[Fields<'_>]) {
    append_with(log, fields, |_| {});
}

fn append_with(log: &mut Log, fields: &[Fields<'_>], with: impl Fn(&mut BatchHeader)) {
    log.append(Batch::parse(batch(fields, 0, with).into()).unwrap()).unwrap();
}

/// Begins a segment, so that everything before can be compacted.
fn roll(log: &mut Log) {
    log.roll().unwrap();
}

fn compact(log: &mut Log, wall_ms: i64) -> bool {
    let Some(compaction) = log.plan_compaction(i64::MAX, wall_ms).unwrap() else { return false };
    log.compacted(compaction.run()).unwrap();
    true
}

/// Offset, key, value and timestamp of each record.
fn contents(log: &Log) -> Vec<(i64, String, Option<String>, i64)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut contents = Vec::new();
    for batch in log.batches(0).map(Result::unwrap).filter(|batch| !batch.header().is_control()) {
        let records = Records::of(batch.header(), batch.bytes()).unwrap();
        for record in records.iter().map(Result::unwrap) {
            let key = record.key.map(text).unwrap_or_default();
            contents.push((record.offset, key, record.value.map(text), record.timestamp));
        }
    }
    contents
}

fn offsets(log: &Log) -> Vec<i64> {
    contents(log).into_iter().map(|(offset, ..)| offset).collect()
}

#[test]
fn the_last_record_of_each_key_keeps_its_offset() {
    let (_, files) = memory();
    let mut log = empty(&files);
    append(&mut log, &[(Some("a"), Some("1"), 1), (Some("b"), Some("1"), 2)]);
    append(&mut log, &[(Some("a"), Some("2"), 3), (None, Some("no key"), 4)]);
    append(&mut log, &[(Some("c"), Some("1"), 5)]);
    roll(&mut log);
    append(&mut log, &[(Some("b"), Some("in the last segment"), 6)]);
    assert!(compact(&mut log, 10));
    let kept =
        [(1, "b", "1", 2), (2, "a", "2", 3), (4, "c", "1", 5), (5, "b", "in the last segment", 6)];
    let kept =
        kept.map(|(offset, key, value, time)| (offset, key.into(), Some(value.into()), time));
    assert_eq!(contents(&log), kept);
    assert!(!compact(&mut log, 10), "nothing is dirty");
    let again = Log::open(&files, "t-0").unwrap();
    assert_eq!(contents(&again), kept);
    assert_eq!((again.start_offset(), again.end_offset()), (0, 6));
}

#[test]
fn a_reader_passes_the_gaps() {
    let (_, files) = memory();
    let mut log = empty(&files);
    for number in 0..200 {
        append(&mut log, &[(Some(if number == 5 { "x" } else { "k" }), Some("value"), number)]);
    }
    let segments = log.segments.len();
    assert!(compact(&mut log, 1000));
    assert!(log.segments.len() < segments / 4);
    let end = log.end_offset();
    for from in 0..end {
        let bytes = log.read(from, end, 1).unwrap();
        assert!(BatchHeader::parse(&bytes).unwrap().base_offset >= from);
    }
    assert_eq!(offsets(&log)[0], 5);
    assert_eq!(log.offset_of(6).unwrap().unwrap().offset, offsets(&log)[1]);
}

#[test]
fn a_tombstone_is_kept_for_its_time() {
    let (_, files) = memory();
    let mut log = empty(&files);
    append(&mut log, &[(Some("a"), Some("1"), 100), (Some("b"), Some("1"), 101)]);
    append(&mut log, &[(Some("a"), None, 200), (Some("c"), Some("1"), 150)]);
    roll(&mut log);
    assert!(compact(&mut log, 1000));
    let kept = contents(&log);
    assert_eq!(offsets(&log), [1, 2, 3]);
    assert_eq!(kept[1], (2, "a".into(), None, 200));
    for (wall_ms, kept) in [(1000 + DAY_MS - 1, true), (1000 + DAY_MS, false)] {
        append(&mut log, &[(Some("d"), Some("1"), 300)]);
        roll(&mut log);
        assert!(compact(&mut log, wall_ms));
        assert_eq!(offsets(&log).contains(&2), kept, "at {wall_ms}");
        assert_eq!(contents(&log)[0].1, "b");
    }
    assert!(contents(&log).contains(&(3, "c".into(), Some("1".into()), 150)));
}

/// A marker as Kafka writes it.
fn marker(log: &mut Log, producer: i64, is_commit: bool) {
    let key = if is_commit { "\0\0\0\x01" } else { "\0\0\0\0" };
    append_with(log, &[(Some(key), Some("\0\0\0\0\0\0"), 1)], |header| {
        header.attributes = 0x30;
        header.producer_id = producer;
    });
}

fn in_transaction(log: &mut Log, producer: i64, fields: &[Fields<'_>]) {
    append_with(log, fields, |header| {
        header.attributes = 0x10;
        header.producer_id = producer;
        header.base_sequence = 0;
    });
}

#[test]
fn aborted_records_go_and_do_not_count() {
    let (_, files) = memory();
    let mut log = empty(&files);
    append(&mut log, &[(Some("a"), Some("1"), 1)]);
    in_transaction(&mut log, 7, &[(Some("a"), Some("aborted"), 1)]);
    in_transaction(&mut log, 8, &[(Some("b"), Some("committed"), 1)]);
    marker(&mut log, 7, false);
    marker(&mut log, 8, true);
    in_transaction(&mut log, 7, &[(Some("c"), Some("committed"), 1)]);
    marker(&mut log, 7, true);
    roll(&mut log);
    assert!(compact(&mut log, 10));
    assert_eq!(offsets(&log), [0, 2, 5]);
    let controls =
        |log: &Log| log.headers(0).map(Result::unwrap).filter(BatchHeader::is_control).count();
    assert_eq!(controls(&log), 3);
    // the aborted one has nothing left: its marker goes after a while, first it is told when
    for (wall_ms, left) in [(20, 3), (30 + DAY_MS, 2)] {
        append(&mut log, &[(Some("z"), Some("1"), 1)]);
        roll(&mut log);
        assert!(compact(&mut log, wall_ms));
        assert_eq!(controls(&log), left, "at {wall_ms}");
    }
    assert_eq!(offsets(&log)[..3], [0, 2, 5]);
}

#[test]
fn an_open_transaction_is_left_alone() {
    let (_, files) = memory();
    let mut log = empty(&files);
    append(&mut log, &[(Some("a"), Some("1"), 1)]);
    roll(&mut log);
    append(&mut log, &[(Some("a"), Some("2"), 1)]);
    in_transaction(&mut log, 7, &[(Some("a"), Some("open"), 1)]);
    roll(&mut log);
    let compaction = log.plan_compaction(2, 10).unwrap().unwrap();
    log.compacted(compaction.run()).unwrap();
    assert_eq!(offsets(&log), [0, 1, 2]);
}

#[test]
fn the_last_sequence_of_a_producer_is_kept() {
    let (_, files) = memory();
    let mut log = empty(&files);
    let with = |sequence: i32| {
        move |header: &mut BatchHeader| {
            header.producer_id = 7;
            header.base_sequence = sequence;
        }
    };
    append_with(&mut log, &[(Some("a"), Some("1"), 1)], with(0));
    append_with(&mut log, &[(Some("a"), Some("2"), 1)], with(1));
    append(&mut log, &[(Some("a"), Some("3"), 1)]);
    roll(&mut log);
    assert!(compact(&mut log, 10));
    assert_eq!(offsets(&log), [2]);
    let headers: Vec<BatchHeader> = log.headers(0).map(Result::unwrap).collect();
    assert_eq!((headers[0].base_offset, headers[0].base_sequence, headers[0].count), (1, 1, 0));
    assert_eq!(headers.len(), 2);
    append(&mut log, &[(Some("b"), Some("1"), 1)]);
    roll(&mut log);
    assert!(compact(&mut log, 10 + DAY_MS));
    assert_eq!(log.headers(0).count(), 2, "the producer has expired");
}

#[test]
fn what_is_worth_it_follows_the_config() {
    let (_, files) = memory();
    let mut log = empty(&files);
    log.set_config(LogConfig { min_cleanable_dirty_ratio: 0.5, ..compacted_config() });
    append(&mut log, &[(Some("a"), Some("1"), 1000), (Some("b"), Some("1"), 1000)]);
    roll(&mut log);
    log.set_config(LogConfig { min_compaction_lag_ms: 500, ..compacted_config() });
    assert!(!compact(&mut log, 1499), "too young");
    assert!(compact(&mut log, 1500));
    append(&mut log, &[(Some("a"), Some("2"), 2000)]);
    roll(&mut log);
    let lazy = LogConfig { min_cleanable_dirty_ratio: 0.5, ..compacted_config() };
    log.set_config(lazy);
    assert!(!compact(&mut log, 3000), "less than half is dirty");
    log.set_config(LogConfig { max_compaction_lag_ms: 999, ..lazy });
    assert!(compact(&mut log, 3000), "too old");
    assert_eq!(offsets(&log), [1, 2]);
}

#[test]
fn a_compaction_holds_as_a_whole_or_not_at_all() {
    let (memory, files) = memory();
    let mut log = empty(&files);
    for number in 0..60 {
        append(&mut log, &[(Some(["a", "b", "c"][number % 3]), Some(&"v".repeat(number)), 1)]);
    }
    log.sync_all().unwrap();
    let before = contents(&log);
    let end = log.end_offset();
    let compaction = log.plan_compaction(i64::MAX, 10).unwrap().unwrap();
    let done = compaction.run().unwrap();
    let opened = |files: MemoryFiles| {
        let files: Arc<dyn Files> = Arc::new(files);
        let log = Log::open(&files, "t-0").unwrap();
        assert_eq!(log.end_offset(), end);
        contents(&log)
    };
    assert_eq!(opened(memory.after_power_loss(|_| 0)), before);
    done.swap.begin(&*files, "t-0").unwrap();
    let after = opened(memory.after_power_loss(|_| 0));
    assert!(after.len() < before.len());
    // what a kill in the middle of the swap leaves
    let Swap { replacements } = &done.swap;
    let first = &replacements[0];
    for replaced in &first.replaces[1..] {
        files.remove(&format!("t-0/{replaced:020}.log")).unwrap();
        assert_eq!(opened(memory.after_power_loss(|_| 0)), after);
    }
    let base = first.base;
    files.remove(&format!("t-0/{base:020}.index")).unwrap();
    assert_eq!(opened(memory.after_power_loss(|_| 0)), after);
    files.rename(&format!("t-0/{base:020}.log.cleaned"), &format!("t-0/{base:020}.log")).unwrap();
    assert_eq!(opened(memory.after_power_loss(|_| 0)), after);
}

#[test]
fn a_compaction_that_was_overtaken_changes_nothing() {
    let (_, files) = memory();
    let mut log = empty(&files);
    for number in 0..40 {
        append(&mut log, &[(Some("a"), Some("v"), number)]);
    }
    let compaction = log.plan_compaction(i64::MAX, 10).unwrap().unwrap();
    let done = compaction.run().unwrap();
    log.delete_before(20).unwrap();
    let before = contents(&log);
    log.compacted(Ok(done)).unwrap();
    assert_eq!(contents(&log), before);
    assert!(files.list("t-0").unwrap().iter().all(|name| !name.ends_with(CLEANED_SUFFIX)));
    let compaction = log.plan_compaction(i64::MAX, 10).unwrap().unwrap();
    log.stop_compaction();
    log.compacted(compaction.run()).unwrap();
    assert_eq!(contents(&log), before);
    assert!(compact(&mut log, 10));
}

#[test]
fn records_of_every_codec_are_compacted() {
    for codec in 0..=5 {
        let (_, files) = memory();
        let mut log = empty(&files);
        for value in ["1", "2"] {
            let fields = [(Some("a"), Some(value), 1), (Some(value), Some("only"), 2)];
            log.append(Batch::parse(batch(&fields, codec, |_| {}).into()).unwrap()).unwrap();
        }
        roll(&mut log);
        assert!(compact(&mut log, 10));
        assert_eq!(offsets(&log), [1, 2, 3], "codec {codec}");
        let codecs: Vec<i16> =
            log.headers(0).map(|header| header.unwrap().attributes & 7).collect();
        assert_eq!(codecs, [0, if codec == 5 { 2 } else { codec }]);
    }
}
