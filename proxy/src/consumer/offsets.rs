//! Offsets that a group has committed, and where an instance begins without one.

use std::collections::HashMap;

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use weir_kafka::again;

use super::client::Client;
use super::instance::{ASK_TIMEOUT, Instance, unknown_partition};
use super::reading::Reading;
use super::seek::{Position, seek, without_offset};
use crate::broker::ask;
use crate::error::ProxyError;

/// An offset to commit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Commit {
    pub(crate) offset: i64,
    pub(crate) metadata: Option<String>,
}

impl Instance {
    /// Commits offsets, or how far the instance was read. 40403 no such partition.
    pub(crate) async fn commit(
        &self,
        given: Option<HashMap<(String, i32), Commit>>,
    ) -> Result<(), ProxyError> {
        let mut reading = self.interrupting().await;
        if given.is_none() {
            self.rejoin(&mut reading).await?;
        }
        let commits = given.unwrap_or_else(|| {
            let read = |(place, offset): (&(String, i32), &i64)| {
                (place.clone(), Commit { offset: *offset, metadata: None })
            };
            reading.positions.iter().map(read).collect()
        });
        if commits.is_empty() {
            return Ok(());
        }
        let client = self.wake(&mut reading).await?;
        drop(reading);
        let mut list = TopicPartitionList::new();
        for ((topic, partition), commit) in commits {
            let mut place = list.add_partition(&topic, partition);
            place.set_offset(Offset::Offset(commit.offset))?;
            if let Some(metadata) = commit.metadata {
                place.set_metadata(metadata);
            }
        }
        let committed = again(ASK_TIMEOUT, || {
            let (client, list) = (client.clone(), list.clone());
            ask(move || client.commit(&list, CommitMode::Sync))
        });
        self.in_group(committed).await.map_err(unknown_partition)
    }

    /// Committed offsets; a partition without one is left out.
    pub(crate) async fn committed(
        &self,
        partitions: &[(String, i32)],
    ) -> Result<Vec<(String, i32, i64, String)>, ProxyError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            list.add_partition(topic, *partition);
        }
        let client = self.wake(&mut *self.interrupting().await).await?;
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
                Offset::Offset(offset) => {
                    Some((e.topic().to_string(), e.partition(), offset, e.metadata().to_string()))
                }
                _ => None,
            })
            .collect())
    }

    /// Moves partitions for which there is no offset to the time at which the instance is to begin.
    pub(super) async fn go_back(
        &self,
        client: &Client,
        reading: &mut Reading,
    ) -> Result<(), ProxyError> {
        reading.wants_time = false;
        let Some(since) = self.spec.since else { return Ok(()) };
        let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::now().as_millisecond().saturating_sub(since).max(0);
        let (asked, others) = (client.clone(), reading.positions.clone());
        ask(move || {
            let places = without_offset(&asked, &others)?;
            let positions: Vec<_> = places
                .into_iter()
                .map(|(topic, partition)| (topic, partition, Position::Timestamp(time)))
                .collect();
            if positions.is_empty() { Ok(()) } else { seek(&asked, &positions, &others) }
        })
        .await
    }
}
