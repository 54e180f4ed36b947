//! One connection: frames in, answers out in the order of the requests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Encodable, decode_request_header_from_buffer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::faulted::Outcome;
use super::shell::Shell;
use crate::apis::{Request, Response, Unreadable};
use crate::core::{Caller, ConnectionId, api_versions_refused};

/// As `socket.request.max.bytes`.
const FRAME_MAX_BYTES: usize = 100 * 1024 * 1024;

pub async fn accept(listener: TcpListener, shell: Arc<Shell>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let shell = shell.clone();
                tokio::spawn(async move {
                    let id = shell.connection_id();
                    if let Err(error) = serve(stream, peer, id, &shell).await {
                        tracing::debug!(%peer, %error, "a connection of the broker ends");
                    }
                    shell.disconnected(id);
                });
            }
            Err(error) => tracing::warn!(%error, "the broker cannot accept a connection"),
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    connection: ConnectionId,
    shell: &Shell,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    loop {
        let length = match reader.read_i32().await {
            Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        if length > FRAME_MAX_BYTES {
            return Err(invalid(format!("a request of {length} bytes")));
        }
        let mut frame = vec![0; length];
        reader.read_exact(&mut frame).await?;
        let mut frame = Bytes::from(frame);
        let header = decode_request_header_from_buffer(&mut frame)
            .map_err(|error| invalid(error.to_string()))?;
        let (key, version) = (header.request_api_key, header.request_api_version);
        let request = match Request::decode(key, version, &mut frame) {
            Ok(request) => request,
            Err(Unreadable::Unsupported { key, .. }) if key == ApiKey::ApiVersions as i16 => {
                let answer = encode(&header, 0, &api_versions_refused())?;
                writer.write_all(&answer).await?;
                continue;
            }
            Err(error) => return Err(invalid(format!("{error:?}"))),
        };
        let caller = Caller {
            connection,
            host: peer.ip(),
            client_id: header.client_id.clone(),
            principal: "User:ANONYMOUS".to_owned(),
        };
        match shell.ask_with_faults(caller, version, request).await {
            Outcome::Answer(response) => {
                writer.write_all(&encode(&header, version, &response)?).await?;
            }
            Outcome::Nothing => {}
            Outcome::Close => return Ok(()),
        }
    }
}

fn encode(header: &RequestHeader, version: i16, response: &Response) -> io::Result<Bytes> {
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    ResponseHeader::default()
        .with_correlation_id(header.correlation_id)
        .encode(&mut frame, response.header_version(version))
        .map_err(|error| invalid(error.to_string()))?;
    response.encode(version, &mut frame).map_err(invalid)?;
    let length =
        i32::try_from(frame.len() - 4).map_err(|_| invalid("an answer too long".into()))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
