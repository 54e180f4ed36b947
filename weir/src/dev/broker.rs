//! The broker of `weir dev`: what the settings say of it, and the faults that a file gives it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml_edit::{Array, Item, TableLike};
use weir_broker::core::{Authorization, User};
use weir_broker::{Broker, BrokerSettings, Rule, StartError, Storage};

use crate::config::tree::Tree;
use crate::config::value::Text;
use crate::error::Error;

/// The port of Kafka, which clients assume.
const KAFKA_PORT: u16 = 9092;
/// The folder of the topics, below that of the registry.
const TOPICS_FOLDER: &str = "topics";
/// Who uses the listener without a login, as registry and proxy of this process do.
const ANONYMOUS: &str = "User:ANONYMOUS";
/// Bytes of a file with faults.
const FAULTS_BYTES_MAX: u64 = 1024 * 1024;

/// A broker that runs, and where it listens.
pub struct DevBroker {
    pub broker: Broker,
    /// True if Kafka's port was taken, so that the broker has another one.
    pub is_elsewhere: bool,
}

/// Where topics are kept; none if they are in memory.
pub fn topics_folder(tree: &Tree) -> Option<PathBuf> {
    (!*tree.process.ephemeral).then(|| tree.registry.data_dir.join(TOPICS_FOLDER))
}

/// Starts the broker that the settings say, with its faults.
pub async fn start(tree: &Tree) -> Result<DevBroker, Error> {
    let rules = tree.broker.faults.as_deref().map(read_rules).transpose()?;
    let started = match tree.broker.listener.value {
        Some(listener) => started(settings(tree, listener.0), false).await,
        None => {
            let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, KAFKA_PORT));
            match started(settings(tree, usual), false).await {
                Err(StartError::Listen { error, .. }) if error.kind() == ErrorKind::AddrInUse => {
                    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                    started(settings(tree, free), true).await
                }
                other => other,
            }
        }
    };
    let dev = started.map_err(Error::Broker)?;
    if let (Some(rules), Some(path)) = (rules, tree.broker.faults.as_deref()) {
        let failed = |why: String| Error::Faults { path: path.to_path_buf(), why };
        let count = rules.len();
        dev.broker.faults().replace(rules).map_err(|error| failed(error.to_string()))?;
        tracing::info!("{count} faults from {}", path.display());
    }
    Ok(dev)
}

async fn started(settings: BrokerSettings, is_elsewhere: bool) -> Result<DevBroker, StartError> {
    Ok(DevBroker { broker: Broker::start(settings).await?, is_elsewhere })
}

fn settings(tree: &Tree, listener: SocketAddr) -> BrokerSettings {
    let mut settings = BrokerSettings::ephemeral();
    settings.listener = listener;
    if let Some(folder) = topics_folder(tree) {
        settings.storage = Storage::Folder(folder);
    }
    settings.login_listener = match (tree.broker.sasl_listener.value, tree.broker.users.is_empty())
    {
        (Some(listener), _) => Some(listener.0),
        (None, true) => None,
        (None, false) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
    };
    let core = &mut settings.core;
    let user =
        |(name, text): (&String, &Text)| User { name: name.clone(), password: text.text.clone() };
    core.login.users = tree.broker.users.iter().map(user).collect();
    let config = |(name, text): (&String, &Text)| (name.clone(), text.text.clone());
    core.configs = tree.broker.configs.iter().map(config).collect();
    core.authorization = tree.broker.acls.then(|| Authorization {
        super_users: tree
            .broker
            .super_users
            .iter()
            .cloned()
            .chain([ANONYMOUS.to_string()])
            .collect(),
        allow_everyone_if_no_acl_found: false,
    });
    core.auto_create_topics = *tree.broker.auto_create_topics_enable;
    core.default_partitions = i32::try_from(*tree.broker.num_partitions).unwrap_or(1);
    if let Some(advertised) = &tree.broker.advertised_listener.value {
        core.advertised_host = Some(advertised.host.clone());
        core.advertised_port = advertised.port;
    }
    settings
}

/// The rules of a file: an array of tables `rules`, in TOML or JSON.
fn read_rules(path: &Path) -> Result<Vec<Rule>, Error> {
    let failed = |source| Error::ReadFile { path: path.to_path_buf(), source };
    let wrong = |why: String| Error::Faults { path: path.to_path_buf(), why };
    let bytes = weir_http::read_file(path, FAULTS_BYTES_MAX).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_string()))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let document = match is_json {
        true => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
        false => return faults_of_toml(&text).map_err(wrong),
    };
    rules_of(document).map_err(wrong)
}

/// The rules of a text in TOML: tables `[[rules]]`.
pub fn faults_of_toml(text: &str) -> Result<Vec<Rule>, String> {
    rules_of(of_toml(text)?)
}

/// The rules of a document: `{"rules": [..]}`.
pub fn rules_of(document: Value) -> Result<Vec<Rule>, String> {
    let Value::Object(mut top) = document else {
        return Err(r#"expected {"rules": [..]}"#.to_string());
    };
    let rules = top.remove("rules").unwrap_or(Value::Array(Vec::new()));
    if let Some(name) = top.keys().next() {
        return Err(format!("{name}: expected rules and nothing else"));
    }
    let Value::Array(rules) = rules else {
        return Err("rules: expected an array".to_string());
    };
    let rule = |(index, rule): (usize, Value)| {
        serde_json::from_value(rule).map_err(|error| format!("rule {}: {error}", index + 1))
    };
    rules.into_iter().enumerate().map(rule).collect()
}

fn of_toml(text: &str) -> Result<Value, String> {
    let document = toml_edit::Document::parse(text).map_err(|error| error.to_string())?;
    Ok(Value::Object(of_table(document.as_table())))
}

fn of_table(table: &dyn TableLike) -> Map<String, Value> {
    table.iter().map(|(name, item)| (name.to_string(), of_item(item))).collect()
}

fn of_item(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => of_value(value),
        Item::Table(table) => Value::Object(of_table(table)),
        Item::ArrayOfTables(tables) => {
            tables.iter().map(|table| Value::Object(of_table(table))).collect()
        }
    }
}

fn of_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => text.value().as_str().into(),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => (*number.value()).into(),
        toml_edit::Value::Boolean(is_so) => (*is_so.value()).into(),
        toml_edit::Value::Datetime(time) => time.value().to_string().into(),
        toml_edit::Value::Array(values) => of_array(values),
        toml_edit::Value::InlineTable(table) => Value::Object(of_table(table)),
    }
}

fn of_array(values: &Array) -> Value {
    values.iter().map(of_value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_toml() {
        let text = "[[rules]]\napi = 'Produce'\naction = 'delay'\ndelay_ms = 5\n\n[[rules]]\naction = 'drop'\nprobability = 0.5\n";
        let read = faults_of_toml(text).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].probability, Some(0.5));
        assert!(faults_of_toml("").unwrap().is_empty());
    }

    #[test]
    fn a_wrong_fault_is_named_by_its_place() {
        for (text, words) in [
            ("[[rules]]\naction = 'drop'\n[[rules]]\naction = 'burn'", "rule 2: unknown variant"),
            ("[[faults]]\naction = 'drop'", "faults: expected rules"),
            ("rules = 1", "expected an array"),
            ("rules = [", "TOML parse error"),
        ] {
            let error = faults_of_toml(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
