//! The shapes that all of API v3 has: resources with their own address, lists in pages, links.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use weir_http::Caller;
use weir_kafka::admin::Admin;

use crate::Proxy;
use crate::broker::Broker;
use crate::error::ProxyError;
use crate::http::answer::Refused;
use crate::http::encoded;
use crate::http::request::{BaseUrl, ClusterId, Query};

/// A cluster's place in the API, as the client reaches it, and the clients of it that act for the request's caller.
pub(crate) struct Site {
    /// `http://localhost:8082/v3`
    base: String,
    cluster: String,
    page: Page,
    broker: Arc<Broker>,
    /// The authority of resource names, which may be empty.
    authority: Arc<str>,
}

/// What of a list is asked for: `page_size` items behind `page_token`; without both, all of it.
#[derive(Clone, Default)]
struct Page {
    size: Option<usize>,
    /// The last item before.
    after: Option<String>,
}

/// A part of a path: `["topics", "flights", "partitions", "0"]`.
pub(crate) type Place<'a> = &'a [&'a str];

/// `{"kind", "metadata": {"self", "resource_name"}, "cluster_id", ..}`.
#[derive(Serialize)]
pub(crate) struct Resource<T> {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    #[serde(flatten)]
    fields: T,
}

#[derive(Serialize)]
struct Metadata {
    #[serde(rename = "self")]
    url: String,
    resource_name: String,
}

/// `{"kind", "metadata": {"self", "next"}, "data": [..]}`; `next` is the address of the next page.
#[derive(Serialize)]
pub(crate) struct List<T> {
    kind: &'static str,
    metadata: ListMetadata,
    data: Vec<T>,
}

#[derive(Serialize)]
struct ListMetadata {
    #[serde(rename = "self")]
    url: String,
    next: Option<String>,
}

/// `{"related": "<url>"}`.
#[derive(Serialize)]
pub(crate) struct Link {
    related: String,
}

/// Which page of a list is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Paging {
    page_size: Option<String>,
    page_token: Option<String>,
}

/// Where a request is: `http://localhost:8082/v3`, the cluster that its path names, its page, and what asks Kafka for it.
pub(crate) struct Here {
    base: String,
    cluster: Option<String>,
    page: Page,
    broker: Arc<Broker>,
    authority: Arc<str>,
}

impl FromRequestParts<Proxy> for Here {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Refused> {
        let Ok(BaseUrl(url)) = BaseUrl::from_request_parts(parts, proxy).await;
        let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        let prefix = if original.path().starts_with("/kafka/") { "/kafka" } else { "" };
        let Query(asked) = Query::<Paging>::from_request_parts(parts, proxy).await?;
        let page = Page {
            // as in the reference, what is no size says nothing
            size: asked.page_size.and_then(|size| size.parse().ok()).filter(|n| *n > 0),
            after: asked.page_token.as_deref().map(unsealed).transpose()?,
        };
        let cluster = ClusterId::from_request_parts(parts, proxy).await;
        let cluster = cluster.ok().map(|ClusterId(cluster)| cluster);
        let broker = proxy.brokers.of(&Caller::of(&parts.extensions)).clone();
        let authority = proxy.config.resource_name_authority.clone();
        Ok(Here { base: format!("{url}{prefix}/v3"), cluster, page, broker, authority })
    }
}

impl Here {
    /// The place of the cluster that the path names, which has to be the one behind the proxy. 404.
    pub(crate) async fn site(self) -> Result<Site, ProxyError> {
        let Here { base, cluster, page, broker, authority } = self;
        let cluster = cluster.ok_or(ProxyError::NotFound)?;
        if broker.cluster.id().await? != cluster {
            let reason = format!("Cluster {cluster} cannot be found.");
            return Err(ProxyError::Missing { reason });
        }
        Ok(Site { base, cluster, page, broker, authority })
    }

    /// The place of a cluster that the path does not name.
    pub(crate) fn site_of(&self, cluster: &str) -> Site {
        let (base, page, broker) = (self.base.clone(), self.page.clone(), self.broker.clone());
        Site { base, cluster: cluster.to_string(), page, broker, authority: self.authority.clone() }
    }

    pub(crate) fn kafka(&self) -> &Admin {
        &self.broker.cluster
    }

    /// The list of the one cluster.
    pub(crate) fn clusters<T: Serialize>(&self, cluster: T) -> List<T> {
        let url = format!("{}/clusters", self.base);
        let metadata = ListMetadata { url, next: None };
        List { kind: "KafkaClusterList", metadata, data: vec![cluster] }
    }
}

impl Site {
    /// The cluster's id.
    pub(crate) fn cluster(&self) -> &str {
        &self.cluster
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    /// What the cluster is asked with.
    pub(crate) fn kafka(&self) -> &Admin {
        &self.broker.cluster
    }

    pub(crate) fn url(&self, place: Place<'_>) -> String {
        let mut url = format!("{}/clusters/{}", self.base, encoded(&self.cluster));
        for part in place {
            url.push('/');
            url.push_str(&encoded(part));
        }
        url
    }

    pub(crate) fn link(&self, place: Place<'_>) -> Link {
        Link { related: self.url(place) }
    }

    pub(crate) fn resource<T>(
        &self,
        kind: &'static str,
        place: Place<'_>,
        fields: T,
    ) -> Resource<T> {
        self.resource_at(kind, self.url(place), place, fields)
    }

    /// As `resource`, of another address than its place.
    pub(crate) fn resource_at<T>(
        &self,
        kind: &'static str,
        url: String,
        place: Place<'_>,
        fields: T,
    ) -> Resource<T> {
        let metadata = Metadata { url, resource_name: self.name(place) };
        Resource { kind, metadata, cluster_id: self.cluster.clone(), fields }
    }

    /// `crn:///kafka=<cluster>/topic=flights/partition=0`.
    fn name(&self, place: Place<'_>) -> String {
        let mut name = format!("crn://{}/kafka={}", self.authority, self.cluster);
        let mut parts = place.iter();
        while let Some(kind) = parts.next() {
            name.push('/');
            match parts.next() {
                Some(id) => {
                    let kind = kind.strip_suffix('s').unwrap_or(kind);
                    name.push_str(&format!("{kind}={id}"));
                }
                None => name.push_str(kind),
            }
        }
        name
    }

    /// The page that was asked for of items that are sorted by their keys.
    pub(crate) fn list<T>(
        &self,
        kind: &'static str,
        place: Place<'_>,
        items: impl IntoIterator<Item = (String, T)>,
    ) -> List<T> {
        self.list_at(kind, self.url(place), items)
    }

    /// As `list`, of an address that is not a place.
    pub(crate) fn list_at<T>(
        &self,
        kind: &'static str,
        url: String,
        items: impl IntoIterator<Item = (String, T)>,
    ) -> List<T> {
        let after = self.page.after.as_deref();
        let mut rest = items.into_iter().filter(|(key, _)| after.is_none_or(|a| key.as_str() > a));
        let size = self.page.size.unwrap_or(usize::MAX);
        let mut last = None;
        let mut data = Vec::new();
        for (key, item) in rest.by_ref().take(size) {
            data.push(item);
            last = Some(key);
        }
        let next = match (rest.next(), last) {
            (Some(_), Some(last)) => {
                let and = if url.contains('?') { '&' } else { '?' };
                Some(format!("{url}{and}page_size={size}&page_token={}", sealed(&last)))
            }
            _ => None,
        };
        List { kind, metadata: ListMetadata { url, next }, data }
    }
}

impl<T> List<T> {
    pub(crate) fn items(&self) -> &[T] {
        &self.data
    }

    /// This page with other items: what was found of each of its own.
    pub(crate) fn of<U>(self, data: Vec<U>) -> List<U> {
        List { kind: self.kind, metadata: self.metadata, data }
    }
}

/// A number as a key that sorts as the number does.
pub(crate) fn key(number: i32) -> String {
    format!("{:010}", i64::from(number))
}

/// Keys of several parts; no name has a character before it.
pub(crate) fn keys(parts: &[&str]) -> String {
    parts.join("\u{0}")
}

fn sealed(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// 400.
fn unsealed(token: &str) -> Result<String, ProxyError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| ProxyError::BadRequest {
        reason: "page_token is none that was given".to_string(),
    })
}
