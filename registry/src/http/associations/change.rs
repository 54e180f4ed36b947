//! Requests as plans, and what comes of them.

use std::time::{SystemTime, UNIX_EPOCH};

use std::sync::Arc;

use uuid::Uuid;
use weir_registry_api::{
    Association, AssociationInfo, AssociationRequest, AssociationResponse, Context, Lifecycle,
    RegistryError, Schema, Subject, Version,
};
use weir_registry_core::{
    AssociationChange, AssociationDelete, AssociationPlan, Command, Outcome, Registration,
    State as RegistryState, decide,
};
use weir_schema::Budget;

use super::super::answer::{Answer, Refused};
use super::super::register::STALE_MAX;
use super::super::request::{Params, behind_alias};
use crate::Registry;
use crate::lanes::Asker;

/// How a change is meant.
pub(super) struct Way {
    pub(super) asker: Asker,
    /// Of unqualified subjects.
    pub(super) context: Context,
    pub(super) is_dry: bool,
}

impl Way {
    pub(super) fn of(params: &Params, asker: Asker) -> Answer<Way> {
        let context = params.text("context").unwrap_or_default();
        let context = match context.trim_start_matches(':').trim_end_matches(':') {
            "" => Context::default(),
            name => Context::new(name)?,
        };
        Ok(Way { asker, context, is_dry: params.flag("dryRun") })
    }
}

/// A dry run is a decision that nobody writes.
pub(super) async fn change(
    registry: &Registry,
    request: AssociationRequest,
    way: &Way,
    is_create: bool,
) -> Answer<AssociationResponse> {
    registry.catch_up().await?;
    let subjects = subjects(registry, &request, &way.context)?;
    let request = Arc::new(request);
    for _ in 0..STALE_MAX {
        let plan = registry.work(&way.asker, false, {
            let (request, subjects) = (Arc::clone(&request), subjects.clone());
            move |state, budget| plan(state, &request, subjects.clone(), is_create, budget)
        });
        let command = Command::Associate(Box::new(plan.await?));
        let outcome = match way.is_dry {
            true => decide(&registry.state(), &command)?.outcome,
            false => registry.submit(command).await?,
        };
        match outcome {
            Outcome::Associations(_) if way.is_dry => return Ok(response(&request, Vec::new())),
            Outcome::Associations(made) => return Ok(response(&request, infos(registry, &made))),
            Outcome::Stale => {}
            _ => return Err(Refused::from(RegistryError::Internal)),
        }
    }
    Err(Refused::from(RegistryError::Busy))
}

/// The subjects that a request names, in its context, behind their aliases.
fn subjects(
    registry: &Registry,
    request: &AssociationRequest,
    context: &Context,
) -> Answer<Vec<Option<Subject>>> {
    let scope = context.subject("");
    let named = request.associations.iter().map(|update| match &update.subject {
        Some(name) => Ok(Some(behind_alias(registry, Subject::new(name)?.beside(&scope)))),
        None => Ok(None),
    });
    named.collect()
}

fn plan(
    state: &RegistryState,
    request: &AssociationRequest,
    subjects: Vec<Option<Subject>>,
    is_create: bool,
    budget: &Budget,
) -> AssociationPlan {
    let mut plan = AssociationPlan {
        resource_name: request.resource_name.clone().unwrap_or_default(),
        resource_namespace: request.resource_namespace.clone().unwrap_or_default(),
        resource_id: request.resource_id.clone(),
        resource_type: request.resource_type.clone().unwrap_or_default(),
        is_create,
        changes: Vec::new(),
    };
    for (update, subject) in request.associations.iter().zip(subjects) {
        let mut change = AssociationChange {
            association_type: update.association_type.clone().unwrap_or_default(),
            subject,
            lifecycle: update.lifecycle,
            frozen: update.frozen,
            schema: None,
            guid: Uuid::new_v4().to_string(),
            now: now_ms(),
        };
        if let Some(schema) = &update.schema {
            let subject = plan.subject_of(state, &change);
            let normalize = update.normalize == Some(true);
            let registration = Registration::of(state, subject, schema, normalize, budget);
            change.schema = Some(registration.map(|mut registration| {
                registration.checked = Some(registration.check(state, budget));
                Box::new(registration)
            }));
        }
        plan.changes.push(change);
    }
    refuse_references_within(state, &mut plan, request);
    plan
}

/// What a resource owns, nothing else may refer to, not even what it comes with. 42206.
fn refuse_references_within(
    state: &RegistryState,
    plan: &mut AssociationPlan,
    request: &AssociationRequest,
) {
    let subjects: Vec<Subject> = plan.changes.iter().map(|c| plan.subject_of(state, c)).collect();
    for (at, update) in request.associations.iter().enumerate() {
        let references = update.schema.iter().flat_map(|schema| &schema.references);
        let mut owned = references.filter_map(|reference| {
            let subject = reference.subject.beside(&subjects[at]);
            let other = subjects.iter().position(|other| *other == subject)?;
            let is_owned = plan.changes[other].lifecycle == Some(Lifecycle::Strong);
            let version = Version(u32::try_from(reference.version).unwrap_or(1));
            (other != at && is_owned).then_some(RegistryError::ReferenceExists { subject, version })
        });
        if let Some(refused) = owned.next() {
            plan.changes[at].schema = Some(Err(refused));
        }
    }
}

pub(super) async fn remove(
    registry: &Registry,
    what: AssociationDelete,
    is_dry: bool,
) -> Answer<()> {
    let command = Command::DeleteAssociations(what);
    match is_dry {
        true => drop(decide(&registry.state(), &command)?),
        false => drop(registry.submit(command).await?),
    }
    Ok(())
}

pub(super) fn response(
    request: &AssociationRequest,
    associations: Vec<AssociationInfo>,
) -> AssociationResponse {
    AssociationResponse {
        resource_name: request.resource_name.clone(),
        resource_namespace: request.resource_namespace.clone(),
        resource_id: request.resource_id.clone(),
        resource_type: request.resource_type.clone().unwrap_or_default(),
        associations,
    }
}

fn infos(registry: &Registry, made: &[(Association, Option<Version>)]) -> Vec<AssociationInfo> {
    let state = registry.state();
    let info = |(association, version): &(Association, Option<Version>)| {
        let subject = &association.subject;
        let entry = version.and_then(|version| state.version_entry(subject, version));
        // as a registration answers it
        let schema =
            entry.map(|entry| Schema { ts: None, deleted: None, ..state.schema(subject, entry) });
        AssociationInfo::of(association, schema)
    };
    made.iter().map(info).collect()
}

fn now_ms() -> Option<i64> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).ok()
}
