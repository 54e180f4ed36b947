//! What something is done to.

use std::fmt;
use std::str::FromStr;

use crate::pattern::Pattern;
use crate::problem::shown;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A subject, by its qualified name: `orders-value`, `:.eu:orders-value`.
    Subject,
    /// A context, by its name: `.` is the default one, `.eu` another.
    Context,
    /// A topic of Kafka.
    Topic,
    /// A consumer group.
    Group,
    /// A transactional id.
    TransactionalId,
    /// All of a service: `registry` or `kafka`.
    Cluster,
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::Subject,
        Kind::Context,
        Kind::Topic,
        Kind::Group,
        Kind::TransactionalId,
        Kind::Cluster,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Subject => "subject",
            Kind::Context => "context",
            Kind::Topic => "topic",
            Kind::Group => "group",
            Kind::TransactionalId => "transactional-id",
            Kind::Cluster => "cluster",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
            format!("{text} is no kind of resource: expected one of {}", names.join(", "))
        })
    }
}

/// A resource, by the very name that it is used under: decoded, qualified, behind its alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource<'n> {
    pub kind: Kind,
    pub name: &'n str,
}

impl<'n> Resource<'n> {
    /// All of the registry: its global configuration and mode, its cluster of nodes.
    pub const REGISTRY: Resource<'static> = Resource { kind: Kind::Cluster, name: "registry" };

    /// All of Kafka: brokers, their configurations, ACLs, reassignments.
    pub const KAFKA: Resource<'static> = Resource { kind: Kind::Cluster, name: "kafka" };

    /// Reads the one resource that somebody names, `subject:orders-value`. An error says why there is none of that name.
    pub fn parse(text: &'n str) -> Result<Resource<'n>, String> {
        match Pattern::parse(text)? {
            Pattern::Exact(kind, _) => {
                let name = text.split_once(':').map_or("", |(_, name)| name);
                Ok(Resource { kind, name })
            }
            _ => Err(format!("{}: name one resource, without a *", shown(text))),
        }
    }

    pub fn subject(qualified: &'n str) -> Resource<'n> {
        Resource { kind: Kind::Subject, name: qualified }
    }

    pub fn context(name: &'n str) -> Resource<'n> {
        Resource { kind: Kind::Context, name }
    }

    pub fn topic(name: &'n str) -> Resource<'n> {
        Resource { kind: Kind::Topic, name }
    }

    pub fn group(name: &'n str) -> Resource<'n> {
        Resource { kind: Kind::Group, name }
    }

    pub fn transactional_id(name: &'n str) -> Resource<'n> {
        Resource { kind: Kind::TransactionalId, name }
    }
}

/// `subject:orders-value`
impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_read_as_it_is_written() {
        for text in ["subject:a", "subject::.eu:a:b", "context:.", "topic:a b", "cluster:kafka"] {
            assert_eq!(Resource::parse(text).map(|read| read.to_string()), Ok(text.into()));
        }
        for text in ["subject:a*", "*", "topic:*", "subject:", "a", "cluster:x", "subject::.:a"] {
            assert!(Resource::parse(text).is_err(), "{text}");
        }
    }
}
