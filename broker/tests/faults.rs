//! What clients see of the faults that a broker is asked for.
#![allow(clippy::unwrap_used)] // how a test fails

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, EndTxnRequest, FetchRequest, FindCoordinatorRequest, HeartbeatRequest,
    InitProducerIdRequest, JoinGroupRequest, MetadataRequest, ProduceRequest, RequestHeader,
    ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_broker::{Action, Broker, BrokerSettings, Rule};

const TOPIC: &str = "flights";
const GROUP: &str = "readers";
const TRANSACTIONAL_ID: &str = "tower";

/// One connection.
struct Client {
    stream: TcpStream,
    client_id: &'static str,
}

impl Client {
    async fn of(broker: &Broker) -> Client {
        Client { stream: TcpStream::connect(broker.address()).await.unwrap(), client_id: "me" }
    }

    async fn send<R: Request>(&mut self, version: i16, request: &R) {
        let mut frame = BytesMut::new();
        RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_client_id(Some(StrBytes::from_static_str(self.client_id)))
            .encode(&mut frame, R::header_version(version))
            .unwrap();
        request.encode(&mut frame, version).unwrap();
        self.stream.write_i32(frame.len().try_into().unwrap()).await.unwrap();
        self.stream.write_all(&frame).await.unwrap();
    }

    /// The answer, or `None` if the connection was closed.
    async fn receive<R: Request>(&mut self, version: i16) -> Option<R::Response> {
        let length = self.stream.read_i32().await.ok()?;
        let mut frame = vec![0; length.try_into().unwrap()];
        self.stream.read_exact(&mut frame).await.ok()?;
        let mut frame = Bytes::from(frame);
        ResponseHeader::decode(&mut frame, R::Response::header_version(version)).unwrap();
        Some(R::Response::decode(&mut frame, version).unwrap())
    }

    async fn ask<R: Request>(&mut self, version: i16, request: &R) -> Option<R::Response> {
        self.send(version, request).await;
        self.receive::<R>(version).await
    }

    /// Produces one record, and says the error and the offset.
    async fn produce(&mut self) -> Option<(i16, i64)> {
        let answer = self.ask(9, &one_record()).await?;
        let partition = &answer.responses[0].partition_responses[0];
        Some((partition.error_code, partition.base_offset))
    }

    /// The error of the topic and the epoch of its leader.
    async fn leader(&mut self) -> (i16, Option<i32>) {
        let topic = MetadataRequestTopic::default().with_name(Some(topic()));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(true);
        let answer = self.ask(12, &request).await.unwrap();
        assert_eq!(answer.brokers.len(), 1);
        let topic = &answer.topics[0];
        (topic.error_code, topic.partitions.first().map(|partition| partition.leader_epoch))
    }

    async fn fetch_error(&mut self, leader_epoch: i32) -> i16 {
        let partition = FetchPartition::default()
            .with_current_leader_epoch(leader_epoch)
            .with_partition_max_bytes(1024);
        let topic = FetchTopic::default().with_topic(topic()).with_partitions(vec![partition]);
        let request = FetchRequest::default().with_session_epoch(-1).with_topics(vec![topic]);
        let answer = self.ask(11, &request).await.unwrap();
        answer.responses[0].partitions[0].error_code
    }
}

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

fn one_record() -> ProduceRequest {
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
        timestamp: 1_000_000_000_000,
        key: None,
        value: Some(Bytes::from_static(b"SFO")),
        headers: Default::default(),
    };
    let mut records = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut records, [&record], &options).unwrap();
    let partition = PartitionProduceData::default().with_records(Some(records.freeze()));
    let topic = TopicProduceData::default().with_name(topic()).with_partition_data(vec![partition]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(1000).with_topic_data(vec![topic])
}

/// A broker with a topic, and a client of it.
async fn started() -> (Broker, Client) {
    let broker = Broker::start(BrokerSettings::ephemeral()).await.unwrap();
    let mut client = Client::of(&broker).await;
    assert_eq!(client.leader().await, (0, Some(0)));
    (broker, client)
}

#[tokio::test]
async fn an_error_is_answered_and_nothing_is_done() {
    let (broker, mut client) = started().await;
    let refusal = ResponseError::NotLeaderOrFollower;
    let rule = Rule::error(ApiKey::Produce, refusal).of_topic(TOPIC).times(1);
    let id = broker.faults().add(rule).unwrap();
    assert_eq!(client.produce().await, Some((refusal.code(), -1)));
    assert_eq!(client.produce().await, Some((0, 0)));
    assert_eq!(broker.faults().hits(id), 1);
}

#[tokio::test]
async fn metadata_that_is_refused_names_the_broker_all_the_same() {
    let (broker, mut client) = started().await;
    let refusal = ResponseError::LeaderNotAvailable;
    broker.faults().add(Rule::error(ApiKey::Metadata, refusal).times(1)).unwrap();
    assert_eq!(client.leader().await, (refusal.code(), None));
    assert_eq!(client.leader().await, (0, Some(0)));
}

#[tokio::test]
async fn only_the_named_client_is_struck() {
    let (broker, mut client) = started().await;
    let refusal = ResponseError::NotEnoughReplicas;
    broker.faults().add(Rule::error(ApiKey::Produce, refusal).of_client("other")).unwrap();
    let mut other = Client::of(&broker).await;
    other.client_id = "other";
    assert_eq!(client.produce().await, Some((0, 0)));
    assert_eq!(other.produce().await, Some((refusal.code(), -1)));
}

#[tokio::test]
async fn a_dropped_request_is_not_handled() {
    let (broker, mut client) = started().await;
    broker.faults().add(Rule::new(Action::Drop).of_api(ApiKey::Produce).times(1)).unwrap();
    assert_eq!(client.produce().await, None);
    assert_eq!(Client::of(&broker).await.produce().await, Some((0, 0)));
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_handled() {
    let (broker, mut client) = started().await;
    broker.faults().add(Rule::new(Action::LoseAnswer).of_api(ApiKey::Produce).times(1)).unwrap();
    assert_eq!(client.produce().await, None);
    assert_eq!(Client::of(&broker).await.produce().await, Some((0, 1)));
}

#[tokio::test]
async fn a_duplicate_is_handled_twice_and_answered_once() {
    let (broker, mut client) = started().await;
    broker.faults().add(Rule::new(Action::Duplicate).of_api(ApiKey::Produce).times(1)).unwrap();
    assert_eq!(client.produce().await, Some((0, 0)));
    assert_eq!(client.produce().await, Some((0, 2)));
}

#[tokio::test]
async fn a_delay_comes_before_the_handling_or_before_the_answer() {
    let (broker, mut client) = started().await;
    let mut other = Client::of(&broker).await;
    let wait = Duration::from_secs(3600);
    let late = Rule::new(Action::DelayAnswer(wait)).of_api(ApiKey::Produce).of_client("me");
    let late = broker.faults().add(late.times(1)).unwrap();
    client.send(9, &one_record()).await;
    broker.faults().has_struck(late, 1).await;
    broker.faults().clear();
    let (code, offset) = other.produce().await.unwrap();
    assert_eq!((code, offset), (0, 1), "the delayed one was handled before");

    let later = Rule::new(Action::Delay(wait)).of_api(ApiKey::Produce).times(1);
    let later = broker.faults().add(later).unwrap();
    let mut third = Client::of(&broker).await;
    third.send(9, &one_record()).await;
    broker.faults().has_struck(later, 1).await;
    assert_eq!(other.produce().await, Some((0, 2)), "the delayed one is not handled yet");
}

#[tokio::test]
async fn a_pause_holds_requests_until_it_is_lifted() {
    let (broker, mut client) = started().await;
    let mut other = Client::of(&broker).await;
    let pause = Rule::new(Action::Pause).of_api(ApiKey::Produce).times(1);
    let pause = broker.faults().add(pause).unwrap();
    client.send(9, &one_record()).await;
    broker.faults().has_struck(pause, 1).await;
    assert_eq!(other.produce().await, Some((0, 0)));
    assert_eq!(broker.faults().remove(pause).unwrap().hits, 1);
    let answer = client.receive::<ProduceRequest>(9).await.unwrap();
    assert_eq!(answer.responses[0].partition_responses[0].base_offset, 1);
}

#[tokio::test]
async fn a_fenced_producer_cannot_end_its_transaction() {
    let (broker, mut client) = started().await;
    let find = FindCoordinatorRequest::default()
        .with_key_type(1)
        .with_coordinator_keys(vec![StrBytes::from_static_str(TRANSACTIONAL_ID)]);
    assert_eq!(client.ask(4, &find).await.unwrap().coordinators[0].error_code, 0);
    let id = kafka_protocol::messages::TransactionalId(StrBytes::from_static_str(TRANSACTIONAL_ID));
    let begin = InitProducerIdRequest::default()
        .with_transactional_id(Some(id.clone()))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    let producer = client.ask(4, &begin).await.unwrap();
    assert_eq!(producer.error_code, 0);
    let rule = Rule::new(Action::Fence).of_transactional_id(TRANSACTIONAL_ID).times(1);
    let rule = broker.faults().add(rule).unwrap();
    let end = EndTxnRequest::default()
        .with_transactional_id(id)
        .with_producer_id(producer.producer_id)
        .with_producer_epoch(producer.producer_epoch)
        .with_committed(true);
    let ended = client.ask(3, &end).await.unwrap();
    assert_eq!(ended.error_code, ResponseError::ProducerFenced.code());
    assert_eq!(broker.faults().hits(rule), 1);
}

#[tokio::test]
async fn a_fenced_member_is_no_longer_known() {
    let (broker, mut client) = started().await;
    let group = kafka_protocol::messages::GroupId(StrBytes::from_static_str(GROUP));
    let join = |member: StrBytes| {
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str("range"))
            .with_metadata(Bytes::from_static(&[0, 0]));
        JoinGroupRequest::default()
            .with_group_id(group.clone())
            .with_session_timeout_ms(30_000)
            .with_rebalance_timeout_ms(30_000)
            .with_member_id(member)
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(vec![protocol])
    };
    let named = client.ask(5, &join(StrBytes::default())).await.unwrap();
    assert_eq!(named.error_code, ResponseError::MemberIdRequired.code());
    let joined = client.ask(5, &join(named.member_id)).await.unwrap();
    assert_eq!(joined.error_code, 0);
    broker.faults().add(Rule::new(Action::Fence).of_group(GROUP).times(1)).unwrap();
    let beat = HeartbeatRequest::default()
        .with_group_id(group.clone())
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id);
    let answer = client.ask(3, &beat).await.unwrap();
    assert_eq!(answer.error_code, ResponseError::UnknownMemberId.code());
}

#[tokio::test]
async fn a_moved_leader_has_another_epoch() {
    let (broker, mut client) = started().await;
    assert_eq!(client.fetch_error(0).await, 0);
    let moves = Rule::new(Action::MoveLeader).of_api(ApiKey::Fetch).of_topic(TOPIC).times(1);
    broker.faults().add(moves).unwrap();
    assert_eq!(client.fetch_error(0).await, ResponseError::FencedLeaderEpoch.code());
    assert_eq!(client.leader().await, (0, Some(1)));
    assert_eq!(client.fetch_error(1).await, 0);
}
