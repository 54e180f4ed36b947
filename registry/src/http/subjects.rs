//! `/subjects`. Source: Confluent SubjectsResource, SubjectVersionsResource.

use axum::response::{IntoResponse, Response};
use weir_registry_api::{
    RegisterRequest, RegistryError, Schema, SchemaId, SchemaType, Subject, Version, VersionSpec,
};
use weir_registry_core::{
    Candidate, DeleteSubject, DeleteVersion, Grants, Listing, Purpose, State as RegistryState,
    VersionEntry,
};
use weir_schema::Budget;

use super::answer::{Answer, Json, Refused};
use super::query::{
    Deleted, Deletion, Formatted, LatestWithMetadata, ListSubjects, ListVersions, LookUp, Paging,
    Shaped,
};
use super::request::{Body, From, Query};
use super::rights::{Delete, Filtered, OnSubject, OnVersion, Read};
use super::shared_text::{RawText, SchemaJson};
use super::{format, register};
use crate::Registry;

/// `GET /subjects`: names of subjects that the caller may read, sorted; those of other contexts than the
/// default one are qualified.
///
/// `subjectPrefix` (`:*:` is all contexts, and the default), `deleted` (soft-deleted ones too),
/// `deletedOnly`, `offset`, `limit`.
pub(super) async fn list(
    Filtered { registry, grants }: Filtered,
    Query(asked): Query<ListSubjects>,
    Query(paging): Query<Paging>,
) -> Answer<Response> {
    let state = registry.state();
    let listing = Listing::new(asked.subject_prefix.as_deref().unwrap_or(":*:"));
    let wanted = move |live: bool| match asked.deleted_only {
        true => !live,
        false => live || asked.deleted,
    };
    let page = paging.of(state.subject_names(&listing, &grants, wanted), usize::MAX);
    Ok(Json(page).into_response())
}

/// `POST /subjects/{subject}`: under which version has the subject this schema?
///
/// `normalize`, `deleted`, `format`. Answers a schema. An unqualified subject is looked for in all
/// contexts. 40401 no such subject · 40403 no such schema · 42201 invalid schema ·
/// 42290 · 503.
pub(super) async fn lookup(
    OnSubject { registry, subject, grants, .. }: OnSubject<Read>,
    From(asker): From,
    Query(options): Query<LookUp>,
    Query(shaped): Query<Shaped>,
    Body(request): Body<RegisterRequest>,
) -> Answer<SchemaJson<Schema>> {
    let found = registry.work(&asker, register::is_long(&request), {
        let (subject, grants) = (subject.clone(), grants.clone());
        move |state, budget| look_up(state, &subject, &request, &options, &grants, budget)
    });
    let (place, version) = found.await??;
    let schema = {
        let state = registry.state();
        if state.version_entry(&place, version.version).is_none_or(|there| there.id != version.id) {
            return Err(Refused::from(RegistryError::SchemaNotFound)); // deleted for good since
        }
        state.schema(&place, &version)
    };
    let schema = format::version(&registry, &asker, &place, schema, &shaped, &grants).await?;
    Ok(SchemaJson(Schema { ts: None, deleted: None, ..schema }))
}

fn look_up(
    state: &RegistryState,
    subject: &Subject,
    request: &RegisterRequest,
    options: &LookUp,
    grants: &Grants,
    budget: &Budget,
) -> Result<(Subject, VersionEntry), RegistryError> {
    let LookUp { normalize, deleted } = *options;
    let is_there = |place: &Subject| state.versions(place).iter().any(|v| deleted || !v.deleted);
    let elsewhere = state.elsewhere(subject, grants).filter(|_| subject.is_in_default_context());
    // a schema that is none is none, whether the subject is there or not
    let places = elsewhere.filter(&is_there);
    for place in std::iter::once(subject.clone()).chain(places) {
        let _candidate = budget.loan();
        let purpose = Purpose::LookUp;
        match Candidate::new(state, &place, request, normalize, purpose, grants, budget) {
            Ok(candidate) => {
                if let Some(found) = state.lookup(&place, &candidate, deleted, budget) {
                    return Ok((place, *found));
                }
            }
            Err(RegistryError::SchemaNotFound) => {}
            Err(error) if place == *subject => return Err(error),
            Err(_) => {} // in other contexts its references may be missing
        }
    }
    if request.schema_type == Some(SchemaType::Json) {
        // one that is none is said to be none, as in the reference, which has no older rules for it
        let purpose = Purpose::Check;
        Candidate::new(state, subject, request, normalize, purpose, grants, budget)?;
    }
    match is_there(subject) {
        false => Err(RegistryError::SubjectNotFound { subject: subject.clone() }),
        true => Err(RegistryError::SchemaNotFound),
    }
}

/// `GET /subjects/{subject}/metadata`: the newest version whose metadata has these properties.
///
/// `key` and `value`, in pairs, `format`, `deleted`. 40401 · 40403.
pub(super) async fn latest_with_metadata(
    OnSubject { registry, subject, grants, .. }: OnSubject<Read>,
    From(asker): From,
    Query(asked): Query<LatestWithMetadata>,
    Query(shaped): Query<Shaped>,
) -> Answer<SchemaJson<Schema>> {
    let schema = with_metadata(&registry.state(), &subject, &asked)?;
    let schema = format::version(&registry, &asker, &subject, schema, &shaped, &grants).await?;
    Ok(SchemaJson(schema))
}

fn with_metadata(
    state: &RegistryState,
    subject: &Subject,
    asked: &LatestWithMetadata,
) -> Result<Schema, RegistryError> {
    let wanted: Vec<(&String, &String)> = asked.key.iter().zip(&asked.value).collect();
    let has_all = |version: &&VersionEntry| {
        let entry = state.by_id(subject.parts().0, version.id);
        entry.and_then(|entry| entry.metadata.as_deref()).is_some_and(|metadata| {
            let has = |(key, value): &(&String, &String)| {
                metadata.properties.get(*key).is_some_and(|there| there == *value)
            };
            wanted.iter().all(has)
        })
    };
    let mut shown = state.versions(subject).iter().rev().filter(|v| asked.deleted || !v.deleted);
    if shown.clone().next().is_none() {
        return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
    }
    let found = shown.find(has_all).ok_or(RegistryError::SchemaNotFound)?;
    Ok(state.schema(subject, found))
}

/// `DELETE /subjects/{subject}`: soft-delete all versions, or remove them for good.
///
/// `permanent`. Answers the versions. 40401 · 40404 soft-deleted already · 40405 not soft-deleted
/// first · 42205 mode forbids · 42206 referenced · 50001 log.
pub(super) async fn delete(
    OnSubject { registry, subject, .. }: OnSubject<Delete>,
    Query(Deletion { permanent }): Query<Deletion>,
) -> Answer<Json<Vec<Version>>> {
    Ok(Json(registry.submit(DeleteSubject { subject, permanent }).await?))
}

/// `GET /subjects/{subject}/versions`: numbers of the versions, ascending.
///
/// `deleted`, `deletedOnly`, `deletedAsNegative` (soft-deleted ones as negative numbers), `offset`,
/// `limit`. 40401.
pub(super) async fn versions(
    OnSubject { registry, subject, grants, .. }: OnSubject<Read>,
    Query(asked): Query<ListVersions>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<i64>>> {
    let state = registry.state();
    let (negative, only) = (asked.deleted_as_negative, asked.deleted_only);
    let deleted = asked.deleted || negative;
    if !state.is_there(&subject, deleted || only, &grants) {
        return Err(Refused::from(RegistryError::SubjectNotFound { subject }));
    }
    let shown = state
        .versions(&subject)
        .iter()
        .filter(|v| if only && !negative { v.deleted } else { deleted || !v.deleted })
        .map(|v| i64::from(v.version.0) * if negative && v.deleted { -1 } else { 1 });
    Ok(Json(paging.of(shown, usize::MAX)))
}

/// `GET /subjects/{subject}/versions/{version}`: a version, by number, `latest` or -1.
///
/// `deleted`, `format`, `referenceFormat`, `findTags`. An unqualified subject is looked for in all
/// contexts. 40401 · 40402 · 42202.
pub(super) async fn version(
    OnVersion { registry, subject, spec, grants, .. }: OnVersion<Read>,
    From(asker): From,
    Query(Deleted { deleted }): Query<Deleted>,
    Query(shaped): Query<Shaped>,
) -> Answer<SchemaJson<Schema>> {
    let (place, schema) = find_version(&registry, &subject, spec, deleted, &grants)?;
    let schema = format::version(&registry, &asker, &place, schema, &shaped, &grants).await?;
    Ok(SchemaJson(schema))
}

/// Returns a version and the subject that has it, which may be one of another context.
fn find_version(
    registry: &Registry,
    subject: &Subject,
    spec: VersionSpec,
    deleted: bool,
    grants: &Grants,
) -> Result<(Subject, Schema), RegistryError> {
    let state = registry.state();
    let (place, found) = state.find_version_anywhere(subject, spec, deleted, grants)?;
    let schema = state.schema(&place, found);
    Ok((place, schema))
}

/// `GET /subjects/{subject}/versions/{version}/schema`: the schema's text alone.
///
/// `deleted`, `format`. 40401 · 40402 · 42202.
pub(super) async fn schema(
    OnVersion { registry, subject, spec, grants, .. }: OnVersion<Read>,
    From(asker): From,
    Query(Deleted { deleted }): Query<Deleted>,
    Query(formatted): Query<Formatted>,
) -> Answer<Response> {
    let (place, schema) = find_version(&registry, &subject, spec, deleted, &grants)?;
    let shaped = formatted.into();
    let schema = format::version(&registry, &asker, &place, schema, &shaped, &grants).await?;
    Ok(RawText(schema.schema).into_response())
}

/// `GET /subjects/{subject}/versions/{version}/referencedby`: ids of schemas that refer to it, of those that
/// the caller may read.
///
/// `deleted`, `offset`, `limit`. 40401 · 40402 · 42202.
pub(super) async fn referenced_by(
    OnVersion { registry, subject, spec, grants, .. }: OnVersion<Read>,
    Query(Deleted { deleted }): Query<Deleted>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<SchemaId>>> {
    let state = registry.state();
    // what is only there in another context has nobody who refers to it here
    let (_, found) = state.find_version_anywhere(&subject, spec, true, &grants)?;
    let ids: std::collections::BTreeSet<SchemaId> = state
        .referrers(&subject, found.version)
        .filter(|other| grants.read(&other.subject))
        .filter_map(|other| state.version_entry(&other.subject, other.version))
        .filter(|v| deleted || !v.deleted)
        .map(|v| v.id)
        .collect();
    Ok(Json(paging.of(ids.into_iter(), usize::MAX)))
}

/// `DELETE /subjects/{subject}/versions/{version}`: soft-delete a version, or remove it for good.
///
/// `permanent`. Answers the version's number. 40401 · 40402 · 40406 soft-deleted already · 40407 not
/// soft-deleted first · 40907 the last one of an associated subject · 42202 · 42205 mode forbids · 42206 referenced · 50001 log.
pub(super) async fn delete_version(
    OnVersion { registry, subject, spec, .. }: OnVersion<Delete>,
    Query(Deletion { permanent }): Query<Deletion>,
) -> Answer<Json<Version>> {
    Ok(Json(registry.submit(DeleteVersion { subject, version: spec, permanent }).await?))
}
