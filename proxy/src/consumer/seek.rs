//! Moving librdkafka's consumers to other positions. All of this blocks.

use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::partitions::{ASK_TIMEOUT, Position, Positions, TopicPartition, list_of, partitions_of};

/// Moves partitions. `others` is where those that stay go on.
pub(super) fn seek(
    consumer: &StreamConsumer<impl ConsumerContext + 'static>,
    positions: &[(TopicPartition, Position)],
    others: &Positions,
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    let mut times = TopicPartitionList::new();
    for (TopicPartition { topic, partition }, position) in positions {
        let (list, offset) = match position {
            Position::Timestamp(ms) => (&mut times, Offset::Offset(*ms)),
            Position::Offset(n) => (&mut list, Offset::Offset(*n)),
            Position::Beginning => (&mut list, Offset::Beginning),
            Position::End => (&mut list, Offset::End),
        };
        list.add_partition_offset(topic, *partition, offset)?;
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
            for place in partitions_of(&consumer.assignment()?) {
                if list.find_partition(&place.topic, place.partition).is_none() {
                    let offset = others.get(&place).map_or(Offset::Stored, |n| Offset::Offset(*n));
                    list.add_partition_offset(&place.topic, place.partition, offset)?;
                }
            }
            consumer.assign(&list)
        }
        Some(error) => Err(error),
    }
}

/// Assigned partitions that librdkafka has no offset for: nothing is committed for them, or what is
/// committed is not there any more. Those of `read` have one.
pub(super) fn without_offset(
    consumer: &StreamConsumer<impl ConsumerContext + 'static>,
    read: &Positions,
) -> Result<Vec<TopicPartition>, KafkaError> {
    let mut unread = partitions_of(&consumer.assignment()?);
    unread.retain(|partition| !read.contains_key(partition));
    let mut places = Vec::new();
    for found in consumer.committed_offsets(list_of(&unread), ASK_TIMEOUT)?.elements() {
        let (topic, partition) = (found.topic(), found.partition());
        let is_there = match found.offset() {
            Offset::Offset(committed) => {
                let (first, end) = consumer.fetch_watermarks(topic, partition, ASK_TIMEOUT)?;
                (first..=end).contains(&committed)
            }
            _ => false,
        };
        if !is_there {
            places.push(TopicPartition::from((topic.to_string(), partition)));
        }
    }
    Ok(places)
}
