//! What each setting of Confluent's servers is to Weir: the rows of the table, and Kafka's client settings behind their prefixes.

use super::reference;
use super::table::{Server, Setting, Verdict, find};
use crate::kafka_names::{Clients, Meaning, meaning};

/// What becomes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Understood,
    Different,
    Refused,
    NoEffect,
    Unknown,
}

impl Class {
    pub const ALL: [Class; 5] =
        [Class::Understood, Class::Different, Class::Refused, Class::NoEffect, Class::Unknown];

    pub fn words(self) -> &'static str {
        match self {
            Class::Understood => "understood",
            Class::Different => "answered differently",
            Class::Refused => "refused at the start",
            Class::NoEffect => "without effect",
            Class::Unknown => "unknown",
        }
    }
}

/// A setting's class, and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub class: Class,
    /// How it is understood, why it is answered differently or without effect, what to do instead.
    pub said: String,
    /// Values that are harmless where others are not.
    pub harmless: Vec<&'static str>,
}

/// Judges a setting of a server by its name.
pub fn classify(server: Server, name: &str) -> Judgement {
    let Some(setting) = find(server, name) else {
        return judgement(Class::Unknown, "nobody here knows it");
    };
    if let Some((prefix, clients)) = clients_of(setting) {
        return of_client(server, name, prefix, clients);
    }
    match setting.verdict {
        Verdict::Understood(how) => judgement(Class::Understood, how),
        Verdict::Ignored(why) => judgement(Class::NoEffect, why),
        Verdict::Differs { unless, why } => {
            Judgement { harmless: values(unless), ..judgement(Class::Different, why) }
        }
        Verdict::Refused { unless, instead } => {
            Judgement { harmless: values(unless), ..judgement(Class::Refused, instead) }
        }
    }
}

fn judgement(class: Class, said: impl Into<String>) -> Judgement {
    Judgement { class, said: said.into(), harmless: Vec::new() }
}

/// Values that can be shown: not the empty one, and not "any".
fn values(unless: &'static [&'static str]) -> Vec<&'static str> {
    unless.iter().copied().filter(|value| !["", "*"].contains(value)).collect()
}

/// Of a row for all settings of clients of Kafka: the prefix, and which clients.
fn clients_of(setting: &Setting) -> Option<(&'static str, Clients)> {
    let prefix = setting.name.strip_suffix('*')?;
    let clients = match prefix {
        "kafkastore." => Clients::Log,
        "client." | "producer." | "admin." => Clients::Proxy,
        "consumer." => Clients::ProxyConsumers,
        _ => return None,
    };
    Some((prefix, clients))
}

/// What a setting of a Java client is to librdkafka, or to Weir's own client.
fn of_client(server: Server, name: &str, prefix: &str, clients: Clients) -> Judgement {
    let rest = name.strip_prefix(prefix).unwrap_or(name);
    if let Some(said) = in_words(rest, clients) {
        return judgement(Class::Understood, said);
    }
    match meaning(rest, &sample(server, name, rest), clients) {
        Meaning::Is(ours) => judgement(Class::Understood, format!("librdkafka's `{ours}`")),
        Meaning::Elsewhere => judgement(Class::Understood, "with the setting that it belongs to"),
        Meaning::Ignored(why) => judgement(Class::NoEffect, why),
        Meaning::Refused(why) => judgement(Class::Refused, why),
        Meaning::Unknown => judgement(Class::Unknown, "neither librdkafka nor Weir knows it"),
    }
}

/// Settings of which some values are understood and others are not.
fn in_words(rest: &str, clients: Clients) -> Option<&'static str> {
    let is_log = clients == Clients::Log;
    Some(match rest {
        "bootstrap.servers" => return None,
        "sasl.mechanism" => {
            "`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`; `GSSAPI` (also where nothing is set) and `OAUTHBEARER` end the start"
        }
        "sasl.jaas.config" => {
            "user and password of `PlainLoginModule` and `ScramLoginModule`; Kerberos, OAuth and delegation tokens end the start"
        }
        "ssl.truststore.location" => {
            "the authorities, of which the file is read at the start; `ssl.ca.location` if the type is `PEM`"
        }
        "ssl.truststore.type" | "ssl.keystore.type" => {
            "`JKS`, `PKCS12`, `PEM`; the first two are told apart by the file; another type ends the start"
        }
        "ssl.truststore.password" => "of the store",
        "ssl.keystore.location" => {
            "certificate and key, of which the file is read at the start; in one file if the type is `PEM`"
        }
        "ssl.keystore.password" => "of the store",
        "ssl.key.password" if is_log => {
            "of the key in a store; a key in `PEM` with a password ends the start"
        }
        "ssl.key.password" => "of the key",
        "auto.offset.reset" => "`earliest`, `latest`, `none`; `by_duration:..` ends the start",
        "ssl.endpoint.identification.algorithm" => "`https`; empty: names are not checked",
        _ => return None,
    })
}

/// A value that the setting may have.
fn sample(server: Server, name: &str, rest: &str) -> String {
    let known = reference::find(server, name);
    let default = known.map_or("", |known| known.default);
    match (rest, known.map(|known| known.type_name)) {
        ("ssl.enabled.protocols", _) => "TLSv1.2,TLSv1.3".to_string(),
        ("compression.type", _) => "gzip".to_string(),
        ("acks", _) => "all".to_string(),
        ("partition.assignment.strategy", _) => "range".to_string(),
        (_, Some("BOOLEAN")) if default.is_empty() => "true".to_string(),
        (_, Some("INT" | "LONG" | "SHORT" | "DOUBLE")) if default.is_empty() => "1".to_string(),
        _ if default.is_empty() => "x".to_string(),
        _ => default.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting of the reference's release has a place; what is unknown would be a hole in the table.
    #[test]
    fn no_setting_of_the_reference_is_unknown() {
        let unknown: Vec<_> = reference::all()
            .filter(|it| classify(it.server, it.name).class == Class::Unknown)
            .map(|it| it.name)
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    /// A row for all names with a beginning says the same of each. Where one of them means something else it has its own row.
    #[test]
    fn defaults_of_the_reference_end_no_start() {
        for setting in reference::all() {
            let judged = classify(setting.server, setting.name);
            let value = setting.default.to_ascii_lowercase();
            let is_class = setting.type_name == "CLASS"; // cut off in the list
            let harmless = value.is_empty()
                || is_class
                || judged.harmless.iter().any(|it| {
                    it.strip_suffix('*').map_or(*it == value, |prefix| value.starts_with(prefix))
                });
            assert!(judged.class != Class::Refused || harmless, "{} = {value}", setting.name);
        }
    }
}
