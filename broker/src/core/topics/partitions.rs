//! CreatePartitions.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, TopicName};

use super::PARTITIONS_OF_A_REQUEST_MAX;
use super::assignment::check_replicas;
use crate::core::refusal::{Refusal, verdict};
use crate::core::{Call, Core, Handled, Operation, Resource};

impl Core {
    pub(crate) fn create_partitions(
        &mut self,
        call: &Call,
        request: CreatePartitionsRequest,
    ) -> Handled<CreatePartitionsResponse> {
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<TopicName> = request
            .topics
            .iter()
            .map(|topic| topic.name.clone())
            .filter(|name| !seen.insert(name.clone()))
            .collect();
        let duplicate = Refusal::new(ResponseError::InvalidRequest, "Duplicate topic name.");
        let mut results: Vec<_> =
            twice.iter().map(|name| answer(name.clone(), &Err(duplicate.clone()))).collect();
        for topic in request.topics.into_iter().filter(|topic| !twice.contains(&topic.name)) {
            let grown = self.plan_partitions(call, &topic).and_then(|partitions| {
                if !request.validate_only {
                    self.grow_topic(&topic.name, partitions, call.now)?;
                }
                Ok(())
            });
            results.push(answer(topic.name, &grown));
        }
        Handled::Now(CreatePartitionsResponse::default().with_results(results))
    }

    /// How many partitions the topic will have.
    fn plan_partitions(
        &self,
        call: &Call,
        topic: &CreatePartitionsTopic,
    ) -> Result<usize, Refusal> {
        let name = topic.name.as_str();
        if !self.may(call, Operation::Alter, Resource::Topic(name)) {
            return Err(ResponseError::TopicAuthorizationFailed.into());
        }
        let there = match self.catalog.get(name) {
            Some(topic) => topic.partitions.len(),
            None => return Err(ResponseError::UnknownTopicOrPartition.into()),
        };
        let invalid = |message| Refusal::new(ResponseError::InvalidPartitions, message);
        let wanted = match usize::try_from(topic.count) {
            Ok(wanted) if wanted == there => {
                return Err(invalid(format!("Topic already has {there} partition(s).")));
            }
            Ok(wanted) if wanted > there => wanted,
            _ => {
                return Err(invalid(format!(
                    "The topic {name} currently has {there} partition(s); {} would not be an increase.",
                    topic.count
                )));
            }
        };
        let more = wanted - there;
        if more > PARTITIONS_OF_A_REQUEST_MAX {
            let message = "Excessively large number of partitions per request.";
            return Err(Refusal::new(ResponseError::PolicyViolation, message));
        }
        if let Some(assignments) = &topic.assignments {
            if assignments.len() != more {
                return Err(Refusal::new(
                    ResponseError::InvalidReplicaAssignment,
                    format!(
                        "Attempted to add {more} additional partition(s), but only {} assignment(s) were specified.",
                        assignments.len()
                    ),
                ));
            }
            assignments.iter().try_for_each(|partition| check_replicas(&partition.broker_ids))?;
        }
        self.check_room(more)?;
        Ok(wanted)
    }
}

fn answer(name: TopicName, grown: &Result<(), Refusal>) -> CreatePartitionsTopicResult {
    let (code, message) = verdict(grown);
    CreatePartitionsTopicResult::default()
        .with_name(name)
        .with_error_code(code)
        .with_error_message(message)
}
