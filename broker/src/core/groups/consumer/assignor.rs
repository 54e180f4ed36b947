//! How partitions are shared: `uniform` changes as little as it can, `range` gives neighbours.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Assignment, ConsumerGroup, TopicShape};

pub(in crate::core::groups) const DEFAULT_ASSIGNOR: &str = "uniform";
pub(in crate::core::groups) const ASSIGNORS: [&str; 2] = ["uniform", "range"];

/// Sharing is made more even at most this often; each round moves every partition that can move.
const BALANCE_ROUNDS_MAX: usize = 16;

impl ConsumerGroup {
    /// Computes the target of the group's epoch.
    pub(super) fn assign(&mut self) {
        self.assignor = self.preferred_assignor();
        let mut sharing = Sharing::new(self);
        self.target = match self.assignor.as_str() {
            "range" => sharing.range(),
            _ => sharing.uniform(&self.target),
        };
        self.assignment_epoch = self.epoch;
    }

    /// The assignor that most members prefer.
    fn preferred_assignor(&self) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for assignor in self.members.values().filter_map(|member| member.assignor.as_deref()) {
            *votes.entry(assignor).or_default() += 1;
        }
        let best = votes.into_iter().max_by_key(|(_, count)| *count);
        best.map_or(DEFAULT_ASSIGNOR, |(assignor, _)| assignor).to_owned()
    }
}

/// Members and the topics that each of them reads.
struct Sharing<'a> {
    topics: Vec<(TopicShape, Vec<&'a str>)>,
    shares: BTreeMap<&'a str, Assignment>,
}

impl<'a> Sharing<'a> {
    fn new(group: &'a ConsumerGroup) -> Sharing<'a> {
        // Static members are in the order of their instances, so that a restart changes nothing.
        let mut members: Vec<_> = group.members.iter().collect();
        members.sort_by_key(|(id, member)| {
            let instance = member.identity.instance.as_deref();
            (instance.is_none(), instance.unwrap_or(id))
        });
        let mut readers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (id, member) in members {
            for topic in group.topics_of(member) {
                readers.entry(topic).or_default().push(id);
            }
        }
        let topics = readers
            .into_iter()
            .filter_map(|(name, readers)| group.topics.get(&name).map(|shape| (*shape, readers)));
        let topics = topics.collect();
        let shares = group.members.keys().map(|id| (id.as_str(), Assignment::new())).collect();
        Sharing { topics, shares }
    }

    fn give(&mut self, member: &str, topic: Uuid, partition: i32) {
        if let Some(share) = self.shares.get_mut(member) {
            share.entry(topic).or_default().insert(partition);
        }
    }

    fn finished(self) -> BTreeMap<String, Assignment> {
        self.shares.into_iter().map(|(id, share)| (id.to_owned(), share)).collect()
    }

    /// Each reader of a topic gets neighbouring partitions; the first ones get one more.
    fn range(mut self) -> BTreeMap<String, Assignment> {
        for (shape, readers) in std::mem::take(&mut self.topics) {
            let (each, more) = (shape.partitions / readers.len(), shape.partitions % readers.len());
            let mut next = 0;
            for (index, reader) in (0..).zip(readers) {
                let end = next + each + usize::from(index < more);
                for partition in next..end {
                    self.give(reader, shape.id, i32::try_from(partition).unwrap_or(i32::MAX));
                }
                next = end;
            }
        }
        self.finished()
    }

    /// Everybody keeps what it has as far as that is even.
    fn uniform(&mut self, before: &BTreeMap<String, Assignment>) -> BTreeMap<String, Assignment> {
        let topics = std::mem::take(&mut self.topics);
        let mut owners: Vec<Owned<'a>> = Vec::new();
        let mut loads: BTreeMap<&str, usize> = self.shares.keys().map(|id| (*id, 0)).collect();
        for (index, (shape, readers)) in topics.iter().enumerate() {
            let kept = kept(shape, readers, before);
            for partition in 0..i32::try_from(shape.partitions).unwrap_or(i32::MAX) {
                let owner = kept.get(&partition).copied();
                if let Some(load) = owner.and_then(|owner| loads.get_mut(owner)) {
                    *load += 1;
                }
                owners.push(Owned { topic: index, partition, owner });
            }
        }
        for _ in 0..BALANCE_ROUNDS_MAX {
            let mut has_moved = false;
            for owned in &mut owners {
                has_moved |= owned.settle(&topics[owned.topic].1, &mut loads);
            }
            if !has_moved {
                break;
            }
        }
        for owned in owners {
            if let Some(owner) = owned.owner {
                self.give(owner, topics[owned.topic].0.id, owned.partition);
            }
        }
        std::mem::replace(self, Sharing { topics: Vec::new(), shares: BTreeMap::new() }).finished()
    }
}

/// A partition and who has it.
struct Owned<'a> {
    topic: usize,
    partition: i32,
    owner: Option<&'a str>,
}

impl<'a> Owned<'a> {
    /// Moves the partition to the reader that has least if that is more even.
    fn settle(&mut self, readers: &[&'a str], loads: &mut BTreeMap<&'a str, usize>) -> bool {
        let load = |loads: &BTreeMap<&str, usize>, id: &str| loads.get(id).copied().unwrap_or(0);
        let Some(least) = readers.iter().copied().min_by_key(|id| load(loads, id)) else {
            return false;
        };
        if let Some(owner) = self.owner {
            if load(loads, owner) <= load(loads, least) + 1 {
                return false;
            }
            *loads.entry(owner).or_default() -= 1;
        }
        *loads.entry(least).or_default() += 1;
        self.owner = Some(least);
        true
    }
}

/// The readers of a topic by the partitions that they had before.
fn kept<'a>(
    shape: &TopicShape,
    readers: &[&'a str],
    before: &BTreeMap<String, Assignment>,
) -> BTreeMap<i32, &'a str> {
    let mut kept = BTreeMap::new();
    let nothing = BTreeSet::new();
    for reader in readers {
        let had = before.get(*reader).and_then(|share| share.get(&shape.id)).unwrap_or(&nothing);
        kept.extend(had.iter().map(|partition| (*partition, *reader)));
    }
    kept
}
