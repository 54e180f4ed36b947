//! What a request is about, so that rules can be about it.

use bytes::BytesMut;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    ApiKey, ConsumerGroupHeartbeatRequest, GroupId, InitProducerIdRequest, LeaveGroupRequest,
    TransactionalId,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use uuid::Uuid;

use crate::apis::Request;

/// Names that are in a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    pub topics: Vec<String>,
    /// Topics whose names are not in the request.
    pub topic_ids: Vec<Uuid>,
    pub groups: Vec<String>,
    pub transactional_ids: Vec<String>,
    /// The producer or member that can be fenced.
    pub fenceable: Option<Fenceable>,
}

/// What can be fenced.
#[derive(Clone, Debug, PartialEq)]
pub enum Fenceable {
    /// A producer with this transactional id.
    Producer(TransactionalId),
    /// A member of a group whose members agree among themselves.
    Member { group: GroupId, member: StrBytes, instance: Option<StrBytes> },
    /// A member of a group whose broker assigns.
    ConsumerMember { group: GroupId, member: StrBytes },
}

/// The transaction's time-out that a producer says which fences another.
const TRANSACTION_TIMEOUT_MS: i32 = 60_000;
/// The version in which members are fenced.
const LEAVE_GROUP_VERSION: i16 = 4;
/// The version in which producers are fenced.
const INIT_PRODUCER_ID_VERSION: i16 = 4;
/// The epoch with which a member says that it leaves.
const LEAVING_EPOCH: i32 = -1;

impl Fenceable {
    /// The request, with its version, of somebody who takes the place of a producer, or sends a member away.
    pub fn request(self) -> Option<(i16, Request)> {
        match self {
            Fenceable::Producer(transactional_id) => {
                let request = InitProducerIdRequest::default()
                    .with_transactional_id(Some(transactional_id))
                    .with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS)
                    .with_producer_id((-1).into())
                    .with_producer_epoch(-1);
                as_sent(ApiKey::InitProducerId, INIT_PRODUCER_ID_VERSION, &request)
            }
            Fenceable::Member { group, member, instance } => {
                let member = MemberIdentity::default()
                    .with_member_id(member)
                    .with_group_instance_id(instance);
                let request =
                    LeaveGroupRequest::default().with_group_id(group).with_members(vec![member]);
                as_sent(ApiKey::LeaveGroup, LEAVE_GROUP_VERSION, &request)
            }
            Fenceable::ConsumerMember { group, member } => {
                let request = ConsumerGroupHeartbeatRequest::default()
                    .with_group_id(group)
                    .with_member_id(member)
                    .with_member_epoch(LEAVING_EPOCH);
                as_sent(ApiKey::ConsumerGroupHeartbeat, 0, &request)
            }
        }
    }
}

/// A request as it would come from a client; none if the broker does not have its API.
fn as_sent(key: ApiKey, version: i16, request: &impl Encodable) -> Option<(i16, Request)> {
    let mut bytes = BytesMut::new();
    request.encode(&mut bytes, version).ok()?;
    let request = Request::decode(key as i16, version, &mut bytes.freeze()).ok()?;
    Some((version, request))
}

impl Subject {
    #[must_use]
    pub fn topic(mut self, name: &str) -> Subject {
        if !name.is_empty() {
            self.topics.push(name.to_owned());
        }
        self
    }

    #[must_use]
    pub fn topics<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Subject {
        names.into_iter().fold(self, Subject::topic)
    }

    #[must_use]
    pub fn topic_ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Subject {
        self.topic_ids.extend(ids.into_iter().filter(|id| !id.is_nil()));
        self
    }

    #[must_use]
    pub fn group(mut self, group: &str) -> Subject {
        self.groups.push(group.to_owned());
        self
    }

    #[must_use]
    pub fn groups<'a>(self, groups: impl IntoIterator<Item = &'a str>) -> Subject {
        groups.into_iter().fold(self, Subject::group)
    }

    #[must_use]
    pub fn transactional_id(mut self, id: &str) -> Subject {
        if !id.is_empty() {
            self.transactional_ids.push(id.to_owned());
        }
        self
    }

    /// The request's producer, which a fence is for.
    #[must_use]
    pub fn producer(mut self, id: &TransactionalId) -> Subject {
        self.fenceable = Some(Fenceable::Producer(id.clone()));
        self.transactional_id(id)
    }

    /// The request's group and member, which a fence is for.
    #[must_use]
    pub fn member(
        mut self,
        group: &GroupId,
        member: &StrBytes,
        instance: Option<&StrBytes>,
    ) -> Subject {
        if !member.is_empty() {
            self.fenceable = Some(Fenceable::Member {
                group: group.clone(),
                member: member.clone(),
                instance: instance.cloned(),
            });
        }
        self.group(group)
    }
}
