//! Requests as plans, and what comes of them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;
use weir_http::{Action, Caller};
use weir_registry_api::{
    AssociationInfo, AssociationRequest, AssociationResponse, Context, Lifecycle, RegistryError,
    Schema, Subject, Version,
};
use weir_registry_core::{
    Associated, AssociationChange, AssociationDelete, AssociationPlan, Decide, Grants,
    RegisterOptions, Registration, Stale, State as RegistryState,
};
use weir_schema::Budget;

use super::super::answer::Answer;
use super::super::query::ChangingAssociations;
use super::super::rights::{demand_on, of_caller};
use crate::Registry;
use crate::lanes::Asker;
use crate::settle::Look;

/// How a change is meant.
pub(super) struct Way {
    pub(super) asker: Asker,
    pub(super) caller: Caller,
    /// The context of subjects that are named without one.
    pub(super) context: Context,
    pub(super) is_dry: bool,
}

impl Way {
    pub(super) fn of(asked: &ChangingAssociations, asker: Asker, caller: Caller) -> Answer<Way> {
        let context = asked.context.as_deref().unwrap_or_default();
        let context = match context.trim_start_matches(':').trim_end_matches(':') {
            "" => Context::default(),
            name => Context::new(name).map_err(RegistryError::from)?,
        };
        Ok(Way { asker, caller, context, is_dry: asked.dry_run })
    }

    pub(super) fn grants(&self) -> Grants {
        of_caller(self.caller.clone())
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

/// Changes a resource's associations. A dry run is a decision that nobody writes, and needs the same rights. 40301.
pub(super) async fn change(
    registry: &Registry,
    request: AssociationRequest,
    way: &Way,
    kind: Kind,
) -> Answer<AssociationResponse> {
    let grants = way.grants();
    demand_subjects(&registry.state(), &request, way, kind)?;
    let request = Arc::new(request);
    let look = {
        let (request, context, is_dry) = (Arc::clone(&request), way.context.clone(), way.is_dry);
        let grants = grants.clone();
        move |state: &RegistryState, budget: &Budget| {
            let subjects = subjects(state, &request, &context)?;
            let plan =
                with_schemas(state, &request, plan(&request, subjects, kind, &grants), budget);
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
    Ok(response(&request, infos(registry, &made, &grants)))
}

/// Demands the right to write each subject that a request is about. 40301.
fn demand_subjects(
    state: &RegistryState,
    request: &AssociationRequest,
    way: &Way,
    kind: Kind,
) -> Answer<()> {
    let named = subjects(state, request, &way.context)?;
    let plan = plan(request, named, kind, &way.grants());
    for change in &plan.changes {
        demand_on(&way.caller, Action::Write, &plan.subject_of(state, change))?;
    }
    Ok(())
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

/// What a request asks for, without its schemas.
fn plan(
    request: &AssociationRequest,
    subjects: Vec<Option<Subject>>,
    kind: Kind,
    grants: &Grants,
) -> AssociationPlan {
    let mut plan = AssociationPlan {
        resource_name: request.resource_name.clone().unwrap_or_default(),
        resource_namespace: request.resource_namespace.clone().unwrap_or_default(),
        resource_id: request.resource_id.clone(),
        resource_type: request.resource_type.clone().unwrap_or_default(),
        is_create: kind == Kind::Create,
        changes: Vec::new(),
        grants: grants.clone(),
    };
    for (update, subject) in request.associations.iter().zip(subjects) {
        plan.changes.push(AssociationChange {
            association_type: update.association_type.clone().unwrap_or_default(),
            subject,
            lifecycle: update.lifecycle,
            frozen: update.frozen,
            schema: None,
            guid: Uuid::new_v4().to_string(),
            now: now_ms(),
        });
    }
    plan
}

fn with_schemas(
    state: &RegistryState,
    request: &AssociationRequest,
    mut plan: AssociationPlan,
    budget: &Budget,
) -> AssociationPlan {
    for (at, update) in request.associations.iter().enumerate() {
        if let Some(schema) = &update.schema {
            let subject = plan.subject_of(state, &plan.changes[at]);
            let options =
                RegisterOptions { normalize: update.normalize == Some(true), force: false };
            let registration =
                Registration::of(state, subject, schema, options, &plan.grants, budget);
            let checked = registration.map(|r| Box::new(r.with_check(state, budget)));
            plan.changes[at].schema = Some(checked);
        }
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

/// Takes associations away. A dry run is a decision that nobody writes, and needs the same rights. 40301.
pub(super) async fn remove(
    registry: &Registry,
    caller: &Caller,
    what: AssociationDelete,
    is_dry: bool,
) -> Answer<()> {
    for association in what.meant(&registry.state()) {
        demand_on(caller, Action::Write, &association.subject)?;
        if what.takes_along(association) {
            demand_on(caller, Action::Delete, &association.subject)?;
        }
    }
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
/// A schema that the caller may not read is left out.
fn infos(registry: &Registry, made: &[Associated], grants: &Grants) -> Vec<AssociationInfo> {
    let state = registry.state();
    let info = |Associated { association, version }: &Associated| {
        let subject = &association.subject;
        let version = version.filter(|_| grants.read(subject));
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
