//! Producers with ids: InitProducerId, sequences, and DescribeProducers.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{
    DescribeProducersRequest, InitProducerIdRequest, ProduceRequest, ProducerId, TopicName,
};

use crate::asked::{Named, produce, read_back};
use crate::records::BatchOf;
use crate::script::Script;

/// The version in which sequences are tried; the checks are the same in all.
const PRODUCE: i16 = 11;

pub async fn script(s: &mut Script) {
    s.quiet(asking()).await; // the very first id is 0, which looks as if there was none
    ids(s).await;
    sequences(s).await;
    describe(s).await;
}

pub fn asking() -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1)
}

async fn ids(s: &mut Script) {
    s.each("an id", |_| asking()).await;
    s.each("an id, time-out -1", |_| asking().with_transaction_timeout_ms(-1)).await;
    s.each("an id for an id", |_| asking().with_producer_id(ProducerId(5)).with_producer_epoch(0))
        .await;
    s.each("an id with an epoch", |_| asking().with_producer_epoch(3)).await;
    let (a, b) = (s.quiet(asking()).await, s.quiet(asking()).await);
    s.note("ids differ", &(a.map(|a| a.producer_id) != b.map(|b| b.producer_id)));
}

async fn append(s: &mut Script, label: &str, topic: &Named, batch: BatchOf) {
    let request: ProduceRequest = produce(PRODUCE, topic, 0, Some(batch.bytes()));
    s.ask(label, PRODUCE, request).await;
}

async fn sequences(s: &mut Script) {
    s.create("ordered", 1, &[]).await;
    let topic = Named::of(s, "ordered").await;
    let id = s.quiet(asking()).await.map_or(0, |answer| answer.producer_id.0);
    let of =
        |epoch: i16, sequence: i32| BatchOf::values(&["a", "b"]).by_producer(id, epoch, sequence);
    append(s, "sequence: begins with 3", &topic, of(0, 3)).await;
    append(s, "sequence: 0", &topic, of(0, 0)).await;
    append(s, "sequence: 0 again", &topic, of(0, 0)).await;
    append(s, "sequence: 2", &topic, of(0, 2)).await;
    append(s, "sequence: 6, a gap", &topic, of(0, 6)).await;
    append(s, "sequence: 3, within", &topic, of(0, 3)).await;
    append(s, "sequence: -1", &topic, of(0, -1)).await;
    append(s, "sequence: -5", &topic, of(0, -5)).await;
    for sequence in [4, 6, 8, 10, 12, 14] {
        append(s, &format!("sequence: {sequence}"), &topic, of(0, sequence)).await;
    }
    append(s, "sequence: 6, one of the last five", &topic, of(0, 6)).await;
    append(s, "sequence: 4, long ago", &topic, of(0, 4)).await;
    append(s, "epoch 1 begins with 4", &topic, of(1, 4)).await;
    append(s, "epoch 1 begins with 0", &topic, of(1, 0)).await;
    append(s, "epoch 0 after 1", &topic, of(0, 16)).await;
    append(s, "epoch -1", &topic, of(-1, 0)).await;
    append(s, "unknown id", &topic, BatchOf::values(&["z"]).by_producer(1 << 40, 0, 0)).await;
    append(s, "unknown id, sequence 5", &topic, {
        BatchOf::values(&["z"]).by_producer((1 << 40) + 1, 0, 5)
    })
    .await;
    let two = [of(1, 2).bytes(), of(1, 4).bytes()].concat();
    let both = produce(PRODUCE, &topic, 0, Some(two.into()));
    s.ask("two batches at once", PRODUCE, both).await;
    append(s, "the last sequence", &topic, {
        BatchOf::values(&["y", "z"]).by_producer((1 << 40) + 2, 0, i32::MAX)
    })
    .await;
    read_back(s, "what is there", &topic).await;
}

async fn describe(s: &mut Script) {
    let asking = |topic: &TopicName, partitions: &[i32]| {
        let topic = TopicRequest::default()
            .with_name(topic.clone())
            .with_partition_indexes(partitions.to_vec());
        DescribeProducersRequest::default().with_topics(vec![topic])
    };
    let (ordered, nowhere) = (s.topic("ordered"), s.topic("nowhere"));
    s.each_as(
        "describe producers",
        |_| asking(&ordered, &[0, 3, -1]),
        |answer| {
            for partition in &mut answer.topics[0].partitions {
                partition.active_producers.sort_by_key(|producer| producer.producer_id.0);
            }
        },
    )
    .await;
    s.each("describe producers of unknown", |_| asking(&nowhere, &[0])).await;
    s.each("describe producers of nothing", |_| DescribeProducersRequest::default()).await;
}
