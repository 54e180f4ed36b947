//! ListOffsets, OffsetForLeaderEpoch and DeleteRecords.

use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    BrokerId, DeleteRecordsRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest, TopicName,
};

use crate::asked::{Named, appended, fetch, from, offsets, readable};
use crate::records::{BatchOf, THEN};
use crate::script::Script;

pub async fn script(s: &mut Script) {
    list(s).await;
    epochs(s).await;
    delete(s).await;
}

type Change = fn(&mut ListOffsetsRequest);

async fn list(s: &mut Script) {
    s.create("empty", 1, &[]).await;
    s.create("timed", 1, &[]).await;
    let timed = Named::of(s, "timed").await;
    for (after, values) in [(0, ["a", "b"]), (1000, ["c", "d"]), (500, ["e", "f"])] {
        appended(s, &timed, &BatchOf::values(&values).at(THEN + after)).await;
    }
    let (timed, empty) = (timed.name, s.topic("empty"));
    let times = [
        ("latest", -1),
        ("earliest", -2),
        ("max timestamp", -3),
        ("earliest local", -4),
        ("latest tiered", -5),
        ("earliest pending upload", -6),
        ("-7", -7),
        ("least", i64::MIN),
        ("0", 0),
        ("the first", THEN),
        ("the second", THEN + 1),
        ("between", THEN + 2),
        ("out of order", THEN + 501),
        ("the last", THEN + 1001),
        ("later", THEN + 1002),
        ("far", i64::MAX),
    ];
    for (label, time) in times {
        s.each(&format!("offsets: {label}"), |_| offsets(&timed, time)).await;
        s.each(&format!("offsets of nothing: {label}"), |_| offsets(&empty, time)).await;
    }
    s.each("offsets: committed", |_| offsets(&timed, -1).with_isolation_level(1)).await;
    s.each("offsets: isolation 3", |_| offsets(&timed, -1).with_isolation_level(3)).await;
    s.each("offsets: a replica", |_| offsets(&timed, -1).with_replica_id(BrokerId(4))).await;
    s.each("offsets: debugging", |_| offsets(&timed, -1).with_replica_id(BrokerId(-2))).await;
    let nowhere = s.topic("nowhere");
    s.each("offsets: unknown topic", |_| offsets(&nowhere, -1)).await;
    let changed = |change: Change| {
        let mut request = offsets(&timed, -1);
        change(&mut request);
        request
    };
    let cases: [(&str, Change); 6] = [
        ("partition 3", |r| r.topics[0].partitions[0].partition_index = 3),
        ("partition -1", |r| r.topics[0].partitions[0].partition_index = -1),
        ("epoch 0", |r| r.topics[0].partitions[0].current_leader_epoch = 0),
        ("epoch 4", |r| r.topics[0].partitions[0].current_leader_epoch = 4),
        ("nothing", |r| r.topics.clear()),
        ("twice", |r| {
            let again = r.topics[0].partitions[0].clone().with_timestamp(-2);
            r.topics[0].partitions.push(again);
        }),
    ];
    for (label, change) in cases {
        s.each(&format!("offsets: {label}"), |_| changed(change)).await;
    }
}

async fn epochs(s: &mut Script) {
    let asking = |topic: TopicName, partition: OffsetForLeaderPartition| {
        OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![
            OffsetForLeaderTopic::default().with_topic(topic).with_partitions(vec![partition]),
        ])
    };
    let at = |epoch: i32| {
        OffsetForLeaderPartition::default().with_current_leader_epoch(-1).with_leader_epoch(epoch)
    };
    let timed = s.topic("timed");
    for epoch in [0, 1, -1, -2, i32::MAX] {
        s.each(&format!("epoch {epoch}"), |_| asking(timed.clone(), at(epoch))).await;
    }
    let empty = s.topic("empty");
    s.each("epoch of nothing", |_| asking(empty.clone(), at(0))).await;
    s.each("epoch: current", |_| asking(timed.clone(), at(0).with_current_leader_epoch(0))).await;
    s.each("epoch: newer", |_| asking(timed.clone(), at(0).with_current_leader_epoch(3))).await;
    s.each("epoch: partition 5", |_| asking(timed.clone(), at(0).with_partition(5))).await;
    let nowhere = s.topic("nowhere");
    s.each("epoch: unknown topic", |_| asking(nowhere.clone(), at(0))).await;
}

async fn delete(s: &mut Script) {
    let asking = |topic: &TopicName, partition: i32, offset: i64| {
        let place =
            DeleteRecordsPartition::default().with_partition_index(partition).with_offset(offset);
        let topic =
            DeleteRecordsTopic::default().with_name(topic.clone()).with_partitions(vec![place]);
        DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000)
    };
    for version in s.versions::<DeleteRecordsRequest>() {
        let name = format!("shrinks-v{version}");
        s.create(&name, 1, &[]).await;
        let named = Named::of(s, &name).await;
        for values in [["a", "b"], ["c", "d"], ["e", "f"]] {
            appended(s, &named, &BatchOf::values(&values)).await;
        }
        let hidden = |answer: &mut kafka_protocol::messages::DeleteRecordsResponse| {
            answer.topics[0].name = TopicName("t".into());
        };
        for (label, partition, offset) in [
            ("delete to 0", 0, 0),
            ("delete to 3", 0, 3),
            ("delete to 2 after 3", 0, 2),
            ("delete beyond the end", 0, 7),
            ("delete to -2", 0, -2),
            ("delete of partition 4", 4, 0),
        ] {
            s.ask_as(label, version, asking(&named.name, partition, offset), hidden).await;
        }
        let nowhere = s.topic("nowhere");
        s.ask_as("delete of unknown", version, asking(&nowhere, 0, 0), hidden).await;
        let fetching = 4;
        for (label, offset) in [("read deleted", 0), ("read kept", 3)] {
            let label = format!("{label} after v{version}");
            s.ask_as(&label, fetching, fetch(fetching, &named, from(offset)), |answer| {
                readable(answer);
                answer.responses[0].topic = TopicName("t".into());
            })
            .await;
        }
        let earliest = format!("earliest after v{version}");
        s.ask_as(&earliest, 7, offsets(&named.name, -2), |answer| {
            answer.topics[0].name = TopicName("t".into());
        })
        .await;
        s.ask_as("delete all", version, asking(&named.name, 0, -1), hidden).await;
        s.ask_as(&format!("{earliest}, all"), 7, offsets(&named.name, -2), |answer| {
            answer.topics[0].name = TopicName("t".into());
        })
        .await;
    }
    s.create("compacted", 1, &[("cleanup.policy", "compact")]).await;
    let compacted = s.topic("compacted");
    s.each("delete of a compacted one", |_| asking(&compacted, 0, 0)).await;
}
