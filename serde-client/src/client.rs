//! The registry's endpoints, typed.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_registry_api::{
    CompatibilityAnswer, CompatibilityLevel, Config, ConfigUpdate, ErrorBody, Guid, MEDIA_TYPES,
    Mode, ModeBody, RegisterRequest, RegisterResponse, Schema, SchemaId, SchemaString, Subject,
    SubjectVersion, Version, VersionSpec,
};

use crate::cache::{AvroCodec, Cache};
use crate::error::ClientError;

/// A client of one registry. Cheap to clone; clones share connections and caches.
#[derive(Clone)]
pub struct RegistryClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    url: String,
    cache: Cache,
}

/// What a client is made of, where the defaults do not fit.
pub struct ClientBuilder {
    url: String,
    ca_pem: Option<Vec<u8>>,
    timeout: Duration,
    http: Option<reqwest::Client>,
}

impl ClientBuilder {
    /// Trusts the certificates of this PEM, and no others.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> ClientBuilder {
        self.ca_pem = Some(pem.into());
        self
    }

    /// How long one request may take, connecting included; 10 s by default.
    pub fn timeout(mut self, timeout: Duration) -> ClientBuilder {
        self.timeout = timeout;
        self
    }

    /// Uses this HTTP client; certificates and time-outs are then its own.
    pub fn http_client(mut self, http: reqwest::Client) -> ClientBuilder {
        self.http = Some(http);
        self
    }

    pub fn build(self) -> Result<RegistryClient, ClientError> {
        let wrong = |e: &dyn std::fmt::Display| ClientError::Configuration(e.to_string());
        reqwest::Url::parse(&self.url).map_err(|e| wrong(&format!("{}: {e}", self.url)))?;
        let http = match self.http {
            Some(http) => http,
            None => {
                // somebody else may have chosen already: then theirs it is
                let _ = rustls::crypto::ring::default_provider().install_default();
                let mut builder = reqwest::Client::builder()
                    .timeout(self.timeout)
                    .connect_timeout(self.timeout.min(Duration::from_secs(5)));
                if let Some(pem) = &self.ca_pem {
                    let certificates =
                        reqwest::Certificate::from_pem_bundle(pem).map_err(|e| wrong(&e))?;
                    builder = builder.tls_certs_only(certificates);
                }
                builder.build().map_err(|e| wrong(&reason(e)))?
            }
        };
        let url = self.url.trim_end_matches('/').to_string();
        Ok(RegistryClient { inner: Arc::new(Inner { http, url, cache: Cache::default() }) })
    }
}

impl RegistryClient {
    /// A client of the registry at `url`, `http://` or `https://`.
    pub fn new(url: &str) -> Result<RegistryClient, ClientError> {
        RegistryClient::builder(url).build()
    }

    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder {
            url: url.to_string(),
            ca_pem: None,
            timeout: Duration::from_secs(10),
            http: None,
        }
    }

    /// Names of subjects that begin with `prefix`.
    pub async fn subjects(&self, prefix: &str) -> Result<Vec<Subject>, ClientError> {
        self.get(&["subjects"], &[("subjectPrefix", prefix)]).await
    }

    /// Numbers of a subject's versions.
    pub async fn versions(&self, subject: &Subject) -> Result<Vec<Version>, ClientError> {
        self.get(&["subjects", subject.as_str(), "versions"], &[]).await
    }

    /// A version of a subject.
    pub async fn version(
        &self,
        subject: &Subject,
        version: VersionSpec,
    ) -> Result<Schema, ClientError> {
        let version = match version {
            VersionSpec::Latest => "latest".to_string(),
            VersionSpec::Number(number) => number.to_string(),
        };
        self.get(&["subjects", subject.as_str(), "versions", &version], &[]).await
    }

    /// Registers a schema, or finds it if it is there already.
    pub async fn register(
        &self,
        subject: &Subject,
        request: &RegisterRequest,
        normalize: bool,
    ) -> Result<RegisterResponse, ClientError> {
        let path = ["subjects", subject.as_str(), "versions"];
        self.send(Method::POST, &path, &normalized(normalize), Some(request)).await
    }

    /// The version under which a subject has a schema; error code 40403 if it has not.
    pub async fn lookup(
        &self,
        subject: &Subject,
        request: &RegisterRequest,
        normalize: bool,
    ) -> Result<Schema, ClientError> {
        let path = ["subjects", subject.as_str()];
        self.send(Method::POST, &path, &normalized(normalize), Some(request)).await
    }

    /// Whether a schema would be compatible with a version, and if not, why.
    pub async fn check_compatibility(
        &self,
        subject: &Subject,
        version: VersionSpec,
        request: &RegisterRequest,
    ) -> Result<CompatibilityAnswer, ClientError> {
        let version = match version {
            VersionSpec::Latest => "latest".to_string(),
            VersionSpec::Number(number) => number.to_string(),
        };
        let path = ["compatibility", "subjects", subject.as_str(), "versions", &version];
        self.send(Method::POST, &path, &[("verbose", "true")], Some(request)).await
    }

    /// Deletes a subject: softly, or for good once it is soft-deleted.
    pub async fn delete_subject(
        &self,
        subject: &Subject,
        permanent: bool,
    ) -> Result<Vec<Version>, ClientError> {
        let permanent = if permanent { "true" } else { "false" };
        let path = ["subjects", subject.as_str()];
        self.send(Method::DELETE, &path, &[("permanent", permanent)], None::<&()>).await
    }

    /// Deletes a version: softly, or for good once it is soft-deleted.
    pub async fn delete_version(
        &self,
        subject: &Subject,
        version: Version,
        permanent: bool,
    ) -> Result<Version, ClientError> {
        let permanent = if permanent { "true" } else { "false" };
        let version = version.to_string();
        let path = ["subjects", subject.as_str(), "versions", &version];
        self.send(Method::DELETE, &path, &[("permanent", permanent)], None::<&()>).await
    }

    /// The schema of an id, as the registry has it; not cached.
    pub async fn schema_by_id(&self, id: SchemaId) -> Result<SchemaString, ClientError> {
        self.get(&["schemas", "ids", &id.to_string()], &[]).await
    }

    /// The schema of a guid; not cached.
    pub async fn schema_by_guid(&self, guid: Guid) -> Result<SchemaString, ClientError> {
        self.get(&["schemas", "guids", &guid.to_string()], &[]).await
    }

    /// Subjects and versions that use the schema of an id.
    pub async fn versions_of_id(&self, id: SchemaId) -> Result<Vec<SubjectVersion>, ClientError> {
        self.get(&["schemas", "ids", &id.to_string(), "versions"], &[]).await
    }

    /// The compatibility that holds for a subject, or globally.
    pub async fn config(&self, subject: Option<&Subject>) -> Result<Config, ClientError> {
        match subject {
            None => self.get(&["config"], &[]).await,
            Some(subject) => {
                self.get(&["config", subject.as_str()], &[("defaultToGlobal", "true")]).await
            }
        }
    }

    /// Sets the compatibility level of a subject, or the global one.
    pub async fn set_compatibility(
        &self,
        subject: Option<&Subject>,
        level: CompatibilityLevel,
    ) -> Result<(), ClientError> {
        let update = ConfigUpdate {
            compatibility: Some(Some(level.name().into())),
            ..ConfigUpdate::default()
        };
        let path: Vec<&str> =
            std::iter::once("config").chain(subject.map(Subject::as_str)).collect();
        self.send::<serde_json::Value>(Method::PUT, &path, &[], Some(&update)).await.map(drop)
    }

    /// The mode that holds for a subject, or globally.
    pub async fn mode(&self, subject: Option<&Subject>) -> Result<Mode, ClientError> {
        let body: ModeBody = match subject {
            None => self.get(&["mode"], &[]).await?,
            Some(subject) => {
                self.get(&["mode", subject.as_str()], &[("defaultToGlobal", "true")]).await?
            }
        };
        Ok(body.mode)
    }

    /// The Avro schema of an id, ready to read and write with. Asked for once, however many ask at
    /// the same time, and kept: an id never changes its meaning. Failures are not kept.
    pub async fn avro_codec(&self, id: SchemaId) -> Result<Arc<AvroCodec>, ClientError> {
        self.inner.cache.codec(self, id).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        self.send(Method::GET, path, query, None::<&()>).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let transport = |e: reqwest::Error| ClientError::Transport(reason(e));
        let mut url = reqwest::Url::parse(&self.inner.url)
            .map_err(|e| ClientError::Configuration(e.to_string()))?;
        url.path_segments_mut()
            .map_err(|()| ClientError::Configuration("the URL has no path".into()))?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.inner.http.request(method, url).header("accept", MEDIA_TYPES[0]);
        if let Some(body) = body {
            let body =
                serde_json::to_vec(body).map_err(|e| ClientError::Protocol(e.to_string()))?;
            request = request.header("content-type", MEDIA_TYPES[0]).body(body);
        }
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(transport)?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|e| ClientError::Protocol(e.to_string()));
        }
        Err(match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(ErrorBody { error_code, message }) => {
                ClientError::Registry { status: status.as_u16(), code: error_code, message }
            }
            Err(_) => ClientError::Protocol(format!("HTTP {status} without an error body")),
        })
    }
}

fn normalized(normalize: bool) -> [(&'static str, &'static str); 1] {
    [("normalize", if normalize { "true" } else { "false" })]
}

/// An error with its causes: reqwest's own text says only that there was one.
fn reason(error: reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
