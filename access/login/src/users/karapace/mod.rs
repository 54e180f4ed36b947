//! Karapace's auth file: JSON with users and permissions. The users are read here; permissions are rules, not logins, and
//! [`import_karapace`] makes rules for `access.toml` of them.

mod import;
mod resource;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::directory::{Directory, Gathered};
use crate::followed::Parsed;
use crate::hash::{Pbkdf2, Pbkdf2Digest, Scrypt, Stored};
use crate::names::Memberships;
use crate::problem::Problem;

pub use import::{Imported, import_karapace};

/// The most permissions of a file.
const PERMISSIONS_MAX: usize = 100_000;

/// The file, its users and permissions unread, so that each one's mistakes can be told with a line.
#[derive(Deserialize)]
struct AuthFile<'t> {
    #[serde(borrow, default)]
    users: Vec<&'t RawValue>,
    #[serde(borrow, default)]
    permissions: Vec<&'t RawValue>,
}

#[derive(Deserialize)]
struct AuthUser {
    username: String,
    algorithm: String,
    salt: String,
    password_hash: String,
}

#[derive(Deserialize)]
struct Permission {
    username: String,
    operation: String,
    resource: String,
}

impl AuthFile<'_> {
    fn read(text: &str) -> Result<AuthFile<'_>, Vec<Problem>> {
        let file: AuthFile<'_> = serde_json::from_str(text)
            .map_err(|error| vec![Problem::new(error.line(), wrong_json(&error))])?;
        match file.permissions.len() {
            ..=PERMISSIONS_MAX => Ok(file),
            _ => Err(vec![Problem::new(0, format!("more than {PERMISSIONS_MAX} permissions"))]),
        }
    }
}

/// Says what kind of mistake JSON has, and never its text: that may be a hash.
fn wrong_json(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "it is not what Karapace's auth file has here",
        _ => "it is not JSON",
    };
    format!("{what} (column {})", error.column())
}

/// The line of a part of a text, counted from 1.
fn line_of(text: &str, part: &RawValue) -> usize {
    let before = (part.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.as_bytes().get(..before).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

pub(super) fn parse(text: &str) -> Result<Parsed<Directory>, Vec<Problem>> {
    let file = AuthFile::read(text)?;
    let mut gathered = Gathered::default();
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    for raw in &file.users {
        let line = line_of(text, raw);
        match add(&mut gathered, line, raw) {
            Ok(None) => {}
            Ok(Some(_)) => warnings.push(Problem::new(
                line,
                "the user is named before this already: this place holds, as in Karapace",
            )),
            Err(text) => problems.push(Problem::new(line, text)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if let (first, 1..) = (file.permissions.first(), file.permissions.len()) {
        let said = format!(
            "its {} permissions are not applied: Weir's rules are in access.toml, and `weir access import-karapace` turns \
             permissions into rules",
            file.permissions.len()
        );
        warnings.push(Problem::new(first.map_or(0, |raw| line_of(text, raw)), said));
    }
    Ok(Parsed { value: gathered.finish(), warnings })
}

fn add(gathered: &mut Gathered, line: usize, raw: &RawValue) -> Result<Option<usize>, String> {
    let user: AuthUser = serde_json::from_str(raw.get()).map_err(|_| {
        "expected an object with the texts username, algorithm, salt and password_hash".to_string()
    })?;
    let hash = STANDARD
        .decode(&user.password_hash)
        .map_err(|_| format!("the password_hash of {:?} is not base64", user.username))?;
    let stored = match (user.algorithm.as_str(), Pbkdf2Digest::named(&user.algorithm)) {
        ("scrypt", _) => Scrypt::new(&user.salt, &hash).map(Stored::Scrypt),
        (_, Some(digest)) => Pbkdf2::new(digest, &user.salt, hash).map(Stored::Pbkdf2),
        (other, None) => {
            return Err(format!(
                "{other:?} is no algorithm: expected sha1, sha256, sha512 or scrypt"
            ));
        }
    };
    let stored = stored.ok_or_else(|| {
        format!(
            "the password_hash of {:?} has another length than {}'s",
            user.username, user.algorithm
        )
    })?;
    gathered.add(line, &user.username, stored, Memberships::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    // made with Python's hashlib of `secret` and the salt `salt-1`
    const FILE: &str = r#"{
  "users": [
    {"username": "a", "algorithm": "sha1", "salt": "salt-1", "password_hash": "Ogoup3mWCEaL4V7pZL5HUIjNLEY="},
    {"username": "b", "algorithm": "sha256", "salt": "salt-1",
     "password_hash": "O3d2/3iF7XJXMS1GXRUjN/fdwesRtNVyzDkHgf3SFuU="},
    {"username": "c", "algorithm": "sha512", "salt": "salt-1",
     "password_hash": "nndJoKqTX4pliGjG1JG+9xuIAcvLASPtMwyEtDSPXwwZGiGcg//U5dWED6i1AVS82fya0KmR3Vdl3x++RqR+dg=="},
    {"username": "d", "algorithm": "scrypt", "salt": "salt-1", "more": 1,
     "password_hash": "O/4afZv6RkkrZPeDCjdzKjDzvhW8DP2HuQzC86kGqVsuI4gPwExnywA1awXT9Km9bjw1ZO1szMjm6+teGmm30g=="}
  ],
  "permissions": [
    {"username": "a", "operation": "Read", "resource": "Subject:orders.*"}
  ]
}"#;

    #[test]
    fn all_of_karapaces_hashes_are_read() {
        let parsed = parse(FILE).unwrap();
        for name in ["a", "b", "c", "d"] {
            let user = parsed.value.user(name).unwrap();
            assert!(user.stored.matches("secret"), "{name}");
            assert!(!user.stored.matches("Secret"), "{name}");
        }
    }

    #[test]
    fn permissions_are_not_dropped_without_a_word() {
        let parsed = parse(FILE).unwrap();
        assert_eq!(parsed.warnings.len(), 1);
        assert_eq!(parsed.warnings[0].line, 12);
        assert!(parsed.warnings[0].text.contains("import-karapace"));
    }

    #[test]
    fn mistakes_are_named_with_their_lines_and_without_the_hash() {
        for (from, to, line) in [
            ("\"sha1\"", "\"md5\"", 3),
            ("\"O3d2/3iF7X", "\"!O3d2/3iF7X", 4),
            ("\"O3d2/3iF7X", "\"", 4),
            ("\"username\": \"c\"", "\"username\": 1", 6),
            ("\"username\": \"d\"", "\"username\": \"d:e\"", 8),
            ("\"users\": [", "\"users\": ", 3),
        ] {
            let text = FILE.replace(from, to);
            let Err(problems) = parse(&text) else { panic!("{to} was taken") };
            assert_eq!(problems[0].line, line, "{problems:?}");
            assert!(!problems[0].text.contains("Ogou") && !problems[0].text.contains("O3d2"));
        }
    }
}
