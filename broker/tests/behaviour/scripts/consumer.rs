//! Groups of the protocol in which the broker assigns: ConsumerGroupHeartbeat and
//! ConsumerGroupDescribe.

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    DescribeGroupsRequest, GroupId, ListGroupsRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::script::Script;
use crate::scripts::classic::join;

pub async fn script(s: &mut Script) {
    s.create("read", 4, &[]).await;
    for version in s.versions::<ConsumerGroupHeartbeatRequest>() {
        alone(s, version).await;
        wrong(s, version).await;
        two(s, version).await;
        fixed(s, version).await;
    }
    regular_expressions(s).await;
}

fn beat(group: &GroupId, member: &StrBytes, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group.clone())
        .with_member_id(member.clone())
        .with_member_epoch(epoch)
        .with_rebalance_timeout_ms(-1)
}

fn joining(s: &Script, group: &GroupId, member: &StrBytes) -> ConsumerGroupHeartbeatRequest {
    beat(group, member, 0)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![s.topic("read")]))
        .with_topic_partitions(Some(Vec::new()))
}

fn sorted(answer: &mut ConsumerGroupHeartbeatResponse) {
    for topic in answer.assignment.iter_mut().flat_map(|given| &mut given.topic_partitions) {
        topic.partitions.sort_unstable();
    }
}

fn owned(answer: &ConsumerGroupHeartbeatResponse) -> Vec<TopicPartitions> {
    let topics = answer.assignment.iter().flat_map(|given| &given.topic_partitions);
    topics
        .map(|topic| {
            TopicPartitions::default()
                .with_topic_id(topic.topic_id)
                .with_partitions(topic.partitions.clone())
        })
        .collect()
}

/// Version 0 lets the broker choose the member's id.
fn member(version: i16, name: &'static str) -> StrBytes {
    if version == 0 { "".into() } else { name.into() }
}

async fn describe(s: &mut Script, label: &str, group: &GroupId) {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group.clone()]);
    for version in s.versions::<ConsumerGroupDescribeRequest>() {
        s.ask_as(label, version, request.clone(), |answer| {
            for group in &mut answer.groups {
                group.members.sort_by(|a, b| a.client_id.cmp(&b.client_id));
                let members = group.members.iter_mut();
                let assignments =
                    members.flat_map(|m| [&mut m.assignment, &mut m.target_assignment]);
                for topic in assignments.flat_map(|given| &mut given.topic_partitions) {
                    topic.partitions.sort_unstable();
                }
            }
        })
        .await;
    }
}

async fn alone(s: &mut Script, version: i16) {
    let group = s.group(&format!("alone-v{version}"));
    let joins = joining(s, &group, &member(version, "AAAAAAAAAAAAAAAAAAAAAA"));
    let Some(first) = s.ask_as("join", version, joins.clone(), sorted).await else { return };
    let id = first.member_id.clone().unwrap_or_default();
    let epoch = first.member_epoch;
    let owns = owned(&first);
    let label = |what: &str| format!("{what} (v{version})");
    describe(s, &label("describe joined"), &group).await;
    let owning = beat(&group, &id, epoch).with_topic_partitions(Some(owns));
    s.ask_as("owns", version, owning, sorted).await;
    s.ask_as("heartbeat", version, beat(&group, &id, epoch), sorted).await;
    s.ask_as("heartbeat of the past", version, beat(&group, &id, epoch - 1), sorted).await;
    s.ask_as("heartbeat of the future", version, beat(&group, &id, epoch + 1), sorted).await;
    s.ask_as("heartbeat of a stranger", version, beat(&group, &"x".into(), epoch), sorted).await;
    describe(s, &label("describe stable"), &group).await;
    let classic = DescribeGroupsRequest::default().with_groups(vec![group.clone()]);
    s.ask(&label("describe as a classic group"), 6, classic).await;
    s.ask(&label("join as a classic member"), 9, {
        join(&group, &"".into()).with_rebalance_timeout_ms(30_000)
    })
    .await;
    let listed = group.clone();
    s.ask_as(&label("list"), 5, ListGroupsRequest::default(), |answer| {
        answer.groups.retain(|known| known.group_id == listed);
    })
    .await;
    let none = beat(&group, &id, epoch).with_subscribed_topic_names(Some(Vec::new()));
    s.ask_as("subscribes to nothing", version, none, sorted).await;
    s.ask_as("leave", version, beat(&group, &id, -1), sorted).await;
    s.ask_as("leave again", version, beat(&group, &id, -1), sorted).await;
    describe(s, &label("describe empty"), &group).await;
}

async fn wrong(s: &mut Script, version: i16) {
    let group = s.group(&format!("wrong-v{version}"));
    let id = member(version, "BBBBBBBBBBBBBBBBBBBBBB");
    let well = joining(s, &group, &id);
    let mut cases = vec![
        ("no group", joining(s, &GroupId("".into()), &id)),
        ("without topics", well.clone().with_subscribed_topic_names(None)),
        ("without partitions", well.clone().with_topic_partitions(None)),
        ("without a time-out", well.clone().with_rebalance_timeout_ms(-1)),
        ("time-out 0", well.clone().with_rebalance_timeout_ms(0)),
        ("unknown assignor", well.clone().with_server_assignor(Some("no-such".into()))),
        ("empty assignor", well.clone().with_server_assignor(Some("".into()))),
        ("empty instance", well.clone().with_instance_id(Some("".into()))),
        ("empty rack", well.clone().with_rack_id(Some("".into()))),
        ("epoch -3", beat(&group, &"x".into(), -3)),
        ("epoch 5", beat(&group, &"x".into(), 5)),
        ("nobody's epoch 5", beat(&group, &"".into(), 5)),
        ("leave nowhere", beat(&group, &"x".into(), -1)),
        ("leave for a while without instance", beat(&group, &"x".into(), -2)),
    ];
    if version >= 1 {
        cases.push(("no member id", joining(s, &group, &"".into())));
        cases.push(("regular expression", {
            well.clone()
                .with_subscribed_topic_names(None)
                .with_subscribed_topic_regex(Some("re(".into()))
        }));
    }
    for (label, request) in cases {
        s.ask_as(&format!("wrong: {label}"), version, request, sorted).await;
    }
    describe(s, &format!("describe nowhere (v{version})"), &s.group("nowhere")).await;
    describe(s, &format!("describe no group (v{version})"), &GroupId("".into())).await;
}

/// A second member gets half of the partitions, once the first has given them back.
async fn two(s: &mut Script, version: i16) {
    let group = s.group(&format!("two-v{version}"));
    let (first, second) =
        (member(version, "CCCCCCCCCCCCCCCCCCCCCC"), member(version, "DDDDDDDDDDDDDDDDDDDDDD"));
    let range =
        |request: ConsumerGroupHeartbeatRequest| request.with_server_assignor(Some("range".into()));
    let one = range(joining(s, &group, &first));
    let Some(one) = s.ask_as("two: first", version, one, sorted).await else { return };
    let id = one.member_id.clone().unwrap_or_default();
    s.quiet(beat(&group, &id, one.member_epoch).with_topic_partitions(Some(owned(&one)))).await;
    let other = range(joining(s, &group, &second));
    let Some(other) = s.ask_as("two: second", version, other, sorted).await else { return };
    let other_id = other.member_id.clone().unwrap_or_default();
    let told = s
        .ask_as("two: first is told", version, beat(&group, &id, one.member_epoch), |answer| {
            sorted(answer);
            which_half(answer);
        })
        .await
        .unwrap_or_default();
    let kept = beat(&group, &id, told.member_epoch).with_topic_partitions(Some(owned(&told)));
    s.ask_as("two: first gives back", version, kept, |answer| {
        sorted(answer);
        which_half(answer);
    })
    .await;
    s.ask_as("two: second gets", version, beat(&group, &other_id, other.member_epoch), |answer| {
        sorted(answer);
        which_half(answer);
    })
    .await;
    s.ask_as("two: second leaves", version, beat(&group, &other_id, -1), sorted).await;
    s.ask_as("two: first gets all", version, beat(&group, &id, told.member_epoch), sorted).await;
}

/// Who gets which half depends on the members' ids, which a broker chooses in version 0.
fn which_half(answer: &mut ConsumerGroupHeartbeatResponse) {
    for topic in answer.assignment.iter_mut().flat_map(|given| &mut given.topic_partitions) {
        if topic.partitions == [2, 3] {
            topic.partitions = vec![0, 1];
        }
    }
}

async fn fixed(s: &mut Script, version: i16) {
    let group = s.group(&format!("fixed-v{version}"));
    let instance =
        |request: ConsumerGroupHeartbeatRequest| request.with_instance_id(Some("one".into()));
    let id = member(version, "EEEEEEEEEEEEEEEEEEEEEE");
    let joins = instance(joining(s, &group, &id));
    let Some(first) = s.ask_as("static: join", version, joins, sorted).await else { return };
    let id = first.member_id.clone().unwrap_or_default();
    let epoch = first.member_epoch;
    let taken = instance(joining(s, &group, &member(version, "FFFFFFFFFFFFFFFFFFFFFF")));
    s.ask_as("static: is taken", version, taken.clone(), sorted).await;
    let away = instance(beat(&group, &id, -2));
    s.ask_as("static: away", version, away, sorted).await;
    describe(s, &format!("static: describe away (v{version})"), &group).await;
    let back = s.ask_as("static: back", version, taken, sorted).await.unwrap_or_default();
    s.note(&format!("static: epoch (v{version})"), &(back.member_epoch - epoch));
    s.ask_as("static: the old", version, instance(beat(&group, &id, epoch)), sorted).await;
    let new = back.member_id.unwrap_or_default();
    s.ask_as("static: leave", version, instance(beat(&group, &new, -1)), sorted).await;
}

async fn regular_expressions(s: &mut Script) {
    let group = s.group("matching");
    let id = StrBytes::from("GGGGGGGGGGGGGGGGGGGGGG");
    let expression = StrBytes::from_string(format!("re.d{}", s.run));
    let joins = joining(s, &group, &id)
        .with_subscribed_topic_names(None)
        .with_subscribed_topic_regex(Some(expression));
    let Some(first) = s.quiet(joins).await else { return };
    let epoch = first.member_epoch;
    if owned(&first).is_empty() {
        // Kafka looks for topics after the first heartbeat
        s.until(beat(&group, &id, epoch), |answer| answer.assignment.is_some()).await;
    }
    describe(s, "matching: describe", &group).await;
}
