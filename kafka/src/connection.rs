//! A connection to a broker of our own, for what librdkafka has no words for: one request at a time,
//! in the newest version that both sides know.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, RequestHeader, ResponseHeader, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use kafka_protocol::protocol::{
    Decodable, HeaderVersion, Request, StrBytes, VersionRange, encode_request_header_into_buffer,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::code::Code;
use crate::fault::{Fault, check};
use crate::metrics::{Asked, count_connection};
use crate::scram::Scram;
use crate::security::{Mechanism, Sasl, Security};

/// Bytes of an answer; metadata of 100,000 partitions is some 10 MB.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of a string in Kafka's protocol; brokers close the connection for a longer one.
const STRING_BYTES_MAX: usize = 32_767;

/// The version in which everybody understands the question for versions.
const API_VERSIONS_VERSION: i16 = 0;

pub(crate) struct Connection {
    stream: Stream,
    /// The versions of requests that the broker knows, by API key.
    versions: HashMap<i16, VersionRange>,
    last_id: i32,
    pub(crate) idle_since: Instant,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// Connects and says who we are.
    pub(crate) async fn open(address: &str, security: &Security) -> Result<Connection, Fault> {
        let opened = Connection::greet(address, security).await;
        count_connection(opened.is_ok());
        opened
    }

    async fn greet(address: &str, security: &Security) -> Result<Connection, Fault> {
        let stream = Stream::open(address, security).await.map_err(|error| {
            let reason = format!("Broker {address} cannot be reached: {error}");
            Fault::new(Code::Unreachable, reason)
        })?;
        let mut connection =
            Connection { stream, versions: HashMap::new(), last_id: 0, idle_since: Instant::now() };
        connection.ask_versions().await?;
        if let Some(sasl) = &security.sasl {
            connection.authenticate(sasl).await?;
        }
        Ok(connection)
    }

    /// Returns true if it was used lately, nobody has closed it, and nothing is left of an earlier answer.
    pub(crate) fn is_usable(&self, idle_max: Duration) -> bool {
        let nothing = |e: io::Error| e.kind() == io::ErrorKind::WouldBlock;
        self.idle_since.elapsed() < idle_max
            && self.stream.socket().try_read(&mut [0]).is_err_and(nothing)
    }

    /// Asks, and waits for the answer. `request` is told the version: some have fields that not all
    /// versions have. [`Code::UnsupportedRequest`] if the broker does not know the question.
    pub(crate) async fn ask<R: Request>(
        &mut self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, Fault> {
        let version = self.version_of::<R>()?;
        self.ask_in(&request(version), version).await
    }

    async fn ask_once<R: Request>(&mut self, request: R) -> Result<R::Response, Fault> {
        let version = self.version_of::<R>()?;
        self.ask_in(&request, version).await
    }

    /// The newest version of a request that both sides know.
    fn version_of<R: Request>(&self) -> Result<i16, Fault> {
        let known = self.versions.get(&R::KEY).map(|theirs| theirs.intersect(&R::VERSIONS));
        match known {
            Some(common) if !common.is_empty() => Ok(common.max),
            _ => {
                let name = ApiKey::try_from(R::KEY).map(|key| format!("{key:?}"));
                Err(Fault::unsupported(&name.unwrap_or_default()))
            }
        }
    }

    async fn ask_in<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, Fault> {
        let asked = Asked::begin(R::KEY);
        let answer = self.answer_in(request, version).await;
        asked.end(answer.is_ok());
        answer
    }

    async fn answer_in<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, Fault> {
        self.last_id = self.last_id.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.last_id)
            .with_client_id(Some(StrBytes::from_static_str("weir")));
        let mut body = BytesMut::from(&[0; 4][..]);
        encode_request_header_into_buffer(&mut body, &header).map_err(unspeakable)?;
        request.encode(&mut body, version).map_err(unspeakable)?;
        let size = u32::try_from(body.len() - 4).map_err(unspeakable)?;
        body[..4].copy_from_slice(&size.to_be_bytes());
        let mut answer = self.stream.exchange(&body).await.map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof && body.len() > STRING_BYTES_MAX {
                let reason = format!("A name or a value has more than {STRING_BYTES_MAX} bytes.");
                return Fault::new(Code::InvalidRequest, reason);
            }
            Fault::new(Code::Unreachable, format!("The broker does not answer: {error}"))
        })?;
        let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version))
            .map_err(unspeakable)?;
        if header.correlation_id != self.last_id {
            return Err(unspeakable("it answers to another question"));
        }
        let response = R::Response::decode(&mut answer, version).map_err(unspeakable)?;
        self.idle_since = Instant::now();
        Ok(response)
    }

    async fn ask_versions(&mut self) -> Result<(), Fault> {
        let known = self.ask_in(&ApiVersionsRequest::default(), API_VERSIONS_VERSION).await?;
        self.versions = known
            .api_keys
            .iter()
            .map(|key| (key.api_key, VersionRange { min: key.min_version, max: key.max_version }))
            .collect();
        Ok(())
    }

    async fn authenticate(&mut self, sasl: &Sasl) -> Result<(), Fault> {
        let handshake = SaslHandshakeRequest::default()
            .with_mechanism(StrBytes::from_static_str(sasl.mechanism.name()));
        let answer = self.ask_once(handshake).await?;
        check(answer.error_code, None)?;
        let refused = |reason: String| Fault::new(Code::SaslAuthenticationFailed, reason);
        match sasl.mechanism {
            Mechanism::Plain => {
                let (username, password) = (&sasl.username, &sasl.password);
                self.say(format!("\0{username}\0{password}")).await?;
            }
            mechanism => {
                let nonce = uuid::Uuid::new_v4().simple().to_string();
                let scram = Scram::new(mechanism, &sasl.username, &sasl.password, nonce);
                let server_first = self.say(scram.first()).await?;
                let (last, proof) = scram.last(&server_first).map_err(refused)?;
                let server_last = self.say(last).await?;
                proof.check(&server_last).map_err(refused)?;
            }
        }
        Ok(())
    }

    /// A step of the authentication.
    async fn say(&mut self, said: String) -> Result<String, Fault> {
        let step = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(said));
        let answer = self.ask_once(step).await?;
        check(answer.error_code, answer.error_message)?;
        Ok(String::from_utf8_lossy(&answer.auth_bytes).into_owned())
    }
}

impl Stream {
    async fn open(address: &str, security: &Security) -> io::Result<Stream> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let Some(tls) = &security.tls else { return Ok(Stream::Plain(tcp)) };
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_string())
            .map_err(io::Error::other)?;
        let stream = TlsConnector::from(tls.clone()).connect(name, tcp).await?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Writes a request, and reads what stands behind the size of the answer.
    async fn exchange(&mut self, request: &[u8]) -> io::Result<Bytes> {
        match self {
            Stream::Plain(tcp) => exchange(tcp, request).await,
            Stream::Tls(tls) => exchange(tls, request).await,
        }
    }
}

async fn exchange(
    stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
    request: &[u8],
) -> io::Result<Bytes> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut size = [0; 4];
    stream.read_exact(&mut size).await?;
    let size = (&size[..]).get_u32() as usize;
    if size > ANSWER_BYTES_MAX {
        return Err(io::Error::other(format!("an answer of {size} bytes")));
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer).await?;
    Ok(Bytes::from(answer))
}

fn unspeakable(error: impl std::fmt::Display) -> Fault {
    Fault::new(Code::Unreadable, format!("The broker cannot be understood: {error}"))
}
