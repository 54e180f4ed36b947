//! Java's settings of TLS and of the login to Kafka, in librdkafka's words.

use std::collections::BTreeMap;
use std::path::Path;

use weir_http::{Password, PemStore, pem_store};

use crate::confluent::jaas;
use crate::kafka_names::Fate::{self, Elsewhere, Ignored, Is, Refused, Same, Wrong};

const OTHER_STORE: &str = "stores of this type are not read: write it as PKCS12 or PEM, and say so in .._SSL_TRUSTSTORE_TYPE or .._SSL_KEYSTORE_TYPE";

const NO_KERBEROS: &str = "Kerberos (GSSAPI) to Kafka is not built in: use SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN, or a client's certificate \
                           (security.protocol=SSL)";

const NO_OAUTH: &str = "OAUTHBEARER to Kafka is not built in: use SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN, or a client's certificate \
                        (security.protocol=SSL)";

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
            "JKS" | "PKCS12" => trusted(value, java),
            _ => Refused(OTHER_STORE),
        },
        "ssl.truststore.certificates" => is("ssl.ca.pem"),
        "ssl.keystore.location" => match kind("keystore").as_str() {
            "PEM" => Is(vec![
                ("ssl.certificate.location", value.to_string()),
                ("ssl.key.location", value.to_string()),
            ]),
            "JKS" | "PKCS12" => identity(value, java),
            _ => Refused(OTHER_STORE),
        },
        "ssl.keystore.certificate.chain" => is("ssl.certificate.pem"),
        "ssl.keystore.key" => is("ssl.key.pem"),
        // with the store that it is of
        "ssl.keystore.password" | "ssl.truststore.password" => Elsewhere,
        "ssl.key.password" if kind("keystore") != "PEM" => Elsewhere,
        "ssl.truststore.type" | "ssl.keystore.type" => Elsewhere,
        "ssl.enabled.protocols" => match value.contains("TLSv1.2") || value.contains("TLSv1.3") {
            true => Ignored("TLS 1.2 and 1.3 are spoken"),
            false => Refused("only TLS 1.2 and 1.3 are spoken"),
        },
        "ssl.cipher.suites" if value.trim().is_empty() => Elsewhere,
        "ssl.cipher.suites" => match openssl_suites(value) {
            Some(suites) if suites.is_empty() => Ignored("all suites of TLS 1.3 are spoken"),
            Some(suites) => Is(vec![("ssl.cipher.suites", suites)]),
            None => Refused(
                "one of them is not known; say --kafka ssl.cipher.suites with OpenSSL's names",
            ),
        },
        "ssl.protocol"
        | "ssl.provider"
        | "ssl.trustmanager.algorithm"
        | "ssl.keymanager.algorithm"
        | "ssl.secure.random.implementation"
        | "ssl.engine.factory.class" => Ignored("only a Java client has it"),
        _ => Same,
    }
}

/// The authorities of a store of Java's, which is read now.
fn trusted(path: &str, java: &BTreeMap<String, &str>) -> Fate {
    match read(path, java.get("ssl.truststore.password")) {
        Ok(store) => Is(vec![("ssl.ca.pem", store.certificates)]),
        Err(why) => Wrong(why),
    }
}

/// The certificate and the key of a store of Java's, which is read now. In Java's own format, the key may have another password than
/// the store.
fn identity(path: &str, java: &BTreeMap<String, &str>) -> Fate {
    let of_key = java.get("ssl.key.password").filter(|password| !password.is_empty());
    match read(path, of_key.or(java.get("ssl.keystore.password"))) {
        Ok(PemStore { certificates, key: Some(key) }) => {
            Is(vec![("ssl.certificate.pem", certificates), ("ssl.key.pem", key.text().to_string())])
        }
        Ok(_) => Wrong(format!("{path}: there is no private key in it")),
        Err(why) => Wrong(why),
    }
}

fn read(path: &str, password: Option<&&str>) -> Result<PemStore, String> {
    let password = password.map(|password| Password::new(*password));
    pem_store(Path::new(path.trim()), password.as_ref()).map_err(|why| format!("{path}: {why}"))
}

/// Suites by OpenSSL's names, apart by colons; those of TLS 1.3 are left out, which are always spoken. None if one is not known.
fn openssl_suites(java: &str) -> Option<String> {
    let mut suites = Vec::new();
    for suite in java.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        if ["TLS_AES_", "TLS_CHACHA20_"].iter().any(|begin| suite.starts_with(begin)) {
            continue;
        }
        let (key, cipher) = suite.strip_prefix("TLS_")?.split_once("_WITH_")?;
        let cipher = match cipher {
            "AES_128_GCM_SHA256" => "AES128-GCM-SHA256",
            "AES_256_GCM_SHA384" => "AES256-GCM-SHA384",
            "CHACHA20_POLY1305_SHA256" => "CHACHA20-POLY1305",
            "AES_128_CBC_SHA256" => "AES128-SHA256",
            "AES_256_CBC_SHA384" => "AES256-SHA384",
            _ => return None,
        };
        let key = match key {
            "ECDHE_RSA" => "ECDHE-RSA",
            "ECDHE_ECDSA" => "ECDHE-ECDSA",
            "DHE_RSA" => "DHE-RSA",
            _ => return None,
        };
        suites.push(format!("{key}-{cipher}"));
    }
    Some(suites.join(":"))
}

/// A setting that begins with `sasl.`.
pub fn login(name: &str, value: &str) -> Fate {
    match name {
        "sasl.jaas.config" => jaas_login(value),
        "sasl.mechanism" | "sasl.mechanisms" => match value.trim().to_uppercase().as_str() {
            "GSSAPI" => Refused(NO_KERBEROS),
            "OAUTHBEARER" => Refused(NO_OAUTH),
            mechanism => Is(vec![("sasl.mechanism", mechanism.to_string())]),
        },
        "sasl.oauthbearer.token.endpoint.url" => Refused(NO_OAUTH),
        _ if name.ends_with(".callback.handler.class") && value.contains("OAuth") => {
            Refused(NO_OAUTH)
        }
        _ if name.ends_with(".callback.handler.class") || name == "sasl.login.class" => {
            Refused("no Java classes are loaded: say user and password in sasl.jaas.config")
        }
        _ if name.starts_with("sasl.oauthbearer.") => {
            Ignored("it is about OAUTHBEARER, whose mechanism ends the start")
        }
        _ if name.starts_with("sasl.kerberos.") => {
            Ignored("it is about Kerberos, whose mechanism ends the start")
        }
        _ if name.starts_with("sasl.login.") => Ignored("only a Java client has it"),
        _ => Same,
    }
}

/// A line for Java's login: a class, `required`, and options.
fn jaas_login(line: &str) -> Fate {
    let class = line.split_whitespace().next().unwrap_or_default();
    if class.contains("Krb5") {
        return Refused(NO_KERBEROS);
    }
    if class.contains("OAuth") {
        return Refused(NO_OAUTH);
    }
    let mut options = match jaas::options(line) {
        Ok(options) => options,
        Err(why) => return Refused(why),
    };
    if options.get("tokenauth").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return Refused("delegation tokens are not spoken: say a user and a password");
    }
    match (options.remove("username"), options.remove("password")) {
        (Some(username), Some(password)) => {
            Is(vec![("sasl.username", username), ("sasl.password", password)])
        }
        _ => Refused(
            "there is no username and password in it: expected ..PlainLoginModule or ..ScramLoginModule required \
             username=\"NAME\" password=\"PASSWORD\";",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_openssls_names() {
        let suites = |java| openssl_suites(java);
        assert_eq!(
            suites("TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_DHE_RSA_WITH_AES_128_CBC_SHA256").as_deref(),
            Some("ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-SHA256")
        );
        assert_eq!(suites("TLS_AES_128_GCM_SHA256").as_deref(), Some(""));
        assert_eq!(suites("TLS_RSA_WITH_RC4_128_MD5"), None);
    }

    /// The error says the mechanism and what to do, however it is asked for.
    #[test]
    fn kerberos_and_oauth_are_refused_with_what_to_do() {
        let krb = "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;";
        let oauth = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"a\";";
        let handler =
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler";
        for (name, value, mechanism) in [
            ("sasl.mechanism", "gssapi", "Kerberos (GSSAPI)"),
            ("sasl.jaas.config", krb, "Kerberos (GSSAPI)"),
            ("sasl.mechanism", "OAUTHBEARER", "OAUTHBEARER"),
            ("sasl.jaas.config", oauth, "OAUTHBEARER"),
            ("sasl.oauthbearer.token.endpoint.url", "https://idp/token", "OAUTHBEARER"),
            ("sasl.login.callback.handler.class", handler, "OAUTHBEARER"),
        ] {
            let Refused(why) = login(name, value) else { panic!("{name} is taken") };
            let expected = format!("{mechanism} to Kafka is not built in: use SCRAM-SHA-512");
            assert!(why.starts_with(&expected), "{why}");
        }
        let token = "a.ScramLoginModule required username=\"u\" password=\"p\" tokenauth=\"true\";";
        assert!(matches!(login("sasl.jaas.config", token), Refused(_)));
    }
}
