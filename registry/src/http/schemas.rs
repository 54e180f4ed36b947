//! `/schemas`. Source: Confluent SchemasResource.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use weir_registry_api::{Guid, RegistryError, Schema, SchemaString, Subject, SubjectVersion};
use weir_registry_core::{IdEntry, State as RegistryState};

use super::answer::{Answer, Json, Ready, Refused};
use super::request::{GuidPath, IdPath, Params};
use crate::Registry;

/// Schemas in one answer, and its default.
const SCHEMAS_MAX: usize = 1000;

/// `GET /schemas`: versions of subjects, in their order.
///
/// `subjectPrefix`, `deleted`, `latestOnly`, `offset`, `limit` (at most 1000, which is the default).
pub(super) async fn list(
    State(registry): State<Registry>,
    params: Params,
) -> Answer<Json<Vec<Schema>>> {
    let state = registry.state();
    let prefix = params.text("subjectPrefix").unwrap_or_default();
    let prefix = prefix.strip_prefix(":*:").or(prefix.strip_prefix(":.:")).unwrap_or(prefix);
    let (deleted, latest_only) = (params.flag("deleted"), params.flag("latestOnly"));
    let places = state.subjects(prefix).flat_map(|(subject, versions)| {
        let shown = versions.iter().filter(|v| deleted || !v.deleted);
        let skipped = if latest_only { shown.clone().count().saturating_sub(1) } else { 0 };
        shown.skip(skipped).map(move |version| (subject, version))
    });
    let page = params.page(SCHEMAS_MAX)?.of(places);
    let schemas = page
        .into_iter()
        .map(|(subject, version)| formatted(&state, state.schema(subject, version), &params));
    Ok(Json(schemas.collect::<Result<_, _>>()?))
}

/// `GET /schemas/types`: the schema languages.
pub(super) async fn types() -> Json<Value> {
    Json(json!(["AVRO"]))
}

/// `GET /schemas/ids/{id}`: the schema of an id.
///
/// `subject` (whose place in the answer is preferred), `format`, `fetchMaxId`. 40403.
pub(super) async fn by_id(
    State(registry): State<Registry>,
    IdPath(id): IdPath,
    params: Params,
) -> Answer<Response> {
    let state = registry.state();
    let entry = find(&state, id)?;
    if params.is_empty() {
        return Ok(Ready(entry.ready().clone()).into_response());
    }
    let mut schema = entry.schema_string(params.subject()?.as_ref());
    if let Some(text) = resolved(&state, entry, &params)? {
        (schema.schema, schema.references) = (text, Vec::new());
    }
    schema.max_id = params.flag("fetchMaxId").then(|| state.max_id());
    Ok(Json(schema).into_response())
}

/// `GET /schemas/ids/{id}/schema`: the text alone.
///
/// `subject`, `format`. 40403, where the reference answers 500.
pub(super) async fn text(
    State(registry): State<Registry>,
    IdPath(id): IdPath,
    params: Params,
) -> Answer<String> {
    let state = registry.state();
    let entry = find(&state, id)?;
    Ok(resolved(&state, entry, &params)?.unwrap_or_else(|| entry.text.to_string()))
}

/// `GET /schemas/ids/{id}/subjects`: subjects that use the schema.
///
/// `subject`, `deleted`, `offset`, `limit`. 40403.
pub(super) async fn subjects(
    State(registry): State<Registry>,
    IdPath(id): IdPath,
    params: Params,
) -> Answer<Json<Vec<Subject>>> {
    let mut subjects: Vec<Subject> =
        uses(&registry, id, &params)?.into_iter().map(|u| u.subject).collect();
    subjects.dedup();
    Ok(Json(params.page(usize::MAX)?.of(subjects.into_iter())))
}

/// `GET /schemas/ids/{id}/versions`: subjects and versions that use the schema.
///
/// `subject`, `deleted`, `offset`, `limit`. 40403.
pub(super) async fn versions(
    State(registry): State<Registry>,
    IdPath(id): IdPath,
    params: Params,
) -> Answer<Json<Vec<SubjectVersion>>> {
    let uses = uses(&registry, id, &params)?;
    Ok(Json(params.page(usize::MAX)?.of(uses.into_iter())))
}

/// `GET /schemas/guids/{guid}`: the schema of a guid, a UUID or 32 hexadecimal digits.
///
/// `format`. 40403.
pub(super) async fn by_guid(
    State(registry): State<Registry>,
    GuidPath(guid): GuidPath,
    params: Params,
) -> Answer<Json<SchemaString>> {
    let state = registry.state();
    let entry =
        state.by_guid(guid.parse::<Guid>()?).ok_or(RegistryError::SchemaIdNotFound { id: guid })?;
    let mut schema = SchemaString { subject: None, version: None, ..entry.schema_string(None) };
    if let Some(text) = resolved(&state, entry, &params)? {
        (schema.schema, schema.references) = (text, Vec::new());
    }
    Ok(Json(schema))
}

/// `GET /schemas/guids/{guid}/ids`: contexts and ids of a guid; none if it is not known.
pub(super) async fn ids_of_guid(
    State(registry): State<Registry>,
    GuidPath(guid): GuidPath,
) -> Answer {
    let state = registry.state();
    let entry = guid.parse::<Guid>().ok().and_then(|guid| state.by_guid(guid));
    let ids: Vec<Value> =
        entry.iter().map(|entry| json!({"context": ".", "id": entry.id})).collect();
    Ok(Json(json!(ids)))
}

fn find(state: &RegistryState, id: weir_registry_api::SchemaId) -> Result<&IdEntry, RegistryError> {
    match state.by_id(id) {
        Some(entry) => Ok(entry),
        None => Err(RegistryError::SchemaIdNotFound { id: id.to_string() }),
    }
}

fn uses(
    registry: &Registry,
    id: weir_registry_api::SchemaId,
    params: &Params,
) -> Result<Vec<SubjectVersion>, Refused> {
    let state = registry.state();
    let entry = state.by_id(id).ok_or(RegistryError::SchemaNotFound)?;
    let wanted = params.subject()?;
    let shown = entry
        .uses(params.flag("deleted"))
        .filter(|u| wanted.as_ref().is_none_or(|subject| *subject == u.subject))
        .map(|u| SubjectVersion { subject: u.subject.clone(), version: u.version });
    Ok(shown.collect())
}

/// `format=resolved`: the text with all references inlined. Other formats mean the canonical text.
fn resolved(
    state: &RegistryState,
    entry: &IdEntry,
    params: &Params,
) -> Result<Option<String>, RegistryError> {
    if params.text("format") != Some("resolved") || !entry.schema_type.is_avro() {
        return Ok(None);
    }
    match state.parsed(entry) {
        Ok(parsed) => Ok(Some(parsed.resolved())),
        Err(details) => Err(RegistryError::InvalidSchema { details }),
    }
}

/// A schema in the format that a request asks for.
pub(super) fn formatted(
    state: &RegistryState,
    mut schema: Schema,
    params: &Params,
) -> Result<Schema, RegistryError> {
    if let Some(entry) = state.by_id(schema.id)
        && let Some(text) = resolved(state, entry, params)?
    {
        (schema.schema, schema.references) = (text, Vec::new());
    }
    Ok(schema)
}
