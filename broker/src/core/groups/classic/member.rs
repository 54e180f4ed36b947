//! A member of a classic group.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::protocol::StrBytes;
use serde::{Deserialize, Serialize};

use crate::core::groups::hex;
use crate::core::groups::turn::Waiting;

/// A way to assign partitions that a member has, with what the member says for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::core::groups) struct Protocol {
    pub name: String,
    #[serde(with = "hex")]
    pub metadata: Bytes,
}

#[derive(Debug)]
pub(in crate::core::groups) struct ClassicMember {
    pub id: String,
    /// As `group.instance.id`.
    pub instance: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub session_timeout: Duration,
    pub rebalance_timeout: Duration,
    /// In the order in which the member likes them.
    pub protocols: Vec<Protocol>,
    pub assignment: Bytes,
    /// A JoinGroup request that waits for the others to join.
    pub joining: Option<Waiting>,
    /// A SyncGroup request that waits for the leader's assignment.
    pub syncing: Option<Waiting>,
    /// The member has never got an answer to JoinGroup with its id.
    pub is_new: bool,
}

impl ClassicMember {
    pub fn metadata(&self, protocol: &str) -> Option<&Bytes> {
        let found = self.protocols.iter().find(|own| own.name == protocol);
        found.map(|protocol| &protocol.metadata)
    }

    /// Returns true if the member waits for the group: its silence says nothing.
    pub fn is_excused(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }

    /// As the leader is told.
    pub fn described(&self, protocol: Option<&str>) -> JoinGroupResponseMember {
        let metadata = protocol.and_then(|protocol| self.metadata(protocol)).cloned();
        JoinGroupResponseMember::default()
            .with_member_id(StrBytes::from_string(self.id.clone()))
            .with_group_instance_id(self.instance.clone().map(StrBytes::from_string))
            .with_metadata(metadata.unwrap_or_default())
    }
}
