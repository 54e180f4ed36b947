//! JSON Schema: values are serde's JSON, checked against the schema before they are written and after
//! they are read.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_registry_api::{Reference, RegisterRequest, SchemaType};
use weir_schema::json_schema::{Policy, compatibility};

use crate::client::RegistryClient;
use crate::codec::{JsonCodec, Known};
use crate::deserializer::{Deserializer, Reads, ReadsOwned};
use crate::error::{ClientError, Record};
use crate::fetch::resolve;
use crate::fetched::ReferenceText;
use crate::reason::Reason;
use crate::serializer::{Serializer, Writes};
use crate::target::Own;

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ClientError {
    ClientError::Schema(Reason::of(error))
}

fn invalid(error: serde_json::Error) -> ClientError {
    ClientError::invalid(Reason::of(error))
}

/// Writes values of `T` as JSON that is valid by a JSON Schema.
pub type JsonSerializer<T> = Serializer<JsonWriter<T>>;

/// Reads JSON as values of `T`.
pub type JsonDeserializer<T> = Deserializer<JsonReader<T>>;

/// What a [`JsonSerializer`] writes with.
pub struct JsonWriter<T: ?Sized> {
    request: RegisterRequest,
    own: JsonCodec,
    title: Option<String>,
    validate: bool,
    value: PhantomData<fn(&T)>,
}

impl<T: Serialize + ?Sized> Serializer<JsonWriter<T>> {
    /// Writes with `schema`, a JSON Schema that stands alone.
    pub fn new(client: RegistryClient, schema: &str) -> Result<Self, ClientError> {
        Ok(Serializer::of(client, JsonWriter::new(schema, Vec::new(), &[])?))
    }

    /// Writes with a schema that refers to others, which the registry has.
    pub async fn with_references(
        client: RegistryClient,
        schema: &str,
        references: Vec<Reference>,
    ) -> Result<Self, ClientError> {
        let texts = resolve(&client, &references).await?;
        Ok(Serializer::of(client, JsonWriter::new(schema, references, &texts)?))
    }

    /// Whether values are checked before they are written (the default).
    pub fn validate(mut self, validate: bool) -> Self {
        self.writer_mut().validate = validate;
        self
    }
}

impl<T: ?Sized> JsonWriter<T> {
    fn new(
        text: &str,
        references: Vec<Reference>,
        texts: &[ReferenceText],
    ) -> Result<JsonWriter<T>, ClientError> {
        let json: Value = serde_json::from_str(text).map_err(unusable)?;
        Ok(JsonWriter {
            own: JsonCodec::parse(text, texts)?,
            title: json.get("title").and_then(Value::as_str).map(String::from),
            request: RegisterRequest {
                schema: Some(text.to_string()),
                schema_type: Some(SchemaType::Json),
                references,
                ..RegisterRequest::default()
            },
            validate: true,
            value: PhantomData,
        })
    }
}

impl<T: ?Sized> Own for JsonWriter<T> {
    type Other = Arc<JsonCodec>;

    fn request(&self) -> &RegisterRequest {
        &self.request
    }

    fn record_name(&self) -> Option<&str> {
        self.title.as_deref()
    }

    fn other(&self, known: &Known, strict: bool) -> Result<Arc<JsonCodec>, ClientError> {
        let codec = known.json()?.clone();
        if strict {
            let reasons = compatibility(&codec.schema, &self.own.schema, Policy::Strict)
                .map_err(|e| ClientError::Schema(format!("{e:?}").into()))?;
            if let Some(first) = reasons.first() {
                return Err(known.cannot_read(format!("{} at {}", first.rule(), first.path())));
            }
        }
        Ok(codec)
    }
}

impl<T: Serialize + ?Sized> Writes for JsonWriter<T> {
    type Value = T;

    fn write(
        &self,
        other: Option<&Arc<JsonCodec>>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), ClientError> {
        if !self.validate {
            return serde_json::to_writer(out, value).map_err(invalid);
        }
        // what is checked is what is written
        let start = out.len();
        serde_json::to_writer(&mut *out, value).map_err(invalid)?;
        let written = serde_json::from_slice(&out[start..]).map_err(invalid)?;
        other.map_or(&self.own, |other| other).check(&written)
    }
}

/// What a [`JsonDeserializer`] reads with.
pub struct JsonReader<T> {
    validate: bool,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Deserializer<JsonReader<T>> {
    /// Reads values by their writer's schema.
    pub fn new(client: RegistryClient) -> Self {
        Deserializer::of(client, JsonReader { validate: true, value: PhantomData })
    }

    /// Whether values are checked by their writer's schema when they are read (the default).
    pub fn validate(mut self, validate: bool) -> Self {
        self.reader_mut().validate = validate;
        self
    }
}

impl<T> Reads for JsonReader<T> {
    type Reading = Arc<JsonCodec>;

    fn reading(&self, known: &Known) -> Result<Arc<JsonCodec>, ClientError> {
        Ok(known.json()?.clone())
    }
}

impl<T: DeserializeOwned> ReadsOwned for JsonReader<T> {
    type Value = T;

    fn read(&self, codec: &Arc<JsonCodec>, _place: &[u8], data: &[u8]) -> Result<T, ClientError> {
        let read = || {
            if !self.validate {
                return serde_json::from_slice(data).map_err(invalid);
            }
            let value: Value = serde_json::from_slice(data).map_err(invalid)?;
            codec.check(&value)?;
            serde_json::from_value(value).map_err(invalid)
        };
        let record = || Record { schema: codec.name, topic: None };
        read().map_err(|error: ClientError| error.of_record(record))
    }
}
