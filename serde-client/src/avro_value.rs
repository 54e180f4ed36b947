//! Avro without a Rust type: apache-avro's `Value`.

use apache_avro::types::Value;
use weir_registry_api::{Reference, RegisterRequest};

use crate::avro::{AvroReader, AvroWriter, Chosen};
use crate::client::RegistryClient;
use crate::codec::Known;
use crate::deserializer::Message;
use crate::error::ClientError;
use crate::serializer::{Serializer, Writes};
use crate::target::Own;

/// Writes apache-avro's values.
pub type AvroValueSerializer = Serializer<AvroValueWriter>;

/// What an [`AvroValueSerializer`] writes with.
pub struct AvroValueWriter(AvroWriter<()>);

impl Serializer<AvroValueWriter> {
    /// Writes with `schema`, an Avro schema that stands alone.
    pub fn new(client: RegistryClient, schema: &str) -> Result<Self, ClientError> {
        Ok(Serializer::of(client, AvroValueWriter(AvroWriter::alone(schema)?)))
    }

    /// Writes with a schema that refers to others, which the registry has.
    pub async fn with_references(
        client: RegistryClient,
        schema: &str,
        references: Vec<Reference>,
    ) -> Result<Self, ClientError> {
        let writer = AvroWriter::referring(&client, schema, references).await?;
        Ok(Serializer::of(client, AvroValueWriter(writer)))
    }
}

impl Own for AvroValueWriter {
    type Other = Chosen;

    fn request(&self) -> &RegisterRequest {
        self.0.request()
    }

    fn record_name(&self) -> Option<&str> {
        self.0.record_name()
    }

    fn other(&self, known: &Known, strict: bool) -> Result<Chosen, ClientError> {
        self.0.other(known, strict)
    }
}

impl Writes for AvroValueWriter {
    type Value = Value;

    fn write(
        &self,
        other: Option<&Chosen>,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), ClientError> {
        Ok(self.0.encoder(other).encode_value(value, out)?)
    }
}

impl<T> Message<'_, AvroReader<T>> {
    /// Reads the value as apache-avro's, of the reader's schema: `AvroDeserializer::<()>::new(client)`
    /// reads data of any.
    pub fn apache_value(&self) -> Result<Value, ClientError> {
        let reading = self.reading()?;
        reading.plan().decode_value(self.data).map_err(|error| reading.unfit(error))
    }
}
