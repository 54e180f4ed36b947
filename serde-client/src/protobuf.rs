//! Protobuf: messages are prost's. Which message of a schema a record has stands before the data, as a
//! path of indexes: `00` for the first.

use std::marker::PhantomData;
use std::sync::Arc;

use prost::Message;
use weir_registry_api::{Reference, RegisterRequest, SchemaType};
use weir_schema::protobuf::{Schema, compatibility};

use crate::client::RegistryClient;
use crate::codec::{Known, ProtobufCodec, indexes, place};
use crate::deserializer::{Deserializer, Reads, ReadsOwned};
use crate::error::{ClientError, Record};
use crate::fetch::resolve;
use crate::fetched::pairs;
use crate::frame::FrameError;
use crate::reason::Reason;
use crate::serializer::{Serializer, Writes};
use crate::target::Own;

/// Writes messages of `M`.
pub type ProtobufSerializer<M> = Serializer<ProtobufWriter<M>>;

/// Reads messages of `M`.
pub type ProtobufDeserializer<M> = Deserializer<ProtobufReader<M>>;

/// What a [`ProtobufSerializer`] writes with.
pub struct ProtobufWriter<M> {
    request: RegisterRequest,
    schema: Schema,
    message: String,
    place: Vec<u8>,
    value: PhantomData<fn(&M)>,
}

impl<M: Message> Serializer<ProtobufWriter<M>> {
    /// Writes messages of the full name `message` with `schema`, the text of a `.proto` file that
    /// needs no others but Google's own. `M` has to be what prost makes of that message: nobody
    /// compares the two.
    pub fn new(client: RegistryClient, schema: &str, message: &str) -> Result<Self, ClientError> {
        Ok(Serializer::of(client, ProtobufWriter::new(schema, Vec::new(), &[], message)?))
    }

    /// Writes with a schema that imports others, which the registry has.
    pub async fn with_references(
        client: RegistryClient,
        schema: &str,
        references: Vec<Reference>,
        message: &str,
    ) -> Result<Self, ClientError> {
        let texts = resolve(&client, &references).await?;
        let writer = ProtobufWriter::new(schema, references, &pairs(&texts), message)?;
        Ok(Serializer::of(client, writer))
    }
}

impl<M> ProtobufWriter<M> {
    fn new(
        text: &str,
        references: Vec<Reference>,
        texts: &[(&str, &str)],
        message: &str,
    ) -> Result<ProtobufWriter<M>, ClientError> {
        let schema = Schema::parse(text, texts, true).map_err(unusable)?;
        Ok(ProtobufWriter {
            place: place(&schema, message)?,
            schema,
            message: message.to_string(),
            request: RegisterRequest {
                schema: Some(text.to_string()),
                schema_type: Some(SchemaType::Protobuf),
                references,
                ..RegisterRequest::default()
            },
            value: PhantomData,
        })
    }
}

impl<M> Own for ProtobufWriter<M> {
    /// Where the message is in a schema of the registry's.
    type Other = Arc<[u8]>;

    fn request(&self) -> &RegisterRequest {
        &self.request
    }

    fn record_name(&self) -> Option<&str> {
        Some(&self.message)
    }

    fn other(&self, known: &Known, strict: bool) -> Result<Arc<[u8]>, ClientError> {
        let codec = known.protobuf()?;
        if strict && let Some(first) = compatibility(&codec.schema, &self.schema).first() {
            return Err(known.cannot_read(format!("{} at {}", first.rule(), first.path())));
        }
        Ok(place(&codec.schema, &self.message)?.into())
    }
}

impl<M: Message> Writes for ProtobufWriter<M> {
    type Value = M;

    fn write(
        &self,
        _other: Option<&Arc<[u8]>>,
        value: &M,
        out: &mut Vec<u8>,
    ) -> Result<(), ClientError> {
        value.encode(out).map_err(|e| ClientError::invalid(Reason::of(e)))
    }

    fn place<'a>(&'a self, other: Option<&'a Arc<[u8]>>) -> &'a [u8] {
        other.map_or(&self.place, |other| other)
    }
}

/// What a [`ProtobufDeserializer`] reads with.
pub struct ProtobufReader<M> {
    message: String,
    value: PhantomData<fn() -> M>,
}

impl<M: Message + Default> Deserializer<ProtobufReader<M>> {
    /// Reads messages of the full name `message`; those of another name are an error.
    pub fn new(client: RegistryClient, message: &str) -> Self {
        Deserializer::of(
            client,
            ProtobufReader { message: message.to_string(), value: PhantomData },
        )
    }
}

/// Where the message that is wanted is in a schema; the schema, to say what else is there.
pub struct Place {
    wanted: Vec<i32>,
    codec: Arc<ProtobufCodec>,
}

impl Place {
    /// The error of a message that was read by it.
    fn unfit(&self, why: Reason) -> ClientError {
        let record = || Record { schema: self.codec.name, topic: None };
        ClientError::invalid(why).of_record(record)
    }
}

impl<M> Reads for ProtobufReader<M> {
    type Reading = Place;

    fn reading(&self, known: &Known) -> Result<Place, ClientError> {
        let codec = known.protobuf()?.clone();
        // a schema that lacks the message still says what it has
        let wanted = codec.schema.message_path(&self.message).unwrap_or_default();
        Ok(Place { wanted, codec })
    }

    fn split<'d>(&self, data: &'d [u8]) -> Result<(&'d [u8], &'d [u8]), FrameError> {
        let (_, length) = indexes(data)?;
        Ok(data.split_at(length))
    }

    fn check_place(&self, place: &[u8]) -> Result<(), FrameError> {
        match indexes(place)? {
            (_, length) if length == place.len() => Ok(()),
            _ => Err(FrameError::Place { length: place.len() }),
        }
    }
}

impl<M: Message + Default> ReadsOwned for ProtobufReader<M> {
    type Value = M;

    fn read(&self, reading: &Place, place: &[u8], data: &[u8]) -> Result<M, ClientError> {
        let (indexes, _) = indexes(place)?;
        if indexes != reading.wanted {
            let found = reading.codec.schema.message_at(&indexes);
            let found = found.unwrap_or_else(|| format!("number {indexes:?} of its schema"));
            let why = format!("the message is {found} and not {}", self.message);
            return Err(reading.unfit(why.into()));
        }
        M::decode(data).map_err(|e| reading.unfit(Reason::of(e)))
    }
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ClientError {
    ClientError::Schema(Reason::of(error))
}
