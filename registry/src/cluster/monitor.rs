//! Watches the topic: whether Kafka is there, where the log ends, and whether the topic is still the one
//! that the state was read from. A node that finds a fault answers reads and takes no writes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use weir_kafka::Code;
use weir_trace::Outage;

use super::Cluster;
use crate::log::KafkaConfig;
use crate::log::kafka::{Fault, Topic};

/// How often Kafka is asked where the log ends.
const INTERVAL: Duration = Duration::from_millis(300);

/// How often it is asked for what hardly ever changes: no fault is unknown for longer than 5 s.
const INSPECTION_INTERVAL: Duration = Duration::from_secs(3);

/// Asks where the log ends, and nothing else: who leads is well while this is answered.
pub(super) async fn listen(topic: Arc<Topic>, cluster: Weak<Cluster>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let outage =
        Outage::new("Kafka does not answer the registry", "Kafka answers the registry again");
    loop {
        ticks.tick().await;
        let end = topic.end().await;
        let Some(cluster) = cluster.upgrade() else { return };
        match end {
            Ok(end) => {
                cluster.heard(end);
                outage.is_over();
            }
            Err(error) if !cluster.health().is_heard() => outage.fails(error),
            Err(error) => tracing::debug!(%error, "Kafka does not say where the log ends"),
        }
    }
}

/// Looks for faults; while Kafka does not answer, again and again.
pub(super) async fn watch(topic: Arc<Topic>, config: KafkaConfig, cluster: Weak<Cluster>) {
    loop {
        let Some(applied) = cluster.upgrade().map(|cluster| *cluster.applied.borrow()) else {
            return;
        };
        let found = inspect(&topic, &config, applied).await;
        let pause = if found.is_ok() { INSPECTION_INTERVAL } else { INTERVAL };
        if let (Ok(faults), Some(cluster)) = (found, cluster.upgrade()) {
            cluster.found(faults);
        }
        tokio::time::sleep(pause).await;
    }
}

/// What is wrong with the topic. An error says nothing about that.
async fn inspect(
    topic: &Topic,
    config: &KafkaConfig,
    applied: u64,
) -> Result<Vec<Fault>, weir_kafka::Fault> {
    let named = || topic.name.clone();
    let gone = |error: &weir_kafka::Fault| {
        matches!(error.code, Code::UnknownTopicOrPartition | Code::UnknownTopicId)
    };
    let mut faults = Vec::new();
    match topic.shape().await {
        Ok((1, _)) => {}
        Ok((count, _)) => faults.push(Fault::Partitions { topic: named(), count }),
        Err(error) if gone(&error) => return Ok(vec![Fault::Gone { topic: named() }]),
        Err(error) => return Err(error),
    }
    if config.skip_topic_validation {
        return Ok(faults);
    }
    if let Some(policy) = topic.cleanup_policy().await?.filter(|policy| policy != "compact") {
        let bootstrap_servers = config.kafka.bootstrap_servers.clone();
        faults.push(Fault::CleanupPolicy { topic: named(), policy, bootstrap_servers });
    }
    let range = topic.range().await?;
    if range.first > 0 {
        faults.push(Fault::Truncated { topic: named(), first: range.first });
    } else if range.end < applied {
        faults.push(Fault::Gone { topic: named() });
    }
    Ok(faults)
}

impl Cluster {
    /// Kafka has said where the log ends.
    pub(super) fn heard(&self, end: u64) {
        self.change_health(|health| {
            health.end = health.end.max(end);
            health.heard = Some(Instant::now());
        });
    }

    fn found(&self, faults: Vec<Fault>) {
        let before = self.health().faults;
        for fault in faults.iter().filter(|fault| !before.contains(fault)) {
            tracing::error!(%fault, "no writes are taken");
        }
        // a topic that is gone does not come back: another of its name has nothing in it
        let mut lasting = before.into_iter().filter(|fault| matches!(fault, Fault::Gone { .. }));
        let faults = match lasting.next() {
            Some(gone) => vec![gone],
            None => faults,
        };
        self.change_health(|health| health.faults = faults);
    }
}
