//! CreateTopics.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use uuid::Uuid;

use super::assignment::check_replicas;
use super::name::{check_creatable, collide};
use super::{PARTITIONS_MAX, PARTITIONS_OF_A_REQUEST_MAX};
use crate::core::configs::check_topic_configs;
use crate::core::refusal::{Refusal, verdict};
use crate::core::{Call, Core, Handled, Operation, Resource};

/// A topic that can be made.
struct Plan {
    partitions: usize,
    config: BTreeMap<String, String>,
}

impl Core {
    pub(crate) fn create_topics(
        &mut self,
        call: &Call,
        request: CreateTopicsRequest,
    ) -> Handled<CreateTopicsResponse> {
        let is_too_much = partitions_of(&request.topics) > PARTITIONS_OF_A_REQUEST_MAX;
        let validate_only = request.validate_only;
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<_> = request
            .topics
            .iter()
            .map(|topic| topic.name.clone())
            .filter(|name| !seen.insert(name.clone()))
            .collect();
        let (repeated, topics): (Vec<_>, Vec<_>) =
            request.topics.into_iter().partition(|topic| twice.contains(&topic.name));
        // Topics of one request do not collide with each other, as in Kafka.
        let plans: Vec<_> = topics
            .into_iter()
            .map(|topic| {
                let plan =
                    if is_too_much { Err(too_many()) } else { self.plan_topic(call, &topic) };
                (topic, plan)
            })
            .collect();
        let mut results = Vec::new();
        for (topic, plan) in plans {
            results.push(match plan {
                Ok(plan) => self.create(call, topic, plan, validate_only),
                Err(refusal) => refused(topic, &refusal),
            });
        }
        let repeated: BTreeMap<_, _> =
            repeated.into_iter().map(|topic| (topic.name.clone(), topic)).collect();
        let duplicate = Refusal::new(ResponseError::InvalidRequest, "Duplicate topic name.");
        results.extend(repeated.into_values().map(|topic| refused(topic, &duplicate)));
        Handled::Now(CreateTopicsResponse::default().with_topics(results))
    }

    fn create(
        &mut self,
        call: &Call,
        topic: CreatableTopic,
        plan: Plan,
        validate_only: bool,
    ) -> CreatableTopicResult {
        let name = topic.name.to_string();
        let partitions = plan.partitions;
        let set = plan.config.clone();
        let made = match validate_only {
            true => Ok(Uuid::new_v4()),
            false => {
                self.create_topic(&name, partitions, plan.config, call.now).map_err(Refusal::from)
            }
        };
        match made {
            Err(refusal) => refused(topic, &refusal),
            Ok(id) => {
                let made =
                    CreatableTopicResult::default().with_name(topic.name).with_error_message(None);
                if call.version < 5 {
                    return made;
                }
                let made = if call.version >= 7 { made.with_topic_id(id) } else { made };
                if !self.may(call, Operation::DescribeConfigs, Resource::Topic(&name)) {
                    let hidden = ResponseError::TopicAuthorizationFailed.code();
                    return made
                        .with_topic_config_error_code(hidden)
                        .with_configs(Some(Vec::new()));
                }
                made.with_num_partitions(i32::try_from(partitions).unwrap_or(i32::MAX))
                    .with_replication_factor(1)
                    .with_configs(Some(self.created_configs(&set)))
            }
        }
    }

    fn plan_topic(&self, call: &Call, topic: &CreatableTopic) -> Result<Plan, Refusal> {
        let name = topic.name.as_str();
        if name == "__cluster_metadata" {
            check_creatable(name)?;
        }
        if !self.may(call, Operation::Create, Resource::Cluster)
            && !self.may(call, Operation::Create, Resource::Topic(name))
        {
            return Err(ResponseError::TopicAuthorizationFailed.into());
        }
        check_creatable(name)?;
        self.check_new(name)?;
        let partitions = self.partitions_of_new(topic)?;
        let config = configs_of(topic)?;
        self.check_room(partitions)?;
        Ok(Plan { partitions, config })
    }

    /// Says why no topic of this name can be made, if there is one or one that looks like it.
    pub(crate) fn check_new(&self, name: &str) -> Result<(), Refusal> {
        if self.catalog.get(name).is_some() {
            let message = format!("Topic '{name}' already exists.");
            return Err(Refusal::new(ResponseError::TopicAlreadyExists, message));
        }
        let is_ambiguous = name.contains(['.', '_']) && self.catalog.has_alike(name);
        match self.catalog.iter().find(|(other, _)| is_ambiguous && collide(name, other)) {
            Some((other, _)) => Err(Refusal::new(
                ResponseError::InvalidTopicException,
                format!("Topic '{name}' collides with existing topic: {other}"),
            )),
            None => Ok(()),
        }
    }

    /// Says that there are enough partitions already, if there are.
    pub(crate) fn check_room(&self, more: usize) -> Result<(), Refusal> {
        let there: usize = self.catalog.iter().map(|(_, topic)| topic.partitions.len()).sum();
        if there.saturating_add(more) <= PARTITIONS_MAX {
            return Ok(());
        }
        let message = format!("This broker has {there} partitions of at most {PARTITIONS_MAX}.");
        Err(Refusal::new(ResponseError::PolicyViolation, message))
    }

    fn partitions_of_new(&self, topic: &CreatableTopic) -> Result<usize, Refusal> {
        let invalid = |error, message: &str| Err(Refusal::new(error, message));
        if !topic.assignments.is_empty() {
            if topic.replication_factor != -1 {
                return invalid(
                    ResponseError::InvalidRequest,
                    "A manual partition assignment was specified, but replication factor was not set to -1.",
                );
            }
            if topic.num_partitions != -1 {
                return invalid(
                    ResponseError::InvalidRequest,
                    "A manual partition assignment was specified, but numPartitions was not set to -1.",
                );
            }
            return assigned(&topic.assignments);
        }
        if topic.replication_factor < -1 || topic.replication_factor == 0 {
            return invalid(
                ResponseError::InvalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            );
        }
        let wanted = match topic.num_partitions {
            -1 => self.settings.default_partitions,
            wanted => wanted,
        };
        let partitions = usize::try_from(wanted).ok().filter(|partitions| *partitions > 0);
        let Some(partitions) = partitions else {
            return invalid(
                ResponseError::InvalidPartitions,
                "Number of partitions was set to an invalid non-positive value.",
            );
        };
        match topic.replication_factor {
            -1 | 1 => Ok(partitions),
            factor => Err(Refusal::new(
                ResponseError::InvalidReplicationFactor,
                format!(
                    "Unable to replicate the partition {factor} time(s): The target replication factor \
                     of {factor} cannot be reached because only 1 broker(s) are registered."
                ),
            )),
        }
    }
}

fn assigned(assignments: &[CreatableReplicaAssignment]) -> Result<usize, Refusal> {
    let mut indexes = BTreeSet::new();
    for assignment in assignments {
        let index = assignment.partition_index;
        if !indexes.insert(index) {
            return Err(Refusal::new(
                ResponseError::InvalidReplicaAssignment,
                format!("Found multiple manual partition assignments for partition {index}"),
            ));
        }
        check_replicas(&assignment.broker_ids)?;
    }
    if indexes.iter().copied().eq(0..i32::try_from(indexes.len()).unwrap_or(i32::MAX)) {
        return Ok(indexes.len());
    }
    let message = "partitions should be a consecutive 0-based integer sequence";
    Err(Refusal::new(ResponseError::InvalidReplicaAssignment, message))
}

fn configs_of(topic: &CreatableTopic) -> Result<BTreeMap<String, String>, Refusal> {
    let nulls = topic.configs.iter().filter(|config| config.value.is_none());
    let nulls: Vec<&str> = nulls.map(|config| config.name.as_str()).collect();
    if !nulls.is_empty() {
        return Err(Refusal::new(
            ResponseError::InvalidConfig,
            format!("Null value not supported for topic configs: {}", nulls.join(",")),
        ));
    }
    let values = topic.configs.iter().map(|config| {
        (config.name.to_string(), config.value.clone().unwrap_or_default().to_string())
    });
    let values = values.collect();
    check_topic_configs(&values)
        .map_err(|message| Refusal::new(ResponseError::InvalidConfig, message))?;
    Ok(values)
}

fn partitions_of(topics: &[CreatableTopic]) -> usize {
    let of = |topic: &CreatableTopic| {
        let said = usize::try_from(topic.num_partitions).unwrap_or(1);
        said.max(topic.assignments.len())
    };
    topics.iter().map(of).fold(0, usize::saturating_add)
}

fn too_many() -> Refusal {
    let message = "Excessively large number of partitions per request.";
    Refusal::new(ResponseError::PolicyViolation, message)
}

fn refused(topic: CreatableTopic, refusal: &Refusal) -> CreatableTopicResult {
    let (code, message) = verdict::<()>(&Err(refusal.clone()));
    CreatableTopicResult::default()
        .with_name(topic.name)
        .with_error_code(code)
        .with_error_message(message)
}
