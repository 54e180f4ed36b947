//! Client of a Confluent-compatible schema registry, and Avro serializers over it.
//!
//! A message starts with a zero byte and the schema's id, or a header of the record has the schema's
//! guid; either is looked up once, whoever asks.
//! Types are serde types; no value tree stands between them and the bytes.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use weir_serde::{AvroDeserializer, AvroSerializer, Part, RegistryClient};
//!
//! const FLIGHT: &str = r#"{"type": "record", "name": "Flight", "namespace": "air", "fields": [
//!     {"name": "origin", "type": "string"},
//!     {"name": "destination", "type": "string"},
//!     {"name": "delay_minutes", "type": ["null", "int"], "default": null}]}"#;
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Flight {
//!     origin: String,
//!     destination: String,
//!     delay_minutes: Option<i32>,
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let registry = weir_registry::Registry::open(weir_registry::log::MemoryLog::default()).unwrap();
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
//! # let url = format!("http://{}", listener.local_addr().unwrap());
//! # tokio::spawn(async move { axum::serve(listener, weir_registry::router(registry)).await });
//! let client = RegistryClient::new(&url)?;
//! let serializer = AvroSerializer::<Flight>::new(client.clone(), FLIGHT)?;
//! let deserializer = AvroDeserializer::<Flight>::new(client);
//!
//! let flight = Flight { origin: "SFO".into(), destination: "LAX".into(), delay_minutes: Some(14) };
//! // the bytes to produce: registers the schema as `flights-value` when it is first needed
//! let payload = serializer.serialize("flights", Part::Value, &flight).await?;
//! assert_eq!(payload[..5], [0, 0, 0, 0, 1]);
//! assert_eq!(deserializer.deserialize(&payload).await?, flight);
//! # Ok::<(), weir_serde::ClientError>(())
//! # }).unwrap();
//! ```

mod cache;
mod client;
mod deserializer;
mod endpoints;
mod error;
mod frame;
mod oauth;
mod serializer;
mod subject;
mod transport;

pub use cache::AvroCodec;
pub use client::{ClientBuilder, RegistryClient};
pub use deserializer::{AvroDeserializer, AvroMessage};
pub use error::ClientError;
pub use frame::{FrameError, SchemaHeader, SchemaName, frame, unframe, unframe_record};
pub use oauth::OAuth;
pub use serializer::AvroSerializer;
pub use subject::{Custom, Part, SubjectNameStrategy};

/// The registry's words: names, wire types, error codes.
pub use weir_registry_api as api;
