//! `/config`. Source: Confluent ConfigResource.

use axum::extract::State;
use weir_registry_api::{Config, ConfigUpdate, RegistryError, Subject};
use weir_registry_core::{DeleteConfig, PutConfig, State as RegistryState};

use super::answer::{Answer, Json, Refused};
use super::query::DefaultToGlobal;
use super::request::{Body, Query, ScopePath};
use crate::Registry;

/// `GET /config`: the global configuration.
///
/// `defaultToGlobal`: with what is set for all contexts.
pub(super) async fn global(
    State(registry): State<Registry>,
    Query(DefaultToGlobal { default_to_global }): Query<DefaultToGlobal>,
) -> Json<Config> {
    let state = registry.state();
    Json(shown(&state, None, default_to_global))
}

/// `PUT /config`: change the global configuration. Answers what is set then.
///
/// 42203 no such level · 42205 mode forbids · 42210 invalid rules · 50001 log.
pub(super) async fn put_global(
    State(registry): State<Registry>,
    Body(update): Body<ConfigUpdate>,
) -> Answer<Json<ConfigUpdate>> {
    change(&registry, None, update).await
}

/// `DELETE /config`: back to the default. Answers what was there.
///
/// 42205 mode forbids · 50001 log.
pub(super) async fn delete_global(State(registry): State<Registry>) -> Answer<Json<Config>> {
    remove(&registry, None).await
}

/// `GET /config/{subject}`: the configuration of a subject, or of a context (`:.context:`).
///
/// `defaultToGlobal`: else 40408 if it has none of its own.
pub(super) async fn get(
    State(registry): State<Registry>,
    ScopePath(scope): ScopePath,
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
        scope => Ok(Json(shown(&state, scope.as_ref(), default_to_global))),
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
    State(registry): State<Registry>,
    ScopePath(scope): ScopePath,
    Body(update): Body<ConfigUpdate>,
) -> Answer<Json<ConfigUpdate>> {
    change(&registry, scope, update).await
}

/// `DELETE /config/{subject}`: back to the global one. Answers what was there.
///
/// 40401 if there was none · 42205 mode forbids · 50001 log.
pub(super) async fn delete(
    State(registry): State<Registry>,
    ScopePath(scope): ScopePath,
) -> Answer<Json<Config>> {
    remove(&registry, scope).await
}

async fn change(
    registry: &Registry,
    scope: Option<Subject>,
    update: ConfigUpdate,
) -> Answer<Json<ConfigUpdate>> {
    let scope = scope.map(Subject::settable).transpose().map_err(RegistryError::from)?;
    Ok(Json(registry.submit(PutConfig { scope, update }).await?.into()))
}

async fn remove(registry: &Registry, scope: Option<Subject>) -> Answer<Json<Config>> {
    Ok(Json(registry.submit(DeleteConfig { scope }).await?))
}
