//! A dump: a record a line, as the JSON that key and value are, in base64 where they are none, so that
//! every byte comes back.
//!
//! `{"offset":7,"timestamp_ms":1700000000000,"key":{..},"value":{..}}`; the value of a tombstone is
//! null, and so is the key of a record that has none; `key_base64` and `value_base64` stand in their place for what is not JSON.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_registry_core::RawRecord;

use super::foreign::{self, Format};

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(default)]
    offset: Option<u64>,
    #[serde(default)]
    timestamp_ms: Option<i64>,
    /// Some null where a record has no key.
    #[serde(default, borrow, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    key: Option<Option<&'a RawValue>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    key_base64: Option<Cow<'a, str>>,
    /// Some null of a tombstone.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    value: Option<Option<&'a RawValue>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    value_base64: Option<Cow<'a, str>>,
}

/// What is there, though it be null.
fn there<'a, 'de: 'a, D: serde::Deserializer<'de>>(
    input: D,
) -> Result<Option<Option<&'a RawValue>>, D::Error> {
    Option::deserialize(input).map(Some)
}

impl Line<'_> {
    fn write(offset: u64, record: &RawRecord, out: &mut impl Write) -> io::Result<()> {
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

    /// The record, and its offset if the line says it.
    pub(super) fn read(line: &[u8]) -> Result<(Option<u64>, RawRecord), String> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|e| e.to_string())?;
        let bytes = |json: Option<&RawValue>, base64: Option<Cow<'_, str>>| match (json, base64) {
            (_, Some(base64)) => {
                BASE64_STANDARD.decode(&*base64).map(Some).map_err(|e| format!("base64: {e}"))
            }
            (json, None) => Ok(json.map(|json| json.get().as_bytes().to_vec())),
        };
        if line.key.is_none() && line.key_base64.is_none() {
            return Err("there is no key".to_string());
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

fn breaks(bytes: &[u8]) -> bool {
    bytes.iter().any(|b| matches!(b, b'\n' | b'\r'))
}

/// Hands on the records of a dump in any of the forms that are understood. Errors begin with `name`.
pub fn read(
    name: &str,
    input: impl Read,
    each: &mut dyn FnMut(u64, RawRecord) -> Result<(), String>,
) -> Result<(), String> {
    let mut input = BufReader::new(input);
    let mut next = 0;
    let mut counted = |(offset, record): (Option<u64>, RawRecord)| {
        let offset = offset.unwrap_or(next);
        next = offset + 1;
        each(offset, record)
    };
    let unread = |e: io::Error| format!("{name}: {e}");
    if begins_with(&mut input, b'[').map_err(unread)? {
        let records = foreign::array(input).map_err(|why| format!("{name}: {why}"))?;
        return records.into_iter().try_for_each(|record| counted((None, record)));
    }
    let mut format = None;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(unread)? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        let at_line = |why: String| format!("{name}: line {number}: {why}");
        let format = match format {
            Some(format) => format,
            None => {
                let found = Format::of(text).map_err(at_line)?;
                format = Some(found);
                if found == Format::Hex {
                    continue; // the first line only says so
                }
                found
            }
        };
        let record = match format {
            Format::Lines => Line::read(text),
            Format::Hex => foreign::hex(text).map(|record| (None, record)),
            Format::Console => foreign::console(text),
        };
        counted(record.map_err(at_line)?)?;
    }
    Ok(())
}

fn begins_with(input: &mut impl BufRead, byte: u8) -> io::Result<bool> {
    Ok(input.fill_buf()?.first() == Some(&byte))
}

/// A dump that is being written. A file gets its name when it is whole.
pub struct Writer {
    out: BufWriter<Box<dyn Write>>,
    /// What is being written, and what it is to be called.
    names: Option<(PathBuf, PathBuf)>,
}

impl Writer {
    pub fn stdout() -> Writer {
        Writer { out: BufWriter::new(Box::new(io::stdout())), names: None }
    }

    /// Refuses a file that has something in it, unless `force`.
    pub fn file(path: &Path, force: bool) -> Result<Writer, String> {
        let has_something = fs::metadata(path).is_ok_and(|known| known.len() > 0);
        if has_something && !force {
            return Err("it is there already; --force writes a new one in its place".to_string());
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let file = File::create(&partial).map_err(|e| e.to_string())?;
        let names = Some((partial, path.to_path_buf()));
        Ok(Writer { out: BufWriter::new(Box::new(file)), names })
    }

    pub fn push(&mut self, offset: u64, record: &RawRecord) -> Result<(), String> {
        Line::write(offset, record, &mut self.out).map_err(|e| e.to_string())
    }

    /// The dump is whole, and on the disk.
    pub fn finish(mut self) -> Result<(), String> {
        self.out.flush().map_err(|e| e.to_string())?;
        let Some((partial, path)) = &self.names else { return Ok(()) };
        let named = File::open(partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(partial, path));
        named.map_err(|e| e.to_string())?;
        self.names = None;
        Ok(())
    }
}

impl Drop for Writer {
    /// Half a dump is none.
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.names {
            let _ = fs::remove_file(partial);
        }
    }
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
                assert_eq!(Line::read(line.trim_end().as_bytes()), Ok((Some(7), record)), "{line}");
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

    #[test]
    fn what_is_no_record_is_named_by_its_line() {
        let read = |text: &str| read("dump.json", text.as_bytes(), &mut |_, _| Ok(()));
        let line = "{\"key\":{},\"value\":{}}\n";
        assert_eq!(read(line), Ok(()));
        assert!(read(&format!("{line}rubbish")).unwrap_err().starts_with("dump.json: line 2: "));
        assert_eq!(read("{\"value\":1}").unwrap_err(), "dump.json: line 1: there is no key");
        assert!(read("/V3\n").unwrap_err().contains("V3"));
        assert_eq!(read(""), Ok(()));
    }
}
