//! The keys file: `id:sha256:name:role,role:group,group:created:expires`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use weir_access::Proof;

use super::expiry::moment;
use super::secret::{Digest, KeyId};
use super::{Key, KeyRing};
use crate::followed::Parsed;
use crate::names::{Memberships, check_name};
use crate::problem::Problem;

/// The most keys of a file.
const KEYS_MAX: usize = 100_000;

/// The most bytes of a line.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The lines that have a key, with their numbers from 1: neither empty nor a comment.
pub(super) fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

pub(super) fn parse(text: &str) -> Result<Parsed<KeyRing>, Vec<Problem>> {
    let mut keys: HashMap<KeyId, Key> = HashMap::new();
    let mut problems = Vec::new();
    for (line, entry) in entries(text) {
        match key(line, entry) {
            Err(text) => problems.push(Problem::new(line, text)),
            Ok((id, key)) => match keys.entry(id) {
                Entry::Vacant(place) => drop(place.insert(key)),
                Entry::Occupied(before) => {
                    let said = format!("the id is in line {} already", before.get().line);
                    problems.push(Problem::new(line, said));
                }
            },
        }
    }
    if keys.len() > KEYS_MAX {
        problems.push(Problem::new(0, format!("it has more than {KEYS_MAX} keys")));
    }
    match problems.is_empty() {
        true => Ok(Parsed { value: KeyRing(keys), warnings: Vec::new() }),
        false => Err(problems),
    }
}

fn key(line: usize, entry: &str) -> Result<(KeyId, Key), String> {
    if entry.len() > LINE_BYTES_MAX {
        return Err(format!("the line has more than {LINE_BYTES_MAX} bytes"));
    }
    // the last field is a moment, and has colons of its own
    let fields: Vec<&str> = entry.splitn(7, ':').collect();
    let [id, digest, name, roles, groups, _created, expires] = fields[..] else {
        return Err("expected id:sha256:name:roles:groups:created:expires".to_string());
    };
    let id = KeyId::parse(id).ok_or("the id is to be 16 characters of a to z and 2 to 7")?;
    let digest = Digest::parse(digest).ok_or("the SHA-256 is to be 64 hexadecimal digits")?;
    check_name(name)?;
    let expires = match expires {
        "" => None,
        text => Some(moment(text).ok_or("expected a moment at the end: 2027-01-01T12:00:00Z")?),
    };
    let identity = Memberships::parse(roles, groups)?.identity(name, Proof::ApiKey);
    Ok((id, Key { digest, identity, expires, line }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn keys_have_names_roles_groups_and_perhaps_an_end() {
        let text = format!(
            "# keys\naaaaaaaaaaaaaaaa:{DIGEST}:billing:a,b:g:2026-11-29:2027-01-01T12:00:00Z\r\n\n\
             aaaaaaaaaaaaaaab:{DIGEST}:Bob Smith::::\n"
        );
        let keys = parse(&text).unwrap().value.0;
        let billing = &keys[&KeyId::parse("aaaaaaaaaaaaaaaa").unwrap()];
        assert_eq!((billing.identity.roles.join("+"), billing.line), ("a+b".to_string(), 2));
        assert_eq!(billing.expires, moment("2027-01-01T12:00:00Z"));
        let bob = &keys[&KeyId::parse("aaaaaaaaaaaaaaab").unwrap()];
        assert_eq!((&*bob.identity.name, bob.expires), ("Bob Smith", None));
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        let text = format!(
            "aaaaaaaaaaaaaaaa:{DIGEST}:a::::\naaaaaaaaaaaaaaaa:{DIGEST}:b::::\nshort:{DIGEST}:a::::\n\
             aaaaaaaaaaaaaaab:abc:a::::\naaaaaaaaaaaaaaac:{DIGEST}:a:::\naaaaaaaaaaaaaaad:{DIGEST}:::::\n\
             aaaaaaaaaaaaaaae:{DIGEST}:a::::soon\naaaaaaaaaaaaaaaf:{DIGEST}:a:,::: \n"
        );
        let Err(problems) = parse(&text) else { panic!("it was taken") };
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8]);
    }
}
