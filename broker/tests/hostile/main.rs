//! Bytes that no client sends: each leads to an error as Kafka's or to a closed connection, costs
//! little memory, and leaves the others alone.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, GroupId, JoinGroupRequest, MetadataRequest,
    RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_broker::{Broker, BrokerSettings};

const PATIENCE: Duration = Duration::from_secs(120);

async fn broker() -> Broker {
    Broker::start(BrokerSettings::ephemeral()).await.expect("a broker in memory")
}

async fn connect(broker: &Broker) -> TcpStream {
    TcpStream::connect(broker.address()).await.expect("a broker that listens")
}

fn frame<R: Request>(version: i16, request: &R) -> BytesMut {
    let mut body = BytesMut::new();
    RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(7)
        .encode(&mut body, R::header_version(version))
        .expect("a header");
    request.encode(&mut body, version).expect("a request");
    let mut frame = BytesMut::new();
    frame.put_i32(i32::try_from(body.len()).expect("a short request"));
    frame.put_slice(&body);
    frame
}

async fn ask<R: Request>(stream: &mut TcpStream, version: i16, request: &R) -> R::Response {
    stream.write_all(&frame(version, request)).await.expect("an open connection");
    let read = async {
        let length = stream.read_i32().await.expect("an answer");
        let mut answer = vec![0; usize::try_from(length).expect("a length")];
        stream.read_exact(&mut answer).await.expect("a whole answer");
        answer
    };
    let answer = tokio::time::timeout(PATIENCE, read).await.expect("an answer in time");
    let mut answer = bytes::Bytes::from(answer);
    ResponseHeader::decode(&mut answer, R::Response::header_version(version)).expect("a header");
    R::Response::decode(&mut answer, version).expect("an answer")
}

/// A new connection is served.
async fn assert_lives(broker: &Broker) {
    let answer = ask(&mut connect(broker).await, 0, &ApiVersionsRequest::default()).await;
    assert!(!answer.api_keys.is_empty());
}

/// Sends bytes, and waits until the broker closes the connection without a word.
async fn assert_closes(broker: &Broker, bytes: &[u8]) {
    let mut stream = connect(broker).await;
    let _ = stream.write_all(bytes).await; // it may be closed by now
    let mut read = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await;
    assert!(end.is_ok(), "{bytes:?} leaves the connection open");
    assert!(read.is_empty(), "{bytes:?} is answered");
    assert_lives(broker).await;
}

fn with_length(length: i32, bytes: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes(), bytes].concat()
}

#[tokio::test]
async fn lengths_that_no_request_has_close_the_connection() {
    let broker = broker().await;
    for length in [-1, i32::MIN, i32::MAX, 0, 1, 3, 7] {
        let bytes = if length > 7 { vec![] } else { vec![0; usize::try_from(length).unwrap_or(0)] };
        assert_closes(&broker, &with_length(length, &bytes)).await;
    }
}

#[tokio::test]
async fn what_is_no_request_closes_the_connection() {
    let broker = broker().await;
    let header = |key: i16, version: i16| {
        let mut bytes = BytesMut::new();
        bytes.put_i16(key);
        bytes.put_i16(version);
        bytes.put_i32(1);
        bytes.put_i16(-1);
        with_length(10, &bytes)
    };
    for (key, version) in [(999, 0), (-1, 0), (i16::MAX, 0), (3, 99), (3, -1), (0, 0), (0, 2)] {
        assert_closes(&broker, &header(key, version)).await;
    }
    let name_too_long = [&[0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 0xff][..], &[0; 20]].concat();
    assert_closes(&broker, &with_length(30, &name_too_long)).await;
    assert_closes(&broker, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
}

#[tokio::test]
async fn counts_that_the_bytes_cannot_hold_close_the_connection() {
    let broker = broker().await;
    let mut old = BytesMut::from(&[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff][..]);
    old.put_i32(i32::MAX);
    assert_closes(&broker, &with_length(14, &old)).await;
    let mut flexible = BytesMut::from(&[0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0][..]);
    flexible.put_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_closes(&broker, &with_length(16, &flexible)).await;
}

#[tokio::test]
async fn half_a_request_holds_up_nobody() {
    let broker = broker().await;
    let mut halves = Vec::new();
    for _ in 0..200 {
        let mut stream = connect(&broker).await;
        stream.write_all(&with_length(90_000_000, &[0; 100])).await.expect("an open connection");
        halves.push(stream);
    }
    assert_lives(&broker).await;
}

#[tokio::test]
async fn who_reads_no_answers_holds_up_nobody() {
    let broker = broker().await;
    let mut stream = connect(&broker).await;
    let request = frame(4, &ApiVersionsRequest::default().with_client_software_name("a".into()));
    let many = request.repeat(20_000);
    let flood = async {
        let _ = stream.write_all(&many).await;
    };
    let _ = tokio::time::timeout(Duration::from_millis(300), flood).await;
    assert_lives(&broker).await;
}

fn creating(names: &[&str], partitions: i32) -> CreateTopicsRequest {
    let topics = names
        .iter()
        .map(|name| {
            CreatableTopic::default()
                .with_name(TopicName(StrBytes::from_string((*name).to_owned())))
                .with_num_partitions(partitions)
                .with_replication_factor(1)
        })
        .collect();
    CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(1000)
}

#[tokio::test]
async fn names_that_are_no_topics_are_refused() {
    let broker = broker().await;
    let mut stream = connect(&broker).await;
    let long = "x".repeat(250);
    let names = ["..", ".", "", "a/b", "../../etc/passwd", "a\0b", "ä", "a b", &long];
    for name in names {
        let answer = ask(&mut stream, 5, &creating(&[name], 1)).await;
        assert_eq!(answer.topics[0].error_code, 17, "{name:?}");
    }
    let longest = "x".repeat(249);
    let answer = ask(&mut stream, 5, &creating(&[&longest], 1)).await;
    assert_eq!(answer.topics[0].error_code, 0, "a name of 249 characters");
}

#[tokio::test]
async fn a_million_partitions_are_refused() {
    let broker = broker().await;
    let mut stream = connect(&broker).await;
    for partitions in [1_000_000, i32::MAX] {
        let answer = ask(&mut stream, 5, &creating(&["many"], partitions)).await;
        assert_ne!(answer.topics[0].error_code, 0, "{partitions} partitions");
    }
    let metadata = ask(&mut stream, 1, &MetadataRequest::default().with_topics(None)).await;
    assert!(metadata.topics.is_empty());
}

#[tokio::test]
async fn a_member_of_very_many_protocols_is_answered() {
    let broker = broker().await;
    let protocols = (0..100_000)
        .map(|index| {
            JoinGroupRequestProtocol::default().with_name(StrBytes::from_string(index.to_string()))
        })
        .collect();
    let request = JoinGroupRequest::default()
        .with_group_id(GroupId("many".into()))
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(i32::MAX)
        .with_protocol_type("consumer".into())
        .with_protocols(protocols);
    let answer = ask(&mut connect(&broker).await, 1, &request).await;
    assert!(answer.error_code != 0 || !answer.member_id.is_empty());
    let forever = request.with_protocols(Vec::new()).with_session_timeout_ms(i32::MAX);
    let answer = ask(&mut connect(&broker).await, 1, &forever).await;
    assert_eq!(answer.error_code, 26, "a session of 24 days");
    assert_lives(&broker).await;
}
