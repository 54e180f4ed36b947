//! Offsets: what a group has committed, where an instance goes on, and where it begins without a committed offset.

use std::collections::BTreeMap;

use rdkafka::Offset;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use weir_kafka::again;

use super::client::{Client, unknown_partition};
use super::partitions::{ASK_TIMEOUT, Commit, Position, Positions, TopicPartition, list_of};
use super::seek::{seek, without_offset};
use super::state::{Command, Decision, Effect};
use super::task::Instance;
use super::turn::Held;
use crate::broker::ask;
use crate::error::ProxyError;

/// An offset that a group has committed.
pub(crate) struct Committed {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: i64,
    pub(crate) metadata: String,
}

impl Instance {
    /// Commits offsets, or how far the instance was read. 40403 no such partition.
    pub(crate) async fn commit(
        &self,
        offsets: Option<BTreeMap<TopicPartition, Commit>>,
    ) -> Result<(), ProxyError> {
        let held = self.turn.take_over().await;
        if offsets.is_none() {
            self.rejoin(&held).await?;
        }
        let decision = self.core().state().decide(Command::Commit { offsets })?;
        if decision.effects.is_empty() {
            return Ok(());
        }
        let client = self.wake(&held).await?;
        drop(held);
        for effect in decision.effects {
            self.send_commit(&client, effect).await?;
        }
        self.core().reading.apply(decision.change);
        Ok(())
    }

    async fn send_commit(&self, client: &Client, commit: Effect) -> Result<(), ProxyError> {
        let committed = again(ASK_TIMEOUT, || {
            let (client, commit) = (client.clone(), commit.clone());
            ask(move || client.perform(commit, &Positions::default()))
        });
        self.in_group(committed).await.map_err(unknown_partition)
    }

    /// What the group has committed; a partition without a committed offset is left out. 40301.
    pub(crate) async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Committed>, ProxyError> {
        let list = list_of(partitions);
        let client = self.wake(&self.turn.take_over().await).await?;
        let found = self
            .in_group(again(ASK_TIMEOUT, || {
                let (client, list) = (client.clone(), list.clone());
                ask(move || client.committed_offsets(list, ASK_TIMEOUT))
            }))
            .await?;
        let denied = Some(RDKafkaErrorCode::TopicAuthorizationFailed);
        let mut topics: Vec<String> = found
            .elements()
            .iter()
            .filter(|e| e.error().is_err_and(|error| error.rdkafka_error_code() == denied))
            .map(|e| e.topic().to_string())
            .collect();
        topics.dedup();
        if !topics.is_empty() {
            return Err(ProxyError::topics_denied(&topics));
        }
        Ok(found
            .elements()
            .iter()
            .filter_map(|e| match e.offset() {
                Offset::Offset(offset) => Some(Committed {
                    partition: TopicPartition::from((e.topic().to_string(), e.partition())),
                    offset,
                    metadata: e.metadata().to_string(),
                }),
                _ => None,
            })
            .collect())
    }

    /// Moves partitions as was decided. The inner error is Kafka's; then the instance stays where it is.
    pub(super) async fn move_to(
        &self,
        _held: &Held<'_>,
        client: &Client,
        decision: Decision,
    ) -> Result<Result<(), KafkaError>, ProxyError> {
        let others = self.core().reading.fetched_to();
        for effect in decision.effects {
            let (client, others) = (client.clone(), others.clone());
            let moved = ask(move || Ok(client.perform(effect, &others))).await?;
            if moved.is_err() {
                return Ok(moved);
            }
        }
        self.core().reading.apply(decision.change);
        Ok(Ok(()))
    }

    /// Moves partitions for which there is no offset to the time at which the instance is to begin.
    pub(super) async fn begin_at_time(
        &self,
        _held: &Held<'_>,
        client: &Client,
    ) -> Result<(), ProxyError> {
        let Some(since) = self.spec.since else { return Ok(()) };
        let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::now().as_millisecond().saturating_sub(since).max(0);
        let (asked, others) = (client.clone(), self.core().reading.fetched_to());
        ask(move || {
            let places = without_offset(&asked, &others)?;
            let positions: Vec<_> =
                places.into_iter().map(|place| (place, Position::Timestamp(time))).collect();
            if positions.is_empty() { Ok(()) } else { seek(&asked, &positions, &others) }
        })
        .await
    }
}
