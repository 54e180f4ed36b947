//! Where Kafka is and how to speak to it.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

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

/// What librdkafka thinks of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Known,
    UnknownName,
    /// The name is known, the value is none that it takes.
    BadValue,
}

/// Asks librdkafka about a setting.
pub fn judge(name: &str, value: &str) -> Verdict {
    match ClientConfig::new().set(name, value).create_native_config() {
        Ok(_) => Verdict::Known,
        Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)) => {
            Verdict::UnknownName
        }
        Err(_) => Verdict::BadValue,
    }
}

/// Why librdkafka makes no client, without the values of settings: they may be secrets.
pub fn refusal(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
            format!("{name} is no setting of librdkafka's")
        }
        KafkaError::ClientConfig(_, _, name, _) => {
            format!("{name}: librdkafka does not take its value")
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_setting_and_not_its_value() {
        for (name, value) in [("sasl.jaas.config", "hunter2"), ("linger.ms", "hunter2")] {
            let error = ClientConfig::new().set(name, value).create_native_config().err().unwrap();
            let text = refusal(&error);
            assert!(text.contains(name) && !text.contains(value), "{text}");
        }
        assert_eq!(judge("linger.ms", "5"), Verdict::Known);
        assert_eq!(judge("linger.ms", "soon"), Verdict::BadValue);
        assert_eq!(judge("no.such", "5"), Verdict::UnknownName);
    }
}
