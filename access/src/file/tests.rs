use super::*;

/// The mistakes of a text, as `line:column: text`.
fn mistakes(text: &str) -> Vec<String> {
    let problems = read(text).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

/// A rule without a mistake but for one line, which is its third.
fn rule_with(line: &str) -> String {
    let key = line.split(' ').next().unwrap_or_default();
    let others = ["allow = 'read'", "to = '*'", "on = '*'"];
    let others: Vec<&str> = others.into_iter().filter(|other| !other.starts_with(key)).collect();
    format!("[[rule]]\n\n{line}\n{}", others.join("\n"))
}

#[test]
fn a_mistake_in_a_rule_is_named_with_its_place() {
    for (line, expected) in [
        ("alow = 'read'", "3:1: unknown key rule.alow: did you mean allow?"),
        ("when = 'night'", "3:1: unknown key rule.when: expected one of name, allow, deny, to, on"),
        ("name = 7", "3:8: rule.name: expected a string, found integer"),
        ("name = ''", "3:8: rule.name is empty"),
        ("allow = 7", "3:9: rule.allow: expected a string or a list of strings, found integer"),
        (
            "allow = ['read', 7]",
            "3:18: rule.allow: expected a string or a list of strings, found integer",
        ),
        ("allow = []", "3:9: rule.allow is empty: say what may be done, or with deny what may not"),
        ("allow = ['rite']", "3:10: unknown action rite: did you mean write?"),
        ("allow = 'developer'", "3:9: developer is a role, which a [[grant]] gives"),
        (
            "allow = 'produce'",
            "3:9: unknown action produce: expected read, write, delete, configure, admin or all",
        ),
        ("deny = 'read'", "3:1: a rule allows or denies: make two rules of this one"),
        (
            "to = []",
            "3:6: rule.to is empty: say whom it concerns, \"*\" for everybody who has logged in",
        ),
        ("to = 'alice'", "3:6: alice: expected user:NAME, group:NAME, role:NAME, * or anonymous"),
        ("to = 'User:alice'", "3:6: User:alice: did you mean user:?"),
        ("to = ['\u{e9}\u{e9}:a', 'user:']", "3:15: a name is missing behind user:"),
        (
            "to = 'user:*'",
            "3:6: user:*: a user has its whole name here; * alone is everybody who has logged in",
        ),
        ("on = 'subjects:a'", "3:6: subjects:a: did you mean subject:?"),
        (
            "on = 'orders-*'",
            "3:6: orders-*: expected KIND:NAME, KIND:PREFIX* or *, and as KIND one of subject, context, topic, group, \
             transactional-id and cluster",
        ),
        ("on = 'topic:'", "3:6: a name is missing behind topic:"),
        (
            "on = 'subject:orders-*-value'",
            "3:6: subject:orders-*-value: a * may stand at the end only, for all names that begin so",
        ),
        (
            "on = 'topic:a**'",
            "3:6: topic:a**: a * may stand at the end only, for all names that begin so",
        ),
        (
            "on = 'context:eu'",
            "3:6: context:eu: the name of a context begins with a dot: context:.eu",
        ),
        (
            "on = 'subject::.:a'",
            "3:6: subject::.:a: a subject of the default context is named without its context",
        ),
        (
            "on = 'cluster:registri'",
            "3:6: cluster:registri: unknown cluster: did you mean cluster:registry?",
        ),
        (
            "on = 'cluster:ka*'",
            "3:6: cluster:ka*: expected cluster:registry, cluster:kafka or cluster:*",
        ),
        (
            "to = \"group:a\\nb*\"",
            "3:6: group:a\\nb*: a group has its whole name here; * alone is everybody who has logged in",
        ),
    ] {
        let found = mistakes(&rule_with(line));
        assert_eq!(found.last().map(String::as_str), Some(expected), "{line}");
    }
}

#[test]
fn a_mistake_elsewhere_is_named_with_its_place() {
    for (text, expected) in [
        ("rules = 1", "1:1: unknown key rules: did you mean rule?"),
        ("[users]", "1:2: unknown key users: expected one of rule, grant, quota, role"),
        ("[rule]", "1:2: rule: expected a list of tables, [[rule]], found table"),
        ("grant = [1]", "1:1: grant: expected a list of tables, [[grant]], found array"),
        ("role = 'x'", "1:1: role: expected tables, [role.NAME], found string"),
        ("[role]\nx = 1", "2:1: role.x: expected a table, found integer"),
        ("[role.x]\nmays = 'read'", "2:1: unknown key role.x.mays: did you mean may?"),
        (
            "[role.admin]\nmay = 'read'",
            "2:7: what the role admin may do is fixed: give yours another name",
        ),
        (
            "[role.x]\nmembers = ['user:a', 'role:y']",
            "2:22: role:y: a role's members are user:NAME and group:NAME",
        ),
        (
            "[[grant]]\nto = '*'\non = '*'",
            "1:1: grant.role is missing: say reader, developer, operator, admin or a role of [role.NAME]",
        ),
        (
            "[[grant]]\nrole = 'develper'\nto = '*'\non = '*'",
            "2:8: unknown role develper: did you mean developer?",
        ),
        (
            "[role.release-manager]\nmay = 'all'\n[[grant]]\nrole = 'release-maneger'\nto = '*'\non = '*'",
            "4:8: unknown role release-maneger: did you mean release-manager?",
        ),
        (
            "[role.x]\n[[grant]]\nrole = 'x'\nto = '*'\non = '*'",
            "3:8: there is nothing to grant: role.x has no may",
        ),
        (
            "[[quota]]\nto = '*'",
            "1:1: a quota has one of requests_per_sec, bytes_per_sec, in_flight, consumer_instances",
        ),
        (
            "[[quota]]\nto = '*'\nin_flight = 0",
            "3:13: quota.in_flight: expected a whole number from 1 to 4294967295",
        ),
        (
            "[[quota]]\nto = '*'\nconsumer_instances = -1",
            "3:22: quota.consumer_instances: expected a whole number from 0 to 4294967295",
        ),
        (
            "[[quota]]\nto = '*'\nbytes_per_sec = '1MB'",
            "3:17: quota.bytes_per_sec: expected a whole number from 1 to 9223372036854775807",
        ),
    ] {
        assert_eq!(mistakes(text), [expected], "{text}");
    }
    let not_toml = mistakes("[[rule]]\nto = [\n'*'");
    assert!(not_toml.len() == 1 && not_toml[0].starts_with("3:"), "{not_toml:?}");
}

#[test]
fn all_mistakes_are_told_in_the_order_of_the_file() {
    let text = "[[quota]]\nto = 'x'\n[[rule]]\n[role.a]\nmay = 'b'\n[[grant]]\nrole = 'c'\nto = 'group:d'\non = 'e'";
    let lines: Vec<String> = mistakes(text)
        .iter()
        .map(|mistake| mistake.split(':').take(2).collect::<Vec<_>>().join(":"))
        .collect();
    assert_eq!(lines, ["1:1", "2:6", "3:1", "3:1", "3:1", "5:7", "7:8", "9:6"]);
}

#[test]
fn tables_may_be_written_on_one_line_each() {
    let text = "rule = [\n{ allow = 'read', to = '*', on = '*' },\n\
                { deny = 'all', to = 'user:a', on = 'topic:b' },\n]\n\
                role = { auditor = { members = ['user:eve'] } }\n";
    let draft = read(text).unwrap();
    let rules: Vec<String> = draft.rules.iter().map(|draft| draft.rule.to_string()).collect();
    assert_eq!(rules, ["rule allow read, line 2", "rule deny all, line 3"]);
    assert_eq!(draft.roles.len(), 1);
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let long = "#".repeat(Policy::FILE_BYTES_MAX + 1);
    let found = mistakes(&long);
    assert!(found[0].starts_with("1:1: the file has 16777217 bytes"), "{found:?}");

    let line = "[[quota]]\nto='*'\nin_flight=1\n";
    assert_eq!(mistakes(&line.repeat(Policy::RULES_MAX)), Vec::<String>::new());
    let found = mistakes(&line.repeat(Policy::RULES_MAX + 1));
    assert_eq!(found, ["300001:1: there are more than 100000 rules, grants and quotas"]);
}

#[test]
fn a_file_that_is_all_mistakes_takes_little_time_and_few_lines() {
    let found = mistakes(&"[[grant]]\nrole = 'x'\nto = 'y'\non = 'z'\n".repeat(10_000));
    assert_eq!(found.len(), 1_000);
    let deep = format!("rule = {}", "[".repeat(100_000));
    assert_eq!(mistakes(&deep).len(), 1);
    let dotted = format!("{}x = 1", "a.".repeat(100_000));
    assert_eq!(mistakes(&dotted).len(), 1);
}
