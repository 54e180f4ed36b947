//! Consumer groups and their members, of both of Kafka's group protocols.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerProtocolAssignment, DeleteGroupsRequest,
    DescribeGroupsRequest, GroupId, HeartbeatRequest, ListGroupsRequest,
    consumer_group_describe_response, describe_groups_response,
};
use kafka_protocol::protocol::{Decodable, StrBytes};

use super::{ASK_TIMEOUT, Admin};
use crate::client::{Coordinated, Node};
use crate::code::Code;
use crate::fault::{Fault, check};
use crate::retry::again;
use crate::topic::{Partition, TopicName};

/// A consumer group.
pub struct Group {
    pub id: String,
    /// Only commits offsets: no members are known.
    pub is_simple: bool,
    /// How partitions are assigned; empty where nobody is a member.
    pub assignor: String,
    /// In Kafka's words: `Stable`, `PreparingRebalance`, ...
    pub state: String,
    /// `Classic` or `Consumer`.
    pub kind: &'static str,
    pub coordinator: i32,
    /// Some of the members speak the other protocol.
    pub is_mixed: bool,
    /// By id.
    pub members: BTreeMap<String, Member>,
}

/// A member of a consumer group.
pub struct Member {
    pub id: String,
    /// The `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    pub client_id: String,
    /// Its assignment, sorted.
    pub partitions: Vec<Partition>,
}

/// The protocol of groups whose members are consumers.
const CONSUMER: &str = "consumer";

/// Groups whose offsets are committed by no members have no protocol.
const SIMPLE: &str = "";

impl Group {
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn is_dead(&self) -> bool {
        self.state == "Dead"
    }
}

pub(super) fn group_id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_string()))
}

impl Admin {
    /// Ids of the consumer groups, sorted, each with its coordinator. One without a name, which Kafka lets commit offsets,
    /// is left out: no request can be about it.
    pub async fn group_ids(&self) -> Result<BTreeMap<String, i32>, Fault> {
        again(ASK_TIMEOUT, || self.ask_group_ids()).await
    }

    async fn ask_group_ids(&self) -> Result<BTreeMap<String, i32>, Fault> {
        let mut found = BTreeMap::new();
        for (id, node) in self.cluster().await?.brokers {
            let answer = self.client.ask(&node.address(), |_| ListGroupsRequest::default()).await?;
            check(answer.error_code, None)?;
            let ours = answer
                .groups
                .into_iter()
                .filter(|group| !group.group_id.is_empty())
                .filter(|group| [CONSUMER, SIMPLE].contains(&group.protocol_type.as_str()));
            found.extend(ours.map(|group| (group.group_id.to_string(), id)));
        }
        Ok(found)
    }

    /// Groups by id; what is gone meanwhile is left out.
    pub async fn groups(&self, ids: &[String]) -> Result<Vec<Group>, Fault> {
        let mut groups = Vec::with_capacity(ids.len());
        for id in ids {
            groups.extend(self.group(id).await?);
        }
        Ok(groups)
    }

    /// None if there is no such group.
    pub async fn group(&self, id: &str) -> Result<Option<Group>, Fault> {
        again(ASK_TIMEOUT, || self.ask_group(id)).await
    }

    async fn ask_group(&self, id: &str) -> Result<Option<Group>, Fault> {
        let node = self.coordinating(id).await?;
        if let Some(group) = self.consumer_group(&node, id).await? {
            return Ok(Some(group));
        }
        let request = DescribeGroupsRequest::default().with_groups(vec![group_id(id)]);
        let answer = self.client.ask(&node.address(), |_| request.clone()).await?;
        let Some(found) = answer.groups.into_iter().next() else { return Ok(None) };
        match check(found.error_code, None) {
            Err(fault) if fault.code == Code::GroupIdNotFound => return Ok(None),
            checked => checked?,
        }
        let group = classic(found, node.id)?;
        Ok((!group.is_dead()).then_some(group))
    }

    /// A group of the newer protocol, if it is one.
    async fn consumer_group(&self, node: &Node, id: &str) -> Result<Option<Group>, Fault> {
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(id)]);
        let answer = match self.client.ask(&node.address(), |_| request.clone()).await {
            Err(fault) if fault.code == Code::UnsupportedRequest => return Ok(None),
            answer => answer?,
        };
        let Some(found) = answer.groups.into_iter().next() else { return Ok(None) };
        match check(found.error_code, found.error_message.clone()) {
            Err(Fault { code: Code::GroupIdNotFound | Code::UnsupportedVersion, .. }) => {
                return Ok(None);
            }
            checked => checked?,
        }
        let group = modern(found, node.id);
        Ok((!group.is_dead()).then_some(group))
    }

    /// Deletes a group with its offsets. [`Code::NonEmptyGroup`] it has members · [`Code::GroupIdNotFound`].
    pub async fn delete_group(&self, id: &str) -> Result<(), Fault> {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(id)]);
        again(ASK_TIMEOUT, || async {
            let coordinator = self.coordinator(id).await?;
            let answer = self.client.ask(&coordinator, |_| request.clone()).await?;
            answer.results.into_iter().try_for_each(|result| check(result.error_code, None))
        })
        .await
    }

    /// Asks whether we may be a member of the group. [`Code::GroupAuthorizationFailed`], naming it.
    pub async fn may_join(&self, group: &str) -> Result<(), Fault> {
        // a heartbeat of nobody: Kafka looks at the rights before it looks for the member
        let request =
            HeartbeatRequest::default().with_group_id(group_id(group)).with_generation_id(-1);
        let coordinator = match self.coordinator(group).await {
            Err(fault) if fault.code.is_unauthorized() => return Err(Fault::group_denied(group)),
            coordinator => coordinator?,
        };
        let answer = self.client.ask(&coordinator, |_| request.clone()).await?;
        match check(answer.error_code, None) {
            Err(fault) if fault.code.is_unauthorized() => Err(Fault::group_denied(group)),
            _ => Ok(()),
        }
    }

    pub(super) async fn coordinator(&self, group: &str) -> Result<String, Fault> {
        Ok(self.coordinating(group).await?.address())
    }

    async fn coordinating(&self, group: &str) -> Result<Node, Fault> {
        self.client.coordinator(Coordinated::Group, group).await
    }
}

fn classic(
    found: describe_groups_response::DescribedGroup,
    coordinator: i32,
) -> Result<Group, Fault> {
    let mut members = BTreeMap::new();
    for member in found.members {
        let id = member.member_id.to_string();
        let partitions = assignment(member.member_assignment).map_err(|error| {
            let reason = format!("The assignment of {id} cannot be read: {error}");
            Fault::new(Code::Unreadable, reason)
        })?;
        let member = Member {
            id: id.clone(),
            instance_id: member.group_instance_id.map(|id| id.to_string()),
            client_id: member.client_id.to_string(),
            partitions,
        };
        members.insert(id, member);
    }
    Ok(Group {
        id: found.group_id.to_string(),
        is_simple: found.protocol_type.is_empty(),
        assignor: found.protocol_data.to_string(),
        state: found.group_state.to_string(),
        kind: "Classic",
        coordinator,
        is_mixed: false,
        members,
    })
}

fn modern(found: consumer_group_describe_response::DescribedGroup, coordinator: i32) -> Group {
    /// A member that speaks the older protocol.
    const CLASSIC_MEMBER: i8 = 0;
    let is_mixed = found.members.iter().any(|member| member.member_type == CLASSIC_MEMBER)
        && found.members.iter().any(|member| member.member_type != CLASSIC_MEMBER);
    let member = |member: consumer_group_describe_response::Member| {
        let topics = member.assignment.topic_partitions;
        let mut partitions: Vec<_> = topics
            .into_iter()
            .flat_map(|topic| {
                let name = TopicName::given(&topic.topic_name);
                let of_topic = move |number| Partition::new(name.clone(), number);
                topic.partitions.into_iter().map(of_topic)
            })
            .collect();
        partitions.sort();
        Member {
            id: member.member_id.to_string(),
            instance_id: member.instance_id.map(|id| id.to_string()),
            client_id: member.client_id.to_string(),
            partitions,
        }
    };
    Group {
        id: found.group_id.to_string(),
        is_simple: false,
        assignor: found.assignor_name.to_string(),
        state: found.group_state.to_string(),
        kind: "Consumer",
        coordinator,
        is_mixed,
        members: found.members.into_iter().map(member).map(|m| (m.id.clone(), m)).collect(),
    }
}

/// A member's partitions, which the group's leader wrote.
fn assignment(mut bytes: Bytes) -> Result<Vec<Partition>, String> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let version = bytes.try_get_i16().map_err(|e| e.to_string())?;
    let newest = <ConsumerProtocolAssignment as kafka_protocol::protocol::Message>::VERSIONS.max;
    // newer versions only add to the end
    let assigned = ConsumerProtocolAssignment::decode(&mut bytes, version.clamp(0, newest))
        .map_err(|e| e.to_string())?;
    let mut partitions = Vec::new();
    for topic in assigned.assigned_partitions {
        let name = TopicName::given(&topic.topic);
        let of_topic = |number: &i32| Partition::new(name.clone(), *number);
        partitions.extend(topic.partitions.iter().map(of_topic));
    }
    partitions.sort();
    Ok(partitions)
}
