//! Settings of Kafka's Java clients in librdkafka's words: `KAFKA_REST_CLIENT_*` for all clients of the proxy,
//! `KAFKA_REST_PRODUCER_*`, `KAFKA_REST_CONSUMER_*`, `KAFKA_REST_ADMIN_*` for one kind each, and
//! `SCHEMA_REGISTRY_KAFKASTORE_*` for the registry's log, as Confluent's images have them.
//!
//! A setting is mapped, or ignored with a reason that is said once at the start, or refused by name. Its
//! value is never said: it may be a secret.

use std::collections::BTreeMap;

use weir_kafka::{Verdict, judge};

use crate::config::problem::Problem;
use crate::config::value::{Names, Text};
use crate::confluent::variables::Property;
use crate::kafka_own::{of_log, of_proxy};
use crate::kafka_security::{login, tls};

/// Whose settings are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Clients of the proxy.
    Proxy,
    /// Consumers of the proxy, beside whose settings stand some of the proxy's own.
    ProxyConsumers,
    /// Clients of the registry's log.
    Log,
}

/// What became of settings of Java's clients.
#[derive(Debug, Default)]
pub struct Translated {
    /// librdkafka's settings.
    pub names: Names,
    /// What is ignored, and why.
    pub notes: Vec<String>,
    /// What cannot be done, and why.
    pub problems: Vec<Problem>,
}

/// What becomes of a setting.
pub enum Fate {
    /// It is these settings of librdkafka's.
    Is(Vec<(&'static str, String)>),
    /// librdkafka has the same, by the same name.
    Same,
    /// The proxy reads it, or another setting has taken it in.
    Elsewhere,
    Ignored(&'static str),
    Refused(&'static str),
    /// It could be done, and something is wrong with it; a secret is not part of the text.
    Wrong(String),
}

use Fate::{Elsewhere, Ignored, Is, Refused, Same, Wrong};

/// Translates settings of Java's clients, whose names have no prefix any more.
pub fn translate(properties: &[Property], clients: Clients) -> Translated {
    let java: BTreeMap<String, &str> = properties
        .iter()
        .map(|property| (property.name.clone(), property.value.as_str()))
        .collect();
    let mut translated = Translated::default();
    for property in properties {
        let own = match clients {
            Clients::Proxy => None,
            Clients::ProxyConsumers => of_proxy(&property.name),
            Clients::Log => of_log(&property.name, &property.value, &java),
        };
        let fate = own.unwrap_or_else(|| fate_of(&property.name, &property.value, &java));
        translated.add(property, fate);
    }
    translated
}

/// What a setting of a Java client is here, for a value that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is this setting of librdkafka's.
    Is(String),
    /// Another setting has taken it in.
    Elsewhere,
    Ignored(&'static str),
    /// No value can be done.
    Refused(&'static str),
    /// Nobody knows it.
    Unknown,
}

/// What a setting of Java's clients is, without a prefix, if its value is this and nothing stands beside it.
pub fn meaning(name: &str, value: &str, clients: Clients) -> Meaning {
    let beside = BTreeMap::from([
        ("ssl.truststore.type".to_string(), "PEM"),
        ("ssl.keystore.type".to_string(), "PEM"),
        ("compression.type".to_string(), name.split('.').nth(1).unwrap_or_default()),
    ]);
    let own = match clients {
        Clients::Proxy => None,
        Clients::ProxyConsumers => of_proxy(name),
        Clients::Log => of_log(name, value, &beside),
    };
    match own.unwrap_or_else(|| fate_of(name, value, &beside)) {
        Is(mapped) => {
            let names: Vec<_> = mapped.into_iter().map(|(name, _)| name).collect();
            Meaning::Is(names.join(", "))
        }
        Same if judge(name, value) == Verdict::UnknownName => Meaning::Unknown,
        Same => Meaning::Is(name.to_string()),
        Elsewhere => Meaning::Elsewhere,
        Ignored(why) => Meaning::Ignored(why),
        Refused(why) => Meaning::Refused(why),
        // with a file that is there, it is
        Wrong(_) => Meaning::Elsewhere,
    }
}

impl Translated {
    fn add(&mut self, property: &Property, fate: Fate) {
        let Property { source, name, value } = property;
        match fate {
            Is(mapped) => {
                for (name, value) in mapped {
                    match judge(name, &value) {
                        Verdict::Known => self.set(property, name, value),
                        _ => self.refuse(
                            property,
                            format!("librdkafka's {name} does not take its value"),
                        ),
                    }
                }
            }
            Same => match judge(name, value) {
                Verdict::Known => self.set(property, name, value.clone()),
                Verdict::BadValue => {
                    self.refuse(property, format!("{name} does not take its value"))
                }
                Verdict::UnknownName => self.notes.push(format!(
                    "{source} is ignored: neither Kafka's clients nor librdkafka have {name}"
                )),
            },
            Elsewhere => {}
            Ignored(why) => self.notes.push(format!("{source} is ignored: {why}")),
            Refused(why) => self.refuse(property, why.to_string()),
            Wrong(why) => self.refuse(property, why),
        }
    }

    fn set(&mut self, property: &Property, name: &str, text: String) {
        self.names.insert(name.to_string(), Text { text, source: property.source() });
    }

    fn refuse(&mut self, property: &Property, why: String) {
        self.problems.push(Problem::at(&property.source, why));
    }
}

fn fate_of(name: &str, value: &str, java: &BTreeMap<String, &str>) -> Fate {
    let is = |name: &'static str| Is(vec![(name, value.to_string())]);
    match name {
        "security.protocol" => Is(vec![("security.protocol", value.to_lowercase())]),
        "ssl.endpoint.identification.algorithm" => match value {
            "" => Is(vec![("ssl.endpoint.identification.algorithm", "none".to_string())]),
            _ => Same,
        },
        _ if name.starts_with("ssl.") => tls(name, value, java),
        _ if name.starts_with("sasl.") => login(name, value),
        // of producers
        "max.request.size" => is("message.max.bytes"),
        "delivery.timeout.ms" => is("message.timeout.ms"),
        "buffer.memory" => kilobytes(value),
        "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => {
            let algorithm = name.split('.').nth(1);
            match java.get("compression.type").copied() == algorithm {
                true => is("compression.level"),
                false => Elsewhere,
            }
        }
        "enable.idempotence" => {
            Ignored("producers are idempotent where all replicas acknowledge, and only there")
        }
        "max.block.ms" => Ignored("a record waits 3 s for its topic to appear"),
        "partitioner.class" | "partitioner.ignore.keys" => {
            Ignored("a key's partition is found by murmur2, as Java's default has it")
        }
        "partitioner.adaptive.partitioning.enable" | "partitioner.availability.timeout.ms" => {
            Ignored("librdkafka does not weigh partitions")
        }
        // of consumers
        "fetch.max.wait.ms" => is("fetch.wait.max.ms"),
        "auto.offset.reset" => match value {
            "none" => Is(vec![("auto.offset.reset", "error".to_string())]),
            _ if value.starts_with("by_duration:") => {
                Refused("an instance can be told a duration, but librdkafka cannot")
            }
            _ => Same,
        },
        "enable.auto.commit" => Ignored("an instance says auto.commit.enable"),
        "group.id" | "group.instance.id" => Ignored("a consumer instance says its group"),
        "max.poll.records" => Ignored("a read takes what fits into its max_bytes"),
        // of all
        "bootstrap.servers" => Ignored("KAFKA_REST_BOOTSTRAP_SERVERS says where Kafka is"),
        "request.timeout.ms" => is("socket.timeout.ms"),
        "metadata.max.age.ms" => is("topic.metadata.refresh.interval.ms"),
        "receive.buffer.bytes" => buffer("socket.receive.buffer.bytes", value),
        "send.buffer.bytes" => buffer("socket.send.buffer.bytes", value),
        "init.timeout.ms" | "timeout.ms" => Ignored("it has no effect in the reference either"),
        "default.api.timeout.ms" => Ignored("requests are answered within 5 s"),
        _ if name.starts_with("schema.registry.") || name.starts_with("basic.auth.") => Elsewhere,
        "socket.connection.setup.timeout.max.ms" => {
            Ignored("a connection has the time of socket.connection.setup.timeout.ms at each try")
        }
        "group.remote.assignor" | "share.acknowledgement.mode" => {
            Ignored("a consumer instance says how it reads")
        }
        "transaction.timeout.ms" | "transactional.id" | "transaction.two.phase.commit.enable" => {
            Ignored("no transactions are begun")
        }
        _ if is_of_serializers(name) => Ignored("only Java's serializers have it"),
        _ if JAVA_ONLY.iter().any(|java| {
            name == *java || java.strip_suffix('*').is_some_and(|p| name.starts_with(p))
        }) =>
        {
            Ignored("only a Java client has it")
        }
        _ => Same,
    }
}

/// What is about Java's classes, metrics and caches.
const JAVA_ONLY: [&str; 14] = [
    "interceptor.classes",
    "metric.reporters",
    "metrics.*",
    "auto.include.jmx.reporter",
    "key.serializer",
    "value.serializer",
    "key.deserializer",
    "value.deserializer",
    "config.providers*",
    "security.providers",
    "exclude.internal.topics",
    "metadata.max.idle.ms",
    "internal.*",
    "bootstrap.controllers",
];

/// Settings of Java's serializers, which stand among those of producers.
fn is_of_serializers(name: &str) -> bool {
    ["avro.", "json.", "validation.rules."].iter().any(|prefix| name.starts_with(prefix))
        || ["reference.lookup.only", "skip.known.types", "reference.subject.name.strategy"]
            .contains(&name)
}

fn kilobytes(value: &str) -> Fate {
    match value.trim().parse::<u64>() {
        Ok(bytes) => Is(vec![("queue.buffering.max.kbytes", (bytes / 1024).max(1).to_string())]),
        Err(_) => Refused("it is not a number"),
    }
}

/// -1 is the system's size, which librdkafka calls 0.
fn buffer(name: &'static str, value: &str) -> Fate {
    Is(vec![(name, if value.trim() == "-1" { "0".to_string() } else { value.to_string() })])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Found {
        all: BTreeMap<String, String>,
        producer: BTreeMap<String, String>,
        consumer: BTreeMap<String, String>,
        admin: BTreeMap<String, String>,
        notes: Vec<String>,
    }

    fn read(vars: &[(&str, &str)]) -> Result<Found, String> {
        let mut notes = Vec::new();
        let mut of = |kind: &str, clients| {
            let properties = vars.iter().filter_map(|(name, value)| {
                let prefix = format!("{kind}_");
                Some(Property {
                    source: crate::config::source::Source::Confluent(format!("KAFKA_REST_{name}")),
                    name: crate::confluent::property(name.strip_prefix(&prefix)?),
                    value: crate::confluent::properties::unescape(value),
                })
            });
            let translated = translate(&properties.collect::<Vec<_>>(), clients);
            notes.extend(translated.notes);
            match translated.problems.first() {
                Some(problem) => Err(problem.to_string()),
                None => Ok(translated.names.into_iter().map(|(k, v)| (k, v.text)).collect()),
            }
        };
        let found = Found {
            all: of("CLIENT", Clients::Proxy)?,
            producer: of("PRODUCER", Clients::Proxy)?,
            consumer: of("CONSUMER", Clients::ProxyConsumers)?,
            admin: of("ADMIN", Clients::Proxy)?,
            notes: Vec::new(),
        };
        Ok(Found { notes, ..found })
    }

    #[test]
    fn javas_names_become_librdkafkas() {
        for (name, value, ours, theirs) in [
            ("CLIENT_MAX_REQUEST_SIZE", "2000000", "message.max.bytes", "2000000"),
            ("CLIENT_REQUEST_TIMEOUT_MS", "7000", "socket.timeout.ms", "7000"),
            ("CLIENT_SECURITY_PROTOCOL", "SASL_SSL", "security.protocol", "sasl_ssl"),
            (
                "CLIENT_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM",
                "",
                "ssl.endpoint.identification.algorithm",
                "none",
            ),
            ("CLIENT_SASL_USERNAME", "me", "sasl.username", "me"),
            ("CLIENT_BUFFER_MEMORY", "33554432", "queue.buffering.max.kbytes", "32768"),
            ("CLIENT_RECEIVE_BUFFER_BYTES", "-1", "socket.receive.buffer.bytes", "0"),
        ] {
            let found = read(&[(name, value)]).unwrap();
            assert_eq!(found.all.get(ours).map(String::as_str), Some(theirs), "{name}");
            assert!(found.notes.is_empty(), "{:?}", found.notes);
        }
    }

    #[test]
    fn each_kind_of_client_has_its_own() {
        let found = read(&[
            ("CLIENT_CLIENT_ID", "all"),
            ("PRODUCER_DELIVERY_TIMEOUT_MS", "9000"),
            ("PRODUCER_COMPRESSION_TYPE", "zstd"),
            ("PRODUCER_COMPRESSION_ZSTD_LEVEL", "3"),
            ("CONSUMER_ISOLATION_LEVEL", "read_committed"),
            ("CONSUMER_FETCH_MAX_WAIT_MS", "70"),
            ("CONSUMER_INSTANCE_TIMEOUT_MS", "1000"),
            ("ADMIN_CLIENT_ID", "asks"),
        ])
        .unwrap();
        let of = |settings: &BTreeMap<String, String>, name: &str| {
            settings.get(name).cloned().unwrap_or_default()
        };
        assert_eq!(of(&found.all, "client.id"), "all");
        assert_eq!(of(&found.producer, "message.timeout.ms"), "9000");
        assert_eq!(of(&found.producer, "compression.level"), "3");
        assert_eq!(of(&found.consumer, "isolation.level"), "read_committed");
        assert_eq!(of(&found.consumer, "fetch.wait.max.ms"), "70");
        assert_eq!(of(&found.admin, "client.id"), "asks");
        assert!(found.notes.is_empty(), "{:?}", found.notes);
    }

    #[test]
    fn a_line_for_javas_login_has_name_and_password() {
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        for (line, username, password) in [
            (format!("{module} username=\"me\" password=\"a b\";"), "me", "a b"),
            (format!("{module}\tusername='me'\n password=secret;"), "me", "secret"),
            (format!("{module} \\\n  username=\"me\" \\\n password=\"a\\\\\\\"b\";"), "me", "a\"b"),
        ] {
            let found = read(&[("CLIENT_SASL_JAAS_CONFIG", &line)]).unwrap();
            assert_eq!(found.all["sasl.username"], username, "{line}");
            assert_eq!(found.all["sasl.password"], password, "{line}");
        }
        let kerberos = "com.sun.security.auth.module.Krb5LoginModule required principal=\"me\";";
        assert!(read(&[("CLIENT_SASL_JAAS_CONFIG", kerberos)]).unwrap_err().contains("Kerberos"));
    }

    #[test]
    fn stores_are_read_where_they_are_pem() {
        let found = read(&[
            ("CLIENT_SSL_TRUSTSTORE_TYPE", "PEM"),
            ("CLIENT_SSL_TRUSTSTORE_LOCATION", "/ca.pem"),
            ("CLIENT_SSL_KEYSTORE_TYPE", "pem"),
            ("CLIENT_SSL_KEYSTORE_LOCATION", "/me.pem"),
        ])
        .unwrap();
        assert_eq!(found.all["ssl.ca.location"], "/ca.pem");
        assert_eq!(found.all["ssl.certificate.location"], "/me.pem");
        assert_eq!(found.all["ssl.key.location"], "/me.pem");
        let password = ("CLIENT_SSL_TRUSTSTORE_PASSWORD", "hunter2");
        let there_is_none = [("CLIENT_SSL_TRUSTSTORE_LOCATION", "/no/ca.jks"), password];
        let jks = read(&there_is_none).unwrap_err();
        assert!(
            jks.contains("KAFKA_REST_CLIENT_SSL_TRUSTSTORE_LOCATION: /no/ca.jks: No such"),
            "{jks}"
        );
        assert!(!jks.contains("hunter2"), "{jks}");
        let other = [("CLIENT_SSL_TRUSTSTORE_TYPE", "BCFKS"), there_is_none[0]];
        assert!(read(&other).unwrap_err().contains("PKCS12 or PEM"));
    }

    #[test]
    fn what_has_no_counterpart_is_named_and_no_value_is_said() {
        let found = read(&[
            ("CLIENT_INTERCEPTOR_CLASSES", "hunter2"),
            ("CLIENT_SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO", "hunter2"),
            ("CLIENT_NO_SUCH", "hunter2"),
            ("CLIENT_SSL_TRUSTSTORE_PASSWORD", "hunter2"),
            ("CLIENT_METRICS_NUM_SAMPLES", "hunter2"),
        ])
        .unwrap();
        assert_eq!((found.all.len(), found.notes.len()), (0, 3), "{:?}", found.notes);
        for note in &found.notes {
            assert!(note.starts_with("KAFKA_REST_CLIENT_") && !note.contains("hunter2"), "{note}");
        }
        for name in ["CLIENT_LINGER_MS", "CLIENT_BUFFER_MEMORY", "CLIENT_SASL_JAAS_CONFIG"] {
            let error = read(&[(name, "hunter2")]).unwrap_err();
            assert!(error.contains(name) && !error.contains("hunter2"), "{error}");
        }
    }
}
