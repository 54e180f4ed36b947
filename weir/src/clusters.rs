//! How registry and proxy reach Kafka: which brokers each asks, and with which settings of librdkafka's.
//!
//! A setting of one server wins over the same one of both, unless that stands in a higher layer: a flag for both wins
//! over the environment of one.

use std::collections::BTreeMap;

use weir_kafka::Settings;

use crate::config::problem::Problem;
use crate::config::source::Source;
use crate::config::tree::Tree;
use crate::config::value::{Names, Sourced, Text};
use crate::confluent::addresses::Addresses;

/// The clusters, which may be one.
#[derive(Debug, Default)]
pub struct Clusters {
    /// The registry's log.
    pub log: Settings,
    pub proxy: Settings,
    /// Addresses that are left out, and why.
    pub notes: Vec<String>,
}

impl Clusters {
    /// Where nobody names brokers there are none: `bootstrap_servers` is empty.
    pub fn new(tree: &Tree) -> Result<Clusters, Problem> {
        let (common, all) = (&tree.kafka.bootstrap_servers, &*tree.kafka.client);
        let of_log = Own { servers: &tree.registry.bootstrap_servers, names: &tree.registry.kafka };
        let of_proxy = Own { servers: &tree.proxy.bootstrap_servers, names: &tree.proxy.kafka };
        let mut clusters = Clusters::default();
        let (servers, names) = match more(of_log.servers, common) {
            Some(servers) if servers == of_log.servers => (servers, overlaid(&[of_log.names, all])),
            // brokers that the proxy asks too, perhaps with a login that only the proxy's settings have
            Some(servers) => (servers, overlaid(&[of_proxy.names, of_log.names, all])),
            None => (of_proxy.servers, overlaid(&[of_proxy.names, of_log.names, all])),
        };
        clusters.log = clusters.with_addresses(servers, names)?;
        let (servers, names) = match more(of_proxy.servers, common) {
            Some(servers) => (servers, overlaid(&[of_proxy.names, all])),
            None => (of_log.servers, overlaid(&[of_log.names, of_proxy.names, all])),
        };
        clusters.proxy = clusters.with_addresses(servers, names)?;
        Ok(clusters)
    }

    /// Addresses, with the protocol that they name where nothing else does.
    fn with_addresses(
        &mut self,
        servers: &Sourced<Option<String>>,
        names: BTreeMap<String, String>,
    ) -> Result<Settings, Problem> {
        let mut librdkafka = names;
        let Some(text) = servers.as_deref() else {
            return Ok(Settings { bootstrap_servers: String::new(), librdkafka });
        };
        let said = librdkafka.get("security.protocol").map(String::as_str);
        let addresses = Addresses::read(text, said.filter(|said| !said.is_empty()))
            .map_err(|why| Problem::at(&servers.source, why.0))?;
        if !addresses.left_out.is_empty() {
            let left_out = addresses.left_out.join(", ");
            let note = format!(
                "{}: addresses of another protocol are left out: {left_out}",
                servers.source
            );
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        if let Some(protocol) = addresses.protocol {
            librdkafka.insert("security.protocol".to_string(), protocol);
        }
        Ok(Settings { bootstrap_servers: addresses.servers, librdkafka })
    }
}

/// What one server has for itself.
struct Own<'a> {
    servers: &'a Sourced<Option<String>>,
    names: &'a Names,
}

/// Which of a server's own value and that of both counts; none if neither is set.
pub fn more<'a, T>(
    own: &'a Sourced<Option<T>>,
    common: &'a Sourced<Option<T>>,
) -> Option<&'a Sourced<Option<T>>> {
    match (&own.value, &common.value) {
        (None, None) => None,
        (Some(_), None) => Some(own),
        (None, Some(_)) => Some(common),
        (Some(_), Some(_)) => {
            Some(if common.source.layer() > own.source.layer() { common } else { own })
        }
    }
}

/// The tables as one. Of two values for a name the one of the higher layer counts; within a layer, a later table wins,
/// except that the last, which is for all clients, only fills up.
fn overlaid(tables: &[&Names]) -> BTreeMap<String, String> {
    let Some((all, own)) = tables.split_last() else { return BTreeMap::new() };
    let mut names: BTreeMap<&String, &Text> = all.iter().collect();
    for (name, text) in own.iter().copied().flatten() {
        let before = names.get(name).map(|before| before.source.layer());
        if before.is_none_or(|before| before <= text.source.layer()) {
            names.insert(name, text);
        }
    }
    names.into_iter().map(|(name, text)| (name.clone(), text.text.clone())).collect()
}

/// What one kind of the proxy's clients has beyond the settings of all.
pub fn of_kind(kind: &Names, tree: &Tree) -> BTreeMap<String, String> {
    let wins = |name: &String, source: &Source| {
        let all = [&tree.proxy.kafka, &tree.kafka.client].into_iter();
        all.filter_map(|all| all.get(name)).all(|all| all.source.layer() <= source.layer())
    };
    let own = kind.iter().filter(|(name, text)| wins(name, &text.source));
    own.map(|(name, text)| (name.clone(), text.text.clone())).collect()
}
