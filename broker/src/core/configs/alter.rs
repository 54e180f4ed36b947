//! IncrementalAlterConfigs and AlterConfigs.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse as Replaced;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as Altered;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use super::broker_table;
use super::definition::{Definition, Kind, elements};
use super::describe::{no_logger, resource_type};
use super::group_table::{CLIENT_METRICS_CONFIGS, GROUP_CONFIGS};
use super::validate::{
    check_broker_configs, check_client_metrics_configs, check_group_configs, check_topic_configs,
};
use super::{ConfigScope, Configs, TOPIC_CONFIGS, is_this_broker};
use crate::core::refusal::{Refusal, verdict};
use crate::core::{Call, Core, Handled, NODE, Now, Operation, Resource};

type Values = BTreeMap<String, String>;

/// How one value is changed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Set,
    Delete,
    Append,
    Subtract,
    /// A number which the protocol does not have.
    Unknown(i8),
}

impl From<i8> for Change {
    fn from(number: i8) -> Change {
        match number {
            0 => Change::Set,
            1 => Change::Delete,
            2 => Change::Append,
            3 => Change::Subtract,
            other => Change::Unknown(other),
        }
    }
}

struct Alteration {
    name: String,
    change: Change,
    value: Option<String>,
}

/// What a request wants of one resource.
struct Alterations {
    kind: i8,
    name: String,
    configs: Vec<Alteration>,
    /// What is not named goes back to its default.
    replace: bool,
    validate_only: bool,
}

/// What a change is made to.
enum Target {
    Topic(String),
    Scope(ConfigScope),
}

impl Core {
    pub(crate) fn incremental_alter_configs(
        &mut self,
        call: &Call,
        request: IncrementalAlterConfigsRequest,
    ) -> Handled<IncrementalAlterConfigsResponse> {
        let twice =
            twice(request.resources.iter().map(|r| (r.resource_type, r.resource_name.as_str())));
        let mut responses = Vec::new();
        for resource in request.resources {
            let wanted = Alterations {
                kind: resource.resource_type,
                name: resource.resource_name.to_string(),
                configs: resource
                    .configs
                    .into_iter()
                    .map(|config| Alteration {
                        name: config.name.to_string(),
                        change: config.config_operation.into(),
                        value: config.value.map(|value| value.to_string()),
                    })
                    .collect(),
                replace: false,
                validate_only: request.validate_only,
            };
            let (code, message) = verdict(&self.alter(call, &twice, wanted));
            responses.push(
                Altered::default()
                    .with_error_code(code)
                    .with_error_message(message)
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name),
            );
        }
        Handled::Now(IncrementalAlterConfigsResponse::default().with_responses(responses))
    }

    pub(crate) fn alter_configs(
        &mut self,
        call: &Call,
        request: AlterConfigsRequest,
    ) -> Handled<AlterConfigsResponse> {
        let twice =
            twice(request.resources.iter().map(|r| (r.resource_type, r.resource_name.as_str())));
        let mut responses = Vec::new();
        for resource in request.resources {
            let wanted = Alterations {
                kind: resource.resource_type,
                name: resource.resource_name.to_string(),
                configs: resource
                    .configs
                    .into_iter()
                    .map(|config| Alteration {
                        name: config.name.to_string(),
                        change: Change::Set,
                        value: config.value.map(|value| value.to_string()),
                    })
                    .collect(),
                replace: true,
                validate_only: request.validate_only,
            };
            let (code, message) = verdict(&self.alter(call, &twice, wanted));
            responses.push(
                Replaced::default()
                    .with_error_code(code)
                    .with_error_message(message)
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name),
            );
        }
        Handled::Now(AlterConfigsResponse::default().with_responses(responses))
    }

    fn alter(&mut self, call: &Call, twice: &Twice, wanted: Alterations) -> Result<(), Refusal> {
        let invalid = |message: String| Refusal::new(ResponseError::InvalidRequest, message);
        if twice.contains(&(wanted.kind, wanted.name.clone())) {
            return Err(invalid("Each resource must appear at most once.".to_owned()));
        }
        let nulls: Vec<&str> = wanted
            .configs
            .iter()
            .filter(|config| config.value.is_none() && config.change != Change::Delete)
            .map(|config| config.name.as_str())
            .collect();
        if !nulls.is_empty() {
            return Err(invalid(format!("Null value not supported for : {}", nulls.join(","))));
        }
        let names: BTreeSet<&str> =
            wanted.configs.iter().map(|config| config.name.as_str()).collect();
        if names.len() < wanted.configs.len() {
            return Err(invalid("Error due to duplicate config keys".to_owned()));
        }
        let target = self.target(call, wanted.kind, &wanted.name)?;
        let values = self.changed(&target, &wanted)?;
        if wanted.validate_only { Ok(()) } else { self.store(target, values, call.now) }
    }

    /// Says what is changed, if the caller may.
    fn target(&self, call: &Call, kind: i8, name: &str) -> Result<Target, Refusal> {
        let invalid = |message: &str| Refusal::new(ResponseError::InvalidRequest, message);
        let may = |resource| self.may(call, Operation::AlterConfigs, resource);
        match kind {
            resource_type::TOPIC if !may(Resource::Topic(name)) => {
                Err(Refusal::unauthorized(ResponseError::TopicAuthorizationFailed))
            }
            resource_type::GROUP if !may(Resource::Group(name)) => {
                Err(Refusal::unauthorized(ResponseError::GroupAuthorizationFailed))
            }
            resource_type::BROKER
            | resource_type::BROKER_LOGGER
            | resource_type::CLIENT_METRICS
                if !may(Resource::Cluster) =>
            {
                Err(Refusal::unauthorized(ResponseError::ClusterAuthorizationFailed))
            }
            resource_type::TOPIC if self.catalog.get(name).is_none() => Err(Refusal::new(
                ResponseError::UnknownTopicOrPartition,
                format!("The topic '{name}' does not exist."),
            )),
            resource_type::TOPIC => Ok(Target::Topic(name.to_owned())),
            resource_type::BROKER => broker_scope(name).map(Target::Scope),
            resource_type::BROKER_LOGGER if !is_this_broker(name) => Err(no_logger(name)),
            resource_type::BROKER_LOGGER => Err(Refusal::new(
                ResponseError::InvalidConfig,
                "This broker has no loggers whose level can be changed.",
            )),
            resource_type::CLIENT_METRICS if name.is_empty() => {
                Err(invalid("Subscription name can't be empty"))
            }
            resource_type::CLIENT_METRICS => {
                Ok(Target::Scope(ConfigScope::ClientMetrics(name.to_owned())))
            }
            resource_type::GROUP if name.is_empty() => {
                Err(invalid("Default group resources are not allowed."))
            }
            resource_type::GROUP => Ok(Target::Scope(ConfigScope::Group(name.to_owned()))),
            _ => Err(invalid(&format!("Unknown resource type {kind}"))),
        }
    }

    /// The values as they would be, if they are allowed.
    fn changed(&self, target: &Target, wanted: &Alterations) -> Result<Values, Refusal> {
        let now = match target {
            Target::Topic(name) => self.catalog.get(name).map(|topic| &topic.config),
            Target::Scope(scope) => self.configs.get(scope),
        };
        let mut values = if wanted.replace { None } else { now.cloned() }.unwrap_or_default();
        for config in &wanted.configs {
            apply(&mut values, config, known(target, &config.name))?;
        }
        let invalid = |error| move |message: String| Refusal::new(error, message);
        match target {
            Target::Topic(_) => {
                check_topic_configs(&values).map_err(invalid(ResponseError::InvalidConfig))?
            }
            Target::Scope(ConfigScope::Group(_)) => {
                check_group_configs(&values).map_err(invalid(ResponseError::InvalidConfig))?
            }
            Target::Scope(ConfigScope::ClientMetrics(_)) => {
                check_client_metrics_configs(&values)
                    .map_err(invalid(ResponseError::InvalidRequest))?
            }
            Target::Scope(ConfigScope::Broker | ConfigScope::Brokers) => {
                check_broker_configs(&values).map_err(invalid(ResponseError::InvalidRequest))?
            }
        }
        Ok(values)
    }

    fn store(&mut self, target: Target, values: Values, now: Now) -> Result<(), Refusal> {
        match target {
            Target::Topic(name) => self.set_topic_config(&name, values, now)?,
            Target::Scope(scope) => {
                if !self.configs.has_room_for(&scope) {
                    let message = "There are too many groups and subscriptions with configs.";
                    return Err(Refusal::new(ResponseError::PolicyViolation, message));
                }
                let entry = Configs::entry(&scope, &values)?;
                self.journal.write(vec![entry], now)?;
                let are_topics_changed =
                    matches!(scope, ConfigScope::Broker | ConfigScope::Brokers);
                self.configs.put(scope, values);
                if are_topics_changed {
                    self.refresh_topics();
                }
            }
        }
        Ok(())
    }
}

type Twice = BTreeSet<(i8, String)>;

/// The resources that are named more than once.
fn twice<'a>(resources: impl Iterator<Item = (i8, &'a str)>) -> Twice {
    let mut seen = BTreeSet::new();
    let repeated = resources.filter(|resource| !seen.insert(*resource));
    repeated.map(|(kind, name)| (kind, name.to_owned())).collect()
}

fn broker_scope(name: &str) -> Result<ConfigScope, Refusal> {
    let invalid = |message| Err(Refusal::new(ResponseError::InvalidRequest, message));
    match name.parse::<i32>() {
        _ if name.is_empty() => Ok(ConfigScope::Brokers),
        Ok(id) if id == NODE.0 => Ok(ConfigScope::Broker),
        Ok(id) => invalid(format!("Unexpected broker id, expected {}, but received {id}", NODE.0)),
        Err(_) => invalid(format!("Node id must be an integer, but it is: {name}")),
    }
}

fn known(target: &Target, name: &str) -> Option<Definition> {
    let of = |table: &[Definition]| table.iter().find(|found| found.name == name).copied();
    match target {
        Target::Topic(_) => of(TOPIC_CONFIGS),
        Target::Scope(ConfigScope::Group(_)) => of(GROUP_CONFIGS),
        Target::Scope(ConfigScope::ClientMetrics(_)) => of(CLIENT_METRICS_CONFIGS),
        Target::Scope(ConfigScope::Broker | ConfigScope::Brokers) => {
            broker_table::dynamic().find(|found| found.name == name)
        }
    }
}

fn apply(
    values: &mut Values,
    config: &Alteration,
    definition: Option<Definition>,
) -> Result<(), Refusal> {
    let name = config.name.clone();
    let value = config.value.clone().unwrap_or_default();
    let is_list = definition.is_some_and(|definition| definition.kind == Kind::List);
    let verb = match config.change {
        Change::Set => {
            values.insert(name, value);
            return Ok(());
        }
        Change::Delete => {
            values.remove(&name);
            return Ok(());
        }
        Change::Unknown(number) => {
            let message = format!("Unknown operation type {number} for config {name}");
            return Err(Refusal::new(ResponseError::InvalidRequest, message));
        }
        Change::Append => "APPEND",
        Change::Subtract => "SUBTRACT",
    };
    if !is_list {
        let message = format!("Can't {verb} to key {name} because its type is not LIST.");
        return Err(Refusal::new(ResponseError::InvalidConfig, message));
    }
    let default = definition.and_then(|definition| definition.default).unwrap_or_default();
    let mut list: Vec<String> = match values.get(&name) {
        Some(value) => elements(value).map(str::to_owned).collect(),
        None => elements(default).map(str::to_owned).collect(),
    };
    for element in elements(&value) {
        match config.change {
            Change::Append if list.iter().any(|known| known == element) => {}
            Change::Append => list.push(element.to_owned()),
            _ => list.retain(|known| known != element),
        }
    }
    values.insert(name, list.join(","));
    Ok(())
}
