//! HTTP as no client would speak it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use weir_tests::Api;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server, byte by byte.
pub struct Raw(BufReader<TcpStream>);

/// What came back: names of headers are in small letters.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub json: Value,
}

impl RawAnswer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Raw {
    pub fn connect(api: &Api) -> Raw {
        let stream = TcpStream::connect(api.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Raw(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    /// The same; the server may have closed the connection.
    pub fn send_or_closed(&mut self, bytes: &str) -> bool {
        self.0.get_mut().write_all(bytes.as_bytes()).is_ok()
    }

    pub fn ask(&mut self, request: &str) -> RawAnswer {
        let _ = self.send_or_closed(request); // an answer may be there all the same
        self.answer()
    }

    /// The next answer, which has a length.
    pub fn answer(&mut self) -> RawAnswer {
        let status = self.line();
        let status =
            status.split(' ').nth(1).unwrap_or_else(|| panic!("{status:?}")).parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
        }
        let mut answer = RawAnswer { status, headers, json: Value::Null };
        let length = answer.header("content-length").unwrap_or("0").parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        answer.json = serde_json::from_slice(&body).unwrap_or_default();
        answer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    /// All that comes until the server closes it.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Waits until an answer begins, or the server closes it.
    pub fn until_answered(&mut self) {
        let _ = self.0.fill_buf(); // a reset is the end as well
    }

    /// Reads until the server closes it.
    pub fn until_closed(&mut self) {
        let mut sink = [0; 65536];
        loop {
            match self.0.read(&mut sink) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
                Err(error) => panic!("it is not closed: {error}"),
            }
        }
    }
}

/// A metric's value.
pub async fn metric(api: &Api, name: &str) -> i64 {
    let answer = api.get("/metrics").await;
    let value = answer.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {}", answer.text)).parse().unwrap()
}

/// Asks until a metric is so much at least.
pub async fn until_metric(api: &Api, name: &str, at_least: i64) {
    while metric(api, name).await < at_least {
        tokio::task::yield_now().await;
    }
}
