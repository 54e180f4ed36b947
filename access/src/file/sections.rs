//! The sections of `access.toml`: `[[rule]]`, `[[grant]]`, `[[quota]]` and `[role.NAME]`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use toml_edit::{Item, Table, TableLike, Value};

use super::places::Places;
use super::values::{Section, Word, actions, key_span, parsed};
use crate::actions::{Actions, BUILT_IN_ROLES, built_in_role};
use crate::nearest::nearest;
use crate::pattern::{Pattern, Who};
use crate::policy::{Policy, PolicyDraft, RuleDraft, Statement};
use crate::problem::shown;
use crate::quotas::Quotas;
use crate::rights::Rule;
use crate::table::Effect;

const SECTIONS: [&str; 4] = ["rule", "grant", "quota", "role"];
const RULE_KEYS: [&str; 5] = ["name", "allow", "deny", "to", "on"];
const GRANT_KEYS: [&str; 4] = ["name", "role", "to", "on"];
const ROLE_KEYS: [&str; 2] = ["may", "members"];
const QUOTA_KEYS: [&str; 5] =
    ["to", "requests_per_sec", "bytes_per_sec", "in_flight", "consumer_instances"];

const NO_TO: &str = "say whom it concerns, \"*\" for everybody who has logged in";
const NO_ON: &str = "say which resources it concerns, \"*\" for all";

/// Roles of the file that are compared with an unknown one, to find which may be meant.
const SIMILAR_ROLES_MAX: usize = 1_000;

/// The sections of one file, as they are read.
pub(super) struct Sections<'p, 't> {
    places: &'p mut Places<'t>,
    /// Rules and grants with the byte that each begins at.
    rules: Vec<(usize, RuleDraft)>,
    quotas: Vec<(Vec<Who>, Quotas)>,
    roles: HashMap<Arc<str>, Role, FixedState>,
}

/// A role of the file's.
#[derive(Default)]
struct Role {
    may: Actions,
    members: Vec<Who>,
}

impl<'p, 't> Sections<'p, 't> {
    pub(super) fn new(places: &'p mut Places<'t>) -> Sections<'p, 't> {
        Sections { places, rules: Vec::new(), quotas: Vec::new(), roles: HashMap::default() }
    }

    pub(super) fn read(&mut self, top: &Table) {
        for (name, item) in top.iter().filter(|(name, _)| !SECTIONS.contains(name)) {
            let meant = match nearest(name, SECTIONS.into_iter()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("expected one of {}", SECTIONS.join(", ")),
            };
            let text = format!("unknown key {}: {meant}", shown(name));
            self.places.problem(key_span(top, name, item), text);
        }
        // the roles first: grants name them
        self.roles(top);
        let rules = self.list(top, "rule");
        let grants = self.list(top, "grant");
        let quotas = self.list(top, "quota");
        let mut spans =
            rules.iter().chain(&grants).chain(&quotas).map(|section| section.span.clone());
        if let Some(beyond) = spans.nth(Policy::RULES_MAX) {
            let most = Policy::RULES_MAX;
            let text = format!("there are more than {most} rules, grants and quotas");
            self.places.problem(beyond, text);
            return;
        }
        rules.iter().for_each(|section| self.rule(section));
        grants.iter().for_each(|section| self.grant(section));
        quotas.iter().for_each(|section| self.quota(section));
    }

    /// What has been read, to be used if there are no mistakes.
    pub(super) fn finish(mut self) -> PolicyDraft {
        self.rules.sort_by_key(|(at, _)| *at);
        let roles = self.roles.into_iter().filter(|(_, role)| !role.members.is_empty());
        PolicyDraft {
            rules: self.rules.into_iter().map(|(_, rule)| rule).collect(),
            quotas: self.quotas,
            roles: roles.map(|(name, role)| (name, role.members)).collect(),
        }
    }

    /// The tables of a list of tables, `[[name]]` or `name = [{..}, ..]`.
    fn list<'d>(&mut self, top: &'d Table, name: &str) -> Vec<Section<'d>> {
        let section = |table: &'d dyn TableLike, span: Option<Range<usize>>| Section {
            name: name.into(),
            table,
            span,
        };
        match top.get(name) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => {
                tables.iter().map(|table| section(table, table.span())).collect()
            }
            Some(Item::Value(Value::Array(array)))
                if array.iter().all(|value| value.is_inline_table()) =>
            {
                let tables = array.iter().filter_map(Value::as_inline_table);
                tables.map(|table| section(table, table.span())).collect()
            }
            Some(item) => {
                let found = item.type_name();
                let text = format!("{name}: expected a list of tables, [[{name}]], found {found}");
                self.places.problem(key_span(top, name, item), text);
                Vec::new()
            }
        }
    }

    fn roles(&mut self, top: &Table) {
        let Some(item) = top.get("role") else { return };
        let Some(roles) = item.as_table_like() else {
            let found = item.type_name();
            let text = format!("role: expected tables, [role.NAME], found {found}");
            self.places.problem(key_span(top, "role", item), text);
            return;
        };
        for (name, item) in roles.iter() {
            let span = key_span(roles, name, item);
            let Some(table) = item.as_table_like() else {
                let found = item.type_name();
                let text = format!("role.{}: expected a table, found {found}", shown(name));
                self.places.problem(span, text);
                continue;
            };
            self.role(name, Section { name: format!("role.{}", shown(name)), table, span });
        }
    }

    fn role(&mut self, name: &str, section: Section<'_>) {
        if name.is_empty() || name.ends_with('*') {
            let text = "a role has a name, which does not end with a *";
            self.places.problem(section.span.clone(), text);
        }
        section.check_keys(&ROLE_KEYS, self.places);
        let may = section.optional_words("may", self.places);
        if let (Some(word), Some(_)) = (may.first(), built_in_role(name)) {
            let text = format!("what the role {name} may do is fixed: give yours another name");
            self.places.problem(word.span.clone(), text);
        }
        let may = actions(may, self.places);
        let members = section.optional_words("members", self.places);
        let members = parsed(members, member, self.places);
        self.roles.insert(name.into(), Role { may, members });
    }

    fn rule(&mut self, section: &Section<'_>) {
        section.check_keys(&RULE_KEYS, self.places);
        let name = section.text("name", self.places).map(|word| word.text.into());
        let has = |key| section.table.contains_key(key);
        let (effect, key) = match (has("allow"), has("deny")) {
            (true, true) => {
                let span = section.table.get_key_value("deny").and_then(|(key, _)| key.span());
                let text = "a rule allows or denies: make two rules of this one";
                self.places.problem(span, text);
                (Effect::Deny, "deny")
            }
            (_, true) => (Effect::Deny, "deny"),
            _ => (Effect::Allow, "allow"),
        };
        let missing = "say what may be done, or with deny what may not";
        let actions = actions(section.words(key, missing, self.places), self.places);
        let name = name.unwrap_or_else(|| called(key, actions));
        self.add(section, name, effect, actions);
    }

    fn grant(&mut self, section: &Section<'_>) {
        section.check_keys(&GRANT_KEYS, self.places);
        let name = section.text("name", self.places).map(|word| word.text.into());
        if !section.table.contains_key("role") {
            let text = "grant.role is missing: say reader, developer, operator, admin or a role of [role.NAME]";
            self.places.problem(section.span.clone(), text);
        }
        let role = section.text("role", self.places);
        let actions = role.as_ref().map(|role| self.granted(role)).unwrap_or_default();
        let role = role.map_or("", |role| role.text);
        let name = name.unwrap_or_else(|| format!("grant of {role}").into());
        self.add(section, name, Effect::Allow, actions);
    }

    /// What a role may do. One that nobody knows, or that may do nothing, is noted.
    fn granted(&mut self, role: &Word<'_>) -> Actions {
        if let Some(actions) = built_in_role(role.text) {
            return actions;
        }
        let name = shown(role.text);
        let text = match self.roles.get(role.text) {
            Some(found) if found.may.is_empty() => {
                format!("there is nothing to grant: role.{name} has no may")
            }
            Some(found) => return found.may,
            None => {
                let own = self.roles.keys().take(SIMILAR_ROLES_MAX).map(|name| &**name);
                let known = BUILT_IN_ROLES.iter().map(|(name, _)| *name).chain(own);
                match nearest(role.text, known) {
                    Some(meant) => format!("unknown role {name}: did you mean {meant}?"),
                    None => format!(
                        "unknown role {name}: make it with [role.NAME], or grant reader, developer, operator or admin"
                    ),
                }
            }
        };
        self.places.problem(role.span.clone(), text);
        Actions::default()
    }

    /// Adds a rule or a grant, which all have whom they concern and on what.
    fn add(&mut self, section: &Section<'_>, name: Arc<str>, effect: Effect, actions: Actions) {
        let to = parsed(section.words("to", NO_TO, self.places), Who::parse, self.places);
        let on = parsed(section.words("on", NO_ON, self.places), Pattern::parse, self.places);
        let at = section.span.as_ref().map_or(0, |span| span.start);
        let rule = Rule { name, line: self.places.line(at) };
        let statement = Statement { effect, actions, on };
        self.rules.push((at, RuleDraft { rule, to, statement }));
    }

    fn quota(&mut self, section: &Section<'_>) {
        section.check_keys(&QUOTA_KEYS, self.places);
        let to = parsed(section.words("to", NO_TO, self.places), Who::parse, self.places);
        let limits = &QUOTA_KEYS[1..];
        if !limits.iter().any(|limit| section.table.contains_key(limit)) {
            let text = format!("a quota has one of {}", limits.join(", "));
            self.places.problem(section.span.clone(), text);
        }
        let quotas = Quotas {
            requests_per_sec: self.small_number(section, "requests_per_sec", 1),
            bytes_per_sec: section.number("bytes_per_sec", 1, i64::MAX as u64, self.places),
            in_flight: self.small_number(section, "in_flight", 1),
            // none at all is a way to say that there are no consumers over HTTP
            consumer_instances: self.small_number(section, "consumer_instances", 0),
        };
        self.quotas.push((to, quotas));
    }

    fn small_number(&mut self, section: &Section<'_>, key: &str, least: u64) -> Option<u32> {
        let number = section.number(key, least, u32::MAX.into(), self.places);
        number.and_then(|number| u32::try_from(number).ok())
    }
}

/// Reads a word of a role's `members`.
fn member(word: &str) -> Result<Who, String> {
    match Who::parse(word)? {
        who @ (Who::User(_) | Who::Group(_)) => Ok(who),
        _ => Err(format!("{}: a role's members are user:NAME and group:NAME", shown(word))),
    }
}

/// What a rule without a name is called: what it does.
fn called(key: &str, actions: Actions) -> Arc<str> {
    if actions == Actions::ALL {
        return format!("{key} all").into();
    }
    let names: Vec<&str> = actions.iter().map(|action| action.name()).collect();
    format!("{key} {}", names.join(",")).into()
}
