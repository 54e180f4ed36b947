//! A schema that somebody submits, before the registry knows it: parsed, in its canonical text,
//! with its references pinned to versions. Making one needs no order among requests, so that it
//! happens on the request's own task.

use std::borrow::Cow;
use std::sync::Arc;

use weir_registry_api::{
    Config, Guid, Metadata, Reference, RegisterRequest, RegistryError, RuleSet, SchemaId,
    SchemaType, Subject, TagSchemaRequest, Version, contract::CONFLUENT_VERSION,
};

use crate::grants::Grants;
use crate::guid::guid_of;
use crate::parsed::{Content, Parsed, Reading};
use crate::pin::{Asked, pin};
use crate::state::{IdEntry, State, VersionEntry};
use weir_schema::Budget;

#[derive(Clone, Debug)]
pub struct Candidate {
    pub schema_type: SchemaType,
    pub text: String,
    pub references: Arc<[Reference]>,
    pub metadata: Option<Arc<Metadata>>,
    pub rule_set: Option<Arc<RuleSet>>,
    pub parsed: Arc<Parsed>,
    /// The version that it is a change of, if it is one: it was the latest then.
    pub(crate) based_on: Option<SchemaId>,
}

/// Bytes of a schema's text: what its record is to be has to fit into one of the log's.
const SCHEMA_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a candidate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It may become a version: it is held to all rules, unless its subject's configuration or an
    /// import says otherwise.
    Register,
    /// It is compared with versions: it is held to the rules as if it were registered, and has to be whole. A
    /// schema that says nothing is none.
    Check,
    /// It is looked for: whoever registered it was held to the rules of that time.
    LookUp,
}

impl Candidate {
    /// Parses a request's schema. What it refers to has to be readable for whoever asks; else it is not there.
    /// What that refers to in turn need not be: whoever registered it could read it, and nothing of it is in an
    /// answer. 42201 · 42210.
    pub fn new(
        state: &State,
        subject: &Subject,
        request: &RegisterRequest,
        normalize: bool,
        purpose: Purpose,
        grants: &Grants,
        budget: &Budget,
    ) -> Result<Candidate, RegistryError> {
        let config = state.effective_config(Some(subject));
        let is_import = state.effective_mode(Some(subject)).is_import();
        let mut request = Cow::Borrowed(request);
        let mut based_on = None;
        if purpose == Purpose::Register && !is_import && is_empty(&request) {
            based_on = copy_latest(state, subject, request.to_mut());
        }
        // what a version refers to already is not asked for again
        let is_hidden = based_on.is_some() && !grants.read(subject);
        let grants = if based_on.is_some() { &Grants::ALL } else { grants };
        let request = &*request;
        if is_empty(request) {
            return Err(match purpose {
                Purpose::LookUp => RegistryError::SchemaNotFound,
                Purpose::Register | Purpose::Check => RegistryError::EmptySchema,
            });
        }
        if request.schema.as_ref().is_some_and(|text| text.len() > SCHEMA_BYTES_MAX) {
            return Err(RegistryError::SchemaTooLarge);
        }
        if let Some(rule_set) = &request.rule_set {
            rule_set.validate()?;
        }
        let held_to_rules = purpose != Purpose::LookUp
            && config.validate_new_schemas != Some(false)
            && request.id.is_none_or(|id| id < 0);
        let reading = if held_to_rules { Reading::New } else { Reading::Stored };
        let normalize = (normalize || config.normalize == Some(true)) && !is_import;
        let stored = Candidate::as_stored(state, subject, request, grants, budget);
        let mut candidate = match stored {
            Some(stored) if !normalize => stored,
            // a text that was stored before there were today's rules can be registered again
            stored => {
                let way = Way { normalize, reading };
                let parsed = parse(state, subject, request, way, grants, budget);
                parsed.or_else(|error| stored.ok_or(error)).map_err(|error| match is_hidden {
                    true => invalid(&request.schema_type.clone().unwrap_or_default(), HIDDEN),
                    false => error,
                })?
            }
        };
        if candidate.text.len() > SCHEMA_BYTES_MAX {
            return Err(RegistryError::SchemaTooLarge);
        }
        if config.validate_fields == Some(true)
            && held_to_rules
            && !state.has_text(subject, &candidate.text)
        {
            let refused = |why: String| invalid(&candidate.schema_type, &why);
            candidate.parsed.check_property_names().map_err(refused)?;
        }
        candidate.based_on = based_on;
        Ok(candidate)
    }

    /// The schema with the very text that a request has, if the subject or its context has stored
    /// that text, in whatever form: it keeps that form, its id, and is held to no new rules.
    fn as_stored(
        state: &State,
        subject: &Subject,
        request: &RegisterRequest,
        grants: &Grants,
        budget: &Budget,
    ) -> Option<Candidate> {
        if !request.schema_tags_to_add.is_empty()
            || !request.schema_tags_to_remove.is_empty()
            || request.propagate_schema_tags == Some(true)
        {
            return None;
        }
        let schema_type = request.schema_type.clone().unwrap_or_default();
        let text = request.schema.as_deref()?;
        let asked = Asked { schema_type: &schema_type, references: &request.references };
        let references = pin(state, subject, asked, grants, budget).ok()?;
        let (metadata, rule_set) = (request.metadata.as_ref(), request.rule_set.as_ref());
        let guid = guid_of(text, &references, metadata, rule_set);
        let is_it = |entry: &&Arc<IdEntry>| {
            entry.schema_type == schema_type && *entry.references == *references
        };
        let of_context = state.entry_of_guid(subject.parts().0, guid).filter(is_it);
        let of_subject = || {
            let versions = state.versions(subject).iter().rev();
            let mut entries = versions.map(|v| state.entry(subject, v.id));
            entries.find(|entry| is_it(entry) && entry.text.is(text))
        };
        let entry = of_context.or_else(of_subject)?;
        Some(Candidate {
            schema_type,
            text: text.to_owned(),
            references: entry.references.clone(),
            metadata: request.metadata.clone().map(Arc::new),
            rule_set: request.rule_set.clone().map(Arc::new),
            parsed: state.parsed(entry, budget).ok()?,
            based_on: None,
        })
    }

    /// A version with tags put in and taken out, and other metadata and rules. 42201 · 42210.
    pub fn tagged(
        state: &State,
        subject: &Subject,
        version: &VersionEntry,
        request: &TagSchemaRequest,
        grants: &Grants,
        budget: &Budget,
    ) -> Result<Candidate, RegistryError> {
        let stored = state.entry(subject, version.id);
        let new_version = request.new_version.unwrap_or(0).to_string();
        let mut metadata = request
            .metadata
            .clone()
            .or_else(|| stored.metadata.as_deref().cloned())
            .unwrap_or_default();
        metadata.properties.insert(CONFLUENT_VERSION.into(), new_version);
        let rule_set = changed_rules(state, subject, request)?;
        if let Some(rule_set) = &rule_set {
            rule_set.validate()?;
        }
        let parsed = state
            .parsed_for(stored, subject, grants, budget)
            .map_err(|why| invalid(&stored.schema_type, &why))?
            .with_tags(&request.tags_to_add, &request.tags_to_remove, budget)
            .map_err(|why| invalid(&stored.schema_type, &why))?;
        Ok(Candidate {
            schema_type: stored.schema_type.clone(),
            text: parsed.canonical(budget),
            references: stored.references.clone(),
            metadata: Some(Arc::new(metadata)),
            rule_set: rule_set.map(Arc::new),
            parsed: Arc::new(parsed),
            based_on: None,
        })
    }

    /// The name of its content.
    pub fn guid(&self) -> Guid {
        let (metadata, rule_set) = (self.metadata.as_deref(), self.rule_set.as_deref());
        guid_of(&self.text, &self.references, metadata, rule_set)
    }

    /// This candidate with the metadata and rules that it would be registered with: the
    /// configuration's defaults, over them its own or else the version's before, over them the
    /// configuration's overrides. A number for itself is put in if it has one, or if `numbered`.
    pub(crate) fn with_contract(
        &self,
        config: &Config,
        previous: Option<&IdEntry>,
        next: Option<Version>,
        numbered: bool,
    ) -> Candidate {
        let previous_metadata = previous.and_then(|p| p.metadata.clone());
        let previous_rules = previous.and_then(|p| p.rule_set.clone());
        let own_metadata = self.metadata.clone().or(previous_metadata);
        let own_rules = self.rule_set.clone().or(previous_rules);
        let mut metadata = merged(
            config.default_metadata.as_ref(),
            own_metadata,
            config.override_metadata.as_ref(),
            Metadata::merged,
        );
        let rule_set = merged(
            config.default_rule_set.as_ref(),
            own_rules,
            config.override_rule_set.as_ref(),
            RuleSet::merged,
        );
        if let Some(next) = next
            && (numbered || is_numbered(metadata.as_deref()))
        {
            let mut with_number = metadata.as_deref().cloned().unwrap_or_default();
            with_number.properties.insert(CONFLUENT_VERSION.into(), next.to_string());
            metadata = Some(Arc::new(with_number));
        }
        Candidate { metadata, rule_set, ..self.clone() }
    }

    /// Returns true if the candidate has the metadata and the rules of another one.
    pub(crate) fn has_contract_of(&self, other: &Candidate) -> bool {
        self.metadata == other.metadata && self.rule_set == other.rule_set
    }

    /// Returns true if the candidate's metadata says which version it is.
    pub(crate) fn is_numbered(&self) -> bool {
        is_numbered(self.metadata.as_deref())
    }

    /// What does not depend on the form of its text, to be compared with [`State::content`].
    pub(crate) fn content(&self, budget: &Budget) -> Content {
        self.parsed.content(budget)
    }

    /// Returns true if a stored schema is this one: the same content with the same references, in whatever
    /// form its text was stored, or the same once all references are inlined, which is how clients
    /// send schemas whose parts they hold in one piece. The number of a version counts only if
    /// `numbers`. `content` is this schema's own.
    pub(crate) fn is(
        &self,
        state: &State,
        stored: &IdEntry,
        numbers: Numbers,
        content: impl FnOnce() -> Content,
        budget: &Budget,
    ) -> bool {
        let _version = budget.loan();
        let same_metadata = || match numbers {
            Numbers::Count => stored.metadata == self.metadata,
            Numbers::Ignored => {
                unnumbered(stored.metadata.as_deref()) == unnumbered(self.metadata.as_deref())
            }
        };
        if stored.schema_type != self.schema_type
            || stored.rule_set != self.rule_set
            || !same_metadata()
        {
            return false;
        }
        if stored.references == self.references {
            return stored.text.is(&self.text)
                || (state.content(stored, budget) == Some(content())
                    && state
                        .parsed(stored, budget)
                        .is_ok_and(|parsed| parsed.is_same(&self.parsed, budget)));
        }
        let one_is_whole = stored.references.is_empty() != self.references.is_empty();
        one_is_whole
            && state
                .parsed(stored, budget)
                .is_ok_and(|parsed| parsed.same_resolved(&self.parsed, budget))
    }
}

/// Whether the number of a version in its metadata tells schemas apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    Count,
    Ignored,
}

/// How a text becomes a candidate.
#[derive(Clone, Copy)]
struct Way {
    normalize: bool,
    reading: Reading,
}

fn parse(
    state: &State,
    subject: &Subject,
    request: &RegisterRequest,
    Way { normalize, reading }: Way,
    grants: &Grants,
    budget: &Budget,
) -> Result<Candidate, RegistryError> {
    let schema_type = request.schema_type.clone().unwrap_or_default();
    if let SchemaType::Other(name) = &schema_type {
        return Err(RegistryError::InvalidSchemaType { schema_type: name.to_string() });
    }
    let text = request.schema.as_deref().unwrap_or_default();
    let asked = Asked { schema_type: &schema_type, references: &request.references };
    let mut references = pin(state, subject, asked, grants, budget)?;
    if normalize {
        references.sort();
        references.dedup();
    }
    let refused = |why: String| invalid(&schema_type, &why);
    state.check_references_there(subject, &references, grants, budget).map_err(refused)?;
    let mut parsed = state
        .parse(subject, &schema_type, text, references.iter().cloned(), reading, budget)
        .map_err(refused)?;
    let mut add = request.schema_tags_to_add.clone();
    if request.propagate_schema_tags == Some(true)
        && let Some(latest) = state.live_versions(subject).next_back()
        && let Ok(latest) = state.parsed(state.entry(subject, latest.id), budget)
    {
        add.extend(latest.tags(budget));
    }
    if !add.is_empty() || !request.schema_tags_to_remove.is_empty() {
        parsed = parsed.with_tags(&add, &request.schema_tags_to_remove, budget).map_err(refused)?;
    }
    if normalize {
        parsed = parsed.normalized(budget);
    }
    Ok(Candidate {
        schema_type: schema_type.clone(),
        text: parsed.canonical(budget),
        references: references.into(),
        metadata: request.metadata.clone().map(Arc::new),
        rule_set: request.rule_set.clone().map(Arc::new),
        parsed: Arc::new(parsed),
        based_on: None,
    })
}

fn is_empty(request: &RegisterRequest) -> bool {
    request.schema.as_deref().is_none_or(|text| text.trim().is_empty())
}

/// A request without a schema means the latest: it is how metadata alone is changed.
fn copy_latest(
    state: &State,
    subject: &Subject,
    request: &mut RegisterRequest,
) -> Option<SchemaId> {
    let latest = state.live_versions(subject).next_back()?;
    let stored = state.entry(subject, latest.id);
    request.schema = Some(stored.text.text().into_owned());
    request.schema_type = Some(stored.schema_type.clone());
    request.references = stored.references.to_vec();
    Some(latest.id)
}

/// The rules of a tag request: its own, or those of the version before with some put in and out.
fn changed_rules(
    state: &State,
    subject: &Subject,
    request: &TagSchemaRequest,
) -> Result<Option<RuleSet>, RegistryError> {
    if request.rules_to_merge.is_none() && request.rules_to_remove.is_none() {
        return Ok(request.rule_set.clone());
    }
    if request.rule_set.is_some() {
        let reason = "ruleSet should be omitted if specifying rulesToMerge or rulesToRemove".into();
        return Err(RegistryError::InvalidRuleSet { reason });
    }
    let before = match request.new_version.map(|new| u32::try_from(new - 1)) {
        Some(Ok(number)) => state.version_entry(subject, Version(number)).filter(|v| !v.deleted),
        _ => state.live_versions(subject).next_back(),
    };
    let mut rules = before.and_then(|v| state.entry(subject, v.id).rule_set.as_deref().cloned());
    if let Some(merge) = &request.rules_to_merge {
        rules = Some(rules.map_or_else(|| merge.clone(), |rules| rules.merged(merge)));
    }
    if let Some(remove) = &request.rules_to_remove {
        rules = rules.map(|rules| rules.without(remove));
    }
    Ok(rules)
}

/// What is said where a version cannot be used, and whoever asks may not read it.
pub(crate) const HIDDEN: &str = "The version cannot be used, for a reason that you may not read";

/// Bytes of what is said of a schema that is none: parsers quote what they cannot read.
const DETAILS_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn invalid(schema_type: &SchemaType, details: &str) -> RegistryError {
    let end = (0..=DETAILS_BYTES_MAX).rev().find(|end| details.is_char_boundary(*end));
    let details = match details.len() > DETAILS_BYTES_MAX {
        false => details.to_string(),
        true => format!("{}...", &details[..end.unwrap_or(0)]),
    };
    RegistryError::InvalidSchema { schema_type: schema_type.clone(), details }
}

fn merged<T: Clone>(
    default: Option<&T>,
    own: Option<Arc<T>>,
    over: Option<&T>,
    merge: impl Fn(&T, &T) -> T,
) -> Option<Arc<T>> {
    let with_default = match (default, own) {
        (Some(default), Some(own)) => Some(Arc::new(merge(default, &own))),
        (Some(default), None) => Some(Arc::new(default.clone())),
        (None, own) => own,
    };
    match (with_default, over) {
        (Some(base), Some(over)) => Some(Arc::new(merge(&base, over))),
        (None, Some(over)) => Some(Arc::new(over.clone())),
        (base, None) => base,
    }
}

fn is_numbered(metadata: Option<&Metadata>) -> bool {
    metadata.is_some_and(|metadata| metadata.properties.contains_key(CONFLUENT_VERSION))
}

/// Metadata but for the number of its version; what is left of nothing else is nothing.
fn unnumbered(metadata: Option<&Metadata>) -> Option<Metadata> {
    let has_number = is_numbered(metadata);
    let rest = metadata?.without_version();
    (!has_number || rest != Metadata::default()).then_some(rest)
}
