//! What whoever asks may do, as the rules of access control say it. The state does not know the rules.

use std::fmt;
use std::sync::Arc;

use weir_access::{Action, Resource};
use weir_registry_api::Subject;

/// What whoever asks may do to subjects and contexts. Cheap to clone, and free to ask where everything is allowed.
///
/// What may not be read is not there: lists, searches and ids go on as if it were unknown.
#[derive(Clone, Default)]
pub struct Grants(Option<Arc<Rule>>);

type Rule = dyn Fn(Action, Resource<'_>) -> bool + Send + Sync;

impl Grants {
    /// Everything is allowed.
    pub const ALL: Grants = Grants(None);

    /// What a rule allows. It is asked for each name again.
    pub fn by(rule: impl Fn(Action, Resource<'_>) -> bool + Send + Sync + 'static) -> Grants {
        Grants(Some(Arc::new(rule)))
    }

    /// Returns true if everything is allowed, so that nobody has to ask for each name.
    pub fn are_all(&self) -> bool {
        self.0.is_none()
    }

    pub fn allow(&self, action: Action, resource: Resource<'_>) -> bool {
        self.0.as_ref().is_none_or(|rule| rule(action, resource))
    }

    /// Returns true if a subject may be read.
    pub fn read(&self, subject: &Subject) -> bool {
        self.allow(Action::Read, Resource::subject(subject.as_str()))
    }

    /// Returns true if a subject may be written.
    pub fn write(&self, subject: &Subject) -> bool {
        self.allow(Action::Write, Resource::subject(subject.as_str()))
    }

    /// Returns true if a subject, or a part of it, may be deleted.
    pub fn delete(&self, subject: &Subject) -> bool {
        self.allow(Action::Delete, Resource::subject(subject.as_str()))
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.are_all() { "Grants(all)" } else { "Grants(by rule)" })
    }
}
