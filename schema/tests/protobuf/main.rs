//! Protobuf schemas: a corpus of differences, messages word for word, texts, laws, hostile input.
#![allow(clippy::unwrap_used)] // how a test fails

mod corpus;
mod forms;
mod generate;
mod hostile;
mod laws;
mod protoc;
mod texts;
