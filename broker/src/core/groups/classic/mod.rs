//! Groups of the classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup. Members agree on an
//! assignment that one of them, the leader, makes.

mod heartbeat;
mod join;
mod kept;
mod leave;
mod member;
mod rebalance;
mod static_members;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_protocol::error::ResponseError;

pub(super) use join::{JoinRefused, Joining};
pub(super) use kept::KeptClassicGroup;
pub(super) use leave::Leaving;
pub(super) use member::{ClassicMember, Protocol};
pub(super) use sync::{PROTOCOL_FROM as SYNC_PROTOCOL_FROM, refused as sync_refused};

/// Where a group is between two assignments. A group that is deleted is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClassicState {
    /// There are no members; there may be offsets.
    Empty,
    /// Members are asked to join anew.
    PreparingRebalance,
    /// Every member has joined, and the leader makes the assignment.
    CompletingRebalance,
    Stable,
}

impl ClassicState {
    pub fn name(self) -> &'static str {
        match self {
            ClassicState::Empty => "Empty",
            ClassicState::PreparingRebalance => "PreparingRebalance",
            ClassicState::CompletingRebalance => "CompletingRebalance",
            ClassicState::Stable => "Stable",
        }
    }
}

/// How the first rebalance of a group waits for more members to come.
#[derive(Clone, Copy, Debug)]
struct InitialDelay {
    step: Duration,
    remaining: Duration,
    has_new_member: bool,
}

#[derive(Debug)]
pub(super) struct ClassicGroup {
    pub id: String,
    pub state: ClassicState,
    pub generation: i32,
    pub protocol_type: Option<String>,
    pub protocol: Option<String>,
    pub leader: Option<String>,
    pub members: BTreeMap<String, ClassicMember>,
    /// When the group came into its state, in milliseconds since 1970.
    pub state_since_ms: i64,
    /// Member ids by the `group.instance.id` that they have.
    instances: BTreeMap<String, String>,
    /// Ids that were handed out and not used yet.
    pending_joins: BTreeSet<String>,
    /// Members that have joined the generation and have not asked for their assignment.
    pending_syncs: BTreeSet<String>,
    initial_delay: Option<InitialDelay>,
}

impl ClassicGroup {
    pub fn new(id: String, now_ms: i64) -> ClassicGroup {
        ClassicGroup {
            id,
            state: ClassicState::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            state_since_ms: now_ms,
            instances: BTreeMap::new(),
            pending_joins: BTreeSet::new(),
            pending_syncs: BTreeSet::new(),
            initial_delay: None,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.state == ClassicState::Empty
    }

    /// Returns true if the group has members or will have some soon.
    pub fn is_in_use(&self) -> bool {
        !self.members.is_empty() || !self.pending_joins.is_empty() || !self.is_empty()
    }

    /// Checks that a member is who it says it is.
    pub fn validate_member(
        &self,
        member: &str,
        instance: Option<&str>,
    ) -> Result<(), ResponseError> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(current) if current != member => {
                    return Err(ResponseError::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        match self.members.contains_key(member) {
            true => Ok(()),
            false => Err(ResponseError::UnknownMemberId),
        }
    }

    fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    /// The longest that members want to be waited for when the group rebalances.
    fn rebalance_timeout(&self) -> Duration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    /// Protocols that every member has.
    fn common_protocols(&self) -> BTreeSet<&str> {
        let mut members = self.members.values();
        let Some(first) = members.next() else { return BTreeSet::new() };
        let mut common: BTreeSet<&str> =
            first.protocols.iter().map(|protocol| protocol.name.as_str()).collect();
        for member in members {
            common.retain(|name| member.metadata(name).is_some());
        }
        common
    }

    /// Returns true if somebody with these protocols can be a member beside those who are there.
    fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.is_empty() || self.members.is_empty() {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let common = self.common_protocols();
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|protocol| common.contains(protocol.name.as_str()))
    }

    /// The protocol that most members like best of those that all of them have.
    fn select_protocol(&self) -> Option<String> {
        let common = self.common_protocols();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let names = member.protocols.iter().map(|protocol| protocol.name.as_str());
            if let Some(favourite) = names.into_iter().find(|name| common.contains(name)) {
                *votes.entry(favourite).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.to_owned())
    }

    /// The topics that members read, if they are consumers and say it.
    pub fn subscribed_topics(&self) -> BTreeSet<String> {
        let Some(protocol) = &self.protocol else { return BTreeSet::new() };
        if self.protocol_type.as_deref() != Some("consumer") {
            return BTreeSet::new();
        }
        self.members
            .values()
            .filter_map(|member| member.metadata(protocol))
            .flat_map(super::subscription::topics)
            .collect()
    }
}
