//! A log of random writes, deletions, compactions and crashes equals its model.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::records::tests::batch;
use super::{Batch, Cleanup, Log, LogConfig, Records};
use crate::files::{Files, MemoryFiles};

/// What is done to a log.
#[derive(Clone, Debug)]
enum Step {
    Append {
        keys: Vec<(u8, bool)>,
        codec: i16,
    },
    FailToAppend,
    Flush,
    Kill,
    /// So much in 255 is left of what each file had unflushed.
    LosePower(u8),
    /// So many in 255 of all offsets are deleted.
    Delete(u8),
    Expire,
    Compact {
        is_stopped: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = (prop::collection::vec((0..6_u8, any::<bool>()), 1..4), 0..=5_i16)
        .prop_map(|(keys, codec)| Step::Append { keys, codec });
    let step = prop_oneof![
        12 => append,
        1 => Just(Step::FailToAppend),
        2 => Just(Step::Flush),
        1 => Just(Step::Kill),
        2 => any::<u8>().prop_map(Step::LosePower),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => Just(Step::Expire),
        2 => any::<bool>().prop_map(|is_stopped| Step::Compact { is_stopped }),
    ];
    prop::collection::vec(step, 1..60)
}

/// A key and its value.
type Content = (u8, Option<String>);

/// A log, and everything that was ever written to it.
struct World {
    memory: Arc<MemoryFiles>,
    files: Arc<dyn Files>,
    log: Log,
    config: LogConfig,
    written: BTreeMap<i64, Content>,
    /// The start is never before.
    flushed_end: i64,
    time: i64,
    was_compacted: bool,
}

impl World {
    fn new(is_compacted: bool) -> World {
        let memory = Arc::new(MemoryFiles::default());
        let files: Arc<dyn Files> = memory.clone();
        let config = LogConfig {
            cleanup: Cleanup { delete: true, compact: is_compacted },
            segment_bytes: 500,
            index_interval_bytes: 150,
            retention_bytes: Some(3000),
            retention_ms: None,
            min_cleanable_dirty_ratio: 0.1,
            ..LogConfig::default()
        };
        let mut log = Log::open(&files, "t-0").unwrap();
        log.set_config(config);
        World {
            memory,
            files,
            log,
            config,
            written: BTreeMap::new(),
            flushed_end: 0,
            time: 1000,
            was_compacted: false,
        }
    }

    fn take(&mut self, step: &Step) {
        self.time += 1;
        match step {
            Step::Append { keys, codec } => self.append(keys, *codec),
            Step::FailToAppend => {
                self.memory.fail_after(0);
                let bytes = batch(&[(Some("k"), Some("lost"), self.time)], 0, |_| {});
                self.log.append(Batch::parse(bytes.into()).unwrap()).unwrap_err();
            }
            Step::Flush => {
                self.log.sync_all().unwrap();
                self.flushed_end = self.log.end_offset();
            }
            Step::Kill => {
                let end = self.log.end_offset();
                self.reopen(self.memory.after_kill());
                assert_eq!(self.log.end_offset(), end);
            }
            Step::LosePower(kept) => {
                let kept = u64::from(*kept);
                self.reopen(self.memory.after_power_loss(|unsynced| unsynced * kept / 255));
                assert!(self.log.end_offset() >= self.flushed_end);
                self.written.split_off(&self.log.end_offset());
            }
            Step::Delete(part) => {
                let (start, end) = (self.log.start_offset(), self.log.end_offset());
                let to = start + (end - start) * i64::from(*part) / 255;
                self.log.delete_before(to).unwrap();
                assert_eq!(self.log.start_offset(), to);
            }
            Step::Expire => {
                self.log.expire(self.time).unwrap();
                assert!(self.log.size_bytes() < 3000 + 500);
            }
            Step::Compact { is_stopped } => self.compact(*is_stopped),
        }
    }

    fn append(&mut self, keys: &[(u8, bool)], codec: i16) {
        let value = format!("{}", self.time).repeat(5);
        let names: Vec<String> = keys.iter().map(|(key, _)| key.to_string()).collect();
        let fields: Vec<_> = names
            .iter()
            .zip(keys)
            .map(|(name, (_, is_value))| (Some(&**name), is_value.then_some(&*value), self.time))
            .collect();
        let offset = self.log.end_offset();
        let batch = Batch::parse(batch(&fields, codec, |_| {}).into()).unwrap();
        self.log.append(batch).unwrap();
        for (offset, (key, is_value)) in (offset..).zip(keys) {
            self.written.insert(offset, (*key, is_value.then(|| value.clone())));
        }
    }

    fn compact(&mut self, is_stopped: bool) {
        let Some(compaction) = self.log.plan_compaction(i64::MAX, self.time).unwrap() else {
            return;
        };
        if is_stopped {
            self.log.stop_compaction();
        }
        self.log.compacted(compaction.run()).unwrap();
        self.was_compacted = true;
    }

    fn reopen(&mut self, files: MemoryFiles) {
        self.memory = Arc::new(files);
        self.files = self.memory.clone();
        self.log = Log::open(&self.files, "t-0").unwrap();
        self.log.set_config(self.config);
    }

    fn check(&self) {
        let start = self.log.start_offset();
        let expected: BTreeMap<i64, &Content> =
            self.written.range(start..).map(|(offset, content)| (*offset, content)).collect();
        let found = self.found();
        if !self.was_compacted {
            assert!(found.iter().map(|(offset, content)| (*offset, content)).eq(expected));
            return;
        }
        for (offset, content) in &found {
            assert_eq!(Some(&content), expected.get(offset).as_ref().map(|it| *it), "{offset}");
        }
        let last: BTreeMap<u8, i64> =
            expected.iter().map(|(offset, (key, _))| (*key, *offset)).collect();
        for (key, offset) in last {
            assert!(found.contains_key(&offset), "the last record of {key} at {offset} is lost");
        }
    }

    /// What a consumer reads from the start to the end, in small pieces.
    fn found(&self) -> BTreeMap<i64, Content> {
        let (start, end) = (self.log.start_offset(), self.log.end_offset());
        let mut found = BTreeMap::new();
        let mut from = start;
        while from < end {
            let bytes = self.log.read(from, end, 100).unwrap();
            let mut rest = &bytes[..];
            if rest.is_empty() {
                break; // only what was compacted is left
            }
            while !rest.is_empty() {
                let header = super::BatchHeader::parse(rest).unwrap();
                let (batch, after) = rest.split_at(header.bytes);
                let records = Records::of(&header, batch).unwrap();
                for record in records.iter().map(Result::unwrap) {
                    let key = std::str::from_utf8(record.key.unwrap()).unwrap().parse().unwrap();
                    let value = record.value.map(|it| String::from_utf8(it.to_vec()).unwrap());
                    if record.offset >= start {
                        found.insert(record.offset, (key, value));
                    }
                }
                assert!(header.next_offset() > from);
                from = header.next_offset();
                rest = after;
            }
        }
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_log_equals_its_model(is_compacted in any::<bool>(), steps in steps()) {
        let mut world = World::new(is_compacted);
        for step in &steps {
            world.take(step);
            world.check();
        }
    }
}
