//! `/schemas`. Source: Confluent SchemasResource.

use std::collections::HashMap;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use weir_registry_api::{
    ContextId, Guid, RegistryError, Schema, SchemaId, SchemaString, Subject, SubjectVersion,
};
use weir_registry_core::{Grants, IdEntry, Listing, State as RegistryState, VersionEntry};

use super::answer::{Answer, Json};
use super::associations;
use super::format;
use super::query::{Associated, Deleted, Formatted, ListSchemas, MaxId, OfId, Paging, Shaped};
use super::request::{From, GuidPath, IdPath, Query};
use super::rights::{AnyCaller, Filtered};
use super::shared_text::{JsonArray, RawText, SchemaJson};
use crate::Registry;

/// Schemas in one answer, and its default.
const SCHEMAS_MAX: usize = 1000;

/// `GET /schemas`: versions of subjects that the caller may read, in their order.
///
/// `subjectPrefix` (without one, the default context), `aliases`, `deleted`, `latestOnly`, `ruleType`,
/// `resourceType`, `associationType`, `lifecycle`, `offset`, `limit` (at most 1000, which is the
/// default). The answer is made while it is sent.
pub(super) async fn list(
    Filtered { registry, grants }: Filtered,
    Query(asked): Query<ListSchemas>,
    Query(associated): Query<Associated>,
    Query(paging): Query<Paging>,
) -> Answer<JsonArray<impl Iterator<Item = Schema>>> {
    if !associations::lifecycles_are_known(&associated) {
        return Err(RegistryError::NotFound.into());
    }
    let state = registry.state().clone();
    let listing = Listing::new(asked.subject_prefix.as_deref().unwrap_or_default());
    let (deleted, latest_only) = (asked.deleted, asked.latest_only);
    let aliases = if asked.aliases { aliases(&state, &listing, &grants) } else { HashMap::new() };
    let aliased = aliases.keys().filter(|subject| !listing.has(subject));
    let aliased = aliased.map(|subject| (subject, state.versions(subject)));
    let places = state
        .subjects(&listing)
        .chain(aliased)
        .filter(|(subject, _)| grants.read(subject))
        .filter(|(subject, _)| associations::wanted(&state, subject, &associated))
        .flat_map(|(subject, versions)| {
            let shown = versions.iter().filter(|v| deleted || !v.deleted);
            let skipped = if latest_only { shown.clone().count().saturating_sub(1) } else { 0 };
            shown.skip(skipped).map(move |version| (subject.clone(), *version))
        })
        .filter(|(subject, version)| {
            has_rule(&state, subject, version, asked.rule_type.as_deref())
        });
    let page: Vec<(Subject, VersionEntry)> = paging.of(places, SCHEMAS_MAX);
    Ok(JsonArray(page.into_iter().map(move |(subject, version)| {
        let mut schema = state.schema(&subject, &version);
        schema.aliases = aliases.get(&subject).cloned().unwrap_or_default();
        schema.associations = associations::shown(&state, &subject, &associated);
        schema
    })))
}

/// Subjects that listed ones are aliases of, and those aliases that may be read.
fn aliases(
    state: &RegistryState,
    listing: &Listing,
    grants: &Grants,
) -> HashMap<Subject, Vec<Subject>> {
    let mut aliases: HashMap<Subject, Vec<Subject>> = HashMap::new();
    for (subject, config) in state.configs() {
        if let (Some(subject), Some(alias)) = (subject, &config.alias)
            && listing.has(subject)
            && grants.read(subject)
        {
            let target = Subject::written(alias).beside(subject);
            aliases.entry(target).or_default().push(subject.clone());
        }
    }
    aliases.values_mut().for_each(|others| others.sort());
    aliases
}

fn has_rule(
    state: &RegistryState,
    subject: &Subject,
    version: &VersionEntry,
    rule_type: Option<&str>,
) -> bool {
    rule_type.is_none_or(|wanted| {
        let entry = state.by_id(subject.parts().0, version.id);
        entry.and_then(|e| e.rule_set.as_ref()).is_some_and(|rules| rules.has_type(wanted))
    })
}

/// `GET /schemas/types`: the schema languages.
pub(super) async fn types(_: AnyCaller) -> Json<[&'static str; 3]> {
    Json(["JSON", "PROTOBUF", "AVRO"])
}

/// `GET /schemas/ids/{id}`: the schema of an id.
///
/// `subject` (its context, and whose place in the answer is preferred), `format`, `referenceFormat`,
/// `findTags`, `fetchMaxId`. 40403, also where the caller may read no subject that uses the schema, or not the one that
/// it names. The highest id is a context's, and is told to whoever may read a schema of it.
pub(super) async fn by_id(
    Filtered { registry, grants }: Filtered,
    IdPath(id): IdPath,
    From(asker): From,
    Query(asked): Query<OfId>,
    Query(MaxId { fetch_max_id }): Query<MaxId>,
    Query(shaped): Query<Shaped>,
) -> Answer<SchemaJson<SchemaString>> {
    let subject = asked.subject(&registry);
    if subject.is_none() && !fetch_max_id && shaped.is_plain() {
        let state = registry.state();
        return Ok(SchemaJson(find(&state, id, None, &grants)?.schema_string(None, &grants)));
    }
    let entry = find(&registry.state(), id, subject.as_ref(), &grants)?.clone();
    let schema = entry.schema_string(own_place(&entry, subject).as_ref(), &grants);
    let shape = format::shape(&registry, &asker, &entry, &shaped, &grants).await?;
    let mut schema = shape.of_string(schema);
    let context = entry.context.as_str();
    schema.max_id = fetch_max_id.then(|| registry.state().max_id(context));
    Ok(SchemaJson(schema))
}

/// The subject in the context in which its id was found.
fn own_place(entry: &IdEntry, subject: Option<Subject>) -> Option<Subject> {
    subject.map(|subject| subject.beside(&entry.context.subject("")))
}

/// `GET /schemas/ids/{id}/schema`: the text alone.
///
/// `subject`, `format`. 40403, where the reference answers 500.
pub(super) async fn text(
    Filtered { registry, grants }: Filtered,
    IdPath(id): IdPath,
    From(asker): From,
    Query(asked): Query<OfId>,
    Query(formatted): Query<Formatted>,
) -> Answer<Response> {
    let subject = asked.subject(&registry);
    let entry = find(&registry.state(), id, subject.as_ref(), &grants)?.clone();
    let shape = format::shape(&registry, &asker, &entry, &formatted.into(), &grants).await?;
    Ok(RawText(shape.text(&entry)).into_response())
}

/// `GET /schemas/ids/{id}/subjects`: subjects that use the schema, of those that the caller may read.
///
/// `subject`, `deleted`, `offset`, `limit`. 40403.
pub(super) async fn subjects(
    Filtered { registry, grants }: Filtered,
    IdPath(id): IdPath,
    Query(asked): Query<OfId>,
    Query(Deleted { deleted }): Query<Deleted>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<Subject>>> {
    let uses = uses(&registry, id, asked.subject(&registry), deleted, &grants)?;
    let mut subjects: Vec<Subject> = uses.into_iter().map(|u| u.subject).collect();
    subjects.dedup();
    Ok(Json(paging.of(subjects.into_iter(), usize::MAX)))
}

/// `GET /schemas/ids/{id}/versions`: subjects and versions that use the schema, of those that the
/// caller may read.
///
/// `subject`, `deleted`, `offset`, `limit`. 40403.
pub(super) async fn versions(
    Filtered { registry, grants }: Filtered,
    IdPath(id): IdPath,
    Query(asked): Query<OfId>,
    Query(Deleted { deleted }): Query<Deleted>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Vec<SubjectVersion>>> {
    let uses = uses(&registry, id, asked.subject(&registry), deleted, &grants)?;
    Ok(Json(paging.of(uses.into_iter(), usize::MAX)))
}

/// `GET /schemas/guids/{guid}`: the schema of a guid, a UUID or 32 hexadecimal digits.
///
/// `format`. 40403.
pub(super) async fn by_guid(
    Filtered { registry, grants }: Filtered,
    GuidPath(guid): GuidPath,
    From(asker): From,
    Query(shaped): Query<Shaped>,
) -> Answer<SchemaJson<SchemaString>> {
    let entry = {
        let state = registry.state();
        let guid = guid.parse::<Guid>().map_err(RegistryError::from)?;
        readable_of_guid(&state, guid, &grants).next().cloned()
    };
    let entry = entry.ok_or(RegistryError::SchemaIdNotFound { id: guid })?;
    let schema = SchemaString {
        subject: None,
        version: None,
        id: None,
        ..entry.schema_string(None, &grants)
    };
    let shape = format::shape(&registry, &asker, &entry, &shaped, &grants).await?;
    Ok(SchemaJson(shape.of_string(schema)))
}

/// `GET /schemas/guids/{guid}/ids`: contexts and ids of a guid, of schemas that the caller may read; none if it is not
/// known.
pub(super) async fn ids_of_guid(
    Filtered { registry, grants }: Filtered,
    GuidPath(guid): GuidPath,
) -> Json<Vec<ContextId>> {
    let state = registry.state();
    let Ok(guid) = guid.parse::<Guid>() else { return Json(Vec::new()) };
    let entries = readable_of_guid(&state, guid, &grants);
    Json(entries.map(|entry| ContextId { context: entry.context.clone(), id: entry.id }).collect())
}

fn readable_of_guid<'s>(
    state: &'s RegistryState,
    guid: Guid,
    grants: &'s Grants,
) -> impl Iterator<Item = &'s Arc<IdEntry>> {
    let entries = state.ids_of_guid(guid).filter_map(|id| state.by_id(id.context.as_str(), id.id));
    entries.filter(|entry| entry.is_readable(grants))
}

fn find<'s>(
    state: &'s RegistryState,
    id: SchemaId,
    subject: Option<&Subject>,
    grants: &Grants,
) -> Result<&'s Arc<IdEntry>, RegistryError> {
    let not_found = || RegistryError::SchemaIdNotFound { id: id.to_string() };
    state.find_id(id, subject, grants).ok_or_else(not_found)
}

fn uses(
    registry: &Registry,
    id: SchemaId,
    wanted: Option<Subject>,
    deleted: bool,
    grants: &Grants,
) -> Result<Vec<SubjectVersion>, RegistryError> {
    let state = registry.state();
    let entry = state.find_id(id, wanted.as_ref(), grants).ok_or(RegistryError::SchemaNotFound)?;
    // a subject that does not use the schema only says the context
    let wanted = own_place(entry, wanted).filter(|subject| entry.use_of(subject).is_some());
    let shown = entry
        .uses(deleted)
        .filter(|u| wanted.as_ref().is_none_or(|subject| *subject == u.subject))
        .filter(|u| grants.read(&u.subject))
        .map(|u| SubjectVersion { subject: u.subject, version: u.version });
    Ok(shown.collect())
}
