//! A record before it is sent, and what has become of it.

use crate::error::ProxyError;

/// A record to be sent. A key or a value that is None is Kafka's null, which is not the same as empty.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<RecordHeader>,
    /// Milliseconds since 1970; None: now.
    pub(crate) timestamp_ms: Option<i64>,
    /// None: as librdkafka's partitioner finds by the key.
    pub(crate) partition: Option<i32>,
}

impl Outgoing {
    /// Bytes of key and value.
    pub(crate) fn bytes(&self) -> usize {
        let size = |data: &Option<Vec<u8>>| data.as_ref().map_or(0, Vec::len);
        size(&self.key) + size(&self.value)
    }
}

/// A header of a record. Its name has no NUL; its value may be null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) name: String,
    pub(crate) value: Option<Vec<u8>>,
}

/// Where a record was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) partition: i32,
    /// -1 where nobody acknowledges.
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
}

pub(crate) type SendResult = Result<Sent, ProxyError>;
