//! No answer has a word of what its caller may not read, whatever the rules are and whatever is there.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weir_access::{Action, Identity, Policy, Proof, Resource};

use super::{ADMIN, Guarded, allow};

/// Registries and callers that are tried.
const CASES: u64 = 30;

const CONTEXTS: [&str; 3] = ["", ":.eu:", ":.us:"];
const TEXTS: usize = 6;
const SUBJECTS: usize = 9;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn often(&mut self) -> bool {
        self.below(3) < 2
    }
}

/// A version that is there: a text, under an id that stands nowhere else but in its context.
#[derive(Clone)]
struct Stored {
    subject: String,
    version: usize,
    text: usize,
    id: usize,
}

/// A registry's content, each part with a word that stands nowhere else.
struct Content {
    versions: Vec<Stored>,
    /// The subject that each text refers to, in its first version.
    refers_to: Vec<Option<String>>,
    /// Aliases and what they stand for.
    aliases: Vec<(String, String)>,
}

fn context_of(subject: &str) -> usize {
    (1..CONTEXTS.len()).find(|at| subject.starts_with(CONTEXTS[*at])).unwrap_or(0)
}

/// The word of a name: what is left without its context.
fn word(subject: &str) -> &str {
    subject.rsplit(':').next().unwrap()
}

impl Content {
    fn of(dice: &mut Dice) -> Content {
        let subjects: Vec<String> =
            (0..SUBJECTS).map(|n| format!("{}subject{n}q", CONTEXTS[dice.below(3)])).collect();
        let refers_to: Vec<Option<String>> = (0..TEXTS)
            .map(|text| (text > 0 && dice.often()).then(|| qualified(&subjects[text - 1])))
            .collect();
        let mut versions = Vec::new();
        for (number, subject) in subjects.iter().enumerate() {
            // the first subjects have the texts in order, so that each reference finds one before it
            let texts = if number < TEXTS { vec![number] } else { vec![] };
            let more = (0..dice.below(3)).map(|_| dice.below(TEXTS)).collect::<Vec<_>>();
            let mut seen = BTreeSet::new();
            for text in texts.into_iter().chain(more).filter(|text| seen.insert(*text)) {
                let id = 70_000 + 1_000 * context_of(subject) + text;
                let version = seen_before(&versions, subject) + 1;
                versions.push(Stored { subject: subject.clone(), version, text, id });
            }
        }
        let aliases = (0..3).map(|n| {
            let target = &subjects[dice.below(SUBJECTS)];
            // an alias in another context cannot name a subject of the default one
            let context = if target.starts_with(':') { CONTEXTS[dice.below(3)] } else { "" };
            (format!("{context}alias{n}q"), target.clone())
        });
        let aliases = aliases.collect();
        Content { versions, refers_to, aliases }
    }

    fn text(&self, text: usize) -> (String, Value) {
        let inner = match &self.refers_to[text] {
            Some(_) => json!(format!("T{}", text - 1)),
            None => json!("int"),
        };
        let fields = json!([{"name": "a", "type": inner}]);
        let doc = format!("doc{text}q");
        let schema =
            json!({"type": "record", "name": format!("T{text}"), "doc": doc, "fields": fields});
        let references = self.refers_to[text].iter().map(
            |subject| json!({"name": format!("T{}", text - 1), "subject": subject, "version": 1}),
        );
        (schema.to_string(), references.collect())
    }

    fn records(&self, dice: &mut Dice) -> Vec<(Value, Value)> {
        let mut records = Vec::new();
        for context in [".eu", ".us"] {
            let key =
                json!({"keytype": "CONTEXT", "tenant": "default", "context": context, "magic": 0});
            records.push((key, json!({"tenant": "default", "context": context})));
        }
        for Stored { subject, version, text, id } in &self.versions {
            let (schema, references) = self.text(*text);
            let key =
                json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1});
            let value = json!({
                "subject": subject, "version": version, "id": id, "references": references,
                "schema": schema, "deleted": dice.below(5) == 0,
            });
            records.push((key, value));
        }
        records
    }

    fn names(&self) -> BTreeSet<String> {
        let subjects = self.versions.iter().map(|stored| stored.subject.clone());
        subjects.chain(self.aliases.iter().map(|(alias, _)| alias.clone())).collect()
    }
}

fn seen_before(versions: &[Stored], subject: &str) -> usize {
    versions.iter().filter(|stored| stored.subject == subject).count()
}

/// A name that means the same in every context.
fn qualified(subject: &str) -> String {
    match subject.starts_with(':') {
        true => subject.to_string(),
        false => format!(":.:{subject}"),
    }
}

/// What one caller may read.
struct Sight {
    rights: weir_access::Rights,
}

impl Sight {
    fn may(&self, action: Action, subject: &str) -> bool {
        self.rights.verdict(action, Resource::subject(subject)).allowed
    }

    fn reads(&self, subject: &str) -> bool {
        self.may(Action::Read, subject)
    }

    /// Returns true if the caller's rules speak of a subject at all: it knows the name then.
    fn knows(&self, subject: &str) -> bool {
        Action::ALL.into_iter().any(|action| self.may(action, subject))
    }

    /// Words that no answer may have.
    fn hidden(&self, content: &Content, guids: &[(usize, String)]) -> BTreeSet<String> {
        let mut hidden: BTreeSet<String> = BTreeSet::new();
        let names = content.names();
        hidden.extend(names.iter().filter(|name| !self.knows(name)).map(|name| word(name).into()));
        let readable: Vec<&Stored> =
            content.versions.iter().filter(|stored| self.reads(&stored.subject)).collect();
        for stored in &content.versions {
            // who writes a subject is told the id of what it has written, or found
            let mut same = content.versions.iter().filter(|other| other.id == stored.id);
            let is_told = |other: &Stored| {
                self.reads(&other.subject) || self.may(Action::Write, &other.subject)
            };
            if !same.any(is_told) {
                hidden.insert(stored.id.to_string());
            }
            if !readable.iter().any(|other| other.text == stored.text) {
                hidden.insert(format!("doc{}q", stored.text));
                let guids = guids.iter().filter(|(text, _)| *text == stored.text);
                hidden.extend(guids.map(|(_, guid)| guid.clone()));
            }
        }
        // a schema that may be read says itself what it refers to
        for stored in readable {
            if let Some(subject) = &content.refers_to[stored.text] {
                hidden.remove(word(subject));
            }
        }
        hidden
    }
}

/// A caller's rules: some names, a context, a prefix.
fn rules(content: &Content, dice: &mut Dice) -> String {
    let mut on: Vec<String> = Vec::new();
    on.extend(
        content
            .names()
            .into_iter()
            .filter(|_| dice.below(3) == 0)
            .map(|name| format!("subject:{name}")),
    );
    on.extend((dice.below(3) == 0).then(|| "subject::.eu:*".to_string()));
    on.extend((dice.below(3) == 0).then(|| "context:.us".to_string()));
    on.extend((dice.below(2) == 0).then(|| "cluster:registry".to_string()));
    let mut rules = String::new();
    let mut may = |action: &str, on: &[String]| {
        let on: Vec<&str> = on.iter().map(String::as_str).collect();
        if !on.is_empty() {
            rules.push_str(&allow("somebody", &[action], &on));
        }
    };
    may("read", &on);
    for action in ["write", "delete", "configure"] {
        let some = content.names().into_iter().filter(|_| dice.below(4) == 0);
        let some: Vec<String> = some.map(|name| format!("subject:{name}")).collect();
        may(action, &some);
    }
    rules
}

/// Requests that change something, or are refused. None of them makes anything readable that was not.
fn changes(content: &Content) -> Vec<(&'static str, String, Value)> {
    let mut changes = Vec::new();
    let dry = |subject: &str| {
        json!({
            "resourceName": "topic", "resourceNamespace": "ns", "resourceId": "topic", "resourceType": "topic",
            "associations": [{"subject": subject, "associationType": "value", "lifecycle": "WEAK"}],
        })
    };
    for name in content.names() {
        let versions = format!("/subjects/{name}/versions");
        changes.push(("POST", versions.clone(), json!({"schema": "\"long\""})));
        changes.push(("POST", versions.clone(), json!({})));
        changes.push((
            "POST",
            format!("{versions}/1/tags"),
            json!({"metadata": {"properties": {"a": "b"}}}),
        ));
        for text in 0..TEXTS {
            let (_, references) = content.text(text);
            let schema =
                json!({"type": "record", "name": "New", "fields": [{"name": "a", "type": "int"}]});
            let body = json!({"schema": schema.to_string(), "references": references});
            changes.push(("POST", versions.clone(), body));
        }
        changes.push(("PUT", format!("/config/{name}"), json!({"compatibility": "FULL"})));
        changes.push(("PUT", format!("/mode/{name}?force=true"), json!({"mode": "READWRITE"})));
        changes.push(("POST", "/associations?dryRun=true".into(), dry(&name)));
        changes.push(("PUT", "/associations/resources/topic?dryRun=true".into(), dry(&name)));
        changes.push(("DELETE", format!("/config/{name}"), Value::Null));
    }
    changes.push(("DELETE", "/associations/resources/topic".into(), Value::Null));
    for name in content.names() {
        changes.push(("DELETE", format!("/subjects/{name}/versions/latest"), Value::Null));
        changes.push(("DELETE", format!("/subjects/{name}"), Value::Null));
        changes.push(("DELETE", format!("/subjects/{name}?permanent=true"), Value::Null));
    }
    changes.push(("DELETE", "/contexts/.eu".into(), Value::Null));
    changes
}

fn questions(content: &Content, guids: &[(usize, String)]) -> Vec<(&'static str, String, Value)> {
    let mut paths: Vec<String> = [
        "/subjects?deleted=true",
        "/subjects?deletedOnly=true",
        "/subjects?subjectPrefix=:.eu:&deleted=true",
        "/contexts/.us/subjects?deleted=true",
        "/schemas?subjectPrefix=:*:&deleted=true&aliases=true",
        "/schemas?subjectPrefix=:.eu:&aliases=true",
        "/schemas?latestOnly=true&resourceType=topic&subjectPrefix=:*:",
        "/contexts/.us/schemas?aliases=true",
        "/contexts",
        "/metrics",
        "/v1/cluster",
        "/config?defaultToGlobal=true",
        "/associations/resources/topic",
        "/associations/resources/ns/topic",
        "/associations/resources/-/topic?limit=1",
    ]
    .map(String::from)
    .into();
    let ids: BTreeSet<(usize, usize)> =
        content.versions.iter().map(|stored| (context_of(&stored.subject), stored.id)).collect();
    let names = content.names();
    let bare = names.iter().map(|name| word(name).to_string());
    let all: BTreeSet<String> = names.iter().cloned().chain(bare).collect();
    for (context, id) in ids {
        let context = CONTEXTS[context];
        for tail in ["", "/schema", "/subjects", "/versions"] {
            for format in ["deleted=true", "format=resolved&referenceFormat=qualified&findTags=*"] {
                paths.push(format!("/schemas/ids/{id}{tail}?subject={context}&{format}"));
            }
        }
        for name in &all {
            paths.push(format!("/schemas/ids/{id}?subject={name}"));
            paths.push(format!("/schemas/ids/{id}/versions?deleted=true&subject={name}"));
        }
    }
    for (_, guid) in guids {
        paths.push(format!("/schemas/guids/{guid}?format=resolved"));
        paths.push(format!("/schemas/guids/{guid}"));
        paths.push(format!("/schemas/guids/{guid}/ids"));
    }
    let mut posts = Vec::new();
    for name in &all {
        for path in [
            "/subjects/NAME/versions?deleted=true",
            "/subjects/NAME/versions/1?deleted=true",
            "/subjects/NAME/versions/1?deleted=true&format=resolved&findTags=*",
            "/subjects/NAME/versions/latest/schema",
            "/subjects/NAME/versions/1/referencedby?deleted=true",
            "/subjects/NAME/metadata?deleted=true",
            "/config/NAME?defaultToGlobal=true",
            "/config/NAME",
            "/mode/NAME?defaultToGlobal=true",
            "/associations/subjects/NAME",
        ] {
            paths.push(path.replace("NAME", name));
        }
        posts.push((
            format!("/compatibility/subjects/{name}/versions?verbose=true"),
            json!({"schema": "\"long\""}),
        ));
        for text in 0..TEXTS {
            let (schema, references) = content.text(text);
            let body = json!({"schema": schema, "references": references});
            posts.push((format!("/subjects/{name}?deleted=true"), body));
        }
    }
    let batch = json!({"requests": [{"resourceId": "topic"}, {"resourceName": "topic", "resourceNamespace": "-"}]});
    posts.push(("/associations:batchGet?includeSchemas=true".into(), batch));
    let gets = paths.into_iter().map(|path| ("GET", path, Value::Null));
    gets.chain(posts.into_iter().map(|(path, body)| ("POST", path, body))).collect()
}

async fn try_one(seed: u64) {
    let mut dice = Dice(seed * 0x9E37_79B9 + 1);
    let content = Content::of(&mut dice);
    let rules = rules(&content, &mut dice);
    let registry = Guarded::on(&content.records(&mut dice), &rules);
    for (alias, target) in &content.aliases {
        registry.set(&format!("/config/{alias}"), &json!({"alias": target})).await;
    }
    for (number, association_type) in ["key", "value"].into_iter().enumerate() {
        let subject = &content.versions[number].subject;
        let associated = json!({
            "resourceName": "topic", "resourceNamespace": "ns", "resourceId": "topic", "resourceType": "topic",
            "associations": [{
                "subject": subject, "associationType": association_type, "lifecycle": "WEAK",
            }],
        });
        registry.post(ADMIN, "/associations", &associated).await;
    }
    let mut guids = Vec::new();
    for Stored { subject, text, id, .. } in &content.versions {
        let context = CONTEXTS[context_of(subject)];
        let schema =
            registry.get(ADMIN, &format!("/schemas/ids/{id}?subject={context}")).await.ok();
        guids.push((*text, schema["guid"].as_str().unwrap().to_string()));
    }
    let policy = Policy::parse(&rules).unwrap();
    let sight = Sight { rights: policy.rights(&Identity::new("somebody", Proof::Password)) };
    let hidden = sight.hidden(&content, &guids);
    let questions = questions(&content, &guids);
    for (method, path, body) in questions.into_iter().chain(changes(&content)) {
        let text = (!body.is_null()).then(|| body.to_string());
        let asked = format!("{path} {}", text.as_deref().unwrap_or_default());
        let said = registry.send("somebody", method, &path, text).await;
        let leaked: Vec<&String> = hidden
            .iter()
            .filter(|word| said.text.contains(*word) && !asked.contains(*word))
            .collect();
        assert!(
            leaked.is_empty(),
            "seed {seed}, {method} {asked}: {leaked:?} in {}\n{rules}",
            said.text
        );
        let is_of_hidden_id =
            hidden.iter().any(|id| path.starts_with(&format!("/schemas/ids/{id}")));
        assert!(!is_of_hidden_id || said.status == 404, "seed {seed}, {asked}: {said:?}\n{rules}");
        assert!(said.status < 500, "seed {seed}, {asked}: {said:?}");
    }
}

#[tokio::test]
async fn no_answer_has_a_word_of_what_its_caller_may_not_read() {
    for seed in 0..CASES {
        try_one(seed).await;
    }
}
