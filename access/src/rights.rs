//! What one identity may do.

use std::fmt;
use std::sync::Arc;

use crate::action::Action;
use crate::actions::Actions;
use crate::pattern::Pattern;
use crate::quotas::Quotas;
use crate::resource::{Kind, Resource};
use crate::table::{Draft, Ruling, Table};

/// A rule or a grant, as it is said which one has decided: `rule payments, line 12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its `name`. Without one, a rule is called by what it does (`allow read,write`), a grant by its role (`grant developer`).
    pub name: Arc<str>,
    /// Where it begins in `access.toml`, counted from 1.
    pub line: usize,
}

/// `rule payments, line 12`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, line {}", self.name, self.line)
    }
}

/// Whether something may be done, and which rule says so. No rule: nothing allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'r> {
    pub allowed: bool,
    /// Of several rules that say the same, the first in the file.
    pub rule: Option<&'r Rule>,
}

/// What one identity may do: the rules that concern it, ready to be asked. A verdict takes a look-up of the name and, if no
/// rule has it, a binary search among the prefixes that rules have.
#[derive(Debug)]
pub struct Rights {
    /// All rules of the policy.
    rules: Arc<[Rule]>,
    /// A table for each kind, in the order of `Kind::ALL`.
    tables: [Table; Kind::ALL.len()],
    quotas: Quotas,
}

impl Rights {
    /// Says whether an action on a resource is allowed: a rule that denies it decides, then one that allows it; without
    /// any, it is denied.
    pub fn verdict(&self, action: Action, resource: Resource<'_>) -> Verdict<'_> {
        let ruling = self.tables[resource.kind as usize].ruling(action, resource.name);
        let rule = ruling.rule().and_then(|index| self.rules.get(index));
        Verdict { allowed: ruling.allows(), rule }
    }

    /// Returns true if an action is allowed on all resources of a kind, so that nobody has to ask for each.
    pub fn on_all(&self, action: Action, kind: Kind) -> bool {
        self.tables[kind as usize].everywhere(action)
    }

    /// Returns false if an action is allowed on no resource of a kind. True says that a name could be allowed, not that there is
    /// a resource of that name.
    pub fn on_any(&self, action: Action, kind: Kind) -> bool {
        self.tables[kind as usize].somewhere(action)
    }

    /// The smallest of all quotas that concern the identity, for each limit on its own.
    pub fn quotas(&self) -> Quotas {
        self.quotas
    }
}

/// Rights that are being put together.
pub(crate) struct RightsDraft([Draft; Kind::ALL.len()]);

impl RightsDraft {
    pub(crate) fn new() -> RightsDraft {
        RightsDraft(Kind::ALL.map(|_| Draft::default()))
    }

    pub(crate) fn add(&mut self, on: &Pattern, actions: Actions, ruling: Ruling) {
        match on {
            Pattern::Everything => {
                for draft in &mut self.0 {
                    draft.add_prefix(Arc::from(""), actions, ruling);
                }
            }
            Pattern::Prefix(kind, prefix) => {
                self.0[*kind as usize].add_prefix(prefix.clone(), actions, ruling);
            }
            Pattern::Exact(kind, name) => {
                self.0[*kind as usize].add_exact(name, actions, ruling);
            }
        }
    }

    pub(crate) fn finish(self, rules: Arc<[Rule]>, quotas: Quotas) -> Rights {
        Rights { rules, tables: self.0.map(Draft::finish), quotas }
    }
}
