//! What `weir user` does to a users file.

use std::path::Path;

use super::{Format, Users, weir};
use crate::edit::{CommandError, Held};
use crate::hash::{Argon2id, BCRYPT_BYTES_MAX, Bcrypt, PASSWORD_BYTES_MAX};
use crate::names::{Memberships, check_name};
use crate::problem::Unusable;

/// The beginning of a file that a command makes.
const HEAD: &str = "# Users of Weir: name:hash:role,role:group,group\n# Changed by `weir user add`, `passwd` and `rm`, and by hand.\n";

/// How a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Argon2id,
    Bcrypt,
}

/// A user as `weir user list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// `argon2id m=19456,t=2,p=1`; never the hash.
    pub hash: String,
    pub memberships: Memberships,
}

/// Adds a user to a file, which is made if there is none. Refused if the file has such a user.
pub fn add(
    file: &Path,
    name: &str,
    password: &str,
    algorithm: Algorithm,
    memberships: &Memberships,
) -> Result<(), CommandError> {
    check_name(name).map_err(CommandError::Refused)?;
    memberships.check().map_err(CommandError::Refused)?;
    let hash = hash(password, algorithm)?;
    let held = hold(file)?;
    if line_of(&held, name).is_some() {
        let why =
            format!("there is a user {name:?} already: `weir user passwd` sets another password");
        return Err(CommandError::Refused(why));
    }
    let Memberships { roles, groups } = memberships;
    held.add_line(HEAD, &line(name, &hash, &roles.join(","), &groups.join(",")))
}

/// Gives a user another password. Roles and groups stay.
pub fn set_password(
    file: &Path,
    name: &str,
    password: &str,
    algorithm: Algorithm,
) -> Result<(), CommandError> {
    let hash = hash(password, algorithm)?;
    let held = hold(file)?;
    let (number, entry) = line_of(&held, name).ok_or_else(|| unknown(name))?;
    let mut fields = entry.split(':').skip(2);
    let (roles, groups) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
    held.change_line(number, Some(&line(name, &hash, roles, groups)))
}

/// Takes a user out of a file.
pub fn remove(file: &Path, name: &str) -> Result<(), CommandError> {
    let held = hold(file)?;
    let (number, _) = line_of(&held, name).ok_or_else(|| unknown(name))?;
    held.change_line(number, None)
}

/// All users of a file of any format, in its order.
pub fn list(file: &Path) -> Result<Vec<Listed>, Unusable> {
    let directory = Users::open(file, None)?.current();
    let listed = directory.users().into_iter().map(|user| Listed {
        name: user.identity.name.to_string(),
        hash: user.stored.cost().to_string(),
        memberships: Memberships::of(&user.identity),
    });
    Ok(listed.collect())
}

/// Holds a file of Weir's own format that has no mistakes.
fn hold(file: &Path) -> Result<Held, CommandError> {
    let held = Held::open(file)?;
    let whose = match Format::of(held.text()) {
        Format::Weir => None,
        Format::Jetty => Some("is Jetty's, or has no hash of argon2id or bcrypt"),
        Format::Karapace => Some("is Karapace's"),
    };
    if let Some(whose) = whose {
        let why =
            format!("{} {whose}: only files of Weir's own format are changed", file.display());
        return Err(CommandError::Refused(why));
    }
    match weir::parse(held.text()) {
        Ok(_) => Ok(held),
        Err(problems) => {
            Err(CommandError::Unusable(Unusable { file: held.path().to_path_buf(), problems }))
        }
    }
}

/// The line of a user, with its number.
fn line_of<'h>(held: &'h Held, name: &str) -> Option<(usize, &'h str)> {
    weir::entries(held.text()).find(|(_, entry)| entry.split(':').next() == Some(name))
}

fn unknown(name: &str) -> CommandError {
    CommandError::Refused(format!("there is no user {name:?}"))
}

/// Writes a line of the file, as short as it can be.
fn line(name: &str, hash: &str, roles: &str, groups: &str) -> String {
    format!("{name}:{hash}:{roles}:{groups}").trim_end_matches(':').to_string()
}

fn hash(password: &str, algorithm: Algorithm) -> Result<String, CommandError> {
    let refused = |why: String| Err(CommandError::Refused(why));
    if password.is_empty() {
        return refused("the password is empty".to_string());
    }
    if password.contains(char::is_control) {
        return refused("the password has control characters".to_string());
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return refused(format!("the password has more than {PASSWORD_BYTES_MAX} bytes"));
    }
    if algorithm == Algorithm::Bcrypt && password.len() > BCRYPT_BYTES_MAX {
        return refused(format!(
            "the password has more than {BCRYPT_BYTES_MAX} bytes, and bcrypt looks at no more: take argon2id"
        ));
    }
    let text = match algorithm {
        Algorithm::Argon2id => Argon2id::of(password).map(|hash| hash.to_string()),
        Algorithm::Bcrypt => Bcrypt::of(password).map(|hash| hash.text().to_string()),
    };
    text.ok_or(CommandError::NoRandom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn a_user_is_added_changed_and_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        let roles = words(&["admin", "developer"]);
        let alice = Memberships { roles, groups: words(&["payments"]) };
        add(&file, "alice", "one", Algorithm::Argon2id, &alice).unwrap();
        add(&file, "bob", "two", Algorithm::Bcrypt, &Memberships::default()).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("bob:", "# ours\nbob:")).unwrap();
        let again =
            add(&file, "alice", "x", Algorithm::Argon2id, &Memberships::default()).unwrap_err();
        assert!(matches!(again, CommandError::Refused(_)));

        let can = |name: &str, password: &str| {
            let directory = Users::open(&file, None).unwrap().current();
            directory.user(name).is_some_and(|user| user.stored.matches(password))
        };
        assert!(can("alice", "one") && can("bob", "two"));
        set_password(&file, "alice", "three", Algorithm::Argon2id).unwrap();
        assert!(can("alice", "three") && !can("alice", "one"));
        let listed = list(&file).unwrap();
        assert_eq!(listed[0].memberships, alice);
        assert_eq!(listed[0].hash, "argon2id m=19456,t=2,p=1");
        assert_eq!((listed[1].name.as_str(), listed[1].hash.as_str()), ("bob", "bcrypt 12"));

        remove(&file, "bob").unwrap();
        assert!(
            remove(&file, "bob").is_err()
                && set_password(&file, "bob", "x", Algorithm::Bcrypt).is_err()
        );
        assert!(std::fs::read_to_string(&file).unwrap().ends_with("# ours\n"));
    }

    #[test]
    fn names_roles_and_passwords_that_cannot_be_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        let with = |role| Memberships { roles: words(&[role]), groups: Vec::new() };
        for (name, password, role) in [
            ("a:b", "x", "r"),
            ("", "x", "r"),
            ("a", "", "r"),
            ("a", &long, "r"),
            ("a", "x\0", "r"),
            ("a", "x", "r,s"),
            ("a", "x", ""),
        ] {
            assert!(add(&file, name, password, Algorithm::Argon2id, &with(role)).is_err());
        }
        let bcrypt = "x".repeat(BCRYPT_BYTES_MAX + 1);
        assert!(add(&file, "a", &bcrypt, Algorithm::Bcrypt, &Memberships::default()).is_err());
        assert!(!file.exists());
    }

    #[test]
    fn a_file_that_is_broken_or_anothers_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        let hash = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        for text in [
            "alice: secret,admin\n".to_string(),
            "{\"users\":[]}".to_string(),
            format!("alice:{hash}\nbob:x\n"),
        ] {
            std::fs::write(&file, &text).unwrap();
            assert!(
                add(&file, "carol", "x", Algorithm::Argon2id, &Memberships::default()).is_err()
            );
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
    }
}
