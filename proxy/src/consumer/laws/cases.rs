//! What comes between the records of an answer and its being written.

use std::collections::BTreeMap;

use super::model::{Model, Step, place, places};
use crate::consumer::partitions::Position;
use crate::consumer::state::{Command, Effect, Rules};

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
