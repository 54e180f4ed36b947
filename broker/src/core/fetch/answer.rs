//! The answer to a Fetch, whose records are read when nobody waits for the broker.

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::FetchResponse;

use crate::log::Slice;

/// A response and the slices that its partitions get their records from.
#[derive(Debug)]
pub struct FetchAnswer {
    response: FetchResponse,
    /// In the order of the partitions.
    records: Vec<PartitionRecords>,
    max_bytes: usize,
}

/// The records of a partition which are still to be read.
#[derive(Debug)]
pub(super) struct Unread {
    pub slice: Slice,
    pub max_bytes: usize,
}

impl Unread {
    /// A bound of what is read, which is exact for a consumer that keeps up with the log.
    pub fn bytes_at_most(&self) -> usize {
        self.slice.bytes_at_most().min(self.max_bytes.max(1))
    }
}

/// Where the records of a partition go.
#[derive(Debug)]
struct PartitionRecords {
    topic: usize,
    partition: usize,
    unread: Unread,
}

impl FetchAnswer {
    pub(super) fn new(response: FetchResponse, max_bytes: usize) -> FetchAnswer {
        FetchAnswer { response, records: Vec::new(), max_bytes }
    }

    /// Lets the last partition of the last topic have these records.
    pub(super) fn add(&mut self, unread: Unread) {
        let Some(topic) = self.response.responses.len().checked_sub(1) else { return };
        let partitions = self.response.responses.last().map_or(0, |last| last.partitions.len());
        let Some(partition) = partitions.checked_sub(1) else { return };
        self.records.push(PartitionRecords { topic, partition, unread });
    }

    pub(super) fn response_mut(&mut self) -> &mut FetchResponse {
        &mut self.response
    }

    /// A bound of what its records take, if the first batch fits.
    pub fn bytes_at_most(&self) -> usize {
        let records = self.records.iter().map(|records| records.unread.bytes_at_most());
        records.sum::<usize>().min(self.max_bytes)
    }

    /// Lowers how many bytes of records are read. The first batch is always among them.
    pub fn limit(&mut self, max_bytes: usize) {
        self.max_bytes = self.max_bytes.min(max_bytes);
    }

    /// Reads the records. The first batch is there even if it is larger than the consumer wants;
    /// one of another partition is left out.
    pub fn read(self) -> FetchResponse {
        let FetchAnswer { mut response, records, max_bytes } = self;
        let mut total = 0;
        for PartitionRecords { topic, partition, mut unread } in records {
            let partitions = response.responses.get_mut(topic).map(|topic| &mut topic.partitions);
            let data = partitions.and_then(|partitions| partitions.get_mut(partition));
            let Some(data) = data else { continue };
            let room = unread.max_bytes.min(max_bytes.saturating_sub(total));
            if room == 0 && total > 0 {
                continue;
            }
            unread.slice.limit(room);
            match unread.slice.read() {
                Ok(records) if records.len() > room && total > 0 => {}
                Ok(records) => {
                    total += records.len();
                    data.records = Some(records);
                }
                Err(error) => {
                    tracing::error!(%error, "records cannot be read");
                    data.error_code = ResponseError::KafkaStorageError.code();
                    data.records = Some(Bytes::new());
                }
            }
        }
        response
    }
}
