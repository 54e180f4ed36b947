//! Registering a schema, as it is or as a version with other tags. Source: Confluent
//! SubjectVersionsResource.

use axum::extract::State;
use weir_registry_api::{
    RegisterRequest, RegisterResponse, RegistryError, SchemaId, SchemaType, Subject,
    TagSchemaRequest, Version,
};
use weir_registry_core::{
    Candidate, Command, Outcome, Registration, RequestedVersion, State as RegistryState,
    VersionEntry,
};
use weir_schema::protobuf;

use super::answer::{Answer, Refused};
use super::format;
use super::request::{Body, Params, SubjectPath, VersionPath};
use super::shared_text::SchemaJson;
use crate::Registry;

/// `POST /subjects/{subject}/versions`: register a schema, or find it if it is there already.
///
/// `normalize`, `force` (no compatibility check), `format`. Answers id, version and schema. 40901
/// incompatible · 42201 invalid schema · 42205 mode forbids · 42207 another id is there · 42209 too
/// large · 42210 invalid rules · 50001 log.
/// Source: Confluent SubjectVersionsResource#register. The same schema twice gives the same id.
pub(super) async fn register(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
    Body(request): Body<RegisterRequest>,
) -> Answer<SchemaJson<RegisterResponse>> {
    let subject = Subject::new(subject.as_str())?;
    if registry.options().reject_empty_subject && subject.parts().1.is_empty() {
        let subject = subject.to_string();
        return Err(Refused(RegistryError::InvalidSubject { subject }));
    }
    let (normalize, force) = (params.flag("normalize"), params.flag("force"));
    let params =
        if came_as_descriptor(&request) { params.or("format", "serialized") } else { params };
    let (id, version) = register_or_find(&registry, &subject, request, normalize, force).await?;
    registered(&registry, &subject, id, version, &params)
}

/// Clients that send Protobuf as a descriptor read it so: the answer is what they keep.
fn came_as_descriptor(request: &RegisterRequest) -> bool {
    request.schema_type == Some(SchemaType::Protobuf)
        && request.schema.as_deref().is_some_and(protobuf::is_descriptor)
}

fn registered(
    registry: &Registry,
    subject: &Subject,
    id: SchemaId,
    version: Version,
    params: &Params,
) -> Answer<SchemaJson<RegisterResponse>> {
    let state = registry.state();
    if state.by_id(subject.parts().0, id).is_none() {
        // deleted for good since
        return Err(Refused(RegistryError::SchemaIdNotFound { id: id.to_string() }));
    }
    let entry = VersionEntry { version, id, deleted: false, ts: None };
    let schema = format::version(&state, subject, state.schema(subject, &entry), params)?;
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

/// What is there needs no writer: most registrations of a running fleet end here.
async fn register_or_find(
    registry: &Registry,
    subject: &Subject,
    request: RegisterRequest,
    normalize: bool,
    force: bool,
) -> Result<(SchemaId, Version), Refused> {
    let mut caught_up = false;
    loop {
        let prepared = {
            let (subject, request) = (subject.clone(), request.clone());
            let heavy = is_long(&request) || has_long_history(registry, &subject);
            registry
                .heavy_if(heavy, move |state| prepare(state, subject, request, normalize, force))
                .await?
        };
        let registration = match prepared {
            Ok(Prepared::Register(registration)) => registration,
            // what another node has written meanwhile may say something else
            _ if !std::mem::replace(&mut caught_up, true) && registry.catch_up().await? => continue,
            Ok(Prepared::Found(id, version)) => return Ok((id, version)),
            Err(error) => return Err(Refused(error)),
        };
        match registry.submit(Command::Register(registration)).await? {
            Outcome::Registered { id, version } => return Ok((id, version)),
            Outcome::Stale => {}
            _ => return Err(Refused(RegistryError::Internal)),
        }
    }
}

fn prepare(
    state: &RegistryState,
    subject: Subject,
    request: RegisterRequest,
    normalize: bool,
    force: bool,
) -> Result<Prepared, RegistryError> {
    let mut registration = Registration::of(state, subject, &request, normalize)?;
    registration.force = force;
    let checked = registration.check(state);
    if let Some(found) = checked.found {
        return Ok(Prepared::Found(found.id, found.version));
    }
    registration.checked = Some(checked);
    Ok(Prepared::Register(Box::new(registration)))
}

/// Whether parsing may take so long that others should not wait for it.
pub(super) fn is_long(request: &RegisterRequest) -> bool {
    const LONG_BYTES: usize = 32 * 1024;
    let is_json = matches!(request.schema_type, Some(SchemaType::Json));
    is_json
        || !request.references.is_empty()
        || request.schema.as_ref().is_some_and(|text| text.len() > LONG_BYTES)
}

/// Whether comparing with all versions of a subject may take so long.
pub(super) fn has_long_history(registry: &Registry, subject: &Subject) -> bool {
    const LONG_VERSIONS: usize = 16;
    registry.state().versions(subject).len() > LONG_VERSIONS
}

/// `POST /subjects/{subject}/versions/{version}/tags`: make a new version of a version, with tags
/// put in and taken out, and other metadata and rules.
///
/// Answers as registering does. 40401 · 40402 · 40901 · 42201 no such part · 42202 · 42205 · 42210.
pub(super) async fn tag(
    State(registry): State<Registry>,
    VersionPath(subject, spec): VersionPath,
    params: Params,
    Body(request): Body<TagSchemaRequest>,
) -> Answer<SchemaJson<RegisterResponse>> {
    registry.catch_up().await?;
    let registration = {
        let state = registry.state();
        let version = *state.find_version(&subject, spec, false)?;
        Box::new(Registration {
            candidate: Candidate::tagged(&state, &subject, &version, &request)?,
            subject: subject.clone(),
            version: match request.new_version {
                None | Some(0) => RequestedVersion::Next,
                Some(number) => RequestedVersion::of(number),
            },
            id: None,
            force: false,
            checked: None,
        })
    };
    match registry.submit(Command::Register(registration)).await? {
        Outcome::Registered { id, version } => {
            registered(&registry, &subject, id, version, &params)
        }
        _ => Err(Refused(RegistryError::Internal)),
    }
}
