//! Logical types as text, for Rust types that write and read themselves as text: dates and times of
//! any library, decimals, UUIDs. Source: Apache Avro 1.12, "Logical Types".
//!
//! What a schema says wrongly (a decimal without precision, a date that is a string) is no logical
//! type, as in Java.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

use crate::avro::{Kind, NodeId, Schema};
use crate::json::Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    None,
    Date,
    Time(Precision),
    Timestamp(Precision),
    LocalTimestamp(Precision),
    Decimal { precision: u32, scale: u32 },
    Uuid,
    Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Millis,
    Micros,
    Nanos,
}

impl Precision {
    fn per_second(self) -> i64 {
        match self {
            Precision::Millis => 1_000,
            Precision::Micros => 1_000_000,
            Precision::Nanos => 1_000_000_000,
        }
    }

    /// Whole seconds before it, and nanoseconds since then.
    fn split(self, value: i64) -> (i64, i32) {
        let nanos = value.rem_euclid(self.per_second()) * (1_000_000_000 / self.per_second());
        (value.div_euclid(self.per_second()), nanos as i32)
    }

    fn join(self, seconds: i64, nanos: i32) -> Option<i64> {
        let part = i64::from(nanos) / (1_000_000_000 / self.per_second());
        seconds.checked_mul(self.per_second())?.checked_add(part)
    }
}

impl Logical {
    pub(super) fn of(schema: &Schema, id: NodeId) -> Logical {
        let node = schema.node(id);
        let prop = |name: &str| node.props.iter().find(|(key, _)| key == name).map(|(_, v)| v);
        let number = |name: &str| match prop(name) {
            Some(Json::Int(number)) => u32::try_from(*number).ok(),
            _ => None,
        };
        let Some(Json::String(name)) = prop("logicalType") else { return Logical::None };
        match (name.as_str(), &node.kind) {
            ("date", Kind::Int) => Logical::Date,
            ("time-millis", Kind::Int) => Logical::Time(Precision::Millis),
            ("time-micros", Kind::Long) => Logical::Time(Precision::Micros),
            ("timestamp-millis", Kind::Long) => Logical::Timestamp(Precision::Millis),
            ("timestamp-micros", Kind::Long) => Logical::Timestamp(Precision::Micros),
            ("timestamp-nanos", Kind::Long) => Logical::Timestamp(Precision::Nanos),
            ("local-timestamp-millis", Kind::Long) => Logical::LocalTimestamp(Precision::Millis),
            ("local-timestamp-micros", Kind::Long) => Logical::LocalTimestamp(Precision::Micros),
            ("local-timestamp-nanos", Kind::Long) => Logical::LocalTimestamp(Precision::Nanos),
            ("decimal", Kind::Bytes | Kind::Fixed(_)) => {
                match (number("precision"), prop("scale").map_or(Some(0), |_| number("scale"))) {
                    (Some(precision), Some(scale)) if 0 < precision && scale <= precision => {
                        Logical::Decimal { precision, scale }
                    }
                    _ => Logical::None,
                }
            }
            ("uuid", Kind::Fixed(fixed)) if fixed.size == 16 => Logical::Uuid,
            ("duration", Kind::Fixed(fixed)) if fixed.size == 12 => Logical::Duration,
            _ => Logical::None,
        }
    }

    /// A number of this type as text; `None` if it is none, or beyond the years 9999.
    pub(super) fn number_to_text(self, value: i64) -> Option<String> {
        match self {
            Logical::Date => {
                let days = Span::new().try_days(value).ok()?;
                Some(epoch().checked_add(days).ok()?.to_string())
            }
            Logical::Time(precision) => {
                let (seconds, nanos) = precision.split(value);
                let nanos = seconds.checked_mul(1_000_000_000)?.checked_add(i64::from(nanos))?;
                let since_midnight = Span::new().try_nanoseconds(nanos).ok()?;
                match nanos {
                    0.. => Some(Time::midnight().checked_add(since_midnight).ok()?.to_string()),
                    _ => None,
                }
            }
            Logical::Timestamp(precision) => Some(timestamp(precision, value)?.to_string()),
            Logical::LocalTimestamp(precision) => {
                let utc = timestamp(precision, value)?.to_zoned(jiff::tz::TimeZone::UTC);
                Some(utc.datetime().to_string())
            }
            _ => None,
        }
    }

    /// The number that a text means, if it is a text of this very type: a time of day is no part of a
    /// date, nor an offset of a local time. Digits beyond the precision are dropped.
    pub(super) fn text_to_number(self, text: &str) -> Option<i64> {
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, time),
            None if text.contains(':') => ("", text),
            None => (text, ""),
        };
        let is_local = !time.contains(['Z', 'z', '+', '-', '[']);
        let fits = match self {
            Logical::Date => time.is_empty(),
            Logical::Time(_) => date.is_empty() && is_local,
            Logical::LocalTimestamp(_) => is_local,
            _ => true,
        };
        if !fits {
            return None;
        }
        match self {
            Logical::Date => {
                let date: Date = text.parse().ok()?;
                Some(i64::from(epoch().until((Unit::Day, date)).ok()?.get_days()))
            }
            Logical::Time(precision) => {
                let time: Time = text.parse().ok()?;
                let (hour, minute, second) =
                    (i64::from(time.hour()), i64::from(time.minute()), i64::from(time.second()));
                precision.join(hour * 3600 + minute * 60 + second, time.subsec_nanosecond())
            }
            Logical::Timestamp(precision) => from_timestamp(precision, text.parse().ok()?),
            Logical::LocalTimestamp(precision) => {
                let local: DateTime = text.parse().ok()?;
                let utc = jiff::tz::Offset::UTC.to_timestamp(local).ok()?;
                from_timestamp(precision, utc)
            }
            _ => None,
        }
    }

    /// Bytes of this type as text.
    pub(super) fn bytes_to_text(self, bytes: &[u8]) -> Option<String> {
        match self {
            Logical::Decimal { scale, .. } => decimal_to_text(bytes, scale as usize),
            Logical::Uuid => Some(uuid_to_text(bytes.try_into().ok()?)),
            Logical::Duration => {
                let part = |i: usize| Some(u32::from_le_bytes(*bytes[i..].first_chunk()?));
                let (months, days, millis) = (part(0)?, part(4)?, part(8)?);
                let span = Span::new().try_months(months).ok()?.try_days(days).ok()?;
                let span = span.try_milliseconds(millis).ok()?;
                Some(span.to_string())
            }
            _ => None,
        }
    }

    /// The bytes that a text means; of exactly `size` if that is given.
    pub(super) fn text_to_bytes(self, text: &str, size: Option<usize>) -> Option<Vec<u8>> {
        match self {
            Logical::Decimal { precision, scale } => {
                text_to_decimal(text, precision as usize, scale as usize, size)
            }
            Logical::Uuid => text_to_uuid(text).map(Vec::from),
            Logical::Duration => {
                let span: Span = text.parse().ok()?;
                let months = i64::from(span.get_years()) * 12 + i64::from(span.get_months());
                let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
                let rest = span.years(0).months(0).weeks(0).days(0);
                let millis =
                    rest.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours())).ok()?;
                let parts = [months, days, millis.round() as i64];
                let mut bytes = Vec::with_capacity(12);
                for part in parts {
                    bytes.extend(u32::try_from(part).ok()?.to_le_bytes());
                }
                Some(bytes)
            }
            _ => None,
        }
    }
}

fn epoch() -> Date {
    jiff::civil::date(1970, 1, 1)
}

fn timestamp(precision: Precision, value: i64) -> Option<Timestamp> {
    let (seconds, nanos) = precision.split(value);
    Timestamp::new(seconds, nanos).ok()
}

fn from_timestamp(precision: Precision, at: Timestamp) -> Option<i64> {
    // before 1970 jiff's parts are both negative; here the second one never is
    let nanos = at.as_nanosecond();
    let second = nanos.div_euclid(1_000_000_000);
    precision.join(i64::try_from(second).ok()?, nanos.rem_euclid(1_000_000_000) as i32)
}

/// Bytes of a decimal that is shown or read as text, which takes time by their square.
const DECIMAL_BYTES_MAX: usize = 1024;

/// Two's complement, big-endian, to digits with a point.
fn decimal_to_text(bytes: &[u8], scale: usize) -> Option<String> {
    if bytes.len() > DECIMAL_BYTES_MAX || scale > DECIMAL_BYTES_MAX {
        return None;
    }
    let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if is_negative {
        negate(&mut magnitude);
    }
    // least significant digit first, nine at a time
    let mut digits = String::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest: u64 = 0;
        for byte in &mut magnitude {
            rest = rest << 8 | u64::from(*byte);
            *byte = (rest / 1_000_000_000) as u8;
            rest %= 1_000_000_000;
        }
        digits.extend(format!("{rest:09}").chars().rev());
    }
    let significant = digits.trim_end_matches('0').len().max(scale + 1);
    let mut text: String = if is_negative { "-".into() } else { String::new() };
    for place in (0..significant).rev() {
        text.push(digits.as_bytes().get(place).map_or('0', |digit| char::from(*digit)));
        if place == scale && scale > 0 {
            text.push('.');
        }
    }
    Some(text)
}

fn text_to_decimal(
    text: &str,
    precision: usize,
    scale: usize,
    size: Option<usize>,
) -> Option<Vec<u8>> {
    if text.len() > DECIMAL_BYTES_MAX || scale > DECIMAL_BYTES_MAX {
        return None;
    }
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    let (kept, dropped) = fraction.split_at(fraction.len().min(scale));
    // what has no place at this scale is not lost without a word
    if whole.len() + kept.len() == 0 || dropped.iter().any(|digit| *digit != b'0') {
        return None;
    }
    let significant = whole.iter().chain(kept).skip_while(|digit| **digit == b'0').count();
    let missing = if significant == 0 { 0 } else { scale - kept.len() };
    if significant + missing > precision {
        return None;
    }
    let zeros = std::iter::repeat_n(&b'0', scale - kept.len());
    let mut magnitude: Vec<u8> = vec![0];
    for digit in whole.iter().chain(kept).chain(zeros) {
        let mut carry = match digit {
            b'0'..=b'9' => u32::from(digit - b'0'),
            _ => return None,
        };
        for byte in magnitude.iter_mut().rev() {
            carry += u32::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            magnitude.insert(0, carry as u8);
        }
    }
    if magnitude[0] & 0x80 != 0 {
        magnitude.insert(0, 0);
    }
    if is_negative {
        negate(&mut magnitude);
    }
    let sign = if magnitude[0] & 0x80 != 0 { 0xff } else { 0 };
    let spare = |bytes: &[u8]| matches!(bytes, [first, second, ..] if *first == sign && (second ^ sign) & 0x80 == 0);
    while spare(&magnitude) {
        magnitude.remove(0);
    }
    match size {
        Some(size) => sign_extended(magnitude, size),
        None => Some(magnitude),
    }
}

/// The same number in `size` bytes, if it has no more.
pub(super) fn sign_extended(mut bytes: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let missing = size.checked_sub(bytes.len())?;
    bytes.splice(0..0, std::iter::repeat_n(sign, missing));
    Some(bytes)
}

fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
    }
}

fn uuid_to_text(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn text_to_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    let pairs: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    match digits.len() {
        32 => pairs.try_into().ok(),
        _ => None,
    }
}
