//! The Avro deserializer.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use weir_schema::avro::Schema;
use weir_schema::avro::codec::Plan;

use crate::cache::AvroCodec;
use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::{SchemaName, unframe_record};

/// Reads values of `T`, whatever schema they were written with.
pub struct AvroDeserializer<T> {
    client: RegistryClient,
    reader: Option<Schema>,
    /// How to read each writer's data as the reader's.
    plans: ArcSwap<HashMap<SchemaName, Arc<Plan>>>,
    value: PhantomData<fn() -> T>,
}

/// A payload with what reads it; `T` may borrow from both.
pub struct AvroMessage<'a> {
    plan: Resolved,
    data: &'a [u8],
}

enum Resolved {
    Writer(Arc<AvroCodec>),
    Reader(Arc<Plan>),
}

impl AvroMessage<'_> {
    /// Reads the value; strings and bytes of `T` may borrow from the payload.
    pub fn decode<'m, T: Deserialize<'m>>(&'m self) -> Result<T, ClientError> {
        let plan = match &self.plan {
            Resolved::Writer(codec) => &codec.plan,
            Resolved::Reader(plan) => plan,
        };
        Ok(plan.decode(self.data)?)
    }
}

impl<T> AvroDeserializer<T> {
    /// Reads data as its writer's schema has it; serde fits it to `T`.
    pub fn new(client: RegistryClient) -> AvroDeserializer<T> {
        AvroDeserializer { client, reader: None, plans: ArcSwap::default(), value: PhantomData }
    }

    /// Reads data as `schema` has it, by Avro's rules: defaults, aliases, promotions.
    pub fn with_reader_schema(
        client: RegistryClient,
        schema: &str,
    ) -> Result<AvroDeserializer<T>, ClientError> {
        let reader = Schema::parse(schema).map_err(|e| ClientError::Schema(e.to_string()))?;
        Ok(AvroDeserializer { reader: Some(reader), ..AvroDeserializer::new(client) })
    }

    /// Finds what reads a payload. For types that borrow: `message(..).await?.decode()?`.
    pub async fn message<'a>(&self, payload: &'a [u8]) -> Result<AvroMessage<'a>, ClientError> {
        self.message_with_header(None, payload).await
    }

    /// The same for a record whose header may name the schema: `header` is the value of
    /// [`Part::schema_header`]'s, if the record has one.
    pub async fn message_with_header<'a>(
        &self,
        header: Option<&[u8]>,
        payload: &'a [u8],
    ) -> Result<AvroMessage<'a>, ClientError> {
        let (name, data) = unframe_record(header, payload)?;
        let Some(reader) = &self.reader else {
            let codec = self.client.avro_codec(name).await?;
            return Ok(AvroMessage { plan: Resolved::Writer(codec), data });
        };
        if let Some(plan) = self.plans.load().get(&name) {
            return Ok(AvroMessage { plan: Resolved::Reader(plan.clone()), data });
        }
        let codec = self.client.avro_codec(name).await?;
        let plan =
            Plan::compile(&codec.schema, reader).map_err(|e| ClientError::Schema(e.to_string()))?;
        let plan = Arc::new(plan);
        self.plans.rcu(|plans| {
            let mut plans = HashMap::clone(plans);
            plans.insert(name, plan.clone());
            plans
        });
        Ok(AvroMessage { plan: Resolved::Reader(plan), data })
    }
}

impl<T: DeserializeOwned> AvroDeserializer<T> {
    /// Reads a payload that begins with an id or a guid. Asks the registry once for each.
    pub async fn deserialize(&self, payload: &[u8]) -> Result<T, ClientError> {
        self.deserialize_with_header(None, payload).await
    }

    /// Reads a record whose header may name the schema; without one, the payload has to.
    pub async fn deserialize_with_header(
        &self,
        header: Option<&[u8]>,
        payload: &[u8],
    ) -> Result<T, ClientError> {
        let (name, data) = unframe_record(header, payload)?;
        // what is known is read without a count that other threads share
        match &self.reader {
            None => {
                if let Some(codec) = self.client.known_codecs().get(&name) {
                    return Ok(codec.plan.decode(data)?);
                }
            }
            Some(_) => {
                if let Some(plan) = self.plans.load().get(&name) {
                    return Ok(plan.decode(data)?);
                }
            }
        }
        self.message_with_header(header, payload).await?.decode()
    }
}
