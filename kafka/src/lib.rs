//! Kafka, as registry and proxy reach it: one set of settings (librdkafka's names), one error, names of topics and
//! partitions, a client of our own for what librdkafka has no words for, and what a cluster is asked with it ([`admin`]).

pub mod admin;
mod client;
mod code;
mod connection;
mod fault;
pub mod metrics;
mod retry;
mod scram;
mod security;
mod settings;
mod topic;

pub use client::{Client, Cluster, Coordinated, Node};
pub use code::Code;
pub use fault::{Fault, blocking, check};
pub use retry::{Fallible, again};
pub use settings::{Settings, Verdict, judge, refusal};
pub use topic::{InvalidTopicName, Partition, TopicName};
