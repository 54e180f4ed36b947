//! Requests on their way: which of the registries, with whose name, how often and how long.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Span, debug, debug_span, warn};
use weir_registry_api::{ErrorBody, MEDIA_TYPES};

use crate::error::ClientError;
use crate::oauth::Tokens;
use crate::stats::Counters;

/// Who the client is.
pub(crate) enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
    OAuth(Tokens),
}

/// A time-out that is as good as none: thirty years.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// When to try again.
#[derive(Clone, Copy)]
pub(crate) struct Retries {
    /// After the first try of each registry.
    pub(crate) max: u32,
    /// The longest that the first wait may be; it doubles with each. A wait is any part of it, so that
    /// clients that failed together do not come back together.
    pub(crate) wait: Duration,
    pub(crate) wait_max: Duration,
}

pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    /// Never empty; each can be a base.
    pub(crate) urls: Vec<Url>,
    /// The one that answered last.
    pub(crate) current: AtomicUsize,
    pub(crate) credentials: Option<Credentials>,
    /// Sent with each request.
    pub(crate) headers: HeaderMap,
    pub(crate) retries: Retries,
    /// For a request and all that is tried for it.
    pub(crate) timeout: Duration,
    pub(crate) counters: Counters,
}

/// What a request is, wherever it goes.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn span(&self) -> Span {
        debug_span!("registry request", method = %self.method, path = self.path.join("/"))
    }
}

/// A try that failed.
pub(crate) struct Failure {
    error: ClientError,
    /// Whether another may do better.
    is_passing: bool,
    /// How long the registry asks to be left alone.
    retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn passing(why: String) -> Failure {
        Failure { error: ClientError::Transport(why), is_passing: true, retry_after: None }
    }

    pub(crate) fn last(error: ClientError) -> Failure {
        Failure { error, is_passing: false, retry_after: None }
    }
}

impl Transport {
    /// Sends a request until it is answered, it is clear that it will not be, or its time is over. A
    /// registry that fails is left for the next at once; waits come when all have failed.
    pub(crate) async fn send(&self, call: &Call) -> Result<Vec<u8>, ClientError> {
        let answer = self.try_all(call).await;
        if answer.is_err() {
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    async fn try_all(&self, call: &Call) -> Result<Vec<u8>, ClientError> {
        let deadline = Instant::now() + self.timeout.min(FOREVER);
        let count = self.urls.len();
        let tries = count as u32 + self.retries.max;
        let first = self.current.load(Ordering::Relaxed);
        let mut last = None;
        for number in 0..tries {
            let at = (first + number as usize) % count;
            // one that hangs must not use up the time of those that were not asked yet
            let unasked = tries.saturating_sub(self.retries.max + number).max(1);
            self.counters.requests.fetch_add(1, Ordering::Relaxed);
            if number > 0 {
                self.counters.retries.fetch_add(1, Ordering::Relaxed);
            }
            let now = Instant::now();
            let limit = now + deadline.saturating_duration_since(now) / unasked;
            let failure = match timeout_at(limit, self.try_once(&self.urls[at], call)).await {
                Ok(Ok(answer)) => {
                    self.current.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Err(failure)) => failure,
                Err(_) => Failure::passing(format!("{} does not answer", shown(&self.urls[at]))),
            };
            if !failure.is_passing {
                debug!(error = %failure.error, "the registry refused");
                return Err(failure.error);
            }
            warn!(url = %shown(&self.urls[at]), error = %failure.error, "a try has failed");
            let wait = failure.retry_after.unwrap_or_else(|| self.wait(number));
            last = Some(failure.error);
            if number + 1 >= count as u32 {
                if number + 1 == tries || wait >= deadline.saturating_duration_since(Instant::now())
                {
                    break;
                }
                sleep(wait).await;
            }
        }
        Err(last.unwrap_or_else(|| ClientError::Transport("there was no time to ask".into())))
    }

    /// Any part of a bound that doubles with each round of all registries.
    fn wait(&self, number: u32) -> Duration {
        let round = (number + 1).saturating_sub(self.urls.len() as u32);
        let bound = self.retries.wait.saturating_mul(1 << round.min(16)).min(self.retries.wait_max);
        let random = RandomState::new().hash_one(number) as f64 / u64::MAX as f64;
        bound.mul_f64(random)
    }

    async fn try_once(&self, base: &Url, call: &Call) -> Result<Vec<u8>, Failure> {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let request = self.http.request(call.method.clone(), url);
        let mut request = request.headers(self.headers.clone()).header("accept", MEDIA_TYPES[0]);
        let mut token = None;
        request = match &self.credentials {
            None => request,
            Some(Credentials::Basic { user, password }) => request.basic_auth(user, Some(password)),
            Some(Credentials::Bearer(token)) => request.bearer_auth(token),
            Some(Credentials::OAuth(tokens)) => {
                let current = tokens.token(&self.http).await?;
                let request = request.bearer_auth(&current.value);
                token = Some((tokens, current));
                request
            }
        };
        if let Some(body) = &call.body {
            request = request.header("content-type", MEDIA_TYPES[0]).body(body.clone());
        }
        let lost = |error| Failure::passing(reason(error));
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        if let Some((_, token)) = token.as_ref().filter(|_| status.as_u16() != 401) {
            token.accepted();
        }
        let retry_after = response.headers().get("retry-after").and_then(|seconds| {
            seconds.to_str().ok()?.trim().parse().map(Duration::from_secs).ok()
        });
        let bytes = response.bytes().await.map_err(lost)?;
        if status.is_success() {
            return Ok(bytes.into());
        }
        let error = match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(ErrorBody { error_code, message }) => {
                ClientError::Registry { status: status.as_u16(), code: error_code, message }
            }
            Err(_) => ClientError::Protocol(format!("HTTP {status} without an error body")),
        };
        let mut is_passing = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
        if let Some((tokens, token)) = token.filter(|_| status.as_u16() == 401) {
            is_passing = tokens.refused(&token);
        }
        Err(Failure { error, is_passing, retry_after })
    }
}

/// An error with its causes: reqwest's own text says only that there was one.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A URL without the user and the password that may stand in it.
fn shown(url: &Url) -> String {
    without_user(url.as_str())
}

/// The same of what may be no URL.
pub(crate) fn without_user(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{}", &rest[host..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (text, expected) in [
            ("http://me:secret@sr:8081/a@b", "http://sr:8081/a@b"),
            ("http://sr:8081", "http://sr:8081"),
            ("me:secret@sr:8081", "sr:8081"),
            ("ftp://me:sec@ret@sr", "ftp://sr"),
        ] {
            assert_eq!(without_user(text), expected);
        }
    }
}
