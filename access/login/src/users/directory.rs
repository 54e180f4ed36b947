//! The users that a file names.

use std::collections::HashMap;
use std::sync::Arc;

use weir_access::{Identity, Proof};

use super::USERS_MAX;
use crate::hash::{Cost, Stored};
use crate::names::{Memberships, check_name};

/// A user of a file.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) identity: Identity,
    pub(crate) stored: Arc<Stored>,
    /// Where the file names it, counted from 1.
    pub(crate) line: usize,
}

/// All users of a file, by name.
#[derive(Debug)]
pub(crate) struct Directory {
    users: HashMap<Arc<str>, User>,
    /// What is compared with for unknown users: it costs what most users' hashes cost.
    decoy: Arc<Stored>,
}

/// A directory that is being read.
#[derive(Default)]
pub(crate) struct Gathered(HashMap<Arc<str>, User>);

impl Gathered {
    /// Adds a user. Returns the line of one with the same name, whose place it takes. An error says why it cannot be a user.
    pub(crate) fn add(
        &mut self,
        line: usize,
        name: &str,
        stored: Stored,
        memberships: Memberships,
    ) -> Result<Option<usize>, String> {
        check_name(name)?;
        let identity = memberships.identity(name, Proof::Password);
        let name = identity.name.clone();
        let user = User { identity, stored: Arc::new(stored), line };
        let before = self.0.insert(name, user);
        if self.0.len() > USERS_MAX {
            return Err(format!("more than {USERS_MAX} users"));
        }
        Ok(before.map(|user| user.line))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn finish(self) -> Directory {
        let decoy = Arc::new(Stored::decoy(most_frequent_cost(self.0.values())));
        Directory { users: self.0, decoy }
    }
}

impl Directory {
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// All users, in the order of the file.
    pub(crate) fn users(&self) -> Vec<&User> {
        let mut users: Vec<&User> = self.users.values().collect();
        users.sort_by(|a, b| (a.line, &a.identity.name).cmp(&(b.line, &b.identity.name)));
        users
    }

    pub(crate) fn decoy(&self) -> &Arc<Stored> {
        &self.decoy
    }
}

/// The cost that most of the users' passwords have; the default's if there are no users.
fn most_frequent_cost<'u>(users: impl Iterator<Item = &'u User>) -> Cost {
    let mut counts: HashMap<Cost, (usize, usize)> = HashMap::new();
    for user in users {
        let (count, line) = counts.entry(user.stored.cost()).or_insert((0, usize::MAX));
        *count += 1;
        *line = user.line.min(*line);
    }
    // of two that are equally frequent, the one that comes first
    let most = counts.into_iter().max_by_key(|(_, (count, line))| (*count, usize::MAX - line));
    most.map_or(Cost::DEFAULT, |(cost, _)| cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{Pbkdf2Digest, Plain};

    #[test]
    fn the_decoy_costs_what_most_users_cost() {
        assert_eq!(Gathered::default().finish().decoy().cost(), Cost::DEFAULT);
        let mut gathered = Gathered::default();
        let mut add = |line, stored| {
            let name = format!("user-{line}");
            gathered.add(line, &name, stored, Memberships::default()).unwrap();
        };
        add(1, Stored::Plain(Plain::of("x").unwrap()));
        add(2, Stored::decoy(Cost::Pbkdf2(Pbkdf2Digest::Sha256)));
        add(3, Stored::decoy(Cost::Pbkdf2(Pbkdf2Digest::Sha256)));
        add(4, Stored::decoy(Cost::Bcrypt(4)));
        assert_eq!(gathered.finish().decoy().cost(), Cost::Pbkdf2(Pbkdf2Digest::Sha256));
    }
}
