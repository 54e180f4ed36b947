//! ListOffsets, OffsetForLeaderEpoch and DeleteRecords together: where a partition begins and ends.

use kafka_protocol::error::ResponseError::*;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::*;

use super::testing::*;
use crate::apis::{Request, Response};

/// The error, timestamp, offset and leader epoch for a timestamp.
fn listed(world: &mut World, version: i16, timestamp: i64) -> (i16, i64, i64, i32) {
    let partition =
        ListOffsetsPartition::default().with_current_leader_epoch(-1).with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default().with_topics(vec![topic]).with_isolation_level(1);
    let ticket = world.send(version, Request::ListOffsets(request));
    let Some(Response::ListOffsets(answer)) = world.answer(ticket) else { panic!() };
    let found = &answer.topics[0].partitions[0];
    (found.error_code, found.timestamp, found.offset, found.leader_epoch)
}

fn deleted(world: &mut World, offset: i64) -> (i16, i64) {
    let partition = DeleteRecordsPartition::default().with_offset(offset);
    let topic = DeleteRecordsTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]);
    let ticket = world.send(2, Request::DeleteRecords(request));
    let Some(Response::DeleteRecords(answer)) = world.answer(ticket) else { panic!() };
    let found = &answer.topics[0].partitions[0];
    (found.error_code, found.low_watermark)
}

fn with_times(times: &[i64]) -> World {
    let mut world = World::with_topic("t", 1);
    for time in times {
        let batch = BatchOf { timestamp: WALL_MS + time, ..BatchOf::records(1) };
        assert_eq!(world.produce("t", batch.bytes()).error_code, 0);
    }
    world
}

#[test]
fn offsets_are_found_by_time_and_by_name() {
    let mut world = with_times(&[10, 30, 20]);
    assert_eq!(listed(&mut world, 7, -1), (0, -1, 3, 0), "latest");
    assert_eq!(listed(&mut world, 7, -2), (0, -1, 0, 0), "earliest");
    assert_eq!(listed(&mut world, 7, -3), (0, WALL_MS + 30, 1, 0), "the newest timestamp");
    assert_eq!(listed(&mut world, 7, WALL_MS + 11), (0, WALL_MS + 30, 1, 0));
    assert_eq!(listed(&mut world, 7, WALL_MS + 31), (0, -1, -1, -1), "nothing is as new");
    assert_eq!(listed(&mut world, 9, -4), (0, -1, 0, 0), "earliest on this disk");
    assert_eq!(listed(&mut world, 9, -5), (0, -1, -1, -1), "nothing is anywhere else");
    assert_eq!(listed(&mut world, 6, -3).0, UnsupportedVersion.code());
    assert_eq!(listed(&mut world, 10, -7).0, UnsupportedVersion.code());
}

#[test]
fn an_empty_partition_has_no_newest_timestamp() {
    let mut world = with_times(&[]);
    assert_eq!(listed(&mut world, 7, -3), (0, -1, -1, -1));
    assert_eq!(listed(&mut world, 7, -1), (0, -1, 0, 0));
}

#[test]
fn records_are_deleted_up_to_an_offset() {
    let mut world = with_times(&[1, 2, 3]);
    assert_eq!(deleted(&mut world, 2), (0, 2));
    assert_eq!(deleted(&mut world, 1), (0, 2), "what is deleted stays so");
    assert_eq!(listed(&mut world, 7, -2), (0, -1, 2, 0));
    let data = world.fetch("t", 1, 0);
    assert_eq!(data.error_code, OffsetOutOfRange.code());
    assert_eq!(deleted(&mut world, 4), (OffsetOutOfRange.code(), -1));
    assert_eq!(deleted(&mut world, -2), (OffsetOutOfRange.code(), -1));
    assert_eq!(deleted(&mut world, -1), (0, 3), "all of them");
    world.restart();
    assert_eq!(listed(&mut world, 7, -2).2, 3);
}

#[test]
fn records_of_a_compacted_topic_are_not_deleted_on_request() {
    let mut world = World::new();
    world.topic("t", 1, &[("cleanup.policy", "compact")]);
    assert_eq!(deleted(&mut world, 0), (PolicyViolation.code(), -1));
}

#[test]
fn an_epoch_of_the_leader_ends_where_the_next_begins() {
    let mut world = with_times(&[1, 2]);
    world.core.catalog.partition_mut("t", 0).unwrap().leader_epoch = 4;
    let batch = BatchOf::records(1).bytes();
    assert_eq!(world.produce("t", batch).error_code, 0);
    world.restart();
    let mut ended = |current: i32, epoch: i32| {
        let partition = OffsetForLeaderPartition::default()
            .with_current_leader_epoch(current)
            .with_leader_epoch(epoch);
        let topic =
            OffsetForLeaderTopic::default().with_topic(name("t")).with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
        let ticket = world.send(4, Request::OffsetForLeaderEpoch(request));
        let Some(Response::OffsetForLeaderEpoch(answer)) = world.answer(ticket) else { panic!() };
        let found = &answer.topics[0].partitions[0];
        (found.error_code, found.leader_epoch, found.end_offset)
    };
    assert_eq!(ended(-1, 0), (0, 0, 2));
    assert_eq!(ended(4, 4), (0, 4, 3));
    assert_eq!(ended(-1, 9), (0, -1, -1));
    assert_eq!(ended(3, 0), (FencedLeaderEpoch.code(), -1, -1));
    assert_eq!(ended(5, 0), (UnknownLeaderEpoch.code(), -1, -1));
}
