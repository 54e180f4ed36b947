//! A record in a line of a dump: the JSON that key and value are, in base64 where they are none, so that
//! every byte comes back.
//!
//! `{"offset":7,"timestamp_ms":1700000000000,"key":{..},"value":{..}}`; the value of a tombstone is
//! null, and so is the key of a record that has none; `key_base64` and `value_base64` stand in their place for what is not JSON.

use std::borrow::Cow;
use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_registry_core::RawRecord;

use crate::error::DumpError;

/// A line as it stands in a dump.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line<'a> {
    #[serde(default)]
    offset: Option<u64>,
    #[serde(default)]
    timestamp_ms: Option<i64>,
    /// `Some(None)` is the null of a record without a key.
    #[serde(default, borrow, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    key: Option<Option<&'a RawValue>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    key_base64: Option<Cow<'a, str>>,
    /// `Some(None)` is the null of a tombstone.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    value: Option<Option<&'a RawValue>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    value_base64: Option<Cow<'a, str>>,
}

/// Reads a field that stands in the line, also where it is null.
fn there<'a, 'de: 'a, D: serde::Deserializer<'de>>(
    input: D,
) -> Result<Option<Option<&'a RawValue>>, D::Error> {
    Option::deserialize(input).map(Some)
}

impl Line<'_> {
    /// Writes a record as a line, with its line feed.
    pub fn write(offset: u64, record: &RawRecord, out: &mut impl Write) -> io::Result<()> {
        // a log tells no difference between no key and one without a byte
        let (key, key_base64) = match record.key.is_empty() {
            true => (None, None),
            false => either(&record.key),
        };
        let key = key_base64.is_none().then_some(key);
        let (value, value_base64) = record.value.as_deref().map(either).unwrap_or_default();
        let value = value_base64.is_none().then_some(value);
        let timestamp_ms = record.timestamp_ms;
        let line =
            Line { offset: Some(offset), timestamp_ms, key, key_base64, value, value_base64 };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }

    /// Reads a line without its line feed. Returns the record, and its offset if the line says it.
    pub fn read(line: &[u8]) -> Result<(Option<u64>, RawRecord), DumpError> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(DumpError::Json)?;
        let bytes = |json: Option<&RawValue>, base64: Option<Cow<'_, str>>| match (json, base64) {
            (_, Some(base64)) => {
                BASE64_STANDARD.decode(&*base64).map(Some).map_err(DumpError::Base64)
            }
            (json, None) => Ok(json.map(|json| json.get().as_bytes().to_vec())),
        };
        if line.key.is_none() && line.key_base64.is_none() {
            return Err(DumpError::NoKey);
        }
        let key = bytes(line.key.flatten(), line.key_base64)?.unwrap_or_default();
        let value = bytes(line.value.flatten(), line.value_base64)?;
        Ok((line.offset, RawRecord { key, value, timestamp_ms: line.timestamp_ms }))
    }
}

/// The bytes as JSON if they can stand in a line as they are, else in base64.
fn either(bytes: &[u8]) -> (Option<&RawValue>, Option<Cow<'_, str>>) {
    match serde_json::from_slice::<&RawValue>(bytes) {
        // white space around it would be lost, and null means that there is none
        Ok(json) if json.get().len() == bytes.len() && json.get() != "null" && !breaks(bytes) => {
            (Some(json), None)
        }
        _ => (None, Some(BASE64_STANDARD.encode(bytes).into())),
    }
}

/// Returns whether a line would end within the bytes.
fn breaks(bytes: &[u8]) -> bool {
    bytes.iter().any(|b| matches!(b, b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(record: &RawRecord) -> String {
        let mut line = Vec::new();
        Line::write(7, record, &mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn every_byte_comes_back() {
        let bytes: [&[u8]; 12] = [
            br#"{"keytype":"NOOP","magic":0}"#,
            br#"{"z": 1.0, "a" :1e0}"#,
            b"",
            b" {}",
            b"{}\n",
            b"{\n}",
            b"{\t}",
            b"null",
            b"\xff\x00",
            b"garbage",
            br#""\ud800""#,
            "{\"\u{2028}\":1}".as_bytes(),
        ];
        for key in bytes {
            for value in bytes.iter().map(|v| Some(v.to_vec())).chain([None]) {
                let record = RawRecord { key: key.to_vec(), value, timestamp_ms: Some(5) };
                let line = written(&record);
                assert_eq!(line.matches('\n').count(), 1, "{line}");
                let back = Line::read(line.trim_end().as_bytes()).unwrap();
                assert_eq!(back, (Some(7), record), "{line}");
            }
        }
    }

    #[test]
    fn a_line_is_the_json_that_the_record_is() {
        let key = br#"{"keytype":"NOOP","magic":0}"#.to_vec();
        let record = RawRecord { key, value: None, timestamp_ms: Some(5) };
        let line =
            r#"{"offset":7,"timestamp_ms":5,"key":{"keytype":"NOOP","magic":0},"value":null}"#;
        assert_eq!(written(&record).trim_end(), line);
        let record = RawRecord { value: Some(b"x".to_vec()), ..record };
        let keyless = RawRecord { key: Vec::new(), ..record.clone() };
        assert!(written(&keyless).contains(r#""key":null,"#), "{}", written(&keyless));
        assert!(written(&record).ends_with("\"magic\":0},\"value_base64\":\"eA==\"}\n"));
    }
}
