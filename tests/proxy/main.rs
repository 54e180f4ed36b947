//! The REST proxy through its socket; files mirror the URL tree. What the embedded broker can do
//! runs on it and on the real Kafka.
#![allow(clippy::unwrap_used)] // how a test fails

mod topics;
