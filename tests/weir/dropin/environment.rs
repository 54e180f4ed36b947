//! Environments that people run Confluent's servers with, as files, and what a test has to change of them: addresses and ports.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::Weir;

/// A container's environment.
pub struct Environment {
    pub name: String,
    pub variables: Vec<(String, String)>,
    /// What the error of a start has to say; nothing if the server has to start.
    pub refused: Vec<String>,
}

/// Where the test's servers are.
#[derive(Clone)]
pub struct Places {
    pub kafka: String,
    pub kafka_sasl: String,
    pub kafka_ssl: String,
    /// The registry for proxies.
    pub registry: String,
    /// What the files of `/etc/kafka/secrets` are here.
    pub secrets: PathBuf,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/weir/dropin/environments")
}

/// The environments whose files begin so.
pub fn environments(prefix: &str) -> Vec<Environment> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|end| end == "env")).collect();
    files.sort();
    let all = files.iter().map(|file| Environment::read(file));
    let found: Vec<_> = all.filter(|it| it.name.starts_with(prefix)).collect();
    assert!(!found.is_empty(), "{prefix}");
    found
}

impl Environment {
    /// Whether it names a store that keytool makes.
    pub fn has_stores(&self) -> bool {
        self.variables
            .iter()
            .any(|(_, value)| value.starts_with("/etc/kafka/secrets/") && !value.ends_with(".pem"))
    }

    fn read(file: &Path) -> Environment {
        let text = std::fs::read_to_string(file).unwrap();
        let refused = text.lines().filter_map(|line| line.strip_prefix("# refused: "));
        let variables = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_string(), value.to_string())
        });
        Environment {
            name: file.file_stem().unwrap().to_string_lossy().into_owned(),
            variables: variables.collect(),
            refused: refused.map(str::to_string).collect(),
        }
    }

    /// The variables with the test's addresses, and any port that is free.
    pub fn at(&self, places: &Places) -> Vec<(String, String)> {
        let at = |(name, value): &(String, String)| {
            let value = moved(name, value, places);
            (name.clone(), value)
        };
        let mut variables: Vec<_> = self.variables.iter().map(at).collect();
        // the authorities of this machine do not sign the certificates of the test's brokers
        let has_own = |(name, _): &(String, String)| name.ends_with("SSL_TRUSTSTORE_LOCATION");
        let is_tls = self.variables.iter().any(|(_, value)| value.contains("SASL_SSL://"));
        if is_tls && !self.variables.iter().any(has_own) {
            let ca = places.secrets.join("ca.pem").to_string_lossy().into_owned();
            variables.push(("WEIR_KAFKA_SSL_CA_LOCATION".to_string(), ca));
        }
        let says_where = |name: &str| self.variables.iter().any(|(found, _)| found == name);
        for prefix in ["SCHEMA_REGISTRY", "KAFKA_REST"] {
            let brokers = ["KAFKASTORE_BOOTSTRAP_SERVERS", "KAFKA_BROKERS", "BOOTSTRAP_SERVERS"]
                .iter()
                .any(|name| says_where(&format!("{prefix}_{name}")));
            if brokers && !says_where(&format!("{prefix}_LISTENERS")) {
                variables.retain(|(name, _)| *name != format!("{prefix}_PORT"));
                variables.push((format!("{prefix}_PORT"), "0".to_string()));
            }
        }
        variables
    }
}

/// A value with the test's addresses.
pub fn moved(name: &str, value: &str, places: &Places) -> String {
    let name = name.to_uppercase().replace('.', "_");
    if name.ends_with("BOOTSTRAP_SERVERS") || name.ends_with("KAFKA_BROKERS") {
        let entries = value.split(',').map(|entry| match entry.split_once("://") {
            Some(("SASL_PLAINTEXT", _)) => format!("SASL_PLAINTEXT://{}", places.kafka_sasl),
            // the test has no brokers that ask for certificates
            Some(("SSL", _)) => "SSL://127.0.0.1:1".to_string(),
            Some(("SASL_SSL", _)) => format!("SASL_SSL://{}", places.kafka_ssl),
            Some((protocol, _)) => format!("{protocol}://{}", places.kafka),
            None => places.kafka.clone(),
        });
        return entries.collect::<Vec<_>>().join(",");
    }
    if name.ends_with("_LISTENERS") || name == "LISTENERS" {
        let entries = value.split(',').map(|entry| {
            let (scheme, address) = entry.split_once("://").unwrap();
            let (host, rest) = address.rsplit_once(':').unwrap();
            let host =
                if host.starts_with(|c: char| c.is_ascii_digit()) { host } else { "127.0.0.1" };
            let slash = if rest.ends_with('/') { "/" } else { "" };
            format!("{scheme}://{host}:0{slash}")
        });
        return entries.collect::<Vec<_>>().join(",");
    }
    if name == "KAFKA_REST_SCHEMA_REGISTRY_URL" {
        return places.registry.clone();
    }
    value.replace("/etc/kafka/secrets", &places.secrets.to_string_lossy())
}

/// `weir serve` as a container's only process: with these variables and no others, in a folder of its own.
pub fn container(
    args: &[&str],
    variables: &[(String, String)],
    folder: &TempDir,
) -> std::process::Command {
    let mut command = Weir::command(&[&["serve"], args].concat());
    command.env_clear().current_dir(folder.path());
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}
