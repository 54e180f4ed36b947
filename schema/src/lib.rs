//! Schema languages for Weir: parse, canonical text, fingerprints, compatibility, codec.
//!
//! Pure: no clock, no network, no file, no async runtime. [`avro`] agrees with Apache Avro's Java
//! library 1.12 on every verdict, and a differential test against that library says so.

pub mod avro;
pub mod json;
