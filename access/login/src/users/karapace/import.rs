//! Rules for `access.toml` from the permissions of Karapace's auth file.

use std::fmt::Write;
use std::path::Path;

use super::resource::Scope;
use super::{AuthFile, Permission, line_of};
use crate::followed::text_of;
use crate::problem::{Problem, Unusable};

/// What permissions of Karapace have become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Text for `access.toml`. What could not be turned into a rule is in it as a comment.
    pub rules: String,
    /// The permissions that no rule of Weir's can say, each with its line and why. They are not in force.
    pub refused: Vec<Problem>,
}

/// Turns the permissions of Karapace's auth file into rules for `access.toml`.
///
/// The error is what is wrong with the file.
pub fn import_karapace(file: &Path) -> Result<Imported, Unusable> {
    let text = text_of(file)?;
    import(&text).map_err(|problems| Unusable { file: file.to_path_buf(), problems })
}

/// Turns permissions into rules.
///
/// Karapace's `Write` includes `Read`, deletes and configuration, and its resources are regular expressions that are matched at
/// the beginning of a name only: `Subject:cave` is also `cavern`. Such a resource, with a literal name and perhaps `.*` or `$`
/// behind it, becomes `subject:cave*`. Any other expression is refused.
fn import(text: &str) -> Result<Imported, Vec<Problem>> {
    let file = AuthFile::read(text)?;
    let mut rules = String::from("# From the permissions of Karapace's auth file.\n");
    let mut refused = Vec::new();
    for (index, raw) in file.permissions.iter().enumerate() {
        let rule = serde_json::from_str(raw.get())
            .map_err(|_| {
                "expected an object with the texts username, operation and resource".to_string()
            })
            .and_then(|permission| rule(index + 1, &permission));
        match rule {
            Ok(rule) => rules.push_str(&rule),
            Err(why) => {
                let line = line_of(text, raw);
                let _ = writeln!(
                    rules,
                    "\n# not a rule (line {line} of the auth file): {}",
                    one_line(&why)
                );
                refused.push(Problem::new(line, why));
            }
        }
    }
    Ok(Imported { rules, refused })
}

/// Writes the rule of a permission, or says why there is none.
fn rule(number: usize, permission: &Permission) -> Result<String, String> {
    let Permission { username, operation, resource } = permission;
    let writes = match operation.as_str() {
        "Read" => false,
        "Write" => true,
        other => return Err(format!("{other:?} is no operation: expected Read or Write")),
    };
    if username.is_empty() || username.ends_with('*') {
        return Err(format!("{username:?} is no user that a rule can name"));
    }
    let scope =
        Scope::of(resource).map_err(|why| format!("{resource:?} of {username:?}: {why}"))?;
    let mut text = String::new();
    let user = quoted(&format!("user:{username}"));
    let mut rule = |kind: &str, actions: &str, on: &str| {
        let name = quoted(&format!("karapace-{number}{kind}"));
        let _ = write!(
            text,
            "\n[[rule]]\nname = {name}\nallow = [{actions}]\nto = [{user}]\non = [{}]\n",
            quoted(on)
        );
    };
    if let Some(on) = &scope.subjects {
        let actions =
            if writes { r#""read", "write", "delete", "configure""# } else { r#""read""# };
        rule("", actions, on);
    }
    if scope.config {
        let actions = if writes { r#""read", "configure""# } else { r#""read""# };
        rule("-config", actions, "cluster:registry");
    }
    Ok(text)
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_access::Policy;

    use super::*;

    fn imported(permissions: &[(&str, &str, &str)]) -> Imported {
        let permissions: Vec<_> = permissions
            .iter()
            .map(|(username, operation, resource)| {
                json!({"username": username, "operation": operation, "resource": resource})
            })
            .collect();
        let text = serde_json::to_string_pretty(&json!({"users": [], "permissions": permissions}));
        let imported = import(&text.unwrap()).unwrap();
        assert!(Policy::parse(&imported.rules).is_ok(), "{}", imported.rules);
        imported
    }

    #[test]
    fn simple_permissions_become_rules() {
        let rules = imported(&[
            ("alice", "Read", "Subject:orders.*"),
            ("bob \"b\"", "Write", "Subject:cave"),
            ("carol", "Write", "Config:"),
        ])
        .rules;
        let expected = r#"# From the permissions of Karapace's auth file.

[[rule]]
name = "karapace-1"
allow = ["read"]
to = ["user:alice"]
on = ["subject:orders*"]

[[rule]]
name = "karapace-2"
allow = ["read", "write", "delete", "configure"]
to = ["user:bob \"b\""]
on = ["subject:cave*"]

[[rule]]
name = "karapace-3-config"
allow = ["read", "configure"]
to = ["user:carol"]
on = ["cluster:registry"]
"#;
        assert_eq!(rules, expected);
    }

    #[test]
    fn an_expression_for_everything_is_two_rules() {
        let rules = imported(&[("root", "Write", ".*")]).rules;
        assert!(
            rules.contains("on = [\"subject:*\"]") && rules.contains("on = [\"cluster:registry\"]")
        );
    }

    #[test]
    fn what_no_rule_can_say_is_named() {
        let imported = imported(&[
            ("alice", "Read", "Subject:(a|b)"),
            ("alice", "read", "Subject:a"),
            ("x*", "Read", "Subject:a"),
        ]);
        assert_eq!(imported.refused.len(), 3);
        assert!(imported.refused.iter().all(|problem| problem.line > 1));
        assert_eq!(imported.rules.matches("# not a rule").count(), 3);
        assert!(!imported.rules.contains("[[rule]]"));
    }
}
