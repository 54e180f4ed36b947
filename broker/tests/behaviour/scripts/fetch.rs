//! Fetch, outside of sessions and within.

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse};

use crate::asked::{Named, appended, fetch, fetching, from, readable};
use crate::records::BatchOf;
use crate::script::Script;

pub async fn script(s: &mut Script) {
    s.create("read", 2, &[]).await;
    let topic = Named::of(s, "read").await;
    for batch in [
        BatchOf::values(&["a", "b"]),
        BatchOf::keyed(&[(Some("k"), Some("c")), (Some("k"), None)]),
        BatchOf::values(&["e"]),
    ] {
        appended(s, &topic, &batch).await;
    }
    places(s, &topic).await;
    limits(s, &topic).await;
    sessions(s, &topic).await;
}

async fn places(s: &mut Script, topic: &Named) {
    let nowhere = Named::nowhere(s);
    let cases = [
        ("all", from(0)),
        ("from within a batch", from(1)),
        ("from the second batch", from(2)),
        ("from the last record", from(4)),
        ("at the end", from(5)),
        ("after the end", from(6)),
        ("below zero", from(-1)),
        ("far below zero", from(i64::MIN)),
        ("far", from(i64::MAX)),
        ("partition 9", from(0).with_partition(9)),
        ("partition -1", from(0).with_partition(-1)),
        ("epoch 0", from(0).with_current_leader_epoch(0)),
        ("epoch 7", from(0).with_current_leader_epoch(7)),
        ("epoch -7", from(0).with_current_leader_epoch(-7)),
        ("last fetched epoch 0", from(2).with_last_fetched_epoch(0)),
        ("last fetched epoch 7", from(2).with_last_fetched_epoch(7)),
        ("log start", from(0).with_log_start_offset(3)),
    ];
    for (label, partition) in cases {
        s.each_as(label, |version| fetch(version, topic, last(version, &partition)), readable)
            .await;
    }
    s.each_as(
        "unknown topic",
        |version| fetch(version, &nowhere, last(version, &from(0))),
        readable,
    )
    .await;
    s.each_as("nothing", |_| fetching(), readable).await;
    s.each_as(
        "committed",
        |v| fetch(v, topic, last(v, &from(0))).with_isolation_level(1),
        readable,
    )
    .await;
    s.each_as(
        "isolation 2",
        |v| fetch(v, topic, last(v, &from(0))).with_isolation_level(2),
        readable,
    )
    .await;
    s.each_as("a replica", |v| fetch(v, topic, from(0)).with_replica_id(BrokerId(5)), readable)
        .await;
}

/// The field is there from version 12 on, where its default is -1.
fn last(version: i16, partition: &FetchPartition) -> FetchPartition {
    let mut partition = partition.clone();
    if partition.last_fetched_epoch == 0 && version < 12 {
        partition.last_fetched_epoch = -1;
    }
    partition
}

async fn limits(s: &mut Script, topic: &Named) {
    let bytes = |most: i32| from(0).with_partition_max_bytes(most);
    for (label, most) in
        [("one byte", 1), ("no byte", 0), ("minus a byte", -1), ("two batches", 150)]
    {
        s.each_as(&format!("partition limit: {label}"), |v| fetch(v, topic, bytes(most)), readable)
            .await;
        s.each_as(
            &format!("limit: {label}"),
            |v| fetch(v, topic, from(0)).with_max_bytes(most),
            readable,
        )
        .await;
    }
    s.each_as(
        "waits in vain",
        |v| fetch(v, topic, from(5)).with_max_wait_ms(20).with_min_bytes(1),
        readable,
    )
    .await;
    s.each_as(
        "waits for more than there is",
        |v| fetch(v, topic, from(0)).with_max_wait_ms(20).with_min_bytes(100_000),
        readable,
    )
    .await;
    s.each_as(
        "error does not wait",
        |v| fetch(v, topic, from(99)).with_max_wait_ms(60_000).with_min_bytes(1),
        readable,
    )
    .await;
    s.each_as(
        "one partition twice",
        |v| {
            let mut request = fetch(v, topic, from(0));
            request.topics[0].partitions.push(from(4));
            request
        },
        readable,
    )
    .await;
}

fn session(answer: Option<FetchResponse>) -> i32 {
    answer.map_or(0, |answer| answer.session_id)
}

async fn sessions(s: &mut Script, topic: &Named) {
    for version in s.versions::<FetchRequest>().into_iter().filter(|version| *version >= 7) {
        let both = || {
            let mut request = fetch(version, topic, from(0));
            request.topics[0].partitions.push(from(0).with_partition(1));
            request
        };
        let opened =
            s.ask_as("session: open", version, both().with_session_epoch(0), readable).await;
        let id = session(opened);
        let next = |epoch: i32| fetching().with_session_id(id).with_session_epoch(epoch);
        s.ask_as("session: next", version, next(1), readable).await;
        let moved = |request: FetchRequest, topics: Vec<FetchTopic>| request.with_topics(topics);
        let ahead = fetch(version, topic, from(5)).topics;
        s.ask_as("session: moved", version, moved(next(2), ahead), readable).await;
        s.ask_as("session: nothing new", version, next(3), readable).await;
        let mut forgotten = ForgottenTopic::default().with_partitions(vec![0]);
        if version >= 13 {
            forgotten.topic_id = topic.id;
        } else {
            forgotten.topic = topic.name.clone();
        }
        let forgets = next(4).with_forgotten_topics_data(vec![forgotten]);
        s.ask_as("session: forgets", version, forgets, readable).await;
        s.ask_as("session: wrong epoch", version, next(9), readable).await;
        let outside = fetch(version, topic, from(99));
        s.ask_as("session: adds a fault", version, moved(next(5), outside.topics), readable).await;
        s.ask_as("session: ends", version, next(-1), readable).await;
        s.ask_as("session: after its end", version, next(6), readable).await;
        let unknown = fetching().with_session_id(123_456).with_session_epoch(1);
        s.ask_as("session: unknown", version, unknown, readable).await;
        let odd = fetching().with_session_id(0).with_session_epoch(5);
        s.ask_as("session: epoch without id", version, odd, readable).await;
    }
}
