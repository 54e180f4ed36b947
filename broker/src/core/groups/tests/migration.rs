//! Groups that go from one protocol to the other while they have members.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable};

use super::world::*;
use crate::apis::Request;

fn assignment(partitions: &[i32]) -> Bytes {
    let topic = TopicPartition::default()
        .with_topic(TopicName(text("topic")))
        .with_partitions(partitions.to_vec());
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    ConsumerProtocolAssignment::default()
        .with_assigned_partitions(vec![topic])
        .encode(&mut bytes, 0)
        .unwrap();
    bytes.freeze()
}

fn partitions(mut assignment: Bytes) -> Vec<i32> {
    assignment.get_i16();
    let assignment = ConsumerProtocolAssignment::decode(&mut assignment, 0).unwrap();
    assignment.assigned_partitions.into_iter().flat_map(|topic| topic.partitions).collect()
}

/// A classic group whose only member has both partitions of "topic". Returns its id.
fn classic(world: &mut World) -> String {
    world.topic("topic", 2);
    let member = world.new_id("group");
    world.join(9, joining("group", &member));
    let all = SyncGroupRequestAssignment::default()
        .with_member_id(text(&member))
        .with_assignment(assignment(&[0, 1]));
    assert_eq!(sync(world, &member, 1, vec![all]).error_code, 0);
    member
}

fn sync(
    world: &mut World,
    member: &str,
    generation: i32,
    assignments: Vec<SyncGroupRequestAssignment>,
) -> SyncGroupResponse {
    let request = SyncGroupRequest::default()
        .with_group_id(group("group"))
        .with_member_id(text(member))
        .with_generation_id(generation)
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(assignments);
    let asked = world.send(5, Request::SyncGroup(request));
    world.synced(asked).unwrap()
}

fn consumer(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group("group"))
        .with_member_id(text(member))
        .with_member_epoch(epoch)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![TopicName(text("topic"))]))
        .with_topic_partitions(Some(vec![]))
}

#[test]
fn members_of_both_protocols_share_a_group() {
    let mut world = World::new();
    let old = classic(&mut world);
    let new = world.beat(1, consumer("new", 0));
    assert_eq!((new.error_code, new.member_epoch), (0, 2));
    assert!(new.assignment.unwrap().topic_partitions.is_empty(), "the old one has everything");
    assert_eq!(world.heartbeat("group", &old, 1), 27);
    let again = world.join(9, joining("group", &old));
    assert_eq!((again.error_code, again.generation_id), (0, 2));
    assert_eq!(again.protocol_name.as_deref(), Some("range"));
    assert_ne!(again.leader, again.member_id);
    let synced = sync(&mut world, &old, 2, vec![]);
    let kept = partitions(synced.assignment);
    assert_eq!((synced.error_code, kept.len()), (0, 1));
    assert_eq!(world.heartbeat("group", &old, 2), 0);
    let new = world.beat(1, consumer("new", 2));
    let got = &new.assignment.unwrap().topic_partitions[0].partitions;
    assert_eq!(got.len(), 1);
    assert_ne!(*got, kept);
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group("group")]);
    let described = world.describe_consumer(1, request).groups.remove(0);
    let types: Vec<i8> = described.members.iter().map(|member| member.member_type).collect();
    assert_eq!(types, vec![0, 1]);
}

#[test]
fn a_group_goes_back_when_only_classic_members_are_left() {
    let mut world = World::new();
    let old = classic(&mut world);
    world.beat(1, consumer("new", 0));
    world.join(9, joining("group", &old));
    sync(&mut world, &old, 2, vec![]);
    world.beat(1, consumer("new", -1));
    let listed = world.list(5, ListGroupsRequest::default());
    assert_eq!(listed.groups[0].group_type.as_str(), "classic");
    assert_eq!(world.state("group"), "PreparingRebalance");
    assert_eq!(world.heartbeat("group", &old, 2), 27, "it is not fenced, but asked to join anew");
    let again = world.join(9, joining("group", &old));
    assert_eq!((again.error_code, again.generation_id), (0, 3));
    assert_eq!(again.leader, again.member_id);
    world.restart();
    let request = DescribeGroupsRequest::default().with_groups(vec![group("group")]);
    let described = world.describe(6, request);
    assert_eq!(described.groups[0].members.len(), 1, "the journal has the classic group");
}

#[test]
fn a_classic_member_joins_a_consumer_group() {
    let mut world = World::new();
    world.topic("topic", 2);
    world.beat(1, consumer("new", 0));
    let id = world.join(9, joining("group", ""));
    assert_eq!(id.error_code, 79);
    let joined = world.join(9, joining("group", &id.member_id));
    assert_eq!((joined.error_code, joined.generation_id), (0, 2));
    let synced = sync(&mut world, &id.member_id, 2, vec![]);
    assert_eq!(partitions(synced.assignment), Vec::<i32>::new());
    world.beat(1, consumer("new", 1));
    world.beat(1, consumer("new", 1));
    assert_eq!(world.heartbeat("group", &id.member_id, 2), 27, "a partition is free");
    let joined = world.join(9, joining("group", &id.member_id));
    assert_eq!(joined.generation_id, 2);
    let synced = sync(&mut world, &id.member_id, 2, vec![]);
    assert_eq!(partitions(synced.assignment).len(), 1);
    let leaving = MemberIdentity::default().with_member_id(id.member_id.clone());
    let request =
        LeaveGroupRequest::default().with_group_id(group("group")).with_members(vec![leaving]);
    assert_eq!(world.leave_request(5, request).members[0].error_code, 0);
    assert_eq!(world.heartbeat("group", &id.member_id, 2), 25);
}

#[test]
fn a_classic_member_that_does_not_join_anew_is_fenced() {
    let mut world = World::new();
    let old = classic(&mut world);
    world.beat(1, consumer("new", 0));
    for _ in 0..8 {
        world.seconds(9);
        world.beat(1, consumer("new", 2));
        if world.heartbeat("group", &old, 1) == 25 {
            return;
        }
    }
    panic!("it is still there");
}

#[test]
fn groups_that_are_not_of_consumers_are_not_taken_over() {
    let mut world = World::new();
    let workers = joining("group", "").with_protocol_type(text("connect"));
    world.join(3, workers);
    assert_eq!(world.beat(1, consumer("new", 0)).error_code, 69);
    assert_eq!(world.state("group"), "CompletingRebalance");
}
