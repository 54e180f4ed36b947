//! Names of users, keys, roles and groups, as files have them.

use std::sync::Arc;

use weir_access::{Identity, Proof};

/// The most bytes of a name.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// The most roles, and the most groups, of one user or key.
const LIST_MAX: usize = 256;

/// The roles and the groups of a user or key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    pub roles: Vec<String>,
    pub groups: Vec<String>,
}

impl Memberships {
    /// Reads the two fields of a line.
    pub(crate) fn parse(roles: &str, groups: &str) -> Result<Memberships, String> {
        Ok(Memberships { roles: list(roles)?, groups: list(groups)? })
    }

    /// Checks all names. The error says what a name is.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.roles.iter().chain(&self.groups).try_for_each(|name| check_role(name))
    }

    /// Somebody who has them.
    pub(crate) fn identity(self, name: &str, proof: Proof) -> Identity {
        let shared = |names: Vec<String>| names.into_iter().map(Arc::from).collect();
        let (roles, groups) = (shared(self.roles), shared(self.groups));
        Identity { name: name.into(), groups, roles, proof }
    }

    /// What somebody has.
    pub(crate) fn of(identity: &Identity) -> Memberships {
        let texts = |names: &[Arc<str>]| names.iter().map(|name| name.to_string()).collect();
        Memberships { roles: texts(&identity.roles), groups: texts(&identity.groups) }
    }
}

/// Checks the name of a user or key. The error says what a name is.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_good = !name.starts_with('#') && !name.contains(':') && is_plain(name);
    is_good.then_some(()).ok_or_else(|| {
        format!(
            "{name:?} is no name: expected 1 to {NAME_BYTES_MAX} bytes without colons and control characters, \
             no # at the beginning and no blank at either end"
        )
    })
}

/// Checks the name of a role or group.
fn check_role(name: &str) -> Result<(), String> {
    let is_good = !name.contains([':', ',']) && is_plain(name);
    is_good.then_some(()).ok_or_else(|| {
        format!(
            "{name:?} is no role or group: expected 1 to {NAME_BYTES_MAX} bytes without colons, commas and \
             control characters, and no blank at either end"
        )
    })
}

fn is_plain(name: &str) -> bool {
    let is_bounded = (1..=NAME_BYTES_MAX).contains(&name.len());
    is_bounded && name.trim() == name && !name.contains(char::is_control)
}

/// Reads `reader,developer`; nothing is an empty list.
fn list(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    if names == [""] {
        return Ok(Vec::new());
    }
    if names.len() > LIST_MAX {
        return Err(format!("more than {LIST_MAX} roles or groups"));
    }
    names.into_iter().map(|name| check_role(name).map(|()| name.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_basic_or_a_file_cannot_carry_is_refused() {
        for good in ["alice", "Bob Smith", "ü", "a,b", "a#b", "CN=alice"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", " a", "a ", "a:b", "#a", "a\nb", "a\0", &long] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_list_is_what_is_between_commas() {
        assert_eq!(list("").unwrap(), Vec::<String>::new());
        assert_eq!(list("a, b").unwrap(), ["a", "b"]);
        assert!(list("a,,b").is_err());
        assert!(list("a:b").is_err());
    }
}
