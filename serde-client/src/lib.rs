//! A client for Confluent-compatible schema registries, with serializers and deserializers for Avro, JSON Schema
//! and Protobuf.
//!
//! A Kafka record that was serialized with a schema has to name that schema. It begins with a zero byte and the
//! schema's id, or one of its headers has the schema's GUID ([`guide::ids`] compares the two). This crate writes and
//! reads both. It asks the registry once for each schema, however many tasks need it.
//!
//! Avro types are serde types, and are written and read without a tree of values between them and the bytes.
//! [`#[derive(Avro)]`](derive@Avro) also gives a type its schema, and faster code of its own.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use weir_serde::testing::TestRegistry;
//! use weir_serde::{Avro, AvroDeserializer, AvroSerializer, Part};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
//! #[avro(namespace = "air")]
//! struct Flight {
//!     origin: String,
//!     destination: String,
//!     delay_minutes: Option<i32>,
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let registry = TestRegistry::start(); // or RegistryClient::new("http://localhost:8081")?
//! let client = registry.client();
//! let serializer = AvroSerializer::<Flight>::derived(client.clone())?;
//! let deserializer = AvroDeserializer::<Flight>::derived(client)?;
//!
//! let flight = Flight { origin: "SFO".into(), destination: "LAX".into(), delay_minutes: Some(14) };
//! // The bytes to produce. The first record registers the schema as `flights-value`.
//! let payload = serializer.serialize("flights", Part::Value, &flight).await?;
//! assert_eq!(payload[..5], [0, 0, 0, 0, 1]);
//! assert_eq!(deserializer.deserialize(&payload).await?, flight);
//! # Ok::<(), weir_serde::ClientError>(())
//! # }).unwrap();
//! ```
//!
//! # Where to find what
//!
//! | To | see |
//! |---|---|
//! | write and read | [`AvroSerializer`], [`AvroDeserializer`]; [`ProtobufSerializer`], [`ProtobufDeserializer`]; `JsonSerializer`, `JsonDeserializer` |
//! | read what was written with another version of the schema | [`guide::evolution`] |
//! | choose where a record names its schema | [`guide::ids`] |
//! | have dates, decimals and UUIDs | [`guide::logical_types`] |
//! | know what to do about an error | [`guide::errors`] |
//! | come from another crate | [`guide::from_schema_registry_converter`] |
//! | set credentials, certificates, retries, timeouts or a proxy | [`ClientBuilder`] |
//! | do without async | [`blocking`] |
//! | test against a registry | `testing` |
//! | start while the registry is down | [`RegistryClient::save_schemas`], [`ClientBuilder::schemas_from`] |
//! | write values without a Rust type | `AvroValueSerializer` |
//!
//! # What to know
//!
//! * Requests run on a thread of the library's own. Each is a span of [`tracing`], and its failed tries are events in
//!   that span. [`RegistryClient::stats`] counts them.
//! * A schema that is Avro's `bytes` and nothing else is written as Confluent's serializers write it: without a length
//!   before the bytes.
//! * A visitor that is written by hand has to take a record as a sequence as well as a map: where a type's fields come
//!   in the schema's order, their names are not looked up.
//! * An array may have at most 4,096 items that take no bytes.
//!
//! # Features
//!
//! | Feature | brings | default |
//! |---|---|---|
//! | `json-schema` | `JsonSerializer` and `JsonDeserializer`, which validate | yes |
//! | `apache-avro` | data as apache-avro's `Value` | no |
//! | `testing` | a registry in memory, on a port of its own | no |

mod avro;
#[cfg(feature = "apache-avro")]
mod avro_value;
pub mod blocking;
mod cache;
mod client;
mod codec;
mod deserializer;
mod endpoints;
mod error;
mod failure;
mod fetch;
mod fetched;
mod file;
mod frame;
mod ids;
#[cfg(feature = "json-schema")]
mod json;
mod oauth;
mod part;
mod protobuf;
mod reason;
mod redirect;
mod runtime;
mod serializer;
mod snapshot;
mod stats;
mod subject;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

pub use avro::{AvroDeserializer, AvroMessage, AvroReader, AvroSerializer, AvroWriter};
#[cfg(feature = "apache-avro")]
pub use avro_value::{AvroValueSerializer, AvroValueWriter};
pub use client::{ClientBuilder, RegistryClient};
#[cfg(feature = "json-schema")]
pub use codec::JsonCodec;
pub use codec::{AvroCodec, ProtobufCodec};
pub use deserializer::{Deserializer, Message};
pub use error::{ClientError, DataError};
pub use frame::{FrameError, Named, SchemaHeader, SchemaName, frame, unframe, unframe_record};
#[cfg(feature = "json-schema")]
pub use json::{JsonDeserializer, JsonReader, JsonSerializer, JsonWriter};
pub use oauth::OAuth;
pub use part::Part;
pub use protobuf::{ProtobufDeserializer, ProtobufReader, ProtobufSerializer, ProtobufWriter};
pub use reason::Reason;
pub use redirect::without_password;
pub use runtime::with_headers;
pub use serializer::Serializer;
pub use stats::Stats;
pub use subject::{Custom, SubjectNameStrategy};
pub use transport::RequestSigner;

/// The apache-avro crate, whose `Value` stands for data that has no Rust type.
#[cfg(feature = "apache-avro")]
pub use apache_avro;
/// A guide: each page answers one question.
pub mod guide {
    #[doc = include_str!("../docs/errors.md")]
    pub mod errors {}

    #[doc = include_str!("../docs/evolution.md")]
    pub mod evolution {}

    #[doc = include_str!("../docs/ids.md")]
    pub mod ids {}

    #[doc = include_str!("../docs/logical_types.md")]
    pub mod logical_types {}

    #[doc = include_str!("../docs/from_schema_registry_converter.md")]
    pub mod from_schema_registry_converter {}
}

/// Types that must not compile with `#[derive(Avro)]`, each after a twin that does.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use weir_serde::{Avro, typed::TypeSchema};
/// #[derive(Serialize, Deserialize, Avro)]
/// struct Twin { of: Option<i32> }
/// TypeSchema::of::<Twin>().unwrap();
/// ```
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// # use weir_serde::{Avro, typed::TypeSchema};
/// #[derive(Serialize, Deserialize, Avro)]
/// struct Twin { of: Option<Option<i32>> }
/// TypeSchema::of::<Twin>().unwrap();
/// ```
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use weir_serde::{Avro, typed::TypeSchema};
/// #[derive(Serialize, Deserialize, Avro)]
/// enum Either { Null, String(String) }
/// #[derive(Serialize, Deserialize, Avro)]
/// struct Twin { of: Either }
/// TypeSchema::of::<Twin>().unwrap();
/// ```
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// # use weir_serde::{Avro, typed::TypeSchema};
/// #[derive(Serialize, Deserialize, Avro)]
/// enum Either { Null, String(String) }
/// #[derive(Serialize, Deserialize, Avro)]
/// struct Twin { of: Option<Box<Either>> }
/// TypeSchema::of::<Twin>().unwrap();
/// ```
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use weir_serde::{Avro, typed::TypeSchema};
/// #[derive(Serialize, Deserialize, Avro)]
/// struct Twin(f64);
/// TypeSchema::of::<Twin>().unwrap();
/// ```
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// # use weir_serde::{Avro, typed::TypeSchema};
/// #[derive(Serialize, Deserialize, Avro)]
/// struct Twin(f64, f64);
/// TypeSchema::of::<Twin>().unwrap();
/// ```
/// ```
/// # use weir_serde::typed::TypeSchema;
/// TypeSchema::of::<Vec<i64>>().unwrap();
/// ```
/// ```compile_fail
/// # use weir_serde::typed::TypeSchema;
/// TypeSchema::of::<Vec<u64>>().unwrap();
/// ```
#[cfg(doctest)]
pub mod refused {}

/// The blocks of the guide in the documentation compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/serde.md")]
pub mod documentation {}

/// Names, wire types and error codes of the registry's API.
pub use weir_registry_api as api;
/// Types that have an Avro schema and code of their own for it.
pub use weir_schema::avro::codec::typed;
pub use weir_schema_derive::Avro;
