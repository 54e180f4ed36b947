//! `/config`. Source: Confluent ConfigResource.

use weir_http::{Action, Caller};
use weir_registry_api::{Config, ConfigUpdate, RegistryError, Subject};
use weir_registry_core::{DeleteConfig, Grants, PutConfig, State as RegistryState};

use super::answer::{Answer, Json, Refused};
use super::query::DefaultToGlobal;
use super::request::{Body, Query};
use super::rights::{Configure, OnRegistry, OnScope, Read, demand_on, of_caller};
use crate::Registry;

/// `GET /config`: the global configuration.
///
/// `defaultToGlobal`: with what is set for all contexts.
pub(super) async fn global(
    OnRegistry { registry, caller, .. }: OnRegistry<Read>,
    Query(DefaultToGlobal { default_to_global }): Query<DefaultToGlobal>,
) -> Json<Config> {
    let state = registry.state();
    Json(told(shown(&state, None, default_to_global), None, &of_caller(caller)))
}

/// `PUT /config`: change the global configuration. Answers what is set then.
///
/// 42203 no such level · 42205 mode forbids · 42210 invalid rules · 50001 log.
pub(super) async fn put_global(
    OnRegistry { registry, caller, .. }: OnRegistry<Configure>,
    Body(update): Body<ConfigUpdate>,
) -> Answer<Json<ConfigUpdate>> {
    change(&registry, &caller, None, update).await
}

/// `DELETE /config`: back to the default. Answers what was there.
///
/// 42205 mode forbids · 50001 log.
pub(super) async fn delete_global(
    OnRegistry { registry, caller, .. }: OnRegistry<Configure>,
) -> Answer<Json<Config>> {
    remove(&registry, &caller, None).await
}

/// `GET /config/{subject}`: the configuration of a subject, or of a context (`:.context:`).
///
/// `defaultToGlobal`: else 40408 if it has none of its own.
pub(super) async fn get(
    OnScope { registry, scope, caller, .. }: OnScope<Read>,
    Query(DefaultToGlobal { default_to_global }): Query<DefaultToGlobal>,
) -> Answer<Json<Config>> {
    let state = registry.state();
    match scope {
        Some(subject)
            if state.config(Some(&subject)).is_none()
                && !default_to_global
                && !subject.is_global() =>
        {
            Err(Refused::from(RegistryError::NoSubjectCompatibility { subject }))
        }
        scope => {
            let config = shown(&state, scope.as_ref(), default_to_global);
            Ok(Json(told(config, scope.as_ref(), &of_caller(caller))))
        }
    }
}

/// What is set for a scope itself, or what holds there; in either case with the level that holds.
fn shown(state: &RegistryState, scope: Option<&Subject>, merged: bool) -> Config {
    let effective = state.effective_config(scope);
    if merged {
        return effective;
    }
    let own = state.config(scope).cloned().unwrap_or_default();
    let level = match scope {
        // what is set for all contexts is not the default context's own
        None => own.compatibility_level.or(Some(state.default_level())),
        Some(_) => own.compatibility_level.or(effective.compatibility_level),
    };
    Config { compatibility_level: level, ..own }
}

/// `PUT /config/{subject}`: change it; the subject need not be there. Answers what is set then.
///
/// 42203 no such level · 42205 mode forbids · 42208 · 42210 invalid rules · 50001 log.
pub(super) async fn put(
    OnScope { registry, scope, caller, .. }: OnScope<Configure>,
    Body(update): Body<ConfigUpdate>,
) -> Answer<Json<ConfigUpdate>> {
    change(&registry, &caller, scope, update).await
}

/// `DELETE /config/{subject}`: back to the global one. Answers what was there.
///
/// 40401 if there was none · 42205 mode forbids · 50001 log.
pub(super) async fn delete(
    OnScope { registry, scope, caller, .. }: OnScope<Configure>,
) -> Answer<Json<Config>> {
    remove(&registry, &caller, scope).await
}

/// Configuration without the name of a subject that may not be read.
fn told(config: Config, scope: Option<&Subject>, grants: &Grants) -> Config {
    let is_readable = |alias: &String| grants.read(&target(alias, scope));
    Config { alias: config.alias.filter(is_readable), ..config }
}

/// The subject that a scope with an alias stands for.
fn target(alias: &str, scope: Option<&Subject>) -> Subject {
    let subject = Subject::written(alias);
    scope.map_or_else(|| subject.clone(), |scope| subject.beside(scope))
}

/// An alias has to be of a subject that the caller may read: it is read through it. 40301.
async fn change(
    registry: &Registry,
    caller: &Caller,
    scope: Option<Subject>,
    update: ConfigUpdate,
) -> Answer<Json<ConfigUpdate>> {
    let scope = scope.map(Subject::settable).transpose().map_err(RegistryError::from)?;
    if let Some(Some(alias)) = &update.alias
        && !alias.is_empty()
    {
        demand_on(caller, Action::Read, &target(alias, scope.as_ref()))?;
    }
    let config = registry.submit(PutConfig { scope: scope.clone(), update }).await?;
    Ok(Json(told(config, scope.as_ref(), &of_caller(caller.clone())).into()))
}

async fn remove(
    registry: &Registry,
    caller: &Caller,
    scope: Option<Subject>,
) -> Answer<Json<Config>> {
    let config = registry.submit(DeleteConfig { scope: scope.clone() }).await?;
    Ok(Json(told(config, scope.as_ref(), &of_caller(caller.clone()))))
}
