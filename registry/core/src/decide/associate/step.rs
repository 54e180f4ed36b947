//! One association of a plan beside what is there, and whether it may become so.

use std::sync::Arc;

use weir_registry_api::{Association, Lifecycle, RegistryError, Subject, Version};

use super::super::guards::{refuse_referenced, writers_budget};
use super::{AssociationChange, AssociationPlan, Registration, invalid};
use crate::parsed::over_budget;
use crate::state::State;

/// A change beside what is there.
pub(super) struct Step<'a> {
    pub(super) change: &'a AssociationChange,
    pub(super) before: Option<&'a Arc<Association>>,
    pub(super) subject: Subject,
    pub(super) lifecycle: Lifecycle,
    pub(super) frozen: bool,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        plan: &AssociationPlan,
        change: &'a AssociationChange,
        existing: &[&'a Arc<Association>],
    ) -> Result<Step<'a>, RegistryError> {
        let mut existing = existing.iter().copied();
        let before = existing.find(|a| a.association_type == change.association_type);
        let lifecycle = change.lifecycle.or(before.map(|a| a.lifecycle)).unwrap_or_default();
        let is_strong = lifecycle == Lifecycle::Strong;
        let subject = match (&change.subject, before) {
            (Some(subject), _) => subject.clone(),
            (None, Some(before)) => before.subject.clone(),
            (None, None) if is_strong => plan.own_subject(&change.association_type),
            (None, None) => {
                return Err(invalid("subject", "must be provided for WEAK associations"));
            }
        };
        let frozen = change.frozen.unwrap_or(before.map_or(is_strong, |a| a.frozen));
        Ok(Step { change, before, subject, lifecycle, frozen })
    }

    /// Returns true if the schema was prepared for another subject than it is for.
    pub(super) fn is_stale(&self) -> bool {
        matches!(&self.change.schema, Some(Ok(schema)) if schema.subject != self.subject)
    }

    pub(super) fn schema(&self) -> Result<Option<&Registration>, RegistryError> {
        match &self.change.schema {
            None => Ok(None),
            Some(Ok(schema)) => Ok(Some(schema)),
            Some(Err(why)) => Err(why.clone()),
        }
    }

    fn has_its_schema(&self, state: &State) -> Result<bool, RegistryError> {
        let Some(schema) = self.schema()? else { return Ok(false) };
        let budget = writers_budget();
        let found = state.lookup(&self.subject, &schema.candidate, false, &budget).is_some();
        budget.over().map_or(Ok(found), |over| Err(over_budget(over)))
    }

    fn is_import(&self, state: &State) -> bool {
        state.effective_mode(Some(&self.subject)).is_import()
    }

    /// A resource owns the subject that has its name, frozen; all others it only uses.
    pub(super) fn check_lifecycle(&self, plan: &AssociationPlan) -> Result<(), RegistryError> {
        let own = plan.own_subject(&self.change.association_type);
        let is_strong = self.lifecycle == Lifecycle::Strong;
        if !is_strong && self.change.schema.is_some() {
            return Err(invalid("lifecycle", "cannot be WEAK when schema is provided"));
        }
        if !is_strong && self.subject == own {
            let detail = format!("WEAK associations cannot use subject '{own}'");
            return Err(invalid("subject", detail));
        }
        if self.frozen != is_strong {
            let (lifecycle, frozen) = (self.lifecycle, self.frozen);
            let detail =
                format!("association with lifecycle of {lifecycle} cannot be frozen={frozen}");
            return Err(invalid("frozen", detail));
        }
        if self.before.map_or(self.frozen, |a| a.frozen) && self.subject != own {
            let detail = format!("frozen associations must use subject '{own}'");
            return Err(invalid("subject", detail));
        }
        Ok(())
    }

    pub(super) fn check_new(
        &self,
        state: &State,
        plan: &AssociationPlan,
    ) -> Result<(), RegistryError> {
        if self.lifecycle == Lifecycle::Weak || self.is_import(state) {
            return Ok(());
        }
        if !plan.is_create {
            let detail = "cannot be STRONG when creating an association; STRONG associations must be created with the topic";
            return Err(invalid("lifecycle", detail));
        }
        if self.change.schema.is_none() {
            let detail = "schema must be provided when creating a frozen association";
            return Err(invalid("schema", detail));
        }
        // as a creation leaves it that is made again
        let latest = state.live_versions(&self.subject).next_back();
        if latest.is_some_and(|v| v.version != Version(1))
            || (latest.is_some() && !self.has_its_schema(state)?)
        {
            let detail =
                "cannot create a frozen association when schemas already exist in the subject";
            return Err(invalid("frozen", detail));
        }
        Ok(())
    }

    pub(super) fn check_change(
        &self,
        state: &State,
        plan: &AssociationPlan,
        before: &Association,
    ) -> Result<(), RegistryError> {
        let stands = self.stands();
        let has_schema = self.change.schema.is_some();
        if plan.is_create && (!stands || (has_schema && !self.has_its_schema(state)?)) {
            return Err(plan.already_there(&before.association_type));
        }
        if stands {
            return Ok(());
        }
        if self.change.lifecycle.is_none() && !has_schema {
            let detail = "at least lifecycle or schema must be provided for update";
            return Err(invalid("lifecycle", detail));
        }
        let old = &before.subject;
        if *old != self.subject && !plan.grants.read(old) {
            return Err(plan.already_there(&before.association_type));
        }
        if *old != self.subject {
            let new = &self.subject;
            let detail =
                format!("subject of association cannot be changed from '{old}' to '{new}'");
            return Err(invalid("subject", detail));
        }
        if self.frozen != before.frozen {
            return Err(invalid("frozen", "frozen attribute of association cannot be changed"));
        }
        if before.frozen {
            let association_type = before.association_type.clone();
            return Err(RegistryError::AssociationFrozen {
                association_type,
                subject: old.clone(),
            });
        }
        Ok(())
    }

    /// Returns true if the association is there as it is to be.
    pub(super) fn stands(&self) -> bool {
        self.before.is_some_and(|before| {
            before.subject == self.subject
                && before.lifecycle == self.lifecycle
                && before.frozen == self.frozen
        })
    }

    /// What other resources and other schemas make of the subject.
    pub(super) fn check_subject(&self, state: &State) -> Result<(), RegistryError> {
        let subject = &self.subject;
        if self.change.schema.is_some() && self.is_import(state) {
            let detail = format!("cannot be provided while subject '{subject}' is in IMPORT mode");
            return Err(invalid("schema", detail));
        }
        if self.change.schema.is_none() && state.live_versions(subject).next().is_none() {
            return Err(RegistryError::NoActiveVersion { subject: subject.clone() });
        }
        let mut others = state.associations().of_subject(subject).filter(|a| !self.is_of(a));
        match self.lifecycle {
            Lifecycle::Strong if others.next().is_some() => {
                Err(RegistryError::SubjectAssociated { subject: subject.clone() })
            }
            Lifecycle::Weak if others.any(|a| a.lifecycle == Lifecycle::Strong) => {
                Err(RegistryError::SubjectStronglyAssociated { subject: subject.clone() })
            }
            Lifecycle::Strong if self.before.is_none() => refuse_shared(state, subject),
            _ => Ok(()),
        }
    }

    fn is_of(&self, other: &Association) -> bool {
        self.before.is_some_and(|before| {
            before.resource_id == other.resource_id
                && before.resource_type == other.resource_type
                && before.association_type == other.association_type
        })
    }
}

/// 42206 if others refer to the subject, which could not go with its topic then.
fn refuse_shared(state: &State, subject: &Subject) -> Result<(), RegistryError> {
    for version in state.versions(subject) {
        refuse_referenced(state, subject, version.version, |other| other.subject != *subject)?;
    }
    Ok(())
}
