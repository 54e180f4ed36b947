//! Consumed records as JSON.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{Headers, Message, OwnedHeaders, OwnedMessage};
use serde::Serialize;
use weir_serde::{ClientError, unframe};

use crate::error::ProxyError;
use crate::format::{self, Format};
use crate::producer::RecordHeader;
use crate::schemas::Schemas;

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
    /// Headers and timestamps, which the reference leaves out.
    pub(crate) with_headers: bool,
}

impl Writer<'_> {
    /// Appends a record:
    /// `{"topic", "key", "value", "partition", "offset", "timestamp", "headers"}`; the last if it has
    /// some.
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
        out.extend_from_slice(b"{\"topic\":");
        format::write_string(message.topic(), out);
        out.extend_from_slice(b",\"key\":");
        self.write_data(self.key_format, message.key(), out).await?;
        out.extend_from_slice(b",\"value\":");
        self.write_data(self.value_format, message.payload(), out).await?;
        write_place(message, out);
        if self.with_headers {
            write_time(message, out);
            let headers = headers(message).map_err(Unwritten::Poison)?;
            if !headers.is_empty() {
                out.extend_from_slice(b",\"headers\":");
                write_headers(&headers, "key", out);
            }
        }
        out.push(b'}');
        Ok(())
    }

    /// Appends a record as API v3 has it, which can be produced again:
    /// `{"partition_id", "offset", "timestamp", "headers": [{"name", "value"}],
    /// "key": {"type", "schema_id", "data"}, "value": ..}`. One that cannot be read has its bytes and
    /// an `error`.
    pub(crate) async fn write_v3(
        &self,
        message: &OwnedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritten> {
        let start = out.len();
        let written = self.try_write_v3(message, out).await;
        let Err(unwritten) = written else { return Ok(()) };
        out.truncate(start);
        match unwritten {
            Unwritten::Poison(error) => {
                write_poison_v3(message, &error, out);
                Ok(())
            }
            not_now => Err(not_now),
        }
    }

    async fn try_write_v3(
        &self,
        message: &OwnedMessage,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritten> {
        let headers = headers(message).map_err(Unwritten::Poison)?;
        write_place_v3(message, out);
        out.extend_from_slice(b",\"headers\":");
        write_headers(&headers, "name", out);
        for (name, format, data) in [
            ("key", self.key_format, message.key()),
            ("value", self.value_format, message.payload()),
        ] {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            let Some(bytes) = data else {
                out.extend_from_slice(b"null");
                continue;
            };
            out.extend_from_slice(format!("{{\"type\":\"{}\"", format.data_type()).as_bytes());
            if let (Format::Schema(_), Ok((id, _))) = (format, unframe(bytes)) {
                out.extend_from_slice(format!(",\"schema_id\":{id}").as_bytes());
            }
            out.extend_from_slice(b",\"data\":");
            self.write_data(format, data, out).await?;
            out.push(b'}');
        }
        out.push(b'}');
        Ok(())
    }

    async fn write_data(
        &self,
        format: Format,
        data: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritten> {
        let Some(data) = data else {
            out.extend_from_slice(b"null");
            return Ok(());
        };
        let written = match format {
            Format::Binary => {
                format::to_base64(data, out);
                Ok(())
            }
            Format::Json => format::to_json(data, out),
            Format::Text => format::to_text(data, out),
            Format::Schema(language) => {
                let (id, data) = unframe(data).map_err(|e| Unwritten::Poison(unreadable(&e)))?;
                let codec = self.schemas.of_record(language, id).await.map_err(|error| {
                    let reason = unreadable(&error);
                    match error {
                        ClientError::Registry { status: 404, .. } | ClientError::Schema(_) => {
                            Unwritten::Poison(reason)
                        }
                        _ => Unwritten::NotNow(reason),
                    }
                })?;
                codec.to_json(data, out)
            }
        };
        written.map_err(Unwritten::Poison)
    }
}

/// Appends what stands for a record that cannot be read: its place, why, and its bytes.
/// `{"topic", "key": null, "value": null, "partition", "offset", "timestamp",
/// "error": {"error_code", "message", "key", "value"}}`, the last two in base64.
pub(crate) fn write_poison(message: &OwnedMessage, error: &ProxyError, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"topic\":");
    format::write_string(message.topic(), out);
    out.extend_from_slice(b",\"key\":null,\"value\":null");
    write_place(message, out);
    write_time(message, out);
    write_error(error, out);
    for (name, data) in [("key", message.key()), ("value", message.payload())] {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        write_base64(data, out);
    }
    out.extend_from_slice(b"}}");
}

fn write_poison_v3(message: &OwnedMessage, error: &ProxyError, out: &mut Vec<u8>) {
    write_place_v3(message, out);
    for (name, data) in [("key", message.key()), ("value", message.payload())] {
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        match data {
            None => out.extend_from_slice(b"null"),
            Some(_) => {
                out.extend_from_slice(b"{\"type\":\"BINARY\",\"data\":");
                write_base64(data, out);
                out.push(b'}');
            }
        }
    }
    write_error(error, out);
    out.extend_from_slice(b"}}");
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
