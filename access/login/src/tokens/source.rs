//! Where a provider's keys come from: its discovery document, a URL or a file.

use std::error::Error;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;

use super::json;
use super::key::KeySet;
use super::options::TokenOptions;
use super::url;

/// Largest answer or file that is read, in bytes.
const ANSWER_MAX: usize = 1024 * 1024;

/// How long one answer may take, from the connection to the last byte.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Redirects that are followed, within one origin.
const REDIRECTS_MAX: usize = 3;

/// The keys that a source has.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub keys: Arc<KeySet>,
    /// How long the source says that they hold.
    pub max_age: Option<Duration>,
}

/// Why keys could not be had. For logs: it has neither passwords nor queries of URLs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError(pub String);

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An attempt to get keys.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// What has a provider's keys.
pub trait Source: Send + Sync {
    fn fetch(&self) -> Fetching<'_>;
}

/// The source that options name. It is an error if a URL is none, or a file
/// cannot be read.
pub fn open(options: &TokenOptions) -> Result<Box<dyn Source>, String> {
    if let Some(path) = &options.jwks_file {
        read_keys(path).map_err(|e| format!("jwks_file {e}"))?;
        return Ok(Box::new(KeyFile(path.clone())));
    }
    let http = http_client(options)?;
    Ok(match &options.jwks_url {
        Some(text) => Box::new(KeyUrl { http, url: options.source_url(text)? }),
        None => Box::new(Provider {
            http,
            discovery: url::of_discovery(&options.source_url(&options.issuer)?),
            issuer: options.issuer.clone(),
            allow_http: options.allow_http,
        }),
    })
}

/// A file of keys.
struct KeyFile(PathBuf);

/// A URL of keys.
struct KeyUrl {
    http: Client,
    url: Url,
}

/// A provider that says where its keys are.
struct Provider {
    http: Client,
    discovery: Url,
    issuer: String,
    allow_http: bool,
}

/// What is needed of a discovery document. Source: OpenID Connect Discovery 1.0, section 3.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Source for KeyFile {
    fn fetch(&self) -> Fetching<'_> {
        let path = self.0.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || read_keys(&path));
            read.await.map_err(|e| FetchError(e.to_string()))?
        })
    }
}

impl Source for KeyUrl {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(fetch_keys(&self.http, &self.url))
    }
}

impl Source for Provider {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async move {
            let response = get(&self.http, &self.discovery).await?;
            let text = body(response, &self.discovery).await?;
            let wrong = |why: &str| FetchError(format!("{}: {why}", shown(&self.discovery)));
            if !json::is_object(&text) {
                return Err(wrong("it is no JSON object"));
            }
            let document: Discovery =
                serde_json::from_slice(&text).map_err(|e| wrong(&e.to_string()))?;
            if document.issuer != self.issuer {
                let why = format!("its issuer is {:?}, not {:?}", document.issuer, self.issuer);
                return Err(wrong(&why));
            }
            let keys = url::of_provider(&document.jwks_uri, self.allow_http)
                .map_err(|why| wrong(&format!("its jwks_uri {why}")))?;
            fetch_keys(&self.http, &keys).await
        })
    }
}

fn read_keys(path: &Path) -> Result<Fetched, FetchError> {
    let wrong = |why: String| FetchError(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
    let mut text = Vec::new();
    let mut bounded = file.take(ANSWER_MAX as u64 + 1);
    bounded.read_to_end(&mut text).map_err(|e| wrong(e.to_string()))?;
    if text.len() > ANSWER_MAX {
        return Err(wrong(format!("it is larger than {ANSWER_MAX} bytes")));
    }
    let keys = KeySet::parse(&text).map_err(|e| wrong(e.to_string()))?;
    Ok(Fetched { keys: Arc::new(keys), max_age: None })
}

async fn fetch_keys(http: &Client, url: &Url) -> Result<Fetched, FetchError> {
    let response = get(http, url).await?;
    let max_age = max_age(&response);
    let text = body(response, url).await?;
    let keys = KeySet::parse(&text).map_err(|e| FetchError(format!("{}: {e}", shown(url))))?;
    Ok(Fetched { keys: Arc::new(keys), max_age })
}

async fn get(http: &Client, url: &Url) -> Result<Response, FetchError> {
    let request = http.get(url.clone()).header(ACCEPT, "application/json");
    let response = request.send().await.map_err(|e| lost(e, url))?;
    match response.status() {
        StatusCode::OK => Ok(response),
        status => Err(FetchError(format!("{} answers {status}", shown(url)))),
    }
}

/// An answer's body, of which no more is read than may be.
async fn body(mut response: Response, url: &Url) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| lost(e, url))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            let why = format!("{}: the answer is larger than {ANSWER_MAX} bytes", shown(url));
            return Err(FetchError(why));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `max-age` of an answer, or 0 s if it must not be kept.
fn max_age(response: &Response) -> Option<Duration> {
    let values = response.headers().get_all(CACHE_CONTROL).iter();
    let directives =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let ages = directives.filter_map(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.strip_prefix("max-age=") {
            Some(seconds) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
            None => {
                ["no-cache", "no-store"].contains(&directive.as_str()).then_some(Duration::ZERO)
            }
        }
    });
    ages.min()
}

fn http_client(options: &TokenOptions) -> Result<Client, String> {
    // somebody else may have chosen already: then theirs it is
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .connect_timeout(ANSWER_TIMEOUT)
        .redirect(Policy::custom(within_one_origin));
    if let Some(path) = &options.ca {
        let wrong = |why: String| format!("ca {}: {why}", path.display());
        let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
        let authorities =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| wrong(e.to_string()))?;
        if authorities.is_empty() {
            return Err(wrong("there is no certificate in it".to_string()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    builder.build().map_err(|e| causes(&e))
}

/// A provider may move a document, but not to another server: that one would make tokens.
fn within_one_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first();
    let is_same = first.is_some_and(|first| url::same_origin(first, attempt.url()));
    match is_same && attempt.previous().len() <= REDIRECTS_MAX {
        true => attempt.follow(),
        false => attempt.stop(), // the answer is then the redirect, which is no key
    }
}

fn lost(error: reqwest::Error, url: &Url) -> FetchError {
    FetchError(format!("{}: {}", shown(url), causes(&error.without_url())))
}

/// An error with what has caused it.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A URL for logs, without its query.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
