//! Produce: what is appended, and what is refused with which error.

use kafka_protocol::messages::ProduceRequest;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::{FetchRequest, ProduceResponse};

use crate::asked::{Named, produce, read_back};
use crate::records::{BatchOf, THEN};
use crate::script::Script;

pub async fn script(s: &mut Script) {
    versions(s).await;
    acknowledgements(s).await;
    wrong_batches(s).await;
    configs(s).await;
    several(s).await;
}

async fn versions(s: &mut Script) {
    s.create("grows", 1, &[]).await;
    let topic = Named::of(s, "grows").await;
    let nowhere = Named::nowhere(s);
    for version in s.versions::<ProduceRequest>() {
        let batch = Some(BatchOf::values(&["a", "b"]).bytes());
        let hidden = |answer: &mut ProduceResponse| {
            for partition in &mut answer.responses[0].partition_responses {
                partition.base_offset = partition.base_offset.min(0);
            }
        };
        let request = produce(version, &topic, 0, batch.clone());
        s.ask_as("append", version, request, hidden).await;
        for (label, partition) in [("partition 1", 1), ("partition -1", -1), ("last", i32::MAX)] {
            s.ask(label, version, produce(version, &topic, partition, batch.clone())).await;
        }
        s.ask("unknown topic", version, produce(version, &nowhere, 0, batch.clone())).await;
        s.ask("empty records", version, produce(version, &topic, 0, Some("".into()))).await;
        let nothing = ProduceRequest::default().with_acks(-1).with_timeout_ms(1000);
        s.ask("no topics", version, nothing).await;
    }
    read_back(s, "what was appended", &topic).await;
}

async fn acknowledgements(s: &mut Script) {
    s.create("acks", 1, &[]).await;
    let topic = Named::of(s, "acks").await;
    let batch = || Some(BatchOf::values(&["a"]).bytes());
    for (acks, label) in [(1, "acks 1"), (2, "acks 2"), (-2, "acks -2"), (i16::MAX, "acks max")] {
        for version in s.versions::<ProduceRequest>() {
            let request = produce(version, &topic, 0, batch()).with_acks(acks);
            s.ask_as(label, version, request, |answer| {
                for partition in &mut answer.responses[0].partition_responses {
                    partition.base_offset = partition.base_offset.min(0);
                }
            })
            .await;
        }
    }
    let version = 12;
    let silent = produce(version, &topic, 0, batch()).with_acks(0);
    s.client.send(version, &silent).await.expect("an open connection");
    s.ask("after acks 0", version, produce(version, &topic, 0, batch())).await;
    let wrong = produce(version, &Named::nowhere(s), 0, batch()).with_acks(0);
    s.client.send(version, &wrong).await.expect("an open connection");
    s.ask("after a failure with acks 0", version, produce(version, &topic, 0, batch())).await;
}

fn wrong(label: &str) -> BatchOf {
    let mut batch = BatchOf::values(&["a", "b", "c"]);
    match label {
        "checksum" => batch.checksum_error = 1,
        "magic 0" => batch.magic = 0,
        "magic 1" => batch.magic = 1,
        "magic 3" => batch.magic = 3,
        "count too high" => batch.count_error = 1,
        "count too low" => batch.count_error = -1,
        "count negative" => batch.count_error = -9,
        "last delta too high" => batch.delta_error = 1,
        "last delta too low" => batch.delta_error = -1,
        "base offset 7" => batch.base_offset = 7,
        "epoch 9" => batch.leader_epoch = 9,
        "control" => batch.attributes = 0x20,
        "transactional" => batch.attributes = 0x10,
        "append time" => batch.attributes = 0x08,
        "delete horizon" => batch.attributes = 0x40,
        "unknown attribute" => batch.attributes = 0x80,
        "gzip garbage" => batch.attributes = 1,
        "snappy garbage" => batch.attributes = 2,
        "lz4 garbage" => batch.attributes = 3,
        "zstd garbage" => batch.attributes = 4,
        "compression 5" => batch.attributes = 5,
        "compression 7" => batch.attributes = 7,
        "no timestamp" => batch.timestamp = -1,
        "timestamp 0" => batch.timestamp = 0,
        "timestamp in 2096" => batch.timestamp = 4_000_000_000_000,
        "producer without epoch" => batch.producer_id = 5,
        "sequence without producer" => batch.base_sequence = 5,
        "no record" => batch.records.clear(),
        other => unreachable!("{other}"),
    }
    batch
}

async fn wrong_batches(s: &mut Script) {
    s.create("wrong", 1, &[]).await;
    let topic = Named::of(s, "wrong").await;
    for label in [
        "checksum",
        "magic 0",
        "magic 1",
        "magic 3",
        "count too high",
        "count too low",
        "count negative",
        "last delta too high",
        "last delta too low",
        "base offset 7",
        "epoch 9",
        "control",
        "transactional",
        "append time",
        "delete horizon",
        "unknown attribute",
        "gzip garbage",
        "snappy garbage",
        "lz4 garbage",
        "zstd garbage",
        "compression 5",
        "compression 7",
        "no timestamp",
        "timestamp 0",
        "timestamp in 2096",
        "producer without epoch",
        "sequence without producer",
        "no record",
    ] {
        for version in [3, 6, 8, 12] {
            let request = produce(version, &topic, 0, Some(wrong(label).bytes()));
            s.ask_as(&format!("batch: {label}"), version, request, without_offset).await;
        }
    }
    let batch = BatchOf::values(&["a"]).bytes();
    for (label, bytes) in [
        ("half a batch", batch.slice(..40)),
        ("all but a byte", batch.slice(..batch.len() - 1)),
        ("ten bytes", batch.slice(..10)),
        ("zeros", vec![0; 100].into()),
        ("a byte more", [batch.as_ref(), &[0]].concat().into()),
        ("two batches", [batch.as_ref(), batch.as_ref()].concat().into()),
    ] {
        let request = produce(12, &topic, 0, Some(bytes));
        s.ask_as(&format!("bytes: {label}"), 12, request, without_offset).await;
    }
    read_back(s, "what was taken", &topic).await;
}

/// Tells only whether an offset was given, so that one fault does not show in all later steps.
fn without_offset(answer: &mut ProduceResponse) {
    for topic in &mut answer.responses {
        for partition in &mut topic.partition_responses {
            partition.base_offset = partition.base_offset.min(0);
        }
    }
}

type Settings = &'static [(&'static str, &'static str)];

async fn configs(s: &mut Script) {
    let cases: [(&str, Settings, BatchOf); 10] = [
        ("append-time", &[("message.timestamp.type", "LogAppendTime")], BatchOf::values(&["a"])),
        ("small", &[("max.message.bytes", "80")], BatchOf::values(&["a long value indeed, it is"])),
        ("exact", &[("max.message.bytes", "69")], BatchOf::values(&["a"])),
        ("compact", &[("cleanup.policy", "compact")], BatchOf::values(&["a"])),
        (
            "compact-keyed",
            &[("cleanup.policy", "compact")],
            BatchOf::keyed(&[(Some("k"), Some("v")), (Some("k"), None)]),
        ),
        (
            "compact-half",
            &[("cleanup.policy", "compact")],
            BatchOf::keyed(&[(Some("k"), Some("v")), (None, Some("v"))]),
        ),
        ("both", &[("cleanup.policy", "compact,delete")], BatchOf::values(&["a"])),
        ("isr", &[("min.insync.replicas", "2")], BatchOf::values(&["a"])),
        ("before", &[("message.timestamp.before.max.ms", "1000")], BatchOf::values(&["a"])),
        (
            "after",
            &[("message.timestamp.after.max.ms", "1000")],
            BatchOf::values(&["a"]).at(THEN * 3),
        ),
    ];
    for (name, settings, batch) in cases {
        s.create(name, 1, settings).await;
        let topic = Named::of(s, name).await;
        for version in s.versions::<ProduceRequest>() {
            let request = produce(version, &topic, 0, Some(batch.bytes()));
            s.ask_as(&format!("topic {name}"), version, request, without_offset).await;
        }
        let request = produce(12, &topic, 0, Some(batch.bytes())).with_acks(1);
        s.ask_as(&format!("topic {name}, acks 1"), 12, request, without_offset).await;
        if s.has::<FetchRequest>(4) {
            read_back(s, &format!("read {name}"), &topic).await;
        }
    }
}

async fn several(s: &mut Script) {
    s.create("several", 3, &[]).await;
    let topic = Named::of(s, "several").await;
    for version in s.versions::<ProduceRequest>() {
        let mut request = produce(version, &topic, 2, Some(BatchOf::values(&["c"]).bytes()));
        let more = [(0, "a"), (7, "x"), (1, "b")].map(|(partition, value)| {
            PartitionProduceData::default()
                .with_index(partition)
                .with_records(Some(BatchOf::values(&[value]).bytes()))
        });
        request.topic_data[0].partition_data.extend(more);
        s.ask_as("several partitions", version, request, |answer| {
            let partitions = &mut answer.responses[0].partition_responses;
            partitions.sort_by_key(|partition| partition.index);
            for partition in partitions {
                partition.base_offset = partition.base_offset.min(0);
            }
        })
        .await;
        let mut twice = produce(version, &topic, 0, Some(BatchOf::values(&["a"]).bytes()));
        let again = twice.topic_data[0].partition_data.clone();
        twice.topic_data[0].partition_data.extend(again);
        s.ask_as("one partition twice", version, twice, without_offset).await;
    }
}
