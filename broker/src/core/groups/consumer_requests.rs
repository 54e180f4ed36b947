//! ConsumerGroupHeartbeat: what is checked before a group hears of it, and the answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::consumer_group_heartbeat_response::{
    Assignment as ToldAssignment, TopicPartitions,
};
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::consumer::{
    ASSIGNORS, Assignment, Beat, ConsumerGroup, Identity, JOIN_EPOCH, LEAVE_EPOCH,
    STATIC_LEAVE_EPOCH, TopicShape, compile,
};
use super::turn::Turn;
use super::{Group, Groups};
use crate::core::acls::{Operation, Resource};
use crate::core::refusal::Refusal;
use crate::core::{Call, Core, Handled, Now};

/// From this version on, a client makes its member id itself.
const OWN_ID_FROM: i16 = 1;
/// A subscription names at most this many topics.
const TOPICS_MAX: usize = 100_000;

impl Core {
    pub(crate) fn consumer_group_heartbeat(
        &mut self,
        call: &Call,
        request: ConsumerGroupHeartbeatRequest,
    ) -> Handled<ConsumerGroupHeartbeatResponse> {
        let response = self.consumer_heartbeat(call, request);
        self.settle_groups(call.now);
        Handled::Now(response.unwrap_or_else(|refusal| {
            ConsumerGroupHeartbeatResponse::default()
                .with_error_code(refusal.code())
                .with_error_message(refusal.text())
        }))
    }

    fn consumer_heartbeat(
        &mut self,
        call: &Call,
        request: ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let id = request.group_id.to_string();
        self.may_beat(call, &request)?;
        validate(call.version, &request)?;
        let beat = beat(call, request);
        if beat.epoch < JOIN_EPOCH {
            return self.groups.leave_consumer(&id, &beat, call.now);
        }
        if beat.epoch == JOIN_EPOCH {
            self.groups.upgrade(&id, &self.catalog, call.now)?;
            self.groups.make_consumer(&id, call.now)?;
        }
        let session = self.groups.settings.consumer_session;
        let session = self.group_time(&id, "consumer.session.timeout.ms", session);
        let interval = self.groups.settings.consumer_heartbeat;
        let interval = self.group_time(&id, "consumer.heartbeat.interval.ms", interval);
        self.groups.with_consumer(&id, call.now, |group, turn| {
            group.session = session;
            group.subscribe(&beat, turn)
        })??;
        let topics = self.topics_of_group(call, &id);
        let told = self
            .groups
            .with_consumer(&id, call.now, |group, turn| group.proceed(&beat, topics, turn))?;
        let interval = i32::try_from(interval.as_millis()).unwrap_or(i32::MAX);
        Ok(ConsumerGroupHeartbeatResponse::default()
            .with_member_id(Some(StrBytes::from_string(beat.identity.id)))
            .with_member_epoch(told.epoch)
            .with_heartbeat_interval_ms(interval)
            .with_assignment(told.assigned.map(|assigned| told_assignment(&assigned))))
    }

    /// What a group has set, or what the broker has for all groups.
    fn group_time(&self, group: &str, config: &str, all: Duration) -> Duration {
        let set = self.group_config(group, config).and_then(|millis| u64::try_from(millis).ok());
        set.map_or(all, Duration::from_millis)
    }

    fn may_beat(
        &self,
        call: &Call,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<(), Refusal> {
        if !self.may(call, Operation::Read, Resource::Group(&request.group_id)) {
            let error = ResponseError::GroupAuthorizationFailed;
            return Err(Refusal::new(error, "Group authorization failed."));
        }
        let mut topics = request.subscribed_topic_names.iter().flatten();
        match topics.all(|topic| self.may(call, Operation::Describe, Resource::Topic(topic))) {
            true => Ok(()),
            false => Err(Refusal::new(
                ResponseError::TopicAuthorizationFailed,
                "Topic authorization failed.",
            )),
        }
    }

    /// The topics that members of a group read, as they are now.
    pub(super) fn topics_of_group(
        &mut self,
        call: &Call,
        id: &str,
    ) -> BTreeMap<String, TopicShape> {
        let has_regex = match self.groups.groups.get(id) {
            Some(Group::Consumer(group)) => !group.regexes().is_empty(),
            _ => false,
        };
        let mut names: Vec<String> = Vec::new();
        if has_regex {
            let all = self.catalog.iter().map(|(name, _)| name);
            let visible =
                all.filter(|name| self.may(call, Operation::Describe, Resource::Topic(name)));
            names = visible.map(str::to_owned).collect();
        }
        let Some(Group::Consumer(group)) = self.groups.groups.get_mut(id) else {
            return BTreeMap::new();
        };
        group.match_topics(names.iter().map(String::as_str));
        let shape = |name: String| {
            let topic = self.catalog.get(&name)?;
            Some((name, TopicShape { id: topic.id, partitions: topic.partitions.len() }))
        };
        group.subscribed_topics().into_iter().filter_map(shape).collect()
    }
}

impl Groups {
    /// Does something with a group of the consumer protocol.
    pub(super) fn with_consumer<T>(
        &mut self,
        id: &str,
        now: Now,
        what: impl FnOnce(&mut ConsumerGroup, &mut Turn) -> T,
    ) -> Result<T, Refusal> {
        let done = self.with_group(id, now, |group, turn| match group {
            Group::Consumer(group) => Ok(what(group, turn)),
            Group::Classic(_) => {
                let message = format!("Group {id} is not a consumer group.");
                Err(Refusal::new(ResponseError::GroupIdNotFound, message))
            }
        });
        done.unwrap_or_else(|| {
            let message = format!("Consumer group {id} not found.");
            Err(Refusal::new(ResponseError::GroupIdNotFound, message))
        })
    }

    /// Makes a group that is joined, also in place of an empty one of the classic protocol.
    fn make_consumer(&mut self, id: &str, now: Now) -> Result<(), Refusal> {
        match self.groups.get(id) {
            Some(Group::Classic(group)) if group.is_empty() => self.timers.forget(id),
            Some(_) => return Ok(()),
            None if self.groups.len() >= self.settings.max_groups => {
                let error = ResponseError::GroupMaxSizeReached;
                return Err(Refusal::new(error, "There are too many groups."));
            }
            None => {}
        }
        let group = ConsumerGroup::new(id.to_owned(), self.settings.consumer_session, now.wall_ms);
        self.groups.insert(id.to_owned(), Group::Consumer(group));
        Ok(())
    }

    fn leave_consumer(
        &mut self,
        id: &str,
        beat: &Beat,
        now: Now,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let (member, instance) = (&beat.identity.id, beat.identity.instance.as_deref());
        if !self.groups.contains_key(id) {
            let message = format!("Group {id} not found.");
            return Err(Refusal::new(ResponseError::GroupIdNotFound, message));
        }
        self.with_consumer(id, now, |group, turn| {
            group.leave(member, instance, beat.epoch, turn)
        })??;
        Ok(ConsumerGroupHeartbeatResponse::default()
            .with_member_id(Some(StrBytes::from_string(member.clone())))
            .with_member_epoch(beat.epoch))
    }
}

fn validate(version: i16, request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let epoch = request.member_epoch;
    let refuse = |is_wrong: bool, message: &str| match is_wrong {
        true => Err(Refusal::invalid(message)),
        false => Ok(()),
    };
    let is_empty = |text: &Option<StrBytes>| text.as_ref().is_some_and(|text| text.is_empty());
    let needs_id = version >= OWN_ID_FROM || epoch > JOIN_EPOCH || epoch == LEAVE_EPOCH;
    refuse(needs_id && request.member_id.is_empty(), "MemberId can't be empty.")?;
    refuse(request.group_id.is_empty(), "GroupId can't be empty.")?;
    refuse(is_empty(&request.instance_id), "InstanceId can't be empty.")?;
    refuse(is_empty(&request.rack_id), "RackId can't be empty.")?;
    if epoch == JOIN_EPOCH {
        let has_partitions =
            request.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty());
        let has_no_topics =
            request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none();
        refuse(
            request.rebalance_timeout_ms == -1,
            "RebalanceTimeoutMs must be provided in first request.",
        )?;
        refuse(has_partitions, "TopicPartitions must be empty when (re-)joining.")?;
        refuse(
            has_no_topics,
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        )?;
    }
    let lacks_instance = epoch == STATIC_LEAVE_EPOCH && request.instance_id.is_none();
    refuse(lacks_instance, "InstanceId can't be null.")?;
    refuse(epoch < STATIC_LEAVE_EPOCH, "MemberEpoch is invalid.")?;
    let count = request.subscribed_topic_names.as_ref().map_or(0, Vec::len);
    refuse(count > TOPICS_MAX, "SubscribedTopicNames are too many.")?;
    validate_assignor(request)?;
    validate_regex(request)
}

fn validate_assignor(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    match request.server_assignor.as_deref() {
        Some(assignor) if !ASSIGNORS.contains(&assignor) => {
            let message = format!(
                "ServerAssignor {assignor} is not supported. Supported assignors: {}.",
                ASSIGNORS.join(", ")
            );
            Err(Refusal::new(ResponseError::UnsupportedAssignor, message))
        }
        _ => Ok(()),
    }
}

fn validate_regex(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let Some(regex) = request.subscribed_topic_regex.as_deref() else { return Ok(()) };
    compile(regex).map(drop).map_err(|error| {
        let message =
            format!("SubscribedTopicRegex `{regex}` is not a valid regular expression: {error}.");
        Refusal::new(ResponseError::InvalidRegularExpression, message)
    })
}

fn beat(call: &Call, request: ConsumerGroupHeartbeatRequest) -> Beat {
    let text = |text: Option<StrBytes>| text.map(|text| text.to_string());
    let id = match request.member_id.is_empty() {
        true => Uuid::new_v4().to_string(),
        false => request.member_id.to_string(),
    };
    let identity = Identity {
        id,
        instance: text(request.instance_id),
        rack: text(request.rack_id),
        client_id: call.caller.client_id.as_deref().unwrap_or_default().to_owned(),
        client_host: format!("/{}", call.caller.host),
    };
    let names = request.subscribed_topic_names;
    let owned = request.topic_partitions;
    Beat {
        identity,
        epoch: request.member_epoch,
        rebalance_timeout_ms: Some(request.rebalance_timeout_ms).filter(|timeout| *timeout != -1),
        topics: names.map(|names| names.iter().map(|name| name.to_string()).collect()),
        regex: text(request.subscribed_topic_regex),
        assignor: text(request.server_assignor),
        owned: owned.map(|owned| {
            let topics = owned.into_iter().filter(|topic| !topic.partitions.is_empty());
            topics
                .map(|topic| {
                    (topic.topic_id, topic.partitions.into_iter().collect::<BTreeSet<i32>>())
                })
                .collect()
        }),
        classic: None,
    }
}

fn told_assignment(assigned: &Assignment) -> ToldAssignment {
    let topics = assigned.iter().map(|(id, partitions)| {
        TopicPartitions::default()
            .with_topic_id(*id)
            .with_partitions(partitions.iter().copied().collect())
    });
    ToldAssignment::default().with_topic_partitions(topics.collect())
}
