//! Consumer instances: a Kafka consumer each, kept between requests.
//!
//! `state.rs` decides (with `reading.rs` and `trouble.rs`, without Kafka, a clock or a lock), `task.rs` has it done by a
//! client of Kafka, `session.rs` gives an instance its name, its owner and its end, and `instances.rs` keeps them.

mod client;
mod follow;
mod instances;
#[cfg(test)]
mod laws;
mod lease;
mod offsets;
mod outlook;
mod partitions;
mod pattern;
mod reading;
mod rights;
mod seek;
mod session;
mod spec;
mod state;
mod task;
mod trouble;
mod turn;
mod wake;

pub(crate) use client::size;
pub(crate) use follow::follow;
pub(crate) use instances::{Instances, MakerOfInstance, make_room, reap};
pub(crate) use partitions::{Commit, Position, TopicPartition};
pub(crate) use pattern::TopicPattern;
pub(crate) use session::{Session, SessionKey, SessionName, close};
pub(crate) use spec::{ConsumerSpec, MIN_BYTES, MIN_BYTES_DISABLED, REQUEST_TIMEOUT};
pub(crate) use task::{Instance, Outlook, Records};
