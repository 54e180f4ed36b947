use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::error::ResponseError::*;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{FetchRequest, FetchResponse};

use crate::apis::Request;
use crate::core::testing::*;
use crate::files::{Files, MemoryFiles};

fn ask(world: &mut World, request: FetchRequest) -> FetchResponse {
    let ticket = world.send(12, Request::Fetch(request));
    world.fetched(ticket).expect("an answer at once")
}

fn produced(records: &[u8]) -> World {
    let mut world = World::with_topic("t", 1);
    for records in records {
        world.produce("t", BatchOf::records(*records).bytes());
    }
    world
}

#[test]
fn a_fetch_begins_with_the_batch_that_has_its_offset() {
    let mut world = produced(&[3, 2]);
    let data = world.fetch("t", 1, 0);
    assert_eq!((data.error_code, data.high_watermark, data.last_stable_offset), (0, 5, 5));
    assert_eq!(data.records.unwrap()[..8], 0_i64.to_be_bytes());
    assert_eq!(world.fetch("t", 4, 0).records.unwrap()[..8], 3_i64.to_be_bytes());
    assert!(world.fetch("t", 5, 0).records.unwrap().is_empty());
}

#[test]
fn an_offset_outside_of_the_log_is_out_of_range() {
    let mut world = produced(&[3]);
    for from in [-1, 4] {
        let data = world.fetch("t", from, 0);
        assert_eq!((data.error_code, data.high_watermark), (OffsetOutOfRange.code(), -1));
    }
}

#[test]
fn a_consumer_with_another_leader_epoch_is_told() {
    let mut world = produced(&[1]);
    world.core.catalog.partition_mut("t", 0).unwrap().leader_epoch = 5;
    for (epoch, code) in [(4, FencedLeaderEpoch.code()), (6, UnknownLeaderEpoch.code()), (5, 0)] {
        let mut request = fetch_request("t", 0);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let ticket = world.send(12, Request::Fetch(request));
        let response = world.fetched(ticket).unwrap();
        assert_eq!(response.responses[0].partitions[0].error_code, code, "epoch {epoch}");
    }
}

#[test]
fn a_fetch_waits_for_enough_bytes_and_no_longer_than_it_wants() {
    let mut world = produced(&[]);
    let bytes = i32::try_from(BatchOf::records(1).bytes().len()).unwrap();
    let request = fetch_request("t", 0).with_max_wait_ms(500).with_min_bytes(bytes + 1);
    let waits = world.send(12, Request::Fetch(request.clone()));
    world.produce("t", BatchOf::records(1).bytes());
    assert!(world.fetched(waits).is_none(), "one byte is missing");
    world.produce("t", BatchOf::records(1).bytes());
    let response = world.fetched(waits).expect("the append answers");
    let records = response.responses[0].partitions[0].records.as_ref().unwrap();
    assert_eq!(records.len(), 2 * usize::try_from(bytes).unwrap());

    let mut request = request;
    request.topics[0].partitions[0].fetch_offset = 2;
    let waits = world.send(12, Request::Fetch(request));
    world.pass(Duration::from_millis(499));
    assert!(world.fetched(waits).is_none());
    assert!(
        world
            .core
            .next_deadline()
            .is_some_and(|due| due <= world.now.elapsed + Duration::from_millis(1))
    );
    world.pass(Duration::from_millis(1));
    assert!(world.fetched(waits).is_some(), "the time is over");
}

#[test]
fn who_is_gone_waits_for_nothing() {
    let mut world = produced(&[]);
    let waits = world.send(12, Request::Fetch(fetch_request("t", 0).with_max_wait_ms(500)));
    let now = world.now;
    world.core.disconnected(crate::core::ConnectionId(1), now);
    world.produce("t", BatchOf::records(1).bytes());
    assert!(world.fetched(waits).is_none());
}

#[test]
fn limits_hold_but_for_the_first_batch() {
    let mut world = World::with_topic("t", 2);
    for partition in [0, 0, 1] {
        world.produce_as(12, None, "t", partition, BatchOf::records(1).bytes());
    }
    let one = BatchOf::records(1).bytes().len();
    let lengths = |world: &mut World, max: usize, partition_max: usize| -> Vec<usize> {
        let mut request = fetch_request("t", 0).with_max_bytes(i32::try_from(max).unwrap());
        let mut second = request.topics[0].partitions[0].clone();
        second.partition = 1;
        request.topics[0].partitions.push(second);
        for partition in &mut request.topics[0].partitions {
            partition.partition_max_bytes = i32::try_from(partition_max).unwrap();
        }
        let response = ask(world, request);
        let found = response.responses[0].partitions.iter();
        found.map(|data| data.records.as_ref().unwrap().len()).collect()
    };
    assert_eq!(lengths(&mut world, 1000, 1000), [2 * one, one]);
    assert_eq!(lengths(&mut world, 1000, one), [one, one]);
    assert_eq!(lengths(&mut world, 1, 1000), [one, 0], "the first is there though it is too large");
    assert_eq!(lengths(&mut world, 2 * one + 1, 1000), [2 * one, 0]);
    assert_eq!(lengths(&mut world, 1000, 1), [one, 0]);
}

#[test]
fn a_session_says_only_what_is_new() {
    let mut world = World::with_topic("t", 2);
    let begin = fetch_request("t", 0).with_session_epoch(0);
    let first = ask(&mut world, begin);
    assert_ne!(first.session_id, 0);
    assert_eq!(first.responses[0].partitions.len(), 1, "the first answer has everything");
    let next = |epoch| {
        fetch_request("t", 0)
            .with_session_id(first.session_id)
            .with_session_epoch(epoch)
            .with_topics(Vec::new())
    };
    assert!(ask(&mut world, next(1)).responses.is_empty());
    world.produce("t", BatchOf::records(1).bytes());
    let news = ask(&mut world, next(2));
    assert_eq!(news.session_id, first.session_id);
    assert!(!news.responses[0].partitions[0].records.as_ref().unwrap().is_empty());

    assert_eq!(ask(&mut world, next(2)).error_code, InvalidFetchSessionEpoch.code());
    let mut stranger = next(3);
    stranger.session_id = first.session_id.wrapping_add(1);
    assert_eq!(ask(&mut world, stranger).error_code, FetchSessionIdNotFound.code());

    let added = FetchPartition::default()
        .with_partition(1)
        .with_current_leader_epoch(-1)
        .with_partition_max_bytes(100);
    let more = next(3).with_topics(vec![
        FetchTopic::default().with_topic(name("t")).with_partitions(vec![added]),
    ]);
    let forgets = ForgottenTopic::default().with_topic(name("t")).with_partitions(vec![0]);
    let response = ask(&mut world, more.with_forgotten_topics_data(vec![forgets]));
    let partitions: Vec<i32> =
        response.responses[0].partitions.iter().map(|data| data.partition_index).collect();
    assert_eq!(partitions, [1]);
    let closes = next(-1);
    assert_eq!(ask(&mut world, closes).session_id, 0);
    assert_eq!(ask(&mut world, next(4)).error_code, FetchSessionIdNotFound.code());
}

#[test]
fn a_session_that_is_not_used_gives_way_to_another() {
    let mut world = World::with_topic("t", 1);
    let begin = || fetch_request("t", 0).with_session_epoch(0);
    let first = ask(&mut world, begin()).session_id;
    for _ in 1..1000 {
        assert_ne!(ask(&mut world, begin()).session_id, 0);
    }
    assert_eq!(ask(&mut world, begin()).session_id, 0, "there is room for a thousand");
    world.pass(Duration::from_secs(120));
    assert_ne!(ask(&mut world, begin()).session_id, 0);
    let lost = fetch_request("t", 0).with_session_id(first).with_session_epoch(1);
    let _ = ask(&mut world, lost);
}

#[test]
fn topics_are_named_by_ids_from_version_13_on() {
    let mut world = produced(&[1]);
    let id = world.core.catalog.get("t").unwrap().id;
    for (id, code) in [(id, 0), (uuid::Uuid::from_u128(1), UnknownTopicId.code())] {
        let mut request = fetch_request("t", 0);
        request.topics[0].topic_id = id;
        let ticket = world.send(17, Request::Fetch(request));
        let response = world.fetched(ticket).unwrap();
        assert_eq!(response.responses[0].topic_id, id);
        assert_eq!(response.responses[0].partitions[0].error_code, code);
    }
}

#[test]
fn damage_is_a_storage_error_and_the_rest_can_be_read() {
    let files: Arc<dyn Files> = Arc::new(MemoryFiles::default());
    let mut world = World::on(files.clone());
    world.topic("t", 1, &[]);
    for _ in 0..3 {
        world.produce("t", BatchOf::records(1).bytes());
    }
    let length = BatchOf::records(1).bytes().len() as u64;
    let file = files.open("t-0/00000000000000000000.log").unwrap();
    for damage in [10_000_i32, i32::MAX, 80] {
        file.write_at(&damage.to_be_bytes(), length + 8).unwrap();
        assert_eq!(world.fetch("t", 1, 0).error_code, KafkaStorageError.code(), "{damage}");
        assert_eq!(world.fetch("t", 2, 0).error_code, 0);
    }
}
