//! Embedded formats: how keys and values stand in JSON. Nothing is null, on both sides, and null is
//! not empty.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::error::ProxyError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Base64.
    Binary,
    /// Any JSON, stored compactly.
    Json,
    /// Data of a schema, stored with the schema's id in front.
    Schema(SchemaFormat),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SchemaFormat {
    /// Avro's JSON encoding.
    Avro,
    /// JSON that is valid by a JSON Schema.
    Json,
    /// Protobuf's JSON of the schema's first message.
    Protobuf,
}

const FORMATS: [(Format, &str, &str); 5] = [
    (Format::Binary, "binary", "application/vnd.kafka.binary.v2+json"),
    (Format::Json, "json", "application/vnd.kafka.json.v2+json"),
    (Format::Schema(SchemaFormat::Avro), "avro", "application/vnd.kafka.avro.v2+json"),
    (Format::Schema(SchemaFormat::Json), "jsonschema", "application/vnd.kafka.jsonschema.v2+json"),
    (Format::Schema(SchemaFormat::Protobuf), "protobuf", "application/vnd.kafka.protobuf.v2+json"),
];

impl Format {
    /// The format's name in bodies, in any case. 422.
    pub(crate) fn named(name: &str) -> Result<Format, ProxyError> {
        let known = FORMATS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(format, ..)| *format).ok_or(ProxyError::InvalidFormat)
    }

    pub(crate) fn media_type(self) -> &'static str {
        let known = FORMATS.iter().find(|(format, ..)| *format == self);
        known.map(|(_, _, media_type)| *media_type).expect("all formats are listed")
    }

    pub(crate) fn of_media_type(media_type: &str) -> Option<Format> {
        let known = FORMATS.iter().find(|(_, _, known)| *known == media_type);
        known.map(|(format, ..)| *format)
    }
}

/// The bytes that a base64 string means.
pub(crate) fn from_base64(data: &RawValue) -> Result<Vec<u8>, ProxyError> {
    let wrong = |what: &str| ProxyError::BadRequest {
        reason: format!("data={} is not {what} base64 string.", shortened(data.get())),
    };
    let Ok(text) = serde_json::from_str::<std::borrow::Cow<'_, str>>(data.get()) else {
        return Err(wrong("a"));
    };
    STANDARD.decode(text.as_bytes()).map_err(|_| wrong("a valid"))
}

/// Appends bytes as a base64 string.
pub(crate) fn to_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// JSON without the white space between its parts. The text is JSON already.
pub(crate) fn compact(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
    out
}

/// Appends bytes that are to be JSON already. 40801 if they are not.
pub(crate) fn to_json(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ProxyError> {
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(json) => {
            out.extend_from_slice(json.get().as_bytes());
            Ok(())
        }
        Err(error) => {
            Err(ProxyError::Unreadable { reason: format!("The record is not JSON: {error}") })
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        None => text.to_string(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacting_leaves_strings_alone() {
        let json = r#" { "a b" : [ 1 , "x \" \\" , "\\" , " " ] } "#;
        assert_eq!(compact(json), br#"{"a b":[1,"x \" \\","\\"," "]}"#);
    }
}
