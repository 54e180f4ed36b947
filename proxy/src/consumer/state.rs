//! What a consumer instance reads, how far it was read, and what it may be asked: a state machine without Kafka, a
//! clock or a lock.
//!
//! [`State::decide`] says whether a command is allowed, what is to be done for it ([`Effect`]), and how the state
//! changes once that is done ([`Change`]). `task.rs` does it. The state is serialisable, so that another process
//! can go on with it: what was fetched and not read is not in it, and is fetched again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::partitions::{Commit, Position, Positions, TopicPartition};
use super::trouble::{Denied, Trouble};
use crate::error::ProxyError;

/// All that lasts of an instance between two requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    rules: Rules,
    source: Source,
    /// The offset after the last record that is in an answer, for each partition that was read from.
    pub(super) positions: Positions,
    /// What the instance has committed. What librdkafka commits by itself is not here.
    pub(super) committed: Positions,
    /// Positions of a subscriber that left its group for a while, without a commit.
    kept: Positions,
    /// While records are lent to an answer that is being written: the offset after the last of each partition.
    lent: Option<Positions>,
    pub(super) trouble: Trouble,
}

/// What the client that made the instance has said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// librdkafka commits what was read: every few seconds, and when the instance leaves its group.
    pub(crate) auto_commit: bool,
    /// A partition for which nothing is committed begins at a time, which librdkafka cannot do by itself.
    pub(crate) begins_at_time: bool,
}

/// How the instance comes by its partitions. The ways exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    #[default]
    None,
    /// Topics by name; the group shares their partitions out.
    Subscription(Vec<String>),
    /// The topics that match a pattern now; the group shares their partitions out.
    Pattern { pattern: String, topics: Arc<[String]> },
    /// Partitions that the client chose, without the group.
    Assignment(Vec<TopicPartition>),
}

/// What a request, or the proxy itself, asks of an instance.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Subscribe {
        topics: Vec<String>,
    },
    SubscribePattern {
        pattern: String,
        topics: Arc<[String]>,
    },
    /// Other topics match the pattern than before.
    Match {
        topics: Arc<[String]>,
    },
    Unsubscribe,
    /// No partition ends the assignment.
    Assign {
        partitions: Vec<TopicPartition>,
    },
    /// Commits these offsets, or how far the instance was read.
    Commit {
        offsets: Option<BTreeMap<TopicPartition, Commit>>,
    },
    /// Goes on at other positions. `assigned` are the partitions that the instance's client has.
    Seek {
        to: Vec<(TopicPartition, Position)>,
        assigned: Vec<TopicPartition>,
    },
    /// The instance's client is given up, and leaves its group; another is made when somebody asks.
    GiveUpClient,
    /// A subscriber that left its group has partitions again. `committed` is what the group has committed meanwhile.
    Return {
        assigned: Vec<TopicPartition>,
        committed: Positions,
    },
}

/// What is to be done with the instance's client of Kafka.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// At least one topic, each by its name.
    Subscribe(Vec<String>),
    Unsubscribe,
    /// Where each begins: at an offset, or where its group has committed.
    Assign(Vec<(TopicPartition, Option<i64>)>),
    Unassign,
    /// At least one offset.
    Commit(BTreeMap<TopicPartition, Commit>),
    /// At least one partition.
    Seek(Vec<(TopicPartition, Position)>),
}

/// How the state changes once a command's effects are done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Nothing,
    /// The instance reads something else.
    Reads(Source),
    /// The instance reads nothing, and forgets what it has read.
    ReadsNothing,
    Committed(BTreeMap<TopicPartition, Commit>),
    Moved(Vec<(TopicPartition, Position)>),
    HasNoClient,
    /// These positions are the instance's again.
    Returned(Positions),
}

/// The answer to a command that is allowed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    pub(crate) effects: Vec<Effect>,
    pub(crate) change: Change,
}

fn decided(effects: Vec<Effect>, change: Change) -> Result<Decision, ProxyError> {
    Ok(Decision { effects, change })
}

impl Source {
    /// The topics, each once.
    pub(crate) fn topics(&self) -> Vec<&str> {
        let mut topics: Vec<&str> = match self {
            Source::None => Vec::new(),
            Source::Subscription(topics) => topics.iter().map(String::as_str).collect(),
            Source::Pattern { topics, .. } => topics.iter().map(String::as_str).collect(),
            Source::Assignment(partitions) => partitions.iter().map(|p| p.topic.as_str()).collect(),
        };
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    /// Returns true if the group shares the partitions out.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Source::Subscription(_) | Source::Pattern { .. })
    }
}

impl State {
    pub(crate) fn new(rules: Rules) -> State {
        State { rules, ..State::default() }
    }

    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Returns true if records are in an answer that is being written.
    pub(crate) fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// Positions that were read and not committed. Empty if librdkafka commits by itself.
    pub(crate) fn uncommitted(&self) -> Positions {
        let mut uncommitted = self.kept.clone();
        uncommitted.extend(self.positions.clone());
        uncommitted.retain(|partition, offset| self.committed.get(partition) != Some(offset));
        if self.rules.auto_commit { Positions::default() } else { uncommitted }
    }

    /// What is to be done for a command, and what changes then. The state stays as it is.
    ///
    /// 40903 another source is there, or a partition is not assigned.
    pub(crate) fn decide(&self, command: Command) -> Result<Decision, ProxyError> {
        match command {
            Command::Subscribe { topics } => self.subscribe(topics),
            Command::SubscribePattern { pattern, topics } => {
                self.subscribe_pattern(pattern, topics)
            }
            Command::Match { topics } => match &self.source {
                Source::Pattern { pattern, topics: before } if *before != topics => {
                    self.subscribe_pattern(pattern.clone(), topics)
                }
                _ => decided(Vec::new(), Change::Nothing),
            },
            Command::Unsubscribe => {
                decided(vec![Effect::Unsubscribe, Effect::Unassign], Change::ReadsNothing)
            }
            Command::Assign { partitions } => self.assign(partitions),
            Command::Commit { offsets } => self.commit(offsets),
            Command::Seek { to, assigned } => seek(to, &assigned),
            Command::GiveUpClient => decided(Vec::new(), Change::HasNoClient),
            Command::Return { assigned, committed } => self.return_to(&assigned, &committed),
        }
    }

    fn subscribe(&self, topics: Vec<String>) -> Result<Decision, ProxyError> {
        if matches!(self.source, Source::Assignment(_) | Source::Pattern { .. }) {
            return Err(mutually_exclusive());
        }
        let effect = Effect::Subscribe(topics.clone());
        decided(vec![effect], Change::Reads(Source::Subscription(topics)))
    }

    fn subscribe_pattern(
        &self,
        pattern: String,
        topics: Arc<[String]>,
    ) -> Result<Decision, ProxyError> {
        let before = match &self.source {
            Source::None => &[],
            Source::Pattern { topics, .. } => &**topics,
            Source::Subscription(_) | Source::Assignment(_) => return Err(mutually_exclusive()),
        };
        let effects = match topics.is_empty() {
            _ if *before == *topics => Vec::new(),
            true => vec![Effect::Unsubscribe],
            false => vec![Effect::Subscribe(topics.to_vec())],
        };
        decided(effects, Change::Reads(Source::Pattern { pattern, topics }))
    }

    fn assign(&self, partitions: Vec<TopicPartition>) -> Result<Decision, ProxyError> {
        if self.source.is_shared() {
            return Err(mutually_exclusive());
        }
        if partitions.is_empty() {
            return decided(vec![Effect::Unassign], Change::ReadsNothing);
        }
        let effect = Effect::Assign(self.starts(&partitions));
        decided(vec![effect], Change::Reads(Source::Assignment(partitions)))
    }

    fn commit(
        &self,
        offsets: Option<BTreeMap<TopicPartition, Commit>>,
    ) -> Result<Decision, ProxyError> {
        let read = |(partition, offset): (&TopicPartition, &i64)| {
            (partition.clone(), Commit { offset: *offset, metadata: None })
        };
        let offsets = offsets.unwrap_or_else(|| self.positions.iter().map(read).collect());
        match offsets.is_empty() {
            true => decided(Vec::new(), Change::Nothing),
            false => decided(vec![Effect::Commit(offsets.clone())], Change::Committed(offsets)),
        }
    }

    /// Returns the partitions of a subscriber that left its group and has partitions again, as far as it was in
    /// them: the group is asked what it has committed of these before [`Command::Return`].
    pub(crate) fn returning(&self, assigned: &[TopicPartition]) -> Vec<TopicPartition> {
        self.kept.keys().filter(|partition| assigned.contains(partition)).cloned().collect()
    }

    /// Returns true if a subscriber that left its group had positions that are not committed.
    pub(crate) fn has_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Goes on where the instance was, but not behind what others have committed meanwhile.
    fn return_to(
        &self,
        assigned: &[TopicPartition],
        committed: &Positions,
    ) -> Result<Decision, ProxyError> {
        let mut kept = self.kept.clone();
        kept.retain(|partition, offset| {
            assigned.contains(partition) && committed.get(partition).is_none_or(|c| c <= offset)
        });
        let to: Vec<_> =
            kept.iter().map(|(p, offset)| (p.clone(), Position::Offset(*offset))).collect();
        let effects = if to.is_empty() { Vec::new() } else { vec![Effect::Seek(to)] };
        decided(effects, Change::Returned(kept))
    }

    /// What makes a new client read what the instance reads.
    pub(crate) fn attach(&self) -> Vec<Effect> {
        match &self.source {
            Source::None => Vec::new(),
            Source::Subscription(topics) => vec![Effect::Subscribe(topics.clone())],
            // librdkafka takes no empty list
            Source::Pattern { topics, .. } if topics.is_empty() => Vec::new(),
            Source::Pattern { topics, .. } => vec![Effect::Subscribe(topics.to_vec())],
            Source::Assignment(partitions) => vec![Effect::Assign(self.starts(partitions))],
        }
    }

    fn starts(&self, partitions: &[TopicPartition]) -> Vec<(TopicPartition, Option<i64>)> {
        let points = self.resume_points();
        partitions.iter().map(|p| (p.clone(), points.get(p).copied())).collect()
    }

    /// Where each partition goes on that was read from: after what is in an answer, or on its way into one.
    pub(crate) fn resume_points(&self) -> Positions {
        let mut points = self.positions.clone();
        points.extend(self.lent.clone().unwrap_or_default());
        points
    }

    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Nothing => {}
            Change::Reads(source) => self.read_from(source),
            Change::ReadsNothing => {
                let lent = self.lent.take().map(|_| Positions::default());
                *self = State { lent, ..State::new(self.rules) };
            }
            Change::Committed(offsets) => {
                self.committed.extend(offsets.into_iter().map(|(p, commit)| (p, commit.offset)));
            }
            Change::Moved(to) => {
                for (partition, position) in to {
                    self.forget(&partition);
                    if let Position::Offset(offset) = position {
                        self.positions.insert(partition, offset);
                    }
                }
            }
            Change::HasNoClient => self.lose_client(),
            Change::Returned(positions) => {
                self.kept.clear();
                for (partition, offset) in positions {
                    self.forget(&partition);
                    self.positions.insert(partition, offset);
                }
            }
        }
    }

    fn read_from(&mut self, source: Source) {
        if let Source::Assignment(partitions) = &source {
            // what stays assigned stays where it is
            let stays = |partition: &TopicPartition, _: &mut i64| partitions.contains(partition);
            self.positions.retain(stays);
            self.committed.retain(stays);
            self.lent.iter_mut().for_each(|lent| lent.retain(stays));
        }
        self.trouble.denied = None;
        self.source = source;
    }

    /// A subscriber leaves its group, as in a rebalance; partitions of its own stay where they are.
    fn lose_client(&mut self) {
        if !self.source.is_shared() {
            return;
        }
        let read = std::mem::take(&mut self.positions);
        self.lent.iter_mut().for_each(|lent| lent.clear());
        // with auto commit they are committed as it leaves
        if !self.rules.auto_commit {
            self.kept.extend(read);
        }
    }

    /// Records of these partitions are in an answer that is being written: `ends` are the offsets after the last of
    /// each. They are not read before [`State::settle`].
    pub(super) fn lend(&mut self, ends: Positions) {
        self.lent = Some(ends);
    }

    /// The answer is written, with records up to these offsets. Returns those that count as read: the partitions
    /// that were not moved, revoked or given up meanwhile.
    pub(super) fn settle(&mut self, mut read: Positions) -> Positions {
        let lent = self.lent.take().unwrap_or_default();
        read.retain(|partition, _| lent.contains_key(partition));
        self.positions.extend(read.clone());
        read
    }

    /// Returns true if what was lent of this partition may go back to where it was.
    pub(super) fn has_lent(&self, topic: &str, partition: i32) -> bool {
        let is_it = |p: &TopicPartition| p.partition == partition && p.topic == topic;
        self.lent.as_ref().is_some_and(|lent| lent.keys().any(is_it))
    }

    /// The partition is somebody else's now, or goes on elsewhere.
    pub(super) fn forget(&mut self, partition: &TopicPartition) {
        self.positions.remove(partition);
        if let Some(lent) = &mut self.lent {
            lent.remove(partition);
        }
    }

    /// The group has taken the partition away.
    pub(super) fn revoke(&mut self, partition: &TopicPartition) {
        self.forget(partition);
        self.committed.remove(partition);
    }

    /// What the missing rights are on, as the client hears of it: 40301.
    pub(crate) fn denial(&self, denied: Denied, group: &str) -> ProxyError {
        match denied {
            Denied::Group => ProxyError::group_denied(group),
            Denied::Topics => ProxyError::topics_denied(&self.source.topics()),
        }
    }
}

fn seek(
    to: Vec<(TopicPartition, Position)>,
    assigned: &[TopicPartition],
) -> Result<Decision, ProxyError> {
    if let Some((missing, _)) = to.iter().find(|(partition, _)| !assigned.contains(partition)) {
        return Err(illegal(format!("No current assignment for partition {missing}")));
    }
    match to.is_empty() {
        true => decided(Vec::new(), Change::Nothing),
        false => decided(vec![Effect::Seek(to.clone())], Change::Moved(to)),
    }
}

fn mutually_exclusive() -> ProxyError {
    illegal("Subscription to topics, partitions and pattern are mutually exclusive".to_string())
}

fn illegal(reason: String) -> ProxyError {
    ProxyError::IllegalState { reason }
}
