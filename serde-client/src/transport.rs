//! Requests on their way: which of the registries, with whose name, how often and how long.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, Url};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Span, debug, debug_span};
use weir_registry_api::{ErrorBody, MEDIA_TYPES};

use crate::error::ClientError;
use crate::failure::Failure;
use crate::oauth::{Token, Tokens};
use crate::reason::Reason;
use crate::redirect::{self, REDIRECTS_MAX, without_password};
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

/// Makes a header of a request's method, and of its path with its query.
pub type RequestSigner =
    Arc<dyn Fn(&Method, &str) -> Option<(HeaderName, HeaderValue)> + Send + Sync>;

pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    /// For where a redirect leads that is no registry of ours: it has no certificate of the client's own.
    pub(crate) stranger: reqwest::Client,
    /// Never empty; each can be a base. A name and a password in one are for its origin alone.
    pub(crate) urls: Vec<Url>,
    /// The one that answered last.
    pub(crate) current: AtomicUsize,
    pub(crate) credentials: Option<Credentials>,
    /// Sent with each request.
    pub(crate) headers: HeaderMap,
    /// Makes one more header for each request.
    pub(crate) signer: Option<RequestSigner>,
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
    /// What whoever asks has sent along.
    pub(crate) headers: HeaderMap,
}

impl Call {
    pub(crate) fn span(&self) -> Span {
        debug_span!("registry request", method = %self.method, path = self.path.join("/"))
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
                Err(_) => Failure::passing(self.silence(at, call).into()),
            };
            if !failure.is_passing {
                debug!(error = %failure.error, "the registry refused");
                return Err(failure.error);
            }
            let url = without_password(self.urls[at].as_str());
            debug!(error = %failure.error, "the registry at {url} has not answered {} {}", call.method, call.path.join("/"));
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

    fn silence(&self, at: usize, call: &Call) -> String {
        let url = without_password(self.url(&self.urls[at], call).as_str());
        format!("{} {url} is not answered in time", call.method)
    }

    fn url(&self, base: &Url, call: &Call) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }

    /// Sends a request to one registry, and to where that sends it.
    async fn try_once(&self, base: &Url, call: &Call) -> Result<Vec<u8>, Failure> {
        let mut url = self.url(base, call);
        for _ in 0..=REDIRECTS_MAX {
            let (response, token) = self.ask(&url, call).await?;
            let (status, headers) = (response.status(), response.headers());
            match redirect::target(status, headers, &url, &call.method).map_err(Failure::last)? {
                None => {
                    let answer = self.answer(response, token).await;
                    return answer.map_err(|failure| match self.home(&url) {
                        Some(_) => failure,
                        None => failure.of_stranger(&url),
                    });
                }
                Some(next) => {
                    debug!(
                        status = status.as_u16(),
                        url = without_password(next.as_str()),
                        "the registry redirects"
                    );
                    url = next;
                }
            }
        }
        let why = format!("it redirects more than {REDIRECTS_MAX} times");
        Err(Failure::last(ClientError::Protocol(why.into())))
    }

    /// The registry that the client was told of and that a URL is of.
    fn home(&self, url: &Url) -> Option<&Url> {
        self.urls.iter().find(|known| known.origin() == url.origin())
    }

    fn signature(&self, url: &Url, method: &Method) -> Option<(HeaderName, HeaderValue)> {
        let asked = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_string(),
        };
        (self.signer.as_ref()?)(method, &asked)
    }

    /// Sends a request as who the client is, if that is a registry that it was told of.
    async fn ask(&self, url: &Url, call: &Call) -> Result<(Response, Sent<'_>), Failure> {
        let home = self.home(url);
        let mut token = None;
        let mut request = match home {
            None => self.stranger.request(call.method.clone(), url.clone()),
            Some(home) => {
                let mut url = url.clone();
                if self.credentials.is_none() {
                    let _ = (url.set_username(home.username()), url.set_password(home.password()));
                } else {
                    let _ = (url.set_username(""), url.set_password(None));
                }
                let mut headers = self.headers.clone();
                headers.extend(call.headers.clone());
                if let Some((name, value)) = self.signature(&url, &call.method) {
                    headers.insert(name, value);
                }
                let request = self.http.request(call.method.clone(), url).headers(headers);
                match &self.credentials {
                    None => request,
                    Some(Credentials::Basic { user, password }) => {
                        request.basic_auth(user, Some(password))
                    }
                    Some(Credentials::Bearer(token)) => request.bearer_auth(token),
                    Some(Credentials::OAuth(tokens)) => {
                        let current = tokens.token(&self.http).await?;
                        let request = request.bearer_auth(&current.value);
                        token = Some((tokens, current));
                        request
                    }
                }
            }
        };
        request = request.header("accept", MEDIA_TYPES[0]);
        if let Some(body) = &call.body {
            request = request.header("content-type", MEDIA_TYPES[0]).body(body.clone());
        }
        let response = request.send().await.map_err(|e| Failure::passing(Reason::of(e)))?;
        Ok((response, token))
    }

    async fn answer(&self, response: Response, token: Sent<'_>) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        if let Some((_, token)) = token.as_ref().filter(|_| status.as_u16() != 401) {
            token.accepted();
        }
        let retry_after = response.headers().get("retry-after").and_then(|seconds| {
            seconds.to_str().ok()?.trim().parse().map(Duration::from_secs).ok()
        });
        let bytes = response.bytes().await.map_err(|e| Failure::passing(Reason::of(e)))?;
        if status.is_success() {
            return Ok(bytes.into());
        }
        let mut is_passing = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
        let bare = || Reason::of_status(status);
        let error = match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(ErrorBody { error_code, message }) => {
                ClientError::Registry { status: status.as_u16(), code: error_code, message }
            }
            // something before the registry answers in its place
            Err(_) if is_passing => ClientError::Transport(bare()),
            Err(_) => ClientError::Protocol(bare()),
        };
        if let Some((tokens, token)) = token.filter(|_| status.as_u16() == 401) {
            is_passing = tokens.refused(&token);
        }
        Err(Failure { error, is_passing, retry_after })
    }
}

/// The token that went along with a request, and whose it is.
type Sent<'a> = Option<(&'a Tokens, Arc<Token>)>;
