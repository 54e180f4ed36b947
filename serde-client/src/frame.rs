//! The wire formats: `00 | id, 4 bytes big-endian` or `01 | guid, 16 bytes`, before the data or in a
//! header of the record, with the data alone in the payload. Source: Confluent's schema id serializers.

use std::fmt;

use weir_registry_api::{Guid, SchemaId};

use crate::snapshot::Place;

/// What a record calls its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaName {
    /// A registry's number.
    Id(SchemaId),
    /// By content: the same on every registry.
    Guid(Guid),
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaName::Id(id) => id.fmt(f),
            SchemaName::Guid(guid) => guid.fmt(f),
        }
    }
}

impl Place for SchemaName {
    #[inline]
    fn place(&self) -> usize {
        match self {
            SchemaName::Id(id) => id.0 as usize,
            SchemaName::Guid(guid) => usize::from(guid.0[0]),
        }
    }
}

impl From<SchemaId> for SchemaName {
    fn from(id: SchemaId) -> Self {
        SchemaName::Id(id)
    }
}

impl From<Guid> for SchemaName {
    fn from(guid: Guid) -> Self {
        SchemaName::Guid(guid)
    }
}

/// A record's header that names its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaHeader {
    /// `__key_schema_id` or `__value_schema_id`.
    pub name: &'static str,
    /// `01` and the guid; for Protobuf, which message of the schema it is.
    pub value: Vec<u8>,
}

impl SchemaHeader {
    pub(crate) fn new(name: &'static str, guid: Guid, place: &[u8]) -> SchemaHeader {
        let mut value = Vec::with_capacity(17 + place.len());
        value.push(1);
        value.extend_from_slice(&guid.0);
        value.extend_from_slice(place);
        SchemaHeader { name, value }
    }
}

/// A record taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// What the record calls its schema.
    pub name: SchemaName,
    /// What a header has after the name.
    pub place: &'a [u8],
    /// What the payload has after the name, or all of it.
    pub data: &'a [u8],
}

/// A payload or a header that does not begin with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Fewer bytes than an id takes.
    Short {
        /// How many there are.
        length: usize,
    },
    /// The first byte is no magic byte: 0, or 1 where a guid may stand.
    Magic {
        /// What stands there.
        byte: u8,
    },
    /// After the schema's id there are bytes that say nothing: a header's, or indexes of no message.
    Place {
        /// How many there are.
        length: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { length } => {
                write!(f, "the payload has {length} bytes, too few for a schema id")
            }
            Self::Place { length } => {
                write!(
                    f,
                    "{length} bytes after the schema's id do not say which of its types it is"
                )
            }
            Self::Magic { byte } => {
                write!(f, "the payload begins with {byte:#04x} and not with the magic byte 0x00")
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// Begins a payload: the magic byte and the id. The data is appended.
pub fn frame(id: SchemaId) -> Vec<u8> {
    let mut payload = Vec::with_capacity(64);
    begin(id, &mut payload);
    payload
}

#[inline]
pub(crate) fn begin(id: SchemaId, payload: &mut Vec<u8>) {
    let [a, b, c, d] = id.0.to_be_bytes();
    payload.extend_from_slice(&[0, a, b, c, d]);
}

/// What a record's schema is called, and its data: by the header if there is one, else by the
/// payload's first bytes.
#[inline]
pub fn unframe_record<'a>(
    header: Option<&'a [u8]>,
    payload: &'a [u8],
) -> Result<Named<'a>, FrameError> {
    match header {
        None => split_name(payload).map(|(name, data)| Named { name, place: &[], data }),
        Some(header) => {
            split_name(header).map(|(name, place)| Named { name, place, data: payload })
        }
    }
}

#[inline]
pub(crate) fn split_name(bytes: &[u8]) -> Result<(SchemaName, &[u8]), FrameError> {
    match bytes {
        [1, rest @ ..] => match rest.split_first_chunk() {
            Some((guid, rest)) => Ok((SchemaName::Guid(Guid(*guid)), rest)),
            None => Err(FrameError::Short { length: bytes.len() }),
        },
        _ => unframe(bytes).map(|(id, rest)| (SchemaName::Id(id), rest)),
    }
}

/// Takes a payload apart that begins with an id: the id and the data.
#[inline]
pub fn unframe(payload: &[u8]) -> Result<(SchemaId, &[u8]), FrameError> {
    match payload {
        [0, a, b, c, d, data @ ..] => Ok((SchemaId(u32::from_be_bytes([*a, *b, *c, *d])), data)),
        [0, ..] | [] => Err(FrameError::Short { length: payload.len() }),
        [byte, ..] => Err(FrameError::Magic { byte: *byte }),
    }
}
