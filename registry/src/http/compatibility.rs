//! `/compatibility`. Source: Confluent CompatibilityResource.

use weir_registry_api::{
    CompatibilityAnswer, RegisterRequest, RegistryError, Subject, VersionSpec,
};
use weir_registry_core::{
    Candidate, Grants, Purpose, State as RegistryState, Verdict, VersionEntry, check, type_name,
};

use weir_schema::Budget;

use super::answer::{Answer, Json, Refused};
use super::query::Checking;
use super::register::is_long;
use super::request::{Body, From, Query};
use super::rights::{OnSubject, OnVersion, Read};
use crate::Registry;
use crate::counts::CheckKind;
use crate::lanes::Asker;

/// `POST /compatibility/subjects/{subject}/versions/{version}`: would this schema be compatible
/// with that version?
///
/// `normalize`, `verbose`. The latest of a subject that is not there is compatible with all. 40402 ·
/// 42201 unless verbose · 42202 · 42290 · 503.
pub(super) async fn one(
    OnVersion { registry, subject, spec, grants, .. }: OnVersion<Read>,
    From(asker): From,
    Query(asked): Query<Checking>,
    Body(request): Body<RegisterRequest>,
) -> Answer<Json<CompatibilityAnswer>> {
    let state = registry.state();
    let version = match (state.find_version(&subject, spec, false), spec) {
        (Ok(found), _) => Some(*found),
        (Err(_), VersionSpec::Latest) => None,
        (Err(_), VersionSpec::Number(_)) => {
            let version = spec.to_string();
            return Err(Refused::from(RegistryError::VersionNotFound { version }));
        }
    };
    let versions = version.into_iter().collect();
    drop(state);
    let checked = Checked { subject, request, versions, grants, normalize: asked.normalize };
    answer(&registry, &asker, checked, asked.verbose).await
}

/// `POST /compatibility/subjects/{subject}/versions`: would this schema be compatible with the
/// subject, by its compatibility level?
///
/// `normalize`, `verbose`. 42201 unless verbose · 42290 · 503.
pub(super) async fn all(
    OnSubject { registry, subject, grants, .. }: OnSubject<Read>,
    From(asker): From,
    Query(asked): Query<Checking>,
    Body(request): Body<RegisterRequest>,
) -> Answer<Json<CompatibilityAnswer>> {
    let versions = registry.state().live_versions(&subject).rev().copied().collect();
    let checked = Checked { subject, request, versions, grants, normalize: asked.normalize };
    answer(&registry, &asker, checked, asked.verbose).await
}

/// A schema that is compared with versions of a subject.
struct Checked {
    subject: Subject,
    request: RegisterRequest,
    versions: Vec<VersionEntry>,
    grants: Grants,
    normalize: bool,
}

async fn answer(
    registry: &Registry,
    asker: &Asker,
    checked: Checked,
    verbose: bool,
) -> Answer<Json<CompatibilityAnswer>> {
    let is_long = is_long(&checked.request);
    let schema_type = type_name(&checked.request.schema_type.clone().unwrap_or_default());
    let config = registry.state().effective_config(Some(&checked.subject));
    let level = config.compatibility_level.unwrap_or_default();
    let judged = registry.work(asker, is_long, move |state, budget| checked.judge(state, budget));
    let judged = judged.await?;
    let verdict = match judged {
        Ok(verdict) => verdict,
        Err(error) if verbose && error.code() == 42201 => {
            Verdict { messages: vec![error.to_string()], ..Verdict::default() }
        }
        Err(error) => return Err(Refused::from(error)),
    };
    let is_compatible = verdict.messages.is_empty();
    registry.counts().check(CheckKind::new(schema_type, level, is_compatible));
    Ok(Json(CompatibilityAnswer {
        is_compatible,
        messages: verbose.then_some(verdict.messages),
        incompatibilities: Some(verdict.incompatibilities).filter(|i| verbose && !i.is_empty()),
    }))
}

impl Checked {
    fn judge(&self, state: &RegistryState, budget: &Budget) -> Result<Verdict, RegistryError> {
        let Checked { subject, request, versions, grants, normalize } = self;
        let purpose = Purpose::Check;
        let candidate =
            Candidate::new(state, subject, request, *normalize, purpose, grants, budget)?;
        let submitted = request.schema.as_deref().unwrap_or_default();
        // those that were deleted for good since are not there any more
        let there = |v: &&VersionEntry| {
            state.version_entry(subject, v.version).is_some_and(|there| there.id == v.id)
        };
        let versions: Vec<VersionEntry> = versions.iter().filter(there).copied().collect();
        Ok(check(state, subject, &candidate, submitted, &versions, grants, budget))
    }
}
