//! Requests as bytes, which are held within bounds.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::room::{Held, Room};
use crate::core::Stranger;
use crate::settings::ConnectionSettings;

/// Memory for a request is taken in steps of this many bytes, as its bytes come: what is only
/// announced takes none.
const STEP_BYTES: usize = 256 * 1024;
/// The first bytes of a TLS client: the type of its record, and the major version.
const TLS_HANDSHAKE: u8 = 22;
const TLS_MAJOR: u8 = 3;
/// The first bytes of an HTTP client.
const HTTP_METHODS: [&[u8; 4]; 8] =
    [b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"OPTI", b"PATC", b"PRI "];

/// A request, whose bytes count in the room until it is dropped.
#[derive(Debug)]
pub struct Frame {
    _held: Held,
    bytes: Bytes,
}

impl Frame {
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

/// Why bytes are no request, and what they look like.
#[derive(Debug)]
pub struct NoRequest {
    pub stranger: Stranger,
    why: String,
}

impl NoRequest {
    /// An error that says that a request cannot be understood.
    pub fn error(why: String) -> io::Error {
        NoRequest { stranger: Stranger::Unintelligible, why }.into()
    }

    /// Reads what a client begins with for a length, which no request has.
    fn by_length(length: i32) -> NoRequest {
        let first = length.to_be_bytes();
        let stranger = match first {
            [TLS_HANDSHAKE, TLS_MAJOR, ..] => Stranger::Tls,
            _ if HTTP_METHODS.contains(&&first) => Stranger::Http,
            _ => Stranger::Unintelligible,
        };
        NoRequest { stranger, why: format!("a request of {length} bytes") }
    }
}

impl fmt::Display for NoRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for NoRequest {}

impl From<NoRequest> for io::Error {
    fn from(error: NoRequest) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// Reads the next request. `None` says that the client has ended the connection, or was idle too long.
pub async fn read<R: AsyncRead + Unpin>(
    reader: &mut R,
    settings: &ConnectionSettings,
    room: &Arc<Room>,
) -> io::Result<Option<Frame>> {
    let length = match timeout(settings.idle_max, reader.read_i32()).await {
        Err(_) => return Ok(None),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Ok(length) => length?,
    };
    let wanted = usize::try_from(length).ok();
    let Some(length) = wanted.filter(|length| *length <= settings.request_max_bytes) else {
        return Err(NoRequest::by_length(length).into());
    };
    let mut held = Held::new(room);
    let bytes = read_body(reader, length, settings.idle_max, &mut held).await?;
    Ok(Some(Frame { _held: held, bytes }))
}

async fn read_body<R: AsyncRead + Unpin>(
    reader: &mut R,
    length: usize,
    idle_max: Duration,
    held: &mut Held,
) -> io::Result<Bytes> {
    let mut bytes = BytesMut::new();
    while bytes.len() < length {
        let missing = length - bytes.len();
        if bytes.capacity() == bytes.len() {
            let step = missing.min(STEP_BYTES);
            held.add(step)?;
            bytes.reserve(step);
        }
        let mut rest = (&mut *reader).take(missing as u64);
        let read = timeout(idle_max, rest.read_buf(&mut bytes)).await;
        if read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ConnectionSettings {
        ConnectionSettings {
            request_max_bytes: 1024 * 1024 * 1024,
            requests_max_bytes: 1024 * 1024,
            ..ConnectionSettings::default()
        }
    }

    #[tokio::test]
    async fn a_request_that_is_only_announced_takes_no_memory() {
        let settings = settings();
        let room = Arc::new(Room::new(settings.requests_max_bytes));
        let (mut client, mut server) = tokio::io::duplex(64);
        let reading = tokio::spawn({
            let room = room.clone();
            async move { read(&mut server, &settings, &room).await.map(|frame| frame.is_some()) }
        });
        use tokio::io::AsyncWriteExt;
        client.write_i32(1024 * 1024 * 1024).await.unwrap();
        client.write_all(b"abc").await.unwrap();
        drop(client);
        assert!(reading.await.unwrap().is_err());
        assert_eq!(room.held_bytes(), 0);
    }

    #[tokio::test]
    async fn requests_have_a_bound_altogether() {
        let settings = settings();
        let room = Arc::new(Room::new(settings.requests_max_bytes));
        let body = vec![7; 700 * 1024];
        let mut bytes = 716_800_i32.to_be_bytes().to_vec();
        bytes.extend(&body);
        let first = read(&mut bytes.as_slice(), &settings, &room).await.unwrap().unwrap();
        assert_eq!(first.bytes(), body);
        assert!(read(&mut bytes.as_slice(), &settings, &room).await.is_err());
        drop(first);
        assert!(read(&mut bytes.as_slice(), &settings, &room).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_negative_length_and_one_too_long_are_refused() {
        let settings = ConnectionSettings { request_max_bytes: 10, ..settings() };
        let room = Arc::new(Room::new(settings.requests_max_bytes));
        for length in [-1_i32, i32::MIN, 11, i32::MAX] {
            let bytes = length.to_be_bytes();
            assert!(read(&mut bytes.as_slice(), &settings, &room).await.is_err(), "{length}");
        }
    }

    #[tokio::test]
    async fn an_idle_connection_ends() {
        let settings = ConnectionSettings { idle_max: Duration::from_millis(5), ..settings() };
        let room = Arc::new(Room::new(settings.requests_max_bytes));
        let (_client, mut server) = tokio::io::duplex(64);
        assert!(read(&mut server, &settings, &room).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn clients_of_other_protocols_are_told_apart() {
        for (bytes, expected) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Stranger::Tls),
            (b"GET /subjects HTTP/1.1\r\n", Stranger::Http),
            (b"DELETE /subjects/a HTTP/1.1\r\n", Stranger::Http),
            (b"\xff\xff\xff\xff", Stranger::Unintelligible),
        ] {
            let settings = ConnectionSettings::default();
            let room = Arc::new(Room::new(settings.requests_max_bytes));
            let mut bytes = bytes;
            let error = read(&mut bytes, &settings, &room).await.unwrap_err();
            let error = error.get_ref().and_then(|error| error.downcast_ref::<NoRequest>());
            assert_eq!(error.unwrap().stranger, expected);
        }
    }
}
