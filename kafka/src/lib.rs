//! Kafka, as registry and proxy reach it: one set of settings (librdkafka's names), and a client of our
//! own for what librdkafka has no words for. The types of Kafka's protocol are kafka-protocol's.

mod client;
mod connection;
mod error;
mod scram;
mod security;
mod settings;

pub use client::{Client, Cluster, Coordinated, Node};
pub use error::{Error, check};
pub use settings::{Settings, Verdict, judge, refusal};
