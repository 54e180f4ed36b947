//! `weir config explain`: what one setting of Confluent's servers is to Weir, or how many are what.

use std::fmt::Write as _;

use super::classify::{Class, Judgement, classify};
use super::reference;
use super::table::Server;
use super::variables::{of_server, variable_of};
use crate::config::tree::SETTINGS;

const SERVERS: [(Server, &str); 2] = [(Server::Registry, "registry"), (Server::Proxy, "proxy")];

/// Explains a variable or a property. The second part is whether any server has it.
pub fn one(name: &str) -> (String, bool) {
    let found: Vec<(Server, String)> = match of_server(name) {
        Some(found) => vec![found],
        // a property may be one of both servers
        None => SERVERS.iter().map(|(server, _)| (*server, name.to_string())).collect(),
    };
    let (mut text, mut is_known) = (String::new(), false);
    for (server, name) in &found {
        let judged = classify(*server, name);
        if judged.class == Class::Unknown && found.len() > 1 {
            continue;
        }
        is_known |= judged.class != Class::Unknown;
        text += &explained(*server, name, &judged);
    }
    if !is_known && is_own(name) {
        return (
            format!("{name}: a setting of Weir's own, which docs/settings.md explains\n"),
            true,
        );
    }
    if text.is_empty() {
        text = format!("{name}: neither a setting of Confluent's servers nor of Weir\n");
    }
    (text, is_known)
}

/// Whether Weir has a setting with this key, variable or flag.
fn is_own(name: &str) -> bool {
    let flag = name.strip_prefix("--");
    SETTINGS.iter().any(|own| {
        own.key == name || own.variable() == name || flag.is_some_and(|flag| own.flag == flag)
    })
}

fn explained(server: Server, name: &str, judged: &Judgement) -> String {
    let of = if server == Server::Proxy { "REST proxy" } else { "registry" };
    let mut text = format!("{name} ({}), a setting of the {of}\n", variable_of(server, name));
    if let Some(known) = reference::find(server, name) {
        let default = if known.default.is_empty() { "none" } else { known.default };
        let _ = writeln!(text, "  type {}, default {default}", known.type_name);
    }
    let unless = match judged.harmless.is_empty() {
        true => String::new(),
        false => format!(" unless it is {}", judged.harmless.join(", ")),
    };
    let _ = writeln!(text, "  {}{unless}: {}", judged.class.words(), judged.said.replace('`', ""));
    text
}

/// A line for each setting of the reference: server, name, class, what there is to say, with tabs between.
pub fn all() -> String {
    let mut text = String::new();
    for setting in reference::all() {
        let judged = classify(setting.server, setting.name);
        let of = if setting.server == Server::Proxy { "proxy" } else { "registry" };
        let said = judged.said.replace('`', "");
        let _ = writeln!(text, "{of}\t{}\t{}\t{said}", setting.name, judged.class.words());
    }
    text
}

/// How many settings of each server are what.
pub fn counts() -> String {
    let mut text = format!("{:24}{:>10}{:>10}\n", "settings of Confluent's", "registry", "proxy");
    let count = |server: Server, class: Option<Class>| {
        let of_server = reference::all().filter(|it| it.server == server);
        let is = |it: &&reference::Reference| {
            class.is_none_or(|class| classify(it.server, it.name).class == class)
        };
        of_server.filter(is).count()
    };
    let rows = Class::ALL.map(|class| (class.words(), Some(class)));
    for (words, class) in rows.into_iter().chain([("all", None)]) {
        let [registry, proxy] = SERVERS.map(|(server, _)| count(server, class));
        let _ = writeln!(text, "{words:24}{registry:>10}{proxy:>10}");
    }
    text
}
