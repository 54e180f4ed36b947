//! A broker without input and output for tests of records: requests go in, answers come out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::{Call, Caller, ConnectionId, Core, CoreSettings, Effect, Now, Ticket};
use crate::apis::{Request, Response};
use crate::files::{Files, MemoryFiles};

pub const WALL_MS: i64 = 1_700_000_000_000;

pub struct World {
    pub core: Core,
    pub now: Now,
    files: Arc<dyn Files>,
    tickets: u64,
    answers: HashMap<Ticket, Response>,
    pub closed: Vec<ConnectionId>,
}

impl World {
    pub fn new() -> World {
        World::on(Arc::new(MemoryFiles::default()))
    }

    pub fn on(files: Arc<dyn Files>) -> World {
        let core = Core::open(CoreSettings::default(), files.clone()).unwrap();
        let now = Now { elapsed: Duration::from_secs(1), wall_ms: WALL_MS };
        let (answers, closed) = (HashMap::new(), Vec::new());
        let mut world = World { core, now, files, tickets: 0, answers, closed };
        world.tick();
        world
    }

    pub fn with_topic(name: &str, partitions: usize) -> World {
        let mut world = World::new();
        world.topic(name, partitions, &[]);
        world
    }

    pub fn topic(&mut self, name: &str, partitions: usize, config: &[(&str, &str)]) {
        let config: BTreeMap<String, String> =
            config.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.core.create_topic(name, partitions, config, self.now).unwrap();
    }

    /// Starts the broker anew on its files, as after kill -9.
    pub fn restart(&mut self) {
        self.core = Core::open(CoreSettings::default(), self.files.clone()).unwrap();
        self.now.elapsed = Duration::ZERO;
        self.answers.clear();
    }

    /// Lets time pass, and the broker do what is due.
    pub fn pass(&mut self, time: Duration) {
        self.now.elapsed += time;
        self.now.wall_ms += i64::try_from(time.as_millis()).unwrap();
        self.tick();
    }

    pub fn tick(&mut self) {
        let effects = self.core.tick(self.now);
        self.collect(effects);
    }

    pub fn send(&mut self, version: i16, request: impl Into<Request>) -> Ticket {
        let call = self.call(version);
        let effects = self.core.handle(&call, request.into());
        self.collect(effects);
        call.ticket
    }

    /// The frame of the next request.
    pub fn call(&mut self, version: i16) -> Call {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let caller = Caller {
            connection: ConnectionId(1),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_id: None,
            principal: "User:ANONYMOUS".to_owned(),
        };
        Call { ticket, caller, version, now: self.now }
    }

    fn collect(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Answer { ticket, response } => {
                    assert!(self.answers.insert(ticket, response).is_none(), "answered twice");
                }
                Effect::AnswerFetch { ticket, answer } => {
                    self.answers.insert(ticket, answer.read().into());
                }
                Effect::Close(connection) => self.closed.push(connection),
                Effect::Silence(_) => {}
            }
        }
    }

    pub fn answer(&mut self, ticket: Ticket) -> Option<Response> {
        self.answers.remove(&ticket)
    }

    pub fn produce(&mut self, topic: &str, batch: Bytes) -> PartitionProduceResponse {
        self.produce_as(12, None, topic, 0, batch)
    }

    pub fn produce_as(
        &mut self,
        version: i16,
        transactional_id: Option<&str>,
        topic: &str,
        partition: i32,
        batch: Bytes,
    ) -> PartitionProduceResponse {
        let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch));
        let topic =
            TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_transactional_id(transactional_id.map(transactional))
            .with_topic_data(vec![topic]);
        let ticket = self.send(version, Request::Produce(request));
        let Some(Response::Produce(mut response)) = self.answer(ticket) else {
            panic!("no answer to Produce")
        };
        response.responses.remove(0).partition_responses.remove(0)
    }

    pub fn fetch(&mut self, topic: &str, from: i64, isolation: i8) -> PartitionData {
        let request = fetch_request(topic, from).with_isolation_level(isolation);
        let ticket = self.send(12, Request::Fetch(request));
        let mut response = self.fetched(ticket).expect("no answer to Fetch");
        response.responses.remove(0).partitions.remove(0)
    }

    pub fn fetched(&mut self, ticket: Ticket) -> Option<FetchResponse> {
        match self.answer(ticket)? {
            Response::Fetch(response) => Some(response),
            other => panic!("{other:?}"),
        }
    }
}

/// One partition from an offset, without waiting and without a session.
pub fn fetch_request(topic: &str, from: i64) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(0)
        .with_fetch_offset(from)
        .with_current_leader_epoch(-1)
        .with_last_fetched_epoch(-1)
        .with_partition_max_bytes(1 << 20);
    FetchRequest::default()
        .with_max_bytes(1 << 20)
        .with_min_bytes(1)
        .with_session_epoch(-1)
        .with_topics(vec![
            FetchTopic::default().with_topic(name(topic)).with_partitions(vec![partition]),
        ])
}

pub fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

pub fn transactional(id: &str) -> TransactionalId {
    TransactionalId(StrBytes::from_string(id.to_owned()))
}

/// A batch as a client sends it.
#[derive(Clone, Copy)]
pub struct BatchOf {
    pub records: u8,
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
    pub is_transactional: bool,
    pub has_keys: bool,
    pub timestamp: i64,
}

impl BatchOf {
    pub fn records(records: u8) -> BatchOf {
        BatchOf {
            records,
            producer_id: -1,
            epoch: -1,
            sequence: -1,
            is_transactional: false,
            has_keys: true,
            timestamp: WALL_MS,
        }
    }

    pub fn idempotent(records: u8, producer_id: i64, epoch: i16, sequence: i32) -> BatchOf {
        BatchOf { producer_id, epoch, sequence, ..BatchOf::records(records) }
    }

    pub fn transactional(records: u8, producer_id: i64, epoch: i16, sequence: i32) -> BatchOf {
        BatchOf {
            is_transactional: true,
            ..BatchOf::idempotent(records, producer_id, epoch, sequence)
        }
    }

    /// Each record has a key of one byte, if any, and the value `v`.
    pub fn bytes(self) -> Bytes {
        let mut records = BytesMut::new();
        for delta in 0..self.records {
            let mut body = vec![0, 0, delta << 1];
            if self.has_keys {
                body.extend([1 << 1, b'k'])
            } else {
                body.push(1)
            }
            body.extend([1 << 1, b'v', 0]);
            records.put_u8(u8::try_from(body.len()).unwrap() << 1);
            records.put_slice(&body);
        }
        let mut batch = BytesMut::new();
        batch.put_i64(0);
        batch.put_i32(i32::try_from(49 + records.len()).unwrap());
        batch.put_i32(-1);
        batch.put_i8(2);
        batch.put_u32(0);
        batch.put_i16(if self.is_transactional { 0x10 } else { 0 });
        batch.put_i32(i32::from(self.records) - 1);
        batch.put_i64(self.timestamp);
        batch.put_i64(self.timestamp);
        batch.put_i64(self.producer_id);
        batch.put_i16(self.epoch);
        batch.put_i32(self.sequence);
        batch.put_i32(i32::from(self.records));
        batch.put_slice(&records);
        let batch = batch.to_vec();
        checked(batch)
    }
}

/// The batch with the checksum that it should have.
pub fn checked(mut batch: Vec<u8>) -> Bytes {
    let checksum = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    batch.into()
}
