//! Weir's own users file: `name:hash:role,role:group,group`. What `htpasswd -B` writes is that too, without roles.

use super::LINE_BYTES_MAX;
use super::directory::{Directory, Gathered};
use crate::followed::Parsed;
use crate::hash::{Argon2id, Bcrypt, Stored};
use crate::names::Memberships;
use crate::problem::Problem;

/// Prefixes of hashes that other programs write, and what is to be said of them.
const FOREIGN: [(&str, &str); 8] = [
    ("$apr1$", "Apache's MD5"),
    ("$1$", "crypt's MD5"),
    ("$5$", "crypt's SHA-256"),
    ("$6$", "crypt's SHA-512"),
    ("$argon2i$", "argon2i"),
    ("$argon2d$", "argon2d"),
    ("$2x$", "a bcrypt that is known to be broken"),
    ("{SHA}", "SHA-1 without salt"),
];

/// The lines that name a user, with their numbers from 1: neither empty nor a comment.
pub(super) fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end()));
    lines.filter(|(_, line)| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'))
}

/// Returns true if a hash of argon2id or bcrypt stands right behind a name and a colon.
///
/// A comma behind bcrypt makes it Jetty's, where roles come so and the hash is a password in clear.
pub(super) fn looks_like_one(line: &str) -> bool {
    let Some((_, rest)) = line.split_once(':') else { return false };
    let hash = rest.split(':').next().unwrap_or(rest);
    hash.starts_with("$argon2") || (Bcrypt::is_one(hash) && !hash.contains(','))
}

pub(super) fn parse(text: &str) -> Result<Parsed<Directory>, Vec<Problem>> {
    let mut gathered = Gathered::default();
    let mut problems = Vec::new();
    for (line, entry) in entries(text) {
        match add(&mut gathered, line, entry) {
            Ok(None) => {}
            Ok(Some(before)) => {
                problems.push(Problem::new(
                    line,
                    format!("the user is named in line {before} already"),
                ));
            }
            Err(text) => problems.push(Problem::new(line, text)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut warnings = Vec::new();
    if gathered.len() == 0 {
        warnings.push(Problem::new(0, "it has no users: nobody can log in with a password"));
    }
    Ok(Parsed { value: gathered.finish(), warnings })
}

fn add(gathered: &mut Gathered, line: usize, entry: &str) -> Result<Option<usize>, String> {
    if entry.len() > LINE_BYTES_MAX {
        return Err(format!("the line has more than {LINE_BYTES_MAX} bytes"));
    }
    let fields: Vec<&str> = entry.split(':').collect();
    let (name, hash, roles, groups) = match fields[..] {
        [name, hash] => (name, hash, "", ""),
        [name, hash, roles] => (name, hash, roles, ""),
        [name, hash, roles, groups] => (name, hash, roles, groups),
        _ => {
            return Err("expected name:hash, name:hash:roles or name:hash:roles:groups".to_string());
        }
    };
    gathered.add(line, name, stored(hash)?, Memberships::parse(roles, groups)?)
}

fn stored(hash: &str) -> Result<Stored, String> {
    if hash.starts_with(crate::hash::ARGON2ID_PREFIX) {
        return Argon2id::parse(hash).map(Stored::Argon2id);
    }
    if Bcrypt::is_one(hash) {
        return Bcrypt::parse(hash).map(Stored::Bcrypt);
    }
    let again = "set the password anew with `weir user passwd`";
    match FOREIGN.iter().find(|(prefix, _)| hash.starts_with(prefix)) {
        Some((_, what)) => Err(format!("its hash is {what}, which is not taken: {again}")),
        // not a word of it: it may be the password itself
        None => Err(format!("there is no hash of argon2id or bcrypt behind the name: {again}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2ID: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    const BCRYPT: &str = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn users_have_hashes_roles_and_groups() {
        let text = format!(
            "# ours\n\nalice:{ARGON2ID}:admin, developer:payments\r\nbob:{BCRYPT}\nCN=carol, ü:{BCRYPT}::risk\n"
        );
        let directory = parse(&text).unwrap().value;
        let alice = directory.user("alice").unwrap();
        assert!(alice.stored.matches("password"));
        let names = |names: &[std::sync::Arc<str>]| names.join("+");
        assert_eq!(names(&alice.identity.roles), "admin+developer");
        assert_eq!(names(&alice.identity.groups), "payments");
        let bob = directory.user("bob").unwrap();
        assert!(bob.stored.matches("U*U") && bob.identity.roles.is_empty());
        let carol = directory.user("CN=carol, ü").unwrap();
        assert_eq!((carol.line, names(&carol.identity.groups).as_str()), (5, "risk"));
    }

    #[test]
    fn each_mistake_is_named_with_its_line_and_without_the_password() {
        let text = format!(
            "alice:{BCRYPT}\nbob:hunter2\nalice:{BCRYPT}\ncarol\n:{BCRYPT}\ndave:{BCRYPT}:a::b\n\
             erin:$apr1$salt$hash\nfrank:{BCRYPT}:,\ngrace:$2y$05$cut\nheidi:{BCRYPT}:a:b:c\n"
        );
        let Err(problems) = parse(&text) else { panic!("it was taken") };
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let texts: Vec<&str> = problems.iter().map(|problem| problem.text.as_str()).collect();
        assert!(!texts.join("\n").contains("hunter2"), "{texts:#?}");
        assert!(texts[1].contains("line 1") && texts[5].contains("Apache's MD5"), "{texts:#?}");
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let text = format!("alice:{BCRYPT}:{}\n", "r,".repeat(LINE_BYTES_MAX));
        assert!(parse(&text).is_err());
    }
}
