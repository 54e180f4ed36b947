//! Consumed records as JSON.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{Headers, Message, OwnedHeaders, OwnedMessage};
use serde::Serialize;
use weir_schema::avro::codec::Decimals;
use weir_serde::{ClientError, unframe};

use crate::error::ProxyError;
use crate::format::{self, Format};
use crate::schemas::Schemas;
use crate::send_queue::RecordHeader;

/// Why a record is not written.
pub(crate) enum Unwritten {
    /// It will never be readable in this format: 40801.
    Poison(ProxyError),
    /// Its schema cannot be had now: 40801, for all that need it.
    NotNow(ProxyError),
}

/// How records are written.
pub(crate) struct Writer<'a> {
    pub(crate) schemas: &'a Schemas,
    pub(crate) key_format: Format,
    pub(crate) value_format: Format,
    pub(crate) decimals: Decimals,
    /// As the reference: neither headers nor timestamps, and a record with a side that cannot be read in
    /// its format is not written at all.
    pub(crate) as_reference: bool,
}

/// What was written of a key or a value.
enum Side {
    Null,
    As(Format),
    /// Nothing: it cannot be read.
    Unreadable(ProxyError),
}

impl Writer<'_> {
    /// Appends a record:
    /// `{"topic", "key", "value", "partition", "offset", "timestamp", "headers"}`; the last if it has
    /// some. A side that was to have a schema and has none is text, or else base64, and `key_format` or
    /// `value_format` says which. A side that cannot be read is null, and there is an
    /// `"error": {"error_code", "message", "key", "value"}`, the last two in base64.
    pub(crate) async fn write(
        &self,
        message: &OwnedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritten> {
        let start = out.len();
        let written = self.try_write(message, out).await;
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    async fn try_write(&self, message: &OwnedMessage, out: &mut Vec<u8>) -> Result<(), Unwritten> {
        let (headers, mut error) = self.headers(message);
        out.extend_from_slice(b"{\"topic\":");
        format::write_string(message.topic(), out);
        let mut others = Vec::new();
        let has_headers_error = error.is_some();
        for (name, format, data) in self.sides(message) {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            if has_headers_error {
                out.extend_from_slice(b"null");
                continue;
            }
            match self.write_data(format, data, out).await? {
                Side::Unreadable(why) => {
                    out.extend_from_slice(b"null");
                    error.get_or_insert(why);
                }
                Side::As(other) if other != format => others.push((name, other)),
                Side::As(_) | Side::Null => {}
            }
        }
        write_place(message, out);
        if !self.as_reference {
            write_time(message, out);
        }
        for (name, format) in others {
            out.extend_from_slice(format!(",\"{name}_format\":\"{}\"", format.name()).as_bytes());
        }
        match error {
            Some(error) if self.as_reference => return Err(Unwritten::Poison(error)),
            Some(error) => {
                write_error(&error, out);
                for (name, _, data) in self.sides(message) {
                    out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                    write_base64(data, out);
                }
                out.push(b'}');
            }
            None if !headers.is_empty() => {
                out.extend_from_slice(b",\"headers\":");
                write_headers(&headers, "key", out);
            }
            None => {}
        }
        out.push(b'}');
        Ok(())
    }

    /// Appends a record as API v3 has it, which can be produced again:
    /// `{"partition_id", "offset", "timestamp", "headers": [{"name", "value"}],
    /// "key": {"type", "schema_id", "data"}, "value": ..}`. A side that has no schema, or cannot be read,
    /// has another `type`; if it cannot be read, there is an `error`.
    pub(crate) async fn write_v3(
        &self,
        message: &OwnedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritten> {
        let start = out.len();
        let written = self.try_write_v3(message, out).await;
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    async fn try_write_v3(
        &self,
        message: &OwnedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritten> {
        let (headers, mut error) = self.headers(message);
        write_place_v3(message, out);
        if error.is_none() {
            out.extend_from_slice(b",\"headers\":");
            write_headers(&headers, "name", out);
        }
        let has_headers_error = error.is_some();
        for (name, format, data) in self.sides(message) {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            let format = if has_headers_error { Format::Binary } else { format };
            let mut written = Vec::new();
            let side = self.write_data(format, data, &mut written).await?;
            let found = match side {
                Side::Null => {
                    out.extend_from_slice(b"null");
                    continue;
                }
                Side::As(found) => found,
                Side::Unreadable(why) => {
                    error.get_or_insert(why);
                    write_base64(data, &mut written);
                    Format::Binary
                }
            };
            out.extend_from_slice(format!("{{\"type\":\"{}\"", found.data_type()).as_bytes());
            if let (Format::Schema(_), Some(Ok((id, _)))) = (found, data.map(unframe)) {
                out.extend_from_slice(format!(",\"schema_id\":{id}").as_bytes());
            }
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(&written);
            out.push(b'}');
        }
        if let Some(error) = error {
            write_error(&error, out);
            out.push(b'}');
        }
        out.push(b'}');
        Ok(())
    }

    /// A record's headers, or why they cannot be read; the reference shows none.
    fn headers(&self, message: &OwnedMessage) -> (Vec<RecordHeader>, Option<ProxyError>) {
        if self.as_reference {
            return (Vec::new(), None);
        }
        match headers(message) {
            Ok(headers) => (headers, None),
            Err(error) => (Vec::new(), Some(error)),
        }
    }

    fn sides<'m>(
        &self,
        message: &'m OwnedMessage,
    ) -> [(&'static str, Format, Option<&'m [u8]>); 2] {
        [("key", self.key_format, message.key()), ("value", self.value_format, message.payload())]
    }

    /// Appends a key or a value, and says as what. An error is for all that need the schema.
    async fn write_data(
        &self,
        format: Format,
        data: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Side, Unwritten> {
        let Some(data) = data else {
            out.extend_from_slice(b"null");
            return Ok(Side::Null);
        };
        let written = match format {
            Format::Binary => {
                format::to_base64(data, out);
                Ok(())
            }
            Format::Json => format::to_json(data, out),
            Format::Text => format::to_text(data, out),
            Format::Schema(language) => match unframe(data) {
                Ok((id, data)) => match self.schemas.of_record(language, id).await {
                    Ok(codec) => codec.to_json(data, self.decimals, out),
                    // not there for this caller: the schema, or one that it refers to
                    Err(
                        error @ (ClientError::Registry { status: 403 | 404 | 422, .. }
                        | ClientError::Schema(_)),
                    ) => Err(unreadable(&error)),
                    Err(error) => return Err(Unwritten::NotNow(unreadable(&error))),
                },
                Err(error) if self.as_reference => Err(unreadable(&error)),
                Err(_) => return Ok(Side::As(without_schema(data, out))),
            },
        };
        Ok(match written {
            Ok(()) => Side::As(format),
            Err(error) => Side::Unreadable(error),
        })
    }
}

/// Appends data that was to have a schema and has none: text if it is text, else base64. Numbers of Kafka's
/// own serializers are full of control characters, and no text.
fn without_schema(data: &[u8], out: &mut Vec<u8>) -> Format {
    let is_control = |byte: &u8| *byte < b' ' && !b"\t\n\r".contains(byte);
    if !data.iter().any(is_control) && format::to_text(data, out).is_ok() {
        return Format::Text;
    }
    format::to_base64(data, out);
    Format::Binary
}

/// What an `error` begins with; it is not closed.
fn write_error(error: &ProxyError, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"error\":{\"error_code\":");
    number(error.code(), out);
    out.extend_from_slice(b",\"message\":");
    format::write_string(&error.to_string(), out);
}

fn write_place_v3(message: &OwnedMessage, out: &mut Vec<u8>) {
    let (partition, offset) = (message.partition(), message.offset());
    out.extend_from_slice(
        format!("{{\"partition_id\":{partition},\"offset\":{offset},\"timestamp\":").as_bytes(),
    );
    let time = message.timestamp().to_millis();
    match time.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
        Some(time) => format::write_string(&time.to_string(), out),
        None => out.extend_from_slice(b"null"),
    }
}

fn write_place(message: &OwnedMessage, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"partition\":");
    number(message.partition(), out);
    out.extend_from_slice(b",\"offset\":");
    number(message.offset(), out);
}

fn write_time(message: &OwnedMessage, out: &mut Vec<u8>) {
    if let Some(ms) = message.timestamp().to_millis() {
        out.extend_from_slice(b",\"timestamp\":");
        number(ms, out);
    }
}

/// `called` is what the API calls a header's name.
fn write_headers(headers: &[RecordHeader], called: &str, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, RecordHeader { name, value }) in headers.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        out.extend_from_slice(format!("{comma}{{\"{called}\":").as_bytes());
        format::write_string(name, out);
        out.extend_from_slice(b",\"value\":");
        write_base64(value.as_deref(), out);
        out.push(b'}');
    }
    out.push(b']');
}

/// A record's headers, in their order. 40801 if a name is not UTF-8.
fn headers(message: &OwnedMessage) -> Result<Vec<RecordHeader>, ProxyError> {
    let Some(headers) = message.headers() else { return Ok(Vec::new()) };
    let header = |index| {
        // rdkafka panics where a name is not UTF-8
        let found = catch_unwind(AssertUnwindSafe(|| read_header(headers, index)));
        found.map_err(|_| ProxyError::Unreadable {
            reason: "The name of a header is not UTF-8".to_string(),
        })
    };
    (0..headers.count()).map(header).collect()
}

fn read_header(headers: &OwnedHeaders, index: usize) -> RecordHeader {
    let header = headers.get(index);
    RecordHeader { name: header.key.to_string(), value: header.value.map(<[u8]>::to_vec) }
}

fn write_base64(data: Option<&[u8]>, out: &mut Vec<u8>) {
    match data {
        Some(data) => format::to_base64(data, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn number(number: impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &number).expect("a vector takes all");
}

fn unreadable(error: &dyn std::fmt::Display) -> ProxyError {
    ProxyError::Unreadable { reason: error.to_string() }
}
