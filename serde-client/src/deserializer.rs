//! A deserializer, whatever its language: it finds the schema by the record's header or the payload's
//! first bytes.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use crate::client::RegistryClient;
use crate::codec::Known;
use crate::error::ClientError;
use crate::frame::{FrameError, Named, SchemaName, split_name, unframe_record};
use crate::snapshot::{Snapshot, View};

/// Schemas that a deserializer keeps.
const READINGS_MAX: usize = 10_000;

/// Reads records of one type: `R` is the language and the type. See
/// [`AvroDeserializer`](crate::AvroDeserializer), [`ProtobufDeserializer`](crate::ProtobufDeserializer)
/// and `JsonDeserializer`.
pub struct Deserializer<R: Reads> {
    client: RegistryClient,
    reader: R,
    /// How data of each schema is read.
    readings: Snapshot<SchemaName, Arc<R::Reading>>,
}

/// A language's way of reading. Nobody else adds languages: what it speaks of has no name outside.
pub trait Reads {
    /// What reads data of one schema.
    type Reading: Send + Sync + 'static;

    fn reading(&self, known: &Known) -> Result<Self::Reading, ClientError>;

    /// Takes a payload apart after the schema's name: which type of the schema the data is of, where
    /// the language says so, and the data.
    #[inline]
    fn split<'d>(&self, data: &'d [u8]) -> Result<(&'d [u8], &'d [u8]), FrameError> {
        Ok((&[], data))
    }

    /// Whether what a header has after the name can say that.
    #[inline]
    fn check_place(&self, place: &[u8]) -> Result<(), FrameError> {
        match place.len() {
            0 => Ok(()),
            length => Err(FrameError::Place { length }),
        }
    }
}

/// A language's way of reading values that borrow nothing.
pub trait ReadsOwned: Reads {
    type Value;

    /// `place` says which type of the schema the data is of, where the language does.
    fn read(
        &self,
        reading: &Self::Reading,
        place: &[u8],
        data: &[u8],
    ) -> Result<Self::Value, ClientError>;
}

/// A payload with what reads it; values may borrow from both.
pub struct Message<'a, R: Reads> {
    found: Found<R::Reading>,
    pub(crate) data: &'a [u8],
}

enum Found<T> {
    Known(View<SchemaName, Arc<T>>, SchemaName),
    Asked(Arc<T>),
}

impl<R: Reads> Message<'_, R> {
    #[inline]
    pub(crate) fn reading(&self) -> Result<&R::Reading, ClientError> {
        match &self.found {
            Found::Known(view, name) => {
                let gone = || ClientError::Protocol("a schema that was known is gone".into());
                view.get(name).map(|reading| &**reading).ok_or_else(gone)
            }
            Found::Asked(reading) => Ok(reading),
        }
    }
}

impl<R: Reads> Deserializer<R> {
    pub(crate) fn of(client: RegistryClient, reader: R) -> Deserializer<R> {
        Deserializer { client, reader, readings: Snapshot::new(READINGS_MAX) }
    }

    #[cfg(feature = "json-schema")]
    pub(crate) fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    pub(crate) async fn find<'a>(
        &self,
        header: Option<&[u8]>,
        payload: &'a [u8],
    ) -> Result<Message<'a, R>, ClientError> {
        let (name, data) = match header {
            None => split_name(payload)?,
            Some(header) => {
                let (name, place) = split_name(header)?;
                self.reader.check_place(place)?;
                (name, payload)
            }
        };
        let view = self.readings.view();
        let found = match view.get(&name).is_some() {
            true => Found::Known(view, name),
            false => Found::Asked(Box::pin(self.ask(name)).await?),
        };
        Ok(Message { found, data })
    }

    async fn ask(&self, name: SchemaName) -> Result<Arc<R::Reading>, ClientError> {
        let known = self.client.known(name).await?;
        let reading = Arc::new(self.reader.reading(&known)?);
        self.readings.insert(name, reading.clone());
        Ok(reading)
    }
}

impl<R: ReadsOwned> Deserializer<R> {
    /// Reads a payload that begins with an id or a guid. Asks the registry once for each.
    #[inline]
    pub fn deserialize(
        &self,
        payload: &[u8],
    ) -> impl Future<Output = Result<R::Value, ClientError>> {
        self.deserialize_with_header(None, payload)
    }

    /// Reads a record whose header may name the schema; without one, the payload has to.
    #[inline]
    pub fn deserialize_with_header(
        &self,
        header: Option<&[u8]>,
        payload: &[u8],
    ) -> impl Future<Output = Result<R::Value, ClientError>> {
        // on the heap: asking takes a hundred times the room that most calls need
        let mut asking = None;
        poll_fn(move |context| {
            if asking.is_none()
                && let Some(value) = self.read_known(header, payload)
            {
                return Poll::Ready(value);
            }
            let asking = asking.get_or_insert_with(|| Box::pin(self.ask_and_read(header, payload)));
            asking.as_mut().poll(context)
        })
    }

    /// Reads what names a schema that is known, without a count that other threads share.
    #[inline(always)] // what is read is handed on without a copy
    fn read_known(
        &self,
        header: Option<&[u8]>,
        payload: &[u8],
    ) -> Option<Result<R::Value, ClientError>> {
        match self.split(header, payload) {
            Ok(Named { name, place, data }) => {
                self.readings.with(&name, |reading| self.reader.read(reading, place, data))
            }
            Err(error) => Some(Err(error.into())),
        }
    }

    async fn ask_and_read(
        &self,
        header: Option<&[u8]>,
        payload: &[u8],
    ) -> Result<R::Value, ClientError> {
        let Named { name, place, data } = self.split(header, payload)?;
        let reading = self.ask(name).await?;
        self.reader.read(&reading, place, data)
    }

    #[inline]
    fn split<'a>(
        &self,
        header: Option<&'a [u8]>,
        payload: &'a [u8],
    ) -> Result<Named<'a>, FrameError> {
        let mut named = unframe_record(header, payload)?;
        match header {
            Some(_) => self.reader.check_place(named.place)?,
            None => (named.place, named.data) = self.reader.split(named.data)?,
        }
        Ok(named)
    }
}
