//! Avro: what a serializer writes with and a deserializer reads with.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_registry_api::{Reference, RegisterRequest};
use weir_schema::avro::codec::typed::{
    self, AvroRead, AvroType, AvroWrite, PayloadWriter, TypeSchema,
};
use weir_schema::avro::codec::{CodecError, Encoder, Plan};
use weir_schema::avro::{ParseOptions, Schema, compatibility};

use crate::client::RegistryClient;
use crate::codec::{AvroCodec, Known, parse_avro};
use crate::deserializer::{Deserializer, Message, Reads};
use crate::error::{ClientError, Record};
use crate::fetch::resolve;
use crate::frame::SchemaName;
use crate::reason::Reason;
use crate::serializer::{Serializer, Writes};
use crate::target::Own;

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ClientError {
    ClientError::Schema(Reason::of(error))
}

/// Writes values of `T` as Avro: with its own schema, or with one that the registry chooses.
pub type AvroSerializer<T> = Serializer<AvroWriter<T>>;

/// Reads Avro data as values of `T`, whatever schema they were written with.
pub type AvroDeserializer<T> = Deserializer<AvroReader<T>>;

/// A payload with what reads it; values may borrow from both.
pub type AvroMessage<'a, T> = Message<'a, AvroReader<T>>;

/// What an [`AvroSerializer`] writes with.
pub struct AvroWriter<T: ?Sized> {
    request: RegisterRequest,
    schema: Schema,
    encoder: Encoder,
    straight: Option<Straight<T>>,
}

/// Code that writes data of one schema.
struct Straight<T: ?Sized> {
    own: TypeSchema,
    write: PayloadWriter<T>,
}

/// A schema that the registry chose.
#[derive(Clone)]
pub struct Chosen {
    codec: Arc<AvroCodec>,
    /// Whether it is written as the type's own.
    is_straight: bool,
}

impl<T: Serialize + ?Sized> Serializer<AvroWriter<T>> {
    /// Writes with `schema`, an Avro schema that stands alone. It is registered for a topic when
    /// the first record of that topic is written.
    pub fn new(client: RegistryClient, schema: &str) -> Result<Self, ClientError> {
        Ok(Serializer::of(client, AvroWriter::alone(schema)?))
    }

    /// Writes with a schema that refers to others, which the registry has.
    pub async fn with_references(
        client: RegistryClient,
        schema: &str,
        references: Vec<Reference>,
    ) -> Result<Self, ClientError> {
        let writer = AvroWriter::referring(&client, schema, references).await?;
        Ok(Serializer::of(client, writer))
    }

    /// Writes with the schema that `T` has by [`Avro`](crate::Avro), and by its code, which is the
    /// fastest way. Where the registry chooses another schema, serde takes over.
    pub fn derived(client: RegistryClient) -> Result<Self, ClientError>
    where
        T: AvroWrite + Sized,
    {
        let own = TypeSchema::of::<T>().map_err(unusable)?;
        let mut writer = AvroWriter::new(&own.text, Vec::new(), own.schema.clone())?;
        let is_straight = own.is_straight();
        let write = own.payload_writer::<T>();
        writer.straight = is_straight.then_some(Straight { own, write });
        Ok(Serializer::of(client, writer))
    }
}

impl<T: ?Sized> AvroWriter<T> {
    pub(crate) fn alone(schema: &str) -> Result<AvroWriter<T>, ClientError> {
        let parsed = Schema::parse(schema).map_err(unusable)?;
        AvroWriter::new(schema, Vec::new(), parsed)
    }

    pub(crate) async fn referring(
        client: &RegistryClient,
        schema: &str,
        references: Vec<Reference>,
    ) -> Result<AvroWriter<T>, ClientError> {
        let texts = resolve(client, &references).await?;
        let parsed = parse_avro(schema, &texts, ParseOptions::default())?;
        AvroWriter::new(schema, references, parsed)
    }

    fn new(
        text: &str,
        references: Vec<Reference>,
        schema: Schema,
    ) -> Result<AvroWriter<T>, ClientError> {
        Ok(AvroWriter {
            encoder: Encoder::for_payloads(&schema).map_err(unusable)?,
            schema,
            request: RegisterRequest {
                schema: Some(text.to_string()),
                references,
                ..RegisterRequest::default()
            },
            straight: None,
        })
    }

    /// What writes data of the own schema, or of the other that the registry chose.
    #[inline]
    pub(crate) fn encoder<'a>(&'a self, other: Option<&'a Chosen>) -> &'a Encoder {
        other.map_or(&self.encoder, |chosen| &chosen.codec.encoder)
    }
}

impl<T: ?Sized> Own for AvroWriter<T> {
    type Other = Chosen;

    fn request(&self) -> &RegisterRequest {
        &self.request
    }

    fn record_name(&self) -> Option<&str> {
        self.schema.full_name()
    }

    fn other(&self, known: &Known, strict: bool) -> Result<Chosen, ClientError> {
        let codec = known.avro()?.clone();
        if strict {
            let reasons = compatibility(&codec.schema, &self.schema).map_err(unusable)?;
            if let Some(first) = reasons.first() {
                return Err(known.cannot_read(&first.message));
            }
        }
        let straight = self.straight.as_ref();
        Ok(Chosen { is_straight: straight.is_some_and(|s| s.own.writes(&codec.schema)), codec })
    }
}

impl<T: Serialize + ?Sized> Writes for AvroWriter<T> {
    type Value = T;

    #[inline]
    fn write(
        &self,
        other: Option<&Chosen>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), ClientError> {
        match (&self.straight, other) {
            (Some(straight), None) => (straight.write)(value, out)?,
            (Some(straight), Some(chosen)) if chosen.is_straight => (straight.write)(value, out)?,
            (_, other) => self.encoder(other).encode(value, out)?,
        }
        Ok(())
    }
}

/// What an [`AvroDeserializer`] reads with.
pub struct AvroReader<T> {
    reader: Reader,
    straight: Option<ReadStraight<T>>,
    value: PhantomData<fn() -> T>,
}

/// A type's own code, which reads data of its own schema.
type ReadStraight<T> = fn(&Plan, &[u8]) -> Result<T, CodecError>;

enum Reader {
    /// The writer's schema, whatever it is.
    Writer,
    Schema(Box<Schema>),
    Type(Box<TypeSchema>),
}

/// How data of one schema is read.
pub struct Reading {
    resolved: Resolved,
    /// Whether it is read as the type's own.
    is_straight: bool,
    /// The writer's schema.
    name: Option<SchemaName>,
}

enum Resolved {
    Writer(Arc<AvroCodec>),
    Reader(Plan),
}

impl Reading {
    #[inline]
    pub(crate) fn plan(&self) -> &Plan {
        match &self.resolved {
            Resolved::Writer(codec) => &codec.plan,
            Resolved::Reader(plan) => plan,
        }
    }

    /// The error of data that was read so.
    #[cold]
    pub(crate) fn unfit(&self, error: CodecError) -> ClientError {
        let record = || Record { schema: self.name, topic: None };
        ClientError::from(error).of_record(record)
    }
}

impl<T> Deserializer<AvroReader<T>> {
    /// Reads data as its writer's schema has it; serde fits it to `T`.
    pub fn new(client: RegistryClient) -> Self {
        Deserializer::of(client, AvroReader::by(Reader::Writer))
    }

    /// Reads data as `schema` has it, by Avro's rules: defaults, aliases, promotions.
    pub fn with_reader_schema(client: RegistryClient, schema: &str) -> Result<Self, ClientError> {
        let schema = Schema::parse(schema).map_err(unusable)?;
        Ok(Deserializer::of(client, AvroReader::by(Reader::Schema(Box::new(schema)))))
    }

    /// Reads data as `T` has it by [`Avro`](crate::Avro), by its code where the writer's schema is the
    /// same, by Avro's rules where it is not.
    pub fn derived(client: RegistryClient) -> Result<Self, ClientError>
    where
        T: for<'de> AvroRead<'de>,
    {
        let own = TypeSchema::of::<T>().map_err(unusable)?;
        let reader = AvroReader::by(Reader::Type(Box::new(own)));
        Ok(Deserializer::of(
            client,
            AvroReader { straight: Some(typed::decode_owned_over::<T>), ..reader },
        ))
    }

    /// The same for a type that borrows: `message(..).await?.value()?`.
    pub fn borrowing(client: RegistryClient) -> Result<Self, ClientError>
    where
        T: AvroType,
    {
        let own = TypeSchema::of::<T>().map_err(unusable)?;
        Ok(Deserializer::of(client, AvroReader::by(Reader::Type(Box::new(own)))))
    }
}

impl<T> Deserializer<AvroReader<T>> {
    /// Finds what reads a payload. For types that borrow: `message(..).await?.decode()?`.
    pub async fn message<'a>(&self, payload: &'a [u8]) -> Result<AvroMessage<'a, T>, ClientError> {
        self.find(None, payload).await
    }

    /// The same for a record whose header may name the schema: `header` is the value of
    /// [`Part::schema_header`](crate::Part::schema_header)'s, if the record has one.
    pub async fn message_with_header<'a>(
        &self,
        header: Option<&[u8]>,
        payload: &'a [u8],
    ) -> Result<AvroMessage<'a, T>, ClientError> {
        self.find(header, payload).await
    }
}

impl<T> AvroReader<T> {
    fn by(reader: Reader) -> AvroReader<T> {
        AvroReader { reader, straight: None, value: PhantomData }
    }
}

impl<T> Reads for AvroReader<T> {
    type Reading = Reading;

    fn reading(&self, known: &Known) -> Result<Reading, ClientError> {
        let codec = known.avro()?;
        let (schema, own) = match &self.reader {
            Reader::Writer => {
                let resolved = Resolved::Writer(codec.clone());
                return Ok(Reading { resolved, is_straight: false, name: codec.name });
            }
            Reader::Schema(schema) => (&**schema, None),
            Reader::Type(own) => (&own.schema, Some(own)),
        };
        let plan = Plan::for_payloads(&codec.schema, schema)
            .map_err(|e| unusable(e).of_schema(&known.fetched.shown()))?;
        let is_straight = own.is_some_and(|own| own.reads(&plan));
        Ok(Reading { resolved: Resolved::Reader(plan), is_straight, name: codec.name })
    }
}

impl<T: DeserializeOwned> crate::deserializer::ReadsOwned for AvroReader<T> {
    type Value = T;

    #[inline]
    fn read(&self, reading: &Reading, _place: &[u8], data: &[u8]) -> Result<T, ClientError> {
        match self.straight {
            Some(straight) if reading.is_straight => straight(reading.plan(), data),
            _ => reading.plan().decode(data),
        }
        .map_err(|error| reading.unfit(error))
    }
}

impl<T> Message<'_, AvroReader<T>> {
    /// Reads the value as any serde type; strings and bytes of it may borrow from the payload.
    pub fn decode<'m, V: Deserialize<'m>>(&'m self) -> Result<V, ClientError> {
        let reading = self.reading()?;
        reading.plan().decode(self.data).map_err(|error| reading.unfit(error))
    }

    /// Reads the value as the deserializer's type, which may borrow from the payload, by its own code
    /// where the writer's schema is the same.
    #[inline]
    pub fn value<'m>(&'m self) -> Result<T::At<'m>, ClientError>
    where
        T: AvroType,
        T::At<'m>: AvroRead<'m> + Deserialize<'m>,
    {
        let reading = self.reading()?;
        match reading.is_straight {
            true => typed::decode_over(reading.plan(), self.data),
            false => reading.plan().decode(self.data),
        }
        .map_err(|error| reading.unfit(error))
    }
}
