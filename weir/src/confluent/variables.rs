//! Confluent's variables by the server and the property that they stand for, with the values that the server would read.

use std::collections::BTreeMap;

use super::Env;
use super::audit::{is_service_link, of_server};
use super::properties::unescape;
use super::table::Server;
use crate::config::problem::Problem;
use crate::config::source::Source;

/// A setting of one of Confluent's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The variable that it comes from.
    pub variable: String,
    /// Its name, without what the variable's name begins with.
    pub name: String,
    pub value: String,
}

impl Property {
    pub fn source(&self) -> Source {
        Source::Confluent(self.variable.clone())
    }

    /// A switch, in any case; an error if it is neither true nor false, which an empty value is not.
    pub fn switch(&self) -> Result<bool, Problem> {
        match self.value.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Problem::at(&self.source(), "it is neither true nor false")),
        }
    }

    /// A number that is not negative; an error for anything else, which an empty value is too.
    pub fn number(&self) -> Result<u64, Problem> {
        let text = self.value.trim();
        text.parse().map_err(|_| {
            Problem::at(&self.source(), format!("{text:?} is not a number of 0 or more"))
        })
    }
}

/// The settings of both servers.
pub struct Variables {
    registry: BTreeMap<String, Property>,
    proxy: BTreeMap<String, Property>,
}

impl Variables {
    /// Reads the environment. `waived` are variables that are not there for us.
    pub fn new(env: &Env, waived: &[String]) -> Variables {
        let mut variables = Variables { registry: BTreeMap::new(), proxy: BTreeMap::new() };
        for (variable, value) in env {
            if is_service_link(variable, value) || waived.contains(variable) {
                continue;
            }
            let Some((server, name)) = of_server(variable) else { continue };
            let property =
                Property { variable: variable.clone(), name: name.clone(), value: unescape(value) };
            variables.of_mut(server).insert(name, property);
        }
        variables
    }

    fn of_mut(&mut self, server: Server) -> &mut BTreeMap<String, Property> {
        match server {
            Server::Proxy => &mut self.proxy,
            _ => &mut self.registry,
        }
    }

    /// The setting of a server with this name.
    pub fn get(&self, server: Server, name: &str) -> Option<&Property> {
        match server {
            Server::Proxy => self.proxy.get(name),
            _ => self.registry.get(name),
        }
    }

    /// The setting with this name, unless its value is empty.
    pub fn text(&self, server: Server, name: &str) -> Option<&Property> {
        self.get(server, name).filter(|property| !property.value.trim().is_empty())
    }

    /// The settings whose names begin so, without that beginning.
    pub fn below(&self, server: Server, prefix: &str) -> Vec<Property> {
        let all = match server {
            Server::Proxy => &self.proxy,
            _ => &self.registry,
        };
        let below = all.iter().filter_map(|(name, property)| {
            let name = name.strip_prefix(prefix)?.to_string();
            Some(Property { name, ..property.clone() })
        });
        below.collect()
    }
}
