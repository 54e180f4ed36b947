//! A schema's text, kept as the JSON string that answers are made of: it is served some thousand
//! times for each time that somebody reads it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A text with its quotes and escapes. Cheap to clone; equal if the texts are.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct SchemaText(Arc<RawValue>);

impl SchemaText {
    /// The text itself.
    pub fn text(&self) -> Cow<'_, str> {
        serde_json::from_str::<BorrowedText>(self.0.get())
            .map(|text| text.0)
            .expect("it was made of a string, or read as one")
    }

    /// Returns true if it is this text. Made for many that are not: it ends at the first difference.
    pub fn is(&self, text: &str) -> bool {
        let json = self.json().as_bytes();
        let mut rest = json[1..json.len() - 1].iter();
        for byte in text.bytes() {
            let same = match rest.next() {
                Some(b'\\') => match rest.next() {
                    Some(b'n') => byte == b'\n',
                    Some(b't') => byte == b'\t',
                    Some(b'r') => byte == b'\r',
                    Some(escaped @ (b'"' | b'\\' | b'/')) => byte == *escaped,
                    _ => return self.text() == text,
                },
                other => other == Some(&byte),
            };
            if !same {
                return false;
            }
        }
        rest.next().is_none()
    }

    /// Returns true if both are one text in memory.
    pub fn is_same(&self, other: &SchemaText) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The text as a JSON string.
    pub fn json(&self) -> &str {
        self.0.get()
    }
}

/// A string that is borrowed unless it has escapes.
#[derive(Deserialize)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

impl From<&str> for SchemaText {
    fn from(text: &str) -> Self {
        let json = serde_json::value::to_raw_value(text).expect("a string is JSON");
        SchemaText(json.into())
    }
}

impl From<String> for SchemaText {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl PartialEq for SchemaText {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json() || self.text() == other.text()
    }
}

impl fmt::Debug for SchemaText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.json())
    }
}

impl<'de> Deserialize<'de> for SchemaText {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(input)?;
        // its syntax is checked already, but for halves of characters
        if !json.get().starts_with('"') || json.get().contains("\\u") {
            serde_json::from_str::<BorrowedText>(json.get()).map_err(serde::de::Error::custom)?;
        }
        Ok(SchemaText(json.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_was_given_however_it_is_escaped() {
        let text = "{\"type\": \"string\"}\n\u{e9}";
        assert_eq!(SchemaText::from(text).text(), text);
        let other: SchemaText =
            serde_json::from_str(r#""{\u0022type\": \"string\"}\n\u00e9""#).unwrap();
        assert_eq!(other, SchemaText::from(text));
        assert_eq!(serde_json::to_string(&other).unwrap(), other.json());
        for written in [&SchemaText::from(text), &other] {
            assert!(written.is(text));
            for wrong in ["", "{", "{\"type\": \"string\"}\n", "{\"type\": \"string\"}\n\u{e9}x"] {
                assert!(!written.is(wrong), "{wrong}");
            }
        }
    }

    #[test]
    fn what_is_no_string_is_refused() {
        for json in ["1", "{}", "null", r#""\ud800""#] {
            assert!(serde_json::from_str::<SchemaText>(json).is_err(), "{json}");
        }
    }
}
