//! What rules say of each name: for one kind of resource, all that the rules of one identity come to.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::action::Action;
use crate::actions::Actions;

/// What rules say of an action: nothing, or which rule decides and how.
///
/// The smaller of two is the one that decides: those that deny come before those that allow, and among equals the rule that
/// comes first in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ruling(u32);

impl Ruling {
    const NONE: Ruling = Ruling(u32::MAX);
    const FIRST_ALLOWING: u32 = 1 << 31;

    /// The rule of an index, which is below 2^31, denies or allows.
    pub(crate) fn of(effect: Effect, index: u32) -> Ruling {
        match effect {
            Effect::Deny => Ruling(index),
            Effect::Allow => Ruling(index + Ruling::FIRST_ALLOWING),
        }
    }

    pub(crate) fn allows(self) -> bool {
        self.0 >= Ruling::FIRST_ALLOWING && self != Ruling::NONE
    }

    fn denies(self) -> bool {
        self.0 < Ruling::FIRST_ALLOWING
    }

    /// The index of the rule that decides.
    pub(crate) fn rule(self) -> Option<usize> {
        (self != Ruling::NONE).then_some((self.0 % Ruling::FIRST_ALLOWING) as usize)
    }
}

/// What a rule does with the actions that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// A ruling for each action.
#[derive(Clone, Copy, Debug)]
struct Rulings([Ruling; Action::ALL.len()]);

impl Rulings {
    const NONE: Rulings = Rulings([Ruling::NONE; Action::ALL.len()]);

    fn of(actions: Actions, ruling: Ruling) -> Rulings {
        let mut rulings = Rulings::NONE;
        for action in actions.iter() {
            rulings.0[action as usize] = ruling;
        }
        rulings
    }

    fn merge(&mut self, other: Rulings) {
        for (ruling, other) in self.0.iter_mut().zip(other.0) {
            *ruling = (*ruling).min(other);
        }
    }

    /// The actions whose ruling is as asked for.
    fn which(&self, is: impl Fn(Ruling) -> bool) -> Actions {
        let mut actions = Actions::default();
        for action in Action::ALL {
            if is(self.0[action as usize]) {
                actions.insert(action);
            }
        }
        actions
    }
}

/// What rules say of the resources of one kind. A name has the rulings of its longest prefix that rules name, or its own; both have
/// those of all shorter prefixes in them.
#[derive(Debug)]
pub(crate) struct Table {
    exact: HashMap<Arc<str>, Rulings, FixedState>,
    /// In the order of their texts. The first is the empty one, which all names have.
    prefixes: Vec<Prefix>,
    /// Actions that are allowed on every name.
    everywhere: Actions,
    /// Actions that are allowed on some name.
    somewhere: Actions,
}

/// A prefix that rules name.
#[derive(Debug)]
struct Prefix {
    text: Arc<str>,
    rulings: Rulings,
    /// Where the longest other prefix is that is a prefix of this one. That of the empty one is itself.
    parent: usize,
}

/// A table that is being filled.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    exact: HashMap<Arc<str>, Rulings, FixedState>,
    prefixes: Vec<(Arc<str>, Rulings)>,
}

impl Draft {
    pub(crate) fn add_exact(&mut self, name: &Arc<str>, actions: Actions, ruling: Ruling) {
        let rulings = self.exact.entry(name.clone()).or_insert(Rulings::NONE);
        rulings.merge(Rulings::of(actions, ruling));
    }

    pub(crate) fn add_prefix(&mut self, prefix: Arc<str>, actions: Actions, ruling: Ruling) {
        self.prefixes.push((prefix, Rulings::of(actions, ruling)));
    }

    pub(crate) fn finish(self) -> Table {
        let mut table = Table {
            exact: self.exact,
            prefixes: linked(self.prefixes),
            everywhere: Actions::default(),
            somewhere: Actions::default(),
        };
        let prefixes = &table.prefixes;
        for (name, rulings) in &mut table.exact {
            rulings.merge(longest(prefixes, name).rulings);
        }
        table.summarize();
        table
    }
}

/// Prefixes in the order of their texts, each once, with the empty one, each with its parent and its parent's rulings.
fn linked(mut given: Vec<(Arc<str>, Rulings)>) -> Vec<Prefix> {
    given.push((Arc::from(""), Rulings::NONE));
    given.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let mut prefixes: Vec<Prefix> = Vec::with_capacity(given.len());
    for (text, rulings) in given {
        // what was there last is the same, or the parent, or one of its parents is
        let mut parent = prefixes.len().saturating_sub(1);
        while prefixes.get(parent).is_some_and(|prefix| !text.starts_with(&*prefix.text)) {
            parent = prefixes[parent].parent;
        }
        match prefixes.get_mut(parent) {
            Some(prefix) if prefix.text == text => prefix.rulings.merge(rulings),
            _ => prefixes.push(Prefix { text, rulings, parent }),
        }
    }
    for index in 1..prefixes.len() {
        let of_parent = prefixes[prefixes[index].parent].rulings;
        prefixes[index].rulings.merge(of_parent);
    }
    prefixes
}

/// The longest of the prefixes that a name has.
fn longest<'p>(prefixes: &'p [Prefix], name: &str) -> &'p Prefix {
    let after = prefixes.partition_point(|prefix| *prefix.text <= *name);
    let mut found = &prefixes[after.saturating_sub(1)];
    if name.starts_with(&*found.text) {
        return found;
    }
    // all prefixes of the name are prefixes of what the two begin with
    let common = found.text.bytes().zip(name.bytes()).take_while(|(one, other)| one == other);
    let common = common.count();
    while found.text.len() > common {
        found = &prefixes[found.parent];
    }
    found
}

impl Table {
    pub(crate) fn ruling(&self, action: Action, name: &str) -> Ruling {
        let rulings = match self.exact.get(name) {
            Some(rulings) => rulings,
            None => &longest(&self.prefixes, name).rulings,
        };
        rulings.0[action as usize]
    }

    pub(crate) fn everywhere(&self, action: Action) -> bool {
        self.everywhere.contains(action)
    }

    pub(crate) fn somewhere(&self, action: Action) -> bool {
        self.somewhere.contains(action)
    }

    /// Finds out what is allowed everywhere and what somewhere.
    fn summarize(&mut self) {
        let every = self.prefixes[0].rulings.which(Ruling::allows);
        let all = self.exact.values().chain(self.prefixes.iter().map(|prefix| &prefix.rulings));
        let mut denied = Actions::default();
        let mut allowed = Actions::default();
        for rulings in all {
            denied = denied.with(rulings.which(Ruling::denies));
            allowed = allowed.with(rulings.which(Ruling::allows));
        }
        self.everywhere = every.without(denied);
        self.somewhere = allowed;
    }
}
