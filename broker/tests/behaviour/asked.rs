//! Requests that several scripts send.

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchResponse, ListOffsetsRequest, ProduceRequest, TopicName,
};
use uuid::Uuid;

use crate::records::{BatchOf, shown};
use crate::script::Script;

/// A topic as requests name it: by name, or by id in newer versions.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: TopicName,
    pub id: Uuid,
}

impl Named {
    pub async fn of(s: &mut Script, name: &str) -> Named {
        Named { name: s.topic(name), id: s.topic_id(name).await }
    }

    pub fn nowhere(s: &Script) -> Named {
        Named { name: s.topic("nowhere"), id: Uuid::from_u128(99) }
    }
}

/// Version 13 of Produce and of Fetch begin to name topics by id.
const BY_ID: i16 = 13;
/// The version of Fetch that steps read with whose subject is something else.
const READ_BACK: i16 = 11;

pub fn produce(
    version: i16,
    topic: &Named,
    partition: i32,
    records: Option<Bytes>,
) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(partition).with_records(records);
    let mut topic_data = TopicProduceData::default().with_partition_data(vec![data]);
    if version >= BY_ID {
        topic_data.topic_id = topic.id;
    } else {
        topic_data.name = topic.name.clone();
    }
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![topic_data])
}

/// Appends to partition 0 without recording the answer.
pub async fn appended(s: &mut Script, topic: &Named, batch: &BatchOf) {
    let version = s.newest::<ProduceRequest>();
    let request = produce(version, topic, 0, Some(batch.bytes()));
    let answer = s.quiet(request).await.unwrap_or_default();
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
    let errors: Vec<i16> = partitions.map(|partition| partition.error_code).collect();
    assert_eq!(errors, [0], "a batch is appended to {}", topic.name.0);
}

pub fn fetch(version: i16, topic: &Named, partition: FetchPartition) -> FetchRequest {
    let mut wanted = FetchTopic::default().with_partitions(vec![partition]);
    if version >= BY_ID {
        wanted.topic_id = topic.id;
    } else {
        wanted.topic = topic.name.clone();
    }
    fetching().with_topics(vec![wanted])
}

/// A fetch of nothing yet, outside of a session, which does not wait.
pub fn fetching() -> FetchRequest {
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
}

pub fn from(offset: i64) -> FetchPartition {
    FetchPartition::default()
        .with_fetch_offset(offset)
        .with_current_leader_epoch(-1)
        .with_partition_max_bytes(1 << 20)
}

/// Puts text for the records, so that they can be compared.
pub fn readable(answer: &mut FetchResponse) {
    for topic in &mut answer.responses {
        for partition in &mut topic.partitions {
            let text = partition.records.as_deref().map(shown);
            partition.records = text.map(Bytes::from);
        }
    }
}

/// Records what partition 0 has from the beginning.
pub async fn read_back(s: &mut Script, label: &str, topic: &Named) {
    s.ask_as(label, READ_BACK, fetch(READ_BACK, topic, from(0)), readable).await;
}

pub fn offsets(topic: &TopicName, timestamp: i64) -> ListOffsetsRequest {
    let partition =
        ListOffsetsPartition::default().with_timestamp(timestamp).with_current_leader_epoch(-1);
    let wanted =
        ListOffsetsTopic::default().with_name(topic.clone()).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![wanted])
}
