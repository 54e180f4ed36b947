//! A broker that is killed amidst work has everything that it acknowledged when it starts again.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_broker::{Broker, BrokerSettings, Storage};

/// A broker in a process of its own.
struct Process {
    child: Child,
    address: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // SIGKILL
        let _ = self.child.wait();
    }
}

/// Where the broker of [`a_broker_until_it_is_killed`] keeps its topics.
const FOLDER: &str = "WEIR_TEST_BROKER_FOLDER";

impl Process {
    /// Runs this test program again, as a broker.
    fn start(folder: &Path) -> Process {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "--nocapture", "a_broker_until_it_is_killed"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = lines
            .map(|line| line.expect("text"))
            .find_map(|line| Some(line.split_once("broker on ")?.1.to_owned()))
            .expect("its address");
        Process { child, address }
    }
}

#[tokio::test]
#[ignore = "the other tests run it, in a process of its own"]
async fn a_broker_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut settings = BrokerSettings::ephemeral();
    settings.storage = Storage::Folder(folder.into());
    let broker = Broker::start(settings).await.expect("a broker");
    println!("broker on {}", broker.address());
    std::future::pending::<()>().await;
}

async fn ask<R: Request>(stream: &mut TcpStream, version: i16, request: &R) -> Option<R::Response> {
    let mut body = BytesMut::new();
    RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .encode(&mut body, R::header_version(version))
        .expect("a header");
    request.encode(&mut body, version).expect("a request");
    stream.write_i32(i32::try_from(body.len()).expect("a short request")).await.ok()?;
    stream.write_all(&body).await.ok()?;
    let length = stream.read_i32().await.ok()?;
    let mut answer = vec![0; usize::try_from(length).expect("a length")];
    stream.read_exact(&mut answer).await.ok()?;
    let mut answer = Bytes::from(answer);
    ResponseHeader::decode(&mut answer, R::Response::header_version(version)).expect("a header");
    Some(R::Response::decode(&mut answer, version).expect("an answer"))
}

fn topic() -> TopicName {
    TopicName("kept".into())
}

/// One record without key whose value is eight bytes.
fn batch(value: u64, producer: Option<(i64, i16, i32)>) -> Bytes {
    let (id, epoch, sequence) = producer.unwrap_or((-1, -1, -1));
    let mut body = BytesMut::new();
    body.put_i16(if producer.is_some() { 0x10 } else { 0 });
    body.put_i32(0);
    body.put_i64(1);
    body.put_i64(1);
    body.put_i64(id);
    body.put_i16(epoch);
    body.put_i32(sequence);
    body.put_i32(1);
    body.put_slice(&[28, 0, 0, 0, 1, 16]);
    body.put_u64(value);
    body.put_u8(0);
    let mut batch = BytesMut::new();
    batch.put_i64(0);
    batch.put_i32(i32::try_from(body.len() + 9).expect("short"));
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(crc32c::crc32c(&body));
    batch.put_slice(&body);
    batch.freeze()
}

fn produce(records: Bytes, transaction: Option<&'static str>) -> ProduceRequest {
    let data = PartitionProduceData::default().with_records(Some(records));
    let topic = TopicProduceData::default().with_name(topic()).with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(30_000)
        .with_transactional_id(transaction.map(|id| TransactionalId(id.into())))
        .with_topic_data(vec![topic])
}

async fn append(
    stream: &mut TcpStream,
    records: Bytes,
    transaction: Option<&'static str>,
) -> Option<i64> {
    let answer = ask(stream, 11, &produce(records, transaction)).await?;
    let partition = &answer.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, 0, "{partition:?}");
    Some(partition.base_offset)
}

fn commit(offset: i64) -> OffsetCommitRequest {
    let place = OffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = OffsetCommitRequestTopic::default().with_name(topic()).with_partitions(vec![place]);
    OffsetCommitRequest::default()
        .with_group_id(GroupId("reader".into()))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

async fn committed(stream: &mut TcpStream) -> i64 {
    let topic =
        OffsetFetchRequestTopic::default().with_name(topic()).with_partition_indexes(vec![0]);
    let request = OffsetFetchRequest::default()
        .with_group_id(GroupId("reader".into()))
        .with_topics(Some(vec![topic]));
    let answer = ask(stream, 5, &request).await.expect("an answer");
    answer.topics[0].partitions[0].committed_offset
}

/// Everything that is there, or what committed readers may see.
async fn read(stream: &mut TcpStream, isolation: i8) -> Vec<u8> {
    let mut all = Vec::new();
    let partition =
        FetchPartition::default().with_current_leader_epoch(-1).with_partition_max_bytes(1 << 26);
    let topic = FetchTopic::default().with_topic(topic()).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_min_bytes(1)
        .with_max_bytes(1 << 26)
        .with_isolation_level(isolation)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    let answer = ask(stream, 11, &request).await.expect("an answer");
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, 0);
    all.extend_from_slice(partition.records.as_deref().unwrap_or_default());
    all
}

/// The offsets and values of records that are not markers.
fn values(mut bytes: &[u8]) -> Vec<(i64, u64)> {
    let mut values = Vec::new();
    while bytes.len() >= 61 {
        let base = i64::from_be_bytes(bytes[..8].try_into().expect("8 bytes"));
        let length = u32::from_be_bytes(bytes[8..12].try_into().expect("4 bytes"));
        let (batch, rest) = bytes.split_at(12 + length as usize);
        if batch[22] & 0x20 == 0 {
            let value = batch[67..75].try_into().expect("8 bytes");
            values.push((base, u64::from_be_bytes(value)));
        }
        bytes = rest;
    }
    values
}

async fn connect(process: &Process) -> TcpStream {
    TcpStream::connect(&process.address).await.expect("a broker that listens")
}

async fn create(stream: &mut TcpStream) {
    let topic = CreatableTopic::default()
        .with_name(topic())
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(vec![
            create_topics_request::CreatableTopicConfig::default()
                .with_name("retention.ms".into())
                .with_value(Some(StrBytes::from("-1"))),
        ]);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]);
    let answer = ask(stream, 5, &request).await.expect("an answer");
    assert_eq!(answer.topics[0].error_code, 0);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_kills() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut given: Vec<(i64, u64)> = Vec::new();
    let mut offset = 0;
    for round in 0..4u64 {
        let process = Process::start(folder.path());
        let mut stream = connect(&process).await;
        if round == 0 {
            create(&mut stream).await;
        } else {
            let there = values(&read(&mut stream, 0).await);
            for record in &given {
                assert!(there.contains(record), "round {round}: {record:?} is lost");
            }
            assert!(there.is_sorted_by(|a, b| a.0 < b.0), "offsets are given once");
            assert!(committed(&mut stream).await >= offset, "round {round}: a commit is lost");
        }
        let mut writing = Vec::new();
        for writer in 0..3u64 {
            let mut stream = connect(&process).await;
            writing.push(tokio::spawn(async move {
                let mut given = Vec::new();
                for index in 0.. {
                    let value = round * 1_000_000 + writer * 100_000 + index;
                    match append(&mut stream, batch(value, None), None).await {
                        Some(offset) => given.push((offset, value)),
                        None => break,
                    }
                }
                given
            }));
        }
        for _ in 0..20 {
            let next = offset + 1;
            let answer = ask(&mut stream, 5, &commit(next)).await.expect("an answer");
            assert_eq!(answer.topics[0].partitions[0].error_code, 0);
            offset = next;
        }
        drop(process);
        for writer in writing {
            given.extend(writer.await.expect("a writer"));
        }
    }
    assert!(given.len() > 20, "{} records", given.len());
}

#[tokio::test]
async fn a_transaction_amidst_which_the_broker_is_killed_ends_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path());
    let mut stream = connect(&process).await;
    create(&mut stream).await;
    let (id, epoch) = init(&mut stream).await;
    begin(&mut stream, id, epoch).await;
    append(&mut stream, batch(1, Some((id, epoch, 0))), Some("t")).await.expect("an answer");
    end(&mut stream, id, epoch).await;
    begin(&mut stream, id, epoch).await;
    append(&mut stream, batch(2, Some((id, epoch, 1))), Some("t")).await.expect("an answer");
    drop(process);

    let process = Process::start(folder.path());
    let mut stream = connect(&process).await;
    let all: Vec<u64> = values(&read(&mut stream, 0).await).iter().map(|record| record.1).collect();
    assert_eq!(all, [1, 2]);
    let seen: Vec<u64> =
        values(&read(&mut stream, 1).await).iter().map(|record| record.1).collect();
    assert_eq!(seen, [1], "what is open is not seen");
    append(&mut stream, batch(3, Some((id, epoch, 2))), Some("t")).await.expect("an answer");
    end(&mut stream, id, epoch).await;
    let seen: Vec<u64> =
        values(&read(&mut stream, 1).await).iter().map(|record| record.1).collect();
    assert_eq!(seen, [1, 2, 3], "the transaction went on after the kill");
}

async fn init(stream: &mut TcpStream) -> (i64, i16) {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId("t".into())))
        .with_transaction_timeout_ms(600_000);
    let answer = ask(stream, 1, &request).await.expect("an answer");
    assert_eq!(answer.error_code, 0);
    (answer.producer_id.0, answer.producer_epoch)
}

async fn begin(stream: &mut TcpStream, id: i64, epoch: i16) {
    let topic = add_partitions_to_txn_request::AddPartitionsToTxnTopic::default()
        .with_name(topic())
        .with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(TransactionalId("t".into()))
        .with_v3_and_below_producer_id(ProducerId(id))
        .with_v3_and_below_producer_epoch(epoch)
        .with_v3_and_below_topics(vec![topic]);
    let answer = ask(stream, 1, &request).await.expect("an answer");
    let result = &answer.results_by_topic_v3_and_below[0].results_by_partition[0];
    assert_eq!(result.partition_error_code, 0);
}

async fn end(stream: &mut TcpStream, id: i64, epoch: i16) {
    let request = EndTxnRequest::default()
        .with_transactional_id(TransactionalId("t".into()))
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch)
        .with_committed(true);
    let answer = ask(stream, 1, &request).await.expect("an answer");
    assert_eq!(answer.error_code, 0);
}
