//! What an instance has fetched and nobody has read, in front of its [`State`]; still without Kafka, a clock or a lock.
//!
//! Records are lent to an answer while that is written ([`Reading::lend`]), and count as read once they are in it
//! ([`Reading::settle`]). The rest goes back in front of what waits. One answer at a time has records, so
//! that those of a partition stay in order.

use std::collections::VecDeque;

use super::partitions::{Positions, TopicPartition};
use super::state::{Change, Source, State};
use super::trouble::{Denied, Mishap, Refusal};

/// A record, as far as an instance minds it.
pub(crate) trait Record {
    fn topic(&self) -> &str;
    fn partition(&self) -> i32;
    fn offset(&self) -> i64;
    /// Bytes of key and value, at least one: a record of nothing is something too.
    fn bytes(&self) -> usize;

    fn is_of(&self, partition: &TopicPartition) -> bool {
        self.partition() == partition.partition && self.topic() == partition.topic
    }
}

/// What librdkafka says when it is polled.
#[derive(Debug)]
pub(crate) enum Heard<R> {
    Record(R),
    /// The group has taken partitions away. A record that comes later is of another assignment.
    Revoked(Vec<TopicPartition>),
    Mishap(Mishap),
}

/// An instance's state, and the records that wait to be read.
#[derive(Debug)]
pub(crate) struct Reading<R> {
    pub(super) state: State,
    /// Fetched, and not lent.
    pending: VecDeque<R>,
    /// Bytes of `pending`.
    pending_bytes: usize,
}

/// Records that an answer is written of. They go back to [`Reading::settle`].
#[derive(Debug)]
pub(crate) struct Loan<R> {
    records: VecDeque<R>,
    bytes: usize,
    /// As many bytes were there as may be in the answer, or more.
    is_full: bool,
}

impl<R> Loan<R> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &R> {
        self.records.iter()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }
}

/// What a read does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is enough to answer.
    Answer,
    /// There is not, and more may come.
    Wait,
    /// Partitions without an offset are moved to the time at which the instance begins.
    BeginAtTime,
    Denied(Denied),
    Refused(Refusal),
}

impl<R: Record> Reading<R> {
    pub(crate) fn new(state: State) -> Reading<R> {
        Reading { state, pending: VecDeque::new(), pending_bytes: 0 }
    }

    /// Returns true if no record waits to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    pub(crate) fn hear(&mut self, heard: Heard<R>) {
        match heard {
            Heard::Record(record) => {
                self.state.trouble.note_record();
                self.pending_bytes += record.bytes();
                self.pending.push_back(record);
            }
            Heard::Revoked(partitions) => {
                for partition in partitions {
                    self.drop_pending_of(&partition);
                    self.state.revoke(&partition);
                }
            }
            Heard::Mishap(mishap) => self.state.trouble.note(mishap),
        }
    }

    /// What a read does next that wants `enough` bytes. A refusal is told once.
    pub(crate) fn next_step(&mut self, enough: usize) -> Step {
        if !self.pending.is_empty() {
            return if self.pending_bytes >= enough { Step::Answer } else { Step::Wait };
        }
        let trouble = &mut self.state.trouble;
        if let Some(denied) = trouble.denied {
            return Step::Denied(denied);
        }
        match trouble.refused.take() {
            Some(Refusal::NoOffset { .. }) if self.state.rules().begins_at_time => {
                Step::BeginAtTime
            }
            Some(refusal) => Step::Refused(refusal),
            None => Step::Wait,
        }
    }

    /// The first records that fit into `bytes_max`, at least one. None if none waits, or if another answer has some.
    pub(crate) fn lend(&mut self, bytes_max: usize) -> Option<Loan<R>> {
        if self.state.is_lent() || self.pending.is_empty() {
            return None;
        }
        let is_full = self.pending_bytes >= bytes_max;
        let mut bytes = 0;
        let fits = |record: &&R| {
            let fits = bytes == 0 || bytes + record.bytes() <= bytes_max;
            bytes += if fits { record.bytes() } else { 0 };
            fits
        };
        let count = self.pending.iter().take_while(fits).count();
        let rest = self.pending.split_off(count);
        let records = std::mem::replace(&mut self.pending, rest);
        self.pending_bytes -= bytes;
        self.state.lend(ends(records.iter()));
        Some(Loan { records, bytes, is_full })
    }

    /// The first `count` records of a loan are in an answer, and the others go back. Returns the offsets after those
    /// that count as read now, and the records that are answered, which the caller drops.
    pub(crate) fn settle(&mut self, loan: Loan<R>, count: usize) -> (Positions, VecDeque<R>) {
        let mut answered = loan.records;
        let unread = answered.split_off(count.min(answered.len()));
        for record in unread.into_iter().rev() {
            if self.state.has_lent(record.topic(), record.partition()) {
                self.pending_bytes += record.bytes();
                self.pending.push_front(record);
            }
        }
        (self.state.settle(ends(answered.iter())), answered)
    }

    pub(crate) fn apply(&mut self, change: Change) {
        match &change {
            // what was fetched and not read is fetched again
            Change::Reads(Source::Assignment(_)) | Change::ReadsNothing | Change::HasNoClient => {
                self.pending.clear();
                self.pending_bytes = 0;
            }
            Change::Moved(to) => to.iter().for_each(|(p, _)| self.drop_pending_of(p)),
            Change::Returned(positions) => positions.keys().for_each(|p| self.drop_pending_of(p)),
            Change::Nothing | Change::Reads(_) | Change::Committed(_) => {}
        }
        self.state.apply(change);
    }

    /// Where each partition goes on that was fetched from: after all that was fetched and is still there.
    pub(crate) fn fetched_to(&self) -> Positions {
        let mut points = self.state.resume_points();
        points.extend(ends(self.pending.iter()));
        points
    }

    fn drop_pending_of(&mut self, partition: &TopicPartition) {
        self.pending.retain(|record| !record.is_of(partition));
        self.pending_bytes = self.pending.iter().map(Record::bytes).sum();
    }
}

/// The offset after the last record of each partition.
fn ends<'r, R: Record + 'r>(records: impl Iterator<Item = &'r R>) -> Positions {
    let mut ends = Positions::default();
    let mut note = |record: &R| {
        let partition = TopicPartition::from((record.topic().to_string(), record.partition()));
        ends.insert(partition, record.offset() + 1);
    };
    let mut last: Option<&R> = None;
    // of a run of one partition only the last matters
    for record in records {
        if let Some(before) = last.replace(record)
            && (before.partition() != record.partition() || before.topic() != record.topic())
        {
            note(before);
        }
    }
    last.into_iter().for_each(note);
    ends
}
