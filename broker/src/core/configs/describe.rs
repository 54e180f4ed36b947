//! DescribeConfigs: the values that hold, where they come from, and what they mean.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_response::CreatableTopicConfigs;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::broker_table;
use super::definition::{Definition, Kind};
use super::group_table::{CLIENT_METRICS_CONFIGS, GROUP_CONFIGS};
use super::{ConfigScope, Source, Synonym, TOPIC_CONFIGS, is_this_broker};
use crate::core::refusal::{Refusal, text};
use crate::core::topics::check_name;
use crate::core::{Call, Core, Handled, NODE, Operation, Resource};

/// So many bytes of configs are described in one answer. Resources that come after them are refused.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// The numbers of the kinds of resources that have configs.
pub(super) mod resource_type {
    pub const TOPIC: i8 = 2;
    pub const BROKER: i8 = 4;
    pub const BROKER_LOGGER: i8 = 8;
    pub const CLIENT_METRICS: i8 = 16;
    pub const GROUP: i8 = 32;
}

/// One config as it holds.
struct Shown {
    definition: Definition,
    value: Option<String>,
    source: Source,
    is_fixed: bool,
    synonyms: Vec<Synonym>,
}

impl Shown {
    /// `synonyms` are the values of the config, the one that holds first.
    fn of(definition: Definition, synonyms: Vec<Synonym>) -> Shown {
        let (value, source) = match synonyms.first() {
            Some(first) => (Some(first.value.clone()), first.source),
            None => (definition.default.map(str::to_owned), Source::Default),
        };
        Shown { definition, value, source, is_fixed: false, synonyms }
    }

    fn is_secret(&self) -> bool {
        self.definition.kind == Kind::Password
    }

    fn visible_value(&self) -> Option<StrBytes> {
        self.value.as_deref().filter(|_| !self.is_secret()).map(text)
    }
}

impl Core {
    pub(crate) fn describe_configs(
        &mut self,
        call: &Call,
        request: DescribeConfigsRequest,
    ) -> Handled<DescribeConfigsResponse> {
        let (synonyms, docs) = (request.include_synonyms, request.include_documentation);
        let mut bytes = 0;
        let described = request.resources.into_iter().map(|resource| {
            if bytes > ANSWER_MAX_BYTES {
                return too_much(resource);
            }
            let result = self.describe_resource(call, resource, synonyms, docs);
            bytes += bytes_of(&result);
            result
        });
        let results = described.collect();
        Handled::Now(DescribeConfigsResponse::default().with_results(results))
    }

    fn describe_resource(
        &self,
        call: &Call,
        resource: DescribeConfigsResource,
        synonyms: bool,
        docs: bool,
    ) -> DescribeConfigsResult {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        let keys = resource.configuration_keys;
        let is_asked = |shown: &Shown| match &keys {
            Some(keys) if !keys.is_empty() => {
                keys.iter().any(|key| key.as_str() == shown.definition.name)
            }
            _ => true,
        };
        match self.shown(call, resource.resource_type, &resource.resource_name) {
            Ok(shown) => {
                let configs = shown.into_iter().filter(is_asked);
                let configs = configs.map(|shown| answered(shown, synonyms, docs)).collect();
                result.with_error_message(Some(text(""))).with_configs(configs)
            }
            Err(refusal) => result
                .with_error_code(refusal.code())
                .with_error_message(Some(refusal.text().unwrap_or_default())),
        }
    }

    fn shown(&self, call: &Call, kind: i8, name: &str) -> Result<Vec<Shown>, Refusal> {
        let may_cluster = || self.may(call, Operation::DescribeConfigs, Resource::Cluster);
        let no_cluster = || Refusal::unauthorized(ResponseError::ClusterAuthorizationFailed);
        match kind {
            resource_type::TOPIC => self.shown_topic(call, name),
            resource_type::BROKER if !may_cluster() => Err(no_cluster()),
            resource_type::BROKER => self.shown_broker(name),
            resource_type::BROKER_LOGGER if !may_cluster() => Err(no_cluster()),
            resource_type::BROKER_LOGGER if is_this_broker(name) => Ok(Vec::new()),
            resource_type::BROKER_LOGGER => Err(no_logger(name)),
            resource_type::CLIENT_METRICS if !may_cluster() => Err(no_cluster()),
            resource_type::CLIENT_METRICS if name.is_empty() => Err(Refusal::new(
                ResponseError::InvalidRequest,
                "Client metrics subscription name must not be empty",
            )),
            resource_type::CLIENT_METRICS => {
                let scope = ConfigScope::ClientMetrics(name.to_owned());
                Ok(self.shown_scope(CLIENT_METRICS_CONFIGS, &scope, Source::ClientMetrics))
            }
            resource_type::GROUP => self.shown_group(call, name),
            _ => Err(Refusal::new(
                ResponseError::InvalidRequest,
                format!("Unsupported resource type: {kind}"),
            )),
        }
    }

    fn shown_topic(&self, call: &Call, name: &str) -> Result<Vec<Shown>, Refusal> {
        if !self.may(call, Operation::DescribeConfigs, Resource::Topic(name)) {
            return Err(Refusal::unauthorized(ResponseError::TopicAuthorizationFailed));
        }
        check_name(name)?;
        match self.catalog.get(name) {
            Some(topic) => Ok(self.shown_topic_configs(&topic.config)),
            None => Err(ResponseError::UnknownTopicOrPartition.into()),
        }
    }

    fn shown_topic_configs(&self, set: &BTreeMap<String, String>) -> Vec<Shown> {
        let shown = |definition| Shown::of(definition, self.topic_synonyms(&definition, set));
        TOPIC_CONFIGS.iter().copied().map(shown).collect()
    }

    fn shown_broker(&self, name: &str) -> Result<Vec<Shown>, Refusal> {
        if name.is_empty() {
            return Ok(self.shown_brokers());
        }
        if name.parse::<i32>().is_err() {
            let message = format!("Broker id must be an integer, but it is: {name}");
            return Err(Refusal::new(ResponseError::InvalidRequest, message));
        }
        if !is_this_broker(name) {
            let message = format!(
                "Unexpected broker id, expected {} or empty string, but received {name}",
                NODE.0
            );
            return Err(Refusal::new(ResponseError::InvalidRequest, message));
        }
        let all = broker_table::all().into_iter();
        Ok(all
            .map(|(definition, is_dynamic)| {
                let synonyms = self.broker_synonyms(&definition);
                Shown { is_fixed: !is_dynamic, ..Shown::of(definition, synonyms) }
            })
            .collect())
    }

    /// What is set for every broker.
    fn shown_brokers(&self) -> Vec<Shown> {
        let source = Source::DynamicDefaultBroker;
        let set = broker_table::dynamic().filter_map(|definition| {
            let value = self.configs.value(&ConfigScope::Brokers, definition.name)?.clone();
            let name = definition.name;
            Some(Shown::of(definition, vec![Synonym { name, value, source }]))
        });
        set.collect()
    }

    fn shown_group(&self, call: &Call, name: &str) -> Result<Vec<Shown>, Refusal> {
        if !self.may(call, Operation::DescribeConfigs, Resource::Group(name)) {
            return Err(Refusal::unauthorized(ResponseError::GroupAuthorizationFailed));
        }
        if name.is_empty() {
            let message = "Group name must not be empty";
            return Err(Refusal::new(ResponseError::InvalidRequest, message));
        }
        let scope = ConfigScope::Group(name.to_owned());
        Ok(self.shown_scope(GROUP_CONFIGS, &scope, Source::Group))
    }

    fn shown_scope(&self, table: &[Definition], scope: &ConfigScope, own: Source) -> Vec<Shown> {
        let shown = |definition: &Definition| {
            let name = definition.name;
            let set = self.configs.value(scope, name).cloned();
            let default = definition.default.map(str::to_owned);
            let found = [(set, own), (default, Source::Default)].into_iter();
            let synonyms =
                found.filter_map(|(value, source)| Some(Synonym { name, value: value?, source }));
            Shown::of(*definition, synonyms.collect())
        };
        table.iter().map(shown).collect()
    }

    /// The configs of a new topic, as CreateTopics answers with them.
    pub(crate) fn created_configs(
        &self,
        set: &BTreeMap<String, String>,
    ) -> Vec<CreatableTopicConfigs> {
        let answered = |shown: Shown| {
            CreatableTopicConfigs::default()
                .with_name(StrBytes::from_static_str(shown.definition.name))
                .with_value(shown.visible_value())
                .with_config_source(shown.source as i8)
        };
        self.shown_topic_configs(set).into_iter().map(answered).collect()
    }
}

pub(super) fn no_logger(name: &str) -> Refusal {
    let message = match name.parse::<i32>() {
        Ok(_) => format!("Unexpected broker id, expected {} but received {name}", NODE.0),
        Err(_) => format!("Broker id must be an integer, but it is: {name}"),
    };
    Refusal::new(ResponseError::InvalidRequest, message)
}

fn too_much(resource: DescribeConfigsResource) -> DescribeConfigsResult {
    DescribeConfigsResult::default()
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name)
        .with_error_code(ResponseError::InvalidRequest.code())
        .with_error_message(Some(StrBytes::from_static_str("Ask for fewer resources at a time.")))
}

/// About how many bytes a result has in the answer.
fn bytes_of(result: &DescribeConfigsResult) -> usize {
    /// Numbers and lengths of a config or a synonym.
    const FIELDS: usize = 16;
    let length = |text: &Option<StrBytes>| text.as_ref().map_or(0, |text| text.len());
    let synonyms = |config: &DescribeConfigsResourceResult| -> usize {
        let synonyms = config.synonyms.iter();
        synonyms.map(|synonym| FIELDS + synonym.name.len() + length(&synonym.value)).sum()
    };
    let configs = result.configs.iter().map(|config| {
        let own = config.name.len() + length(&config.value) + length(&config.documentation);
        FIELDS + own + synonyms(config)
    });
    FIELDS + result.resource_name.len() + configs.sum::<usize>()
}

fn answered(shown: Shown, synonyms: bool, docs: bool) -> DescribeConfigsResourceResult {
    let is_secret = shown.is_secret();
    let synonym = |synonym: &Synonym| {
        DescribeConfigsSynonym::default()
            .with_name(StrBytes::from_static_str(synonym.name))
            .with_value(Some(text(&synonym.value)).filter(|_| !is_secret))
            .with_source(synonym.source as i8)
    };
    let result = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(shown.definition.name))
        .with_value(shown.visible_value())
        .with_read_only(shown.is_fixed)
        .with_config_source(shown.source as i8)
        .with_is_sensitive(is_secret)
        .with_config_type(shown.definition.kind.code())
        .with_documentation(docs.then(|| StrBytes::from_static_str(shown.definition.doc)));
    match synonyms {
        true => result.with_synonyms(shown.synonyms.iter().map(synonym).collect()),
        false => result,
    }
}
