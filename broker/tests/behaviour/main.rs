//! The same requests to Apache Kafka and to this broker: the answers are equal, field by field and
//! in every version, but for what [`differences`] lists with reasons.
//!
//! What Kafka answers is recorded in `recorded/`, so that the comparison needs no Kafka. With
//! `WEIR_TEST_KAFKA` the scripts run on that Kafka too, and what is recorded has to be what it
//! answers; `WEIR_WRITE_ANSWERS=1` writes it anew.

mod asked;
mod client;
mod comparable;
mod differences;
mod records;
mod script;
mod scripts;
mod transcript;

use std::net::SocketAddr;

use weir_broker::core::User;
use weir_broker::{Broker, BrokerSettings};

use script::Script;
use transcript::Transcript;

/// A broker with the settings that `tests/java/kafka` gives to Kafka.
async fn broker() -> Broker {
    let mut settings = BrokerSettings::ephemeral();
    settings.core.auto_create_topics = false;
    settings.login_listener = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let user = User { name: "weir".into(), password: "weir-secret".into() };
    settings.core.login.users.push(user);
    Broker::start(settings).await.expect("a broker in memory")
}

async fn transcript(address: &str, script: impl AsyncFn(&mut Script)) -> Transcript {
    let mut run = Script::start(address).await;
    script(&mut run).await;
    run.transcript
}

/// Which listener a script talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listener {
    Plain,
    /// Clients have to log in.
    Login,
}

impl Listener {
    /// Where Kafka listens, if there is one.
    fn of_kafka(self) -> Option<String> {
        let variable = match self {
            Listener::Plain => "WEIR_TEST_KAFKA",
            Listener::Login => "WEIR_TEST_KAFKA_SASL",
        };
        std::env::var(variable).ok()
    }

    fn of(self, broker: &Broker) -> String {
        match self {
            Listener::Plain => broker.address().to_string(),
            Listener::Login => broker.login_address().expect("a second listener").to_string(),
        }
    }
}

/// Runs a script on this broker, and on Kafka if there is one, and compares.
async fn compare(name: &str, listener: Listener, script: impl AsyncFn(&mut Script)) {
    if let Some(kafka) = listener.of_kafka() {
        let answers = transcript(&kafka, &script).await;
        if std::env::var_os("WEIR_WRITE_ANSWERS").is_some() {
            answers.write(name);
        }
        let drift = Transcript::read(name).differences(&answers);
        let drift: Vec<String> = drift.iter().map(ToString::to_string).collect();
        assert!(drift.is_empty(), "Kafka answers not as recorded ({name}):\n{}", drift.join("\n"));
    }
    let broker = broker().await;
    let expected = Transcript::read(name);
    let ours = transcript(&listener.of(&broker), &script).await;
    let unmeant: Vec<String> = expected
        .differences(&ours)
        .iter()
        .filter(|difference| !differences::is_meant(name, &difference.label))
        .map(ToString::to_string)
        .collect();
    let (count, all) = (unmeant.len(), expected.len());
    assert!(count == 0, "{name}: {count} differences in {all} answers:\n{}", unmeant.join("\n"));
}

macro_rules! scripts {
    ($($name:ident,)*) => {
        $(#[tokio::test]
        async fn $name() {
            let listener = match stringify!($name) {
                "sasl" => Listener::Login,
                _ => Listener::Plain,
            };
            compare(stringify!($name), listener, scripts::$name::script).await;
        })*
    };
}

scripts! {
    acls,
    api_versions,
    classic,
    commits,
    configs,
    consumer,
    fetch,
    offsets,
    produce,
    producers,
    sasl,
    schemas,
    topics,
    transactions,
}

/// `WEIR_WRITE_ANSWERS=1` writes it.
#[test]
fn the_document_says_what_is_meant_to_differ() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/dev-differences.md");
    if std::env::var_os("WEIR_WRITE_ANSWERS").is_some() {
        std::fs::write(path, differences::document()).expect("the crate's folder");
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        text == differences::document(),
        "docs/dev-differences.md is old: WEIR_WRITE_ANSWERS=1"
    );
}
