//! Changing configuration.

use std::sync::Arc;

use weir_registry_api::{Config, ConfigUpdate, RegistryError, Subject};

use super::guards::writable;
use super::{Decide, Decision};
use crate::record::Record;
use crate::state::State;

/// Changes the configuration of a scope; none is the default context.
#[derive(Clone, Debug)]
pub struct PutConfig {
    pub scope: Option<Subject>,
    pub update: ConfigUpdate,
}

/// Takes a scope's configuration away; none is the default context.
#[derive(Clone, Debug)]
pub struct DeleteConfig {
    pub scope: Option<Subject>,
}

impl Decide for PutConfig {
    /// What is set for the scope then.
    type Outcome = Config;

    /// 42203 · 42205 · 42210.
    fn decide(&self, state: &State) -> Result<Decision<Config>, RegistryError> {
        let (scope, update) = (self.scope.as_ref(), &self.update);
        let mut config = state.config(scope).cloned().unwrap_or_default();
        set(&mut config.alias, &update.alias);
        // an empty alias is how clients take one away
        config.alias.take_if(|alias| alias.is_empty());
        set(&mut config.alias_for_deks, &update.alias_for_deks);
        set(&mut config.normalize, &update.normalize);
        set(&mut config.validate_fields, &update.validate_fields);
        set(&mut config.validate_new_schemas, &update.validate_new_schemas);
        set(&mut config.validate_rules, &update.validate_rules);
        set_parsed(&mut config.compatibility_level, &update.compatibility)?;
        set_parsed(&mut config.compatibility_policy, &update.compatibility_policy)?;
        set(&mut config.compatibility_group, &update.compatibility_group);
        set(&mut config.default_metadata, &update.default_metadata);
        set(&mut config.override_metadata, &update.override_metadata);
        set(&mut config.default_rule_set, &update.default_rule_set);
        set(&mut config.override_rule_set, &update.override_rule_set);
        for rules in [&config.default_rule_set, &config.override_rule_set].into_iter().flatten() {
            rules.validate()?;
        }
        writable(state, scope)?;
        let value = Some(Arc::new(config.clone()));
        let record = Record::Config { subject: self.scope.clone(), value };
        Ok(Decision { records: vec![record], outcome: config })
    }
}

impl Decide for DeleteConfig {
    /// What was set for the scope, with the level that held there.
    type Outcome = Config;

    /// 40401 · 42205.
    fn decide(&self, state: &State) -> Result<Decision<Config>, RegistryError> {
        let scope = self.scope.as_ref();
        let old = match (state.config(scope), scope) {
            (Some(config), _) => {
                let level = state.effective_config(scope).compatibility_level;
                Config { compatibility_level: level, ..config.clone() }
            }
            (None, Some(subject)) if !subject.is_global() => {
                return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
            }
            (None, _) => state.effective_config(scope),
        };
        writable(state, scope)?;
        let record = Record::Config { subject: self.scope.clone(), value: None };
        Ok(Decision { records: vec![record], outcome: old })
    }
}

fn set<T: Clone>(field: &mut Option<T>, update: &Option<Option<T>>) {
    if let Some(update) = update {
        field.clone_from(update);
    }
}

fn set_parsed<T: std::str::FromStr<Err: Into<RegistryError>>>(
    field: &mut Option<T>,
    update: &Option<Option<String>>,
) -> Result<(), RegistryError> {
    if let Some(update) = update {
        let parsed = update.as_ref().map(|name| name.parse()).transpose();
        *field = parsed.map_err(Into::into)?;
    }
    Ok(())
}
