//! What an operation writes or reads, in the words of an error.

use super::logical::{Logical, Precision};
use super::plan::Op;

impl Op {
    /// `a decimal of precision 9 and scale 2 (stored as bytes)`, `an int`, `record shop.Order`.
    #[cold]
    pub(super) fn describe(&self) -> String {
        let stored: String = match self {
            Op::Null => "null".into(),
            Op::Boolean => "a boolean".into(),
            Op::Int(_) => "an int".into(),
            Op::Long(_) => "a long".into(),
            Op::Float => "a float".into(),
            Op::Double => "a double".into(),
            Op::Bytes(_) => "bytes".into(),
            Op::String => "a string".into(),
            Op::Fixed(size, _) => format!("a fixed of {size} bytes"),
            Op::Enum(e) => format!("one of {}", e.listed()),
            Op::Array { .. } => "an array".into(),
            Op::Map(_) => "a map".into(),
            Op::Record(record) => format!("record {}", record.name),
            Op::Union(_) => "a branch of the union".into(),
            _ => "what the schema has".into(),
        };
        match self {
            Op::Int(logical) | Op::Long(logical) | Op::Bytes(logical) | Op::Fixed(_, logical) => {
                match logical.describe() {
                    Some(logical) => format!("{logical} (stored as {stored})"),
                    None => stored,
                }
            }
            _ => stored,
        }
    }
}

impl Logical {
    fn describe(self) -> Option<String> {
        let unit = |what: &str, precision| {
            let unit = match precision {
                Precision::Millis => "milliseconds",
                Precision::Micros => "microseconds",
                Precision::Nanos => "nanoseconds",
            };
            format!("{what} in {unit}")
        };
        Some(match self {
            Logical::None => return None,
            Logical::Date => "a date".into(),
            Logical::Time(precision) => unit("a time of day", precision),
            Logical::Timestamp(precision) => unit("a timestamp", precision),
            Logical::LocalTimestamp(precision) => unit("a local timestamp", precision),
            Logical::Decimal { precision, scale } => {
                format!("a decimal of precision {precision} and scale {scale}")
            }
            Logical::Uuid => "a UUID".into(),
            Logical::Duration => "a duration".into(),
        })
    }
}
