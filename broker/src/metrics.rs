//! The broker's metrics.

use std::collections::HashMap;

use kafka_protocol::messages::ApiKey;
use weir_metrics::{Collect, Family, Group, Scrape, Unit};

use crate::server::Broker;

/// The families of a broker.
pub const METRICS: Group = Group {
    title: "Broker",
    about: "On the management listener of `weir dev`.",
    families: FAMILIES,
};

weir_metrics::families! {
    REQUESTS = Family::counter(
        "weir_broker_requests_total",
        Unit::Count("requests"),
        "Requests of clients, by the API of Kafka's protocol.",
    )
    .by(&["api"])
    .watch("Who asks what; many of Metadata or FindCoordinator are clients that cannot go on.");
    CONNECTIONS = Family::gauge(
        "weir_broker_connections",
        Unit::Count("connections"),
        "Connections of clients, those of registry and proxy of the process among them.",
    )
    .watch("Clients that open one connection after the other.");
    TOPICS = Family::gauge("weir_broker_topics", Unit::Count("topics"), "Topics.")
        .watch("Topics that tests leave behind.");
    PARTITIONS = Family::gauge(
        "weir_broker_partitions",
        Unit::Count("partitions"),
        "Partitions of all topics.",
    )
    .watch("There is a bound of 20,000.");
    LOG_BYTES = Family::gauge(
        "weir_broker_log_bytes",
        Unit::Bytes,
        "Bytes of the logs of all partitions.",
    )
    .watch("Disk, or with `--ephemeral` memory, that topics take.");
    GROUPS = Family::gauge(
        "weir_broker_groups",
        Unit::Count("groups"),
        "Consumer groups that have had members.",
    )
    .watch("Groups that tests leave behind.");
}

/// How much there is of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// Requests that have come, by the number of their API.
    pub requests: HashMap<i16, u64>,
    pub connections: u64,
    pub topics: u64,
    pub partitions: u64,
    pub log_bytes: u64,
    pub groups: u64,
}

impl Collect for Broker {
    fn collect(&self, scrape: &mut Scrape) {
        FAMILIES.iter().for_each(|family| scrape.declare(family));
        let census = self.shell().census();
        for (api, count) in census.requests {
            if let Ok(api) = ApiKey::try_from(api) {
                scrape.add(&REQUESTS, &[&format!("{api:?}")], count);
            }
        }
        scrape.set(&CONNECTIONS, census.connections);
        scrape.set(&TOPICS, census.topics);
        scrape.set(&PARTITIONS, census.partitions);
        scrape.set(&LOG_BYTES, census.log_bytes);
        scrape.set(&GROUPS, census.groups);
    }
}
