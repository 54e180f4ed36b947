//! Values as they come out of a Java properties file: Confluent's images write the environment into one, raw, and the
//! server reads it from there.

/// What `Properties.load` makes of a value: blanks at its beginning go, `\t`, `\n`, `\r`, `\f` and `\uXXXX` are letters,
/// a backslash at a line's end joins the next line without its leading blanks, and any other backslash goes.
///
/// A line break without a backslash would end the value there. Here it stays: what is cut off would be lost without a
/// word.
pub fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.trim_start_matches(is_blank).chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('f') => text.push('\u{c}'),
            Some('u') => {
                let digits: String = rest.clone().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                match code.and_then(char::from_u32) {
                    Some(c) => {
                        text.push(c);
                        rest.nth(3);
                    }
                    None => text.push('u'),
                }
            }
            Some('\r' | '\n') => {
                while rest.next_if(|c| is_blank(*c) || matches!(c, '\r' | '\n')).is_some() {}
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_java_reads_from_the_file() {
        for (value, expected) in [
            ("plain", "plain"),
            ("  \tleading blanks go ", "leading blanks go "),
            (r#"a\"b"#, "a\"b"),
            (r"a\\b", r"a\b"),
            (r"a\tb\nc", "a\tb\nc"),
            ("required \\\n   username", "required username"),
            ("a\\\r\n b", "ab"),
            (r"caf\u00e9\q\u12", "caf\u{e9}qu12"),
            ("ends with \\", "ends with "),
            ("two\nlines", "two\nlines"),
            ("", ""),
        ] {
            assert_eq!(unescape(value), expected, "{value:?}");
        }
    }
}
