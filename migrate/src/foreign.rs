//! Dumps that others have made: Karapace's backups V1 and V2, and what `kafka-console-consumer` prints.
//! Source: Karapace's backup readers; Kafka's `DefaultMessageFormatter`.

use std::io::Read;

use serde_json::value::RawValue;
use weir_registry_core::RawRecord;

use crate::error::DumpError;
use crate::line::Line;

/// How records stand in lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own.
    Lines,
    /// Karapace's V2: after `/V2`, key and value in hexadecimal digits with a tab between.
    Hex,
    /// `key<TAB>value`, before them what else was to be printed.
    Console,
}

impl Format {
    /// Returns the format that a dump's first line shows.
    pub fn of(line: &[u8]) -> Result<Format, DumpError> {
        match line {
            b"/V2" => return Ok(Format::Hex),
            [b'/', b'V', b'3', ..] => return Err(DumpError::PartOfBackup),
            _ => {}
        }
        match Line::read(line) {
            Ok(_) => Ok(Format::Lines),
            Err(_) if console(line).is_ok() => Ok(Format::Console),
            Err(why) => Err(why),
        }
    }
}

/// How tools print that there is no key, or no value.
const NULL: &str = "null";

/// Karapace's V1: an array of keys and values, which are text.
pub fn array(input: impl Read) -> Result<Vec<RawRecord>, DumpError> {
    let pairs: Vec<(Box<RawValue>, Box<RawValue>)> =
        serde_json::from_reader(input).map_err(DumpError::BackupV1)?;
    let bytes = |part: &RawValue| match serde_json::from_str::<String>(part.get()) {
        Ok(text) => (text != NULL).then(|| text.into_bytes()),
        // not as text, but as the JSON that it is
        Err(_) => (part.get() != NULL).then(|| part.get().as_bytes().to_vec()),
    };
    let record = |(key, value): (Box<RawValue>, Box<RawValue>)| RawRecord {
        key: bytes(&key).unwrap_or_default(),
        value: bytes(&value),
        timestamp_ms: None,
    };
    Ok(pairs.into_iter().map(record).collect())
}

/// Reads a line of Karapace's backup V2: two runs of hexadecimal digits, or `null`, with a tab between.
pub fn hex(line: &[u8]) -> Result<RawRecord, DumpError> {
    let line = std::str::from_utf8(line).map_err(|_| DumpError::Hex)?;
    let (key, value) = line.split_once('\t').ok_or(DumpError::Hex)?;
    let bytes = |text: &str| match text.trim() {
        NULL => Ok(None),
        digits => digits
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
                _ => None,
            })
            .collect::<Option<Vec<u8>>>()
            .map(Some)
            .ok_or(DumpError::Hex),
    };
    Ok(RawRecord { key: bytes(key)?.unwrap_or_default(), value: bytes(value)?, timestamp_ms: None })
}

fn digit(letter: u8) -> Option<u8> {
    let value = (letter as char).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Reads a line that was printed with `print.key=true`, and with `print.timestamp` and `print.offset` if that was said.
pub fn console(line: &[u8]) -> Result<(Option<u64>, RawRecord), DumpError> {
    let (mut offset, mut timestamp_ms) = (None, None);
    let mut rest = line;
    loop {
        let tab = rest.iter().position(|b| *b == b'\t');
        let tab = tab.ok_or(DumpError::Console)?;
        let (column, behind) = (&rest[..tab], &rest[tab + 1..]);
        let number = |name: &str| {
            let text = std::str::from_utf8(column).ok()?.strip_prefix(name)?;
            text.parse::<u64>().ok()
        };
        if let Some(time) = number("CreateTime:").or_else(|| number("LogAppendTime:")) {
            timestamp_ms = i64::try_from(time).ok();
        } else if let Some(found) = number("Offset:") {
            offset = Some(found);
        } else if number("Partition:").is_none() && column != b"NO_TIMESTAMP" {
            let key = if column == NULL.as_bytes() { Vec::new() } else { column.to_vec() };
            let value = (behind != NULL.as_bytes()).then(|| behind.to_vec());
            return Ok((offset, RawRecord { key, value, timestamp_ms }));
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: Option<&str>, timestamp_ms: Option<i64>) -> RawRecord {
        RawRecord { key: key.into(), value: value.map(Into::into), timestamp_ms }
    }

    #[test]
    fn karapaces_backups_are_read() {
        let v1 = r#"[["{\"magic\":0}", "{\"a\": 1}"], ["k", "null"], [{"magic": 0}, null]]"#;
        let expected = [
            record("{\"magic\":0}", Some("{\"a\": 1}"), None),
            record("k", None, None),
            record("{\"magic\": 0}", None, None),
        ];
        assert_eq!(array(v1.as_bytes()).unwrap(), expected);
        assert_eq!(hex(b"6B\t7B7d").unwrap(), record("k", Some("{}"), None));
        assert_eq!(hex(b"6B\tnull").unwrap(), record("k", None, None));
        for wrong in ["6B", "6\t6B", "6B\t6X", "\u{e9}\t6B"] {
            assert!(hex(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_of_the_console_consumer_are_read() {
        let plain = console(b"{\"magic\":0}\t{\"a\":1}").unwrap();
        assert_eq!(plain, (None, record("{\"magic\":0}", Some("{\"a\":1}"), None)));
        let full = console(b"CreateTime:5\tPartition:0\tOffset:9\tk\tnull").unwrap();
        assert_eq!(full, (Some(9), record("k", None, Some(5))));
        assert!(console(b"Processed a total of 5 messages").is_err());
    }
}
