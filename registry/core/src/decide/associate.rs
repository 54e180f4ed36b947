//! Associating subjects with topics. Source: Confluent's `AbstractSchemaRegistry`, in the order of
//! its checks; but that schemas and associations are written together, or nothing is.

mod draft;
mod step;

use std::sync::Arc;

use weir_registry_api::{Association, Lifecycle, RegistryError, Subject, Version};

use super::guards::writable;
use super::register::{Registered, Registration};
use super::{Decide, Decision, Stale};
use crate::grants::Grants;
use crate::record::{AssociationKey, Record};
use crate::state::State;
use draft::Draft;
use step::Step;

/// A resource's associations as they are to be.
#[derive(Clone, Debug)]
pub struct AssociationPlan {
    pub resource_name: String,
    pub resource_namespace: String,
    /// None only in a plan that nobody carries out: the resource is found by its name then.
    pub resource_id: Option<String>,
    pub resource_type: String,
    /// Whether what is there already has to be as planned.
    pub is_create: bool,
    /// The associations that are to be, one at most of each type.
    pub changes: Vec<AssociationChange>,
    /// What whoever wants them may do: each subject has to be writable.
    pub grants: Grants,
}

/// One association as it is to be; what is not said stays, or is the default.
#[derive(Clone, Debug)]
pub struct AssociationChange {
    pub association_type: String,
    pub subject: Option<Subject>,
    pub lifecycle: Option<Lifecycle>,
    pub frozen: Option<bool>,
    /// A schema for the subject, or why it is none.
    pub schema: Option<Result<Box<Registration>, RegistryError>>,
    /// Names it if it is new.
    pub guid: String,
    /// When it is made or changed, in milliseconds since 1970.
    pub now: Option<i64>,
}

/// Which associations of a resource are to go; no types are all.
#[derive(Clone, Debug)]
pub struct AssociationDelete {
    pub resource_id: String,
    pub resource_type: String,
    pub association_types: Vec<String>,
    /// Whether subjects that are the resource's go with it.
    pub cascade_lifecycle: bool,
    /// What whoever wants them gone may do. Associations of subjects that may not be read are not there; the subjects
    /// of the others have to be writable, and those that go with the resource deletable.
    pub grants: Grants,
}

/// An association that was written, and the version that was registered with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Associated {
    pub association: Association,
    pub version: Option<Version>,
}

impl Decide for AssociationPlan {
    /// The associations that were written; what is there as planned is left out.
    type Outcome = Result<Vec<Associated>, Stale>;

    /// 40301 · 40901 · 40903 · 40904 · 40905 · 40907 · 40908 · 42201 · 42205 · 42206 · 42212 · 42290.
    fn decide(&self, state: &State) -> Result<Decision<Self::Outcome>, RegistryError> {
        let plan = self;
        let existing = existing(state, plan);
        let steps: Vec<Step<'_>> =
            plan.changes.iter().map(|c| Step::new(plan, c, &existing)).collect::<Result<_, _>>()?;
        if steps.iter().any(|step| !plan.grants.write(&step.subject)) {
            return Err(RegistryError::Denied);
        }
        for step in &steps {
            writable(state, Some(&step.subject))?;
        }
        if steps.iter().any(Step::is_stale) {
            return Ok(Decision::nothing(Err(Stale)));
        }
        for step in &steps {
            step.check_lifecycle(plan)?;
            match step.before {
                None => step.check_new(state, plan)?,
                Some(before) => step.check_change(state, plan, before)?,
            }
        }
        check_uniform(&existing, &steps)?;
        for step in &steps {
            step.check_subject(state)?;
        }
        carry_out(state, plan, &steps)
    }
}

/// The associations of the plan's resource, in order.
fn existing<'a>(state: &'a State, plan: &'a AssociationPlan) -> Vec<&'a Arc<Association>> {
    let all = state.associations();
    let of_type = |a: &&Arc<Association>| a.resource_type == plan.resource_type;
    if let Some(id) = &plan.resource_id {
        return all.of_resource_id(id).filter(of_type).collect();
    }
    let named = all.of_resource_name(&plan.resource_name, &plan.resource_namespace);
    let named: Vec<_> = named.filter(of_type).collect();
    // a name may have been another resource's
    let id = named.iter().map(|a| &a.resource_id).max();
    named.iter().copied().filter(|a| Some(&a.resource_id) == id).collect()
}

impl AssociationPlan {
    /// The subject that a change is about, if nothing changes meanwhile: the one that it names, the
    /// one that is there, or the resource's own.
    pub fn subject_of(&self, state: &State, change: &AssociationChange) -> Subject {
        let association_type = &change.association_type;
        let existing = existing(state, self);
        let before = existing.iter().find(|a| a.association_type == *association_type);
        let known = change.subject.as_ref().or(before.map(|a| &a.subject)).cloned();
        known.unwrap_or_else(|| self.own_subject(association_type))
    }

    /// The subject that is the resource's own.
    fn own_subject(&self, association_type: &str) -> Subject {
        let (namespace, name) = (&self.resource_namespace, &self.resource_name);
        Subject::written(&format!(":.{namespace}:{name}-{association_type}"))
    }

    fn already_there(&self, association_type: &str) -> RegistryError {
        RegistryError::ResourceAssociated {
            association_type: association_type.into(),
            resource: self.resource_name.clone(),
        }
    }
}

/// A resource owns all its subjects, or none.
fn check_uniform(existing: &[&Arc<Association>], steps: &[Step<'_>]) -> Result<(), RegistryError> {
    let mut by_type: Vec<(&str, Lifecycle)> =
        existing.iter().map(|a| (&*a.association_type, a.lifecycle)).collect();
    for step in steps {
        let association_type = &*step.change.association_type;
        match by_type.iter_mut().find(|(known, _)| *known == association_type) {
            Some((_, lifecycle)) => *lifecycle = step.lifecycle,
            None => by_type.push((association_type, step.lifecycle)),
        }
    }
    if by_type.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return Ok(());
    }
    let shown: Vec<String> = by_type.iter().map(|(name, is)| format!("{name}={is}")).collect();
    let shown = shown.join(", ");
    let detail =
        format!("all associations for a resource must have the same lifecycle, but got {shown}");
    Err(invalid("lifecycle", detail))
}

/// Schemas first, so that whoever reads the log finds the subjects of associations.
fn carry_out(
    state: &State,
    plan: &AssociationPlan,
    steps: &[Step<'_>],
) -> Result<Decision<Result<Vec<Associated>, Stale>>, RegistryError> {
    let mut draft = Draft::of(state);
    let mut made = Vec::new();
    for step in steps {
        let mut version = None;
        if let Some(schema) = step.schema()? {
            let decision = schema.decide(&draft.state)?;
            let Ok(Registered { version: registered, .. }) = decision.outcome else {
                return Ok(Decision::nothing(Err(Stale)));
            };
            version = Some(registered);
            draft.put(decision.records);
        }
        if !step.stands() {
            made.push(Associated { association: plan.association(step), version });
        }
    }
    let records = made.iter().map(|Associated { association, .. }| Record::Association {
        key: AssociationKey::of(association),
        value: Some(Arc::new(association.clone())),
    });
    draft.records.extend(records);
    Ok(Decision { records: draft.records, outcome: Ok(made) })
}

impl AssociationPlan {
    fn association(&self, step: &Step<'_>) -> Association {
        if let Some(before) = step.before {
            let update_ts = step.change.now;
            return Association { lifecycle: step.lifecycle, update_ts, ..(**before).clone() };
        }
        Association {
            subject: step.subject.clone(),
            guid: step.change.guid.clone(),
            resource_name: self.resource_name.clone(),
            resource_namespace: self.resource_namespace.clone(),
            resource_id: self.resource_id.clone().unwrap_or_default(),
            resource_type: self.resource_type.clone(),
            association_type: step.change.association_type.clone(),
            lifecycle: step.lifecycle,
            frozen: step.frozen,
            create_ts: step.change.now,
            update_ts: step.change.now,
        }
    }
}

impl AssociationDelete {
    /// The associations that are to go, of those that may be read.
    pub fn meant<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a Arc<Association>> {
        state.associations().of_resource_id(&self.resource_id).filter(|a| {
            let types = &self.association_types;
            a.resource_type == self.resource_type
                && (types.is_empty() || types.contains(&a.association_type))
                && self.grants.read(&a.subject)
        })
    }

    /// Returns true if an association's subject goes with it, unless it is being imported.
    pub fn takes_along(&self, association: &Association) -> bool {
        self.cascade_lifecycle && association.lifecycle == Lifecycle::Strong
    }
}

impl Decide for AssociationDelete {
    type Outcome = ();

    /// 40301 · 40410 · 40908 · 42205 · 42206.
    fn decide(&self, state: &State) -> Result<Decision<()>, RegistryError> {
        let going: Vec<&Arc<Association>> = self.meant(state).collect();
        if going.is_empty() {
            return Err(RegistryError::AssociationNotFound { resource: self.resource_id.clone() });
        }
        let may_go = |a: &&Arc<Association>| {
            self.grants.write(&a.subject)
                && (!self.takes_along(a) || self.grants.delete(&a.subject))
        };
        if !going.iter().all(may_go) {
            return Err(RegistryError::Denied);
        }
        for association in &going {
            let subject = association.subject.clone();
            writable(state, Some(&subject))?;
            if association.frozen && !self.cascade_lifecycle {
                let association_type = association.association_type.clone();
                return Err(RegistryError::AssociationFrozen { association_type, subject });
            }
        }
        let mut draft = Draft::of(state);
        for association in going {
            let key = AssociationKey::of(association);
            draft.put(vec![Record::Association { key, value: None }]);
            let subject = &association.subject;
            let is_import = state.effective_mode(Some(subject)).is_import();
            if self.takes_along(association) && !is_import {
                draft.delete_subject(subject)?;
            }
        }
        Ok(Decision { records: draft.records, outcome: () })
    }
}

fn invalid(property: &'static str, detail: impl Into<String>) -> RegistryError {
    RegistryError::InvalidAssociation { property, detail: detail.into() }
}
