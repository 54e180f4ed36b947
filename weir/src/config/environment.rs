//! `WEIR_*`: a variable for each setting, and one for each name of librdkafka's.

use std::collections::BTreeMap;

use weir_access::nearest;

use super::layers::Layers;
use super::setting::{Setting, Shape};
use super::source::Source;
use super::tree::SETTINGS;
use super::value::{Given, Text};
use crate::confluent::{Env, is_service_link, property};

/// All variables of ours begin so.
const PREFIX: &str = "WEIR_";

/// The variable that says where the file is.
pub const CONFIG: &str = "WEIR_CONFIG";

/// Reads Weir's own variables. The second part names those that nobody knows, with what may be meant.
pub fn read(env: &Env) -> (Layers, Vec<String>) {
    let (mut layers, mut unknown) = (Layers::default(), Vec::new());
    let mut tables: BTreeMap<&'static str, BTreeMap<String, Text>> = BTreeMap::new();
    let ours = env.iter().filter(|(name, value)| {
        name.starts_with(PREFIX) && *name != CONFIG && !is_service_link(name, value)
    });
    for (variable, value) in ours {
        let source = Source::Variable(variable.clone());
        match of_variable(variable) {
            Some((setting, None)) => layers.push(setting, Given::of_text(setting, value, &source)),
            Some((setting, Some(name))) => {
                let text = Text { text: value.clone(), source };
                tables.entry(setting.key).or_default().insert(property(name), text);
            }
            None => unknown.push(said(variable)),
        }
    }
    for setting in SETTINGS {
        if let Some(names) = tables.remove(setting.key) {
            layers.push(setting, Given::Named(names));
        }
    }
    (layers, unknown)
}

/// The setting of a variable; of a table, the name that the variable is for as well.
fn of_variable(variable: &str) -> Option<(&'static Setting, Option<&str>)> {
    let whole =
        |setting: &&Setting| setting.shape != Shape::Names && setting.variable() == variable;
    if let Some(setting) = SETTINGS.iter().find(whole) {
        return Some((setting, None));
    }
    let tables = SETTINGS.iter().filter(|setting| setting.shape == Shape::Names);
    let begun = tables.filter_map(|setting| {
        let name = variable.strip_prefix(&setting.variable())?;
        Some((setting, Some(name).filter(|name| !name.is_empty())?))
    });
    let (setting, name) = begun.min_by_key(|(_, name)| name.len())?;
    Some((setting, Some(name)))
}

fn said(variable: &str) -> String {
    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let known = known.iter().map(String::as_str).chain([CONFIG]);
    match nearest(variable, known) {
        Some(meant) => format!("{variable} (did you mean {meant}?)"),
        None => variable.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::find;

    #[test]
    fn variables_are_found_by_name_and_by_what_they_begin_with() {
        let of = |variable| of_variable(variable).map(|(setting, name)| (setting.key, name));
        assert_eq!(of("WEIR_INSECURE"), Some(("insecure", None)));
        assert_eq!(of("WEIR_REGISTRY_LISTENERS"), Some(("registry.listeners", None)));
        assert_eq!(of("WEIR_KAFKA_SASL_PASSWORD"), Some(("kafka.client", Some("SASL_PASSWORD"))));
        assert_eq!(
            of("WEIR_REGISTRY_KAFKA_LINGER_MS"),
            Some(("registry.kafka", Some("LINGER_MS")))
        );
        let timeout = Some(("registry.kafka_init_timeout_ms", None));
        assert_eq!(of("WEIR_REGISTRY_KAFKA_INIT_TIMEOUT_MS"), timeout);
        assert_eq!(of("WEIR_NO_SUCH"), None);
        assert_eq!(said("WEIR_INSECUR"), "WEIR_INSECUR (did you mean WEIR_INSECURE?)");
    }

    #[test]
    fn what_kubernetes_says_of_a_service_is_no_setting() {
        let env = [("WEIR_PORT", "tcp://10.0.0.1:8081"), ("WEIR_SERVICE_HOST", "10.0.0.1")];
        let env = env.map(|(name, value)| (name.to_string(), value.to_string())).into();
        let (layers, unknown) = read(&env);
        assert!(unknown.is_empty() && !layers.has(find("roles").unwrap().key));
    }
}
