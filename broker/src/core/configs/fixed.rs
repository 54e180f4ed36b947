//! The configs of the broker that its settings say, by Kafka's names.

use crate::core::{CoreSettings, NODE};
use crate::log::LogConfig;

impl CoreSettings {
    /// The value that this broker was started with. `None` leaves it at Kafka's default.
    pub(crate) fn broker_config(&self, name: &str) -> Option<String> {
        if let Some(value) = self.configs.get(name) {
            return Some(value.clone());
        }
        let log = LogConfig::default();
        let value = match name {
            "auto.create.topics.enable" => self.auto_create_topics.to_string(),
            "broker.id" | "node.id" => NODE.0.to_string(),
            "default.replication.factor" | "transaction.state.log.replication.factor" => "1".into(),
            "group.coordinator.rebalance.protocols" => "classic,consumer".into(),
            "group.initial.rebalance.delay.ms" => "0".into(),
            "log.flush.interval.ms" => log.flush_ms.to_string(),
            "log.retention.bytes" => limit(log.retention_bytes),
            "log.segment.bytes" => log.segment_bytes.to_string(),
            "num.partitions" => self.default_partitions.to_string(),
            "process.roles" => "broker,controller".into(),
            _ => return None,
        };
        Some(value)
    }
}

fn limit(value: Option<u64>) -> String {
    value.map_or_else(|| "-1".to_owned(), |value| value.to_string())
}
