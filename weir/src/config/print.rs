//! `weir config print`: all settings with their values and where these come from, as a file that `weir` reads. What is
//! secret is masked.

use std::fmt::Write;

use weir_kafka::{Verdict, judge};

use super::layers::Layers;
use super::setting::{Secrecy, Setting, Shape};
use super::source::Source;
use super::tree::{SETTINGS, Tree};
use super::value::{Given, Text};
use crate::settings;
use weir_serde::without_password;

/// What stands in place of a secret.
const MASK: &str = "********";

/// Parts of names of librdkafka's settings whose values are secrets, or may have some in them.
const SECRET: [&str; 8] =
    ["password", "secret", "pem", "oauthbearer", "token", "credential", "jaas", "user.info"];

/// One line for each setting, with its source behind it. A setting that has no value is a comment.
pub fn print(tree: &Tree, layers: &Layers) -> String {
    let mut lines = String::new();
    for setting in SETTINGS {
        for line in of_setting(setting, tree, layers) {
            let _ = writeln!(lines, "{line}"); // a string takes all
        }
    }
    lines
}

fn of_setting(setting: &Setting, tree: &Tree, layers: &Layers) -> Vec<String> {
    let key = setting.key;
    match layers.effective(setting) {
        Some(Given::One(text)) if text.text.is_empty() => {
            vec![format!("# {key} is not set  # {}", text.source)]
        }
        Some(Given::One(text)) => {
            vec![format!("{key} = {}  # {}", shown(setting, &text), text.source)]
        }
        Some(Given::Many(source, texts)) => {
            let values: Vec<_> = texts.iter().map(|text| shown(setting, text)).collect();
            vec![format!("{key} = [{}]  # {source}", values.join(", "))]
        }
        Some(Given::Named(names)) => {
            let line = |(name, text): (&String, &Text)| {
                let value = quoted(if is_secret(setting, name) { MASK } else { &text.text });
                format!("{key}.{} = {value}  # {}", quoted(name), text.source)
            };
            names.iter().map(line).collect()
        }
        None if key == "registry.store" => vec![implied_store(tree)],
        None => {
            let otherwise = match setting.otherwise {
                "" => String::new(),
                otherwise => format!(": {}", otherwise.replace('`', "")),
            };
            vec![format!("# {key} is not set{otherwise}  # {}", Source::Default)]
        }
    }
}

/// The store that follows from other settings.
fn implied_store(tree: &Tree) -> String {
    let store = format!("{:?}", settings::store(tree)).to_lowercase();
    let source = match tree.registry.bootstrap_servers.is_some() {
        true => Source::Implied("registry.bootstrap_servers"),
        false => Source::Default,
    };
    format!("registry.store = {}  # {source}", quoted(&store))
}

fn shown(setting: &Setting, text: &Text) -> String {
    let text = text.text.trim();
    match setting.shape {
        Shape::Switch => text.to_ascii_lowercase(),
        Shape::Integer => text.to_string(),
        _ if setting.secrecy == Secrecy::UrlUser => {
            let urls: Vec<_> = text.split(',').map(without_password).collect();
            quoted(&urls.join(","))
        }
        _ => quoted(text),
    }
}

/// Whether the value of a name must not be shown: that of a name which librdkafka does not know may be anything.
fn is_secret(setting: &Setting, name: &str) -> bool {
    let is_unknown = || judge(name, "") == Verdict::UnknownName;
    let may_be_key = name.contains("key") && !name.ends_with(".location");
    setting.secrecy == Secrecy::ByName
        && (SECRET.iter().any(|part| name.contains(part)) || may_be_key || is_unknown())
}

/// A text as a string of TOML's, whose escapes are JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
