//! Schema languages for Weir: parse, canonical text, fingerprints, compatibility, codec.
//!
//! Pure: no clock, no network, no file, no async runtime. [`avro`] agrees with Apache Avro's Java
//! library 1.12 on every verdict, and a differential test against that library says so;
//! [`json_schema`] reports the differences that Confluent's registry reports, and [`protobuf`] prints
//! and compares as it does; its descriptors are protoc's.

pub mod avro;
pub mod budget;
pub mod json;
pub mod json_schema;
mod lines;
pub mod protobuf;

pub use budget::{Budget, Limits, Listed, OverBudget};

/// One of the two schemas of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Reader,
    Writer,
}

/// A type or a field with tags in the schema's own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Names with dots between, as Confluent's `SchemaEntity` has them.
    pub path: String,
    pub is_field: bool,
    pub tags: Vec<String>,
}
