//! Offsets of groups: OffsetCommit, OffsetFetch and OffsetDelete.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{
    GroupId, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::script::Script;
use crate::scripts::classic::{joined, sync};

/// OffsetCommit and OffsetFetch name topics by id from here on; Kafka 4.1 does not announce it.
const NEWEST: i16 = 9;
/// OffsetFetch asks for several groups at once from here on.
const SEVERAL_GROUPS: i16 = 8;

pub async fn script(s: &mut Script) {
    s.create("read", 3, &[]).await;
    let (group, topic) = (s.group("simple"), s.topic("read"));
    commit(s, &group, &topic).await;
    fetch(s, &group, &topic).await;
    with_members(s, &topic).await;
    delete(s, &group, &topic).await;
}

fn committing(
    group: &GroupId,
    topic: &TopicName,
    partition: i32,
    offset: i64,
) -> OffsetCommitRequest {
    let place = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_metadata(Some("here".into()));
    let topic =
        OffsetCommitRequestTopic::default().with_name(topic.clone()).with_partitions(vec![place]);
    OffsetCommitRequest::default()
        .with_group_id(group.clone())
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

async fn commit(s: &mut Script, group: &GroupId, topic: &TopicName) {
    let place = |partition, offset| committing(group, topic, partition, offset);
    s.each("commit", |version| place(0, i64::from(version))).await;
    s.each("commit epoch", |_| {
        let mut request = place(1, 10);
        request.topics[0].partitions[0].committed_leader_epoch = 7;
        request
    })
    .await;
    for (label, partition, offset) in [
        ("to 0", 1, 0),
        ("to -1", 1, -1),
        ("to -2", 1, -2),
        ("far", 2, i64::MAX),
        ("of partition 9", 9, 1),
        ("of partition -1", -1, 1),
    ] {
        s.each(&format!("commit {label}"), |_| place(partition, offset)).await;
    }
    let long = |bytes: usize| {
        let mut request = place(2, 7);
        let text = StrBytes::from_string("x".repeat(bytes));
        request.topics[0].partitions[0].committed_metadata = Some(text);
        request
    };
    s.each("commit 4096 bytes of metadata", |_| long(4096)).await;
    s.each("commit 4097 bytes of metadata", |_| long(4097)).await;
    s.each("commit without metadata", |_| {
        let mut request = place(2, 7);
        request.topics[0].partitions[0].committed_metadata = None;
        request
    })
    .await;
    let (nowhere, unnamed) = (s.topic("nowhere"), GroupId("".into()));
    s.each("commit of unknown topic", |_| committing(group, &nowhere, 0, 1)).await;
    s.each("commit of no group", |_| committing(&unnamed, topic, 0, 1)).await;
    s.each("commit nothing", |_| place(0, 1).with_topics(Vec::new())).await;
    s.each("commit with a generation", |_| {
        place(0, 1).with_generation_id_or_member_epoch(3).with_member_id("m".into())
    })
    .await;
    s.each("commit as a member", |_| place(0, 1).with_member_id("m".into())).await;
    s.each("commit kept for a second", |_| place(2, 1).with_retention_time_ms(1000)).await;
}

fn fetching(
    version: i16,
    group: &GroupId,
    topics: Option<&[(&TopicName, &[i32])]>,
) -> OffsetFetchRequest {
    if version < SEVERAL_GROUPS {
        let topics = topics.map(|topics| {
            let topics = topics.iter();
            topics
                .map(|(name, partitions)| {
                    OffsetFetchRequestTopic::default()
                        .with_name((*name).clone())
                        .with_partition_indexes(partitions.to_vec())
                })
                .collect()
        });
        return OffsetFetchRequest::default().with_group_id(group.clone()).with_topics(topics);
    }
    let topics = topics.map(|topics| {
        let topics = topics.iter();
        topics
            .map(|(name, partitions)| {
                OffsetFetchRequestTopics::default()
                    .with_name((*name).clone())
                    .with_partition_indexes(partitions.to_vec())
            })
            .collect()
    });
    let wanted = OffsetFetchRequestGroup::default()
        .with_group_id(group.clone())
        .with_member_epoch(-1)
        .with_topics(topics);
    OffsetFetchRequest::default().with_groups(vec![wanted])
}

async fn fetch(s: &mut Script, group: &GroupId, topic: &TopicName) {
    let all: &[i32] = &[0, 1, 2, 9, -1];
    s.each("fetch", |version| fetching(version, group, Some(&[(topic, all)]))).await;
    s.each_as(
        "fetch all",
        |version| fetching(version, group, None),
        |answer| {
            for topic in &mut answer.topics {
                topic.partitions.sort_by_key(|place| place.partition_index);
            }
            for topic in answer.groups.iter_mut().flat_map(|group| &mut group.topics) {
                topic.partitions.sort_by_key(|place| place.partition_index);
            }
        },
    )
    .await;
    s.each("fetch none", |version| fetching(version, group, Some(&[]))).await;
    s.each("fetch stable", |version| {
        fetching(version, group, Some(&[(topic, &[0])])).with_require_stable(version >= 7)
    })
    .await;
    let (nobody, nowhere, unnamed) = (s.group("nobody"), s.topic("nowhere"), GroupId("".into()));
    s.each("fetch of nobody", |version| fetching(version, &nobody, Some(&[(topic, &[0])]))).await;
    s.each("fetch all of nobody", |version| fetching(version, &nobody, None)).await;
    s.each("fetch of no group", |version| fetching(version, &unnamed, Some(&[(topic, &[0])])))
        .await;
    s.each("fetch unknown", |version| fetching(version, group, Some(&[(&nowhere, &[0])]))).await;
    for version in [8, 9] {
        let mut both = fetching(version, group, Some(&[(topic, &[0])]));
        both.groups.extend(fetching(version, &nobody, Some(&[(topic, &[0])])).groups);
        s.ask("fetch of two groups", version, both).await;
        let member = |member: Option<StrBytes>, epoch: i32| {
            let mut request = fetching(version, group, Some(&[(topic, &[0])]));
            request.groups[0].member_id = member;
            request.groups[0].member_epoch = epoch;
            request
        };
        s.ask("fetch as a stranger", version, member(Some("x".into()), 1)).await;
        s.ask("fetch with an epoch", version, member(None, 4)).await;
    }
}

async fn with_members(s: &mut Script, topic: &TopicName) {
    let group = s.group("members");
    let member = joined(s, &group).await;
    let (generation, id) = (member.generation_id, member.member_id);
    let commit = |generation: i32, id: &StrBytes| {
        committing(&group, topic, 0, 5)
            .with_generation_id_or_member_epoch(generation)
            .with_member_id(id.clone())
    };
    s.ask("member: before its assignment", NEWEST, commit(generation, &id)).await;
    s.quiet(sync(&group, generation, &id)).await;
    s.each("member: commit", |_| commit(generation, &id)).await;
    s.each("member: of the past", |_| commit(generation - 1, &id)).await;
    s.each("member: of the future", |_| commit(generation + 1, &id)).await;
    s.each("member: stranger", |_| commit(generation, &"x".into())).await;
    s.each("member: simple", |_| commit(-1, &"".into())).await;
    s.each("member: generation alone", |_| commit(generation, &"".into())).await;
    s.each("member: id alone", |_| commit(-1, &id)).await;
    s.ask("member: delete offsets", 0, deleting(&group, topic, &[0])).await;
}

fn deleting(group: &GroupId, topic: &TopicName, partitions: &[i32]) -> OffsetDeleteRequest {
    let partitions = partitions
        .iter()
        .map(|index| OffsetDeleteRequestPartition::default().with_partition_index(*index))
        .collect();
    let topic =
        OffsetDeleteRequestTopic::default().with_name(topic.clone()).with_partitions(partitions);
    OffsetDeleteRequest::default().with_group_id(group.clone()).with_topics(vec![topic])
}

async fn delete(s: &mut Script, group: &GroupId, topic: &TopicName) {
    let (nobody, nowhere, unnamed) = (s.group("nobody"), s.topic("nowhere"), GroupId("".into()));
    s.ask_as("delete", 0, deleting(group, topic, &[0, 9, -1]), |answer| {
        for topic in &mut answer.topics {
            topic.partitions.sort_by_key(|partition| partition.partition_index);
        }
    })
    .await;
    s.ask("delete again", 0, deleting(group, topic, &[0])).await;
    s.ask("delete of unknown topic", 0, deleting(group, &nowhere, &[0])).await;
    s.ask("delete of nobody", 0, deleting(&nobody, topic, &[0])).await;
    s.ask("delete of no group", 0, deleting(&unnamed, topic, &[0])).await;
    s.ask("delete nothing", 0, OffsetDeleteRequest::default().with_group_id(group.clone())).await;
    s.ask("fetch after delete", 9, fetching(9, group, Some(&[(topic, &[0, 1, 2])]))).await;
}
