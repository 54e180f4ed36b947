//! Clients of Kafka that nobody here wrote, unchanged, against the broker of `weir dev`. `docs/dev-clients.md` is the table
//! of what these tests hold.
//!
//! `WEIR_TEST_BROKER=HOST:PORT` has them run against another broker: they pass on Apache Kafka 4.1, too.
#![allow(clippy::unwrap_used)] // how a test fails

mod broker;
mod clients;
mod page;
mod run;
mod versions;

#[path = "../weir/process.rs"]
#[expect(dead_code, reason = "other tests ask more of a process")]
mod process;

use clients::*;
use run::passes;

#[test]
fn the_java_client() {
    passes(&JAVA);
}

#[test]
fn kafka_streams() {
    passes(&STREAMS);
}

#[test]
fn kafka_connect() {
    passes(&CONNECT);
}

#[test]
fn kafkas_command_line_tools() {
    passes(&TOOLS);
}

#[test]
fn franz_go() {
    passes(&FRANZ_GO);
}

#[test]
fn sarama() {
    passes(&SARAMA);
}

#[test]
fn confluent_kafka_for_go() {
    passes(&CONFLUENT_GO);
}

#[test]
fn kafka_go() {
    passes(&KAFKA_GO);
}

#[test]
fn confluent_kafka_for_python() {
    passes(&CONFLUENT_PYTHON);
}

#[test]
fn kafka_python() {
    passes(&KAFKA_PYTHON);
}

#[test]
fn aiokafka() {
    passes(&AIOKAFKA);
}

#[test]
fn kafkajs() {
    passes(&KAFKAJS);
}

#[test]
fn rskafka() {
    passes(&RSKAFKA);
}

#[test]
fn kcat() {
    passes(&KCAT);
}
