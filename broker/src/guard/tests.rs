use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, JoinGroupRequest, MetadataRequest, ProduceRequest,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request};

use super::*;

fn encoded(request: &impl Encodable, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    request.encode(&mut bytes, version).expect("a request");
    bytes.freeze()
}

fn read<R: Request>(bytes: &Bytes, version: i16) -> Result<R, String> {
    let mut bytes = bytes.clone();
    let request = decode(&mut bytes, version, <R as HeaderVersion>::header_version(version) >= 2)?;
    assert!(bytes.is_empty(), "all is read");
    Ok(request)
}

#[test]
fn a_count_that_the_bytes_cannot_hold_allocates_nothing() {
    let mut old = BytesMut::new();
    old.put_i32(i32::MAX);
    assert!(read::<MetadataRequest>(&old.freeze(), 1).is_err());
    let mut flexible = BytesMut::new();
    flexible.put_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(read::<MetadataRequest>(&flexible.freeze(), 9).is_err());
}

#[test]
fn a_large_time_out_is_no_count() {
    let request = JoinGroupRequest::default()
        .with_session_timeout_ms(i32::MAX)
        .with_rebalance_timeout_ms(i32::MAX - 1);
    for version in 1..=9 {
        assert_eq!(read(&encoded(&request, version), version), Ok(request.clone()), "{version}");
    }
}

#[test]
fn a_large_time_out_at_the_end_is_read() {
    let request =
        kafka_protocol::messages::DeleteTopicsRequest::default().with_timeout_ms(i32::MAX);
    for version in 1..=6 {
        assert_eq!(read(&encoded(&request, version), version), Ok(request.clone()), "{version}");
    }
}

#[test]
fn records_may_be_longer_than_arrays() {
    for bytes in [ARRAY_MAX, ARRAY_MAX + 1, 3_000_000] {
        let data = PartitionProduceData::default().with_records(Some(vec![7; bytes].into()));
        let topic = TopicProduceData::default().with_partition_data(vec![data.clone(), data]);
        let request =
            ProduceRequest::default().with_timeout_ms(i32::MAX).with_topic_data(vec![topic]);
        for version in [3, 8, 9, 12] {
            let read = read(&encoded(&request, version), version);
            assert!(read == Ok(request.clone()), "{bytes} bytes in version {version}");
        }
    }
}

#[test]
fn bytes_shorter_than_their_length_are_refused() {
    for version in [3, 9] {
        let data = PartitionProduceData::default().with_records(Some(vec![7; 500_000].into()));
        let topic = TopicProduceData::default().with_partition_data(vec![data]);
        let bytes = encoded(&ProduceRequest::default().with_topic_data(vec![topic]), version);
        assert!(read::<ProduceRequest>(&bytes.slice(..bytes.len() - 10), version).is_err());
    }
}

#[test]
fn a_request_of_too_many_fields_is_refused() {
    let topics = |count: usize| {
        let topic = AddPartitionsToTxnTopic::default().with_partitions(vec![0; ARRAY_MAX]);
        AddPartitionsToTxnRequest::default().with_v3_and_below_topics(vec![topic; count])
    };
    assert!(read::<AddPartitionsToTxnRequest>(&encoded(&topics(4), 0), 0).is_ok());
    assert!(read::<AddPartitionsToTxnRequest>(&encoded(&topics(5), 0), 0).is_err());
}

#[test]
fn tagged_fields_of_any_length_are_read() {
    let tags = BTreeMap::from([(90, Bytes::from(vec![1; 300_000])), (91, Bytes::new())]);
    let request = MetadataRequest::default().with_unknown_tagged_fields(tags);
    assert!(read(&encoded(&request, 9), 9) == Ok(request));
}

#[test]
fn half_a_header_is_refused() {
    for bytes in
        [&b""[..], b"\0", b"\0\x12\0", b"\0\x12\0\0\0\0\0\x01\0", b"\x7f\xff\0\0\0\0\0\0\0\0"]
    {
        assert!(header(&mut Bytes::from_static(bytes)).is_err(), "{bytes:?}");
    }
}
