//! Straight code for these types alone: what the format costs, with bounds and UTF-8 checked.

use std::collections::HashMap;
use std::hash::Hash;

use crate::shapes::*;

pub fn put_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

pub fn put_text(text: &str, out: &mut Vec<u8>) {
    put_long(text.len() as i64, out);
    out.extend_from_slice(text.as_bytes());
}

pub fn put_double(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub fn put_optional<T: ?Sized>(value: Option<&T>, out: &mut Vec<u8>, put: fn(&T, &mut Vec<u8>)) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            put(value, out);
        }
    }
}

pub fn put_items<T>(items: &[T], out: &mut Vec<u8>, put: fn(&T, &mut Vec<u8>)) {
    if !items.is_empty() {
        put_long(items.len() as i64, out);
    }
    for item in items {
        put(item, out);
    }
    out.push(0);
}

pub fn long(data: &mut &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for (i, byte) in data.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            *data = &data[i + 1..];
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

pub fn int(data: &mut &[u8]) -> Option<i32> {
    i32::try_from(long(data)?).ok()
}

pub fn double(data: &mut &[u8]) -> Option<f64> {
    let (bytes, rest) = data.split_first_chunk()?;
    *data = rest;
    Some(f64::from_le_bytes(*bytes))
}

pub fn boolean(data: &mut &[u8]) -> Option<bool> {
    let (byte, rest) = data.split_first()?;
    *data = rest;
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

pub fn text<'de>(data: &mut &'de [u8]) -> Option<&'de str> {
    let length = usize::try_from(long(data)?).ok()?;
    let (bytes, rest) = data.split_at_checked(length)?;
    *data = rest;
    std::str::from_utf8(bytes).ok()
}

pub fn optional<'de, T>(
    data: &mut &'de [u8],
    read: impl Fn(&mut &'de [u8]) -> Option<T>,
) -> Option<Option<T>> {
    match long(data)? {
        0 => Some(None),
        1 => Some(Some(read(data)?)),
        _ => None,
    }
}

pub fn items<'de, T>(
    data: &mut &'de [u8],
    read: impl Fn(&mut &'de [u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let mut items = Vec::new();
    loop {
        let count = long(data)?;
        if count < 0 {
            long(data)?;
        }
        let count = count.unsigned_abs() as usize;
        if count == 0 {
            return Some(items);
        }
        items.reserve(count.min(data.len()));
        for _ in 0..count {
            items.push(read(data)?);
        }
    }
}

pub fn map<'de, T: From<&'de str> + Eq + Hash>(data: &mut &'de [u8]) -> Option<HashMap<T, T>> {
    Some(items(data, |data| Some((text(data)?.into(), text(data)?.into())))?.into_iter().collect())
}

/// A type that is read by its own code.
pub trait Read<'de>: Sized {
    fn read(data: &mut &'de [u8]) -> Option<Self>;

    fn all(mut data: &'de [u8]) -> Option<Self> {
        let value = Self::read(&mut data)?;
        data.is_empty().then_some(value)
    }
}

impl Small {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_long(self.id, out);
        put_text(&self.user, out);
        put_text(&self.email, out);
        put_long(self.age.into(), out);
        out.push(self.active.into());
        put_double(self.score, out);
        put_long(self.created, out);
        put_text(&self.country, out);
    }
}

impl<'de> Read<'de> for Small {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Small {
            id: long(data)?,
            user: text(data)?.into(),
            email: text(data)?.into(),
            age: int(data)?,
            active: boolean(data)?,
            score: double(data)?,
            created: long(data)?,
            country: text(data)?.into(),
        })
    }
}

impl Order {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_text(&self.id, out);
        self.customer.write(out);
        put_items(&self.lines, out, Line::write);
        if !self.attributes.is_empty() {
            put_long(self.attributes.len() as i64, out);
        }
        for (key, value) in &self.attributes {
            put_text(key, out);
            put_text(value, out);
        }
        out.push(0);
        put_optional(self.coupon.as_deref(), out, put_text);
        put_optional(self.note.as_deref(), out, put_text);
        self.payment.write(out);
        self.status.write(out);
        put_long(self.placed_at, out);
        put_long(self.ships_on.into(), out);
        put_double(self.total, out);
    }
}

impl<'de> Read<'de> for Order {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Order {
            id: text(data)?.into(),
            customer: Customer::read(data)?,
            lines: items(data, Line::read)?,
            attributes: map(data)?,
            coupon: optional(data, |data| Some(text(data)?.into()))?,
            note: optional(data, |data| Some(text(data)?.into()))?,
            payment: Payment::read(data)?,
            status: Status::read(data)?,
            placed_at: long(data)?,
            ships_on: int(data)?,
            total: double(data)?,
        })
    }
}

impl Customer {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_long(self.id, out);
        put_text(&self.name, out);
        put_text(&self.email, out);
        self.address.write(out);
        put_optional(self.phone.as_deref(), out, put_text);
    }
}

impl<'de> Read<'de> for Customer {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Customer {
            id: long(data)?,
            name: text(data)?.into(),
            email: text(data)?.into(),
            address: Address::read(data)?,
            phone: optional(data, |data| Some(text(data)?.into()))?,
        })
    }
}

impl Address {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_text(&self.street, out);
        put_text(&self.city, out);
        put_text(&self.zip, out);
        put_text(&self.country, out);
    }
}

impl<'de> Read<'de> for Address {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Address {
            street: text(data)?.into(),
            city: text(data)?.into(),
            zip: text(data)?.into(),
            country: text(data)?.into(),
        })
    }
}

impl Line {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_text(&self.sku, out);
        put_text(&self.name, out);
        put_long(self.quantity.into(), out);
        put_double(self.price, out);
        put_items(&self.tags, out, |text, out| put_text(text, out));
        put_optional(self.discount.as_ref(), out, |value, out| put_double(*value, out));
    }
}

impl<'de> Read<'de> for Line {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Line {
            sku: text(data)?.into(),
            name: text(data)?.into(),
            quantity: int(data)?,
            price: double(data)?,
            tags: items(data, |data| Some(text(data)?.into()))?,
            discount: optional(data, double)?,
        })
    }
}

impl Card {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_text(&self.number, out);
        put_text(&self.holder, out);
        put_long(self.month.into(), out);
        put_long(self.year.into(), out);
    }
}

impl<'de> Read<'de> for Card {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Card {
            number: text(data)?.into(),
            holder: text(data)?.into(),
            month: int(data)?,
            year: int(data)?,
        })
    }
}

impl Transfer {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_text(&self.iban, out);
        put_text(&self.reference, out);
    }
}

impl<'de> Read<'de> for Transfer {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Transfer { iban: text(data)?.into(), reference: text(data)?.into() })
    }
}

impl Voucher {
    pub fn write(&self, out: &mut Vec<u8>) {
        put_text(&self.code, out);
        put_double(self.amount, out);
    }
}

impl<'de> Read<'de> for Voucher {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(Voucher { code: text(data)?.into(), amount: double(data)? })
    }
}

impl Payment {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Card(value) => {
                out.push(0);
                value.write(out);
            }
            Self::Transfer(value) => {
                out.push(2);
                value.write(out);
            }
            Self::Voucher(value) => {
                out.push(4);
                value.write(out);
            }
        }
    }
}

impl<'de> Read<'de> for Payment {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        match long(data)? {
            0 => Some(Self::Card(Card::read(data)?)),
            1 => Some(Self::Transfer(Transfer::read(data)?)),
            2 => Some(Self::Voucher(Voucher::read(data)?)),
            _ => None,
        }
    }
}

impl<'a, 'de: 'a> Read<'de> for SmallRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(SmallRef {
            id: long(data)?,
            user: text(data)?.into(),
            email: text(data)?.into(),
            age: int(data)?,
            active: boolean(data)?,
            score: double(data)?,
            created: long(data)?,
            country: text(data)?.into(),
        })
    }
}

impl<'a, 'de: 'a> Read<'de> for OrderRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(OrderRef {
            id: text(data)?.into(),
            customer: CustomerRef::read(data)?,
            lines: items(data, LineRef::read)?,
            attributes: map(data)?,
            coupon: optional(data, |data| Some(text(data)?.into()))?,
            note: optional(data, |data| Some(text(data)?.into()))?,
            payment: PaymentRef::read(data)?,
            status: Status::read(data)?,
            placed_at: long(data)?,
            ships_on: int(data)?,
            total: double(data)?,
        })
    }
}

impl<'a, 'de: 'a> Read<'de> for CustomerRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(CustomerRef {
            id: long(data)?,
            name: text(data)?.into(),
            email: text(data)?.into(),
            address: AddressRef::read(data)?,
            phone: optional(data, |data| Some(text(data)?.into()))?,
        })
    }
}

impl<'a, 'de: 'a> Read<'de> for AddressRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(AddressRef {
            street: text(data)?.into(),
            city: text(data)?.into(),
            zip: text(data)?.into(),
            country: text(data)?.into(),
        })
    }
}

impl<'a, 'de: 'a> Read<'de> for LineRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(LineRef {
            sku: text(data)?.into(),
            name: text(data)?.into(),
            quantity: int(data)?,
            price: double(data)?,
            tags: items(data, |data| Some(text(data)?.into()))?,
            discount: optional(data, double)?,
        })
    }
}

impl<'a, 'de: 'a> Read<'de> for CardRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(CardRef {
            number: text(data)?.into(),
            holder: text(data)?.into(),
            month: int(data)?,
            year: int(data)?,
        })
    }
}

impl<'a, 'de: 'a> Read<'de> for TransferRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(TransferRef { iban: text(data)?.into(), reference: text(data)?.into() })
    }
}

impl<'a, 'de: 'a> Read<'de> for VoucherRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        Some(VoucherRef { code: text(data)?.into(), amount: double(data)? })
    }
}

impl<'a, 'de: 'a> Read<'de> for PaymentRef<'a> {
    fn read(data: &mut &'de [u8]) -> Option<Self> {
        match long(data)? {
            0 => Some(Self::Card(CardRef::read(data)?)),
            1 => Some(Self::Transfer(TransferRef::read(data)?)),
            2 => Some(Self::Voucher(VoucherRef::read(data)?)),
            _ => None,
        }
    }
}

impl Status {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self as u8 * 2);
    }

    fn read(data: &mut &[u8]) -> Option<Status> {
        Some(match long(data)? {
            0 => Status::New,
            1 => Status::Paid,
            2 => Status::Shipped,
            3 => Status::Returned,
            _ => return None,
        })
    }
}
