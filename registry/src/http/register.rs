//! Registering a schema, as it is or as a version with other tags. Source: Confluent
//! SubjectVersionsResource.

use std::sync::Arc;

use axum::extract::State;
use weir_registry_api::{
    RegisterRequest, RegisterResponse, RegistryError, SchemaId, SchemaType, Subject,
    TagSchemaRequest, Version, VersionSpec,
};
use weir_registry_core::{
    Candidate, Command, Outcome, Registration, RequestedVersion, State as RegistryState,
    VersionEntry,
};
use weir_schema::{Budget, protobuf};

use super::answer::{Answer, Refused};
use super::format;
use super::request::{Body, From, LONG_BYTES, Params, SubjectPath, VersionPath};
use super::shared_text::SchemaJson;
use crate::Registry;
use crate::lanes::Asker;

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
    params: Params,
    Body(request): Body<RegisterRequest>,
) -> Answer<SchemaJson<RegisterResponse>> {
    let subject = Subject::new(subject.as_str())?;
    if registry.options().reject_empty_subject && subject.parts().1.is_empty() {
        let subject = subject.to_string();
        return Err(Refused::from(RegistryError::InvalidSubject { subject }));
    }
    let (normalize, force) = (params.flag("normalize"), params.flag("force"));
    let params =
        if came_as_descriptor(&request) { params.or("format", "serialized") } else { params };
    let asked = Asked { asker: &asker, request: Arc::new(request), normalize, force };
    let (id, version) = register_or_find(&registry, &subject, &asked).await?;
    registered(&registry, &asker, &subject, id, version, &params).await
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
    id: SchemaId,
    version: Version,
    params: &Params,
) -> Answer<SchemaJson<RegisterResponse>> {
    let schema = {
        let state = registry.state();
        if state.by_id(subject.parts().0, id).is_none() {
            // deleted for good since
            return Err(Refused::from(RegistryError::SchemaIdNotFound { id: id.to_string() }));
        }
        state.schema(subject, &VersionEntry { version, id, deleted: false, ts: None })
    };
    let schema = format::version(registry, asker, subject, schema, params).await?;
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

/// What a request comes to before the writer sees it.
enum Prepared {
    Found(SchemaId, Version),
    Register(Box<Registration>),
}

/// A registration as it came in.
struct Asked<'a> {
    asker: &'a Asker,
    request: Arc<RegisterRequest>,
    normalize: bool,
    force: bool,
}

/// How often a registration is prepared for a subject that others change meanwhile.
pub(super) const STALE_MAX: usize = 64;

/// What is there needs no writer: most registrations of a running fleet end here.
async fn register_or_find(
    registry: &Registry,
    subject: &Subject,
    asked: &Asked<'_>,
) -> Result<(SchemaId, Version), Refused> {
    let mut caught_up = false;
    let mut stale = 0;
    loop {
        let Asked { asker, normalize, force, .. } = *asked;
        let prepared = {
            let (subject, request) = (subject.clone(), Arc::clone(&asked.request));
            let is_long = is_long(&request);
            registry.work(asker, is_long, move |state, budget| {
                prepare(state, &subject, &request, normalize, force, budget)
            })
        };
        let prepared = prepared.await?;
        let registration = match prepared {
            Ok(Prepared::Register(registration)) => registration,
            // what another node has written meanwhile may say something else
            _ if !std::mem::replace(&mut caught_up, true) && registry.catch_up().await? => continue,
            Ok(Prepared::Found(id, version)) => return Ok((id, version)),
            Err(error) => return Err(Refused::from(error)),
        };
        match registry.submit(Command::Register(registration)).await? {
            Outcome::Registered { id, version } => return Ok((id, version)),
            Outcome::Stale if stale < STALE_MAX => stale += 1,
            Outcome::Stale => return Err(Refused::from(RegistryError::Busy)),
            _ => return Err(Refused::from(RegistryError::Internal)),
        }
    }
}

fn prepare(
    state: &RegistryState,
    subject: &Subject,
    request: &RegisterRequest,
    normalize: bool,
    force: bool,
    budget: &Budget,
) -> Result<Prepared, RegistryError> {
    let mut registration = Registration::of(state, subject.clone(), request, normalize, budget)?;
    registration.force = force;
    let checked = registration.check(state, budget);
    if let Some(found) = checked.found {
        return Ok(Prepared::Found(found.id, found.version));
    }
    registration.checked = Some(checked);
    Ok(Prepared::Register(Box::new(registration)))
}

/// Whether it is plain that others should not wait for it. What is not may take as long.
pub(super) fn is_long(request: &RegisterRequest) -> bool {
    request.schema.as_ref().is_some_and(|text| text.len() > LONG_BYTES)
        || request.references.len() > LONG_REFERENCES
}

const LONG_REFERENCES: usize = 100;

/// `POST /subjects/{subject}/versions/{version}/tags`: make a new version of a version, with tags
/// put in and taken out, and other metadata and rules.
///
/// Answers as registering does. 40401 · 40402 · 40901 · 42201 no such part · 42202 · 42205 · 42210 · 42290.
pub(super) async fn tag(
    State(registry): State<Registry>,
    VersionPath(subject, spec): VersionPath,
    From(asker): From,
    params: Params,
    Body(request): Body<TagSchemaRequest>,
) -> Answer<SchemaJson<RegisterResponse>> {
    registry.catch_up().await?;
    let request = Arc::new(request);
    for _ in 0..STALE_MAX {
        let prepared = {
            let (subject, request) = (subject.clone(), Arc::clone(&request));
            registry.work(&asker, false, move |state, budget| {
                prepare_tagged(state, &subject, spec, &request, budget)
            })
        };
        match registry.submit(Command::Register(prepared.await??)).await? {
            Outcome::Registered { id, version } => {
                return registered(&registry, &asker, &subject, id, version, &params).await;
            }
            Outcome::Stale => {}
            _ => return Err(Refused::from(RegistryError::Internal)),
        }
    }
    Err(Refused::from(RegistryError::Busy))
}

fn prepare_tagged(
    state: &RegistryState,
    subject: &Subject,
    spec: VersionSpec,
    request: &TagSchemaRequest,
    budget: &Budget,
) -> Result<Box<Registration>, RegistryError> {
    let version = *state.find_version(subject, spec, false)?;
    let mut registration = Registration {
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
    registration.checked = Some(registration.check(state, budget));
    Ok(Box::new(registration))
}
