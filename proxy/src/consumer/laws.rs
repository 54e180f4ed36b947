//! Laws of the state machine and of the records in front of it, for any order of commands, records and answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::partitions::{Commit, Position, Positions, TopicPartition};
use super::reading::{Heard, Loan, Reading, Record};
use super::state::{Change, Command, Decision, Effect, Rules, Source, State};
use super::trouble::{Denied, Fault, Refusal};

/// A record of one of three partitions of a topic, which is as long as its offset says.
#[derive(Clone, Debug, PartialEq)]
struct Fake {
    partition: i32,
    offset: i64,
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

fn place(partition: i32) -> TopicPartition {
    TopicPartition { topic: "flights".to_string(), partition }
}

fn places(partitions: &[i32]) -> Vec<TopicPartition> {
    partitions.iter().map(|partition| place(*partition)).collect()
}

/// What may happen to an instance.
#[derive(Clone, Debug)]
enum Step {
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
    Fault(Fault),
    Lend(usize),
    /// An answer is written and has so many of its records, or is dropped.
    Settle(usize),
}

fn partitions() -> impl Strategy<Value = Vec<i32>> {
    prop::sample::subsequence(vec![0, 1, 2], 0..=3)
}

fn fault() -> impl Strategy<Value = Fault> {
    let reason = "a reason".to_string();
    prop::sample::select(vec![
        Fault::Passes,
        Fault::Unreachable,
        Fault::Denied(Denied::Group),
        Fault::Denied(Denied::Topics),
        Fault::Refused(Refusal::NoOffset { reason: reason.clone() }),
        Fault::Refused(Refusal::Fatal { reason }),
    ])
}

fn step() -> impl Strategy<Value = Step> {
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
        1 => fault().prop_map(Step::Fault),
        5 => (1..20usize).prop_map(Step::Lend),
        5 => (0..8usize).prop_map(Step::Settle),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..80)
}

fn rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>())
        .prop_map(|(auto_commit, begins_at_time)| Rules { auto_commit, begins_at_time })
}

/// An instance with a Kafka that does at once what it is told.
struct Model {
    reading: Reading<Fake>,
    loan: Option<Loan<Fake>>,
    /// The offset of the next record of each partition that the client fetches.
    next: BTreeMap<i32, i64>,
    /// Records that are in answers, in the order of the answers.
    answered: Vec<Fake>,
    /// What the last step committed.
    commits: BTreeMap<TopicPartition, Commit>,
}

impl Model {
    fn new(rules: Rules) -> Model {
        Model {
            reading: Reading::new(State::new(rules)),
            loan: None,
            next: BTreeMap::new(),
            answered: Vec::new(),
            commits: BTreeMap::new(),
        }
    }

    fn state(&self) -> &State {
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

    fn step(&mut self, step: Step) {
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
            Step::Fault(fault) => self.reading.hear(Heard::Fault(fault)),
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

    fn after_answers(&self) -> Positions {
        let end = |record: &Fake| (place(record.partition), record.offset + 1);
        self.answered.iter().map(end).collect()
    }
}

/// Returns true for what a client does to go back, or Kafka to take partitions away.
fn moves(step: &Step) -> bool {
    !matches!(
        step,
        Step::Commit | Step::Fetch(_) | Step::Fault(_) | Step::Lend(_) | Step::Settle(_)
    )
}

proptest! {
    #[test]
    fn no_record_is_read_before_it_is_in_an_answer(rules in rules(), steps in steps()) {
        let mut model = Model::new(rules);
        for step in steps {
            let before = model.state().positions.clone();
            let settles = matches!(step, Step::Settle(_));
            let moves = moves(&step);
            model.step(step);
            // positions change by an answer, or where the client says so
            prop_assert!(settles || moves || model.state().positions == before);
            if settles {
                for (place, offset) in model.state().positions.iter() {
                    let answered = model.after_answers().get(place) == Some(offset);
                    prop_assert!(answered || before.get(place) == Some(offset));
                }
            }
        }
    }

    #[test]
    fn each_record_of_an_assignment_is_answered_once_and_in_order(
        rules in rules(),
        steps in prop::collection::vec(step().prop_filter("no rebalance", |step| !matches!(
            step, Step::Subscribe | Step::SubscribePattern | Step::Unsubscribe | Step::Revoke(_) | Step::Seek(..)
        )), 1..80),
    ) {
        let mut model = Model::new(rules);
        let all = || Step::Assign(vec![0, 1, 2]);
        model.step(all());
        for step in steps {
            // other partitions come and go: those that are left begin again when they come back
            model.step(if matches!(step, Step::Assign(_)) { all() } else { step });
        }
        // what is left is read
        model.step(Step::Settle(0));
        model.step(Step::Lend(usize::MAX));
        model.step(Step::Settle(usize::MAX));
        let mut next = BTreeMap::new();
        for record in &model.answered {
            let expected = next.entry(record.partition).or_insert(0);
            prop_assert_eq!(record.offset, *expected, "{:?}", &model.answered);
            *expected += 1;
        }
    }

    #[test]
    fn a_commit_of_what_was_read_never_goes_back_by_itself(rules in rules(), steps in steps()) {
        let mut model = Model::new(rules);
        let mut last: BTreeMap<TopicPartition, i64> = BTreeMap::new();
        for step in steps {
            if moves(&step) {
                last.clear();
            }
            model.step(step);
            for (place, commit) in std::mem::take(&mut model.commits) {
                let before = last.insert(place, commit.offset);
                prop_assert!(before.is_none_or(|before| before <= commit.offset));
            }
        }
    }

    #[test]
    fn what_was_committed_is_not_left_to_commit(steps in steps()) {
        let mut model = Model::new(Rules::default());
        for step in steps {
            model.step(step);
            model.step(Step::Commit);
            let positions = model.state().positions.clone();
            for (place, offset) in positions.iter() {
                prop_assert_eq!(model.state().committed.get(place), Some(offset));
            }
            let uncommitted = model.state().uncommitted();
            prop_assert!(uncommitted.keys().all(|place| !positions.contains_key(place)));
        }
    }

    #[test]
    fn pending_bytes_are_those_of_pending_records(rules in rules(), steps in steps()) {
        let mut model = Model::new(rules);
        for step in steps {
            model.step(step);
        }
        model.step(Step::Settle(0));
        let pending = model.reading.pending_bytes();
        let loan = model.reading.lend(usize::MAX);
        prop_assert_eq!(loan.as_ref().map_or(0, Loan::bytes), pending);
        let bytes: usize = loan.iter().flat_map(Loan::iter).map(Record::bytes).sum();
        prop_assert_eq!(bytes, pending);
    }

    #[test]
    fn one_answer_at_a_time_has_records(rules in rules(), steps in steps()) {
        let mut model = Model::new(rules);
        for step in steps {
            model.step(step);
            prop_assert_eq!(model.state().is_lent(), model.loan.is_some());
            if model.loan.is_some() {
                prop_assert!(model.reading.lend(usize::MAX).is_none());
            }
        }
    }

    #[test]
    fn a_source_excludes_the_others(rules in rules(), steps in steps()) {
        let mut model = Model::new(rules);
        for step in steps {
            model.step(step);
            let allows = |command: Command| model.state().decide(command).is_ok();
            let topics: Arc<[String]> = ["flights".to_string()].into();
            let found = (
                allows(Command::Subscribe { topics: topics.to_vec() }),
                allows(Command::SubscribePattern { pattern: "f.*".into(), topics }),
                allows(Command::Assign { partitions: places(&[0]) }),
            );
            let expected = match model.state().source() {
                Source::None => (true, true, true),
                Source::Subscription(_) => (true, false, false),
                Source::Pattern { .. } => (false, true, false),
                Source::Assignment(_) => (false, false, true),
            };
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_state_survives_serialisation(rules in rules(), steps in steps()) {
        let mut model = Model::new(rules);
        for step in steps {
            model.step(step);
            let written = serde_json::to_string(model.state()).unwrap();
            let read: State = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(&read, model.state(), "{}", written);
        }
    }

    #[test]
    fn a_position_outside_the_assignment_is_refused_and_moves_nothing(partition in 3..9, offset in 0..9i64) {
        let mut model = Model::new(Rules::default());
        model.step(Step::Assign(vec![0, 1, 2]));
        let before = model.state().clone();
        let to = vec![(place(0), Position::End), (place(partition), Position::Offset(offset))];
        let refused = model.state().decide(Command::Seek { to, assigned: places(&[0, 1, 2]) });
        prop_assert_eq!(refused.unwrap_err().code(), 40903);
        prop_assert_eq!(&before, model.state());
    }
}

/// An assigned instance that has fetched `count` records of partition 0.
fn fetched(count: usize) -> Model {
    let mut model = Model::new(Rules::default());
    model.step(Step::Assign(vec![0, 1]));
    (0..count).for_each(|_| model.step(Step::Fetch(0)));
    model
}

fn offsets(model: &Model) -> Vec<i64> {
    model.answered.iter().map(|record| record.offset).collect()
}

#[test]
fn records_that_are_not_in_the_answer_come_with_the_next() {
    let mut model = fetched(5);
    model.step(Step::Lend(usize::MAX));
    model.step(Step::Settle(2));
    assert_eq!(model.state().positions.get(&place(0)), Some(&2));
    model.step(Step::Lend(usize::MAX));
    model.step(Step::Settle(9));
    assert_eq!(offsets(&model), [0, 1, 2, 3, 4]);
}

#[test]
fn a_seek_while_an_answer_is_written_wins() {
    let mut model = fetched(5);
    model.step(Step::Lend(usize::MAX));
    model.step(Step::Seek(0, 1));
    model.step(Step::Settle(3));
    assert_eq!(model.state().positions.get(&place(0)), Some(&1));
    // nor do the two that were not answered come back
    assert!(model.reading.is_empty());
}

#[test]
fn an_assignment_while_an_answer_is_written_goes_on_behind_it() {
    let mut model = fetched(3);
    model.step(Step::Lend(usize::MAX));
    model.step(Step::Assign(vec![0]));
    model.step(Step::Settle(1));
    model.step(Step::Fetch(0));
    model.step(Step::Lend(usize::MAX));
    model.step(Step::Settle(9));
    assert_eq!(offsets(&model), [0, 1, 2, 3]);
}

#[test]
fn a_partition_that_is_taken_away_while_an_answer_is_written_is_not_committed() {
    let mut model = fetched(3);
    model.step(Step::Lend(usize::MAX));
    model.step(Step::Revoke(0));
    model.step(Step::Settle(3));
    model.step(Step::Commit);
    assert_eq!(model.commits, BTreeMap::new());
}

#[test]
fn a_record_that_is_larger_than_the_answer_may_be_comes_alone() {
    let mut model = fetched(5);
    let loan = model.reading.lend(1).unwrap();
    assert_eq!((loan.iter().count(), loan.is_full()), (1, true));
    let (read, _) = model.reading.settle(loan, 1);
    assert_eq!(read.get(&place(0)), Some(&1));
    // of 2 and 3 bytes
    let loan = model.reading.lend(5).unwrap();
    assert_eq!((loan.iter().count(), loan.bytes()), (2, 5));
}

#[test]
fn who_comes_back_does_not_go_behind_what_others_have_committed() {
    let mut model = Model::new(Rules::default());
    model.step(Step::Subscribe);
    model.step(Step::Return(vec![0, 1], 0));
    for partition in [0, 0, 1, 1] {
        model.step(Step::Fetch(partition));
    }
    model.step(Step::Lend(usize::MAX));
    model.step(Step::Settle(4));
    model.step(Step::GiveUpClient);
    assert_eq!(model.state().returning(&places(&[1, 2])), places(&[1]));
    let committed = [(place(0), 7), (place(1), 1)].into_iter().collect();
    let back = Command::Return { assigned: places(&[0, 1]), committed };
    let decision = model.state().decide(back).unwrap();
    assert_eq!(decision.effects, [Effect::Seek(vec![(place(1), Position::Offset(2))])]);
}
