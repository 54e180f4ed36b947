//! The consumer protocol.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::world::*;
use crate::core::{CoreSettings, GroupSettings};

/// Partitions of the topic "topic".
type Parts = Vec<i32>;

/// A member that answers heartbeats as a client does.
struct Client {
    id: String,
    epoch: i32,
    owned: Parts,
}

impl Client {
    fn new(id: &str) -> Client {
        Client { id: id.to_owned(), epoch: 0, owned: vec![] }
    }

    fn joining(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group("group"))
            .with_member_id(text(&self.id))
            .with_rebalance_timeout_ms(60_000)
            .with_subscribed_topic_names(Some(vec![TopicName(text("topic"))]))
            .with_topic_partitions(Some(vec![]))
    }

    /// What a member sends that has nothing new to tell but what it has.
    fn beating(&self, world: &World) -> ConsumerGroupHeartbeatRequest {
        let owned = match self.owned.is_empty() {
            true => vec![],
            false => {
                vec![
                    TopicPartitions::default()
                        .with_topic_id(topic_id(world))
                        .with_partitions(self.owned.clone()),
                ]
            }
        };
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group("group"))
            .with_member_id(text(&self.id))
            .with_member_epoch(self.epoch)
            .with_rebalance_timeout_ms(-1)
            .with_topic_partitions(Some(owned))
    }

    /// Joins or beats, and takes over what it is told. Returns true if it is told an assignment.
    fn beat(&mut self, world: &mut World) -> bool {
        let request = match self.epoch {
            0 => self.joining(),
            _ => self.beating(world),
        };
        let response = world.beat(1, request);
        assert_eq!(response.error_code, 0, "{:?}", response.error_message);
        assert_eq!(response.heartbeat_interval_ms, 5_000);
        self.epoch = response.member_epoch;
        let Some(assignment) = response.assignment else { return false };
        self.owned =
            assignment.topic_partitions.into_iter().flat_map(|topic| topic.partitions).collect();
        true
    }
}

fn topic_id(world: &World) -> Uuid {
    world.core.catalog.get("topic").unwrap().id
}

fn described(world: &mut World) -> consumer_group_describe_response::DescribedGroup {
    let request = ConsumerGroupDescribeRequest::default()
        .with_group_ids(vec![group("group")])
        .with_include_authorized_operations(true);
    world.describe_consumer(1, request).groups.remove(0)
}

#[test]
fn a_member_alone_gets_everything_with_its_first_heartbeat() {
    let mut world = World::new();
    world.topic("topic", 3);
    let mut client = Client::new("a");
    assert!(client.beat(&mut world));
    assert_eq!((client.epoch, client.owned.clone()), (1, vec![0, 1, 2]));
    assert!(!client.beat(&mut world), "it is told only what changes");
    let described = described(&mut world);
    assert_eq!(described.group_state.as_str(), "Stable");
    assert_eq!((described.group_epoch, described.assignment_epoch), (1, 1));
    assert_eq!(described.assignor_name.as_str(), "uniform");
    let member = &described.members[0];
    assert_eq!((member.member_epoch, member.member_type), (1, 1));
    assert_eq!(member.assignment.topic_partitions[0].topic_name.as_str(), "topic");
    assert_eq!(member.client_host.as_str(), "/127.0.0.1");
    let listed = world.list(5, ListGroupsRequest::default());
    assert_eq!(listed.groups[0].group_type.as_str(), "consumer");
}

#[test]
fn a_partition_is_given_back_before_another_member_gets_it() {
    let mut world = World::new();
    world.topic("topic", 4);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.beat(&mut world);
    b.beat(&mut world);
    assert_eq!((b.epoch, b.owned.len()), (2, 0), "a has everything");
    assert_eq!(described(&mut world).group_state.as_str(), "Reconciling");
    let had = a.owned.clone();
    assert!(a.beat(&mut world));
    assert_eq!((a.epoch, a.owned.len()), (1, 2), "it stays in its epoch until it has revoked");
    let kept = std::mem::replace(&mut a.owned, had);
    a.beat(&mut world);
    assert_eq!(a.epoch, 1, "it says that it has everything");
    b.beat(&mut world);
    assert_eq!(b.owned.len(), 0);
    a.owned = kept;
    a.beat(&mut world);
    assert_eq!(a.epoch, 2);
    assert!(b.beat(&mut world));
    assert_eq!(b.owned.len(), 2);
    assert_eq!(described(&mut world).group_state.as_str(), "Stable");
    let all: BTreeSet<i32> = a.owned.iter().chain(&b.owned).copied().collect();
    assert_eq!(all.len(), 4);
}

#[test]
fn a_member_that_does_not_give_back_is_fenced() {
    let mut world = World::new();
    world.topic("topic", 2);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.beat(&mut world);
    b.beat(&mut world);
    let had = a.owned.clone();
    a.beat(&mut world);
    a.owned = had;
    for _ in 0..7 {
        world.seconds(9);
        let response = world.beat(1, a.beating(&world));
        b.beat(&mut world);
        if response.error_code != 0 {
            assert_eq!(response.error_code, 25);
            assert_eq!(b.owned.len(), 2);
            return;
        }
    }
    panic!("it is still there");
}

#[test]
fn a_silent_member_is_fenced_when_its_session_ends() {
    let mut world = World::new();
    world.topic("topic", 2);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.beat(&mut world);
    world.seconds(30);
    b.beat(&mut world);
    world.seconds(16);
    b.beat(&mut world);
    assert_eq!(b.owned, vec![0, 1]);
    let response = world.beat(1, a.beating(&world));
    assert_eq!(response.error_code, 25);
}

#[test]
fn who_leaves_leaves_everything_to_the_others() {
    let mut world = World::new();
    world.topic("topic", 2);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.beat(&mut world);
    b.beat(&mut world);
    let left = world.beat(1, a.beating(&world).with_member_epoch(-1));
    assert_eq!((left.error_code, left.member_epoch), (0, -1));
    b.beat(&mut world);
    assert_eq!(b.owned, vec![0, 1]);
    world.beat(1, b.beating(&world).with_member_epoch(-1));
    assert_eq!(described(&mut world).group_state.as_str(), "Empty");
}

#[test]
fn wrong_epochs_are_fenced_but_for_an_answer_that_was_lost() {
    let mut world = World::new();
    world.topic("topic", 2);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.beat(&mut world);
    let code = |world: &mut World, client: &Client, epoch| {
        let request = client.beating(world).with_member_epoch(epoch);
        world.beat(1, request).error_code
    };
    assert_eq!(code(&mut world, &a, 2), 110);
    assert_eq!(code(&mut world, &Client::new("nobody"), 1), 25);
    b.beat(&mut world);
    a.beat(&mut world);
    a.beat(&mut world);
    assert_eq!(a.epoch, 2);
    assert_eq!(code(&mut world, &a, 1), 0, "the answer with epoch 2 was lost");
    a.owned = vec![0, 1];
    assert_eq!(code(&mut world, &a, 1), 110, "it cannot have both");
}

#[test]
fn requests_that_cannot_be_are_refused() {
    let mut world = World::new();
    let base = Client::new("a").joining();
    let code = |world: &mut World, request| world.beat(1, request).error_code;
    assert_eq!(code(&mut world, base.clone().with_group_id(group(""))), 42);
    assert_eq!(code(&mut world, base.clone().with_member_id(text(""))), 42);
    assert_eq!(code(&mut world, base.clone().with_rebalance_timeout_ms(-1)), 42);
    assert_eq!(code(&mut world, base.clone().with_topic_partitions(None)), 42);
    assert_eq!(code(&mut world, base.clone().with_subscribed_topic_names(None)), 42);
    assert_eq!(code(&mut world, base.clone().with_member_epoch(-3)), 42);
    assert_eq!(code(&mut world, base.clone().with_member_epoch(-2)), 42);
    assert_eq!(code(&mut world, base.clone().with_member_epoch(1)), 69);
    assert_eq!(code(&mut world, base.clone().with_server_assignor(Some(text("x")))), 112);
    let regex = base.clone().with_subscribed_topic_regex(Some(text("(")));
    assert_eq!(code(&mut world, regex), 128);
    let huge = base.with_subscribed_topic_regex(Some(text("(a{1000}){1000}")));
    assert_eq!(code(&mut world, huge), 128);
}

#[test]
fn a_static_member_that_comes_back_gets_what_it_had() {
    let mut world = World::new();
    world.topic("topic", 4);
    let mut b = Client::new("b");
    let fixed = |client: &Client| client.joining().with_instance_id(Some(text("i")));
    let first = Client::new("a1");
    assert_eq!(world.beat(1, fixed(&first)).member_epoch, 1);
    let second = Client::new("a2");
    assert_eq!(world.beat(1, fixed(&second)).error_code, 111, "it has not left");
    let leaving = first.beating(&world).with_instance_id(Some(text("i"))).with_member_epoch(-2);
    assert_eq!(world.beat(1, leaving).member_epoch, -2);
    b.beat(&mut world);
    assert_eq!(b.owned.len(), 0);
    let back = world.beat(1, fixed(&second));
    assert_eq!(back.error_code, 0);
    let count: usize =
        back.assignment.unwrap().topic_partitions.iter().map(|topic| topic.partitions.len()).sum();
    assert_eq!((back.member_epoch, count), (2, 2));
    let old = first.beating(&world).with_instance_id(Some(text("i"))).with_member_epoch(1);
    assert_eq!(world.beat(1, old).error_code, 82);
}

#[test]
fn an_expression_matches_topics_that_come_later() {
    let mut world = World::new();
    world.topic("topic", 1);
    world.topic("another-topic", 1);
    let mut client = Client::new("a");
    let request = client
        .joining()
        .with_subscribed_topic_names(None)
        .with_subscribed_topic_regex(Some(text("topic.*")));
    let response = world.beat(1, request);
    client.epoch = response.member_epoch;
    assert_eq!(response.assignment.unwrap().topic_partitions.len(), 1, "the whole name must match");
    client.owned = vec![0];
    world.topic("topics", 1);
    let response = world.beat(1, client.beating(&world));
    assert_eq!(response.assignment.unwrap().topic_partitions.len(), 2);
    assert_eq!(described(&mut world).members[0].subscribed_topic_regex.as_deref(), Some("topic.*"));
}

#[test]
fn the_range_assignor_gives_neighbours() {
    let mut world = World::new();
    world.topic("topic", 5);
    let mut owned = BTreeMap::new();
    for id in ["a", "b"] {
        let request = Client::new(id).joining().with_server_assignor(Some(text("range")));
        world.beat(1, request);
    }
    for member in described(&mut world).members {
        let target = member.target_assignment.topic_partitions;
        owned.insert(member.member_id.to_string(), target[0].partitions.clone());
    }
    assert_eq!(owned["a"], vec![0, 1, 2]);
    assert_eq!(owned["b"], vec![3, 4]);
}

#[test]
fn a_group_goes_from_one_protocol_to_the_other_when_it_is_empty() {
    let mut world = World::new();
    world.topic("topic", 1);
    world.lonely("group");
    world.seconds(11);
    let mut client = Client::new("a");
    client.beat(&mut world);
    assert_eq!(client.owned, vec![0]);
    world.beat(1, client.beating(&world).with_member_epoch(-1));
    world.lonely("group");
    assert_eq!(world.state("group"), "Stable");
}

#[test]
fn a_full_consumer_group_takes_nobody_else() {
    let groups = GroupSettings { max_members: 1, ..GroupSettings::default() };
    let mut world = World::with(CoreSettings { groups, ..CoreSettings::default() });
    world.topic("topic", 1);
    Client::new("a").beat(&mut world);
    assert_eq!(world.beat(1, Client::new("b").joining()).error_code, 81);
}

#[test]
fn members_of_the_consumer_protocol_are_there_after_a_restart() {
    let mut world = World::new();
    world.topic("topic", 2);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.beat(&mut world);
    b.beat(&mut world);
    a.beat(&mut world);
    world.restart();
    assert!(!a.beat(&mut world));
    b.beat(&mut world);
    assert_eq!((a.epoch, b.epoch), (2, 2));
    assert_eq!((a.owned.len(), b.owned.len()), (1, 1));
    world.restart();
    world.seconds(46);
    assert_eq!(described(&mut world).group_state.as_str(), "Empty");
}

#[test]
fn offsets_are_committed_and_fetched_with_the_epoch_of_the_member() {
    let mut world = World::new();
    world.topic("topic", 1);
    let mut client = Client::new("a");
    client.beat(&mut world);
    let code = |world: &mut World, version, member: &str, epoch| {
        let partition = offset_commit_request::OffsetCommitRequestPartition::default();
        let topic = offset_commit_request::OffsetCommitRequestTopic::default()
            .with_name(TopicName(text("topic")))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group("group"))
            .with_member_id(text(member))
            .with_generation_id_or_member_epoch(epoch)
            .with_topics(vec![topic]);
        world.commit_request(version, request).topics[0].partitions[0].error_code
    };
    assert_eq!(code(&mut world, 9, "a", 1), 0);
    assert_eq!(code(&mut world, 9, "a", 2), 113);
    assert_eq!(code(&mut world, 8, "a", 1), 35);
    assert_eq!(code(&mut world, 9, "b", 1), 25);
    assert_eq!(code(&mut world, 9, "", -1), 25, "somebody else must not move a group in use");
    let fetched = |world: &mut World, member: Option<&str>, epoch| {
        let asked = offset_fetch_request::OffsetFetchRequestGroup::default()
            .with_group_id(group("group"))
            .with_member_id(member.map(text))
            .with_member_epoch(epoch)
            .with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![asked]);
        world.fetch_request(9, request).groups[0].error_code
    };
    assert_eq!(fetched(&mut world, None, -1), 0);
    assert_eq!(fetched(&mut world, Some("a"), 1), 0);
    assert_eq!(fetched(&mut world, Some("a"), 0), 113);
    assert_eq!(fetched(&mut world, Some("b"), 1), 25);
}
