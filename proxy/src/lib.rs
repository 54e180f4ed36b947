//! The REST proxy: Confluent's REST Proxy API, v2 and v3, over Kafka.
//!
//! A request goes `http` -> `format` (JSON to bytes and back) -> [`Broker`] -> `http`.

mod broker;
mod clients;
mod codec;
mod consumer;
mod counts;
mod error;
mod faults;
mod format;
mod http;
mod limits;
mod metrics;
mod produce;
mod producer;
mod reach;
mod reader;
mod record;
mod registry_for;
mod schemas;
mod send_queue;
mod steps;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

pub use broker::{Broker, ClientSettings};
pub use error::ProxyError;
pub use http::router;
pub use limits::RateLimits;
pub use metrics::METRICS;
pub use registry_for::RegistryFor;

use broker::Brokers;
use consumer::Instances;
use counts::RecordCounts;
use limits::Limits;
use schemas::SchemasOfCallers;
use tokio::sync::watch;
use weir_http::health::Check;

/// A running proxy. Cheap to clone.
#[derive(Clone)]
pub struct Proxy(Arc<Parts>);

/// What all requests share; nothing of it is for others.
#[doc(hidden)]
pub struct Parts {
    pub(crate) brokers: Brokers,
    pub(crate) schemas: SchemasOfCallers,
    pub(crate) instances: Arc<Instances>,
    pub(crate) limits: Limits,
    /// Records that were put into answers.
    pub(crate) consumed: RecordCounts,
    /// Whether streams are to end.
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) config: ProxyConfig,
}

impl Deref for Proxy {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What a proxy may be told.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// A consumer instance that nobody has asked for so long is closed; Confluent's default is
    /// 5 minutes.
    pub consumer_instance_timeout: Duration,
    /// Where clients reach this proxy, for `base_uri`; without it, what the client asked for.
    pub advertised_url: Option<String>,
    /// Do as the reference where Weir does better: see `docs/differences.md`.
    pub confluent_quirks: bool,
    /// What each principal may ask for.
    pub rate_limits: RateLimits,
    /// What consumer instances do where neither they nor a request say otherwise.
    pub consumers: ConsumerDefaults,
    /// Records that a batch of API v3 may have, at most 50.
    pub batch_entries_max: usize,
    /// The authority in the `crn://` names of resources; empty: none.
    pub resource_name_authority: Arc<str>,
    /// Whether API v2 is there.
    pub v2: bool,
    /// Whether API v3 is there.
    pub v3: bool,
}

/// What consumer instances do where neither they nor a request say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerDefaults {
    /// Bytes that a read waits for; -1: it waits until its time is over. None: 1, or -1 with `confluent_quirks`.
    pub min_bytes: Option<i64>,
    /// How long a read waits.
    pub request_timeout: Duration,
    /// Bytes of records that one read answers, at most 64 MiB.
    pub request_bytes_max: usize,
}

impl Default for ConsumerDefaults {
    fn default() -> Self {
        ConsumerDefaults {
            min_bytes: None,
            request_timeout: consumer::REQUEST_TIMEOUT,
            request_bytes_max: http::READ_BYTES_MAX,
        }
    }
}

impl Default for ProxyConfig {
    fn default() -> Self {
        ProxyConfig {
            consumer_instance_timeout: Duration::from_secs(300),
            advertised_url: None,
            confluent_quirks: false,
            rate_limits: RateLimits::default(),
            consumers: ConsumerDefaults::default(),
            batch_entries_max: http::BATCH_MAX,
            resource_name_authority: Arc::from(""),
            v2: true,
            v3: true,
        }
    }
}

impl Proxy {
    /// A proxy in front of `broker`; `registry`, a client or one for each caller, is asked for schemas. To be called on
    /// a runtime: a task that closes idle consumer instances is started.
    pub fn new(broker: Broker, registry: impl Into<RegistryFor>, config: ProxyConfig) -> Proxy {
        let instances = Arc::new(Instances::default());
        tokio::spawn(consumer::reap(Arc::downgrade(&instances)));
        tokio::spawn(consumer::follow(Arc::downgrade(&instances)));
        let brokers = Brokers::new(broker);
        let own = brokers.own();
        tokio::spawn(consumer::make_room(Arc::downgrade(&instances), own.clients.clone()));
        tokio::spawn(broker::keep_asking(Arc::downgrade(own)));
        Proxy(Arc::new(Parts {
            brokers,
            schemas: SchemasOfCallers::new(registry.into()),
            instances,
            limits: Limits::new(config.rate_limits),
            consumed: RecordCounts::default(),
            ending: watch::Sender::new(false),
            config,
        }))
    }

    /// What this proxy depends on, as it was found last, for probes: whether Kafka could be reached.
    pub fn checks(&self) -> Vec<Arc<Check>> {
        vec![self.brokers.own().check().clone()]
    }

    /// Reads that wait for records are answered with what there is, and streams of records end with
    /// the reports of what has come.
    pub fn end_waiting(&self) {
        self.ending.send_replace(true);
        for instance in self.instances.all() {
            instance.end_waiting();
        }
    }

    /// Ends well: what was sent is acknowledged, consumers leave their groups.
    pub async fn shut_down(&self, timeout: Duration) {
        let closing: Vec<_> = self.instances.clear().into_iter().map(consumer::close).collect();
        let closed = futures_util::future::join_all(closing);
        if tokio::time::timeout(timeout, closed).await.is_err() {
            tracing::warn!("some consumers have not left their groups in time");
        }
        self.brokers.own().producers.flush(timeout).await;
    }
}
