//! Protobuf's own encoding: tags, varints, lengths. A length that lies is an error, and nothing is
//! allocated on its word.

/// A message being written.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn tag(&mut self, number: i32, wire: u64) {
        self.varint((number as u64) << 3 | wire);
    }

    pub fn number(&mut self, number: i32, value: u64) {
        self.tag(number, 0);
        self.varint(value);
    }

    /// An `int32` or an enum: negative numbers have ten bytes.
    pub fn int(&mut self, number: i32, value: i32) {
        self.number(number, i64::from(value) as u64);
    }

    pub fn flag(&mut self, number: i32, value: bool) {
        if value {
            self.number(number, 1);
        }
    }

    pub fn fixed64(&mut self, number: i32, value: u64) {
        self.tag(number, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn fixed32(&mut self, number: i32, value: u32) {
        self.tag(number, 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn data(&mut self, number: i32, value: &[u8]) {
        self.tag(number, 2);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    pub fn text(&mut self, number: i32, value: &str) {
        self.data(number, value.as_bytes());
    }
}

/// What a field holds on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Held<'b> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Data(&'b [u8]),
}

/// The fields of an encoded message, in order.
pub struct Fields<'b> {
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    pub fn of(bytes: &'b [u8]) -> Fields<'b> {
        Fields { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub fn fixed64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    pub fn fixed32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn field(&mut self) -> Option<(i32, Held<'b>)> {
        let tag = self.varint()?;
        let number = i32::try_from(tag >> 3).ok().filter(|number| *number > 0)?;
        let held = match tag & 7 {
            0 => Held::Varint(self.varint()?),
            1 => Held::Fixed64(self.fixed64()?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Held::Data(self.take(length)?)
            }
            5 => Held::Fixed32(self.fixed32()?),
            _ => return None,
        };
        Some((number, held))
    }
}

impl<'b> Iterator for Fields<'b> {
    /// `None` in place of a field that cannot be read; nothing comes after it.
    type Item = Option<(i32, Held<'b>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field)
    }
}
