//! Karapace's resources: regular expressions over `Subject:NAME` and `Config:`.

const SUBJECT: &str = "Subject:";
const CONFIG: &str = "Config:";

/// What an expression reaches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// A resource of a rule: `subject:orders*`.
    pub(super) subjects: Option<String>,
    /// Whether the global configuration is reached.
    pub(super) config: bool,
}

/// An expression that is nothing but a literal text, and perhaps says that a name ends there.
struct Literal {
    text: String,
    is_whole: bool,
}

impl Scope {
    /// Reads an expression. The error says why no rule can say the same.
    pub(super) fn of(expression: &str) -> Result<Scope, String> {
        let Literal { text, is_whole } = Literal::of(expression)?;
        if let Some(name) = text.strip_prefix(SUBJECT) {
            let on = subjects(name, is_whole)?;
            return Ok(Scope { subjects: Some(on), config: false });
        }
        // a literal that ends before the colon, or at it
        let begins = |kind: &str| !is_whole && kind.starts_with(&text);
        let subjects = begins(SUBJECT).then(|| "subject:*".to_string());
        let config = begins(CONFIG) || text == CONFIG || (!is_whole && text.starts_with(CONFIG));
        match subjects.is_some() || config {
            true => Ok(Scope { subjects, config }),
            false => Err(format!("it reaches neither {SUBJECT}NAME nor {CONFIG}")),
        }
    }
}

/// The resource of a rule for subjects of a name, or whose names begin so.
fn subjects(name: &str, is_whole: bool) -> Result<String, String> {
    match () {
        () if name.contains('*') => {
            Err("a rule cannot name a subject with a * in its name".to_string())
        }
        () if name.starts_with(':') => {
            Err("a name that begins with a colon is in a context, which Karapace does not know"
                .to_string())
        }
        () if is_whole && name.is_empty() => {
            Err("no subject has an empty name in a rule".to_string())
        }
        () if is_whole => Ok(format!("subject:{name}")),
        () => Ok(format!("subject:{name}*")),
    }
}

impl Literal {
    fn of(expression: &str) -> Result<Literal, String> {
        let expression = expression.strip_prefix('^').unwrap_or(expression);
        // the colon no time or more, and then anything: all subjects
        let expression = if expression == "Subject:*" { "Subject" } else { expression };
        let mut text = String::new();
        let mut chars = expression.chars();
        loop {
            match (chars.as_str(), chars.next()) {
                ("" | ".*" | ".*$", _) => return Ok(Literal { text, is_whole: false }),
                ("$", _) => return Ok(Literal { text, is_whole: true }),
                (_, Some('\\')) => match chars.next() {
                    Some(c) if !c.is_alphanumeric() => text.push(c),
                    _ => {
                        return Err(
                            "a rule cannot say what stands behind its backslash".to_string()
                        );
                    }
                },
                (_, Some('.')) => {
                    return Err(
                        "its dot stands for any character; where a dot is meant, write \\."
                            .to_string(),
                    );
                }
                (
                    _,
                    Some('*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$'),
                ) => {
                    return Err("a rule knows a whole name or its beginning only".to_string());
                }
                (_, Some(c)) => text.push(c),
                (_, None) => return Ok(Literal { text, is_whole: false }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_reaches_what_begins_so() {
        for (expression, subjects, config) in [
            ("Subject:orders", Some("subject:orders*"), false),
            ("^Subject:orders.*$", Some("subject:orders*"), false),
            ("Subject:orders$", Some("subject:orders"), false),
            ("Subject:orders\\.v1-value$", Some("subject:orders.v1-value"), false),
            ("Subject:.*", Some("subject:*"), false),
            ("Subject:", Some("subject:*"), false),
            ("Subject:*", Some("subject:*"), false),
            ("Subj", Some("subject:*"), false),
            ("Config:", None, true),
            ("Config:.*", None, true),
            ("Config:$", None, true),
            ("", Some("subject:*"), true),
            (".*", Some("subject:*"), true),
        ] {
            let expected = Scope { subjects: subjects.map(str::to_string), config };
            assert_eq!(Scope::of(expression).unwrap(), expected, "{expression}");
        }
    }

    #[test]
    fn what_a_rule_cannot_say_is_refused() {
        for expression in [
            "Subject:[^c].*",
            "Subject:a|Subject:b",
            "Subject:orders.v1",
            "Subject:a+",
            "Subject:\\w+",
            "Subject:\\*",
            "Subject::.eu:a",
            "Subject:$",
            "subject:a",
            "Topic:a",
            "$",
            "Config:x$",
            "(?i)Subject:a",
        ] {
            assert!(Scope::of(expression).is_err(), "{expression}");
        }
    }
}
