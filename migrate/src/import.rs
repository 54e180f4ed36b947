//! Writing to a running registry, in the order in which it can take things: its mode IMPORT, schemas
//! after those that they refer to, what is deleted, configuration, associations, and its modes last.
//! All of it may be done again: what is there as it is to be stays.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use weir_registry_api::{
    Association, AssociationRequest, AssociationUpdate, Config, ConfigUpdate, Context, ErrorCode,
    Mode, ModeBody, RegisterRequest, SchemaId, SchemaType, Subject, Version, VersionSpec,
};
use weir_registry_core::record::SchemaValue;
use weir_registry_core::{Grants, Record, State};

use crate::api::{Api, CONCURRENCY};
use crate::error::MigrateError;
use crate::failure::Failure;
use crate::live::path;
use crate::progress::Progress;

#[derive(Deserialize)]
struct Registered {
    id: SchemaId,
}

/// What a state is made of, by when it can be written.
#[derive(Default)]
struct Parts {
    /// Each refers only to those before it.
    levels: Vec<Vec<SchemaValue>>,
    configs: Vec<(Option<Subject>, Config)>,
    modes: BTreeMap<Option<Subject>, Mode>,
    associations: Vec<Association>,
    /// Also the default one.
    contexts: Vec<Context>,
}

/// Makes the registry hold what the state does. `again`: something may be there already.
pub async fn import(
    api: &Api,
    state: &State,
    again: bool,
    progress: &mut Progress,
) -> Result<(), MigrateError> {
    let parts = Parts::of(state);
    if again {
        open_up(api, &parts).await?;
    }
    for context in &parts.contexts {
        put_mode(api, context.scope().as_ref(), Mode::Import).await?;
    }
    let imported = fill(api, &parts, progress).await;
    imported.map_err(|why| MigrateError::Unfinished(why.into()))?;
    end(api, &parts).await
}

impl Parts {
    fn of(state: &State) -> Parts {
        let mut parts = Parts { contexts: vec![Context::default()], ..Parts::default() };
        let mut schemas = Vec::new();
        for record in state.records() {
            match record {
                Record::Context { context, .. } => parts.contexts.push(context),
                Record::Schema { value: Some(value), .. } => schemas.push(*value),
                Record::Config { subject, value: Some(value) } => {
                    parts.configs.push((subject, (*value).clone()));
                }
                Record::Mode { subject, value: Some(mode) } => {
                    parts.modes.insert(subject, mode);
                }
                Record::Association { value: Some(association), .. } => {
                    parts.associations.push((*association).clone());
                }
                _ => {}
            }
        }
        // a log that somebody has cut may have lost that there is a context
        for context in schemas.iter().map(|schema| schema.subject.context()) {
            if !parts.contexts.contains(&context) {
                parts.contexts.push(context);
            }
        }
        parts.configs.sort_by(|(a, _), (b, _)| a.cmp(b));
        parts.levels = levels(state, schemas);
        parts
    }
}

/// Schemas by how long the chains of references behind them are.
fn levels(state: &State, schemas: Vec<SchemaValue>) -> Vec<Vec<SchemaValue>> {
    let places = schemas.iter().map(|schema| (schema.subject.clone(), schema.version));
    let places: HashMap<(Subject, Version), usize> = places.zip(0..).collect();
    let mut waits_for = vec![0; schemas.len()];
    let mut referrers = vec![Vec::new(); schemas.len()];
    for (index, schema) in schemas.iter().enumerate() {
        for reference in &*schema.references {
            let version = Version(u32::try_from(reference.version).unwrap_or(0));
            let subject = reference.subject.beside(&schema.subject);
            let spec = VersionSpec::Number(version);
            let found = state.find_version_anywhere(&subject, spec, true, &Grants::ALL);
            let place = found.map_or(subject, |(subject, _)| subject);
            if let Some(target) = places.get(&(place, version)) {
                waits_for[index] += 1;
                referrers[*target].push(index);
            }
        }
    }
    let mut level_of = vec![None; schemas.len()];
    let mut ready: Vec<usize> = (0..schemas.len()).filter(|i| waits_for[*i] == 0).collect();
    let mut count = 0;
    while !ready.is_empty() {
        let mut next = Vec::new();
        for index in ready {
            level_of[index] = Some(count);
            for referrer in &referrers[index] {
                waits_for[*referrer] -= 1;
                if waits_for[*referrer] == 0 {
                    next.push(*referrer);
                }
            }
        }
        next.sort_unstable();
        ready = next;
        count += 1;
    }
    // those in a circle come last: the registry says what is wrong with them
    let mut levels = vec![Vec::new(); count + 1];
    for (schema, level) in schemas.into_iter().zip(level_of) {
        levels[level.unwrap_or(count)].push(schema);
    }
    levels.retain(|level| !level.is_empty());
    levels
}

/// Takes back what an import before this one has set and what would now be in the way.
async fn open_up(api: &Api, parts: &Parts) -> Result<(), Failure> {
    let absent = |done: Result<(), Failure>| match done {
        Err(failure) if failure.is_absence() => Ok(()),
        done => done,
    };
    let subjects = parts.modes.keys().flatten().filter(|scope| !is_context(scope));
    for subject in subjects {
        absent(api.delete(&path("mode", Some(subject))).await)?;
    }
    let aliases = parts.configs.iter().filter(|(_, config)| config.alias.is_some());
    for (subject, _) in aliases {
        absent(api.delete(&path("config", subject.as_ref())).await)?;
    }
    Ok(())
}

/// Whether a scope is a context, or all of them.
fn is_context(scope: &Subject) -> bool {
    scope.parts().1.is_empty() && !scope.as_str().is_empty()
}

async fn put_mode(api: &Api, scope: Option<&Subject>, mode: Mode) -> Result<(), MigrateError> {
    let put = api.put(&path("mode", scope), &[("force", "true")], &ModeBody { mode }).await;
    put.map_err(|failure| match failure.is_absence() {
        true => MigrateError::CannotImport(failure),
        false => failure.into(),
    })
}

/// All but the modes.
async fn fill(api: &Api, parts: &Parts, progress: &mut Progress) -> Result<(), MigrateError> {
    register_all(api, &parts.levels, progress).await?;
    delete_all(api, &parts.levels, progress).await?;
    for (scope, config) in parts.configs.iter().filter(|(_, c)| *c != Config::default()) {
        let body = ConfigUpdate::from(config.clone());
        api.put(&path("config", scope.as_ref()), &[], &body).await?;
    }
    associate(api, &parts.associations).await
}

async fn register_all(
    api: &Api,
    levels: &[Vec<SchemaValue>],
    progress: &mut Progress,
) -> Result<(), MigrateError> {
    let count: usize = levels.iter().map(Vec::len).sum();
    let mut done = 0;
    for level in levels {
        let asked = level.iter().map(|schema| async move { register(api, schema).await });
        let mut answers = stream::iter(asked).buffer_unordered(CONCURRENCY);
        while answers.try_next().await?.is_some() {
            done += 1;
            progress.say(|| format!("registered {done} of {count} versions"));
        }
    }
    Ok(())
}

/// What is deleted, who refers before what is referred to.
async fn delete_all(
    api: &Api,
    levels: &[Vec<SchemaValue>],
    progress: &mut Progress,
) -> Result<(), MigrateError> {
    let count = levels.iter().flatten().filter(|schema| schema.deleted).count();
    let mut done = 0;
    for level in levels.iter().rev() {
        let deleted = level.iter().filter(|schema| schema.deleted);
        let asked = deleted.map(|schema| async move { (schema, delete(api, schema).await) });
        let mut answers = stream::iter(asked).buffer_unordered(CONCURRENCY);
        while let Some((schema, deleted)) = answers.next().await {
            match deleted {
                Ok(()) => {}
                // that it is there does less harm than that all else is not
                Err(failure) if failure.is_refusal() => {
                    let SchemaValue { subject, version, .. } = schema;
                    progress.miss(&format!("that {subject} version {version} is deleted"), failure);
                }
                Err(failure) => return Err(failure.into()),
            }
            done += 1;
            progress.say(|| format!("deleted {done} of {count} versions"));
        }
    }
    Ok(())
}

async fn register(api: &Api, schema: &SchemaValue) -> Result<(), MigrateError> {
    let (subject, version) = (&schema.subject, &schema.version);
    let number = |n: u32| i32::try_from(n).ok();
    let request = RegisterRequest {
        version: number(version.0),
        id: number(schema.id.0),
        // a registry of old days knows no other, and no word for it
        schema_type: Some(schema.schema_type.clone()).filter(|t| *t != SchemaType::Avro),
        references: schema.references.to_vec(),
        metadata: schema.metadata.as_deref().cloned(),
        rule_set: schema.rule_set.as_deref().cloned(),
        schema: Some(schema.schema.text().into_owned()),
        ..RegisterRequest::default()
    };
    let path = ["subjects", subject.as_str(), "versions"];
    let answer: Result<Registered, Failure> = api.post(&path, &request).await;
    let (subject, version, id) = (subject.clone(), *version, schema.id);
    match answer {
        Ok(answer) if answer.id == id => Ok(()),
        Ok(Registered { id: given }) => Err(MigrateError::OtherId { subject, version, id, given }),
        Err(failure) => Err(MigrateError::Version { subject, version, id, failure }),
    }
}

async fn delete(api: &Api, schema: &SchemaValue) -> Result<(), Failure> {
    let (subject, version) = (&schema.subject, schema.version.to_string());
    match api.delete(&["subjects", subject.as_str(), "versions", &version]).await {
        Err(failure) if failure.code() == Some(ErrorCode::VersionSoftDeleted) => Ok(()),
        deleted => deleted,
    }
}

/// A request a resource.
async fn associate(api: &Api, associations: &[Association]) -> Result<(), MigrateError> {
    let mut requests: BTreeMap<[&str; 4], AssociationRequest> = BTreeMap::new();
    for association in associations {
        let Association { resource_id, resource_name, resource_namespace, resource_type, .. } =
            association;
        let resource = [resource_id, resource_name, resource_namespace, resource_type];
        let request = requests.entry(resource.map(String::as_str)).or_insert_with(|| {
            let [id, name, namespace, resource_type] = resource.map(|part| Some(part.clone()));
            AssociationRequest {
                resource_name: name,
                resource_namespace: namespace,
                resource_id: id,
                resource_type,
                associations: Vec::new(),
            }
        });
        request.associations.push(AssociationUpdate {
            subject: Some(association.subject.to_string()),
            association_type: Some(association.association_type.clone()),
            lifecycle: Some(association.lifecycle),
            frozen: Some(association.frozen),
            ..AssociationUpdate::default()
        });
    }
    for ([_, name, ..], request) in &requests {
        let asked = api.post::<serde::de::IgnoredAny>(&["associations"], request).await;
        asked.map_err(|failure| MigrateError::Associations {
            resource: name.to_string(),
            failure,
        })?;
    }
    Ok(())
}

/// The modes that the source has; subjects first, since a context that is read-only takes nothing more.
async fn end(api: &Api, parts: &Parts) -> Result<(), MigrateError> {
    let (contexts, subjects): (Vec<_>, Vec<_>) =
        parts.modes.iter().partition(|(scope, _)| scope.as_ref().is_none_or(is_context));
    for (scope, mode) in subjects {
        put_mode(api, scope.as_ref(), *mode).await?;
    }
    for context in &parts.contexts {
        let scope = context.scope();
        if !parts.modes.contains_key(&scope) {
            let removed = api.delete(&path("mode", scope.as_ref())).await;
            match removed {
                Ok(()) => {}
                // an older registry cannot forget a mode
                Err(failure) if failure.is_refusal() => {
                    put_mode(api, scope.as_ref(), Mode::Readwrite).await?;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }
    for (scope, mode) in contexts {
        put_mode(api, scope.as_ref(), *mode).await?;
    }
    Ok(())
}
