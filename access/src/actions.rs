//! Sets of actions, and the roles that are sets of actions with a name.

use crate::action::Action;

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actions(u8);

impl Actions {
    pub(crate) const ALL: Actions = Actions::of(&Action::ALL);

    pub(crate) const fn of(actions: &[Action]) -> Actions {
        let mut set = 0;
        let mut index = 0;
        while index < actions.len() {
            set |= 1 << actions[index] as u8;
            index += 1;
        }
        Actions(set)
    }

    pub(crate) fn insert(&mut self, action: Action) {
        self.0 |= Actions::of(&[action]).0;
    }

    pub(crate) fn with(self, others: Actions) -> Actions {
        Actions(self.0 | others.0)
    }

    pub(crate) fn without(self, others: Actions) -> Actions {
        Actions(self.0 & !others.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn contains(self, action: Action) -> bool {
        self.0 & Actions::of(&[action]).0 != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.contains(*action))
    }
}

/// The roles that every `access.toml` can grant, with what each may do on any kind of resource.
pub(crate) const BUILT_IN_ROLES: [(&str, Actions); 4] = [
    ("reader", Actions::of(&[Action::Read])),
    ("developer", Actions::of(&[Action::Read, Action::Write])),
    ("operator", Actions::of(&[Action::Read, Action::Configure, Action::Delete])),
    ("admin", Actions::ALL),
];

/// What a built-in role may do, if there is one of this name.
pub(crate) fn built_in_role(name: &str) -> Option<Actions> {
    BUILT_IN_ROLES.iter().find(|(role, _)| *role == name).map(|(_, actions)| *actions)
}
