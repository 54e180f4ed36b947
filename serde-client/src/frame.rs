//! The wire formats: `00 | id, 4 bytes big-endian` or `01 | guid, 16 bytes`, before the data or in a
//! header of the record, with the data alone in the payload. Source: Confluent's schema id serializers.

use std::fmt;

use weir_registry_api::{Guid, SchemaId};

/// What a record calls its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaName {
    /// A registry's number.
    Id(SchemaId),
    /// By content: the same on every registry.
    Guid(Guid),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaHeader {
    /// `__key_schema_id` or `__value_schema_id`.
    pub name: &'static str,
    /// `01` and the guid.
    pub value: [u8; 17],
}

impl SchemaHeader {
    pub(crate) fn new(name: &'static str, guid: Guid) -> SchemaHeader {
        let mut value = [1; 17];
        value[1..].copy_from_slice(&guid.0);
        SchemaHeader { name, value }
    }
}

/// A payload or a header that does not begin with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Fewer bytes than an id takes.
    Short { length: usize },
    /// The first byte is no magic byte: 0, or 1 where a guid may stand.
    Magic { byte: u8 },
    /// A header has more bytes than an id.
    Long { length: usize },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { length } => {
                write!(f, "the payload has {length} bytes, too few for a schema id")
            }
            Self::Long { length } => {
                write!(f, "the schema id's header has {length} bytes, too many for one")
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
    payload.push(0);
    payload.extend(id.0.to_be_bytes());
    payload
}

/// What a record's schema is called, and its data: by the header if there is one, else by the
/// payload's first bytes.
pub fn unframe_record<'p>(
    header: Option<&[u8]>,
    payload: &'p [u8],
) -> Result<(SchemaName, &'p [u8]), FrameError> {
    let Some(header) = header else { return split_name(payload) };
    match split_name(header)? {
        (name, []) => Ok((name, payload)),
        _ => Err(FrameError::Long { length: header.len() }),
    }
}

fn split_name(bytes: &[u8]) -> Result<(SchemaName, &[u8]), FrameError> {
    match bytes {
        [1, rest @ ..] => match rest.split_first_chunk() {
            Some((guid, rest)) => Ok((SchemaName::Guid(Guid(*guid)), rest)),
            None => Err(FrameError::Short { length: bytes.len() }),
        },
        _ => unframe(bytes).map(|(id, rest)| (SchemaName::Id(id), rest)),
    }
}

/// Takes a payload apart that begins with an id: the id and the data.
pub fn unframe(payload: &[u8]) -> Result<(SchemaId, &[u8]), FrameError> {
    match payload {
        [0, a, b, c, d, data @ ..] => Ok((SchemaId(u32::from_be_bytes([*a, *b, *c, *d])), data)),
        [0, ..] | [] => Err(FrameError::Short { length: payload.len() }),
        [byte, ..] => Err(FrameError::Magic { byte: *byte }),
    }
}
