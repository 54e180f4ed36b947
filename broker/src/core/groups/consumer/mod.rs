//! Groups of the consumer protocol: members tell with each ConsumerGroupHeartbeat what they read and
//! have, and the broker assigns partitions to them.
//!
//! Three epochs tell how far things are: the group's grows when members or topics change, the
//! assignment's follows when a target is computed, and a member's when it has what the target says.

mod assignor;
mod classic_side;
mod heartbeat;
mod kept;
mod leave;
mod migrate;
mod reconcile;
mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use regex::bytes::{Regex, RegexBuilder};
use uuid::Uuid;

pub(super) use assignor::{ASSIGNORS, DEFAULT_ASSIGNOR};
pub(super) use classic_side::ClassicSide;
pub(super) use heartbeat::{Beat, Identity};
pub(super) use kept::KeptConsumerGroup;

/// The epoch with which a member comes.
pub(super) const JOIN_EPOCH: i32 = 0;
/// The epoch with which a member leaves.
pub(super) const LEAVE_EPOCH: i32 = -1;
/// The epoch with which a static member leaves that will come back.
pub(super) const STATIC_LEAVE_EPOCH: i32 = -2;

/// A compiled expression of a subscription takes at most this much memory.
const REGEX_MAX_BYTES: usize = 256 * 1024;

/// Partitions by the id of their topic. Topics without partitions are not there.
pub(super) type Assignment = BTreeMap<Uuid, BTreeSet<i32>>;

/// Where a member is on the way to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MemberState {
    /// It has what the target of its epoch says.
    Stable,
    /// It has to give partitions back first.
    Unrevoked,
    /// It waits for partitions that others have to give back.
    Unreleased,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ConsumerMember {
    pub identity: Identity,
    pub rebalance_timeout_ms: i32,
    /// The assignor that the member prefers.
    pub assignor: Option<String>,
    pub topics: BTreeSet<String>,
    pub regex: Option<String>,
    pub epoch: i32,
    pub previous_epoch: i32,
    pub state: MemberState,
    pub assigned: Assignment,
    /// What the member was told to give back and may still read.
    pub revoking: Assignment,
    /// A member that speaks the classic protocol has this.
    pub classic: Option<ClassicSide>,
}

/// A topic as an assignor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct TopicShape {
    #[serde(with = "kept::id")]
    pub id: Uuid,
    pub partitions: usize,
}

#[derive(Debug)]
pub(super) struct ConsumerGroup {
    pub id: String,
    pub epoch: i32,
    pub assignment_epoch: i32,
    /// The assignor of the target.
    pub assignor: String,
    pub members: BTreeMap<String, ConsumerMember>,
    /// What each member is to have.
    pub target: BTreeMap<String, Assignment>,
    /// How long a member of the consumer protocol may be silent.
    pub session: Duration,
    /// When the last member left, in milliseconds since 1970.
    pub empty_since_ms: i64,
    instances: BTreeMap<String, String>,
    /// Topics that members read, as they were when the target was computed.
    topics: BTreeMap<String, TopicShape>,
    /// Topics that match the expressions of members.
    matched: BTreeMap<String, BTreeSet<String>>,
}

impl ConsumerGroup {
    pub fn new(id: String, session: Duration, now_ms: i64) -> ConsumerGroup {
        ConsumerGroup {
            id,
            epoch: 0,
            assignment_epoch: 0,
            assignor: DEFAULT_ASSIGNOR.to_owned(),
            members: BTreeMap::new(),
            target: BTreeMap::new(),
            session,
            empty_since_ms: now_ms,
            instances: BTreeMap::new(),
            topics: BTreeMap::new(),
            matched: BTreeMap::new(),
        }
    }

    pub fn state(&self) -> &'static str {
        let is_reconciled = |member: &ConsumerMember| {
            member.state == MemberState::Stable && member.epoch == self.assignment_epoch
        };
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.assignment_epoch {
            "Assigning"
        } else if self.members.values().all(is_reconciled) {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    /// The topics that a member reads: what it names, and what its expression matches.
    fn topics_of(&self, member: &ConsumerMember) -> BTreeSet<String> {
        let matched = member.regex.as_ref().and_then(|regex| self.matched.get(regex));
        member.topics.iter().chain(matched.into_iter().flatten()).cloned().collect()
    }

    /// Every topic that a member reads.
    pub fn subscribed_topics(&self) -> BTreeSet<String> {
        self.members.values().flat_map(|member| self.topics_of(member)).collect()
    }

    /// The expressions of members.
    pub fn regexes(&self) -> BTreeSet<String> {
        self.members.values().filter_map(|member| member.regex.clone()).collect()
    }

    /// Checks who commits or fetches offsets.
    pub fn validate_offsets(&self, member: &str, epoch: i32) -> Result<(), ResponseError> {
        match self.members.get(member) {
            None => Err(ResponseError::UnknownMemberId),
            Some(member) if member.epoch != epoch && member.classic.is_some() => {
                Err(ResponseError::IllegalGeneration)
            }
            Some(member) if member.epoch != epoch => Err(ResponseError::StaleMemberEpoch),
            Some(_) => Ok(()),
        }
    }
}

/// Compiles an expression of a subscription, which has to match whole names of topics.
pub(super) fn compile(regex: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{regex})$")).unicode(false).size_limit(REGEX_MAX_BYTES).build()
}
