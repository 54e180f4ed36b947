//! Avro's primitives on bytes.

use super::CodecError;

/// Items without bytes (nulls, empty records) that one payload may claim: they cost it nothing, so
/// that only a bound keeps a few bytes from asking for billions.
const EMPTY_ITEMS_MAX: u64 = 4096;

/// What is left of a payload.
#[derive(Clone)]
pub struct Input<'de> {
    rest: &'de [u8],
    /// Bytes whose length is not written, because they are all that there is: it is read from them.
    whole: Option<&'de [u8]>,
    empty_items_left: u64,
    records_left: u64,
}

/// Records beyond one for each byte that a payload may hold: those without any bytes in them cost it
/// nothing, and each may hold two of the next kind.
const EMPTY_RECORDS_MAX: u64 = 1 << 16;

impl<'de> Input<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Input<'de> {
        Input {
            rest: bytes,
            whole: None,
            empty_items_left: EMPTY_ITEMS_MAX,
            records_left: EMPTY_RECORDS_MAX + bytes.len() as u64,
        }
    }

    /// Data that is bytes alone, whose length is not written before them.
    pub(super) fn bare(bytes: &'de [u8]) -> Input<'de> {
        Input { whole: Some(bytes), ..Input::new(&[]) }
    }

    pub(super) fn finish(&self) -> Result<(), CodecError> {
        match self.rest.len() + self.whole.map_or(0, <[u8]>::len) {
            0 => Ok(()),
            left => Err(CodecError::new(format!("{left} bytes are left over"))),
        }
    }

    /// Begins one more record.
    #[inline]
    pub(super) fn record(&mut self) -> Result<(), CodecError> {
        match self.records_left.checked_sub(1) {
            Some(left) => {
                self.records_left = left;
                Ok(())
            }
            None => Err(CodecError::new("the data has more records than bytes")),
        }
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'de [u8], CodecError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.too_short(length)),
        }
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(self.too_short(N)),
        }
    }

    #[cold]
    fn too_short(&self, length: usize) -> CodecError {
        let left = self.rest.len();
        CodecError::new(format!("the data ends early: {length} bytes are wanted, {left} are left"))
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool, CodecError> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(CodecError::new(format!("{other} is not a boolean"))),
        }
    }

    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, CodecError> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(unzigzag(u64::from(*byte)))
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(unzigzag(u64::from(*low & 0x7f) | u64::from(*high) << 7))
            }
            _ => self.long_of_many(),
        }
    }

    /// A number of more than two bytes: the groups of seven bits in a word move together all at once.
    #[inline(never)]
    fn long_of_many(&mut self) -> Result<i64, CodecError> {
        let Some(first) = self.rest.first_chunk() else { return self.long_at_the_end() };
        let word = u64::from_le_bytes(*first);
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            return self.long_at_the_end();
        }
        let groups = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
        let groups = (groups & 0x7f00_7f00_7f00_7f00) >> 1 | groups & 0x007f_007f_007f_007f;
        let groups = (groups & 0x3fff_0000_3fff_0000) >> 2 | groups & 0x0000_3fff_0000_3fff;
        let value = (groups & 0x0fff_ffff_0000_0000) >> 4 | groups & 0x0000_0000_0fff_ffff;
        self.rest = &self.rest[ends.trailing_zeros() as usize / 8 + 1..];
        Ok(unzigzag(value))
    }

    /// A number that takes nine or ten bytes, or stands within the last eight.
    #[inline(never)]
    fn long_at_the_end(&mut self) -> Result<i64, CodecError> {
        if let Some(whole) = self.whole.take() {
            self.rest = whole;
            return Ok(whole.len() as i64);
        }
        let mut value: u64 = 0;
        for (i, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                if i == 9 && *byte > 1 {
                    break;
                }
                self.rest = &self.rest[i + 1..];
                return Ok(unzigzag(value));
            }
        }
        match self.rest.len() {
            0..10 => Err(CodecError::new("the data ends early, in a number")),
            _ => Err(CodecError::new("a number has more than 64 bits")),
        }
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, CodecError> {
        let value = self.long()?;
        i32::try_from(value).map_err(|_| CodecError::new(format!("{value} is not an int")))
    }

    #[inline]
    pub(super) fn float(&mut self) -> Result<f32, CodecError> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn double(&mut self) -> Result<f64, CodecError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'de [u8], CodecError> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(CodecError::new(format!("{length} is not a length"))),
        }
    }

    #[inline]
    pub(super) fn string(&mut self) -> Result<&'de str, CodecError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| CodecError::new("a string is not UTF-8"))
    }

    /// The index of a union's branch or an enum's symbol.
    #[inline]
    pub(super) fn index(&mut self, count: usize) -> Result<usize, CodecError> {
        match self.long()? {
            // a negative one is beyond all counts
            index if (index as u64) < count as u64 => Ok(index as usize),
            index => {
                Err(CodecError::new(format!("index {index} is out of range: there are {count}")))
            }
        }
    }

    /// As [`Input::block`], where nobody knows whether an item takes bytes; and for how many there is
    /// data if each takes one.
    #[inline]
    pub(super) fn block_of_any(&mut self) -> Result<(usize, usize), CodecError> {
        let before = self.clone();
        let count = match self.block(false) {
            Ok(count) => count,
            Err(_) => {
                *self = before;
                self.block(true)?
            }
        };
        Ok((count, count.min(self.rest.len())))
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

    /// Hands over the input for each item of an array or a map, block after block.
    #[inline]
    pub(super) fn each(
        &mut self,
        empty: bool,
        mut item: impl FnMut(&mut Input<'de>) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        loop {
            match self.block(empty)? {
                0 => return Ok(()),
                count => {
                    for _ in 0..count {
                        item(self)?;
                    }
                }
            }
        }
    }
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[inline]
pub(super) fn write_long(value: i64, out: &mut Vec<u8>) {
    let value = ((value << 1) ^ (value >> 63)) as u64;
    match value {
        0..0x80 => out.push(value as u8),
        _ => write_many(value, out),
    }
}

/// Writes a number of more than one byte: seven bits in each, all but the last with a bit to say that
/// there is more.
#[inline(never)]
fn write_many(value: u64, out: &mut Vec<u8>) {
    let mut rest = value;
    if value < 1 << 56 {
        let groups = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
        let groups = groups & 0x0000_3fff_0000_3fff | (groups & 0x0fff_c000_0fff_c000) << 2;
        let groups = groups & 0x007f_007f_007f_007f | (groups & 0x3f80_3f80_3f80_3f80) << 1;
        let length = (70 - value.leading_zeros() as usize) / 7;
        let more = 0x8080_8080_8080_8080 & ((1 << (8 * (length - 1))) - 1);
        let end = out.len() + length;
        out.extend_from_slice(&(groups | more).to_le_bytes());
        out.truncate(end);
        return;
    }
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[inline]
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
        fn longs_come_back(value: i64, shift in 0..64) {
            let value = value >> shift; // as many short ones as long ones
            let mut out = Vec::new();
            write_long(value, &mut out);
            let zigzag = ((value << 1) ^ (value >> 63)) as u64;
            prop_assert_eq!(out.len(), (zigzag.max(1).ilog2() as usize + 7) / 7);
            out.extend([0xff; 10]); // whatever comes after
            let mut followed = Input::new(&out);
            prop_assert_eq!(followed.long().unwrap(), value);
            prop_assert_eq!(followed.rest.len(), 10);
            out.truncate(out.len() - 10);
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
