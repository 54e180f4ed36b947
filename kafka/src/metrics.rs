//! What is counted of our own connections to Kafka: one account for the process, whoever asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kafka_protocol::messages::ApiKey;
use tokio::time::Instant;
use weir_metrics::{Collect, Family, Histogram, LATENCY, Scrape, Unit};

use crate::code::Code;

weir_metrics::families! {
    REQUESTS = Family::counter(
        "weir_kafka_requests_total",
        Unit::Count("requests"),
        "Requests to Kafka over connections of our own, by operation and by what came of them. Records of the proxy go through librdkafka and are not among them.",
    )
    .by(&["operation", "result"])
    .watch("`failed` and `given_up`: brokers that are gone or hang.");
    DURATION = Family::histogram(
        "weir_kafka_request_duration_seconds",
        &LATENCY,
        "From sending a request to Kafka to its answer, by operation.",
    )
    .by(&["operation"])
    .watch("How fast Kafka answers. A `Fetch` waits for records on purpose.");
    ERRORS = Family::counter(
        "weir_kafka_errors_total",
        Unit::Count("errors"),
        "Errors in Kafka's answers to requests, by Kafka's name of the error.",
    )
    .by(&["error"])
    .watch("What Kafka refuses: rights, leaders that are being elected, topics that are not there.");
    CONNECTIONS = Family::counter(
        "weir_kafka_connections_total",
        Unit::Count("connections"),
        "Connections of our own to brokers, by whether they could be opened.",
    )
    .by(&["result"])
    .watch("`failed`: brokers that cannot be reached, or do not take the login.");
}

static ACCOUNT: Account = Account {
    operations: Mutex::new(BTreeMap::new()),
    errors: Mutex::new(BTreeMap::new()),
    opened: AtomicU64::new(0),
    failed: AtomicU64::new(0),
};

struct Account {
    /// By the number of the request in Kafka's protocol.
    operations: Mutex<BTreeMap<i16, Arc<Operation>>>,
    errors: Mutex<BTreeMap<Code, u64>>,
    /// Connections that were opened, and those that could not be.
    opened: AtomicU64,
    failed: AtomicU64,
}

struct Operation {
    answered: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
    took: Histogram,
}

/// A request that is under way; it is given up if this is dropped before it is answered or has failed.
pub(crate) struct Asked {
    operation: Arc<Operation>,
    since: Instant,
    is_settled: bool,
}

impl Asked {
    /// A request is sent, of this number in Kafka's protocol.
    pub(crate) fn begin(key: i16) -> Asked {
        let mut operations = ACCOUNT.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let (answered, failed, given_up) = Default::default();
            Arc::new(Operation { answered, failed, given_up, took: Histogram::new(&LATENCY) })
        };
        let operation = operations.entry(key).or_insert_with(new).clone();
        Asked { operation, since: Instant::now(), is_settled: false }
    }

    /// An answer has come that could be read, or nothing of use has.
    pub(crate) fn end(mut self, is_answered: bool) {
        self.is_settled = true;
        if is_answered {
            self.operation.answered.fetch_add(1, Ordering::Relaxed);
            self.operation.took.observe_time(self.since.elapsed());
        } else {
            self.operation.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.is_settled {
            self.operation.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Counts an error in an answer of Kafka's.
pub(crate) fn count_error(code: Code) {
    *ACCOUNT.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
}

/// Counts a connection that was opened, or could not be.
pub(crate) fn count_connection(is_open: bool) {
    let count = if is_open { &ACCOUNT.opened } else { &ACCOUNT.failed };
    count.fetch_add(1, Ordering::Relaxed);
}

/// The metrics of all connections of our own to Kafka.
pub struct KafkaMetrics;

impl Collect for KafkaMetrics {
    fn collect(&self, scrape: &mut Scrape) {
        FAMILIES.iter().for_each(|family| scrape.declare(family));
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let operations = ACCOUNT.operations.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (key, operation) in &operations {
            let name = ApiKey::try_from(*key).map(|key| format!("{key:?}"));
            let name = name.as_deref().unwrap_or("other");
            for (result, count) in [
                ("answered", &operation.answered),
                ("failed", &operation.failed),
                ("given_up", &operation.given_up),
            ] {
                scrape.add(&REQUESTS, &[name, result], read(count));
            }
            scrape.add(&DURATION, &[name], &operation.took);
        }
        let errors = ACCOUNT.errors.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (code, count) in errors {
            scrape.add(&ERRORS, &[&code.to_string()], count);
        }
        scrape.add(&CONNECTIONS, &["opened"], read(&ACCOUNT.opened));
        scrape.add(&CONNECTIONS, &["failed"], read(&ACCOUNT.failed));
    }
}
