//! DeleteTopics.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use uuid::Uuid;

use crate::core::notices::Notice;
use crate::core::refusal::{Refusal, text, verdict};
use crate::core::{Call, Core, Handled, Operation, Resource};

impl Core {
    pub(crate) fn delete_topics(
        &mut self,
        call: &Call,
        request: DeleteTopicsRequest,
    ) -> Handled<DeleteTopicsResponse> {
        let wanted: Vec<DeleteTopicState> = match call.version {
            ..6 => {
                let names = request.topic_names.into_iter();
                names.map(|name| DeleteTopicState::default().with_name(Some(name))).collect()
            }
            _ => request.topics,
        };
        let twice = self.named_twice(&wanted);
        let mut answered = BTreeSet::new();
        let mut responses = Vec::new();
        for topic in wanted {
            let name = self.name_wanted(&topic);
            let is_twice = name.as_ref().is_some_and(|name| twice.contains(name));
            if let Some(name) = name.filter(|_| is_twice) {
                if answered.insert(name.clone()) {
                    responses.push(named_twice(&name));
                }
                continue;
            }
            let deleted = self.delete(call, &topic);
            responses.push(answer(call, topic, deleted));
        }
        Handled::Now(DeleteTopicsResponse::default().with_responses(responses))
    }

    fn name_wanted(&self, topic: &DeleteTopicState) -> Option<String> {
        match &topic.name {
            Some(name) => Some(name.to_string()),
            None => self.catalog.name_of(topic.topic_id).map(str::to_owned),
        }
    }

    fn named_twice(&self, wanted: &[DeleteTopicState]) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let names = wanted.iter().filter_map(|topic| self.name_wanted(topic));
        names.filter(|name| !seen.insert(name.clone())).collect()
    }

    /// Deletes a topic. Returns its name and id, the name only if the caller may know it.
    fn delete(&mut self, call: &Call, topic: &DeleteTopicState) -> Result<(String, Uuid), Refusal> {
        let name = match (&topic.name, topic.topic_id.is_nil()) {
            (Some(_), false) => {
                let message = "You may not specify both topic name and topic id.";
                return Err(Refusal::new(ResponseError::InvalidRequest, message));
            }
            (None, true) => {
                let message = "Neither topic name nor id were specified.";
                return Err(Refusal::new(ResponseError::InvalidRequest, message));
            }
            (Some(name), true) => name.to_string(),
            (None, false) => self.name_wanted(topic).ok_or_else(no_such_id)?,
        };
        if topic.name.is_none() && !self.may(call, Operation::Describe, Resource::Topic(&name)) {
            return Err(no_such_id());
        }
        let may_delete = self.may(call, Operation::Delete, Resource::Cluster)
            || self.may(call, Operation::Delete, Resource::Topic(&name));
        if !may_delete {
            return Err(ResponseError::TopicAuthorizationFailed.into());
        }
        let id = self.catalog.get(&name).map(|topic| topic.id).ok_or_else(no_such_topic)?;
        self.delete_topic(&name, call.now)?;
        if self.may_say(Notice::TopicDeleted, call) {
            let (host, principal) = (call.caller.host, &call.caller.principal);
            tracing::info!(%host, principal, "the topic {name} is deleted");
        }
        Ok((name, id))
    }
}

fn no_such_id() -> Refusal {
    Refusal::new(ResponseError::UnknownTopicId, "This server does not host this topic ID.")
}

fn no_such_topic() -> Refusal {
    let message = "This server does not host this topic-partition.";
    Refusal::new(ResponseError::UnknownTopicOrPartition, message)
}

fn named_twice(name: &str) -> DeletableTopicResult {
    DeletableTopicResult::default()
        .with_name(Some(TopicName(text(name))))
        .with_error_code(ResponseError::InvalidRequest.code())
        .with_error_message(Some(text("Duplicate topic name.")))
}

fn answer(
    call: &Call,
    topic: DeleteTopicState,
    deleted: Result<(String, Uuid), Refusal>,
) -> DeletableTopicResult {
    let (code, message) = verdict(&deleted);
    let (name, id) = match deleted {
        Ok((name, id)) => (Some(TopicName(text(&name))), id),
        Err(_) => (topic.name, topic.topic_id),
    };
    let result = DeletableTopicResult::default().with_name(name).with_error_code(code);
    let result = if call.version >= 5 { result.with_error_message(message) } else { result };
    if call.version >= 6 { result.with_topic_id(id) } else { result }
}
