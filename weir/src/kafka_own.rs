//! Settings of Kafka's Java clients that mean something else where they are the registry's log's, or the proxy's consumers'.

use std::collections::BTreeMap;

use crate::kafka_names::Fate::{self, Elsewhere, Ignored, Refused};

/// What the registry's log has otherwise than the proxy: an empty setting is none, and it has neither a consumer group nor a
/// producer of librdkafka's.
pub fn of_log(name: &str, value: &str, java: &BTreeMap<String, &str>) -> Option<Fate> {
    let is_pem =
        java.get("ssl.keystore.type").is_some_and(|t| t.trim().eq_ignore_ascii_case("PEM"));
    match name {
        _ if value.trim().is_empty() && name != "ssl.endpoint.identification.algorithm" => {
            Some(Ignored("it is empty"))
        }
        // of consumers and producers, which the log has its own of
        "enable.auto.commit"
        | "auto.commit.interval.ms"
        | "auto.offset.reset"
        | "max.poll.records"
        | "max.poll.interval.ms"
        | "group.instance.id"
        | "group.protocol"
        | "group.remote.assignor"
        | "session.timeout.ms"
        | "heartbeat.interval.ms"
        | "partition.assignment.strategy"
        | "share.acknowledgement.mode"
        | "isolation.level" => {
            Some(Ignored("the topic is read without a consumer group, from its beginning"))
        }
        "acks"
        | "linger.ms"
        | "batch.size"
        | "buffer.memory"
        | "compression.type"
        | "compression.gzip.level"
        | "compression.lz4.level"
        | "compression.zstd.level"
        | "delivery.timeout.ms"
        | "max.in.flight.requests.per.connection"
        | "max.request.size"
        | "enable.idempotence"
        | "max.block.ms"
        | "retries" => Some(Ignored(
            "the topic is written by a producer that waits for all replicas, and tries again itself",
        )),
        "ssl.cipher.suites" => Some(Ignored(
            "all suites of TLS 1.3 are spoken, and those of TLS 1.2 with forward secrecy and AEAD",
        )),
        "default.api.timeout.ms" => Some(Ignored("kafkastore.init.timeout.ms says it")),
        "ssl.key.password" if is_pem => {
            Some(Refused("write the key without a password: openssl pkey -in FILE"))
        }
        _ => None,
    }
}

/// Settings of the proxy's own that begin with `consumer.`.
pub fn of_proxy(name: &str) -> Option<Fate> {
    match name {
        "instance.timeout.ms"
        | "instances.connected"
        | "request.timeout.ms"
        | "request.max.bytes"
        | "threads"
        | "iterator.timeout.ms"
        | "iterator.backoff.ms" => Some(Elsewhere),
        _ => None,
    }
}
