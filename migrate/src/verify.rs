//! What two places differ in, a line a difference.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use weir_registry_api::{Association, Config, Context, Subject, Version};
use weir_registry_core::{Budget, Listing, State, VersionEntry};

use crate::contents::Contents;
use crate::live::says_nothing;

/// Characters of a value that are shown.
const SHOWN_MAX: usize = 300;

/// What a comparison has found; no lines if both answer the same.
#[derive(Default)]
pub struct Differences {
    pub lines: Vec<String>,
    /// Versions whose schema is the same in another print, as a registry prints what it is given. They
    /// have other guids.
    pub reprinted: usize,
}

/// What one of the two cannot tell is not compared.
pub fn differences(source: &Contents, target: &Contents) -> Differences {
    let (a, b) = (&source.state, &target.state);
    let mut found = Differences::default();
    for subject in union(all(a), all(b)) {
        found.versions(subject, a, b);
    }
    let contexts = union(used_contexts(a), used_contexts(b));
    for context in contexts {
        let known = [a, b].map(|state| state.has_context(&context));
        found.compare(&format!("context {context}"), "is known", known[0], known[1]);
    }
    found.settings(a, b);
    if source.knows_associations && target.knows_associations {
        found.associations(a, b);
    }
    found
}

/// Subjects, and their versions.
pub fn counts(state: &State) -> (usize, usize) {
    let everything = everything();
    let subjects = state.subjects(&everything);
    subjects.fold((0, 0), |(subjects, all), (_, versions)| (subjects + 1, all + versions.len()))
}

/// Subjects, and contexts, that have a configuration or a mode of their own.
pub fn configured(state: &State) -> BTreeSet<Subject> {
    let configured = state.configs().map(|(scope, _)| scope);
    configured.chain(state.scopes_with_mode()).flatten().cloned().collect()
}

/// Subjects that are in another context than the default one.
pub fn subjects_in_contexts(state: &State) -> usize {
    all(state).iter().filter(|subject| !subject.context().is_default()).count()
}

fn everything() -> Listing {
    Listing::new(":*:")
}

fn all(state: &State) -> BTreeSet<Subject> {
    state.subjects(&everything()).map(|(subject, _)| subject.clone()).collect()
}

fn union<T: Ord>(mut a: BTreeSet<T>, b: BTreeSet<T>) -> BTreeSet<T> {
    a.extend(b);
    a
}

/// A context without subjects cannot be made through HTTP, and nobody misses it.
fn used_contexts(state: &State) -> BTreeSet<Context> {
    let contexts = all(state).iter().map(Subject::context).collect::<BTreeSet<_>>();
    contexts.into_iter().filter(|context| !context.is_default()).collect()
}

impl Differences {
    fn compare<T: PartialEq + Serialize>(&mut self, whose: &str, what: &str, a: T, b: T) {
        if a != b {
            let (a, b) = (shown(&a), shown(&b));
            self.lines.push(format!("{whose}: {what}: {a} in the source, {b} in the target"));
        }
    }

    fn versions(&mut self, subject: Subject, a: &State, b: &State) {
        let numbers = |state: &State| {
            state.versions(&subject).iter().map(|v| v.version).collect::<BTreeSet<Version>>()
        };
        for version in union(numbers(a), numbers(b)) {
            let whose = format!("{subject} version {version}");
            match (a.version_entry(&subject, version), b.version_entry(&subject, version)) {
                (Some(in_a), Some(in_b)) => self.version(&whose, &subject, (a, in_a), (b, in_b)),
                (Some(_), None) => self.lines.push(format!("{whose}: only in the source")),
                (None, _) => self.lines.push(format!("{whose}: only in the target")),
            }
        }
    }

    fn version(
        &mut self,
        whose: &str,
        subject: &Subject,
        (a, in_a): (&State, &VersionEntry),
        (b, in_b): (&State, &VersionEntry),
    ) {
        let (entry_a, entry_b) = (a.schema(subject, in_a), b.schema(subject, in_b));
        let before = self.lines.len();
        self.compare(whose, "id", entry_a.id.0, entry_b.id.0);
        self.compare(whose, "deleted", in_a.deleted, in_b.deleted);
        self.compare(whose, "type", entry_a.schema_type.name(), entry_b.schema_type.name());
        let is_reprinted =
            entry_a.schema != entry_b.schema && print(a, subject, in_a) == print(b, subject, in_b);
        match is_reprinted {
            true => self.reprinted += 1,
            false => self.compare(whose, "schema", &entry_a.schema, &entry_b.schema),
        }
        self.compare(whose, "references", &entry_a.references, &entry_b.references);
        self.compare(whose, "metadata", &entry_a.metadata, &entry_b.metadata);
        self.compare(whose, "rules", &entry_a.rule_set, &entry_b.rule_set);
        // which all of that makes
        if self.lines.len() == before && !is_reprinted {
            self.compare(whose, "guid", entry_a.guid, entry_b.guid);
        }
    }

    fn settings(&mut self, a: &State, b: &State) {
        let configured = |state: &State| {
            state.configs().map(|(scope, _)| scope.cloned()).collect::<BTreeSet<_>>()
        };
        let none = BTreeSet::from([None]);
        for scope in union(union(configured(a), configured(b)), none.clone()) {
            let shown = |state| config(state, scope.as_ref());
            self.compare(&named(scope.as_ref()), "config", shown(a), shown(b));
        }
        let with_mode = |state: &State| {
            state.scopes_with_mode().map(|scope| scope.cloned()).collect::<BTreeSet<_>>()
        };
        for scope in union(union(with_mode(a), with_mode(b)), none) {
            let scope = scope.as_ref();
            // a context's READWRITE may be said, or not
            let is_context = scope.is_none_or(|s| s.parts().1.is_empty() && !s.is_global());
            let mode = |state: &State| match is_context {
                true => Some(state.effective_mode(scope)),
                false => state.mode(scope),
            };
            self.compare(&named(scope), "mode", mode(a), mode(b));
        }
    }

    fn associations(&mut self, a: &State, b: &State) {
        let ([of_a, of_b], mut seen) = ([a, b].map(associations), BTreeSet::new());
        for association in of_a.iter().chain(&of_b).filter(|line| seen.insert(line.to_string())) {
            match (of_a.contains(association), of_b.contains(association)) {
                (true, false) => self.lines.push(format!("{association}: only in the source")),
                (false, true) => self.lines.push(format!("{association}: only in the target")),
                _ => {}
            }
        }
    }
}

/// A schema as it is compared.
#[derive(PartialEq)]
enum Print {
    /// The one print that all texts of the schema have.
    Canonical(String),
    /// A text that is no schema, or one that refers to what is not there. It is equal to itself alone.
    Text(String),
}

fn print(state: &State, subject: &Subject, version: &VersionEntry) -> Option<Print> {
    let entry = state.by_id(subject.parts().0, version.id)?;
    let budget = Budget::unlimited();
    Some(match state.parsed(entry, &budget) {
        Ok(parsed) => Print::Canonical(parsed.canonical(&budget)),
        Err(_) => Print::Text(entry.text.text().into_owned()),
    })
}

/// Returns the JSON that users know a value as, or its beginning.
fn shown(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// A scope as a difference names it.
fn named(scope: Option<&Subject>) -> String {
    match scope {
        None => "the default context".to_string(),
        Some(scope) if scope.is_global() => "all contexts".to_string(),
        Some(scope) => scope.to_string(),
    }
}

/// As `GET /config` shows it: with the level that holds, and in the default context always.
fn config(state: &State, scope: Option<&Subject>) -> Option<Config> {
    let around = scope.is_some_and(Subject::is_global);
    let is_said = |own: &&Config| **own != Config::default() && !(around && says_nothing(own));
    let own = state.config(scope).filter(is_said);
    if own.is_none() && scope.is_some() {
        return None;
    }
    let holds = state.effective_config(scope).compatibility_level;
    let own = own.cloned().unwrap_or_default();
    Some(Config { compatibility_level: own.compatibility_level.or(holds), ..own })
}

/// A line for each; a registry that imports them names and dates them anew.
fn associations(state: &State) -> BTreeSet<String> {
    let line = |association: &Arc<Association>| {
        let Association { resource_namespace, resource_name, resource_id, .. } = &**association;
        let Association { association_type, subject, lifecycle, resource_type, .. } =
            &**association;
        format!(
            "{resource_type} {resource_namespace}/{resource_name} ({resource_id}): {association_type} {subject} {lifecycle}"
        )
    };
    state.associations().iter().map(line).collect()
}
