//! Default values as descriptors have them: text, whatever the type.

use super::super::element::{FieldType, Value};
use super::super::raw_bytes::bytes;
use super::super::read::text::{Text, integer};
use crate::budget::Budget;

/// A default value as protoc writes it: numbers in decimal, bytes with escapes.
pub fn default_text(value: &Value, kind: &FieldType) -> String {
    match (value, kind) {
        (Value::String(text), FieldType::Scalar("bytes")) => escaped(text),
        (Value::String(text), _) => String::from_utf8_lossy(&bytes(text)).into_owned(),
        (Value::Enum(text), _) => text.clone(),
        (Value::Bool(value), _) => value.to_string(),
        (Value::Number(text), FieldType::Scalar(name @ ("float" | "double"))) => {
            let places = if *name == "float" { 6 } else { 15 };
            parse_float(text).map_or_else(|| text.clone(), |value| float_text(value, places))
        }
        (Value::Number(text), _) => {
            integer(text).map_or_else(|| text.clone(), |number| number.to_string())
        }
        _ => String::new(),
    }
}

/// The value that a descriptor's text stands for.
pub fn default_value(text: String, kind: &FieldType) -> Value {
    match kind {
        FieldType::Scalar("string") => Value::String(text),
        FieldType::Scalar("bytes") => {
            let quoted = format!("\"{text}\"");
            let bytes = Text::new(&quoted, &Budget::default()).string();
            Value::String(bytes.unwrap_or(text))
        }
        FieldType::Scalar("bool") => Value::Bool(text == "true"),
        FieldType::Scalar(_) => Value::Number(text),
        _ => Value::Enum(text),
    }
}

pub fn parse_float(text: &str) -> Option<f64> {
    integer(text).map(|number| number as f64).or_else(|| text.parse().ok())
}

/// As C's `%g` but with all the digits that there are: `1.5`, `1e+20`.
fn float_text(value: f64, places: i32) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return value.to_string().to_lowercase();
    };
    let count = digits.bytes().filter(u8::is_ascii_digit).count() as i32;
    match exponent.parse::<i32>() {
        Ok(e) if e < -4 || e >= places.max(count) => {
            let sign = if e < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", e.abs())
        }
        _ => value.to_string(),
    }
}

/// Bytes in C's escapes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in bytes(text) {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'"' => out.push_str("\\\""),
            b'\'' => out.push_str("\\'"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_protoc_writes_them() {
        let text = |number: &str, kind| {
            default_text(&Value::Number(number.into()), &FieldType::Scalar(kind))
        };
        assert_eq!(text("0x1F", "int32"), "31");
        assert_eq!(text("-017", "sint64"), "-15");
        assert_eq!(text("1.50", "double"), "1.5");
        assert_eq!(text("1e20", "double"), "1e+20");
        assert_eq!(text("0.00001", "double"), "1e-05");
        assert_eq!(text("123456", "float"), "123456");
        assert_eq!(text("10000000", "float"), "1e+07");
    }

    #[test]
    fn bytes_are_escaped() {
        let value = Value::String(
            Text::new("\"a\\xff\\n\\\"\u{ff}\"", &Budget::default()).string().unwrap(),
        );
        let text = default_text(&value, &FieldType::Scalar("bytes"));
        assert_eq!(text, "a\\377\\n\\\"\\303\\277");
    }
}
