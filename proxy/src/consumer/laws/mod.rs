//! Laws of the state machine and of the records in front of it, for any order of commands, records and answers.

mod cases;
mod model;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use self::model::{Model, Step, place, places, rules, step, steps};
use super::partitions::{Position, TopicPartition};
use super::reading::{Loan, Record};
use super::state::{Command, Rules, Source, State};

/// Returns true for what a client does to go back, or Kafka to take partitions away.
fn moves(step: &Step) -> bool {
    !matches!(
        step,
        Step::Commit | Step::Fetch(_) | Step::Mishap(_) | Step::Lend(_) | Step::Settle(_)
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
            // offsets that the client gives may be any
            let is_given = matches!(step, Step::CommitOffset(..));
            if moves(&step) {
                last.clear();
            }
            model.step(step);
            let commits = std::mem::take(&mut model.commits);
            for (place, commit) in commits.into_iter().filter(|_| !is_given) {
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
