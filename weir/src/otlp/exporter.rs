//! Sends messages to a collector.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use prost::Message;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use weir_serde::without_password;
use weir_trace::Outage;

use super::options::Options;
use crate::error::Error;
use crate::files::read_file;

/// How often a message is sent again that may be taken another time.
const TRIES: u32 = 4;

/// The first wait before another try; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(500);

/// The longest that a collector is obeyed that says how long to wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// An error with what is behind it, which is where reqwest says why.
fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = all.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// Sends messages of one kind.
pub struct Exporter {
    http: Client,
    url: Url,
    outage: Outage,
}

/// Why a message was not taken.
struct Refused {
    why: String,
    /// When it may be taken another time; none if never.
    again: Option<Duration>,
}

impl Exporter {
    /// `what` is sent: `traces` or `metrics`.
    pub fn new(url: Url, options: &Options, what: &'static str) -> Result<Exporter, Error> {
        let mut http = Client::builder()
            .timeout(options.timeout)
            .default_headers(options.headers.clone())
            .redirect(reqwest::redirect::Policy::none());
        if let Some(ca) = &options.ca {
            let pem = read_file(ca)?;
            let trusted = reqwest::Certificate::from_pem_bundle(&pem).map_err(Error::HttpClient)?;
            if trusted.is_empty() {
                let why = format!("cannot use {}: there is no certificate in it", ca.display());
                return Err(Error::Certificate(why));
            }
            http = http.tls_certs_only(trusted);
        }
        let outage = match what {
            "traces" => Outage::new("traces are not taken", "traces are taken again"),
            _ => Outage::new("metrics are not taken", "metrics are taken again"),
        };
        Ok(Exporter { http: http.build().map_err(Error::HttpClient)?, url, outage })
    }

    /// Sends a message, some times if need be; then it is lost, which is said.
    pub async fn send(&self, message: &impl Message) {
        let body = message.encode_to_vec();
        for number in 0..TRIES {
            match self.try_once(body.clone()).await {
                Ok(()) => {
                    self.outage.is_over();
                    return;
                }
                Err(Refused { why, again }) => {
                    let url = without_password(self.url.as_str());
                    self.outage.fails(format_args!("{url}: {why}"));
                    let Some(again) = again.filter(|_| number + 1 < TRIES) else { return };
                    let random = RandomState::new().hash_one(number) as f64 / u64::MAX as f64;
                    let wait = again.max((WAIT * (1 << number)).mul_f64(random));
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn try_once(&self, body: Vec<u8>) -> Result<(), Refused> {
        let request = self.http.post(self.url.clone());
        let request = request.header(CONTENT_TYPE, "application/x-protobuf").body(body);
        let answer = request.send().await.map_err(|error| {
            let why = causes(&error.without_url());
            Refused { why, again: Some(Duration::ZERO) }
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        // the specification names these as passing
        let is_passing = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ]
        .contains(&status);
        let after = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
        let after = after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        let after = after.unwrap_or_default().min(RETRY_AFTER_MAX);
        Err(Refused { why: format!("it answers {status}"), again: is_passing.then_some(after) })
    }
}
