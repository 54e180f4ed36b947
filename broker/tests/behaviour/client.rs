//! A client that sends any request in any version, and shows what comes back.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far above what any answer takes, so that a slow machine changes nothing.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The request has a field that this version lacks.
    Inexpressible,
    /// The broker closed the connection.
    Closed,
    /// The answer's bytes are not what the version says.
    Unreadable,
    Silence,
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    address: String,
    stream: TcpStream,
    correlation: i32,
    pub client_id: Option<StrBytes>,
}

impl Client {
    pub async fn connect(address: &str) -> Client {
        Client {
            address: address.to_owned(),
            stream: connected(address).await,
            correlation: 0,
            client_id: Some("behaviour".into()),
        }
    }

    pub async fn reconnect(&mut self) {
        self.stream = connected(&self.address).await;
    }

    /// The versions that the broker has, by key.
    pub async fn versions(&mut self) -> HashMap<i16, (i16, i16)> {
        let answer: ApiVersionsResponse =
            self.ask(0, &ApiVersionsRequest::default()).await.expect("the broker's versions");
        let ranges = answer.api_keys.iter();
        ranges.map(|api| (api.api_key, (api.min_version, api.max_version))).collect()
    }

    pub async fn ask<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<R::Response, NoAnswer> {
        self.send(version, request).await?;
        self.receive::<R>(version).await
    }

    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<(), NoAnswer> {
        self.correlation += 1;
        let mut frame = BytesMut::new();
        RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(self.client_id.clone())
            .encode(&mut frame, R::header_version(version))
            .expect("a header");
        request.encode(&mut frame, version).map_err(|_| NoAnswer::Inexpressible)?;
        self.send_frame(&frame).await
    }

    /// Sends the bytes with their length before them.
    pub async fn send_frame(&mut self, frame: &[u8]) -> Result<(), NoAnswer> {
        let mut bytes = BytesMut::new();
        bytes.put_i32(i32::try_from(frame.len()).expect("a short frame"));
        bytes.put_slice(frame);
        self.stream.write_all(&bytes).await.map_err(|_| NoAnswer::Closed)
    }

    pub async fn receive<R: Request>(&mut self, version: i16) -> Result<R::Response, NoAnswer> {
        let mut body = self.receive_frame().await?;
        ResponseHeader::decode(&mut body, R::Response::header_version(version))
            .map_err(|_| NoAnswer::Unreadable)?;
        let is_versions = R::KEY == ApiKey::ApiVersions as i16;
        if is_versions && body.get(..2) == Some(&[0, 35]) {
            return R::Response::decode(&mut body, 0).map_err(|_| NoAnswer::Unreadable);
        }
        let answer = R::Response::decode(&mut body, version).map_err(|_| NoAnswer::Unreadable)?;
        if body.has_remaining() { Err(NoAnswer::Unreadable) } else { Ok(answer) }
    }

    pub async fn receive_frame(&mut self) -> Result<Bytes, NoAnswer> {
        let read = async {
            let length = self.stream.read_i32().await?;
            let mut frame = vec![0; usize::try_from(length).unwrap_or(0)];
            self.stream.read_exact(&mut frame).await?;
            Ok::<_, std::io::Error>(Bytes::from(frame))
        };
        match tokio::time::timeout(ANSWER_MAX, read).await {
            Ok(Ok(frame)) => Ok(frame),
            Ok(Err(_)) => Err(NoAnswer::Closed),
            Err(_) => Err(NoAnswer::Silence),
        }
    }
}

async fn connected(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("a broker that listens");
    stream.set_nodelay(true).expect("an open socket");
    stream
}
