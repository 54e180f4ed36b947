//! Requests as bytes, which are held within bounds.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use crate::settings::ConnectionSettings;

/// Memory for a request is taken in steps of this many bytes, as its bytes come: what is only
/// announced takes none.
const STEP_BYTES: usize = 256 * 1024;

/// The bytes of requests that all connections hold.
#[derive(Debug)]
pub struct Room {
    held: AtomicUsize,
    max: usize,
}

impl Room {
    pub fn new(settings: &ConnectionSettings) -> Room {
        Room { held: AtomicUsize::new(0), max: settings.requests_max_bytes }
    }
}

/// A request, whose bytes count in the room until it is dropped.
#[derive(Debug)]
pub struct Frame {
    room: Arc<Room>,
    held: usize,
    bytes: Bytes,
}

impl Frame {
    /// Starts a request that holds nothing yet.
    fn new(room: &Arc<Room>) -> Frame {
        Frame { room: room.clone(), held: 0, bytes: Bytes::new() }
    }

    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    fn hold(&mut self, bytes: usize) -> io::Result<()> {
        let before = self.room.held.fetch_add(bytes, Ordering::Relaxed);
        self.held += bytes;
        match before.saturating_add(bytes) > self.room.max {
            true => Err(io::Error::other("too many bytes of requests at a time")),
            false => Ok(()),
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.held, Ordering::Relaxed);
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
    let length =
        usize::try_from(length).ok().filter(|length| *length <= settings.request_max_bytes);
    let Some(length) = length else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a request of too many bytes"));
    };
    let mut frame = Frame::new(room);
    frame.bytes = read_body(reader, length, settings.idle_max, &mut frame).await?;
    Ok(Some(frame))
}

async fn read_body<R: AsyncRead + Unpin>(
    reader: &mut R,
    length: usize,
    idle_max: Duration,
    frame: &mut Frame,
) -> io::Result<Bytes> {
    let mut bytes = BytesMut::new();
    while bytes.len() < length {
        let missing = length - bytes.len();
        if bytes.capacity() == bytes.len() {
            let step = missing.min(STEP_BYTES);
            frame.hold(step)?;
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
        let room = Arc::new(Room::new(&settings));
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
        assert_eq!(room.held.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn requests_have_a_bound_altogether() {
        let settings = settings();
        let room = Arc::new(Room::new(&settings));
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
        let room = Arc::new(Room::new(&settings));
        for length in [-1_i32, i32::MIN, 11, i32::MAX] {
            let bytes = length.to_be_bytes();
            assert!(read(&mut bytes.as_slice(), &settings, &room).await.is_err(), "{length}");
        }
    }

    #[tokio::test]
    async fn an_idle_connection_ends() {
        let settings = ConnectionSettings { idle_max: Duration::from_millis(5), ..settings() };
        let room = Arc::new(Room::new(&settings));
        let (_client, mut server) = tokio::io::duplex(64);
        assert!(read(&mut server, &settings, &room).await.unwrap().is_none());
    }
}
