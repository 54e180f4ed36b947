//! Why a read has nothing to answer: there may be no records, or Kafka may be away.

use rdkafka::consumer::Consumer;

use super::client::names;
use super::instance::Instance;
use super::reading::{Outlook, Reading};
use crate::reach::PATIENCE;

impl Instance {
    /// What keeps records from coming. Asked when a read ends; one with records has its answer in them.
    pub(super) async fn outlook(&self, reading: &mut Reading) -> Outlook {
        let has_source = !reading.source.topics().is_empty();
        if !reading.pending.is_empty() || !has_source || self.is_ending() {
            return Outlook::Clear;
        }
        if let Err(reason) = self.broker.reach().await {
            return Outlook::Unreachable { reason };
        }
        let Some(client) = self.client() else { return Outlook::Clear };
        if reading.source.is_shared() && !client.context().is_assigned() {
            return Outlook::Joining;
        }
        if reading.is_troubled {
            let assigned = client.assignment().map(|list| names(&list).collect());
            match self.is_led(assigned.unwrap_or_default()).await {
                true => reading.is_troubled = false,
                false => return Outlook::PartlyUnreachable,
            }
        }
        Outlook::Clear
    }

    /// Returns true if each of these partitions has a leader among the brokers that are there.
    async fn is_led(&self, partitions: Vec<(String, i32)>) -> bool {
        let mut topics: Vec<&str> = partitions.iter().map(|(topic, _)| topic.as_str()).collect();
        topics.sort_unstable();
        topics.dedup();
        for topic in topics {
            let asked = tokio::time::timeout(PATIENCE, self.broker.partitions(topic)).await;
            let Ok(Ok(found)) = asked else { return false };
            let is_ours =
                |number| partitions.iter().any(|(name, id)| name == topic && *id == number);
            if found.iter().any(|p| p.leader.is_none() && is_ours(p.number)) {
                return false;
            }
        }
        true
    }
}
