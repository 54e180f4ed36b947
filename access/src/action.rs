//! What a caller can do to a resource.

use std::fmt;
use std::str::FromStr;

/// What a caller does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Look at it: read a schema, look one up, test compatibility, consume a topic, describe.
    Read,
    /// Add to it: register a schema, produce to a topic, commit a group's offsets.
    Write,
    /// Remove it, or a part of it.
    Delete,
    /// Make it, or change its settings: compatibility level, mode, topic configuration.
    Configure,
    /// Change who may do what, and what concerns others: Kafka's ACLs.
    Admin,
}

impl Action {
    pub const ALL: [Action; 5] =
        [Action::Read, Action::Write, Action::Delete, Action::Configure, Action::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Write => "write",
            Action::Delete => "delete",
            Action::Configure => "configure",
            Action::Admin => "admin",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Action, String> {
        let found = Action::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or_else(|| {
            format!("{text} is no action: expected read, write, delete, configure or admin")
        })
    }
}
