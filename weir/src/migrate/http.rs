//! A running registry over HTTP: one request after the other is tried until it is answered.

use std::fmt;
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_registry_api::{ErrorBody, MEDIA_TYPES};

use super::place;

/// Requests at a time. A registry in use is not to notice.
pub const CONCURRENCY: usize = 8;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(60);

/// After a failure that may pass; the wait before the first of them doubles with each.
const RETRIES_MAX: u32 = 5;
const WAIT: Duration = Duration::from_millis(100);

pub struct Api {
    http: reqwest::Client,
    base: Url,
}

/// Why there is no answer to use.
#[derive(Debug)]
pub struct Failure {
    /// Method and URL.
    request: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    /// The registry's answer.
    Refused { status: StatusCode, code: u32, message: String },
    /// Nobody answers, or not like a registry.
    Unusable(String),
}

impl Failure {
    fn status(&self) -> Option<StatusCode> {
        match &self.why {
            Why::Refused { status, .. } => Some(*status),
            Why::Unusable(_) => None,
        }
    }

    /// The registry's own code; 0 if it has not answered one.
    pub fn code(&self) -> u32 {
        match &self.why {
            Why::Refused { code, .. } => *code,
            Why::Unusable(_) => 0,
        }
    }

    /// Whether the registry says that it has no such thing, or does not know the request.
    pub fn is_absence(&self) -> bool {
        matches!(self.status(), Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED))
    }

    /// Whether the registry does not like the request, rather than who makes it.
    pub fn is_refusal(&self) -> bool {
        self.status().is_some_and(|status| {
            status.is_client_error()
                && status != StatusCode::UNAUTHORIZED
                && status != StatusCode::FORBIDDEN
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.request)?;
        match &self.why {
            Why::Unusable(why) => f.write_str(why),
            Why::Refused { status, code, message } => {
                write!(f, "{status}")?;
                if *code != 0 && *code != u32::from(status.as_u16()) {
                    write!(f, ", {code}")?;
                }
                if !message.is_empty() {
                    write!(f, ": {message}")?;
                }
                if *status == StatusCode::UNAUTHORIZED {
                    f.write_str(" (user and password go into the URL: http://user:password@host)")?;
                }
                Ok(())
            }
        }
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> String {
        failure.to_string()
    }
}

pub type Query<'a> = [(&'a str, &'a str)];

impl Api {
    /// `ca_pem`: certificates to trust instead of the system's.
    pub fn new(base: &Url, ca_pem: Option<&[u8]>) -> Result<Api, String> {
        let mut builder =
            reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT);
        if let Some(pem) = ca_pem {
            let wrong = |e: reqwest::Error| format!("--ca: {e}");
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(wrong)?;
            if certificates.is_empty() {
                return Err("--ca: there is no certificate in the file".to_string());
            }
            builder = builder.tls_certs_only(certificates);
        }
        let http = builder.build().map_err(|e| e.to_string())?;
        Ok(Api { http, base: base.clone() })
    }

    /// Whether a registry answers, and what if not.
    pub async fn check(&self) -> Result<(), String> {
        let url = place::shown(&self.base);
        match self.get::<Vec<String>>(&["subjects"], &[]).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_absence() => Err(format!(
                "{failure}: there is no registry at {url}; is a part of its path missing?"
            )),
            Err(failure) => Err(failure.to_string()),
        }
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query<'_>,
    ) -> Result<T, Failure> {
        self.send(Method::GET, path, query, None).await
    }

    /// None where there is no such thing, also because the registry does not know of such things.
    pub async fn find<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query<'_>,
    ) -> Result<Option<T>, Failure> {
        match self.get(path, query).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_absence() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(Method::POST, path, &[], Some(json(body))).await
    }

    pub async fn put(
        &self,
        path: &[&str],
        query: &Query<'_>,
        body: &impl Serialize,
    ) -> Result<(), Failure> {
        self.send::<serde::de::IgnoredAny>(Method::PUT, path, query, Some(json(body))).await?;
        Ok(())
    }

    pub async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.send::<serde::de::IgnoredAny>(Method::DELETE, path, &[], None).await?;
        Ok(())
    }

    /// All that is asked here may be asked again: nothing happens twice.
    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &Query<'_>,
        body: Option<Vec<u8>>,
    ) -> Result<T, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = format!("{method} {}", place::shown(&url));
        let failed = |why| Failure { request: request.clone(), why };
        let mut wait = WAIT;
        for retries_left in (0..=RETRIES_MAX).rev() {
            let why = match self.try_once(&method, &url, body.clone()).await {
                Ok(bytes) => {
                    return serde_json::from_slice(&bytes).map_err(|e| {
                        failed(Why::Unusable(format!("the answer is not a registry's: {e}")))
                    });
                }
                Err(why) => why,
            };
            let may_pass = match &why {
                Why::Unusable(_) => true,
                Why::Refused { status, .. } => {
                    status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
                }
            };
            if !may_pass || retries_left == 0 {
                return Err(failed(why));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(failed(Why::Unusable("it was not tried".to_string())))
    }

    async fn try_once(
        &self,
        method: &Method,
        url: &Url,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Why> {
        let mut request =
            self.http.request(method.clone(), url.clone()).header("accept", MEDIA_TYPES.join(", "));
        if let Some(body) = body {
            request = request.header("content-type", MEDIA_TYPES[0]).body(body);
        }
        let response = request.send().await.map_err(unusable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unusable)?;
        if status.is_success() {
            // nothing is an answer to a request that has none
            return Ok(if bytes.is_empty() { b"null".to_vec() } else { bytes.to_vec() });
        }
        let (code, message) = match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(body) => (body.error_code, body.message),
            Err(_) => (0, String::new()),
        };
        Err(Why::Refused { status, code, message })
    }
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("bodies have string keys and no maps that fail")
}

/// The innermost reason: those around it only say that there was one.
fn unusable(error: reqwest::Error) -> Why {
    let error = error.without_url();
    let mut inner: &dyn std::error::Error = &error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    Why::Unusable(inner.to_string())
}
