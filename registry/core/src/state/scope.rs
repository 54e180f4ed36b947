//! Configuration and modes: a subject's own, else its context's, else that of all contexts, else the
//! default. Source: Confluent's `InMemoryCache#config` and `#mode`.

use std::sync::Arc;

use weir_registry_api::{CompatibilityLevel, Config, Mode, Subject};

use super::State;

impl State {
    pub fn config(&self, scope: Option<&Subject>) -> Option<&Config> {
        self.config.get(&scope.cloned()).map(Arc::as_ref)
    }

    pub fn mode(&self, scope: Option<&Subject>) -> Option<Mode> {
        self.mode.get(&scope.cloned()).copied()
    }

    /// All configurations that are set, in no order.
    pub fn configs(&self) -> impl Iterator<Item = (Option<&Subject>, &Config)> {
        self.config.iter().map(|(scope, config)| (scope.as_ref(), &**config))
    }

    /// Scopes that have a mode of their own.
    pub fn scopes_with_mode(&self) -> impl Iterator<Item = Option<&Subject>> {
        self.mode.keys().map(Option::as_ref)
    }

    /// The configuration that holds for a scope: the nearest, and what that does not say from those
    /// around it. There is always a compatibility level.
    pub fn effective_config(&self, scope: Option<&Subject>) -> Config {
        let default = Config { compatibility_level: Some(self.default_level), ..Config::default() };
        let own = self.config(scope).cloned().unwrap_or_default();
        let around = scopes(scope).skip(1).filter_map(|scope| self.config.get(&scope));
        around.fold(own, |inner, outer| inner.over(outer)).over(&default)
    }

    /// The subject that requests for this one are about. One step: an alias of an alias is none.
    pub fn behind_alias(&self, subject: Subject) -> Subject {
        match self.config(Some(&subject)).and_then(|config| config.alias.as_deref()) {
            Some(alias) if !alias.is_empty() => Subject::written(alias).beside(&subject),
            _ => subject,
        }
    }

    /// What holds where no configuration says a level, BACKWARD until this is called.
    pub fn set_default_level(&mut self, level: CompatibilityLevel) {
        self.default_level = level;
    }

    pub fn default_level(&self) -> CompatibilityLevel {
        self.default_level
    }

    pub fn effective_mode(&self, scope: Option<&Subject>) -> Mode {
        scopes(scope).find_map(|scope| self.mode(scope.as_ref())).unwrap_or_default()
    }
}

/// The scopes around a subject, itself first.
fn scopes(scope: Option<&Subject>) -> impl Iterator<Item = Option<Subject>> {
    let own = scope.cloned();
    let context = scope.and_then(|subject| subject.context().scope());
    let mut scopes = vec![own.clone()];
    if own != context {
        scopes.push(context);
    }
    scopes.push(Some(Subject::global()));
    scopes.into_iter()
}
