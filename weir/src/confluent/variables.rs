//! Confluent's settings by the server and the property that they stand for, with the values that the server would read: out of its
//! files of properties and out of variables, which win.

use std::collections::BTreeMap;

use super::properties::unescape;
use super::properties_file::PropertiesFile;
use super::table::{Server, find as find_known};
use super::{Env, PROXY_PREFIX, REGISTRY_PREFIX, is_service_link, property, reference};
use crate::config::problem::Problem;
use crate::config::source::Source;

/// What the variables of the proxy's scripts begin with.
const PROXY_SCRIPTS: &str = "KAFKAREST_";

/// Variables that the registry reads itself, without a prefix, and the settings that they are.
const UNPREFIXED: [(&str, &str); 2] = [
    ("METADATA_ENCODER_SECRET", "metadata.encoder.secret"),
    ("METADATA_ENCODER_OLD_SECRET", "metadata.encoder.old.secret"),
];

/// A setting of one of Confluent's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The variable or the line of a file that it comes from.
    pub source: Source,
    /// Its name, without what the variable's name begins with.
    pub name: String,
    pub value: String,
}

impl Property {
    pub fn source(&self) -> Source {
        self.source.clone()
    }

    /// A switch, in any case; an error if it is neither true nor false, which an empty value is not.
    pub fn switch(&self) -> Result<bool, Problem> {
        match self.value.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Problem::at(&self.source, "it is neither true nor false")),
        }
    }

    /// A number that is not negative; an error for anything else, which an empty value is too.
    pub fn number(&self) -> Result<u64, Problem> {
        let text = self.value.trim();
        text.parse().map_err(|_| {
            Problem::at(&self.source, format!("{text:?} is not a number of 0 or more"))
        })
    }

    /// Whether a list of names to pass over has it: the variable, or the property's name.
    fn is_waived(&self, waived: &[String]) -> bool {
        let variable = match &self.source {
            Source::Confluent(variable) => Some(variable),
            _ => None,
        };
        waived.iter().any(|name| *name == self.name || Some(name) == variable)
    }
}

/// The settings of both servers.
#[derive(Debug, Default)]
pub struct Variables {
    registry: BTreeMap<String, Property>,
    proxy: BTreeMap<String, Property>,
    /// Settings that are there and are to be passed over, with the server.
    pub waived: Vec<(Server, Property)>,
}

impl Variables {
    /// Reads files and the environment. `waived` are settings that are not there for us. A value that the reference would not
    /// take for its type is a problem, and is not there either.
    pub fn read(
        env: &Env,
        files: &[PropertiesFile],
        waived: &[String],
    ) -> (Variables, Vec<(Server, Problem)>) {
        let mut variables = Variables::default();
        for file in files {
            for found in &file.properties {
                let source = Source::Properties {
                    path: file.path.clone(),
                    line: found.line,
                    name: found.name.clone(),
                };
                let (name, value) = (found.name.clone(), found.value.clone());
                variables.insert(file.server, Property { source, name, value }, waived);
            }
        }
        for (variable, value) in env.iter().filter(|(name, value)| !is_service_link(name, value)) {
            let Some((server, name)) = of_server(variable) else { continue };
            let (source, value) = (Source::Confluent(variable.clone()), unescape(value));
            variables.insert(server, Property { source, name, value }, waived);
        }
        let problems = variables.take_faults();
        (variables, problems)
    }

    fn insert(&mut self, server: Server, property: Property, waived: &[String]) {
        match property.is_waived(waived) {
            true => self.waived.push((server, property)),
            false => _ = self.of_mut(server).insert(property.name.clone(), property),
        }
    }

    /// Takes out what has the wrong type.
    fn take_faults(&mut self) -> Vec<(Server, Problem)> {
        let mut problems = Vec::new();
        for server in [Server::Registry, Server::Proxy] {
            self.of_mut(server).retain(|name, property| {
                let known = reference::find(server, name);
                let fault = known.and_then(|known| known.fault(&property.value));
                let is_good = fault.is_none();
                let problem = fault.map(|fault| (server, Problem::at(&property.source, fault)));
                problems.extend(problem);
                is_good
            });
        }
        problems
    }

    fn of(&self, server: Server) -> &BTreeMap<String, Property> {
        if server == Server::Proxy { &self.proxy } else { &self.registry }
    }

    fn of_mut(&mut self, server: Server) -> &mut BTreeMap<String, Property> {
        if server == Server::Proxy { &mut self.proxy } else { &mut self.registry }
    }

    /// All settings of a server, by name.
    pub fn all(&self, server: Server) -> impl Iterator<Item = &Property> {
        self.of(server).values()
    }

    /// The setting of a server with this name.
    pub fn get(&self, server: Server, name: &str) -> Option<&Property> {
        self.of(server).get(name)
    }

    /// The setting with this name, unless its value is empty.
    pub fn text(&self, server: Server, name: &str) -> Option<&Property> {
        self.get(server, name).filter(|property| !property.value.trim().is_empty())
    }

    /// The settings whose names begin so, without that beginning.
    pub fn below(&self, server: Server, prefix: &str) -> Vec<Property> {
        let below = self.of(server).iter().filter_map(|(name, property)| {
            let name = name.strip_prefix(prefix)?.to_string();
            Some(Property { name, ..property.clone() })
        });
        below.collect()
    }

    /// Where a server's brokers are.
    pub fn brokers(&self, server: Server) -> Option<&Property> {
        match server {
            Server::Proxy => self.text(server, "bootstrap.servers"),
            _ => self
                .text(server, "kafkastore.bootstrap.servers")
                .or_else(|| self.text(server, "kafka.brokers")),
        }
    }

    /// The one server that settings are about, and one of them; none if they are about both or neither. What nobody knows says
    /// nothing.
    pub fn only_server(&self) -> Option<(Server, &Property)> {
        let first = |server: Server| {
            let known = |property: &&Property| find_known(server, &property.name).is_some();
            self.brokers(server).or_else(|| self.all(server).find(known))
        };
        match (first(Server::Registry), first(Server::Proxy)) {
            (Some(property), None) => Some((Server::Registry, property)),
            (None, Some(property)) => Some((Server::Proxy, property)),
            _ => None,
        }
    }
}

/// Which server's a variable is, and the property that it stands for; none if it is neither server's.
pub fn of_server(variable: &str) -> Option<(Server, String)> {
    if let Some((_, name)) = UNPREFIXED.iter().find(|(name, _)| *name == variable) {
        return Some((Server::Registry, (*name).to_string()));
    }
    let registry = variable.strip_prefix(REGISTRY_PREFIX).map(|name| (Server::Registry, name));
    // the proxy's image has two prefixes: one of settings, one of what its scripts read
    let of_proxy =
        || variable.strip_prefix(PROXY_PREFIX).or_else(|| variable.strip_prefix(PROXY_SCRIPTS));
    let proxy = || of_proxy().map(|name| (Server::Proxy, name));
    registry.or_else(proxy).map(|(server, name)| (server, property(name)))
}

/// The variable that stands for a setting of a server.
pub fn variable_of(server: Server, name: &str) -> String {
    let prefix = if server == Server::Proxy { PROXY_PREFIX } else { REGISTRY_PREFIX };
    let name = name.replace('_', "__").replace('-', "___").replace('.', "_");
    format!("{prefix}{}", name.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confluent::properties_file::FileProperty;

    fn env(vars: &[(&str, &str)]) -> Env {
        vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn variables_win_over_a_file() {
        let property = |line, name: &str, value: &str| FileProperty {
            line,
            name: name.to_string(),
            value: value.to_string(),
        };
        let file = PropertiesFile {
            server: Server::Registry,
            path: std::path::Path::new("sr.properties").into(),
            properties: vec![property(3, "host.name", "file"), property(4, "host.port", "x")],
        };
        let env = env(&[("SCHEMA_REGISTRY_HOST_NAME", "variable")]);
        let (found, problems) = Variables::read(&env, std::slice::from_ref(&file), &[]);
        assert_eq!(found.get(Server::Registry, "host.name").unwrap().value, "variable");
        let said = problems[0].1.to_string();
        assert_eq!(said, "sr.properties:4: host.port: \"x\" is not a whole number (INT)");
        let waived = ["host.port".to_string(), "SCHEMA_REGISTRY_HOST_NAME".to_string()];
        let (found, problems) = Variables::read(&env, &[file], &waived);
        assert_eq!(found.get(Server::Registry, "host.name").unwrap().value, "file");
        assert_eq!((found.waived.len(), problems.len()), (2, 0));
    }

    #[test]
    fn settings_of_one_server_say_which_one_runs() {
        let only = |vars: &[(&str, &str)]| {
            let (found, _) = Variables::read(&env(vars), &[], &[]);
            found.only_server().map(|(server, _)| server)
        };
        let registry = ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "k:9092");
        let proxy = ("KAFKA_REST_BOOTSTRAP_SERVERS", "k:9092");
        assert_eq!(only(&[registry]), Some(Server::Registry));
        assert_eq!(only(&[proxy]), Some(Server::Proxy));
        assert_eq!(only(&[registry, proxy]), None);
        // what Kubernetes says of a service, and what nobody knows
        let link = ("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081");
        assert_eq!(only(&[proxy, link, ("SCHEMA_REGISTRY_NO_SUCH", "1")]), Some(Server::Proxy));
        assert_eq!(only(&[]), None);
    }

    #[test]
    fn a_setting_has_the_variable_that_is_read_as_it() {
        for name in ["listeners", "kafkastore.ssl.key.password", "a_b-c.d"] {
            let variable = variable_of(Server::Registry, name);
            assert_eq!(of_server(&variable), Some((Server::Registry, name.to_string())));
        }
    }
}
