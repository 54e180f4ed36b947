//! The long part of a Produce request: its batches are decompressed and checked before the core handles
//! it, so that nobody else waits meanwhile.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, ProduceRequest, TopicName};

use super::check::{CheckedBatch, RecordRules};
use super::{Refusal, last_of_each, only_batch};
use crate::apis::Request;
use crate::core::{Call, Core};

/// Records of so many bytes in all, none of them compressed, are checked while their request is handled.
const CHECKED_AT_ONCE_BYTES: usize = 64 * 1024;
/// The records of one request are decompressed up to this, and [`DECOMPRESSED_RATIO`] times what they take compressed.
const DECOMPRESSED_MAX_BYTES: usize = 256 * 1024 * 1024;
/// Far more than records of clients are compressed, and far less than a bomb is.
const DECOMPRESSED_RATIO: usize = 16;

/// Where a batch is in its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BatchPlace {
    /// The place of its topic in the request.
    pub topic: usize,
    pub partition: i32,
}

/// The batches of a request, to be checked without the core.
#[derive(Debug)]
pub struct BatchChecks {
    version: i16,
    batches: Vec<BatchCheck>,
    checked: CheckedBatches,
}

#[derive(Debug)]
struct BatchCheck {
    place: BatchPlace,
    topic: TopicName,
    rules: RecordRules,
    records: Option<Bytes>,
}

impl BatchChecks {
    /// Returns true if a request has batches whose check takes so long that others should not wait for it.
    pub fn are_long(request: &Request) -> bool {
        let Request::Produce(request) = request else { return false };
        let is_compressed =
            |records: &Bytes| records.get(22).is_some_and(|attributes| attributes & 7 != 0);
        records_of(request).any(is_compressed) || bytes_of(request) > CHECKED_AT_ONCE_BYTES
    }

    pub fn run(self) -> CheckedBatches {
        let mut checked = self.checked;
        for BatchCheck { place, topic, rules, records } in self.batches {
            let result = checked.check(rules, &topic, place.partition, records, self.version);
            checked.batches.insert(place, result);
        }
        checked
    }
}

/// What became of the batches of one request that were checked before the core handles it.
#[derive(Debug, Default)]
pub struct CheckedBatches {
    batches: HashMap<BatchPlace, Result<CheckedBatch, Refusal>>,
    /// How much may still be decompressed. `None` before the first batch.
    left: Option<usize>,
}

impl CheckedBatches {
    /// Bounds what is decompressed for a request, unless that was done when some of its batches were checked.
    pub(super) fn bounded_for(self, request: &ProduceRequest) -> CheckedBatches {
        let of_request = || {
            let more = bytes_of(request).saturating_mul(DECOMPRESSED_RATIO);
            DECOMPRESSED_MAX_BYTES.saturating_add(more)
        };
        CheckedBatches { left: self.left.or_else(|| Some(of_request())), ..self }
    }

    /// The batch at this place, if it was checked.
    pub(super) fn take(&mut self, place: BatchPlace) -> Option<Result<CheckedBatch, Refusal>> {
        self.batches.remove(&place)
    }

    pub(super) fn check(
        &mut self,
        rules: RecordRules,
        topic: &str,
        partition: i32,
        records: Option<Bytes>,
        version: i16,
    ) -> Result<CheckedBatch, Refusal> {
        let bytes = only_batch(records, version)?;
        rules.check(topic, partition, bytes, self.left.get_or_insert(DECOMPRESSED_MAX_BYTES))
    }
}

fn records_of(request: &ProduceRequest) -> impl Iterator<Item = &Bytes> {
    let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    partitions.filter_map(|data| data.records.as_ref())
}

fn bytes_of(request: &ProduceRequest) -> usize {
    records_of(request).map(Bytes::len).sum()
}

impl Core {
    /// What can be checked of a request before it is handled by [`Core::handle_checked`]. `None` if nothing can: its
    /// caller may not write, or there is no such partition.
    pub fn plan_batch_checks(&self, call: &Call, request: &Request) -> Option<BatchChecks> {
        let Request::Produce(request) = request else { return None };
        let call = self.admitted(call, ApiKey::Produce)?;
        if self.refused_as_a_whole(&call, request).is_some() {
            return None;
        }
        let mut batches = Vec::new();
        for (place, topic) in request.topic_data.iter().enumerate() {
            let Ok(name) = self.produced_topic(&call, topic) else { continue };
            let Some(found) = self.catalog.get(&name) else { continue };
            let rules = RecordRules::of(found, call.now);
            for data in last_of_each(topic.partition_data.clone()) {
                if self.catalog.partition(&name, data.index).is_none() {
                    continue;
                }
                let place = BatchPlace { topic: place, partition: data.index };
                let (topic, records) = (name.clone(), data.records);
                batches.push(BatchCheck { place, topic, rules, records });
            }
        }
        let checked = CheckedBatches::default().bounded_for(request);
        Some(BatchChecks { version: call.version, batches, checked })
            .filter(|checks| !checks.batches.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::error::ResponseError::MessageTooLarge;
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};

    use super::*;
    use crate::apis::Response;
    use crate::core::testing::*;
    use crate::core::{Effect, Ticket};

    const MIB: usize = 1024 * 1024;

    fn produce(batches: Vec<Bytes>) -> Request {
        let data = (0..).zip(batches).map(|(index, batch)| {
            PartitionProduceData::default().with_index(index).with_records(Some(batch))
        });
        let topic =
            TopicProduceData::default().with_name(name("t")).with_partition_data(data.collect());
        let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]);
        Request::Produce(request)
    }

    /// The codes of all partitions.
    fn codes(effects: Vec<Effect>) -> Vec<i16> {
        let [Effect::Answer { response: Response::Produce(answer), .. }] = &effects[..] else {
            panic!("{effects:?}")
        };
        answer.responses[0].partition_responses.iter().map(|part| part.error_code).collect()
    }

    /// A batch of one record with so many zeros, compressed with zstd.
    fn zeros(bytes: usize) -> Bytes {
        let varint = |mut value: usize| {
            let mut varint = Vec::new();
            value <<= 1;
            while value > 0x7f {
                varint.push((value & 0x7f) as u8 | 0x80);
                value >>= 7;
            }
            varint.push(value as u8);
            varint
        };
        let mut record = [&[0, 0, 0, 2, b'k'][..], &varint(bytes)].concat();
        record.resize(record.len() + bytes + 1, 0);
        let records = [varint(record.len()), record].concat();
        let mut batch = BatchOf::records(1).bytes()[..61].to_vec();
        batch.extend(zstd::encode_all(&records[..], 1).unwrap());
        batch[22] = 4;
        let length = i32::try_from(batch.len() - 12).unwrap();
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        checked(batch)
    }

    #[test]
    fn a_batch_that_was_checked_is_not_checked_again() {
        let mut world = World::with_topic("t", 2);
        let call = world.call(12);
        let batch = BatchOf::records(3).bytes();
        let mut damaged = BatchOf::records(1).bytes().to_vec();
        damaged[61] ^= 1;
        let request = produce(vec![batch.clone(), damaged.into()]);
        let checks = world.core.plan_batch_checks(&call, &request).unwrap();
        let checked = checks.run();
        let rubbish = produce(vec![Bytes::from_static(b"rubbish"), batch]);
        let effects = world.core.handle_checked(&call, rubbish.clone(), checked);
        assert_eq!(codes(effects), [0, 2], "the verdicts are those of the check");
        assert_eq!(world.core.catalog.partition("t", 0).unwrap().log.end_offset(), 3);
        let next = Call { ticket: Ticket(999), ..call };
        assert_eq!(codes(world.core.handle(&next, rubbish)), [87, 0], "and of this request only");
    }

    #[test]
    fn nothing_is_checked_for_a_topic_that_is_not_there() {
        let mut world = World::with_topic("other", 1);
        let call = world.call(12);
        let request = produce(vec![zeros(MIB)]);
        assert!(BatchChecks::are_long(&request));
        assert!(world.core.plan_batch_checks(&call, &request).is_none());
        assert!(!BatchChecks::are_long(&produce(vec![BatchOf::records(1).bytes()])));
    }

    #[test]
    fn batches_that_decompress_without_measure_are_refused() {
        let mut world = World::with_topic("t", 6);
        let request = produce(vec![zeros(60 * MIB); 6]);
        let too_large = MessageTooLarge.code();
        for is_checked_before in [true, false] {
            let call = world.call(12);
            let effects = match is_checked_before {
                true => {
                    let checks = world.core.plan_batch_checks(&call, &request).unwrap();
                    world.core.handle_checked(&call, request.clone(), checks.run())
                }
                false => world.core.handle(&call, request.clone()),
            };
            assert_eq!(codes(effects), [0, 0, 0, 0, too_large, too_large]);
        }
    }
}
