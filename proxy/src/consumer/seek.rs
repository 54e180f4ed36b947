//! Moving to other positions.

use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::client::names;
use super::instance::ASK_TIMEOUT;
use crate::broker::Offsets;

/// Where a partition is to be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Offset(i64),
    Beginning,
    End,
    /// Milliseconds since 1970: the first record that is not older.
    Timestamp(i64),
}

/// Partitions, each at its position, or where its group has committed.
pub(super) fn assignment(
    partitions: &[(String, i32)],
    positions: &Offsets,
) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for place @ (topic, partition) in partitions {
        let offset = positions.get(place).map_or(Offset::Stored, |n| Offset::Offset(*n));
        list.add_partition_offset(topic, *partition, offset)?;
    }
    Ok(list)
}

/// Moves partitions. `others` is how far those that stay were read.
pub(super) fn seek(
    consumer: &StreamConsumer<impl ConsumerContext + 'static>,
    positions: &[(String, i32, Position)],
    others: &Offsets,
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    let mut times = TopicPartitionList::new();
    for (topic, partition, position) in positions {
        match position {
            Position::Timestamp(ms) => {
                times.add_partition_offset(topic, *partition, Offset::Offset(*ms))?;
            }
            Position::Offset(n) => {
                list.add_partition_offset(topic, *partition, Offset::Offset(*n))?
            }
            Position::Beginning => {
                list.add_partition_offset(topic, *partition, Offset::Beginning)?;
            }
            Position::End => list.add_partition_offset(topic, *partition, Offset::End)?,
        }
    }
    if times.count() > 0 {
        for found in consumer.offsets_for_times(times, ASK_TIMEOUT)?.elements() {
            let offset = match found.offset() {
                Offset::Offset(n) if n >= 0 => Offset::Offset(n),
                _ => Offset::End,
            };
            list.add_partition_offset(found.topic(), found.partition(), offset)?;
        }
    }
    let moved = consumer.seek_partitions(list.clone(), ASK_TIMEOUT)?;
    let failed = moved.elements().into_iter().find_map(|e| e.error().err());
    match failed {
        None => Ok(()),
        // one that was assigned a moment ago, or that has stopped for want of an offset, cannot be
        // moved: it is assigned anew, at its position
        Some(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::State) => {
            for (topic, partition) in names(&consumer.assignment()?) {
                if list.find_partition(&topic, partition).is_none() {
                    let offset = others.get(&(topic.clone(), partition));
                    let offset = offset.map_or(Offset::Stored, |n| Offset::Offset(*n));
                    list.add_partition_offset(&topic, partition, offset)?;
                }
            }
            consumer.assign(&list)
        }
        Some(error) => Err(error),
    }
}

/// Assigned partitions that librdkafka has no offset for: nothing is committed for them, or what is
/// committed is not there any more.
pub(super) fn without_offset(
    consumer: &StreamConsumer<impl ConsumerContext + 'static>,
    read: &Offsets,
) -> Result<Vec<(String, i32)>, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in names(&consumer.assignment()?) {
        if !read.contains_key(&(topic.clone(), partition)) {
            list.add_partition(&topic, partition);
        }
    }
    let mut places = Vec::new();
    for found in consumer.committed_offsets(list, ASK_TIMEOUT)?.elements() {
        let (topic, partition) = (found.topic(), found.partition());
        let is_there = match found.offset() {
            Offset::Offset(committed) => {
                let (first, end) = consumer.fetch_watermarks(topic, partition, ASK_TIMEOUT)?;
                (first..=end).contains(&committed)
            }
            _ => false,
        };
        if !is_there {
            places.push((topic.to_string(), partition));
        }
    }
    Ok(places)
}
