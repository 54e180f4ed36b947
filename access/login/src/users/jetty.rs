//! Jetty's `password.properties`, as Confluent's servers use it: `name: credential[,role...]` in the syntax of Java's properties.

use super::LINE_BYTES_MAX;
use super::directory::{Directory, Gathered};
use crate::followed::Parsed;
use crate::hash::{Bcrypt, Md5, Plain, Stored, deobfuscated};
use crate::names::Memberships;
use crate::problem::Problem;

pub(super) fn parse(text: &str) -> Result<Parsed<Directory>, Vec<Problem>> {
    let mut gathered = Gathered::default();
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    for (line, entry) in logical_lines(text) {
        match add(&mut gathered, line, &entry, &mut warnings) {
            Ok(None) => {}
            Ok(Some(before)) => {
                let said =
                    format!("the user is named in line {before} too: this line holds, as in Java");
                warnings.push(Problem::new(line, said));
            }
            Err(text) => problems.push(Problem::new(line, text)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let said = format!(
        "it has the passwords of {} users in clear, obfuscated or as MD5: whoever reads it has them. `weir user add` makes a users \
         file that has not",
        gathered.len()
    );
    warnings.push(Problem::new(0, said));
    Ok(Parsed { value: gathered.finish(), warnings })
}

/// Adds the user of a line. Returns the line of one with the same name, whose place it takes.
fn add(
    gathered: &mut Gathered,
    line: usize,
    entry: &str,
    warnings: &mut Vec<Problem>,
) -> Result<Option<usize>, String> {
    if entry.len() > LINE_BYTES_MAX {
        return Err(format!("the line has more than {LINE_BYTES_MAX} bytes"));
    }
    let (name, value) = key_and_value(entry);
    let (name, value) = (unescaped(name)?, unescaped(value)?);
    let value = value.trim();
    // the credential ends at the first comma: a password with a comma cannot be written
    let (credential, roles) = value.split_once(',').unwrap_or((value, ""));
    let credential = credential.trim();
    if credential.is_empty() {
        let said = format!("{name:?} has no password, and cannot log in");
        warnings.push(Problem::new(line, said));
        return Ok(None);
    }
    if Bcrypt::is_one(credential) || credential.starts_with("$argon2") {
        let said = format!(
            "what {name:?} has is a hash by its look, but Jetty's file knows no such hash: it is taken as the password \
             itself, so that whoever has read this file can log in with it. Move the user to a users file of Weir's own"
        );
        warnings.push(Problem::new(line, said));
    }
    gathered.add(line, &name, stored(credential)?, Memberships::parse(roles.trim(), "")?)
}

fn stored(credential: &str) -> Result<Stored, String> {
    let no_random = || "the system gives no random bytes".to_string();
    if let Some(obfuscated) = credential.strip_prefix("OBF:") {
        let clear =
            deobfuscated(obfuscated).ok_or("what stands behind OBF: is not obfuscated text")?;
        return Plain::of(&clear).map(Stored::Plain).ok_or_else(no_random);
    }
    if let Some(digest) = credential.strip_prefix("MD5:") {
        let md5 =
            Md5::parse(digest).ok_or("what stands behind MD5: is not 32 hexadecimal digits")?;
        return Ok(Stored::Md5(md5));
    }
    if credential.starts_with("CRYPT:") {
        return Err("CRYPT: is not taken: it looks at 8 characters of a password, and its DES is searched through in \
                    hours. Give the user a new password, here as MD5: or in a users file of Weir's own"
            .to_string());
    }
    Plain::of(credential).map(Stored::Plain).ok_or_else(no_random)
}

/// The lines of a properties file, with the number of where each begins: a backslash at the end goes on in the next line,
/// blanks at a line's beginning are nothing, and what begins with `#` or `!` is a comment.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut logical: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim_start_matches([' ', '\t', '\x0c']);
        if !goes_on && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        let cut = backslashes % 2 == 1;
        let part = if cut { &line[..line.len() - 1] } else { line };
        match logical.last_mut().filter(|_| goes_on) {
            Some((_, whole)) => whole.push_str(part),
            None => logical.push((index + 1, part.to_string())),
        }
        goes_on = cut;
    }
    logical.retain(|(_, line)| !line.is_empty());
    logical
}

/// Splits a line at the first `=`, `:` or blank that has no backslash before it.
fn key_and_value(line: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let end = line.find(|c: char| {
        let ends = !is_escaped && matches!(c, '=' | ':' | ' ' | '\t' | '\x0c');
        is_escaped = c == '\\' && !is_escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let blanks = [' ', '\t', '\x0c'];
    let rest = rest.trim_start_matches(blanks);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(blanks))
}

/// Takes the backslashes out: `\t`, `\n`, `\r`, `\f`, `\u0041` in UTF-16, and any other character as it is.
fn unescaped(text: &str) -> Result<String, String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => chars.next().unwrap_or_default(),
            _ => {
                units.extend_from_slice(c.encode_utf16(&mut buffer));
                continue;
            }
        };
        let plain = match c {
            'u' => {
                let digits: String = chars.by_ref().take(4).collect();
                let is_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| is_hex);
                units.push(unit.ok_or("four hexadecimal digits are expected behind \\u")?);
                continue;
            }
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\x0c',
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    String::from_utf16(&units).map_err(|_| "half a character is written with \\u".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn can_log_in(text: &str, name: &str, password: &str) -> bool {
        let directory = parse(text).unwrap().value;
        directory.user(name).is_some_and(|user| user.stored.matches(password))
    }

    #[test]
    fn credentials_are_read_as_jetty_reads_them() {
        let text = "# users\n! too\nalice: secret,admin, developer\nbob=pa:ss=word\ncarol pass\n\
                    dave: OBF:1v2j1uum1xtv1zej1zer1xtn1uvk1v1v,reader\n\
                    erin:MD5:5f4dCc3b5aA765D61d8327DeB882Cf99\nfränk: pässwört\n";
        for (name, password) in [
            ("alice", "secret"),
            ("bob", "pa:ss=word"),
            ("carol", "pass"),
            ("dave", "password"),
            ("erin", "password"),
            ("fränk", "pässwört"),
        ] {
            assert!(can_log_in(text, name, password), "{name}");
        }
        assert!(!can_log_in(text, "dave", "OBF:1v2j1uum1xtv1zej1zer1xtn1uvk1v1v"));
        assert!(!can_log_in(text, "erin", "MD5:5f4dCc3b5aA765D61d8327DeB882Cf99"));
        assert!(!can_log_in(text, "alice", "secret,admin, developer"));
        let directory = parse(text).unwrap().value;
        let roles = |name| directory.user(name).unwrap().identity.roles.join("+");
        assert_eq!(
            (roles("alice"), roles("dave"), roles("bob")),
            ("admin+developer".into(), "reader".into(), "".into())
        );
    }

    #[test]
    fn the_syntax_is_that_of_javas_properties() {
        let text = "  alice \t=\t se\\\n    cret\\u0041\\ \\=,ad\\\n  min\r\nb\\:ob\\ x:p\\\\\r\\\ncarol:c";
        let lines = logical_lines(text);
        assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4, 5]);
        assert!(can_log_in("alice = se\\\n    cret\\u0041\\ \\=,r\n", "alice", "secretA ="));
        assert_eq!(key_and_value("b\\:ob\\ x:p"), ("b\\:ob\\ x", "p"));
        assert_eq!(unescaped("b\\:ob\\ x\\ud83d\\ude00").unwrap(), "b:ob x😀");
        assert!(unescaped("\\ud83d").is_err() && unescaped("\\u12").is_err());
        assert!(unescaped("\\u+123").is_err());
        assert!(can_log_in("alice:\\\n\\\nx", "alice", "x"));
        // a comment does not go on, and there are no comments in the middle of a line that does
        assert!(can_log_in("# x\\\nalice:p\\\n#q", "alice", "p#q"));
    }

    #[test]
    fn a_hash_that_jetty_does_not_know_is_taken_as_text_and_warned_about() {
        let hash = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        let parsed = parse(&format!("\nalice: {hash},admin\n")).unwrap();
        assert_eq!(parsed.warnings.len(), 2);
        assert_eq!(parsed.warnings[0].line, 2);
        assert!(!parsed.warnings[0].text.contains(hash));
        let alice = parsed.value.user("alice").unwrap();
        assert!(alice.stored.matches(hash) && !alice.stored.matches("U*U"));
    }

    #[test]
    fn mistakes_are_named_with_their_lines_and_without_the_password() {
        let text = "alice: ok\nbob: CRYPT:alHzjf8HTh5Mc,admin\ncarol: OBF:hunter\ndave: MD5:hunter\n\
                    erin: ok,a:b\nfrank: \\uhunter\n";
        let Err(problems) = parse(text) else { panic!("it was taken") };
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6]);
        assert!(problems[0].text.contains("CRYPT:"));
        assert!(problems.iter().all(|p| !p.text.contains("hunter") && !p.text.contains("alHz")));
    }

    #[test]
    fn the_last_of_two_lines_of_a_user_holds_and_no_password_is_no_login() {
        let text = "alice: one\nalice: two\nbob:\n";
        assert!(can_log_in(text, "alice", "two") && !can_log_in(text, "alice", "one"));
        let parsed = parse(text).unwrap();
        assert!(parsed.value.user("bob").is_none());
        assert_eq!(parsed.warnings.len(), 3);
    }
}
