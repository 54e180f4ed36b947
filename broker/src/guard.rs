//! Decoding requests of strangers: a count that promises more than there is allocates nothing.
//!
//! The decoders of `kafka-protocol` allocate an array by the count that the bytes name, before they
//! look at what follows: seven bytes can ask for gigabytes. [`decode`] reads through [`Wary`], which
//! sees each count before the decoder does.

use std::collections::HashSet;

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::messages::{ApiKey, RequestHeader};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::{ByteBuf, NotEnoughBytesError};

/// Elements that one array may have.
pub const ARRAY_MAX: usize = 200_000;

/// Fields that one request may have. Each takes some dozens of bytes once it is decoded.
pub const FIELDS_MAX: usize = 1_000_000;

/// Reads a request's body. Newer versions are flexible: their counts are of variable length.
///
/// In older versions a count is a number as any other, and so is a time-out. The first pass takes
/// each large number that no bytes follow for a time-out, the second one for a count, which fails if
/// it is one; the third reads what is known to be harmless.
pub fn decode<T: Decodable>(
    body: &mut Bytes,
    version: i16,
    is_flexible: bool,
) -> Result<T, String> {
    if is_flexible {
        let mut wary = Wary::new(body.clone(), Large::Flexible);
        let request = decoded(&mut wary, version)?;
        *body = wary.bytes;
        return Ok(request);
    }
    let mut first = Wary::new(body.clone(), Large::Numbers { uncertain: HashSet::new() });
    let request = decoded(&mut first, version)?;
    let Large::Numbers { uncertain } = first.large else { return Ok(request) };
    if uncertain.is_empty() {
        *body = first.bytes;
        return Ok(request);
    }
    let mut second = Wary::new(body.clone(), Large::Counts { of: uncertain });
    decoded::<T>(&mut second, version)?;
    T::decode(body, version).map_err(|error| error.to_string())
}

/// Reads a request's header, of whichever version the API and its version ask for.
pub fn header(frame: &mut Bytes) -> Result<RequestHeader, String> {
    let mut start = frame.clone();
    let (Ok(key), Ok(version)) = (start.try_get_i16(), start.try_get_i16()) else {
        return Err("too short for a request".into());
    };
    let key = ApiKey::try_from(key).map_err(|()| format!("there is no API with key {key}"))?;
    let version = key.request_header_version(version);
    decode(frame, version, version >= 2)
}

fn decoded<T: Decodable>(wary: &mut Wary, version: i16) -> Result<T, String> {
    let request = T::decode(wary, version).map_err(|error| error.to_string())?;
    wary.begins().map_err(|error| error.to_string())?;
    Ok(request)
}

/// What numbers above [`ARRAY_MAX`] are taken for.
#[derive(Debug)]
enum Large {
    /// Lengths and counts are of variable length, and other numbers are not.
    Flexible,
    /// Lengths, or numbers that say nothing about what follows; places of the latter are noted.
    Numbers { uncertain: HashSet<usize> },
    /// Those at these places are counts of arrays, which may not be so large.
    Counts { of: HashSet<usize> },
}

/// A large number that was just read, whose meaning the next read tells.
#[derive(Clone, Copy, Debug)]
enum Pending {
    /// It counts bytes if bytes are read next, and is of no fixed length.
    Compact(usize),
    /// It counts bytes if bytes are read next; it was read here.
    Fixed { bytes: usize, at: usize },
}

/// Instead of a large number of fixed length the decoder sees this one.
const INSTEAD: i32 = 1;
/// As a count it is an error, as anything else it is harmless.
const NO_COUNT: i32 = -2;
/// Instead of a large number of variable length the decoder sees a single byte.
const INSTEAD_COMPACT: u8 = 2;

/// Bytes that are read warily.
#[derive(Debug)]
struct Wary {
    bytes: Bytes,
    large: Large,
    pending: Option<Pending>,
    /// Bytes of a number of variable length that are still to come.
    rest_of_number: usize,
    fields: usize,
}

impl Wary {
    fn new(bytes: Bytes, large: Large) -> Wary {
        Wary { bytes, large, pending: None, rest_of_number: 0, fields: 0 }
    }

    /// Every read begins here, and the end of the request. An error ends the decoding.
    fn begins(&mut self) -> Result<(), NotEnoughBytesError> {
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(NotEnoughBytesError);
        }
        match self.pending.take() {
            Some(Pending::Compact(_)) => Err(NotEnoughBytesError),
            Some(Pending::Fixed { at, .. }) => {
                if let Large::Numbers { uncertain } = &mut self.large {
                    uncertain.insert(at);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn refused(&self) -> TryGetError {
        TryGetError { requested: usize::MAX, available: self.bytes.remaining() }
    }

    /// The number of variable length that begins here, and how many bytes it takes.
    fn compact(&self) -> (u32, usize) {
        let mut value = 0;
        for (index, byte) in self.bytes.iter().take(5).enumerate() {
            value |= u32::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                return (value, index + 1);
            }
        }
        (value, self.bytes.len().min(5))
    }
}

impl Buf for Wary {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        if self.rest_of_number > 0 {
            self.rest_of_number -= 1;
            return self.bytes.try_get_u8();
        }
        self.begins().map_err(|_| self.refused())?;
        if !matches!(self.large, Large::Flexible) {
            return self.bytes.try_get_u8();
        }
        let (value, length) = self.compact();
        if value as usize > ARRAY_MAX {
            self.bytes.advance(length);
            self.pending = Some(Pending::Compact(value as usize));
            return Ok(INSTEAD_COMPACT);
        }
        self.rest_of_number = length.saturating_sub(1);
        self.bytes.try_get_u8()
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        self.begins().map_err(|_| self.refused())?;
        let at = self.bytes.remaining();
        let value = self.bytes.try_get_i32()?;
        let Ok(bytes) = usize::try_from(value) else { return Ok(value) };
        if bytes <= ARRAY_MAX {
            return Ok(value);
        }
        match &self.large {
            Large::Flexible => Ok(value),
            Large::Counts { of } if of.contains(&at) => Ok(NO_COUNT),
            Large::Numbers { .. } | Large::Counts { .. } => {
                self.pending = Some(Pending::Fixed { bytes, at });
                Ok(INSTEAD)
            }
        }
    }

    fn try_get_i16(&mut self) -> Result<i16, TryGetError> {
        self.begins().map_err(|_| self.refused())?;
        self.bytes.try_get_i16()
    }

    fn try_get_i8(&mut self) -> Result<i8, TryGetError> {
        self.begins().map_err(|_| self.refused())?;
        self.bytes.try_get_i8()
    }

    fn try_get_i64(&mut self) -> Result<i64, TryGetError> {
        self.begins().map_err(|_| self.refused())?;
        self.bytes.try_get_i64()
    }

    fn try_copy_to_slice(&mut self, into: &mut [u8]) -> Result<(), TryGetError> {
        self.begins().map_err(|_| self.refused())?;
        self.bytes.try_copy_to_slice(into)
    }
}

impl ByteBuf for Wary {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.peek_bytes(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.bytes.split_to(size)
    }

    /// Gives as many bytes as the number before said, whatever the decoder was told.
    fn try_get_bytes(&mut self, size: usize) -> Result<Bytes, NotEnoughBytesError> {
        let size = match self.pending.take() {
            // a length is one more than the bytes, but for that of a tagged field
            Some(Pending::Compact(bytes)) if size < usize::from(INSTEAD_COMPACT) => bytes - 1,
            Some(Pending::Compact(bytes) | Pending::Fixed { bytes, .. }) => bytes,
            None => size,
        };
        if size > self.bytes.remaining() {
            return Err(NotEnoughBytesError);
        }
        Ok(self.bytes.split_to(size))
    }
}

#[cfg(test)]
mod tests;
