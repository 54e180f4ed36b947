//! What is to become of configurations: bodies, and the checks before anything is altered. Source:
//! Confluent AbstractConfigManager.

use std::collections::HashSet;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use weir_http::{Caller, Denied};
use weir_kafka::Fault;
use weir_kafka::admin::{Alteration, ConfigResource};

use super::json_body::Required;
use super::site::{Here, Site};
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::answer::{Answer, Json, Nothing};
use crate::http::json::coerced;
use crate::http::rights::{Configure, TopicInBody};

/// The body of `PUT ../configs/{name}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValue {
    #[serde(default, deserialize_with = "coerced")]
    pub(super) value: Option<String>,
}

impl Required for NewValue {}

/// The body of `POST ../configs:alter`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alter {
    data: Vec<Object<AlterOne>>,
    #[serde(default, deserialize_with = "coerced")]
    validate_only: Option<bool>,
}

impl Required for Alter {
    const MISSING: &'static str = "Null input provided. Data is required.";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlterOne {
    #[serde(deserialize_with = "coerced")]
    name: String,
    #[serde(default, deserialize_with = "coerced")]
    value: Option<String>,
    #[serde(default)]
    operation: Option<Change>,
}

/// The body of `POST ../topics/-/configs:alter`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlterTopics {
    data: Vec<Object<AlterTopic>>,
    #[serde(default, deserialize_with = "coerced")]
    validate_only: Option<bool>,
}

impl Required for AlterTopics {
    const MISSING: &'static str = "Null input provided. Data is required.";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlterTopic {
    topic_name: TopicInBody,
    configs: Vec<Object<AlterOne>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Change {
    Set,
    Delete,
}

/// The answer where some topics could not be altered.
#[derive(Serialize)]
struct Failures {
    failures: Vec<Failure>,
}

#[derive(Serialize)]
struct Failure {
    topic_name: String,
    error_code: u32,
    message: String,
}

/// Settings of brokers that can be set although no broker lists them.
const UNLISTED: [&str; 3] = [
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

/// What settings of one listener begin with; no broker lists them before they are set.
const OF_LISTENER: &str = "listener.name.";

/// Sets one setting. 404 no such setting · 40002 · 40403.
pub(super) async fn set(
    here: Here,
    of: ConfigResource,
    name: String,
    new: NewValue,
) -> Answer<Nothing> {
    let site = here.site().await?;
    let value = new.value.ok_or_else(|| no_value(&name))?;
    Names::of(&site, &of).await?.check(&site, &of, &name)?;
    alter_one(&site, of, vec![Alteration { name, value: Some(value) }], false).await
}

/// Gives one setting its default again. 404 no such setting, or for all brokers one that is not set ·
/// 40002 · 40403.
pub(super) async fn reset(here: Here, of: ConfigResource, name: String) -> Answer<Nothing> {
    let site = here.site().await?;
    match of {
        ConfigResource::Brokers => Names::set_of(&site, &of).await?.check(&site, &of, &name)?,
        ConfigResource::Topic(_) | ConfigResource::Broker(_) => {
            Names::of(&site, &of).await?.check(&site, &of, &name)?
        }
    }
    alter_one(&site, of, vec![Alteration { name, value: None }], false).await
}

/// Alters several settings, all or none. 404 no such setting · 40002 · 40403.
pub(super) async fn alter(here: Here, of: ConfigResource, request: Alter) -> Answer<Nothing> {
    let site = here.site().await?;
    let changes = changes(request.data)?;
    Names::of(&site, &of).await?.check_all(&site, &of, &changes)?;
    alter_one(&site, of, changes, request.validate_only.unwrap_or(false)).await
}

/// Alters settings of several topics. 204, or 207 with what each topic that Kafka refuses has against
/// it. 404 no such setting · 40002 · 40301 of any topic · 40403: no topic is altered.
pub(super) async fn alter_topics(
    here: Here,
    caller: &Caller,
    request: AlterTopics,
) -> Answer<Response> {
    let asked = permitted(request.data, caller)?;
    let site = here.site().await?;
    let asked = by_topic(asked)?;
    if asked.is_empty() {
        return Ok(Nothing.into_response());
    }
    let of: Vec<ConfigResource> = asked.iter().map(|(of, _)| of.clone()).collect();
    let known = site.kafka().configs(&of, None).await.map_err(ProxyError::from)?;
    for ((of, changes), known) in asked.iter().zip(known) {
        let known = Names(known.into_iter().map(|config| config.name).collect());
        known.check_all(&site, of, changes)?;
    }
    let asked: Vec<_> = asked.into_iter().filter(|(_, changes)| !changes.is_empty()).collect();
    let validate_only = request.validate_only.unwrap_or(false);
    let results =
        site.kafka().alter_configs(&asked, validate_only).await.map_err(ProxyError::from)?;
    let failures: Vec<Failure> = asked
        .iter()
        .zip(results)
        .filter_map(|((of, _), result)| {
            let error = ProxyError::from(result.err()?);
            let topic_name = of.name();
            Some(Failure { topic_name, error_code: error.code(), message: error.to_string() })
        })
        .collect();
    if failures.is_empty() {
        return Ok(Nothing.into_response());
    }
    Ok((StatusCode::MULTI_STATUS, Json(Failures { failures })).into_response())
}

async fn alter_one(
    site: &Site,
    of: ConfigResource,
    changes: Vec<Alteration>,
    validate_only: bool,
) -> Answer<Nothing> {
    if !changes.is_empty() {
        let results = site
            .kafka()
            .alter_configs(&[(of, changes)], validate_only)
            .await
            .map_err(ProxyError::from)?;
        results.into_iter().collect::<Result<(), Fault>>().map_err(ProxyError::from)?;
    }
    Ok(Nothing)
}

/// Names that settings of a resource can have.
struct Names(HashSet<String>);

impl Names {
    /// What can be set of a resource. 404 no such broker · 40403.
    async fn of(site: &Site, of: &ConfigResource) -> Result<Names, ProxyError> {
        let mut names = Names::set_of(site, of).await?;
        if *of == ConfigResource::Brokers
            && let Some(id) = site.kafka().cluster().await?.brokers.into_keys().next()
        {
            names.0.extend(Names::set_of(site, &ConfigResource::Broker(id)).await?.0);
        }
        Ok(names)
    }

    /// What Kafka lists of a resource: of all brokers, only what is set.
    async fn set_of(site: &Site, of: &ConfigResource) -> Result<Names, ProxyError> {
        let found = site.kafka().configs_of(of.clone(), None).await?;
        Ok(Names(found.into_iter().map(|config| config.name).collect()))
    }

    /// 404.
    fn check(&self, site: &Site, of: &ConfigResource, name: &str) -> Result<(), ProxyError> {
        let kind = if matches!(of, ConfigResource::Topic(_)) { "TOPIC" } else { "BROKER" };
        let unlisted =
            kind == "BROKER" && (UNLISTED.contains(&name) || name.starts_with(OF_LISTENER));
        if self.0.contains(name) || unlisted {
            return Ok(());
        }
        let (whose, cluster) = (of.name(), site.cluster());
        let reason =
            format!("Config {name} cannot be found for {kind} {whose} in cluster {cluster}.");
        Err(ProxyError::Missing { reason })
    }

    /// 404.
    fn check_all(
        &self,
        site: &Site,
        of: &ConfigResource,
        changes: &[Alteration],
    ) -> Result<(), ProxyError> {
        changes.iter().try_for_each(|change| self.check(site, of, &change.name))
    }
}

/// Topics, each with what is to become of its settings.
type TopicsToAlter = Vec<(String, Vec<Object<AlterOne>>)>;

/// All of the topics, each of which the caller may configure. 40301.
fn permitted(asked: Vec<Object<AlterTopic>>, caller: &Caller) -> Result<TopicsToAlter, Denied> {
    let of_topic = |Object(AlterTopic { topic_name, configs }): Object<AlterTopic>| {
        Ok((topic_name.demand::<Configure>(caller)?, configs))
    };
    asked.into_iter().map(of_topic).collect()
}

/// Each topic once. 40002.
fn by_topic(asked: TopicsToAlter) -> Result<Vec<(ConfigResource, Vec<Alteration>)>, ProxyError> {
    let mut topics: Vec<(ConfigResource, Vec<Object<AlterOne>>)> = Vec::with_capacity(asked.len());
    for (topic, configs) in asked {
        let of = ConfigResource::Topic(topic);
        match topics.iter_mut().find(|(known, _)| *known == of) {
            Some((_, known)) => known.extend(configs),
            None => topics.push((of, configs)),
        }
    }
    topics.into_iter().map(|(of, configs)| Ok((of, changes(configs)?))).collect()
}

/// 40002 a name that stands there twice, or is to be set without a value.
fn changes(asked: Vec<Object<AlterOne>>) -> Result<Vec<Alteration>, ProxyError> {
    let mut changes: Vec<Alteration> = Vec::with_capacity(asked.len());
    for Object(AlterOne { name, value, operation }) in asked {
        if changes.iter().any(|change| change.name == name) {
            let reason = "Error due to duplicate config keys".to_string();
            return Err(ProxyError::Refused { reason });
        }
        let value = match operation.unwrap_or(Change::Set) {
            Change::Set => Some(value.ok_or_else(|| no_value(&name))?),
            Change::Delete => None,
        };
        changes.push(Alteration { name, value });
    }
    Ok(changes)
}

/// 40002: without a value, a setting would be reset.
fn no_value(name: &str) -> ProxyError {
    ProxyError::Refused { reason: format!("Null value not supported for : {name}") }
}
