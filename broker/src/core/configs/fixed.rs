//! The configs of the broker that its settings say, by Kafka's names.

use super::topic_table::TOPIC_CONFIGS;
use crate::core::sasl::MECHANISMS;
use crate::core::{CoreSettings, NODE};

impl CoreSettings {
    /// The value that this broker was started with. `None` leaves it at Kafka's default.
    pub(crate) fn broker_config(&self, name: &str) -> Option<String> {
        if let Some(value) = self.configs.get(name) {
            return Some(value.clone());
        }
        if let Some(value) = self.log_config(name) {
            let topic = TOPIC_CONFIGS.iter().find(|topic| topic.broker_name == Some(name));
            let default = topic.and_then(|topic| topic.default);
            return Some(value).filter(|value| Some(value.as_str()) != default);
        }
        let milliseconds = |time: std::time::Duration| time.as_millis().to_string();
        let value = match name {
            "advertised.listeners" => {
                let host = self.advertised_host.as_ref()?;
                format!("PLAINTEXT://{host}:{}", self.advertised_port)
            }
            "allow.everyone.if.no.acl.found" => {
                self.authorization.as_ref()?.allow_everyone_if_no_acl_found.to_string()
            }
            "authorizer.class.name" => {
                self.authorization.as_ref()?;
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned()
            }
            "auto.create.topics.enable" => self.auto_create_topics.to_string(),
            "broker.id" | "node.id" => NODE.0.to_string(),
            "connection.failed.authentication.delay.ms" => milliseconds(self.login.failure_delay),
            "connections.max.reauth.ms" => milliseconds(self.login.session_max?),
            "default.replication.factor" | "transaction.state.log.replication.factor" => "1".into(),
            "group.coordinator.rebalance.protocols" => "classic,consumer".into(),
            "group.consumer.heartbeat.interval.ms" => milliseconds(self.groups.consumer_heartbeat),
            "group.consumer.session.timeout.ms" => milliseconds(self.groups.consumer_session),
            "group.initial.rebalance.delay.ms" => milliseconds(self.groups.initial_delay),
            "group.max.session.timeout.ms" => milliseconds(self.groups.session_max),
            "group.max.size" => self.groups.max_members.to_string(),
            "group.min.session.timeout.ms" => milliseconds(self.groups.session_min),
            "num.partitions" => self.default_partitions.to_string(),
            "process.roles" => "broker,controller".into(),
            "sasl.enabled.mechanisms" => MECHANISMS.into(),
            "super.users" => self.authorization.as_ref()?.super_users.join(";"),
            _ => return None,
        };
        Some(value)
    }

    /// What topics fall back to.
    fn log_config(&self, name: &str) -> Option<String> {
        let log = &self.log;
        let limit =
            |value: Option<u64>| value.map_or_else(|| "-1".into(), |value| value.to_string());
        Some(match name {
            "log.cleaner.delete.retention.ms" => log.delete_retention_ms.to_string(),
            "log.cleaner.max.compaction.lag.ms" => log.max_compaction_lag_ms.to_string(),
            "log.cleaner.min.cleanable.ratio" => log.min_cleanable_dirty_ratio.to_string(),
            "log.cleaner.min.compaction.lag.ms" => log.min_compaction_lag_ms.to_string(),
            "log.cleanup.policy" => {
                let policies = [(log.cleanup.compact, "compact"), (log.cleanup.delete, "delete")];
                let chosen = policies.into_iter().filter(|(is_chosen, _)| *is_chosen);
                chosen.map(|(_, policy)| policy).collect::<Vec<_>>().join(",")
            }
            "log.flush.interval.messages" => log.flush_messages.to_string(),
            "log.flush.interval.ms" => log.flush_ms.to_string(),
            "log.index.interval.bytes" => log.index_interval_bytes.to_string(),
            "log.retention.bytes" => limit(log.retention_bytes),
            "log.retention.ms" => limit(log.retention_ms),
            "log.roll.ms" => log.segment_ms.to_string(),
            "log.segment.bytes" => log.segment_bytes.to_string(),
            _ => return None,
        })
    }
}
