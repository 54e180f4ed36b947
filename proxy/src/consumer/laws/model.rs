//! An instance with a Kafka that does at once what it is told, and what may happen to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::consumer::partitions::{Commit, Position, Positions, TopicPartition};
use crate::consumer::reading::{Heard, Loan, Reading, Record};
use crate::consumer::state::{Change, Command, Decision, Effect, Rules, State};
use crate::consumer::trouble::{Denied, Mishap, Refusal};

/// A record of one of three partitions of a topic, which is as long as its offset says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fake {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl Record for Fake {
    fn topic(&self) -> &str {
        "flights"
    }

    fn partition(&self) -> i32 {
        self.partition
    }

    fn offset(&self) -> i64 {
        self.offset
    }

    fn bytes(&self) -> usize {
        (self.offset % 5 + 1) as usize
    }
}

pub(super) fn place(partition: i32) -> TopicPartition {
    TopicPartition { topic: "flights".to_string(), partition }
}

pub(super) fn places(partitions: &[i32]) -> Vec<TopicPartition> {
    partitions.iter().map(|partition| place(*partition)).collect()
}

/// What may happen to an instance.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Subscribe,
    SubscribePattern,
    Match(bool),
    Unsubscribe,
    Assign(Vec<i32>),
    Commit,
    CommitOffset(i32, i64),
    Seek(i32, i64),
    GiveUpClient,
    /// The group gives these partitions, of which somebody has committed so much.
    Return(Vec<i32>, i64),
    Fetch(i32),
    Revoke(i32),
    Mishap(Mishap),
    Lend(usize),
    /// An answer is written and has so many of its records, or is dropped.
    Settle(usize),
}

fn partitions() -> impl Strategy<Value = Vec<i32>> {
    prop::sample::subsequence(vec![0, 1, 2], 0..=3)
}

fn fault() -> impl Strategy<Value = Mishap> {
    let reason = "a reason".to_string();
    prop::sample::select(vec![
        Mishap::Passes,
        Mishap::Unreachable,
        Mishap::Denied(Denied::Group),
        Mishap::Denied(Denied::Topics),
        Mishap::Refused(Refusal::NoOffset { reason: reason.clone() }),
        Mishap::Refused(Refusal::Fatal { reason }),
    ])
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Subscribe),
        1 => Just(Step::SubscribePattern),
        1 => any::<bool>().prop_map(Step::Match),
        1 => Just(Step::Unsubscribe),
        2 => partitions().prop_map(Step::Assign),
        2 => Just(Step::Commit),
        1 => (0..3, 0..9i64).prop_map(|(p, offset)| Step::CommitOffset(p, offset)),
        1 => (0..3, 0..9i64).prop_map(|(p, offset)| Step::Seek(p, offset)),
        1 => Just(Step::GiveUpClient),
        1 => (partitions(), 0..9i64).prop_map(|(p, offset)| Step::Return(p, offset)),
        12 => (0..3).prop_map(Step::Fetch),
        1 => (0..3).prop_map(Step::Revoke),
        1 => fault().prop_map(Step::Mishap),
        5 => (1..20usize).prop_map(Step::Lend),
        5 => (0..8usize).prop_map(Step::Settle),
    ]
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..80)
}

pub(super) fn rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>())
        .prop_map(|(auto_commit, begins_at_time)| Rules { auto_commit, begins_at_time })
}

/// An instance with a Kafka that does at once what it is told.
pub(super) struct Model {
    pub(super) reading: Reading<Fake>,
    pub(super) loan: Option<Loan<Fake>>,
    /// The offset of the next record of each partition that the client fetches.
    next: BTreeMap<i32, i64>,
    /// Records that are in answers, in the order of the answers.
    pub(super) answered: Vec<Fake>,
    /// What the last step committed.
    pub(super) commits: BTreeMap<TopicPartition, Commit>,
}

impl Model {
    pub(super) fn new(rules: Rules) -> Model {
        Model {
            reading: Reading::new(State::new(rules)),
            loan: None,
            next: BTreeMap::new(),
            answered: Vec::new(),
            commits: BTreeMap::new(),
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.reading.state
    }

    fn command(&mut self, command: Command) {
        let Ok(Decision { effects, change }) = self.state().decide(command) else { return };
        for effect in effects {
            self.perform(effect);
        }
        if change == Change::HasNoClient {
            self.next.clear();
        }
        self.reading.apply(change.clone());
        if change == Change::HasNoClient {
            // the next client, at once
            self.state().attach().into_iter().for_each(|effect| self.perform(effect));
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Assign(starts) => {
                let start = |(place, start): (TopicPartition, Option<i64>)| {
                    (place.partition, start.unwrap_or(0))
                };
                self.next = starts.into_iter().map(start).collect();
            }
            Effect::Seek(to) => {
                for (place, position) in to {
                    if let Position::Offset(offset) = position {
                        self.next.insert(place.partition, offset);
                    }
                }
            }
            Effect::Commit(offsets) => self.commits = offsets,
            Effect::Unsubscribe | Effect::Unassign => self.next.clear(),
            Effect::Subscribe(_) => {}
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        self.commits.clear();
        let one: Arc<[String]> = ["flights".to_string()].into();
        match step {
            Step::Subscribe => self.command(Command::Subscribe { topics: one.to_vec() }),
            Step::SubscribePattern => {
                self.command(Command::SubscribePattern { pattern: "f.*".into(), topics: one });
            }
            Step::Match(any) => {
                let topics = if any { one } else { Arc::default() };
                self.command(Command::Match { topics });
            }
            Step::Unsubscribe => self.command(Command::Unsubscribe),
            Step::Assign(of) => self.command(Command::Assign { partitions: places(&of) }),
            Step::Commit => self.command(Command::Commit { offsets: None }),
            Step::CommitOffset(partition, offset) => {
                let offsets = [(place(partition), Commit { offset, metadata: None })].into();
                self.command(Command::Commit { offsets: Some(offsets) });
            }
            Step::Seek(partition, offset) => {
                let assigned = self.next.keys().map(|partition| place(*partition)).collect();
                let to = vec![(place(partition), Position::Offset(offset))];
                self.command(Command::Seek { to, assigned });
            }
            Step::GiveUpClient => self.command(Command::GiveUpClient),
            Step::Return(of, offset) if self.state().source().is_shared() => {
                let assigned = places(&of);
                // a rebalance: the others are taken away, new ones begin at the beginning
                let revoked = places(&[0, 1, 2]);
                let revoked = revoked.into_iter().filter(|p| !assigned.contains(p)).collect();
                self.reading.hear(Heard::Revoked(revoked));
                self.next.retain(|partition, _| of.contains(partition));
                for partition in of {
                    self.next.entry(partition).or_insert(0);
                }
                let committed = assigned.iter().map(|p| (p.clone(), offset)).collect();
                self.command(Command::Return { assigned, committed });
            }
            Step::Fetch(partition) if !self.state().is_lent() => {
                if let Some(offset) = self.next.get_mut(&partition) {
                    let record = Fake { partition, offset: *offset };
                    *offset += 1;
                    self.reading.hear(Heard::Record(record));
                }
            }
            Step::Revoke(partition) => {
                self.next.remove(&partition);
                self.reading.hear(Heard::Revoked(places(&[partition])));
            }
            Step::Mishap(fault) => self.reading.hear(Heard::Mishap(fault)),
            Step::Lend(bytes_max) if self.loan.is_none() => {
                self.loan = self.reading.lend(bytes_max);
            }
            Step::Settle(count) => {
                if let Some(loan) = self.loan.take() {
                    let (_, answered) = self.reading.settle(loan, count);
                    self.answered.extend(answered);
                }
            }
            Step::Return(..) | Step::Fetch(_) | Step::Lend(_) => {}
        }
    }

    pub(super) fn after_answers(&self) -> Positions {
        let end = |record: &Fake| (place(record.partition), record.offset + 1);
        self.answered.iter().map(end).collect()
    }
}
