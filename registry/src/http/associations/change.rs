//! Requests as plans, and what comes of them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;
use weir_registry_api::{
    AssociationInfo, AssociationRequest, AssociationResponse, Context, Lifecycle, RegistryError,
    Schema, Subject, Version,
};
use weir_registry_core::{
    Associated, AssociationChange, AssociationDelete, AssociationPlan, Decide, RegisterOptions,
    Registration, Stale, State as RegistryState,
};
use weir_schema::Budget;

use super::super::answer::Answer;
use super::super::query::ChangingAssociations;
use crate::Registry;
use crate::lanes::Asker;
use crate::settle::Look;

/// How a change is meant.
pub(super) struct Way {
    pub(super) asker: Asker,
    /// The context of subjects that are named without one.
    pub(super) context: Context,
    pub(super) is_dry: bool,
}

impl Way {
    pub(super) fn of(asked: &ChangingAssociations, asker: Asker) -> Answer<Way> {
        let context = asked.context.as_deref().unwrap_or_default();
        let context = match context.trim_start_matches(':').trim_end_matches(':') {
            "" => Context::default(),
            name => Context::new(name).map_err(RegistryError::from)?,
        };
        Ok(Way { asker, context, is_dry: asked.dry_run })
    }
}

/// Whether a change may find associations that it would make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is there already has to be as wanted.
    Create,
    /// What is there already is changed.
    Upsert,
}

/// Changes a resource's associations. A dry run is a decision that nobody writes.
pub(super) async fn change(
    registry: &Registry,
    request: AssociationRequest,
    way: &Way,
    kind: Kind,
) -> Answer<AssociationResponse> {
    let request = Arc::new(request);
    let look = {
        let (request, context, is_dry) = (Arc::clone(&request), way.context.clone(), way.is_dry);
        move |state: &RegistryState, budget: &Budget| {
            let subjects = subjects(state, &request, &context)?;
            let plan = plan(state, &request, subjects, kind, budget);
            if !is_dry {
                return Ok(Look::Write(Box::new(plan)));
            }
            match plan.decide(state)?.outcome {
                Ok(_) => Ok(Look::Found(Vec::new())),
                Err(Stale) => Err(RegistryError::Busy),
            }
        }
    };
    let made = registry.settle(&way.asker, false, look).await?;
    Ok(response(&request, infos(registry, &made)))
}

/// The subjects that a request names, in its context, behind their aliases. 42208.
fn subjects(
    state: &RegistryState,
    request: &AssociationRequest,
    context: &Context,
) -> Result<Vec<Option<Subject>>, RegistryError> {
    let scope = context.subject("");
    let named = request.associations.iter().map(|update| match &update.subject {
        Some(name) => Ok(Some(state.behind_alias(Subject::new(name)?.beside(&scope)))),
        None => Ok(None),
    });
    named.collect()
}

fn plan(
    state: &RegistryState,
    request: &AssociationRequest,
    subjects: Vec<Option<Subject>>,
    kind: Kind,
    budget: &Budget,
) -> AssociationPlan {
    let mut plan = AssociationPlan {
        resource_name: request.resource_name.clone().unwrap_or_default(),
        resource_namespace: request.resource_namespace.clone().unwrap_or_default(),
        resource_id: request.resource_id.clone(),
        resource_type: request.resource_type.clone().unwrap_or_default(),
        is_create: kind == Kind::Create,
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
            let options =
                RegisterOptions { normalize: update.normalize == Some(true), force: false };
            let registration = Registration::of(state, subject, schema, options, budget);
            change.schema = Some(registration.map(|r| Box::new(r.with_check(state, budget))));
        }
        plan.changes.push(change);
    }
    refuse_references_within(state, &mut plan, request);
    plan
}

/// Refuses references to what a resource owns, also those of what comes with it. 42206.
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
    match is_dry {
        true => drop(what.decide(&registry.state())?),
        false => registry.submit(what).await?,
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

/// What was made, as answers say it.
fn infos(registry: &Registry, made: &[Associated]) -> Vec<AssociationInfo> {
    let state = registry.state();
    let info = |Associated { association, version }: &Associated| {
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
