//! `/subjects`. Source: Confluent SubjectsResource, SubjectVersionsResource.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use weir_registry_api::{
    RegisterRequest, RegisterResponse, RegistryError, Schema, SchemaId, Subject, Version,
    VersionSpec,
};
use weir_registry_core::{Candidate, Command, Outcome, VersionEntry};

use super::answer::{Answer, Json, Ready, Refused};
use super::request::{Body, Params, SubjectPath, VersionPath};
use super::schemas;
use crate::Registry;

/// `GET /subjects`: names of subjects, sorted.
///
/// `subjectPrefix`, `deleted` (soft-deleted ones too), `deletedOnly`, `offset`, `limit`.
pub(super) async fn list(
    State(registry): State<Registry>,
    params: Params,
) -> Answer<Json<Vec<Subject>>> {
    let state = registry.state();
    let prefix = params.text("subjectPrefix").unwrap_or_default();
    // all contexts, and the default one: here the same
    let prefix = prefix.strip_prefix(":*:").or(prefix.strip_prefix(":.:")).unwrap_or(prefix);
    let (deleted, only) = (params.flag("deleted"), params.flag("deletedOnly"));
    let shown = |versions: &[VersionEntry]| {
        let live = versions.iter().any(|v| !v.deleted);
        if only { !live } else { live || deleted }
    };
    let subjects = state.subjects(prefix).filter(|(_, versions)| shown(versions));
    Ok(Json(params.page(usize::MAX)?.of(subjects.map(|(subject, _)| subject.clone()))))
}

/// `POST /subjects/{subject}`: under which version has the subject this schema?
///
/// `normalize`, `deleted`, `format`. Answers a schema. 40401 no such subject · 40403 no such schema ·
/// 42201 invalid schema.
pub(super) async fn lookup(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
    Body(request): Body<RegisterRequest>,
) -> Answer<Json<Schema>> {
    let state = registry.state();
    let deleted = params.flag("deleted");
    if !state.versions(&subject).iter().any(|v| deleted || !v.deleted) {
        return Err(Refused(RegistryError::SubjectNotFound { subject }));
    }
    let candidate = Candidate::new(&state, &subject, &request, params.flag("normalize"))?;
    let found = state
        .lookup(&subject, &candidate, deleted)
        .filter(|v| request.version.is_none_or(|wanted| wanted < 1 || wanted as u32 == v.version.0))
        .ok_or(RegistryError::SchemaNotFound)?;
    Ok(Json(schemas::formatted(&state, state.schema(&subject, found), &params)?))
}

/// `DELETE /subjects/{subject}`: soft-delete all versions, or remove them for good.
///
/// `permanent`. Answers the versions. 40401 · 40404 soft-deleted already · 40405 not soft-deleted
/// first · 42205 mode forbids · 42206 referenced · 50001 log.
pub(super) async fn delete(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
) -> Answer<Json<Vec<Version>>> {
    let permanent = params.flag("permanent");
    match registry.submit(Command::DeleteSubject { subject, permanent }).await? {
        Outcome::Versions(versions) => Ok(Json(versions)),
        _ => Err(Refused(RegistryError::Internal)),
    }
}

/// `GET /subjects/{subject}/versions`: numbers of the versions, ascending.
///
/// `deleted`, `deletedOnly`, `deletedAsNegative` (soft-deleted ones as negative numbers), `offset`,
/// `limit`. 40401.
pub(super) async fn versions(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
) -> Answer<Json<Vec<i64>>> {
    let state = registry.state();
    let negative = params.flag("deletedAsNegative");
    let (deleted, only) = (params.flag("deleted") || negative, params.flag("deletedOnly"));
    let mut shown = state
        .versions(&subject)
        .iter()
        .filter(|v| if only && !negative { v.deleted } else { deleted || !v.deleted })
        .map(|v| i64::from(v.version.0) * if negative && v.deleted { -1 } else { 1 })
        .peekable();
    if shown.peek().is_none() {
        return Err(Refused(RegistryError::SubjectNotFound { subject }));
    }
    Ok(Json(params.page(usize::MAX)?.of(shown)))
}

/// `POST /subjects/{subject}/versions`: register a schema, or find it if it is there already.
///
/// `normalize`, `force` (no compatibility check), `format`. Answers id, version and schema. 40901
/// incompatible · 42201 invalid schema · 42205 mode forbids · 50001 log.
/// Source: Confluent SubjectVersionsResource#register. The same schema twice gives the same id.
pub(super) async fn register(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
    Body(request): Body<RegisterRequest>,
) -> Answer<Json<RegisterResponse>> {
    let (id, version) = register_or_find(&registry, &subject, &params, &request).await?;
    let state = registry.state();
    let entry = VersionEntry { version, id, deleted: false };
    if state.by_id(id).is_none() {
        // deleted for good since
        return Err(Refused(RegistryError::SchemaIdNotFound { id: id.to_string() }));
    }
    let schema = schemas::formatted(&state, state.schema(&subject, &entry), &params)?;
    Ok(Json(RegisterResponse {
        id,
        version: Some(version),
        guid: schema.guid,
        schema_type: schema.schema_type,
        references: schema.references,
        schema: schema.schema,
    }))
}

/// What is there needs no writer: most registrations of a running fleet end here.
async fn register_or_find(
    registry: &Registry,
    subject: &Subject,
    params: &Params,
    request: &RegisterRequest,
) -> Result<(SchemaId, Version), Refused> {
    let version = request.version.unwrap_or(0);
    let candidate = {
        let state = registry.state();
        let candidate = match empty_means_latest(&state, subject, request) {
            Some(latest) => Candidate::new(&state, subject, &latest, params.flag("normalize"))?,
            None => Candidate::new(&state, subject, request, params.flag("normalize"))?,
        };
        let given = request.id.and_then(|id| u32::try_from(id).ok()).map(SchemaId);
        match state.lookup(subject, &candidate, false) {
            Some(found) if version <= 0 && given.is_none_or(|id| id == found.id) => {
                return Ok((found.id, found.version));
            }
            _ if given.is_some() => {
                return Err(Refused(RegistryError::NotImportMode { subject: subject.clone() }));
            }
            _ => Box::new(candidate),
        }
    };
    let force = params.flag("force");
    let command = Command::Register { subject: subject.clone(), candidate, version, force };
    match registry.submit(command).await? {
        Outcome::Registered { id, version } => Ok((id, version)),
        _ => Err(Refused(RegistryError::Internal)),
    }
}

/// A request without a schema means the one that is there: it is how metadata alone is changed.
fn empty_means_latest(
    state: &weir_registry_core::State,
    subject: &Subject,
    request: &RegisterRequest,
) -> Option<RegisterRequest> {
    if request.schema.as_deref().is_some_and(|text| !text.is_empty()) {
        return None;
    }
    let latest = state.find_version(subject, VersionSpec::Latest, false).ok()?;
    let Schema { schema, references, schema_type, .. } = state.schema(subject, latest);
    Some(RegisterRequest {
        schema: Some(schema),
        references,
        schema_type: Some(schema_type),
        ..request.clone()
    })
}

/// `GET /subjects/{subject}/versions/{version}`: a version, by number, `latest` or -1.
///
/// `deleted`, `format`. 40401 · 40402 · 42202.
pub(super) async fn version(
    State(registry): State<Registry>,
    VersionPath(subject, spec): VersionPath,
    params: Params,
) -> Answer<Response> {
    let state = registry.state();
    if spec == VersionSpec::Latest
        && params.is_empty()
        && let Some(ready) = state.latest_ready(&subject)
    {
        return Ok(Ready(ready.clone()).into_response());
    }
    let found = state.find_version(&subject, spec, params.flag("deleted"))?;
    let schema = schemas::formatted(&state, state.schema(&subject, found), &params)?;
    Ok(Json(schema).into_response())
}

/// `GET /subjects/{subject}/versions/{version}/schema`: the schema's text alone.
///
/// `deleted`, `format`. 40401 · 40402 · 42202.
pub(super) async fn schema(
    State(registry): State<Registry>,
    VersionPath(subject, spec): VersionPath,
    params: Params,
) -> Answer<String> {
    let state = registry.state();
    let found = state.find_version(&subject, spec, params.flag("deleted"))?;
    Ok(schemas::formatted(&state, state.schema(&subject, found), &params)?.schema)
}

/// `GET /subjects/{subject}/versions/{version}/referencedby`: ids of schemas that refer to it.
///
/// `deleted`, `offset`, `limit`. 40401 · 40402 · 42202.
pub(super) async fn referenced_by(
    State(registry): State<Registry>,
    VersionPath(subject, spec): VersionPath,
    params: Params,
) -> Answer<Json<Vec<SchemaId>>> {
    let state = registry.state();
    let found = state.find_version(&subject, spec, true)?;
    let deleted = params.flag("deleted");
    let ids: std::collections::BTreeSet<SchemaId> = state
        .referrers(&subject, found.version)
        .filter_map(|other| state.version_entry(&other.subject, other.version))
        .filter(|v| deleted || !v.deleted)
        .map(|v| v.id)
        .collect();
    Ok(Json(params.page(usize::MAX)?.of(ids.into_iter())))
}

/// `DELETE /subjects/{subject}/versions/{version}`: soft-delete a version, or remove it for good.
///
/// `permanent`. Answers the version's number. 40401 · 40402 · 40406 soft-deleted already · 40407 not
/// soft-deleted first · 42202 · 42205 mode forbids · 42206 referenced · 50001 log.
pub(super) async fn delete_version(
    State(registry): State<Registry>,
    VersionPath(subject, version): VersionPath,
    params: Params,
) -> Answer<Json<Version>> {
    let permanent = params.flag("permanent");
    match registry.submit(Command::DeleteVersion { subject, version, permanent }).await? {
        Outcome::Version(version) => Ok(Json(version)),
        _ => Err(Refused(RegistryError::Internal)),
    }
}
