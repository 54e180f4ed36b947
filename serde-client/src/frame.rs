//! The wire format with the id in the payload: `00 | id, 4 bytes big-endian | data`.

use std::fmt;

use weir_registry_api::SchemaId;

/// A payload that does not begin with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Fewer bytes than an id takes.
    Short { length: usize },
    /// The first byte is not 0.
    Magic { byte: u8 },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { length } => {
                write!(f, "the payload has {length} bytes, too few for a schema id")
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

/// Takes a payload apart: the id and the data.
pub fn unframe(payload: &[u8]) -> Result<(SchemaId, &[u8]), FrameError> {
    match payload {
        [0, a, b, c, d, data @ ..] => Ok((SchemaId(u32::from_be_bytes([*a, *b, *c, *d])), data)),
        [0, ..] | [] => Err(FrameError::Short { length: payload.len() }),
        [byte, ..] => Err(FrameError::Magic { byte: *byte }),
    }
}
