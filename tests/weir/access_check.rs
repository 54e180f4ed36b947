//! `weir access check`: verdicts and mistakes, each with its exit code.

use std::path::Path;

use tempfile::TempDir;

use crate::process::Weir;

const RULES: &str = "
[[grant]]
role = 'developer'
to = 'group:payments'
on = ['subject:payments-*', 'topic:payments.*']

[[rule]]
name = 'ledger'
deny = 'write'
to = ['*', 'anonymous']
on = 'subject:payments-ledger'

[[rule]]
allow = 'read'
to = ['role:auditor', 'user:eve']
on = '*'
";

/// A folder with an `access.toml`.
fn folder(rules: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("access.toml"), rules).unwrap();
    folder
}

/// The exit code of `weir access check`, what it says, and what it complains about.
fn check(folder: &Path, args: &[&str], vars: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Weir::command(&[&["access", "check"], args].concat());
    let output = command.current_dir(folder).envs(vars.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_verdict_names_the_rule_and_is_the_exit_code() {
    let folder = folder(RULES);
    for (args, code, expected) in [
        (
            "alice write subject:payments-value --group payments",
            0,
            "allowed: alice may write subject:payments-value (rule grant of developer, access.toml:2)",
        ),
        (
            "user:alice write subject:payments-ledger --group x --group payments",
            1,
            "denied: user:alice may not write subject:payments-ledger (rule ledger, access.toml:7)",
        ),
        (
            "alice read topic:payments.in",
            1,
            "denied: alice may not read topic:payments.in (no rule allows it)",
        ),
        (
            "bob read cluster:kafka --role auditor",
            0,
            "allowed: bob may read cluster:kafka (rule allow read, access.toml:13)",
        ),
        (
            "anonymous write subject:payments-ledger --group payments",
            1,
            "denied: anonymous may not write subject:payments-ledger (rule ledger, access.toml:7)",
        ),
    ] {
        let args: Vec<&str> = args.split(' ').chain(["--rules", "access.toml"]).collect();
        let found = check(folder.path(), &args, &[]);
        assert_eq!(found, (code, format!("{expected}\n"), String::new()), "{args:?}");
    }
}

#[test]
fn rules_are_checked_with_all_their_mistakes() {
    let right = folder(RULES);
    let said = check(right.path(), &["--rules", "access.toml"], &[]);
    assert_eq!(said, (0, "access.toml: nothing is wrong\n".into(), String::new()));

    let wrong = folder("[[rule]]\nalow = 'read'\nto = 'alice'\non = '*'\n");
    let mistakes = "access.toml:1:1: rule.allow is missing: say what may be done, or with deny what may not\n\
                    access.toml:2:1: unknown key rule.alow: did you mean allow?\n\
                    access.toml:3:6: alice: expected user:NAME, group:NAME, role:NAME, * or anonymous\n";
    let complaint = "weir: 3 mistakes in the rules\n";
    for args in
        [&["--rules", "access.toml"][..], &["a", "read", "topic:b", "--rules", "access.toml"]]
    {
        let said = check(wrong.path(), args, &[]);
        assert_eq!(said, (2, mistakes.into(), complaint.into()), "{args:?}");
    }
}

#[test]
fn what_cannot_be_asked_has_its_own_exit_code() {
    let folder = folder(RULES);
    std::fs::write(folder.path().join("latin1.toml"), b"# caf\xe9").unwrap();
    for (args, complaint) in [
        ("alice read payments --rules access.toml", "expected KIND:NAME"),
        ("alice read topic:* --rules access.toml", "name one resource"),
        ("group:payments read topic:a --rules access.toml", "expected user:NAME"),
        (
            "alice peek topic:a --rules access.toml",
            "expected read, write, delete, configure or admin",
        ),
        ("alice read --rules access.toml", "required arguments were not provided"),
        ("alice read topic:a --rules none.toml", "cannot read none.toml"),
        ("alice read topic:a --rules latin1.toml", "cannot read latin1.toml"),
        ("alice read topic:a", "say --rules FILE"),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let (code, said, found) = check(folder.path(), &args, &[]);
        assert_eq!((code, said.as_str()), (2, ""), "{args:?}");
        assert!(found.contains(complaint), "{args:?}: {found}");
    }
}

#[test]
fn the_rules_of_the_settings_are_asked_where_no_file_is_named() {
    let folder = folder(RULES);
    let args = ["eve", "read", "topic:a"];
    let by_variable = check(folder.path(), &args, &[("WEIR_ACCESS_RULES", "access.toml")]);
    assert_eq!(by_variable.0, 0, "{by_variable:?}");
    std::fs::write(folder.path().join("weir.toml"), "[access]\nrules = 'access.toml'").unwrap();
    let by_file = check(folder.path(), &args, &[]);
    assert_eq!(by_file, by_variable);
}
