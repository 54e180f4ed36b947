//! The rules of `access.toml`.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::actions::Actions;
use crate::file;
use crate::identity::{Identity, Proof};
use crate::pattern::{Pattern, Who};
use crate::problem::Problem;
use crate::quotas::Quotas;
use crate::rights::{Rights, RightsDraft, Rule};
use crate::table::{Effect, Ruling};

/// The rules of an `access.toml`.
#[derive(Debug, Default)]
pub struct Policy {
    /// In the order of the file.
    rules: Arc<[Rule]>,
    /// What each of the rules says.
    statements: Vec<Statement>,
    /// Which statements concern whom.
    concerned: Index,
    quotas: Vec<Quotas>,
    /// Which quotas concern whom.
    limited: Index,
    /// The roles that users and groups have by the file.
    roles: HashMap<Who, Vec<Arc<str>>, FixedState>,
}

/// Places in a list, by whom what is there concerns.
#[derive(Debug, Default)]
struct Index(HashMap<Who, Vec<u32>, FixedState>);

/// What a rule says.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) effect: Effect,
    pub(crate) actions: Actions,
    pub(crate) on: Vec<Pattern>,
}

/// A policy that is being read.
#[derive(Debug, Default)]
pub(crate) struct PolicyDraft {
    /// In the order of the file.
    pub(crate) rules: Vec<RuleDraft>,
    pub(crate) quotas: Vec<(Vec<Who>, Quotas)>,
    /// Roles, each with the users and groups that have it.
    pub(crate) roles: Vec<(Arc<str>, Vec<Who>)>,
}

/// A rule or a grant that is being read.
#[derive(Debug)]
pub(crate) struct RuleDraft {
    pub(crate) rule: Rule,
    pub(crate) to: Vec<Who>,
    pub(crate) statement: Statement,
}

impl Policy {
    /// The most bytes that an `access.toml` may have.
    pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

    /// The most rules, grants and quotas together that an `access.toml` may have.
    pub const RULES_MAX: usize = 100_000;

    /// Reads an `access.toml`. The errors are all of its mistakes, in the order of their places; of more than 1,000, the first
    /// that were found.
    pub fn parse(text: &str) -> Result<Policy, Vec<Problem>> {
        file::read(text).map(Policy::from)
    }

    /// The rules and grants, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rights of an identity. Takes time for the rules that concern it, not for those of others.
    pub fn rights(&self, identity: &Identity) -> Rights {
        let who = self.who(identity);
        let mut rights = RightsDraft::new();
        for index in self.concerned.of(&who) {
            let Some(statement) = self.statements.get(index as usize) else { continue };
            let ruling = Ruling::of(statement.effect, index);
            for on in &statement.on {
                rights.add(on, statement.actions, ruling);
            }
        }
        let quotas = self.limited.of(&who).into_iter();
        let quotas = quotas.filter_map(|index| self.quotas.get(index as usize).copied());
        rights.finish(self.rules.clone(), quotas.fold(Quotas::default(), Quotas::smallest))
    }

    /// All that rules may call an identity. Who has proved nothing is `anonymous` and nothing else.
    fn who(&self, identity: &Identity) -> Vec<Who> {
        if identity.proof == Proof::Nothing {
            return vec![Who::Anonymous];
        }
        let mut who = vec![Who::Everybody, Who::User(identity.name.clone())];
        who.extend(identity.groups.iter().cloned().map(Who::Group));
        let by_file = who.iter().filter_map(|member| self.roles.get(member)).flatten();
        let roles: Vec<Who> =
            identity.roles.iter().chain(by_file).cloned().map(Who::Role).collect();
        who.extend(roles);
        who
    }
}

impl From<PolicyDraft> for Policy {
    fn from(draft: PolicyDraft) -> Policy {
        let mut policy = Policy::default();
        let mut rules = Vec::with_capacity(draft.rules.len());
        for RuleDraft { rule, to, statement } in draft.rules {
            policy.concerned.add(to, policy.statements.len());
            policy.statements.push(statement);
            rules.push(rule);
        }
        policy.rules = rules.into();
        for (to, quotas) in draft.quotas {
            policy.limited.add(to, policy.quotas.len());
            policy.quotas.push(quotas);
        }
        for (role, members) in draft.roles {
            for member in members {
                policy.roles.entry(member).or_default().push(role.clone());
            }
        }
        policy
    }
}

impl Index {
    fn add(&mut self, to: Vec<Who>, place: usize) {
        // there are `Policy::RULES_MAX` at most
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        for who in to {
            self.0.entry(who).or_default().push(place);
        }
    }

    /// The places of what concerns somebody, each once, in order.
    fn of(&self, who: &[Who]) -> Vec<u32> {
        let found = who.iter().filter_map(|who| self.0.get(who)).flatten();
        let mut places: Vec<u32> = found.copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

#[cfg(test)]
mod tests;
