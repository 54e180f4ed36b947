//! Registering a schema, as it is or as a version with other tags. Source: Confluent
//! SubjectVersionsResource.

use std::sync::{Arc, Mutex, PoisonError};

use weir_registry_api::{
    CompatibilityLevel, RegisterRequest, RegisterResponse, RegistryError, SchemaType, Subject,
    TagSchemaRequest, VersionSpec,
};
use weir_registry_core::{
    Candidate, Grants, RegisterOptions, Registered, Registration, RequestedVersion,
    State as RegistryState, VersionEntry, type_name,
};
use weir_schema::{Budget, protobuf};

use super::answer::{Answer, Refused};
use super::format;
use super::query::{Registering, Shaped};
use super::request::{Body, From, LONG_BYTES, Query};
use super::rights::{OnSubject, OnVersion, Write};
use super::shared_text::SchemaJson;
use crate::Registry;
use crate::counts::CheckKind;
use crate::lanes::Asker;
use crate::settle::Look;

/// `POST /subjects/{subject}/versions`: register a schema, or find it if it is there already.
///
/// `normalize`, `force` (no compatibility check), `format`. Answers id, version and schema. 40901
/// incompatible · 42201 invalid schema · 42205 mode forbids · 42207 another id is there · 42209 too
/// large · 42210 invalid rules · 42290 · 50001 log · 503.
/// Source: Confluent SubjectVersionsResource#register. The same schema twice gives the same id.
///
/// Who may not read the subject is answered id and version alone: the rest may come from versions before it.
pub(super) async fn register(
    OnSubject { registry, subject, grants, .. }: OnSubject<Write>,
    From(asker): From,
    Query(asked): Query<Registering>,
    Query(mut shaped): Query<Shaped>,
    Body(request): Body<RegisterRequest>,
) -> Answer<SchemaJson<RegisterResponse>> {
    let subject = Subject::new(subject.as_str()).map_err(RegistryError::from)?;
    if registry.options().reject_empty_subject && subject.parts().1.is_empty() {
        let subject = subject.to_string();
        return Err(Refused::from(RegistryError::InvalidSubject { subject }));
    }
    if came_as_descriptor(&request) {
        shaped.format.get_or_insert_with(|| "serialized".to_string());
    }
    let options = asked.options();
    let made = register_or_find(&registry, &asker, &subject, request, options, &grants).await?;
    registered(&registry, &asker, &subject, made, &shaped, &grants).await
}

/// Clients that send Protobuf as a descriptor read it so: the answer is what they keep.
fn came_as_descriptor(request: &RegisterRequest) -> bool {
    request.schema_type == Some(SchemaType::Protobuf)
        && request.schema.as_deref().is_some_and(protobuf::is_descriptor)
}

async fn registered(
    registry: &Registry,
    asker: &Asker,
    subject: &Subject,
    made: Registered,
    shaped: &Shaped,
    grants: &Grants,
) -> Answer<SchemaJson<RegisterResponse>> {
    let Registered { id, version } = made;
    let schema = {
        let state = registry.state();
        if state.by_id(subject.parts().0, id).is_none() {
            // deleted for good since
            return Err(Refused::from(RegistryError::SchemaIdNotFound { id: id.to_string() }));
        }
        state.schema(subject, &VersionEntry { version, id, deleted: false, ts: None })
    };
    if !grants.read(subject) {
        return Ok(SchemaJson(RegisterResponse {
            id,
            version: Some(version),
            guid: None,
            schema_type: schema.schema_type,
            references: Vec::new(),
            metadata: None,
            rule_set: None,
            schema: None,
        }));
    }
    let schema = format::version(registry, asker, subject, schema, shaped, grants).await?;
    Ok(SchemaJson(RegisterResponse {
        id,
        version: Some(version),
        guid: schema.guid,
        schema_type: schema.schema_type,
        references: schema.references.to_vec(),
        metadata: schema.metadata,
        rule_set: schema.rule_set,
        schema: Some(schema.schema),
    }))
}

/// What is there needs no writer: most registrations of a running fleet end with it.
async fn register_or_find(
    registry: &Registry,
    asker: &Asker,
    subject: &Subject,
    request: RegisterRequest,
    options: RegisterOptions,
    grants: &Grants,
) -> Result<Registered, RegistryError> {
    let (is_long, subject, grants) = (is_long(&request), subject.clone(), grants.clone());
    let schema_type = type_name(&request.schema_type.clone().unwrap_or_default());
    let last_look = Arc::<Mutex<Seen>>::default();
    let seen = last_look.clone();
    let look = move |state: &RegistryState, budget: &Budget| {
        let (look, now) = prepare(state, &subject, &request, options, &grants, budget)?;
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(look)
    };
    let made = registry.settle(asker, is_long, look).await;
    let seen = *last_look.lock().unwrap_or_else(PoisonError::into_inner);
    let counts = registry.counts();
    if let Some((level, is_compatible)) = seen.comparison {
        counts.check(CheckKind::new(schema_type, level, is_compatible));
    }
    counts.registration(schema_type, made.as_ref().map(|_| seen.was_found));
    made
}

/// What the last look of a registration has found, for the metrics.
#[derive(Clone, Copy, Default)]
struct Seen {
    was_found: bool,
    /// The level of the comparison, if there was one, and whether the schema is compatible.
    comparison: Option<(CompatibilityLevel, bool)>,
}

fn prepare(
    state: &RegistryState,
    subject: &Subject,
    request: &RegisterRequest,
    options: RegisterOptions,
    grants: &Grants,
    budget: &Budget,
) -> Result<(Look<Box<Registration>, Registered>, Seen), RegistryError> {
    let registration = Registration::of(state, subject.clone(), request, options, grants, budget)?;
    let checked = registration.check(state, budget);
    let comparison = checked.comparison(options.force);
    let seen = Seen { was_found: checked.found.is_some(), comparison };
    let look = match checked.found {
        Some(VersionEntry { id, version, .. }) => Look::Found(Registered { id, version }),
        None => {
            let registration = Registration { checked: Some(checked), ..registration };
            Look::WriteAtOnce(Box::new(registration))
        }
    };
    Ok((look, seen))
}

/// Returns true if a request is known to take so long that others should not wait for it. Others may take as long.
pub(super) fn is_long(request: &RegisterRequest) -> bool {
    request.schema.as_ref().is_some_and(|text| text.len() > LONG_BYTES)
        || request.references.len() > LONG_REFERENCES
}

/// References that take longer to be read than others should wait for.
const LONG_REFERENCES: usize = 100;

/// `POST /subjects/{subject}/versions/{version}/tags`: make a new version of a version, with tags
/// put in and taken out, and other metadata and rules.
///
/// Answers as registering does. 40401 · 40402 · 40901 · 42201 no such part · 42202 · 42205 · 42210 · 42290.
pub(super) async fn tag(
    OnVersion { registry, subject, spec, grants, .. }: OnVersion<Write>,
    From(asker): From,
    Query(shaped): Query<Shaped>,
    Body(request): Body<TagSchemaRequest>,
) -> Answer<SchemaJson<RegisterResponse>> {
    let look = {
        let (subject, grants) = (subject.clone(), grants.clone());
        move |state: &RegistryState, budget: &Budget| {
            let registration = prepare_tagged(state, &subject, spec, &request, &grants, budget)?;
            Ok(Look::Write(Box::new(registration.with_check(state, budget))))
        }
    };
    let made = registry.settle(&asker, false, look).await?;
    registered(&registry, &asker, &subject, made, &shaped, &grants).await
}

fn prepare_tagged(
    state: &RegistryState,
    subject: &Subject,
    spec: VersionSpec,
    request: &TagSchemaRequest,
    grants: &Grants,
    budget: &Budget,
) -> Result<Registration, RegistryError> {
    let version = *state.find_version(subject, spec, false)?;
    Ok(Registration {
        candidate: Candidate::tagged(state, subject, &version, request, grants, budget)?,
        subject: subject.clone(),
        version: match request.new_version {
            None | Some(0) => RequestedVersion::Next,
            Some(number) => RequestedVersion::of(number),
        },
        id: None,
        force: false,
        grants: grants.clone(),
        checked: None,
    })
}
