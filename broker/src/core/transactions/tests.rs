use std::time::Duration;

use kafka_protocol::error::ResponseError::{self, *};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::*;

use super::state::State;
use crate::apis::{Request, Response};
use crate::core::testing::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Id {
    id: i64,
    epoch: i16,
}

fn error(code: i16) -> Option<ResponseError> {
    (code != 0).then(|| ResponseError::try_from_code(code).expect("a code of Kafka"))
}

impl World {
    fn init(&mut self, id: &str, expected: Option<Id>) -> Result<Id, ResponseError> {
        let Id { id: producer, epoch } = expected.unwrap_or(Id { id: -1, epoch: -1 });
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(transactional(id)))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(producer))
            .with_producer_epoch(epoch);
        let ticket = self.send(5, Request::InitProducerId(request));
        let Some(Response::InitProducerId(answer)) = self.answer(ticket) else { panic!() };
        let id = Id { id: answer.producer_id.0, epoch: answer.producer_epoch };
        error(answer.error_code).map_or(Ok(id), Err)
    }

    fn end(
        &mut self,
        version: i16,
        id: &str,
        from: Id,
        committed: bool,
    ) -> Result<Id, ResponseError> {
        let request = EndTxnRequest::default()
            .with_transactional_id(transactional(id))
            .with_producer_id(ProducerId(from.id))
            .with_producer_epoch(from.epoch)
            .with_committed(committed);
        let ticket = self.send(version, Request::EndTxn(request));
        let Some(Response::EndTxn(answer)) = self.answer(ticket) else { panic!() };
        let id = Id { id: answer.producer_id.0, epoch: answer.producer_epoch };
        error(answer.error_code).map_or(Ok(id), Err)
    }

    fn add(&mut self, id: &str, from: Id, partition: i32) -> Option<ResponseError> {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(name("t"))
            .with_partitions(vec![partition]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional(id))
            .with_v3_and_below_producer_id(ProducerId(from.id))
            .with_v3_and_below_producer_epoch(from.epoch)
            .with_v3_and_below_topics(vec![topic]);
        let ticket = self.send(3, Request::AddPartitionsToTxn(request));
        let Some(Response::AddPartitionsToTxn(answer)) = self.answer(ticket) else { panic!() };
        let topic = &answer.results_by_topic_v3_and_below[0];
        error(topic.results_by_partition[0].partition_error_code)
    }

    fn write(&mut self, version: i16, id: &str, from: Id, sequence: i32) -> Option<ResponseError> {
        let batch = BatchOf::transactional(1, from.id, from.epoch, sequence).bytes();
        error(self.produce_as(version, Some(id), "t", 0, batch).error_code)
    }

    fn state(&self, id: &str) -> State {
        self.core.transactions.get(id).unwrap().state
    }

    fn stable(&self) -> i64 {
        self.core.catalog.partition("t", 0).unwrap().last_stable_offset()
    }

    fn log_end(&self) -> i64 {
        self.core.catalog.partition("t", 0).unwrap().log.end_offset()
    }
}

#[test]
fn a_producer_without_a_name_gets_an_id_which_nobody_has_had() {
    let mut world = World::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        for _ in 0..2 {
            let request = InitProducerIdRequest::default()
                .with_transactional_id(None)
                .with_producer_id(ProducerId(-1))
                .with_producer_epoch(-1);
            let ticket = world.send(4, Request::InitProducerId(request));
            let Some(Response::InitProducerId(answer)) = world.answer(ticket) else { panic!() };
            assert_eq!((answer.error_code, answer.producer_epoch), (0, 0));
            ids.push(answer.producer_id.0);
        }
        world.restart();
    }
    let mut unique = ids.clone();
    unique.dedup();
    assert_eq!(ids, unique);
}

#[test]
fn a_name_is_checked_and_so_is_the_time_out() {
    let mut world = World::new();
    assert_eq!(world.init("", None), Err(InvalidRequest));
    for timeout in [0, -5, 900_001] {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(transactional("a")))
            .with_transaction_timeout_ms(timeout)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let ticket = world.send(4, Request::InitProducerId(request));
        let Some(Response::InitProducerId(answer)) = world.answer(ticket) else { panic!() };
        assert_eq!(error(answer.error_code), Some(InvalidTransactionTimeout));
    }
}

#[test]
fn each_new_producer_of_a_name_has_the_next_epoch() {
    let mut world = World::new();
    let first = world.init("a", None).unwrap();
    assert_eq!(first.epoch, 0);
    assert_eq!(world.init("a", None), Ok(Id { epoch: 1, ..first }));
    world.restart();
    assert_eq!(world.init("a", None), Ok(Id { epoch: 2, ..first }));
    let current = Id { epoch: 2, ..first };
    let bumped = world.init("a", Some(current)).unwrap();
    assert_eq!(bumped.epoch, 3);
    assert_eq!(world.init("a", Some(current)), Ok(bumped), "the answer was lost");
    assert_eq!(world.init("a", Some(first)), Err(ProducerFenced));
    assert_eq!(world.init("a", Some(Id { id: 999, epoch: 0 })), Err(ProducerFenced));
}

#[test]
fn committed_records_are_seen_and_aborted_ones_are_named() {
    let mut world = World::with_topic("t", 1);
    let mut id = world.init("a", None).unwrap();
    assert_eq!(world.write(12, "a", id, 0), None);
    assert_eq!((world.stable(), world.fetch("t", 0, 1).records.unwrap().len()), (0, 0));
    assert!(!world.fetch("t", 0, 0).records.unwrap().is_empty());
    let next = world.end(5, "a", id, true).unwrap();
    assert_eq!(next, Id { epoch: id.epoch + 1, ..id }, "each end takes another epoch");
    id = next;
    assert_eq!((world.stable(), world.log_end()), (2, 2));
    assert_eq!(world.write(12, "a", id, 0), None);
    let next = world.end(5, "a", id, false).unwrap();
    let data = world.fetch("t", 0, 1);
    let aborted = data.aborted_transactions.unwrap();
    assert_eq!(aborted.len(), 1);
    assert_eq!((aborted[0].producer_id.0, aborted[0].first_offset), (id.id, 2));
    assert_eq!(world.fetch("t", 0, 0).aborted_transactions, None);
    assert_eq!(world.write(12, "a", id, 1), Some(InvalidProducerEpoch), "the old epoch is fenced");
    world.restart();
    assert_eq!(world.fetch("t", 0, 1).aborted_transactions.unwrap().len(), 1);
    assert_eq!(world.write(12, "a", next, 0), None);
}

#[test]
fn a_fetch_of_committed_records_waits_for_the_marker() {
    let mut world = World::with_topic("t", 1);
    let id = world.init("a", None).unwrap();
    let request = fetch_request("t", 0).with_isolation_level(1).with_max_wait_ms(500);
    let waits = world.send(12, Request::Fetch(request));
    assert_eq!(world.write(12, "a", id, 0), None);
    assert!(world.fetched(waits).is_none());
    world.end(5, "a", id, true).unwrap();
    assert!(world.fetched(waits).is_some());
}

#[test]
fn an_older_client_adds_its_partitions_and_keeps_its_epoch() {
    let mut world = World::with_topic("t", 1);
    let id = world.init("a", None).unwrap();
    assert_eq!(world.write(11, "a", id, 0), Some(TransactionAbortable));
    assert_eq!(world.write(10, "a", id, 0), Some(InvalidTxnState));
    assert_eq!(world.add("a", id, 3), Some(UnknownTopicOrPartition));
    assert_eq!(world.add("a", id, 0), None);
    assert_eq!(world.write(11, "a", id, 0), None);
    assert!(world.end(4, "a", id, true).is_ok());
    assert!(world.end(4, "a", id, true).is_ok(), "the answer was lost");
    assert_eq!(world.end(4, "a", id, false), Err(InvalidTxnState));
    assert_eq!(world.write(11, "a", id, 1), Some(TransactionAbortable), "it has ended");
    assert_eq!(world.add("a", id, 0), None);
    assert_eq!(world.write(11, "a", id, 1), None, "sequences go on in the same epoch");
}

#[test]
fn a_repeated_end_is_known_by_its_epoch() {
    let mut world = World::with_topic("t", 1);
    let id = world.init("a", None).unwrap();
    assert_eq!(world.end(5, "a", id, true), Err(InvalidTxnState), "nothing was begun");
    assert_eq!(world.write(12, "a", id, 0), None);
    let next = world.end(5, "a", id, true).unwrap();
    assert_eq!(world.end(5, "a", id, true), Ok(next));
    assert_eq!(world.end(5, "a", id, false), Err(InvalidTxnState));
    assert_eq!(world.end(5, "a", next, true), Err(InvalidTxnState));
    let after = world.end(5, "a", next, false).unwrap();
    assert_eq!(after.epoch, next.epoch + 1, "what was not begun can be aborted");
    assert_eq!(world.end(5, "a", id, true), Err(ProducerFenced));
    assert_eq!(world.end(5, "b", id, true), Err(InvalidProducerIdMapping));
    assert_eq!(world.end(5, "a", Id { id: 77, ..id }, true), Err(InvalidProducerIdMapping));
}

#[test]
fn a_producer_that_takes_over_aborts_and_fences_the_other() {
    let mut world = World::with_topic("t", 1);
    let zombie = world.init("a", None).unwrap();
    assert_eq!(world.write(12, "a", zombie, 0), None);
    assert_eq!(world.init("a", None), Err(ConcurrentTransactions), "it is aborted first");
    assert_eq!(world.state("a"), State::CompleteAbort);
    let id = world.init("a", None).unwrap();
    assert_eq!(id.epoch, zombie.epoch + 2, "one for the abort, one for the new producer");
    assert_eq!(world.write(12, "a", zombie, 1), Some(InvalidProducerEpoch));
    assert_eq!(world.end(5, "a", zombie, true), Err(ProducerFenced));
    assert_eq!(world.add("a", zombie, 0), Some(ProducerFenced));
    assert_eq!(world.write(12, "a", id, 0), None);
    assert_eq!(world.fetch("t", 0, 1).aborted_transactions.unwrap().len(), 1);
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted() {
    let mut world = World::with_topic("t", 1);
    let id = world.init("a", None).unwrap();
    assert_eq!(world.write(12, "a", id, 0), None);
    world.pass(Duration::from_secs(30));
    world.restart();
    world.tick();
    world.pass(Duration::from_millis(29_999));
    assert_eq!(world.state("a"), State::Ongoing);
    assert_eq!(world.core.next_deadline(), Some(world.now.elapsed + Duration::from_millis(1)));
    world.pass(Duration::from_millis(1));
    assert_eq!(world.state("a"), State::CompleteAbort);
    assert_eq!(world.stable(), 2);
    assert_eq!(world.end(5, "a", id, true), Err(InvalidTxnState));
    let next = world.end(5, "a", id, false).unwrap();
    assert_eq!(next.epoch, id.epoch + 1, "its producer may abort what is aborted, and go on");
    assert_eq!(world.write(12, "a", id, 1), Some(InvalidProducerEpoch));
    assert_eq!(world.write(12, "a", next, 0), None);
}

#[test]
fn a_producer_whose_epochs_are_used_up_gets_another_id() {
    let mut world = World::with_topic("t", 1);
    let first = world.init("a", None).unwrap();
    let mut transaction = world.core.transactions.get("a").unwrap().clone();
    transaction.epoch = i16::MAX - 1;
    let now = world.now;
    world.core.write_transaction("a", transaction, now).unwrap();
    let last = Id { epoch: i16::MAX - 1, ..first };
    assert_eq!(world.write(12, "a", last, 0), None);
    let next = world.end(5, "a", last, true).unwrap();
    assert_eq!(next.epoch, 0);
    assert_ne!(next.id, last.id);
    assert_eq!(world.end(5, "a", last, true), Ok(next), "the answer was lost");
    assert_eq!(world.write(12, "a", next, 0), None);
    assert_eq!(world.write(12, "a", last, 1), Some(InvalidProducerIdMapping));
}

#[test]
fn what_was_decided_before_a_kill_comes_about_after_it() {
    for outcome in [super::Outcome::Commit, super::Outcome::Abort] {
        let mut world = World::with_topic("t", 1);
        let id = world.init("a", None).unwrap();
        assert_eq!(world.write(12, "a", id, 0), None);
        let ongoing = world.core.transactions.get("a").unwrap().clone();
        let rules = super::state::Rules::EpochPerTransaction;
        let prepared = ongoing.prepared(outcome, rules, -1, world.now);
        let now = world.now;
        world.core.write_transaction("a", prepared, now).unwrap();
        world.restart();
        assert_eq!(world.init("a", None), Err(ConcurrentTransactions), "it is still being ended");
        world.tick();
        world.pass(Duration::from_secs(1));
        assert_eq!((world.stable(), world.log_end()), (2, 2));
        let aborted = world.fetch("t", 0, 1).aborted_transactions.unwrap().len();
        assert_eq!(aborted, usize::from(outcome == super::Outcome::Abort));
        world.restart();
        world.tick();
        assert_eq!(world.log_end(), 2, "one marker is enough");
    }
}

#[test]
fn a_marker_that_was_written_before_a_kill_is_not_written_again() {
    let mut world = World::with_topic("t", 1);
    let id = world.init("a", None).unwrap();
    assert_eq!(world.write(12, "a", id, 0), None);
    let ongoing = world.core.transactions.get("a").unwrap().clone();
    let rules = super::state::Rules::EpochPerTransaction;
    let prepared = ongoing.prepared(super::Outcome::Commit, rules, -1, world.now);
    let marker = prepared.marker(super::Outcome::Commit);
    let now = world.now;
    world.core.write_transaction("a", prepared, now).unwrap();
    world.core.append_marker("t", 0, &marker, now).unwrap();
    world.restart();
    world.tick();
    assert_eq!((world.state("a"), world.log_end()), (State::CompleteCommit, 2));
}

#[test]
fn records_of_a_transaction_that_nobody_knows_are_aborted_at_the_start() {
    let mut world = World::with_topic("t", 1);
    let id = world.init("a", None).unwrap();
    assert_eq!(world.write(12, "a", id, 0), None);
    let now = world.now;
    world.core.forget_transaction("a", now).unwrap();
    world.restart();
    assert_eq!(world.stable(), 0);
    world.tick();
    assert_eq!((world.stable(), world.log_end()), (2, 2));
}

#[test]
fn names_that_are_not_used_for_a_week_are_forgotten() {
    let mut world = World::new();
    world.init("a", None).unwrap();
    world.pass(Duration::from_secs(6 * 24 * 3600));
    assert!(world.core.transactions.get("a").is_some());
    world.pass(Duration::from_secs(24 * 3600));
    assert!(world.core.transactions.get("a").is_none());
    world.restart();
    assert!(world.core.transactions.get("a").is_none());
}

#[test]
fn tools_see_transactions_and_producers() {
    let mut world = World::with_topic("t", 1);
    let id = world.init("a", None).unwrap();
    world.init("b", None).unwrap();
    assert_eq!(world.write(12, "a", id, 0), None);
    world.pass(Duration::from_secs(5));
    let mut listed = |request: ListTransactionsRequest| {
        let ticket = world.send(2, Request::ListTransactions(request));
        let Some(Response::ListTransactions(answer)) = world.answer(ticket) else { panic!() };
        let ids: Vec<String> = answer
            .transaction_states
            .iter()
            .map(|state| state.transactional_id.to_string())
            .collect();
        (answer.error_code, ids, answer.unknown_state_filters.len())
    };
    let all = || ListTransactionsRequest::default().with_duration_filter(-1);
    assert_eq!(listed(all()), (0, vec!["a".into(), "b".into()], 0));
    let states = vec!["Ongoing".to_owned().into(), "Sleeping".to_owned().into()];
    assert_eq!(listed(all().with_state_filters(states)), (0, vec!["a".into()], 1));
    assert_eq!(listed(all().with_producer_id_filters(vec![ProducerId(id.id)])).1, ["a"]);
    let pattern = |text: &str| Some(text.to_owned().into());
    assert_eq!(listed(all().with_transactional_id_pattern(pattern("[b-z]"))).1, ["b"]);
    let broken = all().with_transactional_id_pattern(pattern("("));
    assert_eq!(error(listed(broken).0), Some(InvalidRegularExpression));

    let request = DescribeTransactionsRequest::default()
        .with_transactional_ids(vec![transactional("a"), transactional("x")]);
    let ticket = world.send(0, Request::DescribeTransactions(request));
    let Some(Response::DescribeTransactions(answer)) = world.answer(ticket) else { panic!() };
    let [a, x] = &answer.transaction_states[..] else { panic!() };
    assert_eq!(a.transaction_state.as_str(), "Ongoing");
    assert_eq!((a.topics[0].topic.as_str(), &a.topics[0].partitions[..]), ("t", &[0][..]));
    assert_eq!(error(x.error_code), Some(TransactionalIdNotFound));

    let topic = describe_producers_request::TopicRequest::default()
        .with_name(name("t"))
        .with_partition_indexes(vec![0, 1]);
    let request = DescribeProducersRequest::default().with_topics(vec![topic]);
    let ticket = world.send(0, Request::DescribeProducers(request));
    let Some(Response::DescribeProducers(answer)) = world.answer(ticket) else { panic!() };
    let partitions = &answer.topics[0].partitions;
    let producer = &partitions[0].active_producers[0];
    assert_eq!((producer.producer_id.0, producer.last_sequence), (id.id, 0));
    assert_eq!(producer.current_txn_start_offset, 0);
    assert_eq!(error(partitions[1].error_code), Some(UnknownTopicOrPartition));
}
