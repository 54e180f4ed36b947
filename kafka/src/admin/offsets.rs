//! Offsets of partitions, and offsets that groups have committed.

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic,
};
use kafka_protocol::messages::{
    BrokerId, ListOffsetsRequest, OffsetCommitRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::observer::Observer;
use super::topics::Topic;
use super::{ASK_TIMEOUT, Admin, ms};
use crate::code::Code;
use crate::fault::{Fault, check};
use crate::retry::again;
use crate::topic::{Partition, TopicName, wire_name};

/// An offset that is found by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Earliest,
    /// The one after the last.
    Latest,
    /// That of the first record that is not older, in milliseconds since 1970; the one after the
    /// last, if all are.
    Time(i64),
}

/// Which records `Latest` is the end of: with `ReadCommitted`, none of a transaction that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadUncommitted = 0,
    ReadCommitted = 1,
}

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

type Offsets = BTreeMap<Partition, i64>;

/// The range of offsets that a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionOffsets {
    /// The first offset, of a record that is there or was.
    pub first: i64,
    /// The one after the last.
    pub end: i64,
}

impl Admin {
    /// Offsets of partitions; those that have no leader at the moment are left out.
    pub async fn offsets_at(
        &self,
        partitions: &[Partition],
        at: At,
        isolation: Isolation,
    ) -> Result<Offsets, Fault> {
        if let Some(observer) = &self.observer
            && let At::Earliest | At::Latest = at
        {
            return observed(observer, partitions, at).await;
        }
        let time = match at {
            At::Earliest => EARLIEST,
            At::Latest => LATEST,
            At::Time(ms) => ms,
        };
        again(ASK_TIMEOUT, || async {
            let mut found = self.list_offsets(partitions, time, isolation).await?;
            let missing: Vec<_> =
                found.iter().filter(|(_, n)| **n < 0).map(|(p, _)| p.clone()).collect();
            if !missing.is_empty() {
                found.extend(self.list_offsets(&missing, LATEST, isolation).await?);
            }
            Ok(found)
        })
        .await
    }

    /// The first offset of a partition, and the one after the last. [`Code::LeaderNotAvailable`].
    pub async fn bounds(
        &self,
        partition: &Partition,
        isolation: Isolation,
    ) -> Result<PartitionOffsets, Fault> {
        let one = |found: Offsets| found.into_values().next().ok_or_else(Fault::no_leader);
        let asked = std::slice::from_ref(partition);
        again(ASK_TIMEOUT, || async {
            if let Some(observer) = &self.observer {
                return observer.bounds(partition).await;
            }
            let first = one(self.list_offsets(asked, EARLIEST, isolation).await?)?;
            let end = one(self.list_offsets(asked, LATEST, isolation).await?)?;
            Ok(PartitionOffsets { first, end })
        })
        .await
    }

    async fn list_offsets(
        &self,
        partitions: &[Partition],
        time: i64,
        isolation: Isolation,
    ) -> Result<Offsets, Fault> {
        let mut found = Offsets::new();
        for (leader, topics) in self.by_leader(partitions).await? {
            let partition = |index: &i32| {
                ListOffsetsPartition::default().with_partition_index(*index).with_timestamp(time)
            };
            let topic = |(name, indexes): (&TopicName, &Vec<i32>)| {
                ListOffsetsTopic::default()
                    .with_name(wire_name(name))
                    .with_partitions(indexes.iter().map(partition).collect())
            };
            let request = |version| {
                let request = ListOffsetsRequest::default()
                    .with_replica_id(BrokerId(-1))
                    .with_topics(topics.iter().map(topic).collect());
                match version {
                    0..2 => request,
                    2..10 => request.with_isolation_level(isolation as i8),
                    _ => request
                        .with_isolation_level(isolation as i8)
                        .with_timeout_ms(ms(ASK_TIMEOUT)),
                }
            };
            for topic in self.client.ask(&leader, request).await?.topics {
                let name = TopicName::given(&topic.name);
                for p in topic.partitions {
                    check(p.error_code, None).map_err(not_yet)?;
                    found.insert(Partition::new(name.clone(), p.partition_index), p.offset);
                }
            }
        }
        Ok(found)
    }

    /// Offsets by the address of their leader, those that have one.
    async fn by_leader(
        &self,
        partitions: &[Partition],
    ) -> Result<HashMap<String, BTreeMap<TopicName, Vec<i32>>>, Fault> {
        let mut names: Vec<&str> = partitions.iter().map(|p| p.topic.as_str()).collect();
        names.dedup();
        let (cluster, topics) = self.client.metadata(Some(&names), false).await?;
        let topics: HashMap<TopicName, Topic> = topics
            .into_iter()
            .filter(|topic| topic.error_code == 0)
            .map(Topic::of)
            .map(|topic| (topic.name.clone(), topic))
            .collect();
        let mut by_leader: HashMap<String, BTreeMap<TopicName, Vec<i32>>> = HashMap::new();
        for Partition { topic, number } in partitions {
            let found = topics.get(topic).and_then(|t| t.partitions.get(number));
            let Some(leader) = found.and_then(|p| p.leader) else { continue };
            let Ok(address) = cluster.address(leader) else { continue };
            let of_leader = by_leader.entry(address).or_default();
            of_leader.entry(topic.clone()).or_default().push(*number);
        }
        Ok(by_leader)
    }

    /// The offsets that a group has committed.
    pub async fn committed(&self, group: &str) -> Result<Offsets, Fault> {
        again(ASK_TIMEOUT, || self.ask_committed(group)).await
    }

    async fn ask_committed(&self, group: &str) -> Result<Offsets, Fault> {
        let coordinator = self.coordinator(group).await?;
        let id = super::groups::group_id(group);
        let request = |version| match version {
            0..8 => OffsetFetchRequest::default()
                .with_group_id(id.clone())
                .with_topics(None::<Vec<OffsetFetchRequestTopic>>),
            _ => {
                let group = OffsetFetchRequestGroup::default().with_group_id(id.clone());
                OffsetFetchRequest::default().with_groups(vec![group.with_topics(None)])
            }
        };
        let answer = self.client.ask(&coordinator, request).await?;
        check(answer.error_code, None)?;
        let mut found = Offsets::new();
        let mut note = |name: &str, number, offset| {
            if offset >= 0 {
                found.insert(Partition::new(TopicName::given(name), number), offset);
            }
        };
        for topic in answer.topics {
            for p in topic.partitions {
                note(&topic.name, p.partition_index, p.committed_offset);
            }
        }
        for group in answer.groups {
            check(group.error_code, None)?;
            for topic in group.topics {
                for p in topic.partitions {
                    note(&topic.name, p.partition_index, p.committed_offset);
                }
            }
        }
        Ok(found)
    }

    /// Commits offsets of a group that has no members.
    pub async fn commit(&self, group: &str, offsets: &Offsets) -> Result<(), Fault> {
        again(ASK_TIMEOUT, || self.ask_to_commit(group, offsets)).await
    }

    async fn ask_to_commit(&self, group: &str, offsets: &Offsets) -> Result<(), Fault> {
        let coordinator = self.coordinator(group).await?;
        let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
        for (Partition { topic, number }, offset) in offsets {
            let partition = OffsetCommitRequestPartition::default()
                .with_partition_index(*number)
                .with_committed_offset(*offset)
                .with_committed_metadata(Some(StrBytes::new()));
            topics.entry(topic).or_default().push(partition);
        }
        let topic = |(name, partitions): (&str, Vec<_>)| {
            OffsetCommitRequestTopic::default()
                .with_name(wire_name(name))
                .with_partitions(partitions)
        };
        let request = OffsetCommitRequest::default()
            .with_group_id(super::groups::group_id(group))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(topics.into_iter().map(topic).collect());
        let answer = self.client.ask(&coordinator, |_| request.clone()).await?;
        let results = answer.topics.into_iter().flat_map(|topic| topic.partitions);
        results.into_iter().try_for_each(|partition| check(partition.error_code, None))
    }
}

/// A leader that has just been elected does not know its partition yet: it is there, metadata says so.
fn not_yet(fault: Fault) -> Fault {
    match fault {
        Fault { code: Code::UnknownTopicOrPartition | Code::UnknownTopicId, reason } => {
            Fault::new(Code::NotLeaderOrFollower, reason)
        }
        fault => fault,
    }
}

/// Asks librdkafka for partitions, one after the other.
async fn observed(observer: &Observer, partitions: &[Partition], at: At) -> Result<Offsets, Fault> {
    let mut found = Offsets::new();
    for partition in partitions {
        let offsets = again(ASK_TIMEOUT, || observer.bounds(partition)).await?;
        let offset = if at == At::Earliest { offsets.first } else { offsets.end };
        found.insert(partition.clone(), offset);
    }
    Ok(found)
}
