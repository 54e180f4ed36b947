//! Configuration of a subject, a context or all of them. Source: Confluent's `Config` and
//! `ConfigUpdateRequest`, in the order of their fields.

use serde::{Deserialize, Deserializer, Serialize};

use crate::contract::{Metadata, RuleSet};
use crate::level::{CompatibilityLevel, CompatibilityPolicy};

/// Answer to `GET` and `DELETE /config[/{subject}]`, and what the log keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// The subject that requests for this one are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_for_deks: Option<String>,
    /// Whether schemas are normalised when nobody asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    /// Whether reserved fields are looked after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_fields: Option<bool>,
    /// Whether new schemas are held to their language's rules for names and defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_new_schemas: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_rules: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_level: Option<CompatibilityLevel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_policy: Option<CompatibilityPolicy>,
    /// The property by whose value versions are compared only among themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_rule_set: Option<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_rule_set: Option<RuleSet>,
}

/// Body of `PUT /config[/{subject}]`, and its answer. A field that is absent stays as it is, one
/// that is null is cleared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigUpdate {
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub alias: Option<Option<String>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub alias_for_deks: Option<Option<String>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub normalize: Option<Option<bool>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub validate_fields: Option<Option<bool>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub validate_new_schemas: Option<Option<bool>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub validate_rules: Option<Option<bool>>,
    /// A level's name in any case; checked by the registry, which has its own error for it.
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub compatibility: Option<Option<String>>,
    /// A policy's name in any case.
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub compatibility_policy: Option<Option<String>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub compatibility_group: Option<Option<String>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub default_metadata: Option<Option<Metadata>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub override_metadata: Option<Option<Metadata>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub default_rule_set: Option<Option<RuleSet>>,
    #[serde(skip_serializing_if = "is_not_set", deserialize_with = "given")]
    pub override_rule_set: Option<Option<RuleSet>>,
}

impl From<Config> for ConfigUpdate {
    /// A configuration in the words of requests.
    fn from(config: Config) -> ConfigUpdate {
        ConfigUpdate {
            alias: config.alias.map(Some),
            alias_for_deks: config.alias_for_deks.map(Some),
            normalize: config.normalize.map(Some),
            validate_fields: config.validate_fields.map(Some),
            validate_new_schemas: config.validate_new_schemas.map(Some),
            validate_rules: config.validate_rules.map(Some),
            compatibility: config.compatibility_level.map(|level| Some(level.to_string())),
            compatibility_policy: config.compatibility_policy.map(|p| Some(p.name().into())),
            compatibility_group: config.compatibility_group.map(Some),
            default_metadata: config.default_metadata.map(Some),
            override_metadata: config.override_metadata.map(Some),
            default_rule_set: config.default_rule_set.map(Some),
            override_rule_set: config.override_rule_set.map(Some),
        }
    }
}

impl Config {
    /// This, and what it does not say from the scope around it. An alias is not inherited.
    pub fn over(self, outer: &Config) -> Config {
        fn or<T: Clone>(own: Option<T>, outer: &Option<T>) -> Option<T> {
            own.or_else(|| outer.clone())
        }
        Config {
            alias: self.alias,
            alias_for_deks: self.alias_for_deks,
            normalize: or(self.normalize, &outer.normalize),
            validate_fields: or(self.validate_fields, &outer.validate_fields),
            validate_new_schemas: or(self.validate_new_schemas, &outer.validate_new_schemas),
            validate_rules: or(self.validate_rules, &outer.validate_rules),
            compatibility_level: or(self.compatibility_level, &outer.compatibility_level),
            compatibility_policy: or(self.compatibility_policy, &outer.compatibility_policy),
            compatibility_group: or(self.compatibility_group, &outer.compatibility_group),
            default_metadata: or(self.default_metadata, &outer.default_metadata),
            override_metadata: or(self.override_metadata, &outer.override_metadata),
            default_rule_set: or(self.default_rule_set, &outer.default_rule_set),
            override_rule_set: or(self.override_rule_set, &outer.override_rule_set),
        }
    }

    /// Returns true if registrations get metadata or rules that they do not ask for.
    pub fn has_defaults_or_overrides(&self) -> bool {
        self.default_metadata.is_some()
            || self.override_metadata.is_some()
            || self.default_rule_set.is_some()
            || self.override_rule_set.is_some()
    }
}

fn is_not_set<T>(field: &Option<Option<T>>) -> bool {
    !matches!(field, Some(Some(_)))
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}
