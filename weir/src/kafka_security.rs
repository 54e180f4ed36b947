//! Java's settings of TLS and of the login to Kafka, in librdkafka's words.

use std::collections::BTreeMap;

use crate::confluent::jaas;
use crate::kafka_names::Fate::{self, Elsewhere, Ignored, Is, Refused, Same};

/// A setting that begins with `ssl.`; `java` has all settings beside it.
pub fn tls(name: &str, value: &str, java: &BTreeMap<String, &str>) -> Fate {
    let is = |name: &'static str| Is(vec![(name, value.to_string())]);
    let kind = |store: &str| {
        java.get(&format!("ssl.{store}.type"))
            .map_or("JKS".to_string(), |t| t.trim().to_uppercase())
    };
    match name {
        "ssl.truststore.location" => match kind("truststore").as_str() {
            "PEM" => is("ssl.ca.location"),
            _ => Refused(
                "a Java key store cannot be read here: export its certificates as PEM, and say \
                 .._SSL_TRUSTSTORE_TYPE=PEM",
            ),
        },
        "ssl.truststore.certificates" => is("ssl.ca.pem"),
        "ssl.keystore.location" => match kind("keystore").as_str() {
            "PEM" => Is(vec![
                ("ssl.certificate.location", value.to_string()),
                ("ssl.key.location", value.to_string()),
            ]),
            "PKCS12" => is("ssl.keystore.location"),
            _ => Refused(
                "a Java key store cannot be read here: export it as PEM or PKCS12, and say so in \
                 .._SSL_KEYSTORE_TYPE",
            ),
        },
        "ssl.keystore.certificate.chain" => is("ssl.certificate.pem"),
        "ssl.keystore.key" => is("ssl.key.pem"),
        "ssl.keystore.password" if kind("keystore") == "PKCS12" => is("ssl.keystore.password"),
        "ssl.keystore.password" | "ssl.truststore.password" => {
            Ignored("files in PEM have no password of a store")
        }
        "ssl.truststore.type" | "ssl.keystore.type" => Elsewhere,
        "ssl.enabled.protocols" => match value.contains("TLSv1.2") || value.contains("TLSv1.3") {
            true => Ignored("TLS 1.2 and 1.3 are spoken"),
            false => Refused("only TLS 1.2 and 1.3 are spoken"),
        },
        "ssl.cipher.suites" if value.trim().is_empty() => Elsewhere,
        "ssl.cipher.suites" => {
            Refused("these are Java's names; say --kafka ssl.cipher.suites with OpenSSL's")
        }
        "ssl.protocol"
        | "ssl.provider"
        | "ssl.trustmanager.algorithm"
        | "ssl.keymanager.algorithm"
        | "ssl.secure.random.implementation"
        | "ssl.engine.factory.class" => Ignored("only a Java client has it"),
        _ => Same,
    }
}

/// A setting that begins with `sasl.`.
pub fn login(name: &str, value: &str) -> Fate {
    match name {
        "sasl.jaas.config" => jaas_login(value),
        "sasl.mechanism" | "sasl.mechanisms" => match value.trim().to_uppercase().as_str() {
            "GSSAPI" => Refused("Kerberos is not built in"),
            mechanism => Is(vec![("sasl.mechanism", mechanism.to_string())]),
        },
        "sasl.oauthbearer.token.endpoint.url" => Refused("OAUTHBEARER by OIDC is not built in"),
        _ if name.starts_with("sasl.kerberos.")
            || name.starts_with("sasl.login.")
            || name.ends_with(".callback.handler.class") =>
        {
            Ignored("only a Java client has it")
        }
        _ => Same,
    }
}

/// A line for Java's login: a class, `required`, and options.
fn jaas_login(line: &str) -> Fate {
    let class = line.split_whitespace().next().unwrap_or_default();
    if class.contains("Krb5") {
        return Refused("Kerberos is not built in");
    }
    if class.contains("OAuth") {
        return Refused("OAUTHBEARER by OIDC is not built in");
    }
    let mut options = match jaas::options(line) {
        Ok(options) => options,
        Err(why) => return Refused(why),
    };
    match (options.remove("username"), options.remove("password")) {
        (Some(username), Some(password)) => {
            Is(vec![("sasl.username", username), ("sasl.password", password)])
        }
        _ => Refused("there is no username and password in it"),
    }
}
