//! Offsets of groups.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;

use super::world::*;
use crate::core::{Call, Caller, ConnectionId, Ticket};

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

fn commit(member: &str, generation: i32, partition: i32, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(7)
        .with_committed_metadata(Some(text("note")));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic("topic"))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group("group"))
        .with_member_id(text(member))
        .with_generation_id_or_member_epoch(generation)
        .with_topics(vec![topic])
}

fn code(response: &OffsetCommitResponse) -> i16 {
    response.topics[0].partitions[0].error_code
}

/// Offset, leader's epoch, metadata and error code of partition 0.
fn fetched(world: &mut World, is_stable: bool) -> (i64, i32, String, i16) {
    let topics = OffsetFetchRequestTopics::default()
        .with_name(topic("topic"))
        .with_partition_indexes(vec![0]);
    let asked = OffsetFetchRequestGroup::default()
        .with_group_id(group("group"))
        .with_member_epoch(-1)
        .with_topics(Some(vec![topics]));
    let request =
        OffsetFetchRequest::default().with_groups(vec![asked]).with_require_stable(is_stable);
    let response = world.fetch_request(9, request);
    let partition = response.groups[0].topics[0].partitions[0].clone();
    let metadata = partition.metadata.unwrap().to_string();
    (partition.committed_offset, partition.committed_leader_epoch, metadata, partition.error_code)
}

fn nothing() -> (i64, i32, String, i16) {
    (-1, -1, String::new(), 0)
}

#[test]
fn what_a_member_commits_is_there_for_the_next() {
    let mut world = World::new();
    world.topic("topic", 2);
    let member = world.lonely("group");
    assert_eq!(fetched(&mut world, true), nothing());
    assert_eq!(code(&world.commit_request(8, commit(&member, 1, 0, 42))), 0);
    assert_eq!(fetched(&mut world, true), (42, 7, "note".to_owned(), 0));
    let request = OffsetFetchRequest::default().with_group_id(group("group")).with_topics(None);
    let all = world.fetch_request(5, request);
    assert_eq!(all.topics.len(), 1);
    assert_eq!(all.topics[0].partitions[0].committed_offset, 42);
}

#[test]
fn who_may_not_commit_is_told_why() {
    let mut world = World::new();
    world.topic("topic", 1);
    assert_eq!(code(&world.commit_request(8, commit("", 3, 0, 1))), 22);
    assert_eq!(code(&world.commit_request(9, commit("", 3, 0, 1))), 69);
    assert_eq!(code(&world.commit_request(8, commit("", -1, 1, 1))), 3);
    let member = world.lonely("group");
    assert_eq!(code(&world.commit_request(8, commit("", -1, 0, 1))), 25);
    assert_eq!(code(&world.commit_request(8, commit(&member, 2, 0, 1))), 22);
    assert_eq!(code(&world.commit_request(8, commit("nobody", 1, 0, 1))), 25);
    let mut large = commit(&member, 1, 0, 1);
    large.topics[0].partitions[0].committed_metadata = Some(text(&"x".repeat(4097)));
    assert_eq!(code(&world.commit_request(8, large)), 12);
    let joining_again = world.join(9, joining("group", &member));
    assert_eq!(joining_again.generation_id, 2);
    assert_eq!(code(&world.commit_request(8, commit(&member, 2, 0, 1))), 27);
    assert_eq!(fetched(&mut world, false), nothing());
}

#[test]
fn a_client_without_a_group_commits_too() {
    let mut world = World::new();
    world.topic("topic", 1);
    assert_eq!(code(&world.commit_request(2, commit("", -1, 0, 5))), 0);
    assert_eq!(fetched(&mut world, false).0, 5);
    let listed = world.list(5, ListGroupsRequest::default());
    assert_eq!(listed.groups[0].group_state.as_str(), "Empty");
    assert_eq!(listed.groups[0].protocol_type.as_str(), "");
    assert_eq!(listed.groups[0].group_type.as_str(), "classic");
}

fn delete_offsets() -> OffsetDeleteRequest {
    let partition = OffsetDeleteRequestPartition::default();
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(topic("topic"))
        .with_partitions(vec![partition]);
    OffsetDeleteRequest::default().with_group_id(group("group")).with_topics(vec![topic])
}

#[test]
fn offsets_that_are_in_use_are_not_deleted() {
    let mut world = World::new();
    world.topic("topic", 1);
    assert_eq!(world.delete_offsets(0, delete_offsets()).error_code, 69);
    let member = world.lonely("group");
    world.commit_request(8, commit(&member, 1, 0, 5));
    let response = world.delete_offsets(0, delete_offsets());
    assert_eq!(response.topics[0].partitions[0].error_code, 86);
    let deleted = DeleteGroupsRequest::default().with_groups_names(vec![group("group")]);
    assert_eq!(world.delete(2, deleted.clone()).results[0].error_code, 68);
    world.seconds(11);
    let response = world.delete_offsets(0, delete_offsets());
    assert_eq!(response.topics[0].partitions[0].error_code, 0);
    assert_eq!(fetched(&mut world, false), nothing());
    world.commit_request(8, commit("", -1, 0, 5));
    assert_eq!(world.delete(2, deleted.clone()).results[0].error_code, 0);
    assert_eq!(world.delete(2, deleted).results[0].error_code, 69);
    assert_eq!(fetched(&mut world, false), nothing());
    assert_eq!(world.state("group"), "Dead");
}

#[test]
fn offsets_go_when_nobody_has_used_them_for_a_week() {
    let mut world = World::new();
    world.topic("topic", 1);
    let member = world.lonely("group");
    world.commit_request(8, commit(&member, 1, 0, 5));
    world.seconds(20);
    assert_eq!(world.state("group"), "Empty");
    world.seconds(6 * 24 * 60 * 60);
    assert_eq!(fetched(&mut world, false).0, 5);
    world.seconds(24 * 60 * 60 + 600);
    assert_eq!(fetched(&mut world, false), nothing());
    assert_eq!(world.state("group"), "Dead");
}

fn transactional(offset: i64) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_committed_offset(offset)
        .with_committed_leader_epoch(7)
        .with_committed_metadata(Some(text("note")));
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic("topic"))
        .with_partitions(vec![partition]);
    TxnOffsetCommitRequest::default()
        .with_group_id(group("group"))
        .with_producer_id(ProducerId(9))
        .with_generation_id(-1)
        .with_topics(vec![topic])
}

fn keep_pending(world: &mut World, request: TxnOffsetCommitRequest) -> i16 {
    let caller = Caller {
        connection: ConnectionId(1),
        host: std::net::Ipv4Addr::LOCALHOST.into(),
        client_id: None,
        principal: String::new(),
    };
    let call = Call { ticket: Ticket(u64::MAX), caller, version: 3, now: world.now };
    world.core.keep_pending_offsets(&call, &request).topics[0].partitions[0].error_code
}

#[test]
fn offsets_of_a_transaction_are_seen_when_it_is_committed() {
    let mut world = World::new();
    world.topic("topic", 1);
    let member = world.lonely("group");
    let as_member = transactional(1).with_member_id(text(&member)).with_generation_id(2);
    assert_eq!(keep_pending(&mut world, as_member), 22);
    assert_eq!(keep_pending(&mut world, transactional(8)), 0);
    assert_eq!(fetched(&mut world, false), nothing());
    assert_eq!(fetched(&mut world, true), (-1, -1, String::new(), 88));
    world.core.end_pending_offsets("group", 9, true, world.now).unwrap();
    assert_eq!(fetched(&mut world, true), (8, 7, "note".to_owned(), 0));
    assert_eq!(keep_pending(&mut world, transactional(10)), 0);
    world.core.end_pending_offsets("group", 9, false, world.now).unwrap();
    world.core.end_pending_offsets("group", 9, true, world.now).unwrap();
    assert_eq!(fetched(&mut world, true).0, 8);
}

#[test]
fn offsets_of_a_deleted_topic_are_gone() {
    let mut world = World::new();
    world.topic("topic", 1);
    world.commit_request(8, commit("", -1, 0, 5));
    keep_pending(&mut world, transactional(6));
    let entries = world.core.offsets_of_topic("topic").unwrap();
    assert_eq!(entries.len(), 2);
    world.core.topic_is_deleted(entries).unwrap();
    assert_eq!(fetched(&mut world, true), nothing());
}

#[test]
fn offsets_are_there_after_a_restart() {
    let mut world = World::new();
    world.topic("topic", 2);
    let member = world.lonely("group");
    world.commit_request(8, commit(&member, 1, 0, 5));
    world.commit_request(8, commit(&member, 1, 1, 6));
    world.restart();
    assert_eq!(fetched(&mut world, true), (5, 7, "note".to_owned(), 0));
    assert_eq!(world.heartbeat("group", &member, 1), 0, "its members are there, too");
    world.seconds(11);
    assert_eq!(world.state("group"), "Empty");
    assert_eq!(fetched(&mut world, true).0, 5);
}

#[test]
fn a_transaction_that_is_open_ends_after_a_restart() {
    let mut world = World::new();
    world.topic("topic", 1);
    assert_eq!(keep_pending(&mut world, transactional(8)), 0);
    world.restart();
    assert_eq!(fetched(&mut world, true).3, 88);
    world.core.end_pending_offsets("group", 9, true, world.now).unwrap();
    world.restart();
    assert_eq!(fetched(&mut world, true).0, 8);
}

#[test]
fn a_deleted_group_does_not_come_back() {
    let mut world = World::new();
    world.topic("topic", 1);
    let member = world.lonely("group");
    world.commit_request(8, commit(&member, 1, 0, 5));
    world.seconds(11);
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group("group")]);
    assert_eq!(world.delete(2, request).results[0].error_code, 0);
    world.restart();
    assert_eq!(world.list(5, ListGroupsRequest::default()).groups, vec![]);
    assert_eq!(fetched(&mut world, true), nothing());
}
