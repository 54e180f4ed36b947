//! Why a read has nothing to answer: there may be no records, or Kafka may be away.

use super::partitions::TopicPartition;
use super::task::{Instance, Outlook};
use super::turn::Held;
use crate::reach::PATIENCE;

impl Instance {
    /// What keeps records from coming. Asked when a read ends; one with records has its answer in them.
    pub(super) async fn outlook(&self, _held: &Held<'_>) -> Outlook {
        if !self.core().wants_records() || self.turn.is_ending() {
            return Outlook::Clear;
        }
        if let Err(reason) = self.broker.reach().await {
            return Outlook::Unreachable { reason };
        }
        let Some(client) = self.client() else { return Outlook::Clear };
        if self.core().state().source().is_shared() && !client.is_assigned() {
            return Outlook::Joining;
        }
        if self.core().state().trouble.is_unreachable {
            match self.is_led(client.assigned().unwrap_or_default()).await {
                true => self.core().reading.state.trouble.is_unreachable = false,
                false => return Outlook::PartlyUnreachable,
            }
        }
        Outlook::Clear
    }

    /// Returns true if each of these partitions has a leader among the brokers that are there.
    async fn is_led(&self, partitions: Vec<TopicPartition>) -> bool {
        let mut topics: Vec<&str> = partitions.iter().map(|place| place.topic.as_str()).collect();
        topics.sort_unstable();
        topics.dedup();
        for topic in topics {
            let asked = tokio::time::timeout(PATIENCE, self.broker.partitions(topic)).await;
            let Ok(Ok(found)) = asked else { return false };
            let is_ours =
                |number| partitions.iter().any(|o| o.topic == topic && o.partition == number);
            if found.iter().any(|p| p.leader.is_none() && is_ours(p.number)) {
                return false;
            }
        }
        true
    }
}
