//! `weir config print`: all settings with their values and where these come from, as a file that `weir` reads. What is
//! secret is masked.

use std::collections::BTreeMap;

use weir_kafka::{Verdict, judge};

use super::layers::Layers;
use super::setting::{Secrecy, Setting, Shape};
use super::source::Source;
use super::tree::SETTINGS;
use super::value::{Given, Text};
use weir_serde::without_password;

/// What stands in place of a secret.
const MASK: &str = "********";

/// Parts of names of librdkafka's settings whose values are secrets, or may have some in them.
const SECRET: [&str; 8] =
    ["password", "secret", "pem", "oauthbearer", "token", "credential", "jaas", "user.info"];

/// Values that follow from other settings or from the machine, with why, by key.
pub type Computed = BTreeMap<&'static str, (String, Source)>;

/// One line for each setting, with its source behind it. A setting that has no value is a comment.
pub fn print(layers: &Layers, computed: &Computed) -> String {
    let lines = SETTINGS.iter().flat_map(|setting| of_setting(setting, layers, computed));
    lines.map(|line| line + "\n").collect()
}

fn of_setting(setting: &Setting, layers: &Layers, computed: &Computed) -> Vec<String> {
    let key = setting.key;
    match layers.effective(setting) {
        // what follows from other settings counts before a default
        Some(given) if given.source() == Source::Default && computed.contains_key(key) => {
            vec![unset(setting, computed)]
        }
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
        None => vec![unset(setting, computed)],
    }
}

/// A setting that no layer has.
fn unset(setting: &Setting, computed: &Computed) -> String {
    let key = setting.key;
    if let Some((value, source)) = computed.get(key) {
        let text = Text { text: value.clone(), source: source.clone() };
        return format!("{key} = {}  # {source}", shown(setting, &text));
    }
    let otherwise = match setting.otherwise {
        "" => String::new(),
        otherwise => format!(": {}", otherwise.replace('`', "")),
    };
    format!("# {key} is not set{otherwise}  # {}", Source::Default)
}

fn shown(setting: &Setting, text: &Text) -> String {
    let text = text.text.trim();
    match setting.shape {
        _ if setting.secrecy == Secrecy::Whole => quoted(MASK),
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
    let is_by_name = setting.secrecy == Secrecy::ByName;
    setting.secrecy == Secrecy::Whole
        || is_by_name
            && (SECRET.iter().any(|part| name.contains(part)) || may_be_key || is_unknown())
}

/// A text as a string of TOML's, whose escapes are JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
