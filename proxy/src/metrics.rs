//! The proxy's metrics.

use std::sync::atomic::Ordering::Relaxed;

use weir_metrics::common::{CACHE_ENTRIES, CACHE_HITS, CACHE_MISSES, LIMITS};
use weir_metrics::{Collect, Family, Group, LATENCY, Scrape, Unit};

use crate::Proxy;

/// The families of a proxy.
pub const METRICS: Group = Group {
    title: "REST proxy",
    about: "On the proxy's listeners, and on the management listener of a process that runs the role.",
    families: FAMILIES,
};

weir_metrics::families! {
    SENT = Family::counter(
        "weir_proxy_records_sent_total",
        Unit::Count("records"),
        "Records that the brokers have.",
    )
    .watch("Traffic to Kafka.");
    FAILED = Family::counter(
        "weir_proxy_records_failed_total",
        Unit::Count("records"),
        "Records that no broker took, or of which that is not known.",
    )
    .watch("Producers that are answered errors: rights, sizes, topics that are not there, or a Kafka that is gone.");
    PRODUCED_RECORDS = Family::counter(
        "weir_proxy_produced_records_total",
        Unit::Count("records"),
        "Records that the brokers have, by the API and the format of their values.",
    )
    .by(&["api", "format"])
    .watch("Who uses which API.");
    PRODUCED_BYTES = Family::counter(
        "weir_proxy_produced_bytes_total",
        Unit::Bytes,
        "Bytes of keys and values of records that the brokers have, by the API and the format of their values.",
    )
    .by(&["api", "format"])
    .watch("Bandwidth to Kafka, before compression.");
    CONSUMED_RECORDS = Family::counter(
        "weir_proxy_consumed_records_total",
        Unit::Count("records"),
        "Records that were put into answers, by the API and the format of their values.",
    )
    .by(&["api", "format"])
    .watch("What consumers read.");
    CONSUMED_BYTES = Family::counter(
        "weir_proxy_consumed_bytes_total",
        Unit::Bytes,
        "Bytes of keys and values of records that were consumed, as they are in Kafka.",
    )
    .by(&["api", "format"])
    .watch("Bandwidth to consumers.");
    DELIVERY = Family::histogram(
        "weir_proxy_delivery_duration_seconds",
        &LATENCY,
        "From a produce request's records to the last delivery report of them.",
    )
    .watch("How fast Kafka acknowledges. It is the largest part of a produce request's time.");
    QUEUED = Family::gauge(
        "weir_proxy_send_queue_records",
        Unit::Count("records"),
        "Records that wait to be handed to a producer, by its acks.",
    )
    .by(&["acks"])
    .watch("It grows while Kafka is slower than the clients.");
    IN_FLIGHT = Family::gauge(
        "weir_proxy_records_in_flight",
        Unit::Count("records"),
        "Records that a producer has and no broker has acknowledged, by its acks.",
    )
    .by(&["acks"])
    .watch("It stays where a broker hangs.");
    INSTANCES = Family::gauge(
        "weir_proxy_consumer_instances",
        Unit::Count("instances"),
        "Consumer instances.",
    )
    .watch("Instances that clients do not delete: they grow until they time out.");
    CONNECTED = Family::gauge(
        "weir_proxy_consumer_instances_connected",
        Unit::Count("instances"),
        "Consumer instances with a client of Kafka.",
    )
    .watch("How near it is to `weir_proxy_consumer_instances_connected_max`.");
    RESTING = Family::gauge(
        "weir_proxy_consumer_instances_resting",
        Unit::Count("instances"),
        "Consumer instances without a client of Kafka.",
    )
    .watch("Instances that nobody asks for.");
    CONNECTED_MAX = Family::gauge(
        "weir_proxy_consumer_instances_connected_max",
        Unit::Count("instances"),
        "Consumer instances that may have a client of Kafka at once.",
    )
    .watch("The bound to compare with.");
    READING = Family::gauge(
        "weir_proxy_consumer_instances_by_source",
        Unit::Count("instances"),
        "Consumer instances, by what they read: nothing, a subscription, a pattern or an assignment.",
    )
    .by(&["source"])
    .watch("`nothing`: clients that make an instance and do not subscribe.");
    REFUSED = Family::counter(
        "weir_proxy_consumer_instances_refused_total",
        Unit::Count("requests"),
        "Requests for which no client of Kafka was free.",
    )
    .watch("More instances are read at the same time than there are clients for.");
    LIMITED = Family::counter(
        "weir_proxy_rate_limited_total",
        Unit::Count("requests"),
        "Requests and records over the limit, by principal; those of all others but the first hundred together.",
    )
    .by(&["principal"])
    .watch("Who drives against `--rate-limit-requests-per-sec` or `--rate-limit-bytes-per-sec`.");
    REGISTRY_REQUESTS = Family::counter(
        "weir_proxy_registry_requests_total",
        Unit::Count("requests"),
        "Requests to the schema registry, each try of one.",
    )
    .watch("Schemas that are not in the cache.");
    REGISTRY_FAILURES = Family::counter(
        "weir_proxy_registry_failures_total",
        Unit::Count("requests"),
        "Requests to the schema registry that had no good answer in the end.",
    )
    .watch("A registry that is gone, or clients that name schemas that are not there.");
}

impl Collect for Proxy {
    fn collect(&self, scrape: &mut Scrape) {
        FAMILIES.iter().for_each(|family| scrape.declare(family));
        self.collect_produced(scrape);
        self.consumed.collect(&CONSUMED_RECORDS, &CONSUMED_BYTES, scrape);
        self.collect_instances(scrape);
        let limited = self.limits.refused();
        let all: u64 = limited.values().sum();
        scrape.add(&LIMITS, &["rate_limits"], all);
        for (principal, count) in limited {
            scrape.add(&LIMITED, &[&principal], count);
        }
        let stats = self.schemas.stats();
        scrape.set(&REGISTRY_REQUESTS, stats.requests);
        scrape.set(&REGISTRY_FAILURES, stats.failures);
        let cache = self.schemas.cache();
        scrape.add(&CACHE_HITS, &["proxy_schemas"], cache.hits.load(Relaxed));
        scrape.add(&CACHE_MISSES, &["proxy_schemas"], cache.misses.load(Relaxed));
        scrape.add(&CACHE_ENTRIES, &["proxy_schemas"], self.schemas.entries());
    }
}

impl Proxy {
    fn collect_produced(&self, scrape: &mut Scrape) {
        let producers = &self.brokers.own().producers;
        let counts = producers.counts();
        scrape.set(&SENT, counts.sent.load(Relaxed));
        scrape.set(&FAILED, counts.failed.load(Relaxed));
        counts.produced.collect(&PRODUCED_RECORDS, &PRODUCED_BYTES, scrape);
        scrape.set(&DELIVERY, &counts.deliveries);
        for (acks, waiting, in_flight) in producers.loads() {
            scrape.add(&QUEUED, &[acks], waiting);
            scrape.add(&IN_FLIGHT, &[acks], in_flight);
        }
    }

    fn collect_instances(&self, scrape: &mut Scrape) {
        let instances = self.instances.all();
        let awake = instances.iter().filter(|instance| instance.is_awake()).count();
        let clients = &self.brokers.own().clients;
        scrape.set(&INSTANCES, instances.len());
        scrape.set(&CONNECTED, awake);
        scrape.set(&RESTING, instances.len().saturating_sub(awake));
        scrape.set(&CONNECTED_MAX, clients.connected_max());
        scrape.set(&REFUSED, clients.refused());
        scrape.add(&LIMITS, &["consumer_instances_connected"], clients.refused());
        for source in ["nothing", "subscription", "pattern", "assignment"] {
            let of_source =
                instances.iter().filter(|session| session.instance().source_name() == source);
            scrape.add(&READING, &[source], of_source.count());
        }
    }
}
