use kafka_protocol::error::ResponseError::{self, *};

use crate::core::testing::*;

fn error(code: i16) -> Option<ResponseError> {
    (code != 0).then(|| ResponseError::try_from_code(code).expect("a code of Kafka"))
}

fn refused(batch: Vec<u8>) -> Option<ResponseError> {
    let mut world = World::with_topic("t", 1);
    error(world.produce("t", checked(batch)).error_code)
}

fn batch() -> Vec<u8> {
    BatchOf::records(2).bytes().to_vec()
}

#[test]
fn batches_get_their_offsets_and_are_stored_as_they_came() {
    let mut world = World::with_topic("t", 1);
    for base_offset in [0, 3] {
        let produced = world.produce("t", BatchOf::records(3).bytes());
        assert_eq!((produced.error_code, produced.base_offset), (0, base_offset));
        assert_eq!((produced.log_append_time_ms, produced.log_start_offset), (-1, 0));
    }
    let records = world.fetch("t", 0, 0).records.unwrap();
    assert_eq!(
        records[17..],
        [&BatchOf::records(3).bytes()[17..], &records[records.len() / 2..]].concat()
    );
}

#[test]
fn a_batch_that_is_damaged_is_refused() {
    let mut damaged = batch();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let mut world = World::with_topic("t", 1);
    assert_eq!(error(world.produce("t", damaged.into()).error_code), Some(CorruptMessage));
    assert_eq!(
        error(world.produce("t", batch()[..30].to_vec().into()).error_code),
        Some(InvalidRecord)
    );
    assert_eq!(error(world.produce("t", Vec::new().into()).error_code), Some(InvalidRecord));
    let two = [batch(), batch()].concat();
    assert_eq!(error(world.produce("t", two.into()).error_code), Some(InvalidRecord));
    let with_a_torn_one = [batch(), batch()[..40].to_vec()].concat();
    assert_eq!(world.produce("t", with_a_torn_one.into()).error_code, 0);
}

#[test]
fn what_a_header_says_has_to_be_true() {
    let with = |at: usize, bytes: &[u8]| {
        let mut batch = batch();
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        batch
    };
    assert_eq!(refused(with(7, &[1])), Some(InvalidRecord), "base offset");
    assert_eq!(refused(with(16, &[1])), Some(InvalidRecord), "magic");
    assert_eq!(refused(with(22, &[0x20])), Some(InvalidRecord), "a control batch");
    assert_eq!(refused(with(23, &[0, 0, 0, 5])), Some(InvalidRecord), "last offset delta");
    assert_eq!(refused(with(57, &[0, 0, 0, 1])), Some(InvalidRecord), "count");
    assert_eq!(refused(with(57, &[0xff; 4])), Some(InvalidRecord), "a negative count");
    assert_eq!(refused(with(43, &[0, 0, 0, 0, 0, 0, 0, 9])), Some(InvalidRecord), "no sequence");
    assert_eq!(refused(with(61, &[100])), Some(InvalidRecord), "the length of a record");
    assert_eq!(refused(batch()), None);
}

#[test]
fn acks_are_minus_one_zero_or_one() {
    use kafka_protocol::messages::ProduceRequest;
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    let mut world = World::with_topic("t", 1);
    let mut produce = |acks: i16, partition: i32| {
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(BatchOf::records(1).bytes()));
        let topic =
            TopicProduceData::default().with_name(name("t")).with_partition_data(vec![data]);
        let request = ProduceRequest::default().with_acks(acks).with_topic_data(vec![topic]);
        let ticket = world.send(9, crate::apis::Request::Produce(request));
        (world.answer(ticket), world.closed.len())
    };
    assert!(matches!(produce(0, 0), (None, 0)));
    assert!(matches!(produce(0, 7), (None, 1)), "only the end of the connection tells of an error");
    for (acks, code) in
        [(1, 0), (-1, 0), (2, InvalidRequiredAcks.code()), (-2, InvalidRequiredAcks.code())]
    {
        let (Some(crate::apis::Response::Produce(response)), _) = produce(acks, 0) else {
            panic!()
        };
        assert_eq!(response.responses[0].partition_responses[0].error_code, code, "acks={acks}");
    }
}

#[test]
fn a_compacted_topic_refuses_records_without_keys_and_names_them() {
    let mut world = World::new();
    world.topic("t", 1, &[("cleanup.policy", "compact")]);
    let without = BatchOf { has_keys: false, ..BatchOf::records(2) };
    let produced = world.produce("t", without.bytes());
    assert_eq!(error(produced.error_code), Some(InvalidRecord));
    let indexes: Vec<i32> =
        produced.record_errors.iter().map(|record| record.batch_index).collect();
    assert_eq!(indexes, [0, 1]);
    assert!(produced.error_message.unwrap().contains("2 record errors"));
    assert_eq!(world.produce("t", BatchOf::records(2).bytes()).error_code, 0);
}

#[test]
fn timestamps_are_the_brokers_where_the_topic_says_so() {
    let mut world = World::new();
    world.topic("t", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let old = BatchOf { timestamp: 5, ..BatchOf::records(1) };
    assert_eq!(world.produce("t", old.bytes()).log_append_time_ms, WALL_MS);
    let records = world.fetch("t", 0, 0).records.unwrap();
    let batch = crate::log::Batch::parse(records).unwrap();
    assert!(batch.header().is_log_append_time());
    assert_eq!(batch.header().max_timestamp, WALL_MS);
}

#[test]
fn a_timestamp_may_not_be_far_in_the_future() {
    let mut world = World::with_topic("t", 1);
    let late = BatchOf { timestamp: WALL_MS + 3_600_001, ..BatchOf::records(1) };
    let produced = world.produce("t", late.bytes());
    assert_eq!(error(produced.error_code), Some(InvalidTimestamp));
    assert_eq!(produced.record_errors.len(), 1);
}

#[test]
fn a_batch_larger_than_the_topic_allows_is_refused() {
    let mut world = World::new();
    world.topic("t", 1, &[("max.message.bytes", "80")]);
    assert_eq!(world.produce("t", BatchOf::records(1).bytes()).error_code, 0);
    let produced = world.produce("t", BatchOf::records(9).bytes());
    assert_eq!(error(produced.error_code), Some(MessageTooLarge));
}

#[test]
fn repeated_batches_are_answered_with_their_offsets() {
    let mut world = World::with_topic("t", 1);
    for sequence in 0..6 {
        let produced = world.produce("t", BatchOf::idempotent(1, 7, 0, sequence).bytes());
        assert_eq!((produced.error_code, produced.base_offset), (0, i64::from(sequence)));
    }
    for sequence in 1..6 {
        let produced = world.produce("t", BatchOf::idempotent(1, 7, 0, sequence).bytes());
        assert_eq!((produced.error_code, produced.base_offset), (0, i64::from(sequence)));
    }
    let produced = world.produce("t", BatchOf::idempotent(1, 7, 0, 0).bytes());
    assert_eq!(error(produced.error_code), Some(OutOfOrderSequenceNumber), "five are remembered");
    assert_eq!(world.core.catalog.partition("t", 0).unwrap().log.end_offset(), 6);
}

#[test]
fn sequences_follow_each_other_also_after_a_restart() {
    let mut world = World::with_topic("t", 1);
    let produce = |world: &mut World, epoch, sequence| {
        error(world.produce("t", BatchOf::idempotent(2, 7, epoch, sequence).bytes()).error_code)
    };
    assert_eq!(produce(&mut world, 3, 40), None, "a producer that is not known begins anywhere");
    assert_eq!(produce(&mut world, 3, 43), Some(OutOfOrderSequenceNumber));
    world.restart();
    assert_eq!(produce(&mut world, 3, 43), Some(OutOfOrderSequenceNumber));
    assert_eq!(produce(&mut world, 3, 42), None);
    assert_eq!(produce(&mut world, 2, 44), Some(InvalidProducerEpoch));
    assert_eq!(
        produce(&mut world, 4, 44),
        Some(OutOfOrderSequenceNumber),
        "an epoch begins with 0"
    );
    assert_eq!(produce(&mut world, 4, 0), None);
}

#[test]
fn producers_of_old_records_are_known_after_a_restart() {
    for closes in [false, true] {
        let mut world = World::with_topic("t", 1);
        let produce = |world: &mut World, producer, sequence| {
            let batch = BatchOf::idempotent(1, producer, 0, sequence);
            let produced = world.produce("t", BatchOf { timestamp: 5, ..batch }.bytes());
            (error(produced.error_code), produced.base_offset)
        };
        for sequence in 0..2 {
            produce(&mut world, 7, sequence);
            produce(&mut world, 8, sequence);
        }
        if closes {
            world.core.close(); // then they are read from a snapshot
        }
        world.restart();
        assert_eq!(produce(&mut world, 8, 2), (None, 4));
        assert_eq!(produce(&mut world, 7, 1), (None, 2), "its answer was lost");
        let day = std::time::Duration::from_secs(86_400);
        world.pass(day - std::time::Duration::from_secs(1));
        produce(&mut world, 8, 3);
        assert_eq!(produce(&mut world, 7, 1), (None, 2));
        world.pass(day);
        produce(&mut world, 8, 4);
        assert_eq!(produce(&mut world, 7, 1), (None, 7), "it was silent for a day");
    }
}

#[test]
fn sequences_begin_again_after_the_greatest_number() {
    let mut world = World::with_topic("t", 1);
    let mut produce = |records, sequence| {
        error(world.produce("t", BatchOf::idempotent(records, 7, 0, sequence).bytes()).error_code)
    };
    assert_eq!(produce(2, i32::MAX), None, "this batch has the sequences MAX and 0");
    assert_eq!(produce(1, 1), None);
    assert_eq!(produce(1, 3), Some(OutOfOrderSequenceNumber));
}

#[test]
fn a_topic_is_named_by_its_id_from_version_13_on() {
    use kafka_protocol::messages::ProduceRequest;
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    let mut world = World::with_topic("t", 1);
    let id = world.core.catalog.get("t").unwrap().id;
    for (id, code) in [(id, 0), (uuid::Uuid::from_u128(1), UnknownTopicId.code())] {
        let data = PartitionProduceData::default().with_records(Some(BatchOf::records(1).bytes()));
        let topic = TopicProduceData::default().with_topic_id(id).with_partition_data(vec![data]);
        let request = ProduceRequest::default().with_acks(1).with_topic_data(vec![topic]);
        let ticket = world.send(13, crate::apis::Request::Produce(request));
        let Some(crate::apis::Response::Produce(response)) = world.answer(ticket) else { panic!() };
        let topic = &response.responses[0];
        assert_eq!((topic.topic_id, topic.partition_responses[0].error_code), (id, code));
    }
}
