//! Reading a running registry: a walk over all that it shows, into a state.
//!
//! What an older registry does not know it does not have. What no registry shows is configuration and
//! modes of subjects without versions, but for aliases of others.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use weir_registry_api::{
    Association, CompatibilityLevel, Config, Context, Metadata, Mode, ModeBody, Reference, RuleSet,
    SchemaId, SchemaText, SchemaType, Subject, Version,
};
use weir_registry_core::record::{AssociationKey, SchemaValue, Unreadable};
use weir_registry_core::{RawRecord, Record, State};

use crate::api::{Api, CONCURRENCY};
use crate::contents::Contents;
use crate::error::MigrateError;
use crate::failure::Failure;
use crate::progress::Progress;

/// A version as a registry of any age answers it.
#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Found {
    subject: Subject,
    version: Version,
    id: SchemaId,
    schema_type: Option<SchemaType>,
    references: Option<Vec<Reference>>,
    metadata: Option<Metadata>,
    rule_set: Option<RuleSet>,
    schema: SchemaText,
    ts: Option<i64>,
}

/// An entry of the answer to `GET /schemas?aliases=true`.
#[derive(Deserialize, PartialEq)]
struct Aliased {
    subject: Subject,
    version: Version,
    #[serde(default)]
    aliases: Vec<Subject>,
}

/// A list that has fewer is not asked for the rest: nobody cuts lists into smaller pages.
const PAGE_MIN: usize = 100;

/// `asked`: subjects whose configuration and mode are asked for, whether or not they are listed.
pub async fn walk(
    api: &Api,
    asked: &BTreeSet<Subject>,
    progress: &mut Progress,
) -> Result<Contents, MigrateError> {
    let known_contexts = contexts(api).await?;
    let subjects = subjects(api, known_contexts.as_deref().unwrap_or_default()).await?;
    let mut contexts: BTreeSet<Context> = subjects.iter().map(Subject::context).collect();
    contexts.extend(known_contexts.iter().flatten().cloned());
    let mut state = State::default();
    for context in contexts.iter().filter(|context| !context.is_default()) {
        put(&mut state, &Record::Context { context: context.clone(), exists: true }, None)?;
    }
    let has_contexts = known_contexts.is_some();
    global_scope(api, has_contexts, &mut state).await?;
    let mut scopes: BTreeSet<Subject> = contexts.iter().filter_map(Context::scope).collect();
    if has_contexts {
        scopes.extend(aliases(api).await?);
    }
    scopes.extend(subjects.iter().chain(asked).cloned());
    // Karapace shows the mode that holds for a subject, also where it has none of its own
    let inherited = (!has_contexts).then(|| state.effective_mode(None));
    settings(api, scopes, inherited, &mut state, progress).await?;
    versions(api, &subjects, &mut state, progress).await?;
    let knows_associations = associations(api, &subjects, &mut state).await?;
    Ok(Contents { state, knows_associations })
}

/// Applies a record to the state that a walk makes.
fn put(state: &mut State, record: &Record, timestamp_ms: Option<i64>) -> Result<(), Unreadable> {
    let mut raw = record.encode();
    raw.timestamp_ms = timestamp_ms;
    state.apply(&raw)
}

/// A record of the state that a walk has made, with the time that the registry has for it.
pub fn dated(state: &State, record: &Record) -> RawRecord {
    let timestamp_ms = match record {
        Record::Schema { subject, version, .. } => {
            state.version_entry(subject, *version).and_then(|entry| entry.ts)
        }
        _ => None,
    };
    RawRecord { timestamp_ms, ..record.encode() }
}

/// A whole list, page by page where a registry has pages.
async fn list<T: DeserializeOwned + PartialEq>(
    api: &Api,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Vec<T>, Failure> {
    let mut all: Vec<T> = api.get(path, query).await?;
    let mut last_page = all.len();
    while last_page >= PAGE_MIN {
        let offset = all.len().to_string();
        let page: Vec<T> = api.get(path, &[query, &[("offset", &offset)]].concat()).await?;
        last_page = page.len();
        // one that does not know of pages begins again
        if page.first() == all.first() {
            break;
        }
        all.extend(page);
    }
    Ok(all)
}

/// None if the registry knows no contexts.
async fn contexts(api: &Api) -> Result<Option<Vec<Context>>, Failure> {
    match list(api, &["contexts"], &[]).await {
        Ok(contexts) => Ok(Some(contexts)),
        Err(failure) if failure.is_absence() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Whether a registry knows contexts. One that does not numbers all schemas in one list.
pub async fn knows_contexts(api: &Api) -> Result<bool, MigrateError> {
    Ok(contexts(api).await?.is_some())
}

/// The subjects of all contexts, also deleted ones. Registries differ in what they list unless they are
/// asked for a context.
async fn subjects(api: &Api, contexts: &[Context]) -> Result<BTreeSet<Subject>, Failure> {
    let mut names: Vec<String> = list(api, &["subjects"], &[("deleted", "true")]).await?;
    let prefixes = contexts.iter().map(|context| format!(":{context}:"));
    for prefix in std::iter::once(":*:".to_string()).chain(prefixes) {
        let query = [("deleted", "true"), ("subjectPrefix", prefix.as_str())];
        match list(api, &["subjects"], &query).await {
            Ok(more) => names.extend(more),
            Err(failure) if failure.is_refusal() => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(names.iter().map(|name| Subject::written(name)).collect())
}

/// Whether the target of the migration, which it is about to be, holds anything yet.
pub async fn is_empty(api: &Api) -> Result<bool, MigrateError> {
    let contexts = contexts(api).await?.unwrap_or_default();
    Ok(subjects(api, &contexts).await?.is_empty())
}

/// Subjects that are other names of those that have versions.
async fn aliases(api: &Api) -> Result<BTreeSet<Subject>, Failure> {
    let query = [
        ("aliases", "true"),
        ("latestOnly", "true"),
        ("deleted", "true"),
        ("subjectPrefix", ":*:"),
    ];
    match list::<Aliased>(api, &["schemas"], &query).await {
        Ok(found) => Ok(found.into_iter().flat_map(|found| found.aliases).collect()),
        Err(failure) if failure.is_refusal() => Ok(BTreeSet::new()),
        Err(failure) => Err(failure),
    }
}

/// What is set for the default context and around all of them. A registry shows what holds for the
/// default context also where nothing is set: that is left out where it comes from around it.
async fn global_scope(
    api: &Api,
    has_contexts: bool,
    state: &mut State,
) -> Result<(), MigrateError> {
    let around = Subject::global();
    let (mut outer_config, mut outer_mode) = (None, None);
    if has_contexts {
        // which is shown where nothing is set
        outer_config = config(api, Some(&around)).await?.filter(|c| !says_nothing(c));
        outer_mode = mode(api, Some(&around)).await?;
    }
    let own_config = config(api, None).await?;
    let shown = Config {
        compatibility_level: own_config.as_ref().and_then(|c| c.compatibility_level),
        ..Config::default()
    };
    let level = |config: &Option<Config>| config.as_ref().and_then(|c| c.compatibility_level);
    let mut is_outer = false;
    if level(&outer_config).is_some() && own_config.as_ref() == Some(&shown) {
        let query = [("defaultToGlobal", "true")];
        let holds: Option<Config> = api.find(&["config"], &query).await?;
        // what holds is that around it: own is the same, or the default that is shown for it
        let differs = level(&own_config) != level(&outer_config);
        is_outer = !differs || level(&holds) == level(&outer_config);
    }
    let own_config = own_config.filter(|_| !is_outer);
    let own_mode = match (mode(api, None).await?, outer_mode) {
        // READWRITE, or nothing
        (Some(Mode::Readwrite), Some(outer)) => {
            let holds: Option<ModeBody> =
                api.find(&["mode"], &[("defaultToGlobal", "true")]).await?;
            holds.map(|body| body.mode).filter(|mode| *mode != outer)
        }
        (Some(Mode::Readwrite), None) => None,
        (own, _) => own,
    };
    put_settings(state, Some(around), outer_config, outer_mode)?;
    put_settings(state, None, own_config, own_mode)
}

/// Whether a configuration is what registries show around all contexts where nothing is set.
pub fn says_nothing(config: &Config) -> bool {
    let compatibility_level = Some(CompatibilityLevel::default());
    *config == Config { compatibility_level, ..Config::default() }
}

fn put_settings(
    state: &mut State,
    subject: Option<Subject>,
    config: Option<Config>,
    mode: Option<Mode>,
) -> Result<(), MigrateError> {
    if let Some(config) = config {
        let value = Some(config.into());
        put(state, &Record::Config { subject: subject.clone(), value }, None)?;
    }
    if mode.is_some() {
        put(state, &Record::Mode { subject, value: mode }, None)?;
    }
    Ok(())
}

/// What is set for the scope itself.
async fn config(api: &Api, scope: Option<&Subject>) -> Result<Option<Config>, Failure> {
    api.find(&path("config", scope), &[]).await
}

async fn mode(api: &Api, scope: Option<&Subject>) -> Result<Option<Mode>, Failure> {
    let found: Option<ModeBody> = api.find(&path("mode", scope), &[]).await?;
    Ok(found.map(|body| body.mode))
}

/// `/config` or `/mode`, of a scope.
pub fn path<'a>(what: &'a str, scope: Option<&'a Subject>) -> Vec<&'a str> {
    std::iter::once(what).chain(scope.map(Subject::as_str)).collect()
}

/// Configuration and modes of contexts and subjects, but for a mode that they are taken to inherit.
async fn settings(
    api: &Api,
    scopes: BTreeSet<Subject>,
    inherited: Option<Mode>,
    state: &mut State,
    progress: &mut Progress,
) -> Result<(), MigrateError> {
    let count = scopes.len();
    let asked = scopes.into_iter().map(|scope| async move {
        let config = config(api, Some(&scope)).await?;
        let mode = mode(api, Some(&scope)).await?;
        Ok::<_, Failure>((scope, config, mode))
    });
    let mut answers = stream::iter(asked).buffered(CONCURRENCY);
    let mut done = 0;
    while let Some((scope, config, mode)) = answers.try_next().await? {
        let mode = mode.filter(|mode| Some(*mode) != inherited);
        put_settings(state, Some(scope), config, mode)?;
        done += 1;
        progress.say(|| format!("read the settings of {done} of {count} subjects"));
    }
    Ok(())
}

async fn versions(
    api: &Api,
    subjects: &BTreeSet<Subject>,
    state: &mut State,
    progress: &mut Progress,
) -> Result<(), MigrateError> {
    let is_alias =
        |subject: &&Subject| state.config(Some(subject)).is_some_and(|c| c.alias.is_some());
    let (hidden, shown): (Vec<&Subject>, Vec<&Subject>) = subjects.iter().partition(is_alias);
    let asked = shown.into_iter().map(|subject| async move { numbers(api, subject).await });
    let mut lists = stream::iter(asked).buffered(CONCURRENCY);
    let mut places = Vec::new();
    while let Some(found) = lists.try_next().await? {
        places.extend(found);
        progress.say(|| format!("found {} versions", places.len()));
    }
    let count = places.len();
    let asked = places.iter().map(|place| async move { version(api, place).await });
    let mut answers = stream::iter(asked).buffered(CONCURRENCY).zip(stream::iter(&places));
    let mut done = 0;
    while let Some((found, place)) = answers.next().await {
        let taken = match found {
            Ok(found) => put_version(state, found, place.deleted).map_err(MigrateError::from),
            // it is listed, but not shown
            Err(failure) if failure.is_refusal() => Err(failure.into()),
            Err(failure) => return Err(failure.into()),
        };
        if let Err(why) = taken {
            progress.miss(&format!("{} version {}", place.subject, place.version), why);
        }
        done += 1;
        progress.say(|| format!("read {done} of {count} versions"));
    }
    for subject in hidden {
        hidden_versions(api, subject, state, progress).await?;
    }
    Ok(())
}

struct Place {
    subject: Subject,
    version: Version,
    deleted: bool,
}

/// The versions of a subject: a deleted one is in one list and not in the other.
async fn numbers(api: &Api, subject: &Subject) -> Result<Vec<Place>, Failure> {
    let path = ["subjects", subject.as_str(), "versions"];
    let all: Vec<Version> = match list(api, &path, &[("deleted", "true")]).await {
        // Karapace lists a subject that has only a configuration
        Err(failure) if failure.is_absence() => return Ok(Vec::new()),
        all => all?,
    };
    let live: Vec<Version> = match list(api, &path, &[]).await {
        Err(failure) if failure.is_absence() => Vec::new(),
        live => live?,
    };
    let live: BTreeSet<Version> = live.into_iter().collect();
    let place = |version| {
        let deleted = !live.contains(&version);
        Place { subject: subject.clone(), version, deleted }
    };
    Ok(all.into_iter().map(place).collect())
}

async fn version(api: &Api, place: &Place) -> Result<Found, Failure> {
    let version = place.version.to_string();
    let path = ["subjects", place.subject.as_str(), "versions", &version];
    api.get(&path, &[("deleted", "true")]).await
}

fn put_version(state: &mut State, found: Found, deleted: bool) -> Result<(), Unreadable> {
    let (subject, version) = (found.subject.clone(), found.version);
    let value = SchemaValue {
        subject: found.subject,
        version,
        id: found.id,
        schema_type: found.schema_type.unwrap_or_default(),
        references: found.references.unwrap_or_default().into(),
        metadata: found.metadata.map(Into::into),
        rule_set: found.rule_set.map(Into::into),
        schema: found.schema,
        deleted,
    };
    put(state, &Record::Schema { subject, version, value: Some(Box::new(value)) }, found.ts)
}

/// The versions of a subject that is also an alias: requests for it are answered with the other one's.
async fn hidden_versions(
    api: &Api,
    subject: &Subject,
    state: &mut State,
    progress: &mut Progress,
) -> Result<(), MigrateError> {
    let all = async |deleted| {
        let query = [("subjectPrefix", subject.as_str()), ("deleted", deleted)];
        let found: Vec<Found> = list(api, &["schemas"], &query).await?;
        Ok::<_, Failure>(found.into_iter().filter(|found| found.subject == *subject))
    };
    let live: BTreeSet<Version> = all("false").await?.map(|found| found.version).collect();
    for found in all("true").await? {
        let (version, deleted) = (found.version, !live.contains(&found.version));
        if let Err(why) = put_version(state, found, deleted) {
            progress.miss(&format!("{subject} version {version}"), why);
        }
    }
    Ok(())
}

/// Whether the registry knows associations; then they are in the state.
async fn associations(
    api: &Api,
    subjects: &BTreeSet<Subject>,
    state: &mut State,
) -> Result<bool, MigrateError> {
    let ask = |subject: Subject| async move {
        let path = ["associations", "subjects", subject.as_str()];
        api.find::<Vec<Association>>(&path, &[]).await
    };
    let Some(first) = subjects.first() else { return Ok(true) };
    if ask(first.clone()).await?.is_none() {
        return Ok(false);
    }
    let asked = subjects.iter().cloned().map(ask);
    let mut answers = stream::iter(asked).buffered(CONCURRENCY);
    while let Some(found) = answers.try_next().await? {
        for association in found.unwrap_or_default() {
            let key = AssociationKey::of(&association);
            put(state, &Record::Association { key, value: Some(association.into()) }, None)?;
        }
    }
    Ok(true)
}
