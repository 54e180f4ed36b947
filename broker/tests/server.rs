//! The broker's sockets: what a client can do to them, and what comes back.
#![allow(clippy::unwrap_used)] // how a test fails

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, CreateTopicsRequest, DescribeConfigsRequest, FetchRequest,
    FetchResponse, MetadataRequest, MetadataResponse, ProduceRequest, RequestHeader,
    SaslHandshakeRequest, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_broker::core::User;
use weir_broker::{Broker, BrokerSettings, ConnectionSettings, StartError, Storage};

/// Far longer than anything here takes, so that a hang is a failure and not a stop of the suite.
const LONG: Duration = Duration::from_secs(60);

struct Client {
    stream: TcpStream,
    next: i32,
}

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        Client { stream: TcpStream::connect(address).await.unwrap(), next: 0 }
    }

    /// Sends a request and returns its number.
    async fn send<R: Encodable + HeaderVersion>(
        &mut self,
        key: ApiKey,
        version: i16,
        request: R,
    ) -> i32 {
        self.next += 1;
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        RequestHeader::default()
            .with_request_api_key(key as i16)
            .with_request_api_version(version)
            .with_correlation_id(self.next)
            .encode(&mut frame, R::header_version(version))
            .unwrap();
        request.encode(&mut frame, version).unwrap();
        let length = i32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&length.to_be_bytes());
        self.stream.write_all(&frame).await.unwrap();
        self.next
    }

    /// The next answer: the number of its request, and the rest.
    async fn answer(&mut self) -> io::Result<(i32, Bytes)> {
        let reading = async {
            let length = self.stream.read_i32().await?;
            let mut frame = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut frame).await?;
            let mut frame = Bytes::from(frame);
            Ok((frame.get_i32(), frame))
        };
        tokio::time::timeout(LONG, reading).await.expect("no answer")
    }

    async fn is_closed(&mut self) -> bool {
        self.answer().await.is_err()
    }

    async fn metadata(&mut self) -> MetadataResponse {
        let number =
            self.send(ApiKey::Metadata, 12, MetadataRequest::default().with_topics(None)).await;
        let (answered, mut body) = self.answer().await.unwrap();
        assert_eq!(answered, number);
        body.advance(1); // no tagged fields in the header
        MetadataResponse::decode(&mut body, 12).unwrap()
    }

    async fn create(&mut self, name: &str) {
        let topic = CreatableTopic::default()
            .with_name(topic(name))
            .with_num_partitions(1)
            .with_replication_factor(1);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        self.send(ApiKey::CreateTopics, 7, request).await;
        self.answer().await.unwrap();
    }

    async fn produce(&mut self, name: &str) {
        let data = PartitionProduceData::default().with_records(Some(batch()));
        let topic =
            TopicProduceData::default().with_name(topic(name)).with_partition_data(vec![data]);
        let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]);
        self.send(ApiKey::Produce, 9, request).await;
        self.answer().await.unwrap();
    }
}

/// One record of one byte, without a key.
fn batch() -> Bytes {
    let mut body = BytesMut::new();
    body.put_slice(&[0; 6]); // attributes, the last offset
    body.put_i64(1);
    body.put_i64(1);
    body.put_i64(-1);
    body.put_i16(-1);
    body.put_i32(-1);
    body.put_i32(1);
    body.put_slice(&[14, 0, 0, 0, 1, 2, b'x', 0]);
    let mut batch = BytesMut::new();
    batch.put_i64(0);
    batch.put_i32(i32::try_from(body.len() + 9).unwrap());
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(crc32c::crc32c(&body));
    batch.put_slice(&body);
    batch.freeze()
}

fn topic(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// A fetch from an empty topic, which waits.
fn waiting_fetch(name: &str, wait: Duration) -> FetchRequest {
    let partition = FetchPartition::default().with_partition_max_bytes(1024);
    let topic = FetchTopic::default().with_topic(topic(name)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(i32::try_from(wait.as_millis()).unwrap())
        .with_min_bytes(1)
        .with_max_bytes(1024)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

async fn broker(change: impl FnOnce(&mut BrokerSettings)) -> Broker {
    let mut settings = BrokerSettings::ephemeral();
    change(&mut settings);
    Broker::start(settings).await.unwrap()
}

#[tokio::test]
async fn requests_that_are_sent_at_once_are_answered_in_order() {
    let broker = broker(|_| {}).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("t").await;
    let fetch = client.send(ApiKey::Fetch, 12, waiting_fetch("t", Duration::from_millis(50))).await;
    let versions = client.send(ApiKey::ApiVersions, 0, ApiVersionsRequest::default()).await;
    assert_eq!(client.answer().await.unwrap().0, fetch);
    assert_eq!(client.answer().await.unwrap().0, versions);
}

#[tokio::test]
async fn a_producer_that_wants_no_answer_does_not_block_its_connection() {
    let broker = broker(|_| {}).await;
    let mut client = Client::connect(broker.address()).await;
    client.send(ApiKey::Produce, 9, ProduceRequest::default().with_acks(0)).await;
    client.metadata().await;
}

#[tokio::test]
async fn a_client_that_sends_no_more_still_gets_its_answers() {
    let broker = broker(|_| {}).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("t").await;
    client.send(ApiKey::Fetch, 12, waiting_fetch("t", Duration::from_millis(50))).await;
    client.stream.shutdown().await.unwrap();
    let (_, mut body) = client.answer().await.unwrap();
    body.advance(1);
    assert_eq!(FetchResponse::decode(&mut body, 12).unwrap().error_code, 0);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn clients_are_told_the_address_that_they_reached() {
    let broker = broker(|settings| settings.listener = ([0, 0, 0, 0], 0).into()).await;
    let address = SocketAddr::from(([127, 0, 0, 2], broker.address().port()));
    let Ok(stream) = TcpStream::connect(address).await else { return }; // not everywhere is there a second one
    let mut client = Client { stream, next: 0 };
    let seen = client.metadata().await;
    assert_eq!(seen.brokers[0].host.as_str(), "127.0.0.2");
    assert_eq!(seen.brokers[0].port, i32::from(address.port()));
}

#[tokio::test]
async fn what_is_no_request_ends_only_its_own_connection() {
    let broker = broker(|_| {}).await;
    let mut good = Client::connect(broker.address()).await;
    for frame in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0, 0, 0, 0],
        &[0xff, 0xff, 0xff, 0xff],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 8, 0, 99, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff],
        &[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
    ] {
        let mut bad = Client::connect(broker.address()).await;
        bad.stream.write_all(frame).await.unwrap();
        assert!(bad.is_closed().await, "{frame:?}");
    }
    good.metadata().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_until_another_ends() {
    let connections = ConnectionSettings { max: 2, ..ConnectionSettings::default() };
    let broker = broker(|settings| settings.connections = connections).await;
    let mut first = Client::connect(broker.address()).await;
    let mut second = Client::connect(broker.address()).await;
    first.metadata().await;
    second.metadata().await;
    assert!(Client::connect(broker.address()).await.is_closed().await);
    first.metadata().await;
    drop(second);
    let retrying = async {
        loop {
            let mut third = Client::connect(broker.address()).await;
            let request = ApiVersionsRequest::default();
            third.send(ApiKey::ApiVersions, 0, request).await;
            if third.answer().await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(LONG, retrying).await.expect("there is room again");
}

#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_gives_its_place_back() {
    let connections = ConnectionSettings { max: 1, ..ConnectionSettings::default() };
    let broker = broker(|settings| settings.connections = connections).await;
    let mut first = Client::connect(broker.address()).await;
    first.create("t").await;
    let forever = waiting_fetch("t", Duration::from_secs(2_000_000)).with_min_bytes(i32::MAX);
    first.send(ApiKey::Fetch, 12, forever).await;
    // what it sent besides does not hide its end
    first.send(ApiKey::ApiVersions, 0, ApiVersionsRequest::default()).await;
    drop(first);
    let retrying = async {
        loop {
            let mut second = Client::connect(broker.address()).await;
            second.send(ApiKey::ApiVersions, 0, ApiVersionsRequest::default()).await;
            if second.answer().await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(LONG, retrying).await.expect("there is room again");
}

fn configs_with_docs() -> DescribeConfigsRequest {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(4)
        .with_resource_name(StrBytes::from_static_str("1"))
        .with_configuration_keys(None);
    DescribeConfigsRequest::default()
        .with_resources(vec![resource; 8])
        .with_include_synonyms(true)
        .with_include_documentation(true)
}

#[tokio::test]
async fn a_large_answer_without_room_for_it_ends_its_connection_only() {
    let connections = ConnectionSettings { answers_max_bytes: 1000, ..Default::default() };
    let broker = broker(|settings| settings.connections = connections).await;
    let mut greedy = Client::connect(broker.address()).await;
    greedy.send(ApiKey::DescribeConfigs, 4, configs_with_docs()).await;
    assert!(greedy.is_closed().await);
    Client::connect(broker.address()).await.metadata().await;
}

#[tokio::test]
async fn a_fetch_gets_one_batch_if_there_is_no_room_for_more() {
    for (answers_max_bytes, batches) in [(100, 1), (512 * 1024 * 1024, 3)] {
        let connections = ConnectionSettings { answers_max_bytes, ..Default::default() };
        let broker = broker(|settings| settings.connections = connections).await;
        let mut client = Client::connect(broker.address()).await;
        client.create("t").await;
        for _ in 0..3 {
            client.produce("t").await;
        }
        let partition = FetchPartition::default().with_partition_max_bytes(1_000_000);
        let all = FetchTopic::default().with_topic(topic("t")).with_partitions(vec![partition]);
        let fetch = FetchRequest::default()
            .with_max_bytes(1_000_000)
            .with_session_epoch(-1)
            .with_topics(vec![all]);
        client.send(ApiKey::Fetch, 12, fetch).await;
        let (_, mut body) = client.answer().await.unwrap();
        body.advance(1);
        let answer = FetchResponse::decode(&mut body, 12).unwrap();
        let records = answer.responses[0].partitions[0].records.as_ref().unwrap().len();
        assert_eq!(records, batches * batch().len());
    }
}

#[tokio::test]
async fn a_broker_that_would_advertise_no_address_does_not_start() {
    let mut settings = BrokerSettings::ephemeral();
    settings.core.advertised_host = Some("0.0.0.0".into());
    let error = Broker::start(settings).await.unwrap_err();
    assert!(error.to_string().contains("0.0.0.0"), "{error}");
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let idle_max = Duration::from_millis(20);
    let connections = ConnectionSettings { idle_max, ..ConnectionSettings::default() };
    let broker = broker(|settings| settings.connections = connections).await;
    assert!(Client::connect(broker.address()).await.is_closed().await);
}

#[tokio::test]
async fn the_login_listener_answers_nobody_who_has_not_logged_in() {
    let broker = broker(|settings| {
        let user = User { name: "alice".into(), password: "secret".into() };
        settings.core.login.users.push(user);
        settings.core.login.failure_delay = Duration::ZERO;
        settings.login_listener = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let address = broker.login_address().unwrap();
    let mut stranger = Client::connect(address).await;
    stranger.send(ApiKey::Metadata, 12, MetadataRequest::default()).await;
    assert!(stranger.is_closed().await);
    // version 0 of the handshake goes on in frames without headers
    for (password, is_right) in [("secret", true), ("wrong", false)] {
        let mut client = Client::connect(address).await;
        let request =
            SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
        client.send(ApiKey::SaslHandshake, 0, request).await;
        client.answer().await.unwrap();
        let message = format!("\0alice\0{password}");
        client.stream.write_i32(i32::try_from(message.len()).unwrap()).await.unwrap();
        client.stream.write_all(message.as_bytes()).await.unwrap();
        if is_right {
            assert_eq!(client.stream.read_i32().await.unwrap(), 0);
            let seen = client.metadata().await;
            assert_eq!(seen.brokers[0].port, i32::from(address.port()));
        } else {
            assert!(client.is_closed().await);
        }
    }
    Client::connect(broker.address()).await.metadata().await;
}

#[tokio::test]
async fn an_end_closes_every_connection_and_frees_the_port() {
    let broker = broker(|_| {}).await;
    let address = broker.address();
    let mut idle = Client::connect(address).await;
    let mut waiting = Client::connect(address).await;
    idle.metadata().await;
    waiting.create("t").await;
    waiting.send(ApiKey::Fetch, 12, waiting_fetch("t", LONG)).await;
    tokio::time::timeout(LONG, broker.shutdown()).await.expect("it ends");
    assert!(idle.is_closed().await);
    assert!(waiting.is_closed().await);
    tokio::time::timeout(LONG, broker.stopped()).await.expect("it has ended");
}

#[tokio::test]
async fn a_damaged_folder_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut settings = BrokerSettings::ephemeral();
        settings.storage = Storage::Folder(folder.path().to_owned());
        Broker::start(settings)
    };
    start().await.unwrap().shutdown().await;
    let partition = folder.path().join("orders-0");
    std::fs::create_dir(&partition).unwrap();
    std::fs::write(folder.path().join("notes-1"), "no folder").unwrap();
    std::fs::write(partition.join("00000000000000000000.log"), "a record").unwrap();
    let refused = start().await.unwrap_err();
    assert!(matches!(refused, StartError::Damaged { .. }), "{refused:?}");
    let said = refused.to_string();
    assert!(said.contains("orders-0") && said.contains("move the folder"), "{said}");
    assert!(said.contains(&folder.path().display().to_string()), "{said}");
    std::fs::remove_dir_all(partition).unwrap();
    start().await.unwrap().shutdown().await;
}
