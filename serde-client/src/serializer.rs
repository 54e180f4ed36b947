//! A serializer, whatever its language: the schema's name goes before the data, or into a header.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use weir_registry_api::SchemaId;

use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::{SchemaHeader, SchemaName, begin};
use crate::part::Part;
use crate::subject::SubjectNameStrategy;
use crate::target::{Choice, Own, Target, Targets};

/// Payload bytes that are reserved at most because the one before was as long.
const RESERVED_MAX: usize = 64 * 1024;

/// Writes records of one type: `W` is the language and the type. See
/// [`AvroSerializer`](crate::AvroSerializer), [`ProtobufSerializer`](crate::ProtobufSerializer) and
/// `JsonSerializer`.
pub struct Serializer<W: Writes> {
    writer: W,
    targets: Targets<W::Other>,
    /// The longest payload so far, up to a bound.
    reserved: AtomicUsize,
}

/// A language's way of writing. Nobody else adds languages: what it speaks of has no name outside.
pub trait Writes: Own {
    type Value: ?Sized;

    /// Appends a value as data of the own schema, or of the other that the registry chose.
    fn write(
        &self,
        other: Option<&Self::Other>,
        value: &Self::Value,
        out: &mut Vec<u8>,
    ) -> Result<(), ClientError>;

    /// Which type of the schema the data is of, where the language says so beside the schema's name.
    #[inline]
    fn place<'a>(&'a self, _other: Option<&'a Self::Other>) -> &'a [u8] {
        &[]
    }
}

impl<W: Writes> Serializer<W> {
    pub(crate) fn of(client: RegistryClient, writer: W) -> Serializer<W> {
        Serializer { writer, targets: Targets::new(client), reserved: AtomicUsize::new(64) }
    }

    #[cfg(feature = "json-schema")]
    pub(crate) fn writer_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Whether a schema that the subject lacks is registered (the default) or an error.
    pub fn auto_register(mut self, auto_register: bool) -> Self {
        self.targets.choice = if auto_register { Choice::Register } else { Choice::LookUp };
        self
    }

    /// Writes with the schema of an id, in whatever subject. If `strict`, that schema has to be able to
    /// read what the serializer's own writes.
    pub fn use_id(self, id: SchemaId, strict: bool) -> Self {
        self.use_schema(id, strict)
    }

    /// The same for an id or a guid. Without an id, only
    /// [`serialize_with_header`](Self::serialize_with_header) writes.
    pub fn use_schema(mut self, name: impl Into<SchemaName>, strict: bool) -> Self {
        self.targets.choice = Choice::Named { name: name.into(), strict };
        self
    }

    /// Writes with the subject's latest schema; the registry is asked again for it after `max_age`, and
    /// if it is away then, writing fails. If `strict`, that schema has to be able to read what the
    /// serializer's own writes. A field that the schema lacks is an error when it is written.
    pub fn use_latest(mut self, strict: bool, max_age: Duration) -> Self {
        self.targets.choice = Choice::Latest { strict, max_age };
        self
    }

    /// The same, among the versions that have all these properties in their metadata.
    pub fn use_latest_with_metadata(
        mut self,
        metadata: &[(&str, &str)],
        strict: bool,
        max_age: Duration,
    ) -> Self {
        let metadata = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        self.targets.choice = Choice::WithMetadata { metadata, strict, max_age };
        self
    }

    /// Whether the registry normalises the schema before it compares and stores it.
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.targets.normalize = normalize;
        self
    }

    /// How subjects are called; by topic and part if nothing is said.
    pub fn subject_names(mut self, strategy: SubjectNameStrategy) -> Self {
        self.targets.subjects = strategy;
        self
    }

    /// The payload of a value: magic byte, id, data. Asks the registry once for each topic and part.
    pub async fn serialize(
        &self,
        topic: &str,
        part: Part,
        value: &W::Value,
    ) -> Result<Vec<u8>, ClientError> {
        let write = |target: &Target<W::Other>| {
            let mut payload = self.payload();
            self.append(target, value, &mut payload)
                .map_err(|error| error.of_record(|| target.record(topic, part)))?;
            self.remember(payload.len());
            Ok(payload)
        };
        self.targets.with(&self.writer, topic, part, write).await
    }

    /// A header that names the schema by its guid, to be sent with the record, and the payload, which
    /// is data alone: consumers that know nothing of registries can read it. Asks the registry once
    /// for each topic and part.
    pub async fn serialize_with_header(
        &self,
        topic: &str,
        part: Part,
        value: &W::Value,
    ) -> Result<(SchemaHeader, Vec<u8>), ClientError> {
        let no_guid = || ClientError::Protocol("the schema has no guid there".into());
        let write = |target: &Target<W::Other>| {
            let guid = target.guid.ok_or_else(no_guid)?;
            let mut payload = self.payload();
            self.writer
                .write(target.other.as_ref(), value, &mut payload)
                .map_err(|error| error.of_record(|| target.record(topic, part)))?;
            self.remember(payload.len());
            let place = self.writer.place(target.other.as_ref());
            Ok((SchemaHeader::new(part.schema_header(), guid, place), payload))
        };
        self.targets.with(&self.writer, topic, part, write).await
    }

    fn append(
        &self,
        target: &Target<W::Other>,
        value: &W::Value,
        payload: &mut Vec<u8>,
    ) -> Result<(), ClientError> {
        let no_id = || ClientError::Configuration("a guid alone can only go into a header".into());
        begin(target.id.ok_or_else(no_id)?, payload);
        let other = target.other.as_ref();
        payload.extend_from_slice(self.writer.place(other));
        self.writer.write(other, value, payload)
    }

    fn payload(&self) -> Vec<u8> {
        Vec::with_capacity(self.reserved.load(Ordering::Relaxed))
    }

    /// Is written to seldom: threads that serialize share this.
    fn remember(&self, length: usize) {
        let length = length.min(RESERVED_MAX);
        if length > self.reserved.load(Ordering::Relaxed) {
            self.reserved.fetch_max(length, Ordering::Relaxed);
        }
    }
}
