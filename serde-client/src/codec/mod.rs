//! Codecs: what reads and writes data of one schema, a file a language.

mod avro;
#[cfg(feature = "json-schema")]
mod json;
mod protobuf;

use std::sync::Arc;

use weir_registry_api::SchemaType;

use crate::error::ClientError;
use crate::fetched::Fetched;
pub use avro::AvroCodec;
pub(crate) use avro::parse as parse_avro;
#[cfg(feature = "json-schema")]
pub use json::JsonCodec;
pub use protobuf::ProtobufCodec;
pub(crate) use protobuf::{indexes, place};

/// A schema, ready to read and write with.
#[derive(Debug)]
pub struct Known {
    pub(crate) fetched: Fetched,
    codec: Codec,
}

#[derive(Debug)]
enum Codec {
    Avro(Arc<AvroCodec>),
    #[cfg(feature = "json-schema")]
    Json(Arc<JsonCodec>),
    Protobuf(Arc<ProtobufCodec>),
    Other,
}

impl Codec {
    fn of(fetched: &Fetched) -> Result<Codec, ClientError> {
        Ok(match fetched.schema_type {
            SchemaType::Avro => Codec::Avro(Arc::new(AvroCodec::new(fetched)?)),
            #[cfg(feature = "json-schema")]
            SchemaType::Json => Codec::Json(Arc::new(JsonCodec::new(fetched)?)),
            #[cfg(not(feature = "json-schema"))]
            SchemaType::Json => Codec::Other,
            SchemaType::Protobuf => Codec::Protobuf(Arc::new(ProtobufCodec::new(fetched)?)),
            SchemaType::Other(_) => Codec::Other,
        })
    }
}

impl Known {
    pub(crate) fn new(fetched: Fetched) -> Result<Known, ClientError> {
        let codec = Codec::of(&fetched).map_err(|error| error.of_schema(&fetched.shown()))?;
        Ok(Known { fetched, codec })
    }

    pub(crate) fn avro(&self) -> Result<&Arc<AvroCodec>, ClientError> {
        match &self.codec {
            Codec::Avro(codec) => Ok(codec),
            _ => Err(self.not(SchemaType::Avro)),
        }
    }

    #[cfg(feature = "json-schema")]
    pub(crate) fn json(&self) -> Result<&Arc<JsonCodec>, ClientError> {
        match &self.codec {
            Codec::Json(codec) => Ok(codec),
            _ => Err(self.not(SchemaType::Json)),
        }
    }

    pub(crate) fn protobuf(&self) -> Result<&Arc<ProtobufCodec>, ClientError> {
        match &self.codec {
            Codec::Protobuf(codec) => Ok(codec),
            _ => Err(self.not(SchemaType::Protobuf)),
        }
    }

    fn not(&self, wanted: SchemaType) -> ClientError {
        let (is, wanted) = (self.fetched.schema_type.name(), wanted.name());
        ClientError::Schema(
            format!("schema {} is {is} and not {wanted}", self.fetched.shown()).into(),
        )
    }

    /// The error of a schema that is to be written with and cannot read what a serializer's own writes.
    pub(crate) fn cannot_read(&self, why: impl std::fmt::Display) -> ClientError {
        let shown = self.fetched.shown();
        ClientError::Schema(
            format!("schema {shown} cannot read what this one writes: {why}").into(),
        )
    }
}
