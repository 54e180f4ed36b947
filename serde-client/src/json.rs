//! JSON Schema: values are serde's JSON, checked against the schema before they are written and after
//! they are read.

use std::marker::PhantomData;
use std::sync::Arc;

use jsonschema::{Retrieve, Uri, Validator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_registry_api::{Reference, RegisterRequest, SchemaId, SchemaType};
use weir_schema::json_schema::{Draft, Policy, Schema, compatibility};

use crate::client::RegistryClient;
use crate::deserializer::{Deserializer, Reads, ReadsOwned};
use crate::error::ClientError;
use crate::schemas::{Fetched, Known, ReferenceText, pairs, resolve};
use crate::serializer::{Serializer, Writes};
use crate::target::Own;

/// Reasons that an error says at most.
const REASONS_MAX: usize = 3;

/// A JSON Schema with what checks values by it.
#[derive(Debug)]
pub struct JsonCodec {
    /// None if it was asked for by its guid.
    pub id: Option<SchemaId>,
    schema: Schema,
    validator: Validator,
}

impl JsonCodec {
    pub(crate) fn new(fetched: &Fetched) -> Result<JsonCodec, ClientError> {
        JsonCodec::parse(fetched.id, &fetched.schema, &fetched.references)
    }

    fn parse(
        id: Option<SchemaId>,
        text: &str,
        references: &[ReferenceText],
    ) -> Result<JsonCodec, ClientError> {
        let unusable = |e: &dyn std::fmt::Display| ClientError::Schema(e.to_string());
        let schema = Schema::parse(text, &pairs(references), false).map_err(|e| unusable(&e))?;
        let json: Value = serde_json::from_str(text).map_err(|e| unusable(&e))?;
        let references = References::new(references).map_err(|e| unusable(&e))?;
        let options = jsonschema::options()
            .with_retriever(references)
            .with_draft(validated_by(schema.draft()));
        let validator = options.build(&json).map_err(|e| unusable(&e))?;
        Ok(JsonCodec { id, schema, validator })
    }

    /// Whether a value is as the schema has it; if not, where and why.
    pub fn check(&self, value: &Value) -> Result<(), ClientError> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let reasons: Vec<String> = self
            .validator
            .iter_errors(value)
            .take(REASONS_MAX)
            .map(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                path => format!("{path}: {error}"),
            })
            .collect();
        Err(ClientError::Invalid(reasons.join("; ")))
    }
}

/// The rules of a draft. A schema whose `$schema` is unknown is of draft 7, as for the registry.
fn validated_by(draft: Draft) -> jsonschema::Draft {
    match draft {
        Draft::Draft4 => jsonschema::Draft::Draft4,
        Draft::Draft6 => jsonschema::Draft::Draft6,
        Draft::Draft7 => jsonschema::Draft::Draft7,
        Draft::Draft201909 => jsonschema::Draft::Draft201909,
        Draft::Draft202012 => jsonschema::Draft::Draft202012,
    }
}

/// What a schema refers to, by the names that it uses: a whole URI, or the end of one.
struct References(Vec<(String, Value)>);

impl References {
    fn new(references: &[ReferenceText]) -> Result<References, serde_json::Error> {
        let parsed =
            references.iter().map(|r| Ok((r.name.clone(), without_unknown_draft(&r.schema)?)));
        Ok(References(parsed.collect::<Result<_, serde_json::Error>>()?))
    }
}

/// A schema without a `$schema` that nobody knows: the draft of what refers to it holds.
fn without_unknown_draft(text: &str) -> Result<Value, serde_json::Error> {
    let mut json: Value = serde_json::from_str(text)?;
    if let Value::Object(members) = &mut json
        && let Some(Value::String(uri)) = members.get("$schema")
        && Draft::named(uri).is_none()
    {
        members.remove("$schema");
    }
    Ok(json)
}

impl Retrieve for References {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let is_meant = |name: &str| {
            uri.strip_suffix(name)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || name.starts_with('/'))
        };
        match self.0.iter().find(|(name, _)| is_meant(name)) {
            Some((_, schema)) => Ok(schema.clone()),
            None => Err(format!("{uri} is not among the schema's references").into()),
        }
    }
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
        let json: Value =
            serde_json::from_str(text).map_err(|e| ClientError::Schema(e.to_string()))?;
        Ok(JsonWriter {
            own: JsonCodec::parse(None, text, texts)?,
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
                .map_err(|e| ClientError::Schema(format!("{e:?}")))?;
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
        let invalid = |e: serde_json::Error| ClientError::Invalid(e.to_string());
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
        let invalid = |e: serde_json::Error| ClientError::Invalid(e.to_string());
        if !self.validate {
            return serde_json::from_slice(data).map_err(invalid);
        }
        let value: Value = serde_json::from_slice(data).map_err(invalid)?;
        codec.check(&value)?;
        serde_json::from_value(value).map_err(invalid)
    }
}
