//! Avro serializers and deserializers, with the schema's id in the payload or in a header.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use weir_registry_api::{Guid, Reference, RegisterRequest, SchemaId, Subject};
use weir_schema::avro::codec::{Encoder, Plan};
use weir_schema::avro::{ParseOptions, Schema};

use crate::cache::{AvroCodec, parse};
use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::{SchemaHeader, SchemaName, frame, unframe_record};

/// Which part of a record is serialized: it decides the subject, `<topic>-key` or `<topic>-value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Key,
    Value,
}

impl Part {
    /// The record header that names the schema of this part, where the payload does not.
    pub fn schema_header(self) -> &'static str {
        match self {
            Part::Key => "__key_schema_id",
            Part::Value => "__value_schema_id",
        }
    }

    /// The subject of this part of a topic's records.
    pub fn subject(self, topic: &str) -> Result<Subject, ClientError> {
        let part = match self {
            Part::Key => "key",
            Part::Value => "value",
        };
        Subject::new(&format!("{topic}-{part}"))
            .map_err(|e| ClientError::Configuration(e.to_string()))
    }
}

#[derive(Clone, Copy)]
struct Names {
    id: SchemaId,
    /// Registries of before 8.0 have none.
    guid: Option<Guid>,
}

/// Writes values of `T` with one schema.
pub struct AvroSerializer<T: ?Sized> {
    client: RegistryClient,
    request: RegisterRequest,
    encoder: Encoder,
    auto_register: bool,
    normalize: bool,
    /// What the schema is called in each subject, once it is known.
    names: ArcSwap<HashMap<(String, Part), Names>>,
    asking: Mutex<()>,
    value: PhantomData<fn(&T)>,
}

impl<T: Serialize + ?Sized> AvroSerializer<T> {
    /// Writes with `schema`, an Avro schema that stands alone. It is registered for a topic when
    /// the first record of that topic is written.
    pub fn new(client: RegistryClient, schema: &str) -> Result<AvroSerializer<T>, ClientError> {
        let parsed = Schema::parse(schema).map_err(|e| ClientError::Schema(e.to_string()))?;
        AvroSerializer::with(client, schema, Vec::new(), &parsed)
    }

    /// Writes with a schema that refers to others, which the registry has.
    pub async fn with_references(
        client: RegistryClient,
        schema: &str,
        references: Vec<Reference>,
    ) -> Result<AvroSerializer<T>, ClientError> {
        let parsed = parse(&client, schema, &references, ParseOptions::default()).await?;
        AvroSerializer::with(client, schema, references, &parsed)
    }

    fn with(
        client: RegistryClient,
        schema: &str,
        references: Vec<Reference>,
        parsed: &Schema,
    ) -> Result<AvroSerializer<T>, ClientError> {
        Ok(AvroSerializer {
            client,
            encoder: Encoder::new(parsed).map_err(|e| ClientError::Schema(e.to_string()))?,
            request: RegisterRequest {
                schema: Some(schema.to_string()),
                references,
                ..RegisterRequest::default()
            },
            auto_register: true,
            normalize: false,
            names: ArcSwap::default(),
            asking: Mutex::default(),
            value: PhantomData,
        })
    }

    /// Whether a schema that the subject lacks is registered (the default) or an error.
    pub fn auto_register(mut self, auto_register: bool) -> Self {
        self.auto_register = auto_register;
        self
    }

    /// Whether the registry normalises the schema before it compares and stores it.
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// The payload of a value: magic byte, id, Avro data. Asks the registry once for each topic and
    /// part.
    pub async fn serialize(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<Vec<u8>, ClientError> {
        let mut payload = frame(self.names(topic, part).await?.id);
        self.encoder.encode(value, &mut payload)?;
        Ok(payload)
    }

    /// A header that names the schema by its guid, to be sent with the record, and the payload, which
    /// is Avro data alone: consumers that know nothing of registries can read it. Asks the registry
    /// once for each topic and part.
    pub async fn serialize_with_header(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<(SchemaHeader, Vec<u8>), ClientError> {
        let no_guid = || ClientError::Protocol("the schema has no guid there".into());
        let guid = self.names(topic, part).await?.guid.ok_or_else(no_guid)?;
        let mut payload = Vec::with_capacity(64);
        self.encoder.encode(value, &mut payload)?;
        Ok((SchemaHeader::new(part.schema_header(), guid), payload))
    }

    async fn names(&self, topic: &str, part: Part) -> Result<Names, ClientError> {
        let key = (topic.to_string(), part);
        if let Some(names) = self.names.load().get(&key) {
            return Ok(*names);
        }
        let _one_asks = self.asking.lock().await;
        if let Some(names) = self.names.load().get(&key) {
            return Ok(*names);
        }
        let subject = part.subject(topic)?;
        let names = match self.auto_register {
            true => {
                let found = self.client.register(&subject, &self.request, self.normalize).await?;
                Names { id: found.id, guid: found.guid }
            }
            false => {
                let found = self.client.lookup(&subject, &self.request, self.normalize).await?;
                Names { id: found.id, guid: found.guid }
            }
        };
        let mut known = HashMap::clone(&self.names.load());
        known.insert(key, names);
        self.names.store(Arc::new(known));
        Ok(names)
    }
}

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
        self.message(payload).await?.decode()
    }

    /// Reads a record whose header may name the schema; without one, the payload has to.
    pub async fn deserialize_with_header(
        &self,
        header: Option<&[u8]>,
        payload: &[u8],
    ) -> Result<T, ClientError> {
        self.message_with_header(header, payload).await?.decode()
    }
}
