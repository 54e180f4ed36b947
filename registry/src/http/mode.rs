//! `/mode`. Source: Confluent ModeResource.

use axum::extract::State;
use serde::Deserialize;
use weir_registry_api::{Mode, ModeBody, RegistryError, Subject};
use weir_registry_core::{Command, Outcome};

use super::answer::{Answer, Json, Refused};
use super::request::{Body, Params, SubjectPath};
use crate::Registry;

/// Body of `PUT`: a mode's name in any case, or null to have none.
#[derive(Deserialize)]
pub(super) struct ModeUpdate {
    #[serde(default)]
    mode: Option<String>,
}

/// `GET /mode`: the global mode.
pub(super) async fn global(State(registry): State<Registry>) -> Json<ModeBody> {
    Json(ModeBody { mode: registry.state().effective_mode(None) })
}

/// `PUT /mode`: set the global mode. Answers the request.
///
/// 42204 no such mode · 50001 log.
pub(super) async fn put_global(
    State(registry): State<Registry>,
    Body(update): Body<ModeUpdate>,
) -> Answer {
    change(&registry, None, update).await
}

/// `DELETE /mode`: back to READWRITE. Answers what was there.
///
/// `recursive`: the subjects' own modes too. 50001 log.
pub(super) async fn delete_global(
    State(registry): State<Registry>,
    params: Params,
) -> Answer<Json<ModeBody>> {
    remove(&registry, None, &params).await
}

/// `GET /mode/{subject}`: the mode of a subject.
///
/// `defaultToGlobal`: else 40409 if it has none of its own.
pub(super) async fn get(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
) -> Answer<Json<ModeBody>> {
    let state = registry.state();
    match state.mode(Some(&subject)) {
        Some(mode) => Ok(Json(ModeBody { mode })),
        None if params.flag("defaultToGlobal") => {
            Ok(Json(ModeBody { mode: state.effective_mode(Some(&subject)) }))
        }
        None => Err(Refused(RegistryError::NoSubjectMode { subject })),
    }
}

/// `PUT /mode/{subject}`: set it; the subject need not be there. Answers the request.
///
/// 42204 no such mode · 42208 · 50001 log.
pub(super) async fn put(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    Body(update): Body<ModeUpdate>,
) -> Answer {
    change(&registry, Some(subject), update).await
}

/// `DELETE /mode/{subject}`: back to the global one. Answers what was there.
///
/// `recursive`. 40401 if there was none, unless recursive · 50001 log.
pub(super) async fn delete(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
) -> Answer<Json<ModeBody>> {
    remove(&registry, Some(subject), &params).await
}

async fn change(registry: &Registry, subject: Option<Subject>, update: ModeUpdate) -> Answer {
    let command = match &update.mode {
        Some(name) => Command::PutMode { subject, mode: name.parse::<Mode>()? },
        None => Command::DeleteMode { subject, recursive: true },
    };
    registry.submit(command).await?;
    Ok(Json(serde_json::json!({"mode": update.mode})))
}

async fn remove(
    registry: &Registry,
    subject: Option<Subject>,
    params: &Params,
) -> Answer<Json<ModeBody>> {
    let recursive = params.flag("recursive");
    match registry.submit(Command::DeleteMode { subject, recursive }).await? {
        Outcome::Mode(mode) => Ok(Json(ModeBody { mode })),
        _ => Err(Refused(RegistryError::Internal)),
    }
}
