//! Kafka's protocol by hand, for records that no client writes.

use std::io::{Read, Write};
use std::net::TcpStream;

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ApiKey, ProduceRequest, ProduceResponse, RequestHeader, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes, encode_request_header_into_buffer};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use weir_tests::TestBroker;

/// A version without tagged fields that all brokers know.
const PRODUCE_VERSION: i16 = 7;

/// Where a batch's checksum is, and where what it is of begins.
const CHECKSUM: std::ops::Range<usize> = 17..21;

/// Writes a record to partition 0 that has a header of any name.
pub async fn write(broker: &TestBroker, topic: &str, header_name: &[u8], value: &[u8]) {
    let request = produce(topic, batch(header_name, value));
    let address = broker.bootstrap_servers.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&request).unwrap();
        let mut size = [0; 4];
        stream.read_exact(&mut size).unwrap();
        let mut answer = vec![0; u32::from_be_bytes(size) as usize];
        stream.read_exact(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    let answer = ProduceResponse::decode(&mut &answer[4..], PRODUCE_VERSION).unwrap();
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
}

fn batch(header_name: &[u8], value: &[u8]) -> Vec<u8> {
    let stand_in = "x".repeat(header_name.len());
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp: 979_150_800_000,
        key: None,
        value: Some(value.to_vec().into()),
        headers: [(StrBytes::from_string(stand_in.clone()), None)].into_iter().collect(),
    };
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut batch = Vec::new();
    RecordBatchEncoder::encode(&mut batch, [&record], &options).unwrap();
    let place = batch.windows(stand_in.len()).rposition(|w| w == stand_in.as_bytes()).unwrap();
    batch[place..place + header_name.len()].copy_from_slice(header_name);
    let checksum = crc32c(&batch[CHECKSUM.end..]);
    batch[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
    batch
}

fn produce(topic: &str, batch: Vec<u8>) -> Vec<u8> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch.into()));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_string(topic.to_string())))
        .with_partition_data(vec![partition]);
    let request =
        ProduceRequest::default().with_acks(-1).with_timeout_ms(5000).with_topic_data(vec![topic]);
    let header = RequestHeader::default()
        .with_request_api_key(ApiKey::Produce as i16)
        .with_request_api_version(PRODUCE_VERSION)
        .with_correlation_id(1);
    let mut body = Vec::new();
    encode_request_header_into_buffer(&mut body, &header).unwrap();
    request.encode(&mut body, PRODUCE_VERSION).unwrap();
    let mut framed = (body.len() as u32).to_be_bytes().to_vec();
    framed.extend(body);
    framed
}

/// Castagnoli's, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
