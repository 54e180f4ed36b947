//! What an instance has fetched and nobody has read, and how far it was read.

use std::collections::VecDeque;
use std::sync::Arc;

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};
use tokio::sync::MutexGuard;

use super::client::Client;
use crate::broker::Offsets;

#[derive(Default)]
pub(super) struct Reading {
    pub(super) source: Source,
    /// Fetched and not yet read.
    pub(super) pending: VecDeque<OwnedMessage>,
    /// Bytes of `pending`.
    pub(super) pending_bytes: usize,
    /// The next offset to read of each partition that was read from.
    pub(super) positions: Offsets,
    /// Positions of a subscriber that has given its client up without committing them.
    pub(super) kept: Offsets,
    /// Brokers could not be reached, by what librdkafka has said since the last record.
    pub(super) is_troubled: bool,
    /// Why nothing will come, until the client changes something; told once.
    pub(super) refused: Option<KafkaError>,
    /// Some partitions have no offset, and begin at a time.
    pub(super) wants_time: bool,
    /// Rights that are missing, told to each read until Kafka says otherwise.
    pub(super) denied: Option<Denied>,
}

/// What the proxy's principal has no rights on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    Group,
    Topics,
}

/// How the instance came by its partitions; the two ways exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    #[default]
    None,
    /// To topics that are named.
    Subscription(Vec<String>),
    /// To a pattern, which these topics match.
    Pattern(Arc<[String]>),
    Assignment(Vec<(String, i32)>),
}

impl Source {
    /// The topics, each once.
    pub(super) fn topics(&self) -> Vec<&str> {
        let mut topics: Vec<&str> = match self {
            Source::None => Vec::new(),
            Source::Subscription(topics) => topics.iter().map(String::as_str).collect(),
            Source::Pattern(topics) => topics.iter().map(String::as_str).collect(),
            Source::Assignment(partitions) => partitions.iter().map(|(t, _)| t.as_str()).collect(),
        };
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    /// Returns true if the group shares the partitions out.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Source::Subscription(_) | Source::Pattern(_))
    }
}

impl Reading {
    /// Most errors pass: librdkafka goes on trying, and a read finds nothing meanwhile. Those that
    /// stay are for the client.
    pub(super) fn notice(&mut self, error: KafkaError) {
        tracing::debug!(%error, "consuming");
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => self.denied = Some(Denied::Group),
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => self.denied = Some(Denied::Topics),
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::Resolve,
            ) => self.is_troubled = true,
            _ => {}
        }
        if let Some(
            RDKafkaErrorCode::AutoOffsetReset
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::Fatal,
        ) = error.rdkafka_error_code()
        {
            self.refused = Some(error);
        }
    }

    pub(super) fn drop_pending(&mut self) {
        self.pending.clear();
        self.pending_bytes = 0;
    }

    pub(super) fn forget(&mut self, topic: &str, partition: i32) {
        self.pending.retain(|m| m.topic() != topic || m.partition() != partition);
        self.pending_bytes = self.pending.iter().map(size).sum();
        self.positions.remove(&(topic.to_string(), partition));
    }
}

/// Why there may be no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Nothing keeps them from coming.
    Clear,
    /// The instance's group has not given it its partitions yet.
    Joining,
    /// Some of its partitions have no leader.
    PartlyUnreachable,
    /// No broker can be reached.
    Unreachable { reason: String },
}

/// Records that are ready to be read. Dropping this leaves them for the next read.
pub(crate) struct Records<'a> {
    /// None where the instance reads nothing.
    pub(super) client: Option<Client>,
    pub(super) outlook: Outlook,
    pub(super) auto_commit: bool,
    pub(super) reading: MutexGuard<'a, Reading>,
    pub(super) max_bytes: usize,
}

impl Records<'_> {
    /// The records that fit into `max_bytes`, at least one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &OwnedMessage> {
        let mut bytes = 0;
        let fitting = self.reading.pending.iter().enumerate().take_while(move |(i, message)| {
            bytes += size(*message);
            *i == 0 || bytes <= self.max_bytes
        });
        fitting.map(|(_, message)| message)
    }

    pub(crate) fn outlook(&self) -> &Outlook {
        &self.outlook
    }

    /// Bytes of keys and values of [`Records::iter`], at most.
    pub(crate) fn bytes(&self) -> usize {
        self.reading.pending_bytes.min(self.max_bytes)
    }

    /// The first `count` records are read.
    pub(crate) fn read(mut self, count: usize) {
        let Some(client) = &self.client else { return };
        let reading = &mut *self.reading;
        let mut last: Option<OwnedMessage> = None;
        for message in reading.pending.drain(..count) {
            reading.pending_bytes -= size(&message);
            // of a run of one partition only the last matters
            if let Some(before) = last.replace(message)
                && let Some(after) = &last
                && !is_same_partition(&before, after)
            {
                note_read(&mut reading.positions, client, self.auto_commit, &before);
            }
        }
        if let Some(last) = last {
            note_read(&mut reading.positions, client, self.auto_commit, &last);
        }
    }
}

fn is_same_partition(a: &OwnedMessage, b: &OwnedMessage) -> bool {
    a.partition() == b.partition() && a.topic() == b.topic()
}

fn note_read(positions: &mut Offsets, client: &Client, auto_commit: bool, message: &OwnedMessage) {
    if auto_commit {
        let stored = client.store_offset(message.topic(), message.partition(), message.offset());
        if let Err(error) = stored {
            tracing::debug!(%error, "the partition was taken away meanwhile");
        }
    }
    positions.insert((message.topic().to_string(), message.partition()), message.offset() + 1);
}

/// Bytes of key and value; a record of nothing is something too.
pub(crate) fn size<M: Message>(message: &M) -> usize {
    (message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len)).max(1)
}
