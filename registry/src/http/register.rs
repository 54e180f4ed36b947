//! Registering a schema, as it is or as a version with other tags. Source: Confluent
//! SubjectVersionsResource.

use axum::extract::State;
use weir_registry_api::{
    RegisterRequest, RegisterResponse, RegistryError, SchemaType, Subject, TagSchemaRequest,
    VersionSpec,
};
use weir_registry_core::{
    Candidate, RegisterOptions, Registered, Registration, RequestedVersion, State as RegistryState,
    VersionEntry,
};
use weir_schema::{Budget, protobuf};

use super::answer::{Answer, Refused};
use super::format;
use super::query::{Registering, Shaped};
use super::request::{Body, From, LONG_BYTES, Query, SubjectPath, VersionPath};
use super::shared_text::SchemaJson;
use crate::Registry;
use crate::lanes::Asker;
use crate::settle::Look;

/// `POST /subjects/{subject}/versions`: register a schema, or find it if it is there already.
///
/// `normalize`, `force` (no compatibility check), `format`. Answers id, version and schema. 40901
/// incompatible · 42201 invalid schema · 42205 mode forbids · 42207 another id is there · 42209 too
/// large · 42210 invalid rules · 42290 · 50001 log · 503.
/// Source: Confluent SubjectVersionsResource#register. The same schema twice gives the same id.
pub(super) async fn register(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
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
    let made = register_or_find(&registry, &asker, &subject, request, asked.options()).await?;
    registered(&registry, &asker, &subject, made, &shaped).await
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
    let schema = format::version(registry, asker, subject, schema, shaped).await?;
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
) -> Result<Registered, RegistryError> {
    let (is_long, subject) = (is_long(&request), subject.clone());
    let look = move |state: &RegistryState, budget: &Budget| {
        prepare(state, &subject, &request, options, budget)
    };
    registry.settle(asker, is_long, look).await
}

fn prepare(
    state: &RegistryState,
    subject: &Subject,
    request: &RegisterRequest,
    options: RegisterOptions,
    budget: &Budget,
) -> Result<Look<Box<Registration>, Registered>, RegistryError> {
    let registration = Registration::of(state, subject.clone(), request, options, budget)?;
    let checked = registration.check(state, budget);
    Ok(match checked.found {
        Some(VersionEntry { id, version, .. }) => Look::Found(Registered { id, version }),
        None => {
            let registration = Registration { checked: Some(checked), ..registration };
            Look::WriteAtOnce(Box::new(registration))
        }
    })
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
    State(registry): State<Registry>,
    VersionPath(subject, spec): VersionPath,
    From(asker): From,
    Query(shaped): Query<Shaped>,
    Body(request): Body<TagSchemaRequest>,
) -> Answer<SchemaJson<RegisterResponse>> {
    let look = {
        let subject = subject.clone();
        move |state: &RegistryState, budget: &Budget| {
            let registration = prepare_tagged(state, &subject, spec, &request, budget)?;
            Ok(Look::Write(Box::new(registration)))
        }
    };
    let made = registry.settle(&asker, false, look).await?;
    registered(&registry, &asker, &subject, made, &shaped).await
}

fn prepare_tagged(
    state: &RegistryState,
    subject: &Subject,
    spec: VersionSpec,
    request: &TagSchemaRequest,
    budget: &Budget,
) -> Result<Registration, RegistryError> {
    let version = *state.find_version(subject, spec, false)?;
    let registration = Registration {
        candidate: Candidate::tagged(state, subject, &version, request, budget)?,
        subject: subject.clone(),
        version: match request.new_version {
            None | Some(0) => RequestedVersion::Next,
            Some(number) => RequestedVersion::of(number),
        },
        id: None,
        force: false,
        checked: None,
    };
    Ok(registration.with_check(state, budget))
}
