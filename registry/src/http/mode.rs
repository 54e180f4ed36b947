//! `/mode`. Source: Confluent ModeResource.

use serde::{Deserialize, Deserializer, Serialize};
use weir_registry_api::{Mode, ModeBody, RegistryError, Subject};
use weir_registry_core::{DeleteMode, Grants, PutMode};

use super::answer::{Answer, Json, Refused};
use super::query::{DefaultToGlobal, Forcing, Recursion};
use super::request::{Body, Query};
use super::rights::{Configure, OnRegistry, OnScope, Read, of_caller};
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
pub(super) async fn global(
    OnRegistry { registry, .. }: OnRegistry<Read>,
    Query(DefaultToGlobal { default_to_global }): Query<DefaultToGlobal>,
) -> Json<ModeBody> {
    let state = registry.state();
    let own = state.mode(None).unwrap_or_default();
    let mode = if default_to_global { state.effective_mode(None) } else { own };
    Json(ModeBody { mode })
}

/// `PUT /mode`: set the global mode. Answers the request.
///
/// `force`: import beside what is there. 42204 no such mode · 42205 there are subjects · 42206 · 50001.
pub(super) async fn put_global(
    OnRegistry { registry, caller, .. }: OnRegistry<Configure>,
    Query(Forcing { force }): Query<Forcing>,
    Body(update): Body<ModeUpdate>,
) -> Answer<Json<ModeUpdate>> {
    change(&registry, &of_caller(caller), None, force, update).await
}

/// `DELETE /mode`: back to READWRITE. Answers what was there.
///
/// `recursive`: the subjects' own modes too. 50001 log.
pub(super) async fn delete_global(
    OnRegistry { registry, .. }: OnRegistry<Configure>,
    Query(Recursion { recursive }): Query<Recursion>,
) -> Answer<Json<ModeBody>> {
    remove(&registry, None, recursive).await
}

/// `GET /mode/{subject}`: the mode of a subject, or of a context (`:.context:`).
///
/// `defaultToGlobal`: else 40409 if it has none of its own.
pub(super) async fn get(
    OnScope { registry, scope, .. }: OnScope<Read>,
    Query(DefaultToGlobal { default_to_global }): Query<DefaultToGlobal>,
) -> Answer<Json<ModeBody>> {
    let state = registry.state();
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
    OnScope { registry, scope, caller, .. }: OnScope<Configure>,
    Query(Forcing { force }): Query<Forcing>,
    Body(update): Body<ModeUpdate>,
) -> Answer<Json<ModeUpdate>> {
    change(&registry, &of_caller(caller), scope, force, update).await
}

/// `DELETE /mode/{subject}`: back to the global one. Answers what was there.
///
/// `recursive`: of a context, the subjects' own modes too. 40401 if there was none, unless recursive ·
/// 50001 log.
pub(super) async fn delete(
    OnScope { registry, scope, .. }: OnScope<Configure>,
    Query(Recursion { recursive }): Query<Recursion>,
) -> Answer<Json<ModeBody>> {
    remove(&registry, scope, recursive).await
}

async fn change(
    registry: &Registry,
    grants: &Grants,
    scope: Option<Subject>,
    force: bool,
    update: ModeUpdate,
) -> Answer<Json<ModeUpdate>> {
    match &update.mode {
        Some(Some(name)) => {
            let mode = name.parse::<Mode>().map_err(RegistryError::from)?;
            let scope = scope.map(Subject::settable).transpose().map_err(RegistryError::from)?;
            let put = registry.submit(PutMode { scope, mode, force }).await;
            put.map_err(|refused| unnamed(refused, grants))?;
        }
        Some(None) => drop(registry.submit(DeleteMode { scope, recursive: true }).await?),
        None => return Err(Refused::from(RegistryError::InvalidMode)),
    }
    Ok(Json(update))
}

/// What keeps an import from beginning, without the name of a subject that may not be read.
fn unnamed(refused: RegistryError, grants: &Grants) -> RegistryError {
    match refused {
        RegistryError::ReferenceExists { subject, .. } if !grants.read(&subject) => {
            RegistryError::ImportNeedsNoSubjects
        }
        refused => refused,
    }
}

async fn remove(
    registry: &Registry,
    scope: Option<Subject>,
    recursive: bool,
) -> Answer<Json<ModeBody>> {
    let mode = registry.submit(DeleteMode { scope, recursive }).await?;
    Ok(Json(ModeBody { mode }))
}
