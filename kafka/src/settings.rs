//! Where Kafka is and how to speak to it.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

/// Settings whose values nobody minds in a log. All others may hold a password.
const HARMLESS: [&str; 12] = [
    "acks",
    "auto.offset.reset",
    "batch.size",
    "broker.address.family",
    "client.id",
    "compression.codec",
    "compression.type",
    "isolation.level",
    "sasl.mechanism",
    "sasl.mechanisms",
    "security.protocol",
    "ssl.endpoint.identification.algorithm",
];

/// Letters of a value which, found in a text, may give the value away.
const TELLING_MIN: usize = 3;

#[derive(Clone, Default)]
pub struct Settings {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// librdkafka's settings, for all clients: `security.protocol`, `sasl.mechanism`, ...
    pub librdkafka: BTreeMap<String, String>,
}

/// Values are left out: some are passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.librdkafka.keys().collect();
        f.debug_struct("Settings")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("librdkafka", &names)
            .finish()
    }
}

/// What librdkafka says of settings that it does not take, without the value of any that may be secret.
pub fn refusal(error: &KafkaError) -> String {
    let KafkaError::ClientConfig(_, why, name, value) = error else { return error.to_string() };
    let why = why.trim();
    if HARMLESS.contains(&name.as_str()) {
        return format!("{name}={value}: {why}");
    }
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric());
        parts.filter(|part| part.len() >= TELLING_MIN).map(str::to_lowercase).collect()
    };
    let (told, name_words) = (words(why), words(name));
    let tells = words(value).iter().any(|word| told.contains(word) && !name_words.contains(word));
    match tells || (!value.is_empty() && value.len() < TELLING_MIN && why.contains(value)) {
        true => format!("{name}: librdkafka does not take its value"),
        false => format!("{name}: {why}"),
    }
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
    pub fn addresses(&self) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &str) -> String {
        let mut client = ClientConfig::new();
        client.set(name, value);
        let refused = client.create::<rdkafka::producer::BaseProducer>();
        refusal(&refused.err().expect("librdkafka refuses it"))
    }

    #[test]
    fn a_refused_setting_is_named_and_its_value_is_not() {
        let jaas =
            r#"org.apache.kafka.PlainLoginModule required username="me" password="hunter2";"#;
        for (name, value) in [
            ("sasl.jaas.config", jaas),
            ("basic.auth.credentials.source", "USER_INFO"),
            ("schema.registry.basic.auth.user.info", "me:hunter2"),
            ("ssl.truststore.password", "hunter2"),
            ("ssl.truststore.location", "/secret/hunter2.jks"),
            ("debug", "hunter2,broker"),
        ] {
            let error = refused(name, value);
            assert!(error.contains(name), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("USER_INFO"), "{error}");
        }
        let error = refused("security.protocol", "carrier_pigeon");
        assert!(error.starts_with("security.protocol=carrier_pigeon: "), "{error}");
    }

    #[test]
    fn settings_are_shown_without_their_values() {
        let librdkafka = BTreeMap::from([("sasl.password".to_string(), "hunter2".to_string())]);
        let settings = Settings { bootstrap_servers: "a:1".into(), librdkafka };
        let shown = format!("{settings:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_setting_is_known_or_not_and_its_value_good_or_not() {
        assert_eq!(judge("linger.ms", "5"), Verdict::Known);
        assert_eq!(judge("linger.ms", "soon"), Verdict::BadValue);
        assert_eq!(judge("no.such", "5"), Verdict::UnknownName);
    }
}
