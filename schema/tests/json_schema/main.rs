//! JSON Schema through its public face: a corpus of differences, laws, the words of each
//! difference, references, tags, and input that means harm.

#![allow(clippy::unwrap_used)] // how a test fails

mod corpus;
mod documents;
mod hostile;
mod laws;
mod words;

use weir_schema::json_schema::Schema;

/// A schema that is new and stands alone.
fn schema(text: &str) -> Schema {
    Schema::parse(text, &[], true).unwrap_or_else(|error| panic!("{error}: {text}"))
}
