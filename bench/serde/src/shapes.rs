//! What is written and read: *small* (8 flat fields), *order* (nested: records, arrays, a map, unions,
//! an enum, logical types), *wide* (100 fields). Each owned and borrowed, with the types' own schema.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use weir_serde::Avro;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
pub struct Small {
    pub id: i64,
    pub user: String,
    pub email: String,
    pub age: i32,
    pub active: bool,
    pub score: f64,
    pub created: i64,
    #[avro(default = "\"\"")]
    pub country: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Small")]
#[serde(rename = "Small")]
pub struct SmallRef<'a> {
    pub id: i64,
    pub user: &'a str,
    pub email: &'a str,
    pub age: i32,
    pub active: bool,
    pub score: f64,
    pub created: i64,
    #[avro(default = "\"\"")]
    pub country: &'a str,
}

pub fn small() -> Small {
    Small {
        id: 8_237_461_029,
        user: "ada.lovelace".into(),
        email: "ada.lovelace@example.org".into(),
        age: 36,
        active: true,
        score: 0.8271,
        created: 1_795_000_000_000,
        country: "Great Britain".into(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Avro)]
pub enum Status {
    New,
    Paid,
    Shipped,
    Returned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Order")]
#[serde(rename = "Order")]
pub struct Order {
    pub id: String,
    pub customer: Customer,
    pub lines: Vec<Line>,
    pub attributes: HashMap<String, String>,
    pub coupon: Option<String>,
    pub note: Option<String>,
    pub payment: Payment,
    pub status: Status,
    #[avro(logical_type = "timestamp-micros")]
    pub placed_at: i64,
    #[avro(logical_type = "date")]
    pub ships_on: i32,
    #[avro(default = "0")]
    pub total: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Customer")]
#[serde(rename = "Customer")]
pub struct Customer {
    pub id: i64,
    pub name: String,
    pub email: String,
    pub address: Address,
    pub phone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Address")]
#[serde(rename = "Address")]
pub struct Address {
    pub street: String,
    pub city: String,
    pub zip: String,
    pub country: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Line")]
#[serde(rename = "Line")]
pub struct Line {
    pub sku: String,
    pub name: String,
    pub quantity: i32,
    pub price: f64,
    pub tags: Vec<String>,
    pub discount: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Card")]
#[serde(rename = "Card")]
pub struct Card {
    pub number: String,
    pub holder: String,
    pub month: i32,
    pub year: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Transfer")]
#[serde(rename = "Transfer")]
pub struct Transfer {
    pub iban: String,
    pub reference: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Voucher")]
#[serde(rename = "Voucher")]
pub struct Voucher {
    pub code: String,
    pub amount: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[serde(rename = "Payment")]
pub enum Payment {
    Card(Card),
    Transfer(Transfer),
    Voucher(Voucher),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Order")]
#[serde(rename = "Order")]
pub struct OrderRef<'a> {
    pub id: &'a str,
    #[serde(borrow)]
    pub customer: CustomerRef<'a>,
    #[serde(borrow)]
    pub lines: Vec<LineRef<'a>>,
    #[serde(borrow)]
    pub attributes: HashMap<&'a str, &'a str>,
    #[serde(borrow)]
    pub coupon: Option<&'a str>,
    #[serde(borrow)]
    pub note: Option<&'a str>,
    #[serde(borrow)]
    pub payment: PaymentRef<'a>,
    pub status: Status,
    #[avro(logical_type = "timestamp-micros")]
    pub placed_at: i64,
    #[avro(logical_type = "date")]
    pub ships_on: i32,
    #[avro(default = "0")]
    pub total: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Customer")]
#[serde(rename = "Customer")]
pub struct CustomerRef<'a> {
    pub id: i64,
    pub name: &'a str,
    pub email: &'a str,
    #[serde(borrow)]
    pub address: AddressRef<'a>,
    #[serde(borrow)]
    pub phone: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Address")]
#[serde(rename = "Address")]
pub struct AddressRef<'a> {
    pub street: &'a str,
    pub city: &'a str,
    pub zip: &'a str,
    pub country: &'a str,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Line")]
#[serde(rename = "Line")]
pub struct LineRef<'a> {
    pub sku: &'a str,
    pub name: &'a str,
    pub quantity: i32,
    pub price: f64,
    #[serde(borrow)]
    pub tags: Vec<&'a str>,
    pub discount: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Card")]
#[serde(rename = "Card")]
pub struct CardRef<'a> {
    pub number: &'a str,
    pub holder: &'a str,
    pub month: i32,
    pub year: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Transfer")]
#[serde(rename = "Transfer")]
pub struct TransferRef<'a> {
    pub iban: &'a str,
    pub reference: &'a str,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(name = "Voucher")]
#[serde(rename = "Voucher")]
pub struct VoucherRef<'a> {
    pub code: &'a str,
    pub amount: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[serde(rename = "Payment")]
pub enum PaymentRef<'a> {
    #[serde(borrow)]
    Card(CardRef<'a>),
    #[serde(borrow)]
    Transfer(TransferRef<'a>),
    #[serde(borrow)]
    Voucher(VoucherRef<'a>),
}

pub fn order() -> Order {
    let line = |i: i32| Line {
        sku: format!("SKU-{:08}", 1000 * i),
        name: format!("Pressure gauge, {i}0 bar, stainless"),
        quantity: i,
        price: 19.95 * f64::from(i),
        tags: vec!["instruments".into(), "steel".into(), format!("size-{i}")],
        discount: (i % 2 == 0).then_some(0.15),
    };
    Order {
        id: "2026-11-21/004711".into(),
        customer: Customer {
            id: 8_237_461_029,
            name: "Ada Lovelace".into(),
            email: "ada.lovelace@example.org".into(),
            address: Address {
                street: "12 St James's Square".into(),
                city: "London".into(),
                zip: "SW1Y 4JH".into(),
                country: "GB".into(),
            },
            phone: None,
        },
        lines: (1..=6).map(line).collect(),
        attributes: (0..6)
            .map(|i| (format!("attribute-{i}"), format!("value number {i}, of some length")))
            .collect(),
        coupon: Some("WELCOME".into()),
        note: None,
        payment: Payment::Card(Card {
            number: "4111 1111 1111 1111".into(),
            holder: "A. Lovelace".into(),
            month: 11,
            year: 2029,
        }),
        status: Status::Paid,
        placed_at: 1_795_000_000_000_000,
        ships_on: 20_778,
        total: 418.95,
    }
}

macro_rules! wide {
    ($($name:ident $($lt:lifetime)?, $text:ty;)* [$($s:ident)*] [$($d:ident)*] [$($l:ident)*] [$($i:ident)*] [$($n:ident)*]) => {
        wide!(@each [$(($name $($lt)?, $text))*] [$($s)*] [$($d)*] [$($l)*] [$($i)*] [$($n)*]);

        impl Wide {
            pub fn write(&self, out: &mut Vec<u8>) {
                use crate::hand::*;
                $(put_text(&self.$s, out);)*
                $(put_double(self.$d, out);)*
                $(put_long(self.$l, out);)*
                $(put_long(self.$i.into(), out);)*
                $(put_optional(self.$n.as_ref(), out, |value, out| put_double(*value, out));)*
            }
        }

        pub fn wide() -> Wide {
            let mut x = 0.5_f64;
            let mut next = || {
                x = (x * 1.37 + 0.77) % 1000.0;
                x
            };
            Wide {
                $($s: format!("text of {:.9}", next()),)*
                $($d: next(),)*
                $($l: (next() * 900.0) as i64 - 300_000,)*
                $($i: next() as i32,)*
                $($n: (next() < 500.0).then(&mut next),)*
            }
        }
    };
    (@each [$($one:tt)*] $s:tt $d:tt $l:tt $i:tt $n:tt) => {
        $(wide!(@one $one $s $d $l $i $n);)*
    };
    (@one ($name:ident $($lt:lifetime)?, $text:ty) [$($s:ident)*] [$($d:ident)*] [$($l:ident)*] [$($i:ident)*] [$($n:ident)*]) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
        #[avro(name = "Wide")]
        #[serde(rename = "Wide")]
        pub struct $name $(<$lt>)? {
            $(pub $s: $text,)*
            $(pub $d: f64,)*
            $(pub $l: i64,)*
            $(pub $i: i32,)*
            $(pub $n: Option<f64>,)*
        }

        impl<$($lt,)? 'de $(: $lt)?> crate::hand::Read<'de> for $name $(<$lt>)? {
            fn read(data: &mut &'de [u8]) -> Option<Self> {
                use crate::hand::*;
                Some($name {
                    $($s: text(data)?.into(),)*
                    $($d: double(data)?,)*
                    $($l: long(data)?,)*
                    $($i: int(data)?,)*
                    $($n: optional(data, double)?,)*
                })
            }
        }
    };
}

wide! {
    Wide, String;
    WideRef 'a, &'a str;
    [text_0 text_1 text_2 text_3 text_4 text_5 text_6 text_7 text_8 text_9]
    [measure_0 measure_1 measure_2 measure_3 measure_4 measure_5 measure_6 measure_7 measure_8
     measure_9 measure_10 measure_11 measure_12 measure_13 measure_14 measure_15 measure_16
     measure_17 measure_18 measure_19 measure_20 measure_21 measure_22 measure_23 measure_24
     measure_25 measure_26 measure_27 measure_28 measure_29 measure_30 measure_31 measure_32
     measure_33 measure_34 measure_35 measure_36 measure_37 measure_38 measure_39]
    [count_0 count_1 count_2 count_3 count_4 count_5 count_6 count_7 count_8 count_9 count_10
     count_11 count_12 count_13 count_14 count_15 count_16 count_17 count_18 count_19 count_20
     count_21 count_22 count_23 count_24 count_25 count_26 count_27 count_28 count_29]
    [code_0 code_1 code_2 code_3 code_4 code_5 code_6 code_7 code_8 code_9]
    [optional_0 optional_1 optional_2 optional_3 optional_4 optional_5 optional_6 optional_7
     optional_8 optional_9]
}
