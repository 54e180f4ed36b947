//! Confluent's settings, in the environment and in files of properties: how they are named, and what each is to Weir.

pub mod addresses;
pub mod audit;
pub mod classify;
#[cfg(test)]
mod document;
pub mod explain;
pub mod jaas;
pub mod login;
pub mod properties;
pub mod properties_file;
pub mod reference;
mod service_links;
pub mod table;
pub mod translate;
mod translate_kafka;
mod translate_listeners;
mod translate_registry_client;
mod translate_tls;
pub mod variables;

pub use service_links::is_service_link;

use std::collections::BTreeMap;

/// Variables by their names.
pub type Env = BTreeMap<String, String>;

/// What the variables of Confluent's registry begin with.
pub const REGISTRY_PREFIX: &str = "SCHEMA_REGISTRY_";
/// What the variables of Confluent's REST proxy begin with.
pub const PROXY_PREFIX: &str = "KAFKA_REST_";

/// The process's environment, without variables that are not UTF-8.
pub fn environment() -> Env {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The property that Confluent's images make of a variable behind its prefix: `API_V2_ENABLE` is
/// `api.v2.enable`; two underscores stand for one, three for a hyphen.
pub fn property(variable: &str) -> String {
    let hyphens = variable.replace("___", "-").replace("__", "\0");
    hyphens.replace('_', ".").replace('\0', "_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_property_as_in_confluents_images() {
        for (variable, expected) in [
            ("LISTENERS", "listeners"),
            ("API_V2_ENABLE", "api.v2.enable"),
            ("A__B___C_D", "a_b-c.d"),
            ("MAX_REQUEST_SIZE", "max.request.size"),
        ] {
            assert_eq!(property(variable), expected);
        }
    }
}
