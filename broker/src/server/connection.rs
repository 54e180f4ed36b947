//! One connection: frames in, answers out in the order of the requests.
//!
//! As in Kafka, a request is read when the one before it has been answered: what a client sends in
//! between waits in the socket.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader, SaslAuthenticateRequest};
use kafka_protocol::protocol::Encodable;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::faulted::Outcome;
use super::frame::{self, NoRequest};
use super::hang_up::hung_up;
use super::listener::Shared;
use super::room::Held;
use crate::apis::{Request, Response, Unreadable};
use crate::core::{Arrival, Caller, ConnectionId, api_versions_refused};
use crate::guard;

/// So many bytes are read at a time.
const BUFFER_BYTES: usize = 64 * 1024;
/// An answer is written in pieces of this many bytes, each within the time that a client may be idle.
const PIECE_BYTES: usize = 256 * 1024;
/// So long may a client take nothing of its answer while many bytes of answers wait.
const HURRIED_MAX: Duration = Duration::from_secs(10);
/// The principal of who has not logged in.
const ANONYMOUS: &str = "User:ANONYMOUS";

#[derive(Debug)]
pub struct Connection<'a> {
    shared: &'a Shared,
    id: ConnectionId,
    peer: SocketAddr,
}

/// What is sent for a request.
enum Reply {
    Frame(Outgoing),
    Nothing,
    Close,
    /// A login that goes on in frames without headers, after version 0 of SaslHandshake.
    BareLogin(Outgoing),
}

/// An answer as bytes, which count in the room until they are written.
struct Outgoing {
    bytes: Bytes,
    held: Held,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.shared.shell.disconnected(self.id);
    }
}

impl<'a> Connection<'a> {
    pub fn new(shared: &'a Shared, peer: SocketAddr) -> Connection<'a> {
        Connection { shared, id: shared.shell.connection_id(), peer }
    }

    /// Answers requests until the client, the core or the broker ends.
    pub async fn serve(self, mut stream: TcpStream, needs_login: bool) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let arrival = Arrival { reached: stream.local_addr()?, needs_login };
        let shell = &self.shared.shell;
        let Some(mut closed) = shell.connected(self.id, arrival) else { return Ok(()) };
        let (reader, mut writer) = stream.split();
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        let mut is_bare = false;
        loop {
            let frame = tokio::select! {
                frame = frame::read(&mut reader, &self.shared.settings, &self.shared.requests) => frame?,
                _ = &mut closed => return Ok(()),
                () = shell.stopped() => return Ok(()),
            };
            let Some(frame) = frame else { return Ok(()) };
            let reply = tokio::select! {
                biased;
                reply = self.reply(frame.bytes(), is_bare) => reply?,
                () = hung_up(reader.get_ref()) => return Ok(()),
                _ = &mut closed => return Ok(()),
                () = shell.stopped() => return Ok(()),
            };
            drop(frame);
            match reply {
                Reply::Frame(answer) => self.write(&mut writer, answer).await?,
                Reply::BareLogin(answer) => {
                    is_bare = shell.is_logging_in(self.id);
                    self.write(&mut writer, answer).await?;
                }
                Reply::Nothing => {}
                Reply::Close => return Ok(()),
            }
            if !matches!(closed.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
                return Ok(());
            }
        }
    }

    async fn write<W: AsyncWrite + Unpin>(
        &self,
        writer: &mut W,
        answer: Outgoing,
    ) -> io::Result<()> {
        let patience = Patience { idle_max: self.shared.settings.idle_max, hurried: HURRIED_MAX };
        let is_scarce = || self.shared.answers.is_scarce();
        write(writer, &answer.bytes, patience, is_scarce).await?;
        drop(answer.held);
        Ok(())
    }

    /// Makes an answer ready to be written. Fails if too many bytes wait already.
    fn outgoing(&self, bytes: Bytes, mut held: Held) -> io::Result<Outgoing> {
        held.hold_answer(bytes.len())?;
        Ok(Outgoing { bytes, held })
    }

    async fn reply(&self, mut frame: Bytes, is_bare: bool) -> io::Result<Reply> {
        if is_bare {
            return self.bare_login(frame).await;
        }
        let header = guard::header(&mut frame).map_err(NoRequest::error)?;
        let mut held = Held::new(&self.shared.answers);
        let (key, version) = (header.request_api_key, header.request_api_version);
        let request = match Request::decode(key, version, &mut frame) {
            Ok(request) => request,
            Err(Unreadable::Unsupported { key, .. }) if key == ApiKey::ApiVersions as i16 => {
                let answer = encode(&header, 0, &api_versions_refused())?;
                return self.outgoing(answer, held).map(Reply::Frame);
            }
            Err(error) => return Err(NoRequest::error(format!("{error:?}"))),
        };
        drop(frame);
        let starts_bare = version == 0 && request.key() == ApiKey::SaslHandshake;
        let caller = self.caller(header.client_id.clone());
        match self.shared.shell.ask_with_faults(caller, version, request).await {
            Outcome::Answer(answer) => {
                let response = answer.read(&mut held);
                let is_agreed =
                    matches!(&response, Response::SaslHandshake(r) if r.error_code == 0);
                let answer = self.outgoing(encode(&header, version, &response)?, held)?;
                Ok(match starts_bare && is_agreed {
                    true => Reply::BareLogin(answer),
                    false => Reply::Frame(answer),
                })
            }
            Outcome::Nothing => Ok(Reply::Nothing),
            Outcome::Close => Ok(Reply::Close),
        }
    }

    /// Takes a message of a login which is not in a request.
    async fn bare_login(&self, message: Bytes) -> io::Result<Reply> {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(message);
        let asked = self.shared.shell.ask(self.caller(None), 0, Request::SaslAuthenticate(request));
        let mut held = Held::new(&self.shared.answers);
        let answer = asked.await.ok().flatten().map(|answer| answer.read(&mut held));
        let Some(Response::SaslAuthenticate(response)) = answer else {
            return Ok(Reply::Close);
        };
        if response.error_code != 0 {
            return Ok(Reply::Close);
        }
        let length =
            i32::try_from(response.auth_bytes.len()).map_err(|e| invalid(e.to_string()))?;
        let mut answer = BytesMut::new();
        answer.put_i32(length);
        answer.extend_from_slice(&response.auth_bytes);
        self.outgoing(answer.freeze(), held).map(Reply::BareLogin)
    }

    fn caller(&self, client_id: Option<kafka_protocol::protocol::StrBytes>) -> Caller {
        Caller {
            connection: self.id,
            host: self.peer.ip().to_canonical(),
            client_id,
            principal: ANONYMOUS.to_owned(),
        }
    }
}

/// How long a client may take nothing of its answer.
#[derive(Clone, Copy)]
struct Patience {
    idle_max: Duration,
    /// While many bytes of answers wait.
    hurried: Duration,
}

/// Writes an answer in pieces. A client that takes nothing for too long is given up, and sooner if room is scarce.
async fn write<W: AsyncWrite + Unpin>(
    writer: &mut W,
    answer: &[u8],
    patience: Patience,
    is_scarce: impl Fn() -> bool,
) -> io::Result<()> {
    for piece in answer.chunks(PIECE_BYTES) {
        let mut writing = pin!(writer.write_all(piece));
        let begun = Instant::now();
        loop {
            match timeout(patience.hurried.min(patience.idle_max), &mut writing).await {
                Ok(written) => break written?,
                Err(_) if begun.elapsed() >= patience.idle_max || is_scarce() => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(_) => {}
            }
        }
    }
    Ok(())
}

fn encode(header: &RequestHeader, version: i16, response: &Response) -> io::Result<Bytes> {
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    ResponseHeader::default()
        .with_correlation_id(header.correlation_id)
        .encode(&mut frame, response.header_version(version))
        .map_err(|error| unencodable(header, error.to_string()))?;
    response.encode(version, &mut frame).map_err(|why| unencodable(header, why))?;
    let length =
        i32::try_from(frame.len() - 4).map_err(|_| invalid("an answer too long".into()))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

/// Says that an answer does not fit the version in which it was asked for, a fault of the broker.
fn unencodable(header: &RequestHeader, why: String) -> io::Error {
    let (api, version) = (header.request_api_key, header.request_api_version);
    tracing::error!(api, version, why, "an answer of the broker cannot be encoded");
    invalid(why)
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn written(idle_max: Duration, is_scarce: bool) -> io::Result<()> {
        let patience = Patience { idle_max, hurried: Duration::from_millis(1) };
        let (mut server, _reads_nothing) = tokio::io::duplex(8);
        write(&mut server, &[0; 1000], patience, || is_scarce).await
    }

    #[tokio::test]
    async fn who_reads_nothing_is_given_up_sooner_if_much_waits() {
        let long = Duration::from_secs(600);
        assert_eq!(written(long, true).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(timeout(Duration::from_millis(50), written(long, false)).await.is_err());
        let short = Duration::from_millis(5);
        assert_eq!(written(short, false).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
