//! Where Kafka is and how to speak to it.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;

#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// librdkafka's settings, for all clients: `security.protocol`, `sasl.mechanism`, ...
    pub librdkafka: BTreeMap<String, String>,
}

impl Settings {
    /// A client of librdkafka; `defaults` is what counts where the user has set nothing.
    pub fn librdkafka(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.bootstrap_servers);
        client.set("client.id", "weir");
        // librdkafka writes to the terminal where nobody polls a client
        client.set_log_level(rdkafka::config::RDKafkaLogLevel::Warning);
        for (name, value) in defaults {
            client.set(*name, *value);
        }
        for (name, value) in &self.librdkafka {
            client.set(name, value);
        }
        client
    }

    /// Addresses of the brokers to ask first, without Confluent's `PLAINTEXT://`.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let address = |server: &str| {
            let server = server.trim();
            server.split_once("://").map_or(server, |(_, address)| address).to_string()
        };
        self.bootstrap_servers.split(',').map(address).collect()
    }
}
