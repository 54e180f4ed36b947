use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::action::Action;
use crate::resource::{Kind, Resource};

const EXAMPLE: &str = r#"
[[grant]]
role = "admin"
to = "group:platform"
on = "*"

[[grant]]
role = "developer"
to = ["group:payments", "user:ci"]
on = ["subject:payments-*", "topic:payments.*", "group:payments-*"]

[[rule]]
name = "ledger"
deny = ["delete", "configure"]
to = "*"
on = "subject:payments-ledger-value"

[[rule]]
allow = "read"
to = ["role:auditor", "anonymous"]
on = ["subject:*", "context:.eu"]

[role.auditor]
members = ["user:eve", "group:audit"]

[role.owner]
may = ["read", "write", "delete", "configure"]

[[grant]]
name = "own"
role = "owner"
to = "user:bob"
on = ["topic:bob", "cluster:kafka"]

[[quota]]
to = "*"
requests_per_sec = 100
in_flight = 10

[[quota]]
to = ["user:ci"]
requests_per_sec = 1000
bytes_per_sec = 1_000_000
in_flight = 4
"#;

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// An identity as words say it: `alice`, `group:payments`, `role:auditor`.
fn identity(words: &[&str]) -> Identity {
    let named = |kind: &str| -> Vec<Arc<str>> {
        words.iter().filter_map(|word| word.strip_prefix(kind)).map(Arc::from).collect()
    };
    let name = words.iter().find(|word| !word.contains(':')).unwrap_or(&"somebody");
    Identity {
        groups: named("group:").into(),
        roles: named("role:").into(),
        ..Identity::new(name, Proof::Password)
    }
}

/// The verdict of a policy as `allowed: rule ledger, line 12`.
fn said(policy: &Policy, identity: &Identity, action: Action, resource: Resource<'_>) -> String {
    let rights = policy.rights(identity);
    let verdict = rights.verdict(action, resource);
    let allowed = if verdict.allowed { "allowed" } else { "denied" };
    verdict.rule.map_or(allowed.into(), |rule| format!("{allowed}: {rule}"))
}

#[test]
fn the_rule_that_decides_is_named_with_its_line() {
    let policy = policy(EXAMPLE);
    let payments = identity(&["alice", "group:payments"]);
    let value = Resource::subject("payments-value");
    let ledger = Resource::subject("payments-ledger-value");
    for (who, action, resource, expected) in [
        (&payments, Action::Write, value, "allowed: rule grant of developer, line 7"),
        (&payments, Action::Write, ledger, "allowed: rule grant of developer, line 7"),
        (&payments, Action::Delete, value, "denied"),
        (&payments, Action::Delete, ledger, "denied: rule ledger, line 12"),
        (&payments, Action::Read, Resource::subject("orders-value"), "denied"),
        (
            &payments,
            Action::Read,
            Resource::topic("payments.in"),
            "allowed: rule grant of developer, line 7",
        ),
        (&payments, Action::Read, Resource::topic("payments"), "denied"),
        (
            &identity(&["ci"]),
            Action::Write,
            Resource::group("payments-1"),
            "allowed: rule grant of developer, line 7",
        ),
        (
            &identity(&["root", "group:platform"]),
            Action::Delete,
            value,
            "allowed: rule grant of admin, line 2",
        ),
        (
            &identity(&["root", "group:platform"]),
            Action::Delete,
            ledger,
            "denied: rule ledger, line 12",
        ),
        (
            &identity(&["root", "group:platform"]),
            Action::Admin,
            Resource::KAFKA,
            "allowed: rule grant of admin, line 2",
        ),
        (
            &identity(&["x", "role:auditor"]),
            Action::Read,
            value,
            "allowed: rule allow read, line 18",
        ),
        (&identity(&["eve"]), Action::Read, value, "allowed: rule allow read, line 18"),
        (
            &identity(&["x", "group:audit"]),
            Action::Read,
            Resource::context(".eu"),
            "allowed: rule allow read, line 18",
        ),
        (&identity(&["bob"]), Action::Configure, Resource::KAFKA, "allowed: rule own, line 29"),
        (&identity(&["bob"]), Action::Admin, Resource::KAFKA, "denied"),
        (&identity(&["x", "role:owner"]), Action::Read, Resource::topic("bob"), "denied"),
        (&Identity::anonymous(), Action::Read, ledger, "allowed: rule allow read, line 18"),
        (&Identity::anonymous(), Action::Delete, ledger, "denied"),
    ] {
        assert_eq!(said(&policy, who, action, resource), expected, "{who:?} {action} {resource}");
    }
}

/// The examples of a page that are written in TOML.
fn examples(page: &str) -> Vec<&str> {
    let blocks = page.split("```toml\n").skip(1);
    blocks.filter_map(|block| block.split("```").next()).collect()
}

#[test]
fn the_examples_of_the_documentation_say_what_they_are_said_to_say() {
    let page = include_str!("../../../docs/access.md");
    let rules: Vec<&str> =
        examples(page).into_iter().filter(|example| example.contains("[[")).collect();
    assert_eq!(rules.len(), 4);
    let policies: Vec<Policy> = rules.into_iter().map(policy).collect();
    let complete = &policies[1];
    let carol = identity(&["carol", "group:payments"]);
    let ledger = Resource::subject("payments-ledger-value");
    let said = said(complete, &carol, Action::Delete, ledger).replace("denied: ", "");
    assert!(page.contains(&format!("({})", said.replace(" line ", " access.toml:"))), "{said}");
    for (who, action, resource, expected) in [
        (&carol, Action::Delete, Resource::subject("payments-value"), true),
        (&identity(&["payments-ci"]), Action::Write, Resource::topic("payments.in"), true),
        (&identity(&["x", "group:audit"]), Action::Read, Resource::subject(":.eu:a"), true),
        (&identity(&["eve"]), Action::Read, Resource::topic("payments.in"), false),
        (&identity(&["x", "group:europe"]), Action::Delete, Resource::context(".eu"), false),
        (&Identity::anonymous(), Action::Read, Resource::subject("public-a"), true),
    ] {
        let verdict = complete.rights(who).verdict(action, resource).allowed;
        assert_eq!(verdict, expected, "{who:?} {action} {resource}");
    }
}

#[test]
fn quotas_are_the_smallest_of_those_that_concern_somebody() {
    let policy = policy(EXAMPLE);
    let ci = Quotas {
        requests_per_sec: Some(100),
        bytes_per_sec: Some(1_000_000),
        in_flight: Some(4),
        consumer_instances: None,
    };
    assert_eq!(policy.rights(&identity(&["ci"])).quotas(), ci);
    let all = Quotas { requests_per_sec: Some(100), in_flight: Some(10), ..Quotas::default() };
    assert_eq!(policy.rights(&identity(&["alice"])).quotas(), all);
    assert_eq!(policy.rights(&Identity::anonymous()).quotas(), Quotas::default());
}

#[test]
fn built_in_roles_do_what_their_names_say() {
    for (role, may) in [
        ("reader", "read"),
        ("developer", "read write"),
        ("operator", "read delete configure"),
        ("admin", "read write delete configure admin"),
    ] {
        let text = format!("[[grant]]\nrole = '{role}'\nto = 'role:{role}'\non = '*'");
        let rights = policy(&text).rights(&identity(&["role:", &format!("role:{role}")]));
        for kind in Kind::ALL {
            let allowed = Action::ALL
                .into_iter()
                .filter(|action| rights.verdict(*action, Resource { kind, name: "x" }).allowed);
            let names: Vec<&str> = allowed.map(Action::name).collect();
            assert_eq!(names.join(" "), may, "{role} on {kind}");
        }
    }
    // the name of a role gives nothing by itself
    let rights = policy("").rights(&identity(&["role:admin"]));
    assert!(Kind::ALL.into_iter().all(|kind| !rights.on_any(Action::Read, kind)));
}

#[test]
fn an_empty_policy_denies_everything_to_everybody() {
    for who in [identity(&["alice", "group:admin", "role:admin"]), Identity::anonymous()] {
        for action in Action::ALL {
            assert_eq!(said(&policy("# nothing"), &who, action, Resource::REGISTRY), "denied");
        }
    }
}

#[test]
fn names_are_compared_byte_by_byte() {
    let text = "[[rule]]\nallow = 'read'\nto = ['user:alice', 'group:caf\u{e9}']\n\
                on = ['subject:caf\u{e9}', 'subject:a.c', 'subject:pre-*']";
    let policy = policy(text);
    let reads = |who: &[&str], name: &str| {
        policy.rights(&identity(who)).verdict(Action::Read, Resource::subject(name)).allowed
    };
    for name in ["caf\u{e9}", "a.c", "pre-", "pre-x", "pre-\n", "pre-*"] {
        assert!(reads(&["alice"], name), "{name:?}");
    }
    for name in [
        "cafe\u{301}",
        "Caf\u{e9}",
        "caf\u{e9} ",
        " caf\u{e9}",
        "caf\u{e9}\n",
        "caf\u{e9}.",
        "abc",
        "a.c\0",
        "pre",
        "Pre-x",
        "xpre-x",
        ":.eu:pre-x",
        "",
        "*",
    ] {
        assert!(!reads(&["alice"], name), "{name:?}");
    }
    for who in ["Alice", "alice ", "alice\n", "alic\u{435}", "alice@x"] {
        assert!(!reads(&[who], "a.c"), "{who:?}");
    }
    assert!(reads(&["x", "group:caf\u{e9}"], "a.c"));
    assert!(!reads(&["x", "group:cafe\u{301}"], "a.c"));
}

#[test]
fn who_has_proved_nothing_is_anonymous_and_nobody_else() {
    let to = |to: &str| policy(&format!("[[rule]]\nallow = 'read'\nto = '{to}'\non = '*'"));
    let reads = |policy: &Policy, who: &Identity| {
        policy.rights(who).verdict(Action::Read, Resource::KAFKA).allowed
    };
    let named = Identity::new("anonymous", Proof::Password);
    assert!(reads(&to("anonymous"), &Identity::anonymous()));
    assert!(!reads(&to("*"), &Identity::anonymous()));
    assert!(!reads(&to("user:anonymous"), &Identity::anonymous()));
    assert!(!reads(&to("anonymous"), &named));
    assert!(reads(&to("user:anonymous"), &named));
    assert!(reads(&to("*"), &named));
}

#[test]
fn all_and_some_of_a_kind_are_known() {
    let text = "
        [[rule]]
        allow = ['read', 'write']
        to = '*'
        on = 'topic:*'
        [[rule]]
        deny = 'write'
        to = '*'
        on = 'topic:secret'
        [[rule]]
        allow = 'delete'
        to = '*'
        on = 'group:mine'
        [[rule]]
        allow = 'admin'
        to = '*'
        on = ['group:a-*', 'group:b']
        [[rule]]
        deny = 'admin'
        to = '*'
        on = 'group:*'";
    let rights = policy(text).rights(&identity(&["alice"]));
    for (action, kind, all, any) in [
        (Action::Read, Kind::Topic, true, true),
        (Action::Write, Kind::Topic, false, true),
        (Action::Delete, Kind::Topic, false, false),
        (Action::Delete, Kind::Group, false, true),
        (Action::Admin, Kind::Group, false, false),
        (Action::Read, Kind::Subject, false, false),
    ] {
        assert_eq!(rights.on_all(action, kind), all, "all: {action} {kind}");
        assert_eq!(rights.on_any(action, kind), any, "any: {action} {kind}");
    }
}

/// A rule of the naive model: all of its words as they are written.
#[derive(Clone, Debug)]
struct ModelRule {
    deny: bool,
    actions: Vec<Action>,
    to: Vec<String>,
    on: Vec<String>,
}

impl ModelRule {
    fn toml(&self, index: usize) -> String {
        let actions: Vec<&str> = self.actions.iter().map(|action| action.name()).collect();
        let effect = if self.deny { "deny" } else { "allow" };
        let ModelRule { to, on, .. } = self;
        format!("[[rule]]\nname = '{index}'\n{effect} = {actions:?}\nto = {to:?}\non = {on:?}\n")
    }

    fn concerns(&self, who: &Identity, action: Action, resource: Resource<'_>) -> bool {
        let called = |word: &String| match word.split_once(':') {
            Some(("user", name)) => *who.name == *name,
            Some(("group", name)) => who.groups.iter().any(|group| **group == *name),
            Some((_, name)) => who.roles.iter().any(|role| **role == *name),
            None => word == "*",
        };
        let written = resource.to_string();
        let meant = |word: &String| match word.strip_suffix('*') {
            Some(prefix) => written.starts_with(prefix),
            None => *word == written,
        };
        self.actions.contains(&action) && self.to.iter().any(called) && self.on.iter().any(meant)
    }
}

/// The verdict by looking at one rule after the other: whether it is allowed, and the name of the rule that decides.
fn naive(
    rules: &[ModelRule],
    who: &Identity,
    action: Action,
    resource: Resource<'_>,
) -> (bool, Option<String>) {
    let decides = |deny: bool| {
        rules.iter().position(|rule| rule.deny == deny && rule.concerns(who, action, resource))
    };
    match (decides(true), decides(false)) {
        (Some(index), _) => (false, Some(index.to_string())),
        (None, Some(index)) => (true, Some(index.to_string())),
        (None, None) => (false, None),
    }
}

fn words(
    count: std::ops::Range<usize>,
    word: impl Strategy<Value = String>,
) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(word, count)
}

/// Few letters, so that names and prefixes meet.
fn on() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just("*".to_string()),
        5 => "(subject|topic):[ab\u{e9}]{1,4}",
        5 => "(subject|topic):[ab\u{e9}]{0,3}\\*",
    ]
}

fn model_rule() -> impl Strategy<Value = ModelRule> {
    let actions = proptest::sample::subsequence(Action::ALL.to_vec(), 1..=3);
    let to = words(1..3, "(user|group|role):[ab]|\\*".prop_map(String::from));
    (any::<bool>(), actions, to, words(1..4, on())).prop_map(|(deny, actions, to, on)| ModelRule {
        deny,
        actions,
        to,
        on,
    })
}

fn model_identity() -> impl Strategy<Value = Identity> {
    let names = || proptest::collection::vec("[abc]".prop_map(Arc::<str>::from), 0..3);
    ("[abc]", names(), names()).prop_map(|(name, groups, roles)| Identity {
        groups: groups.into(),
        roles: roles.into(),
        ..Identity::new(&name, Proof::Token)
    })
}

fn toml(rules: &[ModelRule]) -> String {
    rules.iter().enumerate().map(|(index, rule)| rule.toml(index)).collect()
}

/// All names of a few letters, among them one that no rule has: names with it are as good as all others that no rule has.
fn all_names() -> Vec<String> {
    let mut names = vec![String::new()];
    for at in 0.. {
        let Some(name) = names.get(at).cloned() else { break };
        if name.chars().count() < 4 {
            names.extend(["a", "b", "\u{e9}", "z"].map(|letter| format!("{name}{letter}")));
        }
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn verdicts_are_those_of_a_list_that_is_scanned(
        rules in proptest::collection::vec(model_rule(), 0..12),
        who in model_identity(),
    ) {
        let policy = policy(&toml(&rules));
        let rights = policy.rights(&who);
        let names = all_names();
        for (kind, action) in [(Kind::Subject, Action::Read), (Kind::Subject, Action::Admin), (Kind::Topic, Action::Delete)] {
            let mut all = true;
            let mut any = false;
            for name in &names {
                let resource = Resource { kind, name };
                let verdict = rights.verdict(action, resource);
                let rule = verdict.rule.map(|rule| rule.name.to_string());
                prop_assert_eq!((verdict.allowed, rule), naive(&rules, &who, action, resource), "{}", resource);
                all &= verdict.allowed;
                any |= verdict.allowed;
            }
            prop_assert_eq!((all, any), (rights.on_all(action, kind), rights.on_any(action, kind)));
        }
    }

    #[test]
    fn the_order_of_rules_does_not_matter(
        rules in proptest::collection::vec(model_rule(), 0..12),
        who in model_identity(),
    ) {
        let there = policy(&toml(&rules)).rights(&who);
        let reversed: Vec<ModelRule> = rules.into_iter().rev().collect();
        let back = policy(&toml(&reversed)).rights(&who);
        for name in all_names() {
            for action in Action::ALL {
                let resource = Resource::topic(&name);
                let allowed = there.verdict(action, resource).allowed;
                prop_assert_eq!(allowed, back.verdict(action, resource).allowed, "{} {}", action, resource);
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(\\[\\[?(rule|grant|quota|role\\.a)\\]\\]?|(to|on|allow|deny|name|role|may|members|in_flight) = (\\[?['\"a-z:*]{0,9}\\]?|1|\\{\\})|\n){0,30}") {
        if let Err(problems) = Policy::parse(&text) {
            prop_assert!(problems.iter().all(|problem| problem.line >= 1 && problem.column >= 1));
        }
    }
}
