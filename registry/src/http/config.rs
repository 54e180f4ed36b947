//! `/config`. Source: Confluent ConfigResource.

use axum::extract::State;
use weir_registry_api::{Config, ConfigUpdate, RegistryError, Subject};
use weir_registry_core::{Command, Outcome};

use super::answer::{Answer, Json, Refused};
use super::request::{Body, Params, SubjectPath};
use crate::Registry;

/// `GET /config`: the global configuration.
pub(super) async fn global(State(registry): State<Registry>) -> Json<Config> {
    Json(registry.state().effective_config(None))
}

/// `PUT /config`: change the global configuration. Answers the request.
///
/// 42203 no such level · 42205 mode forbids · 50001 log.
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

/// `GET /config/{subject}`: the configuration of a subject.
///
/// `defaultToGlobal`: else 40408 if it has none of its own.
pub(super) async fn get(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
) -> Answer<Json<Config>> {
    let state = registry.state();
    if state.config(Some(&subject)).is_none() && !params.flag("defaultToGlobal") {
        return Err(Refused(RegistryError::NoSubjectCompatibility { subject }));
    }
    Ok(Json(state.effective_config(Some(&subject))))
}

/// `PUT /config/{subject}`: change it; the subject need not be there. Answers the request.
///
/// 42203 no such level · 42205 mode forbids · 42208 · 50001 log.
pub(super) async fn put(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    Body(update): Body<ConfigUpdate>,
) -> Answer<Json<ConfigUpdate>> {
    change(&registry, Some(subject), update).await
}

/// `DELETE /config/{subject}`: back to the global one. Answers what was there.
///
/// 40401 if there was none · 42205 mode forbids · 50001 log.
pub(super) async fn delete(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
) -> Answer<Json<Config>> {
    remove(&registry, Some(subject)).await
}

async fn change(
    registry: &Registry,
    subject: Option<Subject>,
    update: ConfigUpdate,
) -> Answer<Json<ConfigUpdate>> {
    registry.submit(Command::PutConfig { subject, update: update.clone() }).await?;
    Ok(Json(update))
}

async fn remove(registry: &Registry, subject: Option<Subject>) -> Answer<Json<Config>> {
    match registry.submit(Command::DeleteConfig { subject }).await? {
        Outcome::Config(config) => Ok(Json(config)),
        _ => Err(Refused(RegistryError::Internal)),
    }
}
