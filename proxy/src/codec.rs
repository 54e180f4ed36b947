//! Data of a schema: JSON to a record's bytes and back, in the schema's language.

use std::sync::Arc;

use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::value::RawValue;
use weir_schema::avro::codec::{CodecError, Decimals};
use weir_serde::api::SchemaId;
use weir_serde::{AvroCodec, ClientError, JsonCodec, ProtobufCodec, RegistryClient};

use crate::error::ProxyError;
use crate::format::{self, SchemaFormat};

/// A schema of the registry's.
#[derive(Clone)]
pub(crate) enum Codec {
    Avro(Arc<AvroCodec>),
    Json(Arc<JsonCodec>),
    Protobuf(Arc<Messages>),
}

/// A Protobuf schema's messages.
pub(crate) struct Messages {
    codec: Arc<ProtobufCodec>,
    pool: DescriptorPool,
    /// What stands before the data of the first message, which is the one that requests have.
    first: (Vec<u8>, MessageDescriptor),
}

/// Why a value does not fit its schema, and where in it.
pub(crate) struct Unfit {
    /// `orders[3].email`; empty for the value itself.
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// What becomes of fields that an Avro record does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    Refused,
    /// As the reference does.
    Dropped,
}

impl Codec {
    pub(crate) async fn of(
        registry: &RegistryClient,
        format: SchemaFormat,
        id: SchemaId,
    ) -> Result<Codec, ClientError> {
        Ok(match format {
            SchemaFormat::Avro => Codec::Avro(registry.avro_codec(id).await?),
            SchemaFormat::Json => Codec::Json(registry.json_codec(id).await?),
            SchemaFormat::Protobuf => {
                Codec::Protobuf(Arc::new(Messages::new(registry.protobuf_codec(id).await?)?))
            }
        })
    }

    pub(crate) fn id(&self) -> Option<SchemaId> {
        match self {
            Codec::Avro(codec) => codec.id,
            Codec::Json(codec) => codec.id,
            Codec::Protobuf(messages) => messages.codec.id,
        }
    }

    /// Appends the data that `json` says. Fields that an Avro record does not have do not fit, or are left
    /// out.
    pub(crate) fn encode(
        &self,
        json: &RawValue,
        unknown_fields: UnknownFields,
        out: &mut Vec<u8>,
    ) -> Result<(), Unfit> {
        let whole = |reason: String| Unfit { path: String::new(), reason };
        match self {
            Codec::Avro(codec) => match unknown_fields {
                UnknownFields::Refused => codec.encoder.json_to_avro(json.get(), out),
                UnknownFields::Dropped => {
                    codec.encoder.json_to_avro_without_unknown(json.get(), out)
                }
            }
            .map_err(unfit),
            Codec::Json(codec) => {
                let value =
                    serde_json::from_str(json.get()).map_err(|error| whole(error.to_string()))?;
                codec.check(&value).map_err(|error| whole(error.to_string()))?;
                out.extend_from_slice(&format::compact(json.get()));
                Ok(())
            }
            Codec::Protobuf(messages) => {
                let (place, descriptor) = &messages.first;
                let mut json = serde_json::Deserializer::from_str(json.get());
                let message = DynamicMessage::deserialize(descriptor.clone(), &mut json)
                    .map_err(|error| whole(error.to_string()))?;
                out.extend_from_slice(place);
                message.encode(out).map_err(|error| whole(error.to_string()))
            }
        }
    }

    /// Appends as JSON what `data` says, which stands after the schema's id. 40801.
    pub(crate) fn to_json(
        &self,
        data: &[u8],
        decimals: Decimals,
        out: &mut Vec<u8>,
    ) -> Result<(), ProxyError> {
        let unreadable = |reason| ProxyError::Unreadable { reason };
        match self {
            Codec::Avro(codec) => {
                let read = codec.plan.to_json_with(data, decimals, out);
                read.map_err(|error| unreadable(error.to_string()))
            }
            Codec::Json(_) => format::to_json(data, out),
            Codec::Protobuf(messages) => messages.to_json(data, out).map_err(unreadable),
        }
    }
}

fn unfit(error: CodecError) -> Unfit {
    Unfit { path: error.path(), reason: error.reason().to_string() }
}

impl Messages {
    fn new(codec: Arc<ProtobufCodec>) -> Result<Messages, ClientError> {
        let unusable = |e: &dyn std::fmt::Display| ClientError::Schema(e.to_string().into());
        let set = codec.schema.file_descriptor_set().map_err(|e| unusable(&e))?;
        let pool = DescriptorPool::from_file_descriptor_set(set).map_err(|e| unusable(&e))?;
        let name = codec.schema.message_at(&[0]).ok_or_else(|| unusable(&"it has no message"))?;
        let descriptor = pool
            .get_message_by_name(&name)
            .ok_or_else(|| unusable(&format!("it has no descriptor of {name}")))?;
        let first = (codec.place(&name)?, descriptor);
        Ok(Messages { codec, pool, first })
    }

    /// As Java's `JsonFormat` prints it with default values: names in camel case, numbers of 64 bits as
    /// strings.
    fn to_json(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let (name, data) = self.codec.message(data).map_err(|e| e.to_string())?;
        let descriptor = self.pool.get_message_by_name(&name);
        let descriptor = descriptor.ok_or_else(|| format!("there is no descriptor of {name}"))?;
        let message = DynamicMessage::decode(descriptor, data).map_err(|e| e.to_string())?;
        let options = SerializeOptions::new().skip_default_fields(false);
        let start = out.len();
        let mut json = serde_json::Serializer::new(&mut *out);
        message.serialize_with_options(&mut json, &options).map_err(|error| {
            let error = error.to_string();
            out.truncate(start);
            error
        })
    }
}
