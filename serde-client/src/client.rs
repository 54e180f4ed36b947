//! The registry's client: what it is made of, and what its clones share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::cache::Cache;
use crate::error::ClientError;
use crate::file;
use crate::oauth::{OAuth, Tokens};
use crate::reason::Reason;
use crate::redirect::without_password;
use crate::runtime::{self, run};
use crate::stats::{Counters, Stats};
use crate::transport::{Call, Credentials, RequestSigner, Retries, Transport};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

/// A client of one registry. Cheap to clone; clones share connections and caches.
#[derive(Clone)]
pub struct RegistryClient {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Transport,
    cache: Cache,
}

/// Ids that are kept if nothing is said. A topic has a handful.
const SCHEMAS_MAX: usize = 10_000;

/// What a client is made of, where the defaults do not fit.
///
/// Redirects are followed, up to ten, with the method and the body that a request has. Credentials, headers
/// and the client's certificate go to the registries that are given here and to nobody else: where a redirect
/// leads to another scheme, host or port, it is followed without them, and from https to http it is an error.
/// So is a 303 that answers a write, and any redirect of a token endpoint.
pub struct ClientBuilder {
    urls: Vec<String>,
    ca_pem: Option<Vec<u8>>,
    identity_pem: Option<Vec<u8>>,
    credentials: Option<Credentials>,
    oauth: Option<OAuth>,
    headers: Vec<(String, String)>,
    signer: Option<RequestSigner>,
    timeout: Duration,
    retries: Retries,
    missing_ttl: Duration,
    schemas_max: usize,
    files: Vec<PathBuf>,
    proxy: Option<String>,
    http: Option<reqwest::Client>,
}

impl ClientBuilder {
    /// Another registry of the same cluster. The client stays with the one that answers and goes on to
    /// the next when that fails.
    pub fn or_url(mut self, url: &str) -> ClientBuilder {
        self.urls.push(url.to_string());
        self
    }

    /// Trusts the certificates of this PEM, and no others.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> ClientBuilder {
        self.ca_pem = Some(pem.into());
        self
    }

    /// The client's own certificate and its key, in one PEM.
    pub fn identity_pem(mut self, pem: impl Into<Vec<u8>>) -> ClientBuilder {
        self.identity_pem = Some(pem.into());
        self
    }

    /// Sends a name and a password with each request. They can stand in the URL instead.
    pub fn basic_auth(mut self, user: &str, password: &str) -> ClientBuilder {
        let (user, password) = (user.to_string(), password.to_string());
        self.credentials = Some(Credentials::Basic { user, password });
        self
    }

    /// Sends a token with each request.
    pub fn bearer_token(mut self, token: &str) -> ClientBuilder {
        self.credentials = Some(Credentials::Bearer(token.to_string()));
        self
    }

    /// Gets tokens from an authorization server, each before the one before it ends, and anew if the
    /// registry takes one back.
    pub fn oauth(mut self, oauth: OAuth) -> ClientBuilder {
        self.oauth = Some(oauth);
        self
    }

    /// Sends a header with each request to a registry of this client, such as `target-sr-cluster`.
    pub fn header(mut self, name: &str, value: &str) -> ClientBuilder {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// Sends a header that is made anew for each request to a registry of this client, of its method and of its path with its
    /// query: a signature.
    pub fn signed_by(mut self, signer: RequestSigner) -> ClientBuilder {
        self.signer = Some(signer);
        self
    }

    /// How long a request may take with all that is tried for it; 10 s by default.
    pub fn timeout(mut self, timeout: Duration) -> ClientBuilder {
        self.timeout = timeout;
        self
    }

    /// How often a request is tried again that failed on its way, or was answered 408, 429 or 5xx,
    /// beyond one try of each URL; 3 by default. The first wait is at most `wait` (200 ms), each
    /// further one at most twice the one before and at most `wait_max` (5 s), and a random part of
    /// that; `Retry-After` is obeyed.
    pub fn retries(mut self, max: u32, wait: Duration, wait_max: Duration) -> ClientBuilder {
        self.retries = Retries { max, wait, wait_max };
        self
    }

    /// How long an id or a guid that the registry does not have is not asked for again, nor a schema sent
    /// again that it has refused for a topic; 1 s by default. Records that nobody can read or write would
    /// ask for each.
    pub fn missing_ttl(mut self, ttl: Duration) -> ClientBuilder {
        self.missing_ttl = ttl;
        self
    }

    /// How many schemas are kept; 10,000 by default. When one more comes, the oldest quarter goes.
    pub fn schemas_max(mut self, max: usize) -> ClientBuilder {
        self.schemas_max = max.max(4);
        self
    }

    /// Starts with the schemas of a file that [`RegistryClient::save_schemas`] wrote, of the same
    /// registry: who reads records that name them does not need it to be there.
    pub fn schemas_from(mut self, file: impl Into<PathBuf>) -> ClientBuilder {
        self.files.push(file.into());
        self
    }

    /// Sends requests through a proxy, `http://` or `https://`. Without this, the proxy of the
    /// environment is used (`HTTPS_PROXY`, `NO_PROXY`).
    pub fn proxy(mut self, url: &str) -> ClientBuilder {
        self.proxy = Some(url.to_string());
        self
    }

    /// Uses this HTTP client; certificates and a proxy are then its own, and its time-out is that of
    /// one try. Give it `redirect::Policy::none()`: one that follows redirects itself takes headers such as
    /// an API key along to wherever they lead.
    pub fn http_client(mut self, http: reqwest::Client) -> ClientBuilder {
        self.http = Some(http);
        self
    }

    /// The client. It is an error if a URL, a certificate, a header or a file of schemas is none; the
    /// registry is not asked yet.
    pub fn build(self) -> Result<RegistryClient, ClientError> {
        let headers = self.header_map()?;
        let tokens = self.oauth.clone().map(Tokens::new).transpose()?;
        let urls = self.urls.iter().map(|text| base(text)).collect::<Result<Vec<_>, _>>()?;
        let (http, stranger) = self.http_clients()?;
        let transport = Transport {
            http,
            stranger,
            urls,
            current: AtomicUsize::new(0),
            credentials: tokens.map(Credentials::OAuth).or(self.credentials),
            headers,
            signer: self.signer,
            retries: self.retries,
            timeout: self.timeout,
            counters: Counters::default(),
        };
        let cache = Cache::new(self.missing_ttl, self.schemas_max);
        for path in &self.files {
            file::load(path, &cache)?;
        }
        Ok(RegistryClient { inner: Arc::new(Inner { transport, cache }) })
    }

    fn header_map(&self) -> Result<HeaderMap, ClientError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let key = HeaderName::try_from(name)
                .map_err(|e| ClientError::Configuration(Reason::of(e).inside(name)))?;
            let mut value = HeaderValue::try_from(value)
                .map_err(|e| ClientError::Configuration(Reason::of(e).inside(name)))?;
            value.set_sensitive(true); // not for logs: who knows what it is
            headers.append(key, value);
        }
        Ok(headers)
    }

    /// What sends requests to the registries, and what to where they redirect.
    fn http_clients(&self) -> Result<(reqwest::Client, reqwest::Client), ClientError> {
        if let Some(http) = &self.http {
            return Ok((http.clone(), http.clone()));
        }
        let http = self.http_client_with(self.identity_pem.as_deref())?;
        let stranger = match self.identity_pem {
            Some(_) => self.http_client_with(None)?,
            None => http.clone(),
        };
        Ok((http, stranger))
    }

    fn http_client_with(&self, identity: Option<&[u8]>) -> Result<reqwest::Client, ClientError> {
        let wrong = |e: reqwest::Error| ClientError::Configuration(Reason::of(e));
        // somebody else may have chosen already: then theirs it is
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none()) // the transport follows them
            .connect_timeout(self.timeout.min(Duration::from_secs(5)));
        if let Some(pem) = &self.ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(wrong)?;
            if certificates.is_empty() {
                let why = "there is no certificate in the PEM to trust";
                return Err(ClientError::Configuration(why.into()));
            }
            builder = builder.tls_certs_only(certificates);
        }
        if let Some(pem) = identity {
            builder = builder.identity(reqwest::Identity::from_pem(pem).map_err(wrong)?);
        }
        if let Some(url) = &self.proxy {
            let proxy = reqwest::Proxy::all(url).map_err(|e| {
                ClientError::Configuration(Reason::of(e).inside(&without_password(url)))
            })?;
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(wrong)
    }
}

/// The URL of a registry, which may be below a path.
fn base(text: &str) -> Result<reqwest::Url, ClientError> {
    let shown = without_password(text);
    let url = reqwest::Url::parse(text)
        .map_err(|e| ClientError::Configuration(Reason::of(e).inside(&shown)))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => {
            let why = format!("{shown}: it begins with neither http:// nor https://");
            Err(ClientError::Configuration(why.into()))
        }
    }
}

impl RegistryClient {
    /// A client of the registry at `url`, `http://` or `https://`.
    pub fn new(url: &str) -> Result<RegistryClient, ClientError> {
        RegistryClient::builder(url).build()
    }

    /// A client of the registry at `url`, to be configured.
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder {
            urls: vec![url.to_string()],
            ca_pem: None,
            identity_pem: None,
            credentials: None,
            oauth: None,
            headers: Vec::new(),
            signer: None,
            timeout: Duration::from_secs(10),
            retries: Retries {
                max: 3,
                wait: Duration::from_millis(200),
                wait_max: Duration::from_secs(5),
            },
            missing_ttl: Duration::from_secs(1),
            schemas_max: SCHEMAS_MAX,
            files: Vec::new(),
            proxy: None,
            http: None,
        }
    }

    /// Writes all schemas that the client has read by now to a file, for
    /// [`ClientBuilder::schemas_from`]. How many they are. A schema that was only registered is not
    /// among them.
    pub fn save_schemas(&self, file: impl AsRef<Path>) -> Result<usize, ClientError> {
        file::save(file.as_ref(), &self.inner.cache)
    }

    /// What the client and its clones have done so far.
    pub fn stats(&self) -> Stats {
        self.counters().stats()
    }

    pub(crate) fn missing_ttl(&self) -> Duration {
        self.inner.cache.missing_ttl()
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.inner.transport.counters
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        self.send(Method::GET, path, query, None::<&()>).await
    }

    /// Sends a request that the client has no method of its own for. It is tried, redirected and timed as
    /// all others are. `path` has the parts of the path below the registry's URL, and `query` names and values, neither of
    /// them escaped; `body` goes as JSON. An answer without a body is read as null.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let protocol = |e: serde_json::Error| ClientError::Protocol(Reason::of(e));
        let body = body.map(serde_json::to_vec).transpose().map_err(protocol)?;
        let path = path.iter().map(|part| part.to_string()).collect();
        let query = query.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let headers = runtime::headers();
        let (client, call) = (self.clone(), Call { method, path, query, body, headers });
        let span = call.span();
        let answer =
            run(async move { client.inner.transport.send(&call).await }.instrument(span)).await?;
        let answer = if answer.is_empty() { b"null" } else { &answer[..] };
        serde_json::from_slice(answer).map_err(protocol)
    }
}
