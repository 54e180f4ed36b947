//! The words of `to` and `on`: whom a rule concerns, and which resources.

use std::sync::Arc;

use crate::nearest::nearest;
use crate::problem::shown;
use crate::resource::{Kind, Resource};

/// Whom a rule concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// `*`: whoever has proved who it is.
    Everybody,
    /// `anonymous`: whoever has proved nothing.
    Anonymous,
    /// `user:NAME`: the principal of this name, if it has proved to be it.
    User(Arc<str>),
    /// `group:NAME`
    Group(Arc<str>),
    /// `role:NAME`
    Role(Arc<str>),
}

/// The resources that a rule concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `*`: all resources of all kinds.
    Everything,
    /// `KIND:NAME`
    Exact(Kind, Arc<str>),
    /// `KIND:PREFIX*`; with an empty prefix, all resources of a kind.
    Prefix(Kind, Arc<str>),
}

const WHO_FORMS: &str = "user:NAME, group:NAME, role:NAME, * or anonymous";

const PATTERN_FORMS: &str = "KIND:NAME, KIND:PREFIX* or *, and as KIND one of subject, context, topic, group, \
     transactional-id and cluster";

impl Who {
    /// Reads a word of `to`. An error says what is wrong with it.
    pub(crate) fn parse(word: &str) -> Result<Who, String> {
        match word {
            "*" => return Ok(Who::Everybody),
            "anonymous" => return Ok(Who::Anonymous),
            _ => {}
        }
        let Some((kind, name)) = word.split_once(':') else {
            return Err(format!("{}: expected {WHO_FORMS}", shown(word)));
        };
        let make = match kind {
            "user" => Who::User,
            "group" => Who::Group,
            "role" => Who::Role,
            _ => return Err(unknown_kind(word, kind, &["user", "group", "role"], WHO_FORMS)),
        };
        if name.is_empty() {
            return Err(format!("a name is missing behind {kind}:"));
        }
        if name.ends_with('*') {
            return Err(format!(
                "{}: a {kind} has its whole name here; * alone is everybody who has logged in",
                shown(word)
            ));
        }
        Ok(make(name.into()))
    }
}

impl Pattern {
    /// Reads a word of `on`. An error says what is wrong with it.
    pub(crate) fn parse(word: &str) -> Result<Pattern, String> {
        if word == "*" {
            return Ok(Pattern::Everything);
        }
        let Some((kind_name, name)) = word.split_once(':') else {
            return Err(format!("{}: expected {PATTERN_FORMS}", shown(word)));
        };
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == kind_name) else {
            return Err(unknown_kind(word, kind_name, &Kind::ALL.map(Kind::name), PATTERN_FORMS));
        };
        if name.is_empty() {
            return Err(format!("a name is missing behind {kind}:"));
        }
        let (text, pattern) = match name.strip_suffix('*') {
            Some(prefix) => (prefix, Pattern::Prefix(kind, prefix.into())),
            None => (name, Pattern::Exact(kind, name.into())),
        };
        if text.is_empty() {
            return Ok(pattern);
        }
        let prefix = matches!(pattern, Pattern::Prefix(..));
        match unusable(kind, text, prefix) {
            Some(reason) => Err(format!("{}: {reason}", shown(word))),
            None => Ok(pattern),
        }
    }
}

/// Why no resource of a kind can have a name, or a name that begins so.
fn unusable(kind: Kind, text: &str, prefix: bool) -> Option<String> {
    if text.contains('*') {
        return Some("a * may stand at the end only, for all names that begin so".into());
    }
    match kind {
        Kind::Cluster if prefix => {
            Some("expected cluster:registry, cluster:kafka or cluster:*".into())
        }
        Kind::Cluster => no_cluster(text),
        Kind::Context if !text.starts_with('.') => {
            Some(format!("the name of a context begins with a dot: context:.{}", shown(text)))
        }
        Kind::Subject if text.starts_with(":.:") => {
            Some("a subject of the default context is named without its context".into())
        }
        _ => None,
    }
}

/// Why there is no cluster of a name.
fn no_cluster(name: &str) -> Option<String> {
    let known = [Resource::REGISTRY.name, Resource::KAFKA.name];
    if known.contains(&name) {
        return None;
    }
    Some(match nearest(name, known.into_iter()) {
        Some(meant) => format!("unknown cluster: did you mean cluster:{meant}?"),
        None => "expected cluster:registry, cluster:kafka or cluster:*".into(),
    })
}

/// What to say of a word `KIND:NAME` whose kind nobody knows.
fn unknown_kind(word: &str, kind: &str, known: &[&'static str], expected: &str) -> String {
    let word = shown(word);
    match nearest(kind, known.iter().copied()) {
        Some(meant) => format!("{word}: did you mean {meant}:?"),
        None => format!("{word}: expected {expected}"),
    }
}
