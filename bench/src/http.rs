//! HTTP/1.1 as a load generator needs it: ready requests on kept connections, answers framed by
//! Content-Length. A whole client would cost more than the servers that are measured.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Result;

/// How long a server may take until it answers for the first time.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long nobody listens yet before it is tried again.
const RETRY: Duration = Duration::from_micros(200);

/// What the registry reads, and what it answers with to a client that asks for nothing else.
pub const REGISTRY_JSON: &str = "application/vnd.schemaregistry.v1+json";

pub fn get(path: &str) -> Bytes {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into()
}

pub fn post(path: &str, media_type: &str, body: &str) -> Bytes {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into()
}

/// A request without a media type.
pub fn request(method: &str, path: &str, body: &str) -> Bytes {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
        .into()
}

/// A connection that is used for one request after the other.
pub struct Connection {
    stream: Box<dyn Stream>,
    /// What was read of the answer, its head first.
    answer: Vec<u8>,
}

/// A socket, or TLS over one.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where an answer's parts are.
struct Head {
    status: u16,
    body_start: usize,
    body_bytes: usize,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection::over(stream))
    }

    /// A connection to a server that is called `localhost`.
    pub async fn open_tls(address: SocketAddr, tls: &TlsConnector) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection::over(tls.connect("localhost".try_into()?, stream).await?))
    }

    fn over(stream: impl Stream + 'static) -> Connection {
        Connection { stream: Box::new(stream), answer: Vec::with_capacity(64 * 1024) }
    }

    /// Sends a request and returns the body of its answer, which has to be 200 or 204.
    pub async fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let mut head = None;
        let head = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed a connection".into());
            }
            if head.is_none() {
                head = Head::read(&self.answer)?;
            }
            match &head {
                Some(head) if self.answer.len() >= head.body_start + head.body_bytes => break head,
                _ => {}
            }
        };
        let body = &self.answer[head.body_start..];
        if ![200, 204].contains(&head.status) {
            let body = String::from_utf8_lossy(body);
            return Err(format!("a request was answered {}: {body}", head.status).into());
        }
        Ok(body)
    }
}

impl Head {
    /// The head of an answer, once all of it was read.
    fn read(answer: &[u8]) -> Result<Option<Head>> {
        let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(None);
        };
        let mut lines = std::str::from_utf8(&answer[..end])?.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or("no status")?;
        let status = status.parse()?;
        let length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let body_bytes = match length {
            Some((_, length)) => length.trim().parse()?,
            None if status == 204 => 0,
            None => return Err("an answer without Content-Length".into()),
        };
        Ok(Some(Head { status, body_start: end + 4, body_bytes }))
    }
}

/// Waits until a server that was just started answers `GET /`, and not that it is starting.
pub async fn ready(address: SocketAddr) -> Result {
    let is_ready = || async { Connection::open(address).await?.send(&get("/")).await.map(drop) };
    ready_over(is_ready).await
}

/// Tries until something succeeds, which it has to before long.
pub async fn ready_over<T>(is_ready: impl AsyncFn() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        match is_ready().await {
            Ok(ready) => return Ok(ready),
            Err(_) if Instant::now() < deadline => tokio::time::sleep(RETRY).await,
            Err(error) => return Err(format!("the server is not ready: {error}").into()),
        }
    }
}
