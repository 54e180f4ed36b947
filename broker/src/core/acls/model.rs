//! Rules of access as the protocol has them: numbers, names and what they match.

use serde::{Deserialize, Serialize};

/// The number that stands for "any" in every field of a filter.
pub(super) const ANY: i8 = 1;
/// The only name of the cluster as a resource.
pub(super) const CLUSTER_NAME: &str = "kafka-cluster";
/// The name of a rule for every resource of a type.
pub(super) const EVERY_NAME: &str = "*";

/// As in Kafka's ACLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    All = 2,
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
    CreateTokens = 13,
    DescribeTokens = 14,
    TwoPhaseCommit = 15,
}

impl Operation {
    const EVERY: [Operation; 14] = [
        Operation::All,
        Operation::Read,
        Operation::Write,
        Operation::Create,
        Operation::Delete,
        Operation::Alter,
        Operation::Describe,
        Operation::ClusterAction,
        Operation::DescribeConfigs,
        Operation::AlterConfigs,
        Operation::IdempotentWrite,
        Operation::CreateTokens,
        Operation::DescribeTokens,
        Operation::TwoPhaseCommit,
    ];

    pub(super) fn from_number(number: i8) -> Option<Operation> {
        Operation::EVERY.into_iter().find(|operation| *operation as i8 == number)
    }

    /// The bit of this operation in the fields of authorized operations.
    pub(super) fn bit(self) -> i32 {
        1 << (self as i32)
    }

    /// Returns true if who may do this may also do `other`.
    pub(super) fn implies(self, other: Operation) -> bool {
        match other {
            _ if self == other || self == Operation::All => true,
            Operation::Describe => matches!(
                self,
                Operation::Read | Operation::Write | Operation::Delete | Operation::Alter
            ),
            Operation::DescribeConfigs => self == Operation::AlterConfigs,
            _ => false,
        }
    }
}

/// What an operation is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
    TransactionalId(&'a str),
    Cluster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    Topic = 2,
    Group = 3,
    Cluster = 4,
    TransactionalId = 5,
    DelegationToken = 6,
    User = 7,
}

impl ResourceType {
    pub(super) fn from_number(number: i8) -> Option<ResourceType> {
        Some(match number {
            2 => ResourceType::Topic,
            3 => ResourceType::Group,
            4 => ResourceType::Cluster,
            5 => ResourceType::TransactionalId,
            6 => ResourceType::DelegationToken,
            7 => ResourceType::User,
            _ => return None,
        })
    }
}

impl<'a> Resource<'a> {
    pub(super) fn of(self) -> (ResourceType, &'a str) {
        match self {
            Resource::Topic(name) => (ResourceType::Topic, name),
            Resource::Group(name) => (ResourceType::Group, name),
            Resource::TransactionalId(name) => (ResourceType::TransactionalId, name),
            Resource::Cluster => (ResourceType::Cluster, CLUSTER_NAME),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    Literal = 3,
    Prefixed = 4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    Deny = 2,
    Allow = 3,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Acl {
    pub resource_type: ResourceType,
    pub name: String,
    pub pattern: Pattern,
    pub principal: String,
    pub host: String,
    pub operation: Operation,
    pub permission: Permission,
}

impl Acl {
    pub(super) fn is_about(&self, kind: ResourceType, name: &str) -> bool {
        let is_named = match self.pattern {
            Pattern::Literal => self.name == EVERY_NAME || self.name == name,
            Pattern::Prefixed => name.starts_with(&self.name),
        };
        self.resource_type == kind && is_named
    }

    pub(super) fn is_for(&self, principal: &str, host: &str) -> bool {
        let everybody = principal.split_once(':').map(|(kind, _)| kind);
        let is_everybody = everybody
            .is_some_and(|kind| self.principal.strip_prefix(kind).is_some_and(|rest| rest == ":*"));
        let is_from = self.host == "*" || self.host == host;
        is_from && (is_everybody || self.principal == principal)
    }
}

/// Which rules are meant by a request to show or to delete them.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub resource_type: Option<ResourceType>,
    pub name: Option<String>,
    pub pattern: PatternFilter,
    pub principal: Option<String>,
    pub host: Option<String>,
    pub operation: Option<Operation>,
    pub permission: Option<Permission>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PatternFilter {
    Any,
    /// Every rule that holds for the resource of this name.
    Match,
    Exact(Pattern),
}

impl PatternFilter {
    pub fn from_number(number: i8) -> Option<PatternFilter> {
        Some(match number {
            ANY => PatternFilter::Any,
            2 => PatternFilter::Match,
            3 => PatternFilter::Exact(Pattern::Literal),
            4 => PatternFilter::Exact(Pattern::Prefixed),
            _ => return None,
        })
    }
}

impl Filter {
    pub fn fits(&self, acl: &Acl) -> bool {
        fn fits<T: PartialEq>(wanted: &Option<T>, found: &T) -> bool {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        }
        fits(&self.resource_type, &acl.resource_type)
            && self.fits_name(acl)
            && fits(&self.principal, &acl.principal)
            && fits(&self.host, &acl.host)
            && fits(&self.operation, &acl.operation)
            && fits(&self.permission, &acl.permission)
    }

    fn fits_name(&self, acl: &Acl) -> bool {
        let is_pattern = match self.pattern {
            PatternFilter::Exact(pattern) => pattern == acl.pattern,
            PatternFilter::Any | PatternFilter::Match => true,
        };
        let is_named = match &self.name {
            None => true,
            Some(name) if self.pattern == PatternFilter::Match => {
                acl.is_about(acl.resource_type, name)
            }
            Some(name) => *name == acl.name,
        };
        is_pattern && is_named
    }
}
