//! Random joins, leaves, silences and commits keep what groups promise, in both protocols.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use proptest::prelude::*;

use super::world::*;
use crate::apis::Request;
use crate::core::groups::Group;

const MEMBERS: usize = 4;
const PARTITIONS: i32 = 5;

/// What happens next, to one of the members.
#[derive(Clone, Debug)]
enum Step {
    /// It does what a client does next: joins, syncs, beats.
    Act(usize),
    Leave(usize),
    /// It forgets everything, as a process that was killed.
    Die(usize),
    Commit(usize),
    Pass(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let member = 0..MEMBERS;
    prop_oneof![
        12 => member.clone().prop_map(Step::Act),
        1 => member.clone().prop_map(Step::Leave),
        1 => member.clone().prop_map(Step::Die),
        2 => member.prop_map(Step::Commit),
        2 => (0_u64..20).prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

/// A client of the classic protocol, whose assignment is a list of digits.
#[derive(Debug, Default)]
struct Classic {
    id: String,
    generation: i32,
    joining: Option<Asked>,
    syncing: Option<Asked>,
    is_leader: bool,
    members: Vec<String>,
    assigned: Option<Vec<u8>>,
}

impl Classic {
    fn act(&mut self, world: &mut World) {
        if let Some(asked) = self.joining {
            if let Some(joined) = world.joined(asked) {
                self.joining = None;
                self.take_joined(world, &joined);
            }
        } else if let Some(asked) = self.syncing {
            if let Some(synced) = world.synced(asked) {
                self.syncing = None;
                match synced.error_code {
                    0 => self.assigned = Some(synced.assignment.to_vec()),
                    code => self.refused(world, code),
                }
            }
        } else if self.id.is_empty() {
            self.id = world.new_id("group");
        } else if self.generation == 0 {
            self.join(world);
        } else {
            let code = world.heartbeat("group", &self.id.clone(), self.generation);
            if code != 0 {
                self.refused(world, code);
            }
        }
    }

    fn join(&mut self, world: &mut World) {
        self.assigned = None;
        self.joining = Some(world.send_join(9, joining("group", &self.id)));
    }

    fn take_joined(&mut self, world: &mut World, joined: &JoinGroupResponse) {
        if joined.error_code != 0 {
            return self.refused(world, joined.error_code);
        }
        assert_eq!(joined.member_id.as_str(), self.id);
        assert!(joined.generation_id > 0, "an answered member knows its generation");
        self.generation = joined.generation_id;
        self.is_leader = joined.leader.as_str() == self.id;
        assert_eq!(self.is_leader, !joined.members.is_empty(), "the leader is told the members");
        self.members = joined.members.iter().map(|member| member.member_id.to_string()).collect();
        let mut shares: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for (partition, member) in (0..5_u8).zip(self.members.iter().cycle()) {
            shares.entry(member).or_default().push(partition);
        }
        let assignments = shares.into_iter().map(|(member, share)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(member))
                .with_assignment(share.into())
        });
        let request = SyncGroupRequest::default()
            .with_group_id(group("group"))
            .with_member_id(text(&self.id))
            .with_generation_id(self.generation)
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range")))
            .with_assignments(assignments.collect());
        self.syncing = Some(world.send(5, Request::SyncGroup(request)));
    }

    fn refused(&mut self, world: &mut World, code: i16) {
        match code {
            27 => self.join(world),
            22 | 25 | 79 => *self = Classic::default(),
            other => panic!("{other} in {self:?}"),
        }
    }

    fn leave(&mut self, world: &mut World) {
        let member = MemberIdentity::default().with_member_id(text(&self.id));
        let request =
            LeaveGroupRequest::default().with_group_id(group("group")).with_members(vec![member]);
        world.leave_request(5, request);
        *self = Classic::default();
    }
}

fn commit(world: &mut World, member: &str, generation: i32, offset: i64) -> i16 {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(TopicName(text("topic")))
        .with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group("group"))
        .with_member_id(text(member))
        .with_generation_id_or_member_epoch(generation)
        .with_topics(vec![topic]);
    world.commit_request(9, request).topics[0].partitions[0].error_code
}

fn committed(world: &World) -> Option<i64> {
    let offsets = world.core.groups.offsets.of("group")?;
    offsets.committed.values().next().map(|committed| committed.offset)
}

/// Members that the broker has told the current generation, and nothing newer since.
fn check_classic(world: &World, clients: &[Classic]) {
    let Some(Group::Classic(held)) = world.core.groups.groups.get("group") else { return };
    let mut seen = BTreeSet::new();
    for client in clients.iter().filter(|client| client.generation == held.generation) {
        if !held.members.contains_key(&client.id) {
            continue;
        }
        for partition in client.assigned.iter().flatten() {
            assert!(seen.insert(*partition), "{partition} has two members");
        }
    }
}

/// A client of the consumer protocol.
#[derive(Debug, Default)]
struct Consumer {
    id: String,
    epoch: i32,
    owned: Vec<i32>,
}

impl Consumer {
    fn act(&mut self, world: &mut World, number: &mut u32) {
        if self.id.is_empty() {
            *number += 1;
            self.id = format!("member-{number}");
        }
        let topic = world.core.catalog.get("topic").map(|topic| topic.id).unwrap_or_default();
        let owned = consumer_group_heartbeat_request::TopicPartitions::default()
            .with_topic_id(topic)
            .with_partitions(self.owned.clone());
        let mut request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group("group"))
            .with_member_id(text(&self.id))
            .with_member_epoch(self.epoch)
            .with_rebalance_timeout_ms(10_000)
            .with_subscribed_topic_names(Some(vec![TopicName(text("topic"))]))
            .with_topic_partitions(Some(vec![]));
        if !self.owned.is_empty() {
            request.topic_partitions = Some(vec![owned]);
        }
        let response = world.beat(1, request);
        match response.error_code {
            0 => {
                assert!(response.member_epoch >= self.epoch, "an epoch goes back");
                self.epoch = response.member_epoch;
                if let Some(assignment) = response.assignment {
                    let topics = assignment.topic_partitions.into_iter();
                    self.owned = topics.flat_map(|topic| topic.partitions).collect();
                }
            }
            25 | 69 | 110 => *self = Consumer::default(),
            other => panic!("{other} in {self:?}"),
        }
    }

    fn leave(&mut self, world: &mut World) {
        let request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group("group"))
            .with_member_id(text(&self.id))
            .with_member_epoch(-1);
        world.beat(1, request);
        *self = Consumer::default();
    }
}

/// Members that are in the group never have the same partition.
fn check_consumer(world: &World, clients: &[Consumer]) {
    let Some(Group::Consumer(held)) = world.core.groups.groups.get("group") else { return };
    assert!(held.assignment_epoch <= held.epoch);
    let mut seen = BTreeSet::new();
    for client in clients.iter().filter(|client| held.members.contains_key(&client.id)) {
        for partition in &client.owned {
            assert!(seen.insert(*partition), "{partition} has two members");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn classic_groups_keep_their_promises(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        world.topic("topic", usize::try_from(PARTITIONS).unwrap());
        let mut clients: Vec<Classic> = (0..MEMBERS).map(|_| Classic::default()).collect();
        let (mut offset, mut stored, mut generation) = (0, None, 0);
        for step in steps {
            match step {
                Step::Act(index) => clients[index].act(&mut world),
                Step::Leave(index) if clients[index].generation > 0 => clients[index].leave(&mut world),
                Step::Die(index) => clients[index] = Classic::default(),
                Step::Commit(index) if clients[index].generation > 0 => {
                    offset += 1;
                    let client = &clients[index];
                    if commit(&mut world, &client.id, client.generation, offset) == 0 {
                        stored = Some(offset);
                    }
                }
                Step::Pass(seconds) => world.seconds(seconds),
                Step::Restart => {
                    world.restart();
                    generation = 0;
                    for client in &mut clients {
                        (client.joining, client.syncing) = (None, None);
                    }
                }
                Step::Leave(_) | Step::Commit(_) => {}
            }
            if let Some(Group::Classic(group)) = world.core.groups.groups.get("group") {
                prop_assert!(group.generation >= generation, "a generation goes back");
                generation = group.generation;
            }
            check_classic(&world, &clients);
            prop_assert_eq!(committed(&world), stored);
        }
    }

    #[test]
    fn consumer_groups_keep_their_promises(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        world.topic("topic", usize::try_from(PARTITIONS).unwrap());
        let mut clients: Vec<Consumer> = (0..MEMBERS).map(|_| Consumer::default()).collect();
        let (mut offset, mut stored, mut epoch, mut number) = (0, None, 0, 0);
        for step in steps {
            match step {
                Step::Act(index) => clients[index].act(&mut world, &mut number),
                Step::Leave(index) if clients[index].epoch > 0 => clients[index].leave(&mut world),
                Step::Die(index) => clients[index] = Consumer::default(),
                Step::Commit(index) if clients[index].epoch > 0 => {
                    offset += 1;
                    let client = &clients[index];
                    if commit(&mut world, &client.id, client.epoch, offset) == 0 {
                        stored = Some(offset);
                    }
                }
                Step::Pass(seconds) => world.seconds(seconds),
                Step::Restart => world.restart(),
                Step::Leave(_) | Step::Commit(_) => {}
            }
            if let Some(Group::Consumer(group)) = world.core.groups.groups.get("group") {
                prop_assert!(group.epoch >= epoch, "an epoch goes back");
                epoch = group.epoch;
            }
            check_consumer(&world, &clients);
            prop_assert_eq!(committed(&world), stored);
        }
        let mut quiet = 0;
        while quiet < 20 {
            for client in &mut clients {
                client.act(&mut world, &mut number);
            }
            world.seconds(5);
            quiet += 1;
        }
        let mut owned: Vec<i32> = clients.iter().flat_map(|client| client.owned.clone()).collect();
        owned.sort_unstable();
        prop_assert_eq!(owned, (0..PARTITIONS).collect::<Vec<_>>(), "in the end everything is read");
    }
}
