//! Embedded formats: how keys and values stand in JSON. Nothing is null, on both sides, and null is
//! not empty.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde_json::value::RawValue;
use weir_serde::api::SchemaType;

use crate::error::ProxyError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Base64.
    Binary,
    /// Any JSON, stored compactly.
    Json,
    /// A string, stored as UTF-8.
    Text,
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

impl SchemaFormat {
    pub(crate) fn schema_type(self) -> SchemaType {
        match self {
            SchemaFormat::Avro => SchemaType::Avro,
            SchemaFormat::Json => SchemaType::Json,
            SchemaFormat::Protobuf => SchemaType::Protobuf,
        }
    }

    pub(crate) fn of(schema_type: &SchemaType) -> Option<SchemaFormat> {
        match schema_type {
            SchemaType::Avro => Some(SchemaFormat::Avro),
            SchemaType::Json => Some(SchemaFormat::Json),
            SchemaType::Protobuf => Some(SchemaFormat::Protobuf),
            SchemaType::Other(_) => None,
        }
    }
}

const FORMATS: [(Format, &str, &str); 6] = [
    (Format::Binary, "binary", "application/vnd.kafka.binary.v2+json"),
    (Format::Json, "json", "application/vnd.kafka.json.v2+json"),
    (Format::Text, "text", "application/vnd.kafka.text.v2+json"),
    (Format::Schema(SchemaFormat::Avro), "avro", "application/vnd.kafka.avro.v2+json"),
    (Format::Schema(SchemaFormat::Json), "jsonschema", "application/vnd.kafka.jsonschema.v2+json"),
    (Format::Schema(SchemaFormat::Protobuf), "protobuf", "application/vnd.kafka.protobuf.v2+json"),
];

impl Format {
    /// The format's name in bodies, in any case. 422.
    pub(crate) fn named(name: &str) -> Result<Format, ProxyError> {
        let name = if name.eq_ignore_ascii_case("string") { "text" } else { name };
        let known = FORMATS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(format, ..)| *format).ok_or(ProxyError::InvalidFormat)
    }

    /// The format's name, as [`Format::named`] takes it.
    pub(crate) fn name(self) -> &'static str {
        let known = FORMATS.iter().find(|(format, ..)| *format == self);
        known.map(|(_, name, _)| *name).expect("all formats are listed")
    }

    pub(crate) fn media_type(self) -> &'static str {
        let known = FORMATS.iter().find(|(format, ..)| *format == self);
        known.map(|(_, _, media_type)| *media_type).expect("all formats are listed")
    }

    /// The format's name in API v3.
    pub(crate) fn data_type(self) -> &'static str {
        match self {
            Format::Binary => "BINARY",
            Format::Json => "JSON",
            Format::Text => "STRING",
            Format::Schema(SchemaFormat::Avro) => "AVRO",
            Format::Schema(SchemaFormat::Json) => "JSONSCHEMA",
            Format::Schema(SchemaFormat::Protobuf) => "PROTOBUF",
        }
    }

    pub(crate) fn of_media_type(media_type: &str) -> Option<Format> {
        let known = FORMATS.iter().find(|(_, _, known)| *known == media_type);
        known.map(|(format, ..)| *format)
    }
}

/// Base64 with padding, or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes that a base64 string means.
pub(crate) fn from_base64(data: &RawValue) -> Result<Vec<u8>, ProxyError> {
    let wrong = |what: &str| ProxyError::BadRequest {
        reason: format!("data={} is not {what} base64 string.", shortened(data.get())),
    };
    let Ok(text) = serde_json::from_str::<std::borrow::Cow<'_, str>>(data.get()) else {
        return Err(wrong("a"));
    };
    LENIENT.decode(text.as_bytes()).map_err(|_| wrong("a valid"))
}

/// Appends bytes as a base64 string.
pub(crate) fn to_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).expect("it was made room for");
    out.truncate(start + written);
    out.push(b'"');
}

/// The bytes of a string.
pub(crate) fn from_text(data: &RawValue) -> Result<Vec<u8>, ProxyError> {
    serde_json::from_str::<String>(data.get()).map(String::into_bytes).map_err(|_| {
        let data = shortened(data.get());
        ProxyError::BadRequest { reason: format!("data={data} is not a string.") }
    })
}

/// Appends bytes that are to be text as a string. 40801 if they are not UTF-8.
pub(crate) fn to_text(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ProxyError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            write_string(text, out);
            Ok(())
        }
        Err(error) => {
            Err(ProxyError::Unreadable { reason: format!("The record is not text: {error}") })
        }
    }
}

/// Appends a string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string has no way to fail");
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

/// Levels that a record's JSON may be nested, as many as the reference reads: an answer with more would be read by nobody.
const NESTED_MAX: usize = 1000;

/// Appends bytes that are to be JSON already. 40801 if they are not, or nest beyond [`NESTED_MAX`].
pub(crate) fn to_json(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ProxyError> {
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(json) if is_too_deep(json.get()) => Err(ProxyError::Unreadable {
            reason: format!("The record is JSON of more than {NESTED_MAX} levels"),
        }),
        Ok(json) => {
            out.extend_from_slice(json.get().as_bytes());
            Ok(())
        }
        Err(error) => {
            Err(ProxyError::Unreadable { reason: format!("The record is not JSON: {error}") })
        }
    }
}

/// Returns true if JSON nests beyond [`NESTED_MAX`].
fn is_too_deep(json: &str) -> bool {
    if json.len() <= 2 * NESTED_MAX {
        return false; // each level begins and ends
    }
    let (mut level, mut is_text, mut is_escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => level += 1,
            b']' | b'}' if !is_text => level -= 1,
            _ => {}
        }
        if level > NESTED_MAX {
            return true;
        }
    }
    false
}

pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        None => text.to_string(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_may_be_nested_so_deep_and_no_deeper() {
        let nested = |levels| ["[".repeat(levels), "]".repeat(levels)].concat();
        let read = |json: &str| to_json(json.as_bytes(), &mut Vec::new()).is_ok();
        assert!(read(&nested(NESTED_MAX)) && !read(&nested(NESTED_MAX + 1)));
        let text = format!(r#"["{}", "\"{}", {}]"#, "[".repeat(2000), "{".repeat(2000), "[{}]");
        assert!(read(&text), "{text}");
        assert!(!read(&format!(r#"{{"\\":{}}}"#, nested(NESTED_MAX))));
    }

    #[test]
    fn compacting_leaves_strings_alone() {
        let json = r#" { "a b" : [ 1 , "x \" \\" , "\\" , " " ] } "#;
        assert_eq!(compact(json), br#"{"a b":[1,"x \" \\","\\"," "]}"#);
    }
}
