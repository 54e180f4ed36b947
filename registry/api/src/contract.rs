//! Data contracts: what a schema says beside its text. Metadata describes it, rules are for clients
//! to run; the registry keeps, merges and validates both.
//!
//! Source: Confluent's `Metadata`, `RuleSet` and `Rule`; both are part of a schema's guid.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::json::{is_empty, null_is_default};

/// The property that holds a version's own number.
pub const CONFLUENT_VERSION: &str = "confluent:version";

/// The property that lists, with commas, fields that no version may use.
const CONFLUENT_RESERVED: &str = "confluent:reserved";

/// What describes a schema: tags of its parts, properties, and which of those are sensitive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Tags by the path of a field or type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub tags: BTreeMap<String, BTreeSet<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub properties: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "null_is_default")]
    pub sensitive: BTreeSet<String>,
}

impl Metadata {
    /// This, with what `newer` says over it.
    pub fn merged(&self, newer: &Metadata) -> Metadata {
        let mut merged = self.clone();
        merged.tags.extend(newer.tags.clone());
        merged.properties.extend(newer.properties.clone());
        merged.sensitive.extend(newer.sensitive.iter().cloned());
        merged
    }

    /// This metadata without the version's own number.
    pub fn without_version(&self) -> Metadata {
        let mut rest = self.clone();
        rest.properties.remove(CONFLUENT_VERSION);
        rest
    }

    /// Fields that no version may use.
    pub fn reserved_fields(&self) -> BTreeSet<&str> {
        let listed = self.properties.get(CONFLUENT_RESERVED).map_or("", String::as_str);
        listed.split(',').map(str::trim).filter(|field| !field.is_empty()).collect()
    }
}

/// Why rules are refused: 42210.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRuleSet {
    pub reason: String,
}

/// Rules by when they run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleSet {
    /// Rules that run between versions.
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub migration_rules: Vec<Rule>,
    /// Rules that run on data of this version.
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub domain_rules: Vec<Rule>,
    /// Rules that run on encoded data.
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub encoding_rules: Vec<Rule>,
    /// Where rules run; everywhere if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_at: Option<String>,
}

/// A rule; the registry does not run it. The order of fields is the order on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "absent")]
    pub doc: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub kind: RuleKind,
    #[serde(deserialize_with = "null_is_default")]
    pub mode: RuleMode,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub rule_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "null_is_default")]
    pub tags: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub params: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "absent")]
    pub expr: Option<String>,
    #[serde(skip_serializing_if = "absent")]
    pub on_success: Option<String>,
    #[serde(skip_serializing_if = "absent")]
    pub on_failure: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub disabled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleKind {
    #[default]
    Transform,
    Condition,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleMode {
    Upgrade,
    Downgrade,
    Updown,
    Write,
    Read,
    #[default]
    Writeread,
}

impl RuleKind {
    pub fn name(self) -> &'static str {
        match self {
            RuleKind::Transform => "TRANSFORM",
            RuleKind::Condition => "CONDITION",
        }
    }
}

impl RuleMode {
    pub fn name(self) -> &'static str {
        match self {
            RuleMode::Upgrade => "UPGRADE",
            RuleMode::Downgrade => "DOWNGRADE",
            RuleMode::Updown => "UPDOWN",
            RuleMode::Write => "WRITE",
            RuleMode::Read => "READ",
            RuleMode::Writeread => "WRITEREAD",
        }
    }

    fn migrates(self) -> bool {
        matches!(self, RuleMode::Upgrade | RuleMode::Downgrade | RuleMode::Updown)
    }
}

impl RuleSet {
    /// Checks that each rule has a name and a type, that names stand once, and that rules are where their mode
    /// belongs.
    pub fn validate(&self) -> Result<(), InvalidRuleSet> {
        let refused = |reason: String| Err(InvalidRuleSet { reason });
        for rules in [&self.migration_rules, &self.domain_rules, &self.encoding_rules] {
            let mut names = HashSet::new();
            for rule in rules {
                if let Err(reason) = rule.validate() {
                    return refused(reason);
                }
                if !names.insert(&rule.name) {
                    let name = rule.name.as_deref().unwrap_or_default();
                    return refused(format!("Found rule with duplicate name '{name}'"));
                }
            }
        }
        if self.migration_rules.iter().any(|rule| !rule.mode.migrates()) {
            return refused("Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN".into());
        }
        for (rules, which) in [(&self.domain_rules, "Domain"), (&self.encoding_rules, "Encoding")] {
            if rules.iter().any(|rule| rule.mode.migrates()) {
                return refused(format!("{which} rules can only be WRITE, READ, WRITEREAD"));
            }
        }
        Ok(())
    }

    /// This, with `newer`'s rules after it and in the place of those with the same names.
    pub fn merged(&self, newer: &RuleSet) -> RuleSet {
        let join = |old: &[Rule], new: &[Rule]| {
            let names: HashSet<_> = new.iter().map(|rule| &rule.name).collect();
            let kept = old.iter().filter(|rule| !names.contains(&rule.name));
            kept.chain(new).cloned().collect()
        };
        RuleSet {
            migration_rules: join(&self.migration_rules, &newer.migration_rules),
            domain_rules: join(&self.domain_rules, &newer.domain_rules),
            encoding_rules: join(&self.encoding_rules, &newer.encoding_rules),
            enable_at: newer.enable_at.clone().or_else(|| self.enable_at.clone()),
        }
    }

    /// This rule set without the rules of these names.
    pub fn without(&self, names: &[String]) -> RuleSet {
        let names: HashSet<&String> = names.iter().collect();
        let keep = |rules: &[Rule]| {
            let named = |rule: &Rule| rule.name.as_ref().is_some_and(|name| names.contains(name));
            rules.iter().filter(|rule| !named(rule)).cloned().collect()
        };
        RuleSet {
            migration_rules: keep(&self.migration_rules),
            domain_rules: keep(&self.domain_rules),
            encoding_rules: keep(&self.encoding_rules),
            enable_at: self.enable_at.clone(),
        }
    }

    /// Returns true if a rule of this type is among them.
    pub fn has_type(&self, rule_type: &str) -> bool {
        [&self.migration_rules, &self.domain_rules, &self.encoding_rules]
            .into_iter()
            .flatten()
            .any(|rule| rule.rule_type.as_deref() == Some(rule_type))
    }
}

impl Rule {
    fn validate(&self) -> Result<(), String> {
        let name = self.name.as_deref().ok_or("Missing rule name")?;
        let mut letters = name.chars();
        let first = letters.next().ok_or("Empty rule name")?;
        if !(first.is_alphabetic() || first == '_') {
            return Err(format!("Illegal initial character in rule name: {name}"));
        }
        if !letters.all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            return Err(format!("Illegal character in rule name: {name}"));
        }
        if self.rule_type.is_none() {
            return Err("Missing rule type".into());
        }
        Ok(())
    }
}

fn absent(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> RuleSet {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn rules_are_where_their_mode_belongs_and_stand_once() {
        for (text, why) in [
            (
                r#"{"domainRules":[{"name":"a","type":"CEL"},{"name":"a","type":"CEL"}]}"#,
                "Found rule with duplicate name 'a'",
            ),
            (
                r#"{"migrationRules":[{"name":"a","type":"X","mode":"READ"}]}"#,
                "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN",
            ),
            (
                r#"{"domainRules":[{"name":"a","type":"X","mode":"UPDOWN"}]}"#,
                "Domain rules can only be WRITE, READ, WRITEREAD",
            ),
            (r#"{"domainRules":[{"type":"X"}]}"#, "Missing rule name"),
            (r#"{"domainRules":[{"name":"","type":"X"}]}"#, "Empty rule name"),
            (
                r#"{"domainRules":[{"name":"1","type":"X"}]}"#,
                "Illegal initial character in rule name: 1",
            ),
            (
                r#"{"domainRules":[{"name":"a b","type":"X"}]}"#,
                "Illegal character in rule name: a b",
            ),
            (r#"{"domainRules":[{"name":"a"}]}"#, "Missing rule type"),
        ] {
            assert_eq!(rules(text).validate().unwrap_err().to_string(), why);
        }
        let good = r#"{"migrationRules":[{"name":"a","type":"X","mode":"UPGRADE"}],"domainRules":[{"name":"a","type":"X"}]}"#;
        rules(good).validate().unwrap();
    }

    #[test]
    fn a_newer_rule_takes_the_place_of_its_name() {
        let old = rules(r#"{"domainRules":[{"name":"a","type":"X"},{"name":"b","type":"X"}]}"#);
        let new = rules(r#"{"domainRules":[{"name":"a","type":"Y"}]}"#);
        let merged = old.merged(&new);
        let names: Vec<_> = merged
            .domain_rules
            .iter()
            .map(|r| (r.name.as_deref().unwrap(), r.rule_type.as_deref().unwrap()))
            .collect();
        assert_eq!(names, [("b", "X"), ("a", "Y")]);
        assert_eq!(merged.without(&["b".into()]).domain_rules, new.domain_rules);
    }

    #[test]
    fn newer_metadata_is_over_the_older() {
        let of = |text| serde_json::from_str::<Metadata>(text).unwrap();
        let old = of(r#"{"tags":{"f":["PII"]},"properties":{"a":"1","b":"1"},"sensitive":["a"]}"#);
        let new = of(r#"{"properties":{"b":"2"},"sensitive":["b"]}"#);
        let merged = serde_json::to_string(&old.merged(&new)).unwrap();
        let expected =
            r#"{"tags":{"f":["PII"]},"properties":{"a":"1","b":"2"},"sensitive":["a","b"]}"#;
        assert_eq!(merged, expected);
    }
}
