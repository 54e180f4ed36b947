//! Consumer groups and their members, of both of Kafka's group protocols.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerProtocolAssignment, DeleteGroupsRequest,
    DescribeGroupsRequest, GroupId, HeartbeatRequest, ListGroupsRequest,
    consumer_group_describe_response, describe_groups_response,
};
use kafka_protocol::protocol::{Decodable, StrBytes};

use weir_kafka::{Coordinated, Error, Node};

use super::{ASK_TIMEOUT, Admin, check};
use crate::error::ProxyError;
use crate::retry::again;

pub(crate) struct Group {
    pub(crate) id: String,
    /// Only commits offsets: no members are known.
    pub(crate) is_simple: bool,
    /// How partitions are assigned; empty where nobody is a member.
    pub(crate) assignor: String,
    /// In Kafka's words: `Stable`, `PreparingRebalance`, ...
    pub(crate) state: String,
    /// `Classic` or `Consumer`.
    pub(crate) kind: &'static str,
    pub(crate) coordinator: i32,
    /// Some of the members speak the other protocol.
    pub(crate) is_mixed: bool,
    /// By id.
    pub(crate) members: BTreeMap<String, Member>,
}

pub(crate) struct Member {
    pub(crate) id: String,
    /// Of a static member.
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    /// Topics and partitions, sorted.
    pub(crate) partitions: Vec<(String, i32)>,
}

/// The protocol of groups whose members are consumers.
const CONSUMER: &str = "consumer";

/// Groups whose offsets are committed by no members have no protocol.
const SIMPLE: &str = "";

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
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
    /// Ids of the consumer groups, sorted, each with its coordinator.
    pub(crate) async fn group_ids(&self) -> Result<BTreeMap<String, i32>, ProxyError> {
        again(ASK_TIMEOUT, || self.ask_group_ids()).await
    }

    async fn ask_group_ids(&self) -> Result<BTreeMap<String, i32>, ProxyError> {
        let mut found = BTreeMap::new();
        for (id, node) in self.cluster().await?.brokers {
            let answer = self.client.ask(&node.address(), |_| ListGroupsRequest::default()).await?;
            check(answer.error_code, None)?;
            let ours = answer
                .groups
                .into_iter()
                .filter(|group| [CONSUMER, SIMPLE].contains(&group.protocol_type.as_str()));
            found.extend(ours.map(|group| (group.group_id.to_string(), id)));
        }
        Ok(found)
    }

    /// Groups by id; what is gone meanwhile is left out.
    pub(crate) async fn groups(&self, ids: &[String]) -> Result<Vec<Group>, ProxyError> {
        let mut groups = Vec::with_capacity(ids.len());
        for id in ids {
            match self.group(id).await {
                Ok(group) => groups.push(group),
                Err(ProxyError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(groups)
    }

    /// 404.
    pub(crate) async fn group(&self, id: &str) -> Result<Group, ProxyError> {
        again(ASK_TIMEOUT, || self.ask_group(id)).await
    }

    async fn ask_group(&self, id: &str) -> Result<Group, ProxyError> {
        let node = self.coordinating(id).await?;
        if let Some(group) = self.consumer_group(&node, id).await? {
            return Ok(group);
        }
        let request = DescribeGroupsRequest::default().with_groups(vec![group_id(id)]);
        let answer = self.client.ask(&node.address(), |_| request.clone()).await?;
        let found = answer.groups.into_iter().next().ok_or(ProxyError::NotFound)?;
        if found.error_code == ResponseError::GroupIdNotFound.code() {
            return Err(ProxyError::NotFound);
        }
        check(found.error_code, None)?;
        let group = classic(found, node.id)?;
        if group.is_dead() { Err(ProxyError::NotFound) } else { Ok(group) }
    }

    /// A group of the newer protocol, if it is one.
    async fn consumer_group(&self, node: &Node, id: &str) -> Result<Option<Group>, ProxyError> {
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(id)]);
        let answer = match self.client.ask(&node.address(), |_| request.clone()).await {
            Err(Error::Unsupported { .. }) => return Ok(None),
            answer => answer?,
        };
        let Some(found) = answer.groups.into_iter().next() else { return Ok(None) };
        if found.error_code == ResponseError::GroupIdNotFound.code()
            || found.error_code == ResponseError::UnsupportedVersion.code()
        {
            return Ok(None);
        }
        check(found.error_code, found.error_message.clone())?;
        let group = modern(found, node.id);
        Ok((!group.is_dead()).then_some(group))
    }

    /// 40002 it has members · 404 there is no such group.
    pub(crate) async fn delete_group(&self, id: &str) -> Result<(), ProxyError> {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(id)]);
        again(ASK_TIMEOUT, || async {
            let coordinator = self.coordinator(id).await?;
            let answer = self.client.ask(&coordinator, |_| request.clone()).await?;
            answer.results.into_iter().try_for_each(|result| check(result.error_code, None))
        })
        .await
    }

    /// Whether the proxy may be a member of the group. 40301.
    pub(crate) async fn may_join(&self, group: &str) -> Result<(), ProxyError> {
        // a heartbeat of nobody: Kafka looks at the rights before it looks for the member
        let request =
            HeartbeatRequest::default().with_group_id(group_id(group)).with_generation_id(-1);
        let coordinator = match self.coordinator(group).await {
            Err(ProxyError::Forbidden { .. }) => return Err(ProxyError::group_denied(group)),
            coordinator => coordinator?,
        };
        let answer = self.client.ask(&coordinator, |_| request.clone()).await?;
        match check(answer.error_code, None) {
            Err(ProxyError::Forbidden { .. }) => Err(ProxyError::group_denied(group)),
            _ => Ok(()),
        }
    }

    pub(super) async fn coordinator(&self, group: &str) -> Result<String, ProxyError> {
        Ok(self.coordinating(group).await?.address())
    }

    async fn coordinating(&self, group: &str) -> Result<Node, ProxyError> {
        Ok(self.client.coordinator(Coordinated::Group, group).await?)
    }
}

fn classic(
    found: describe_groups_response::DescribedGroup,
    coordinator: i32,
) -> Result<Group, ProxyError> {
    let mut members = BTreeMap::new();
    for member in found.members {
        let id = member.member_id.to_string();
        let partitions = assignment(member.member_assignment).map_err(|error| {
            let reason = format!("The assignment of {id} cannot be read: {error}");
            ProxyError::Kafka { reason }
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
                let name = topic.topic_name.to_string();
                topic.partitions.into_iter().map(move |partition| (name.clone(), partition))
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
fn assignment(mut bytes: Bytes) -> Result<Vec<(String, i32)>, String> {
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
        partitions.extend(topic.partitions.iter().map(|p| (topic.topic.to_string(), *p)));
    }
    partitions.sort();
    Ok(partitions)
}
