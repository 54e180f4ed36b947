//! `/mode`. Source: Confluent ModeResource.

use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use weir_registry_api::{Mode, ModeBody, RegistryError, Subject};
use weir_registry_core::{Command, Outcome};

use super::answer::{Answer, Json, Refused};
use super::request::{Body, Params, ScopePath};
use crate::Registry;

/// Body of `PUT`: a mode's name in any case, or null to have none. It has to be said: a body that says
/// nothing takes no mode away.
#[derive(Deserialize, Serialize)]
pub(super) struct ModeUpdate {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    mode: Option<Option<String>>,
}

fn given<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// `GET /mode`: the global mode.
///
/// `defaultToGlobal`: else READWRITE if none is set, whatever holds for all contexts.
pub(super) async fn global(State(registry): State<Registry>, params: Params) -> Json<ModeBody> {
    let state = registry.state();
    let own = state.mode(None).unwrap_or_default();
    let mode = if params.flag("defaultToGlobal") { state.effective_mode(None) } else { own };
    Json(ModeBody { mode })
}

/// `PUT /mode`: set the global mode. Answers the request.
///
/// `force`: import beside what is there. 42204 no such mode · 42205 there are subjects · 42206 · 50001.
pub(super) async fn put_global(
    State(registry): State<Registry>,
    params: Params,
    Body(update): Body<ModeUpdate>,
) -> Answer<Json<ModeUpdate>> {
    change(&registry, None, &params, update).await
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

/// `GET /mode/{subject}`: the mode of a subject, or of a context (`:.context:`).
///
/// `defaultToGlobal`: else 40409 if it has none of its own.
pub(super) async fn get(
    State(registry): State<Registry>,
    ScopePath(scope): ScopePath,
    params: Params,
) -> Answer<Json<ModeBody>> {
    let state = registry.state();
    let default_to_global = params.flag("defaultToGlobal");
    match (state.mode(scope.as_ref()), scope) {
        (Some(mode), _) => Ok(Json(ModeBody { mode })),
        (None, Some(subject)) if !default_to_global => {
            Err(Refused::from(RegistryError::NoSubjectMode { subject }))
        }
        (None, scope) => Ok(Json(ModeBody { mode: state.effective_mode(scope.as_ref()) })),
    }
}

/// `PUT /mode/{subject}`: set it; the subject need not be there. Answers the request.
///
/// `force`: import beside what is there. 42204 no such mode · 42205 there are subjects · 42206 · 42208
/// · 50001 log.
pub(super) async fn put(
    State(registry): State<Registry>,
    ScopePath(scope): ScopePath,
    params: Params,
    Body(update): Body<ModeUpdate>,
) -> Answer<Json<ModeUpdate>> {
    change(&registry, scope, &params, update).await
}

/// `DELETE /mode/{subject}`: back to the global one. Answers what was there.
///
/// `recursive`: of a context, the subjects' own modes too. 40401 if there was none, unless recursive ·
/// 50001 log.
pub(super) async fn delete(
    State(registry): State<Registry>,
    ScopePath(scope): ScopePath,
    params: Params,
) -> Answer<Json<ModeBody>> {
    remove(&registry, scope, &params).await
}

async fn change(
    registry: &Registry,
    scope: Option<Subject>,
    params: &Params,
    update: ModeUpdate,
) -> Answer<Json<ModeUpdate>> {
    let force = params.flag("force");
    let command = match &update.mode {
        Some(Some(name)) => {
            let (mode, scope) = (name.parse::<Mode>()?, scope.map(Subject::settable).transpose()?);
            Command::PutMode { scope, mode, force }
        }
        Some(None) => Command::DeleteMode { scope, recursive: true },
        None => return Err(Refused::from(RegistryError::InvalidMode)),
    };
    registry.submit(command).await?;
    Ok(Json(update))
}

async fn remove(
    registry: &Registry,
    scope: Option<Subject>,
    params: &Params,
) -> Answer<Json<ModeBody>> {
    let recursive = params.flag("recursive");
    match registry.submit(Command::DeleteMode { scope, recursive }).await? {
        Outcome::Mode(mode) => Ok(Json(ModeBody { mode })),
        _ => Err(Refused::from(RegistryError::Internal)),
    }
}
