//! What outlives a restart: a classic group as its last assignment left it.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{ClassicGroup, ClassicMember, ClassicState, Protocol};
use crate::core::groups::hex;

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::core::groups) struct KeptClassicGroup {
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    state_since_ms: i64,
    members: Vec<KeptMember>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptMember {
    id: String,
    instance: Option<String>,
    client_id: String,
    client_host: String,
    session_timeout_ms: u64,
    rebalance_timeout_ms: u64,
    protocols: Vec<Protocol>,
    #[serde(with = "hex")]
    assignment: Bytes,
}

impl ClassicGroup {
    /// What is kept, or `None` amidst a rebalance: then the last assignment stays.
    pub fn kept(&self) -> Option<KeptClassicGroup> {
        match self.state {
            ClassicState::Empty | ClassicState::Stable => Some(KeptClassicGroup {
                generation: self.generation,
                protocol_type: self.protocol_type.clone(),
                protocol: self.protocol.clone(),
                leader: self.leader.clone(),
                state_since_ms: self.state_since_ms,
                members: self.members.values().map(KeptMember::new).collect(),
            }),
            ClassicState::PreparingRebalance | ClassicState::CompletingRebalance => None,
        }
    }

    /// A stable group of these members, one of which leads.
    pub fn stable(
        id: String,
        generation: i32,
        protocol_type: &str,
        members: Vec<ClassicMember>,
        now_ms: i64,
    ) -> ClassicGroup {
        let mut group = ClassicGroup::new(id, now_ms);
        group.state = ClassicState::Stable;
        group.generation = generation;
        group.protocol_type = Some(protocol_type.to_owned());
        for member in members {
            if let Some(instance) = &member.instance {
                group.instances.insert(instance.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member);
        }
        group.leader = group.members.keys().next().cloned();
        group.protocol = group.select_protocol();
        group
    }

    pub fn from_kept(id: String, kept: KeptClassicGroup) -> ClassicGroup {
        let mut group = ClassicGroup::new(id, kept.state_since_ms);
        group.generation = kept.generation;
        group.protocol_type = kept.protocol_type;
        group.protocol = kept.protocol;
        group.leader = kept.leader;
        for member in kept.members {
            if let Some(instance) = &member.instance {
                group.instances.insert(instance.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member.member());
        }
        if !group.members.is_empty() {
            group.state = ClassicState::Stable;
        }
        group
    }
}

impl KeptMember {
    fn new(member: &ClassicMember) -> KeptMember {
        KeptMember {
            id: member.id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            session_timeout_ms: millis(member.session_timeout),
            rebalance_timeout_ms: millis(member.rebalance_timeout),
            protocols: member.protocols.clone(),
            assignment: member.assignment.clone(),
        }
    }

    fn member(self) -> ClassicMember {
        ClassicMember {
            id: self.id,
            instance: self.instance,
            client_id: self.client_id,
            client_host: self.client_host,
            session_timeout: Duration::from_millis(self.session_timeout_ms),
            rebalance_timeout: Duration::from_millis(self.rebalance_timeout_ms),
            protocols: self.protocols,
            assignment: self.assignment,
            joining: None,
            syncing: None,
            is_new: false,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
