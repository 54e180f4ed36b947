//! Configs of topics, of the broker and of groups: what is set, and what holds.

mod alter;
mod broker_table;
mod definition;
mod describe;
mod fixed;
mod group_table;
mod list;
#[cfg(test)]
mod tests;
mod topic_table;
mod typed;
mod validate;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use definition::Definition;
pub use topic_table::TOPIC_CONFIGS;
pub use typed::{TimestampType, TopicConfig};
pub(crate) use validate::check_topic_configs;

use super::{Core, Entry, Key, NODE};

/// How many configs other than topics' are kept, so that nobody fills the journal with names.
const SCOPES_MAX: usize = 10_000;

/// What configs other than topics' belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigScope {
    /// Every broker of the cluster.
    Brokers,
    /// This broker.
    Broker,
    Group(String),
    ClientMetrics(String),
}

/// Where a value comes from, as DescribeConfigs counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Topic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    ClientMetrics = 7,
    Group = 8,
}

/// A value under one of the names that say the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Synonym {
    pub name: &'static str,
    pub value: String,
    pub source: Source,
}

/// What was set while the broker ran, but for topics' configs, which topics have.
#[derive(Debug, Default)]
pub struct Configs {
    set: BTreeMap<ConfigScope, BTreeMap<String, String>>,
}

impl Configs {
    pub fn get(&self, scope: &ConfigScope) -> Option<&BTreeMap<String, String>> {
        self.set.get(scope)
    }

    fn value(&self, scope: &ConfigScope, name: &str) -> Option<&String> {
        self.set.get(scope)?.get(name)
    }

    fn has_room_for(&self, scope: &ConfigScope) -> bool {
        self.set.len() < SCOPES_MAX || self.set.contains_key(scope)
    }

    /// Takes over an entry of the journal.
    pub(super) fn load(
        &mut self,
        scope: ConfigScope,
        value: Option<serde_json::Value>,
    ) -> std::io::Result<()> {
        match value {
            Some(value) => self.set.insert(scope, serde_json::from_value(value)?),
            None => self.set.remove(&scope),
        };
        Ok(())
    }

    fn entry(scope: &ConfigScope, values: &BTreeMap<String, String>) -> std::io::Result<Entry> {
        let is_empty = values.is_empty();
        let value = if is_empty { None } else { Some(serde_json::to_value(values)?) };
        Ok(Entry { key: Key::Config(scope.clone()), value })
    }

    fn put(&mut self, scope: ConfigScope, values: BTreeMap<String, String>) {
        match values.is_empty() {
            true => self.set.remove(&scope),
            false => self.set.insert(scope, values),
        };
    }
}

/// Says what is wrong with a config with which a broker is to be started: nobody knows it, or it does not take the value.
///
/// Those are known that can be changed while a broker runs, too.
pub fn check_start_config(name: &str, value: &str) -> Result<(), String> {
    match broker_table::dynamic().find(|definition| definition.name == name) {
        Some(definition) => definition.check(value),
        None => Err(format!("the broker has no config {name} that can be set")),
    }
}

impl Core {
    /// The values of a broker's config, the one that holds first.
    fn broker_synonyms(&self, definition: &Definition) -> Vec<Synonym> {
        let name = definition.name;
        let fixed = self.settings.broker_config(name);
        let value = |scope| self.configs.value(scope, name).cloned();
        let found = [
            (value(&ConfigScope::Broker), Source::DynamicBroker),
            (value(&ConfigScope::Brokers), Source::DynamicDefaultBroker),
            (fixed, Source::StaticBroker),
            (definition.default.map(str::to_owned), Source::Default),
        ];
        let found = found.into_iter();
        found.filter_map(|(value, source)| Some(Synonym { name, value: value?, source })).collect()
    }

    /// The values of a topic's config, the one that holds first. `set` is what the topic has.
    fn topic_synonyms(
        &self,
        definition: &Definition,
        set: &BTreeMap<String, String>,
    ) -> Vec<Synonym> {
        let name = definition.name;
        let own = set.get(name).map(|value| {
            let value = value.clone();
            Synonym { name, value, source: Source::Topic }
        });
        let broker = definition
            .broker_name
            .and_then(|broker| broker_table::dynamic().find(|found| found.name == broker))
            .map(|broker| self.broker_synonyms(&broker));
        own.into_iter().chain(broker.unwrap_or_default()).collect()
    }

    /// The typed values that hold for a topic which has set `set`.
    pub(crate) fn effective_topic_config(&self, set: &BTreeMap<String, String>) -> TopicConfig {
        TopicConfig::read(|name| {
            let Some(definition) = TOPIC_CONFIGS.iter().find(|found| found.name == name) else {
                return String::new();
            };
            let own = self.topic_synonyms(definition, set).into_iter().next();
            own.map(|synonym| synonym.value)
                .unwrap_or_else(|| definition.default.unwrap_or_default().to_owned())
        })
    }

    /// What a group has set, by name; `None` if the broker's value holds.
    pub(crate) fn group_config(&self, group: &str, name: &str) -> Option<i64> {
        let scope = ConfigScope::Group(group.to_owned());
        self.configs.value(&scope, name)?.trim().parse().ok()
    }

    /// Lets topics follow what was set, after it has changed.
    pub(super) fn refresh_topics(&mut self) {
        let names: Vec<String> = self.catalog.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            self.refresh_topic(&name);
        }
    }

    pub(crate) fn refresh_topic(&mut self, name: &str) {
        let Some(topic) = self.catalog.get(name) else { return };
        let settings = self.effective_topic_config(&topic.config);
        if let Some(topic) = self.catalog.get_mut(name) {
            topic.apply(settings);
        }
    }
}

/// Returns true if a name of a broker means this one.
fn is_this_broker(name: &str) -> bool {
    name.parse() == Ok(NODE.0)
}
