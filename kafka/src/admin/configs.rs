//! Configurations of topics, of brokers, and of all brokers.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use kafka_protocol::protocol::StrBytes;

use super::observer::Observer;
use super::{ASK_TIMEOUT, Admin};
use crate::code::Code;
use crate::fault::{Fault, check};
use crate::retry::again;

/// Whose configuration is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigResource {
    Topic(String),
    Broker(i32),
    /// The settings of all brokers, which a broker's own win over.
    Brokers,
}

/// One setting of a resource.
pub struct Config {
    pub name: String,
    /// None where it is secret.
    pub value: Option<String>,
    pub is_read_only: bool,
    pub is_sensitive: bool,
    pub source: &'static str,
    /// The settings that the value may come from, the nearest first.
    pub synonyms: Vec<Synonym>,
}

/// A setting that a value may come from.
pub struct Synonym {
    pub name: String,
    pub value: Option<String>,
    pub source: &'static str,
}

/// A setting's new value, or none: the default again.
pub struct Alteration {
    pub name: String,
    pub value: Option<String>,
}

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

const SET: i8 = 0;
const DELETE: i8 = 1;

const DEFAULT_SOURCE: i8 = 5;

impl ConfigResource {
    fn kind(&self) -> i8 {
        match self {
            ConfigResource::Topic(_) => TOPIC,
            ConfigResource::Broker(_) | ConfigResource::Brokers => BROKER,
        }
    }

    /// The topic's name or the broker's id; empty for all brokers.
    pub fn name(&self) -> String {
        match self {
            ConfigResource::Topic(name) => name.clone(),
            ConfigResource::Broker(id) => id.to_string(),
            ConfigResource::Brokers => String::new(),
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

    pub fn is_default(&self) -> bool {
        self.source == source(DEFAULT_SOURCE)
    }
}

impl Admin {
    /// Settings of resources, by name, in the resources' order; all settings if none is named.
    pub async fn configs(
        &self,
        resources: &[ConfigResource],
        name: Option<&str>,
    ) -> Result<Vec<Vec<Config>>, Fault> {
        if let Some(observer) = &self.observer {
            return observed(observer, resources, name).await;
        }
        // a broker knows its own only
        let mut found = Vec::with_capacity(resources.len());
        let topics = matches!(resources.first(), Some(ConfigResource::Topic(_)));
        let asked: Vec<&[ConfigResource]> =
            if topics { vec![resources] } else { resources.chunks(1).collect() };
        for resources in asked {
            let resource = |resource: &ConfigResource| {
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
                    Some(ConfigResource::Broker(id)) => {
                        self.client.ask(&self.broker(*id).await?, |_| request.clone()).await?
                    }
                    _ => self.client.ask_any(|_| request.clone()).await?,
                };
                let mut results = answer.results.iter();
                results.try_for_each(|r| check(r.error_code, r.error_message.clone()))?;
                Ok::<_, Fault>(answer)
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

    /// Settings of one resource, as [`Admin::configs`] of several.
    pub async fn configs_of(
        &self,
        resource: ConfigResource,
        name: Option<&str>,
    ) -> Result<Vec<Config>, Fault> {
        Ok(self.configs(&[resource], name).await?.pop().unwrap_or_default())
    }

    /// Alters settings of resources of one kind; those that are not named stay. What becomes of each
    /// resource, in their order.
    pub async fn alter_configs(
        &self,
        alterations: &[(ConfigResource, Vec<Alteration>)],
        validate_only: bool,
    ) -> Result<Vec<Result<(), Fault>>, Fault> {
        let altered = |alteration: &Alteration| {
            AlterableConfig::default()
                .with_name(StrBytes::from_string(alteration.name.clone()))
                .with_config_operation(if alteration.value.is_some() { SET } else { DELETE })
                .with_value(alteration.value.clone().map(StrBytes::from_string))
        };
        let resource = |(resource, alterations): &(ConfigResource, Vec<Alteration>)| {
            AlterConfigsResource::default()
                .with_resource_type(resource.kind())
                .with_resource_name(StrBytes::from_string(resource.name()))
                .with_configs(alterations.iter().map(altered).collect())
        };
        let request = IncrementalAlterConfigsRequest::default()
            .with_resources(alterations.iter().map(resource).collect())
            .with_validate_only(validate_only);
        let answer = match alterations.first() {
            Some((ConfigResource::Broker(id), _)) => {
                self.client.ask(&self.broker(*id).await?, |_| request.clone()).await?
            }
            _ => self.client.ask_controller(|_| request.clone()).await?,
        };
        let result = |(resource, _): &(ConfigResource, Vec<Alteration>)| {
            let name = resource.name();
            let result = answer.responses.iter().find(|r| r.resource_name.as_str() == name);
            let silent = || format!("The broker does not say what became of {name}.");
            let result = result.ok_or_else(|| Fault::new(Code::Unreadable, silent()))?;
            check(result.error_code, result.error_message.clone())
        };
        Ok(alterations.iter().map(result).collect())
    }

    /// The address of a broker. [`Code::BrokerIdNotRegistered`].
    async fn broker(&self, id: i32) -> Result<String, Fault> {
        let cluster = self.cluster().await?;
        if !cluster.brokers.contains_key(&id) {
            return Err(Code::BrokerIdNotRegistered.into());
        }
        cluster.address(id)
    }
}

/// Asks librdkafka for resources, one after the other.
async fn observed(
    observer: &Observer,
    resources: &[ConfigResource],
    name: Option<&str>,
) -> Result<Vec<Vec<Config>>, Fault> {
    let mut found = Vec::with_capacity(resources.len());
    for resource in resources {
        let mut configs = again(ASK_TIMEOUT, || observer.configs(resource)).await?;
        configs.retain(|config| name.is_none_or(|name| config.name == name));
        configs.sort_by(|a, b| a.name.cmp(&b.name));
        found.push(configs);
    }
    Ok(found)
}

pub(super) fn source(code: i8) -> &'static str {
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
