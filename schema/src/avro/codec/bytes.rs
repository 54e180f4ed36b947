//! Avro's primitives on bytes.

use super::CodecError;

/// Items without bytes (nulls, empty records) that one payload may claim: they cost it nothing, so
/// that only a bound keeps a few bytes from asking for billions.
const EMPTY_ITEMS_MAX: u64 = 4096;

/// What is left of a payload.
#[derive(Clone)]
pub(super) struct Input<'de> {
    rest: &'de [u8],
    empty_items_left: u64,
}

impl<'de> Input<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Input<'de> {
        Input { rest: bytes, empty_items_left: EMPTY_ITEMS_MAX }
    }

    pub(super) fn finish(&self) -> Result<(), CodecError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(CodecError::new(format!("{left} bytes are left over"))),
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'de [u8], CodecError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(CodecError::new(format!(
                "the data ends early: {length} bytes are wanted, {} are left",
                self.rest.len()
            ))),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(super) fn boolean(&mut self) -> Result<bool, CodecError> {
        match self.take(1)?[0] {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(CodecError::new(format!("{other} is not a boolean"))),
        }
    }

    pub(super) fn long(&mut self) -> Result<i64, CodecError> {
        let mut value: u64 = 0;
        for (i, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                if i == 9 && *byte > 1 {
                    break;
                }
                self.rest = &self.rest[i + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        match self.rest.len() {
            0..10 => Err(CodecError::new("the data ends early, in a number")),
            _ => Err(CodecError::new("a number has more than 64 bits")),
        }
    }

    pub(super) fn int(&mut self) -> Result<i32, CodecError> {
        let value = self.long()?;
        i32::try_from(value).map_err(|_| CodecError::new(format!("{value} is not an int")))
    }

    pub(super) fn float(&mut self) -> Result<f32, CodecError> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    pub(super) fn double(&mut self) -> Result<f64, CodecError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    pub(super) fn bytes(&mut self) -> Result<&'de [u8], CodecError> {
        let length = self.long()?;
        let length = usize::try_from(length)
            .map_err(|_| CodecError::new(format!("{length} is not a length")))?;
        self.take(length)
    }

    pub(super) fn string(&mut self) -> Result<&'de str, CodecError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| CodecError::new("a string is not UTF-8"))
    }

    /// The index of a union's branch or an enum's symbol.
    pub(super) fn index(&mut self, count: usize) -> Result<usize, CodecError> {
        let index = self.long()?;
        usize::try_from(index).ok().filter(|i| *i < count).ok_or_else(|| {
            CodecError::new(format!("index {index} is out of range: there are {count}"))
        })
    }

    /// How many items the next block of an array or a map has; 0 ends it. `empty` says that an item
    /// may take no bytes at all.
    pub(super) fn block(&mut self, empty: bool) -> Result<usize, CodecError> {
        let count = self.long()?;
        if count < 0 {
            self.long()?; // the size of the block in bytes
        }
        let count = count.unsigned_abs();
        let most = if empty { self.empty_items_left } else { self.rest.len() as u64 };
        if count > most {
            return Err(CodecError::new(format!(
                "a block of {count} items is more than the data holds"
            )));
        }
        if empty {
            self.empty_items_left -= count;
        }
        Ok(count as usize)
    }
}

pub(super) fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// The code points of a JSON string as bytes, which is how Avro's JSON writes bytes.
pub(super) fn latin1(text: &str) -> Result<Vec<u8>, CodecError> {
    text.chars()
        .map(|c| {
            u8::try_from(c as u32).map_err(|_| {
                CodecError::new(format!("'{c}' is not a byte: code points go up to U+00FF"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn longs_come_back(value: i64) {
            let mut out = Vec::new();
            write_long(value, &mut out);
            let mut input = Input::new(&out);
            prop_assert_eq!(input.long().unwrap(), value);
            prop_assert!(input.finish().is_ok());
        }
    }

    #[test]
    fn a_number_that_never_ends_is_an_error() {
        assert!(Input::new(&[0xff; 20]).long().is_err());
        assert!(Input::new(&[0xff; 3]).long().is_err());
    }

    #[test]
    fn a_block_cannot_claim_more_than_there_is() {
        let mut lie = Vec::new();
        write_long(1 << 31, &mut lie);
        assert!(Input::new(&lie).block(false).is_err());
        assert!(Input::new(&lie).block(true).is_err());
    }
}
