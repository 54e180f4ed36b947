//! Java's line for a login, as a property has it: words, some of them in quotes.
//!
//! Nothing of a line is ever in an error: it holds a password.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// The options of a line: `username`, `password`, ..
pub fn options(line: &str) -> Result<BTreeMap<String, String>, &'static str> {
    let mut rest = line.chars().peekable();
    let mut options = BTreeMap::new();
    loop {
        skip_white(&mut rest);
        let name = word(&mut rest);
        match rest.next() {
            None | Some(';') => return Ok(options),
            // a class, and `required`
            Some(white) if white.is_whitespace() => {}
            Some('=') => {
                let value = match rest.peek() {
                    Some(quote @ ('"' | '\'')) => {
                        let quote = *quote;
                        rest.next();
                        quoted(&mut rest, quote)?
                    }
                    _ => word(&mut rest),
                };
                options.insert(name, value);
            }
            Some(_) => return Err("a word is followed by something that does not belong there"),
        }
    }
}

fn skip_white(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
}

fn word(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !matches!(c, '=' | ';' | '"' | '\''))
    {
        word.push(c);
    }
    word
}

fn quoted(rest: &mut Peekable<Chars<'_>>, quote: char) -> Result<String, &'static str> {
    let mut value = String::new();
    loop {
        match rest.next() {
            None => return Err("a quote has no end"),
            Some('\\') => match rest.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(other) => value.push(other),
                None => return Err("a quote has no end"),
            },
            Some(c) if c == quote => return Ok(value),
            Some(c) => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(line: &str) -> Result<(String, String), &'static str> {
        // the line stands in the environment, with the escapes of a file of properties
        let options = options(&crate::confluent::properties::unescape(line))?;
        let text = |name: &str| options.get(name).cloned().unwrap_or_default();
        Ok((text("username"), text("password")))
    }

    #[test]
    fn a_login_is_found_in_all_forms_that_java_reads() {
        let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        for (rest, password) in [
            (r#" username="me" password="secret";"#, "secret"),
            (r#" username='me' password='sec"ret';"#, "sec\"ret"),
            (" username=me password=secret ;", "secret"),
            ("\tusername=\"me\"\tpassword=\"a;b=c d\";", "a;b=c d"),
            (" \\\n  username=\"me\" \\\n  password=\"secret\";", "secret"),
            // a quote in a password, and a backslash, through both kinds of escapes
            (r#" username="me" password="a\\\"b";"#, "a\"b"),
            (r#" username="me" password="a\\\\b";"#, "a\\b"),
        ] {
            let line = format!("{plain}{rest}");
            assert_eq!(login(&line), Ok(("me".into(), password.into())), "{line}");
        }
        assert!(login(&format!("{plain} username=\"me")).is_err());
        assert_eq!(login(""), Ok((String::new(), String::new())));
    }
}
