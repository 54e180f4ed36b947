//! Access control: the rules, and the answer to every handler's question.

mod handle;
mod model;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use model::{Acl, Operation, Resource};

use super::{Call, Core};
use model::Permission;

/// How many rules there may be: each question looks through all of them.
const ACLS_MAX: usize = 10_000;

/// Stands for a topic that no rule names. No topic can have this name.
const UNNAMED_TOPIC: &str = "?";

/// How ACLs are enforced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorization {
    /// As `super.users`: who may do everything, such as `User:admin`.
    pub super_users: Vec<String>,
    /// As `allow.everyone.if.no.acl.found`.
    pub allow_everyone_if_no_acl_found: bool,
}

/// The rules that were made. They are kept whether they are enforced or not.
#[derive(Debug, Default)]
pub struct Acls {
    rules: BTreeSet<Acl>,
}

impl Acls {
    /// Takes over an entry of the journal.
    pub(super) fn load(&mut self, acl: Acl, is_there: bool) {
        match is_there {
            true => self.rules.insert(acl),
            false => self.rules.remove(&acl),
        };
    }

    fn allow(
        &self,
        authorization: &Authorization,
        principal: &str,
        host: &str,
        operation: Operation,
        resource: Resource<'_>,
    ) -> bool {
        if authorization.super_users.iter().any(|user| user == principal) {
            return true;
        }
        let (kind, name) = resource.of();
        let mut is_named = false;
        let mut is_allowed = false;
        for rule in self.rules.iter().filter(|rule| rule.is_about(kind, name)) {
            is_named = true;
            if !rule.is_for(principal, host) {
                continue;
            }
            match rule.permission {
                Permission::Deny => {
                    if rule.operation == operation || rule.operation == Operation::All {
                        return false;
                    }
                }
                Permission::Allow => is_allowed |= rule.operation.implies(operation),
            }
        }
        is_allowed || (!is_named && authorization.allow_everyone_if_no_acl_found)
    }
}

impl Core {
    /// Returns true if the caller may do it. Everybody may do everything while ACLs are switched off.
    pub(crate) fn may(&self, call: &Call, operation: Operation, resource: Resource<'_>) -> bool {
        let may = self.is_allowed(call, operation, resource);
        if !may {
            let (host, principal) = (call.caller.host, &call.caller.principal);
            tracing::debug!(%host, principal, ?operation, ?resource, "ACLs of the broker deny this");
        }
        may
    }

    fn is_allowed(&self, call: &Call, operation: Operation, resource: Resource<'_>) -> bool {
        let Some(authorization) = &self.settings.authorization else { return true };
        let caller = &call.caller;
        let host = caller.host.to_canonical().to_string();
        self.acls.allow(authorization, &caller.principal, &host, operation, resource)
    }

    /// What the caller may do to a resource, as bits of the operations' numbers.
    pub(crate) fn authorized_operations(&self, call: &Call, resource: Resource<'_>) -> i32 {
        let operations: &[Operation] = match resource {
            Resource::Topic(_) => &[
                Operation::Read,
                Operation::Write,
                Operation::Create,
                Operation::Delete,
                Operation::Alter,
                Operation::Describe,
                Operation::DescribeConfigs,
                Operation::AlterConfigs,
            ],
            Resource::Group(_) => &[
                Operation::Read,
                Operation::Delete,
                Operation::Describe,
                Operation::DescribeConfigs,
                Operation::AlterConfigs,
            ],
            Resource::TransactionalId(_) => &[Operation::Write, Operation::Describe],
            Resource::Cluster => &[
                Operation::Create,
                Operation::Alter,
                Operation::Describe,
                Operation::ClusterAction,
                Operation::DescribeConfigs,
                Operation::AlterConfigs,
                Operation::IdempotentWrite,
            ],
        };
        let allowed =
            operations.iter().filter(|operation| self.is_allowed(call, **operation, resource));
        allowed.map(|operation| operation.bit()).sum()
    }

    /// Returns true if the caller may do it to some topic, whichever, as with `Write` for producers
    /// without a transactional id.
    pub(crate) fn may_any_topic(&self, call: &Call, operation: Operation) -> bool {
        let named = self.acls.rules.iter().map(|rule| rule.name.as_str());
        let mut names = named.chain([UNNAMED_TOPIC]);
        names.any(|name| self.is_allowed(call, operation, Resource::Topic(name)))
    }
}
