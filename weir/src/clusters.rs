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

const NO_MECHANISM: &str = "the brokers want a login, and no mechanism is set, which is Kerberos (GSSAPI) then, and not built in: say \
                            kafkastore.sasl.mechanism, client.sasl.mechanism or --kafka sasl.mechanism=PLAIN, SCRAM-SHA-256 or \
                            SCRAM-SHA-512";

/// The clusters, which may be one.
#[derive(Debug, Default)]
pub struct Clusters {
    /// The registry's log.
    pub log: Settings,
    pub proxy: Settings,
    /// Addresses that are left out, and why.
    pub notes: Vec<String>,
    /// Clusters that want a login, and are told no way to log in.
    pub problems: Vec<Problem>,
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
        let protocol = librdkafka.get("security.protocol").map_or("", String::as_str);
        let has_mechanism = |name: &str| librdkafka.contains_key(name);
        if protocol.starts_with("sasl_")
            && !["sasl.mechanism", "sasl.mechanisms"].into_iter().any(has_mechanism)
        {
            let problem = Problem::at(&servers.source, NO_MECHANISM);
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    /// What log and proxy are told: brokers, and the values of `client.id`.
    fn told(given: &[&str], vars: &[(&str, &str)]) -> (Settings, Settings) {
        let read = Configuration::of_serve(&flags(given), &env(vars));
        let clusters = read.unwrap().settings.clusters;
        (clusters.log, clusters.proxy)
    }

    const LOG: [(&str, &str); 2] = [
        ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "log:1"),
        ("SCHEMA_REGISTRY_KAFKASTORE_CLIENT_ID", "log"),
    ];
    const PROXY: [(&str, &str); 2] =
        [("KAFKA_REST_BOOTSTRAP_SERVERS", "proxy:1"), ("KAFKA_REST_CLIENT_CLIENT_ID", "proxy")];

    #[test]
    fn each_server_has_its_own_cluster() {
        let (log, proxy) = told(&[], &[LOG, PROXY].concat());
        assert_eq!((&*log.bootstrap_servers, &*log.librdkafka["client.id"]), ("log:1", "log"));
        let of_proxy = (&*proxy.bootstrap_servers, &*proxy.librdkafka["client.id"]);
        assert_eq!(of_proxy, ("proxy:1", "proxy"));
    }

    #[test]
    fn a_server_without_brokers_asks_those_of_the_other_with_its_login() {
        let (_, proxy) = told(&[], &LOG);
        let of_proxy = (&*proxy.bootstrap_servers, &*proxy.librdkafka["client.id"]);
        assert_eq!(of_proxy, ("log:1", "log"));
        let (log, _) = told(&["--store", "kafka"], &PROXY);
        assert_eq!((&*log.bootstrap_servers, &*log.librdkafka["client.id"]), ("proxy:1", "proxy"));
    }

    #[test]
    fn a_flag_for_both_wins_over_the_environment_of_one() {
        let given = ["--bootstrap-servers", "both:1", "--kafka", "client.id=both"];
        let (log, proxy) = told(&given, &[LOG, PROXY].concat());
        for settings in [log, proxy] {
            assert_eq!(settings.bootstrap_servers, "both:1");
            assert_eq!(settings.librdkafka["client.id"], "both");
        }
        // which is a layer below
        let vars = [&LOG[..], &PROXY, &[("WEIR_PROXY_KAFKA_CLIENT_ID", "mine")]].concat();
        let (_, proxy) = told(&["--bootstrap-servers", "both:1"], &vars);
        assert_eq!(proxy.librdkafka["client.id"], "mine");
    }
}
