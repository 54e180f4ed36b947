//! Avro data: to and from serde types, to and from Avro's JSON encoding.
//!
//! [`Plan`] is the resolution of a writer's schema against a reader's, done once and by index.
//! [`Encoder`] writes data of one schema. Nothing is looked up by name per record but the names
//! that the other side itself spells out (JSON keys, serde field names), and those with a guess
//! that is right whenever the fields come in order.
//!
//! Truncated data, bytes left over and lengths that lie are errors; nothing is reserved that the
//! payload does not cover; data nested deeper than [`DEPTH_MAX`] is refused.

mod aliases;
mod bare;
mod bytes;
mod compile;
mod de;
mod defaults;
mod describe;
mod error;
mod from_json;
mod logical;
mod only;
mod plan;
mod record;
mod schema_text;
mod ser;
mod to_json;
pub mod typed;
#[cfg(feature = "apache-avro")]
mod value;

pub use compile::CompileError;
pub use error::CodecError;
pub use plan::{Encoder, Plan};
pub use to_json::Decimals;

/// Levels of records, arrays, maps and unions in data; the bound is what a 2 MiB stack holds in an
/// unoptimised build.
pub const DEPTH_MAX: usize = 256;

#[cfg(test)]
mod tests;
