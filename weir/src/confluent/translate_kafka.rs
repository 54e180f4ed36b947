//! Settings of Confluent's clients of Kafka in our words: of the registry's topic, and of the proxy's clients.

use std::collections::BTreeMap;

use super::Env;
use super::login;
use super::table::{Server, find as find_confluents};
use super::translate::{Scope, Translation};
use super::variables::{Property, Variables};
use crate::config::tree::find;
use crate::config::value::{Given, Text};
use crate::kafka_names::{Clients, translate as translate_clients};

impl Translation {
    pub(super) fn topic_config(&mut self, variables: &Variables) {
        let configs = variables.below(Server::Registry, "kafkastore.topic.config.");
        self.named(
            "registry.schemas_topic_config",
            configs
                .into_iter()
                .filter_map(|config| {
                    let source = config.source();
                    Some((config.name, Text { text: config.value, source }))
                        .filter(|(name, _)| name != "cleanup.policy")
                })
                .collect(),
        );
    }

    fn named(&mut self, key: &str, names: BTreeMap<String, Text>) {
        if let Some(setting) = find(key).filter(|_| !names.is_empty()) {
            self.layers.push(setting, Given::Named(names));
        }
    }

    pub(super) fn clients(&mut self, variables: &Variables, scope: &Scope, env: &Env) {
        for (server, prefix, key, clients) in [
            (Server::Registry, "kafkastore.", "registry.kafka", Clients::Log),
            (Server::Proxy, "client.", "proxy.kafka", Clients::Proxy),
            (Server::Proxy, "producer.", "proxy.producer", Clients::Proxy),
            (Server::Proxy, "consumer.", "proxy.consumer", Clients::ProxyConsumers),
            (Server::Proxy, "admin.", "proxy.admin", Clients::Proxy),
        ] {
            if !scope.reaches_kafka(server, variables) {
                continue;
            }
            let mut properties = variables.below(server, prefix);
            // the table has what is the server's own
            let table = format!("{prefix}*");
            properties.retain(|property| {
                let name = format!("{prefix}{}", property.name);
                find_confluents(server, &name).is_some_and(|row| row.name == table)
            });
            if clients == Clients::Log {
                properties.extend(bitnamis_login(variables));
            }
            if ["kafkastore.", "client."].contains(&prefix) && scope.runs(server) {
                self.login_file(server, variables, env, &mut properties);
            }
            let translated = translate_clients(&properties, clients);
            self.named(key, translated.names);
            self.notes.extend(translated.notes);
            self.problems.extend(translated.problems);
        }
    }
}

impl Translation {
    /// The login to Kafka that a JAAS file has in its section KafkaClient, where no setting has one.
    fn login_file(
        &mut self,
        server: Server,
        variables: &Variables,
        env: &Env,
        properties: &mut Vec<Property>,
    ) {
        let asks = variables.text(server, "authentication.method");
        let asks = asks.is_some_and(|method| method.value.trim().eq_ignore_ascii_case("BASIC"));
        match login::kafka_client(server, variables, env) {
            Some(Ok(found)) if !properties.iter().any(|it| it.name == found.name) => {
                properties.push(found);
            }
            // it has the users of the server, which are read elsewhere
            Some(Err(problem)) if !asks => self.problems.push(problem),
            _ => {}
        }
    }
}

/// Names of Bitnami's image for the login to Kafka, as Kafka's clients have them: PLAIN unless another mechanism is named.
fn bitnamis_login(variables: &Variables) -> Vec<Property> {
    let text = |name: &str| variables.text(Server::Registry, name);
    let named = |name: &str, found: &Property, value: &str| Property {
        source: found.source(),
        name: name.to_string(),
        value: value.to_string(),
    };
    // lists, of which a client has the first
    let first = |found: &Property| found.value.split(',').next().unwrap_or_default().to_string();
    let Some(user) = text("kafka.sasl.users") else { return Vec::new() };
    let mechanism = text("kafka.sasl.mechanism");
    let mut all = vec![
        named("sasl.username", user, &first(user)),
        named(
            "sasl.mechanism",
            mechanism.unwrap_or(user),
            mechanism.map_or("PLAIN", |it| &it.value),
        ),
    ];
    all.extend(text("kafka.sasl.passwords").map(|it| named("sasl.password", it, &first(it))));
    all
}
