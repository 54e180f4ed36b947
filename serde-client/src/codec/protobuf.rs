//! Protobuf: a schema, and the path of indexes that says which of its messages a record has.

use weir_registry_api::SchemaId;
use weir_schema::protobuf::Schema;

use crate::error::ClientError;
use crate::fetched::{Fetched, pairs};
use crate::frame::{FrameError, SchemaName};
use crate::reason::Reason;

/// Levels of messages in messages.
const PATH_MAX: i64 = 100;

/// A Protobuf schema of the registry's.
#[derive(Debug)]
pub struct ProtobufCodec {
    /// None if it was asked for by its guid.
    pub id: Option<SchemaId>,
    pub(crate) name: Option<SchemaName>,
    /// With all that it imports.
    pub schema: Schema,
}

impl ProtobufCodec {
    pub(crate) fn new(fetched: &Fetched) -> Result<ProtobufCodec, ClientError> {
        let schema =
            Schema::parse(&fetched.schema, &pairs(&fetched.references), false).map_err(unusable)?;
        Ok(ProtobufCodec { id: fetched.id, name: fetched.name(), schema })
    }

    /// What stands between the schema's name and a message of this full name: `00` for the first.
    pub fn place(&self, message: &str) -> Result<Vec<u8>, ClientError> {
        place(&self.schema, message)
    }

    /// Takes apart what stands after the schema's name: the message's full name, and its data.
    pub fn message<'d>(&self, data: &'d [u8]) -> Result<(String, &'d [u8]), ClientError> {
        let (path, length) = indexes(data)?;
        let unknown = || ClientError::invalid(format!("the schema has no message {path:?}"));
        Ok((self.schema.message_at(&path).ok_or_else(unknown)?, &data[length..]))
    }
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ClientError {
    ClientError::Schema(Reason::of(error))
}

/// The bytes that say which message of a schema it is.
pub(crate) fn place(schema: &Schema, message: &str) -> Result<Vec<u8>, ClientError> {
    let path = schema
        .message_path(message)
        .ok_or_else(|| ClientError::Schema(format!("it has no message {message}").into()))?;
    if path == [0] {
        return Ok(vec![0]);
    }
    let mut bytes = Vec::new();
    for number in [path.len() as i32].iter().chain(&path) {
        let mut rest = *number as u32 * 2; // zigzag of what is not negative
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    Ok(bytes)
}

/// The indexes at the start of some bytes, and how many bytes they take.
pub(crate) fn indexes(bytes: &[u8]) -> Result<(Vec<i32>, usize), FrameError> {
    if let [0, ..] = bytes {
        return Ok((vec![0], 1));
    }
    let mut rest = bytes;
    let wrong = FrameError::Place { length: bytes.len() };
    let count = number(&mut rest).filter(|count| (0..=PATH_MAX).contains(count)).ok_or(wrong)?;
    let path: Option<Vec<i32>> =
        (0..count).map(|_| i32::try_from(number(&mut rest)?).ok()).collect();
    Ok((path.ok_or(wrong)?, bytes.len() - rest.len()))
}

fn number(bytes: &mut &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}
