//! A running registry over HTTP, whatever registry it is. A request is tried until it is answered, or was
//! tried often enough.

use std::time::Duration;

use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use weir_serde::{RegistryClient, without_password};

use crate::error::MigrateError;
use crate::failure::Failure;

/// Requests at a time. A registry in use is not to notice.
pub const CONCURRENCY: usize = 8;

/// How long a request may take, with all that is tried for it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Tries after the first one.
const RETRIES_MAX: u32 = 5;

/// The longest first wait between two tries, and the longest of all.
const WAIT: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// A registry that is read or filled.
pub struct Api {
    client: RegistryClient,
    base: Url,
}

/// Names and values behind a path.
pub type Query<'a> = [(&'a str, &'a str)];

impl Api {
    /// A client of the registry at a URL. `ca_pem` has certificates to trust instead of the system's.
    pub fn new(base: &Url, ca_pem: Option<&[u8]>) -> Result<Api, MigrateError> {
        let mut builder = RegistryClient::builder(base.as_str()).timeout(TIMEOUT).retries(
            RETRIES_MAX,
            WAIT,
            WAIT_MAX,
        );
        if let Some(pem) = ca_pem {
            builder = builder.ca_pem(pem);
        }
        let url = without_password(base.as_str());
        let client = builder.build().map_err(|error| MigrateError::Client { url, error })?;
        Ok(Api { client, base: base.clone() })
    }

    /// Asks for the subjects, to see whether a registry answers.
    pub async fn check(&self) -> Result<(), MigrateError> {
        match self.get::<Vec<String>>(&["subjects"], &[]).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_absence() => {
                let url = without_password(self.base.as_str());
                Err(MigrateError::NoRegistry {
                    url: url.trim_end_matches('/').to_string(),
                    failure,
                })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Reads what is at a path.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query<'_>,
    ) -> Result<T, Failure> {
        self.send(Method::GET, path, query, None::<&()>).await
    }

    /// Reads what is at a path. None where there is no such thing, also because the registry does not know of
    /// such things.
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

    /// Sends a body, and reads the answer.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// Puts something at a path.
    pub async fn put(
        &self,
        path: &[&str],
        query: &Query<'_>,
        body: &impl Serialize,
    ) -> Result<(), Failure> {
        self.send::<IgnoredAny>(Method::PUT, path, query, Some(body)).await?;
        Ok(())
    }

    /// Deletes what is at a path.
    pub async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.send::<IgnoredAny>(Method::DELETE, path, &[], None::<&()>).await?;
        Ok(())
    }

    /// Sends a request. All that is asked here may be asked again: nothing happens twice.
    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &Query<'_>,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let answer = self.client.send(method.clone(), path, query, body).await;
        answer.map_err(|error| Failure { request: self.shown(&method, path, query), error })
    }

    /// What an error calls a request.
    fn shown(&self, method: &Method, path: &[&str], query: &Query<'_>) -> String {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        format!("{method} {}", without_password(url.as_str()).trim_end_matches('/'))
    }
}
