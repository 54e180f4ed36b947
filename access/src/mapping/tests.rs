use super::*;

const ALICE: &str = "CN=alice,OU=dev,O=Acme,C=CH";

/// The name that rules give to a distinguished name; none if no rule gives one.
fn name(rules: &str, dn: &str) -> Option<String> {
    match MappingRules::parse(rules) {
        Ok(rules) => rules.name(dn),
        Err(why) => panic!("{rules}: {why}"),
    }
}

/// What Kafka 4.1 makes of each, but where its logins fail with an error of the replacement.
#[test]
fn names_are_those_that_kafka_gives() {
    for (rules, dn, expected) in [
        ("DEFAULT", ALICE, Some(ALICE)),
        (" DEFAULT ", "CN=a+UID=7", Some("CN=a+UID=7")),
        ("", ALICE, None),
        (" , ,", ALICE, None),
        // the whole name has to match
        ("RULE:CN=(.*?),OU/$1/", ALICE, None),
        ("RULE:CN=(.*?),OU=.*/$1/", ALICE, Some("alice")),
        ("RULE:^CN=(.*?),OU=dev.*$/$1/", ALICE, Some("alice")),
        ("RULE:^CN=(.*?),OU=ops.*$/$1/", ALICE, None),
        // the first that matches
        ("RULE:^CN=(.*?),OU=ops.*$/$1/, DEFAULT", ALICE, Some(ALICE)),
        ("RULE:.*OU=ops.*/ops/,RULE:.*OU=(.*?),.*/$1/,DEFAULT", ALICE, Some("dev")),
        ("DEFAULT,RULE:CN=(.*?),.*/$1/", ALICE, Some(ALICE)),
        (",,RULE:CN=(.*?),.*/$1/ , ,", ALICE, Some("alice")),
        // case
        ("RULE:CN=(.*?),.*/$1/U", ALICE, Some("ALICE")),
        ("RULE:CN=(.*?),.*/$1@$2/L", "CN=Bob,O=X", Some("bob@$2")),
        ("RULE:.*[Cc][Nn]=([a-zA-Z0-9.]*).*/$1/L", "OU=x,cn=A.B,C=CH", Some("a.b")),
        // escapes
        ("RULE:CN=a\\/b,(.*)/$1\\/c/", "CN=a/b,O=x", Some("O=x/c")),
        ("RULE:^CN=(.*?),.*$/$1/", "CN=Bob Smith\\, Jr,O=x", Some("Bob Smith\\")),
        ("RULE:CN=(.*)\\+UID=(.*)/$1+UID=$2/", "CN=a+UID=7", Some("a+UID=7")),
        ("RULE:CN=(.*?)\\\\,.*/$1/", "CN=Smith\\, J", Some("Smith")),
        // groups
        ("RULE:CN=(.*?),.*/$1$12/", ALICE, Some("alicealice2")),
        ("RULE:CN=(.*?),.*/$2$1/", ALICE, Some("$2alice")),
        ("RULE:CN=(.*?),OU=(.*?),.*/$2.$1/", ALICE, Some("dev.alice")),
        ("RULE:CN=(.*?),.*/<$0>/", "CN=a,O=x", Some("<CN=a,O=x>")),
        ("RULE:CN=(.*?),.*/$01/", "CN=a,O=x", Some("a")),
        ("RULE:CN=(?<name>.*?),.*/${name}!/", ALICE, Some("alice!")),
        ("RULE:CN=(a)?(b)?,.*/[$1][$2]/", "CN=b,O=x", Some("[][b]")),
        ("RULE:CN=(.*)/\\$1\\\\$1/", "CN=a", Some("$1\\a")),
        // all that matches is replaced, and nothing at the end is once more
        ("RULE:.*/static/", ALICE, Some("staticstatic")),
        ("RULE:^.*$/static/", ALICE, Some("static")),
        ("RULE:.+/static/", ALICE, Some("static")),
        ("RULE:[a-c]*?/x/", "abc", Some("xaxbxcx")),
        ("RULE:[a-c]/x/", "abc", None),
        ("RULE:(?:[a-c])+?/x/", "ab\u{63}", Some("xxx")),
        ("RULE:\u{e9}*/x/", "\u{e9}\u{e9}", Some("xx")),
        // an empty name is none
        ("RULE:CN=(.*?),.*//", ALICE, None),
        ("RULE:CN=(.*?),.*/$1/", "CN=,O=x", None),
        // the sets are ASCII
        ("RULE:CN=(\\w+),.*/$1/", "CN=al1_ce,O=x", Some("al1_ce")),
        ("RULE:CN=(\\w+),.*/$1/", "CN=\u{e9}va,O=x", None),
        ("RULE:CN=([^\\W\\d]+)\\d*,.*/$1/", "CN=abc12,O=x", Some("abc")),
        ("RULE:CN=([\\w.-]+),.*/$1/", "CN=a.b-c,O=x", Some("a.b-c")),
        ("RULE:CN=([-a-c^\\]]+),.*/$1/", "CN=-a^]c,O=x", Some("-a^]c")),
        ("RULE:CN=(a{2}b{1,}c{1,2}),.*/$1/", "CN=aabbc,O=x", Some("aabbc")),
        ("RULE:CN=(\\S+)\\s\\D,.*/$1/", "CN=a x,O=x", Some("a")),
        // exact: case, line ends, other forms of a letter
        ("RULE:CN=(alice),.*/$1/", "CN=Alice,O=x", None),
        ("RULE:CN=(.*),O=x/$1/", "CN=a\nb,O=x", None),
        ("RULE:CN=(.*?),O=x$/$1/", "CN=a,O=x\n", None),
        ("RULE:CN=(caf\u{e9}),.*/$1/", "CN=cafe\u{301},O=x", None),
        // what looks like more names of one certificate
        ("RULE:^CN=([^,]*),O=x$/$1/", "CN=admin\\,OU=y,O=x", None),
        ("RULE:^CN=([^,]*),O=x$/$1/", "CN=admin,CN=alice,O=x", None),
    ] {
        assert_eq!(name(rules, dn).as_deref(), expected, "{rules} of {dn:?}");
    }
}

#[test]
fn rules_that_kafka_refuses_and_patterns_that_mean_something_else_are_errors() {
    for (rules, expected) in [
        ("default", "expected DEFAULT or RULE:"),
        ("DEFAULT/L", "expected DEFAULT or RULE:"),
        ("rule:.*/x/", "expected DEFAULT or RULE:"),
        ("DEFAULT RULE:a/b/", "expected DEFAULT or RULE:"),
        ("RULE:.*", "both slashes"),
        ("RULE:.*/x", "both slashes"),
        ("RULE:.*\\/x/", "both slashes"),
        ("RULE:.*/x\\/", "both slashes"),
        ("RULE:.*/x/X", "not X"),
        ("RULE:.*/x/l", "not l"),
        ("RULE:.*/x/LU", "not U"),
        ("RULE:.*/x/ L", "not L"),
        ("RULE:.*/x/y/", "not y/"),
        ("RULE:a/b,RULE:c/d/", "not d/"),
        ("RULE:(.*/x/", "not understood"),
        ("RULE:.*)/x/", "not understood"),
        ("RULE:[/x/", "a [ has no ]"),
        ("RULE:[]a]/x/", "[] has nothing in it"),
        ("RULE:[b-a]/x/", "not understood"),
        ("RULE:*a/x/", "* has nothing to repeat"),
        ("RULE:a**/x/", "* has nothing to repeat"),
        ("RULE:a{,3}/x/", "{ begins a count"),
        ("RULE:a{1/x/", "{ begins a count"),
        ("RULE:{1}/x/", "{ begins a count"),
        ("RULE:a{1000}{1000}/x/", "{ begins a count"),
        ("RULE:(?:a{1000}){1000}/x/", "too large"),
        ("RULE:CN=(.*)*/$1/", "can match nothing"),
        ("RULE:CN=(?:a|(b?))+/$1/", "can match nothing"),
        ("RULE:CN=(a*){2}/$1/", "can match nothing"),
        ("RULE:(?=CN).*/x/", "look ahead or behind"),
        ("RULE:(?!CN).*/x/", "look ahead or behind"),
        ("RULE:.*(?<=x)/x/", "look ahead or behind"),
        ("RULE:.*(?<!x)/x/", "look ahead or behind"),
        ("RULE:(?>a).*/x/", "only (?: and (?<name>"),
        ("RULE:(?i)cn=.*/x/", "only (?: and (?<name>"),
        ("RULE:(?<a_b>.*)/x/", "letters and digits"),
        ("RULE:.*+/x/", "possessive"),
        ("RULE:a?+/x/", "possessive"),
        ("RULE:a{2}+/x/", "possessive"),
        ("RULE:(a)\\1/x/", "reference back"),
        ("RULE:\\p{L}*/x/", "\\p is not understood"),
        ("RULE:\\Qa\\E/x/", "\\Q is not understood"),
        ("RULE:\\bCN.*/x/", "\\b is not understood"),
        ("RULE:[a&&[^b]]/x/", "&& in brackets"),
        ("RULE:[[:alpha:]]/x/", "brackets inside brackets"),
        ("RULE:[\\w-.]/x/", "put a - last"),
        ("RULE:[a-\\d]/x/", "ends with a character"),
        ("RULE:CN=.*/$1/", "$1 needs a group"),
        ("RULE:CN=(.*)/$/", "behind $ is the number"),
        ("RULE:CN=(.*)/$x/", "behind $ is the number"),
        ("RULE:CN=(.*)/${x}/", "${x} is no group"),
        ("RULE:CN=(?<x>.*)/${x/", "${ has no }"),
    ] {
        let error = MappingRules::parse(rules).expect_err(rules);
        assert!(error.contains(expected), "{rules}: {error}");
    }
}

#[test]
fn no_pattern_takes_long_and_no_name_grows_without_end() {
    let long = "a".repeat(NAME_BYTES_MAX);
    assert_eq!(name("RULE:(a+)+b/x/", &long), None);
    assert_eq!(name("RULE:(a|a)*(a|a)*c?/$1/", &long).as_deref(), Some("a"));
    assert_eq!(name("RULE:a*?/xxxxxxxxxxxxxxxx/", &long), None);
    assert_eq!(name("RULE:(.*)/$1$1/", &long), None);
    assert_eq!(name("DEFAULT", &long).map(|name| name.len()), Some(NAME_BYTES_MAX));
    assert_eq!(name("DEFAULT", &format!("{long}a")), None);
    assert!(MappingRules::parse(&",".repeat(RULES_BYTES_MAX + 1)).is_err());
    assert!(MappingRules::parse(&format!("RULE:{}/x/", "(".repeat(50_000))).is_err());
}

#[test]
fn where_nothing_is_set_the_distinguished_name_is_the_name() {
    assert_eq!(MappingRules::default().name(ALICE).as_deref(), Some(ALICE));
}
