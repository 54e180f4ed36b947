//! Configurations of topics, of brokers, and of all brokers.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use kafka_protocol::protocol::StrBytes;

use super::{ASK_TIMEOUT, Admin, check};
use crate::error::ProxyError;
use crate::retry::again;

/// Whose configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Topic(String),
    Broker(i32),
    /// What all brokers have unless they have their own.
    Brokers,
}

/// One setting of a resource.
pub(crate) struct Config {
    pub(crate) name: String,
    /// None where it is secret.
    pub(crate) value: Option<String>,
    pub(crate) is_read_only: bool,
    pub(crate) is_sensitive: bool,
    pub(crate) source: &'static str,
    /// Where the value comes from, the nearest first.
    pub(crate) synonyms: Vec<Synonym>,
}

pub(crate) struct Synonym {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    pub(crate) source: &'static str,
}

/// A setting's new value, or none: the default again.
pub(crate) struct Alteration {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

const SET: i8 = 0;
const DELETE: i8 = 1;

const DEFAULT_SOURCE: i8 = 5;

impl Resource {
    fn kind(&self) -> i8 {
        match self {
            Resource::Topic(_) => TOPIC,
            Resource::Broker(_) | Resource::Brokers => BROKER,
        }
    }

    /// The topic's name or the broker's id; empty for all brokers.
    pub(crate) fn name(&self) -> String {
        match self {
            Resource::Topic(name) => name.clone(),
            Resource::Broker(id) => id.to_string(),
            Resource::Brokers => String::new(),
        }
    }
}

impl Config {
    fn of(found: DescribeConfigsResourceResult) -> Config {
        Config {
            name: found.name.to_string(),
            value: found.value.map(|value| value.to_string()),
            is_read_only: found.read_only,
            is_sensitive: found.is_sensitive,
            source: source(found.config_source),
            synonyms: found
                .synonyms
                .into_iter()
                .map(|synonym| Synonym {
                    name: synonym.name.to_string(),
                    value: synonym.value.map(|value| value.to_string()),
                    source: source(synonym.source),
                })
                .collect(),
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        self.source == source(DEFAULT_SOURCE)
    }
}

impl Admin {
    /// Settings of resources, by name, in the resources' order; all settings if none is named.
    /// 40002 · 40403.
    pub(crate) async fn configs(
        &self,
        resources: &[Resource],
        name: Option<&str>,
    ) -> Result<Vec<Vec<Config>>, ProxyError> {
        // a broker knows its own only
        let mut found = Vec::with_capacity(resources.len());
        let topics = matches!(resources.first(), Some(Resource::Topic(_)));
        let asked: Vec<&[Resource]> =
            if topics { vec![resources] } else { resources.chunks(1).collect() };
        for resources in asked {
            let resource = |resource: &Resource| {
                let names = name.map(|name| vec![StrBytes::from_string(name.to_string())]);
                DescribeConfigsResource::default()
                    .with_resource_type(resource.kind())
                    .with_resource_name(StrBytes::from_string(resource.name()))
                    .with_configuration_keys(names)
            };
            let request = DescribeConfigsRequest::default()
                .with_resources(resources.iter().map(resource).collect())
                .with_include_synonyms(true);
            let answer = again(ASK_TIMEOUT, || async {
                let answer = match resources.first() {
                    Some(Resource::Broker(id)) => {
                        self.client.ask(&self.broker(*id).await?, |_| request.clone()).await?
                    }
                    _ => self.client.ask_any(|_| request.clone()).await?,
                };
                let mut results = answer.results.iter();
                results.try_for_each(|r| check(r.error_code, r.error_message.clone()))?;
                Ok(answer)
            })
            .await?;
            for result in answer.results {
                let mut configs: Vec<Config> = result.configs.into_iter().map(Config::of).collect();
                configs.sort_by(|a, b| a.name.cmp(&b.name));
                found.push(configs);
            }
        }
        Ok(found)
    }

    /// Settings of one resource. As `configs`.
    pub(crate) async fn configs_of(
        &self,
        resource: Resource,
        name: Option<&str>,
    ) -> Result<Vec<Config>, ProxyError> {
        Ok(self.configs(&[resource], name).await?.pop().unwrap_or_default())
    }

    /// Alters settings of resources of one kind; those that are not named stay. What becomes of each
    /// resource, in their order: 40002 · 40403.
    pub(crate) async fn alter_configs(
        &self,
        alterations: &[(Resource, Vec<Alteration>)],
        validate_only: bool,
    ) -> Result<Vec<Result<(), ProxyError>>, ProxyError> {
        let altered = |alteration: &Alteration| {
            AlterableConfig::default()
                .with_name(StrBytes::from_string(alteration.name.clone()))
                .with_config_operation(if alteration.value.is_some() { SET } else { DELETE })
                .with_value(alteration.value.clone().map(StrBytes::from_string))
        };
        let resource = |(resource, alterations): &(Resource, Vec<Alteration>)| {
            AlterConfigsResource::default()
                .with_resource_type(resource.kind())
                .with_resource_name(StrBytes::from_string(resource.name()))
                .with_configs(alterations.iter().map(altered).collect())
        };
        let request = IncrementalAlterConfigsRequest::default()
            .with_resources(alterations.iter().map(resource).collect())
            .with_validate_only(validate_only);
        let answer = match alterations.first() {
            Some((Resource::Broker(id), _)) => {
                self.client.ask(&self.broker(*id).await?, |_| request.clone()).await?
            }
            _ => self.client.ask_controller(|_| request.clone()).await?,
        };
        let result = |(resource, _): &(Resource, Vec<Alteration>)| {
            let name = resource.name();
            let result = answer.responses.iter().find(|r| r.resource_name.as_str() == name);
            let result = result.ok_or_else(|| ProxyError::Kafka {
                reason: format!("The broker does not say what became of {name}."),
            })?;
            check(result.error_code, result.error_message.clone())
        };
        Ok(alterations.iter().map(result).collect())
    }

    async fn broker(&self, id: i32) -> Result<String, ProxyError> {
        let cluster = self.cluster().await?;
        if !cluster.brokers.contains_key(&id) {
            return Err(ProxyError::NotFound);
        }
        Ok(cluster.address(id)?)
    }
}

fn source(code: i8) -> &'static str {
    match code {
        1 => "DYNAMIC_TOPIC_CONFIG",
        2 => "DYNAMIC_BROKER_CONFIG",
        3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        4 => "STATIC_BROKER_CONFIG",
        DEFAULT_SOURCE => "DEFAULT_CONFIG",
        6 => "DYNAMIC_BROKER_LOGGER_CONFIG",
        7 => "DYNAMIC_CLIENT_METRICS_CONFIG",
        8 => "DYNAMIC_GROUP_CONFIG",
        _ => "UNKNOWN",
    }
}
