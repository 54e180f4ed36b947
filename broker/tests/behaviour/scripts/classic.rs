//! Groups of the classic protocol: members come, get assignments, and go.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, ListGroupsResponse,
    SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::script::Script;

/// JoinGroup wants a known member id from version 4 on.
const KNOWN_MEMBERS: i16 = 4;

pub async fn script(s: &mut Script) {
    coordinators(s).await;
    for version in s.versions::<JoinGroupRequest>() {
        alone(s, version).await;
    }
    wrong(s).await;
    two(s).await;
    fixed(s).await;
    listing(s).await;
}

async fn coordinators(s: &mut Script) {
    let find = |key: &'static str, kind: i8, version: i16| {
        let request = FindCoordinatorRequest::default().with_key_type(kind);
        match version {
            ..=3 => request.with_key(key.into()),
            _ => request.with_coordinator_keys(vec![key.into()]),
        }
    };
    for (label, key, kind) in [
        ("a group", "g", 0),
        ("a transaction", "t", 1),
        ("no key", "", 0),
        ("type 7", "g", 7),
        ("type -1", "g", -1),
    ] {
        s.each(&format!("find {label}"), |version| find(key, kind, version)).await;
    }
    s.each("find several", |version| match version {
        ..=3 => find("g", 0, version),
        _ => find("g", 0, version).with_coordinator_keys(vec!["a".into(), "b".into(), "a".into()]),
    })
    .await;
    s.each("find nothing", |version| match version {
        ..=3 => find("", 0, version),
        _ => find("g", 0, version).with_coordinator_keys(Vec::new()),
    })
    .await;
}

pub fn join(group: &GroupId, member: &StrBytes) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name("range".into())
        .with_metadata(Bytes::from_static(b"\0\x01\0\0\0\0\0\0\0\0"));
    JoinGroupRequest::default()
        .with_group_id(group.clone())
        .with_session_timeout_ms(30_000)
        .with_member_id(member.clone())
        .with_protocol_type("consumer".into())
        .with_protocols(vec![protocol])
}

/// As [`join`], with the fields that the version has.
fn joining(version: i16, group: &GroupId, member: &StrBytes) -> JoinGroupRequest {
    let request = join(group, member);
    if version >= 1 { request.with_rebalance_timeout_ms(30_000) } else { request }
}

/// Joins as versions before 4 did, without recording.
pub async fn joined(s: &mut Script, group: &GroupId) -> JoinGroupResponse {
    let request = joining(1, group, &"".into());
    s.client.ask(1, &request).await.unwrap_or_default()
}

pub fn sync(group: &GroupId, generation: i32, member: &StrBytes) -> SyncGroupRequest {
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(member.clone())
        .with_assignment(Bytes::from_static(b"mine"));
    SyncGroupRequest::default()
        .with_group_id(group.clone())
        .with_generation_id(generation)
        .with_member_id(member.clone())
        .with_assignments(vec![assignment])
}

pub fn beat(group: &GroupId, generation: i32, member: &StrBytes) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group.clone())
        .with_generation_id(generation)
        .with_member_id(member.clone())
}

fn leaving(version: i16, group: &GroupId, member: &StrBytes) -> LeaveGroupRequest {
    let request = LeaveGroupRequest::default().with_group_id(group.clone());
    match version {
        ..=2 => request.with_member_id(member.clone()),
        _ => {
            let member = MemberIdentity::default().with_member_id(member.clone());
            request.with_members(vec![member])
        }
    }
}

fn describing(group: &GroupId) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![group.clone()])
}

async fn alone(s: &mut Script, version: i16) {
    let group = s.group("alone");
    let mut member = StrBytes::from("");
    if version >= KNOWN_MEMBERS {
        let answer = s.ask("join: first", version, joining(version, &group, &member)).await;
        member = answer.map(|answer| answer.member_id).unwrap_or_default();
    }
    let answer = s.ask("join", version, joining(version, &group, &member)).await;
    let answer = answer.unwrap_or_default();
    let (member, generation) = (answer.member_id, answer.generation_id);
    let clamp = |version: i16, newest: i16| version.min(newest);
    let label = format!("sync after join v{version}");
    s.ask(&label, clamp(version, 5), sync(&group, generation, &member)).await;
    if version == 9 {
        return in_group(s, &group, generation, &member).await;
    }
    let gone = clamp(version, 5);
    let label = format!("leave after join v{version}");
    s.ask(&label, gone, leaving(gone, &group, &member)).await;
    s.ask(&format!("{label} again"), gone, leaving(gone, &group, &member)).await;
}

async fn in_group(s: &mut Script, group: &GroupId, generation: i32, member: &StrBytes) {
    s.each("sync again", |_| sync(group, generation, member)).await;
    s.each("sync of the future", |_| sync(group, generation + 1, member)).await;
    s.each("sync of a stranger", |_| sync(group, generation, &"x".into())).await;
    s.each("heartbeat", |_| beat(group, generation, member)).await;
    s.each("heartbeat of the past", |_| beat(group, generation - 1, member)).await;
    s.each("heartbeat of a stranger", |_| beat(group, generation, &"x".into())).await;
    s.each("heartbeat of nobody", |_| beat(group, generation, &"".into())).await;
    s.each("describe", |_| describing(group)).await;
    s.each("describe with operations", |_| {
        describing(group).with_include_authorized_operations(true)
    })
    .await;
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group.clone()]);
    s.each("delete with members", |_| delete.clone()).await;
    s.each("leave as a stranger", |version| leaving(version, group, &"x".into())).await;
    let newest = s.newest::<LeaveGroupRequest>();
    s.ask("leave with a reason", newest, {
        let mut request = leaving(newest, group, member);
        request.members[0].reason = Some("done".into());
        request
    })
    .await;
    s.each("describe the empty one", |_| describing(group)).await;
    s.each("heartbeat after leaving", |_| beat(group, generation, member)).await;
    s.ask("delete", 2, delete.clone()).await;
    s.each("delete again", |_| delete.clone()).await;
    s.each("describe the deleted one", |_| describing(group)).await;
}

async fn wrong(s: &mut Script) {
    let group = s.group("wrong");
    let stranger = StrBytes::from("stranger");
    let unnamed = GroupId("".into());
    s.each("join as a stranger", |version| joining(version, &group, &stranger)).await;
    let any = StrBytes::from("");
    s.each("join no group", |version| joining(version, &unnamed, &any)).await;
    for time in [-1, 0, 5999, 1_800_001, i32::MAX] {
        s.each(&format!("join for {time} ms"), |version| {
            joining(version, &group, &any).with_session_timeout_ms(time)
        })
        .await;
    }
    s.each("join without protocols", |version| {
        joining(version, &group, &any).with_protocols(Vec::new())
    })
    .await;
    s.each("join without a type", |version| {
        joining(version, &group, &any).with_protocol_type("".into())
    })
    .await;
    let nowhere = s.group("nowhere");
    s.each("sync nowhere", |_| sync(&nowhere, 1, &stranger)).await;
    s.each("sync no group", |_| sync(&unnamed, 1, &stranger)).await;
    s.each("heartbeat nowhere", |_| beat(&nowhere, 1, &stranger)).await;
    s.each("heartbeat no group", |_| beat(&unnamed, 1, &stranger)).await;
    s.each("leave nowhere", |version| leaving(version, &nowhere, &stranger)).await;
    s.each("leave no group", |version| leaving(version, &unnamed, &stranger)).await;
    s.each("describe nowhere", |_| describing(&nowhere)).await;
    let delete =
        |group: &GroupId| DeleteGroupsRequest::default().with_groups_names(vec![group.clone()]);
    s.each("delete nowhere", |_| delete(&nowhere)).await;
}

/// Two members: the second makes the first join again.
async fn two(s: &mut Script) {
    let group = s.group("two");
    let first = joined(s, &group).await;
    let member = first.member_id.clone();
    s.quiet(sync(&group, first.generation_id, &member)).await;
    let mut other = Client::connect(&s.address).await;
    other.client_id = Some("other".into());
    if other.send(1, &joining(1, &group, &"".into())).await.is_err() {
        return;
    }
    s.until(beat(&group, first.generation_id, &member), |answer| answer.error_code != 0).await;
    s.ask("two: heartbeat", 4, beat(&group, first.generation_id, &member)).await;
    s.ask_as("two: describe", 4, describing(&group), |answer| {
        for group in &mut answer.groups {
            group.members.sort_by(|a, b| a.client_id.cmp(&b.client_id));
        }
    })
    .await;
    s.ask("two: sync while rebalancing", 4, sync(&group, first.generation_id, &member)).await;
    let again = s.ask_as("two: join again", 1, joining(1, &group, &member), sorted).await;
    let second = other.receive::<JoinGroupRequest>(1).await.unwrap_or_default();
    s.note("two: the second", &second);
    let again = again.unwrap_or_default();
    s.note("two: first leads", &(again.leader == member, again.leader == second.leader));
    let mut leaders = sync(&group, again.generation_id, &member);
    let theirs = SyncGroupRequestAssignment::default()
        .with_member_id(second.member_id.clone())
        .with_assignment(Bytes::from_static(b"theirs"));
    leaders.assignments.push(theirs);
    let mut followers = sync(&group, second.generation_id, &second.member_id);
    followers.assignments.clear();
    let _ = other.send(3, &followers).await;
    s.ask("two: sync", 3, leaders).await;
    s.note("two: sync of the second", &other.receive::<SyncGroupRequest>(3).await);
    let mut odd = joining(1, &group, &"".into());
    odd.protocols[0].name = "roundrobin".into();
    s.ask("two: join with other protocols", 1, odd.clone()).await;
    odd.protocols[0].name = "range".into();
    odd.protocol_type = "connect".into();
    s.ask("two: join with another type", 1, odd).await;
    s.ask("two: leave", 1, leaving(1, &group, &second.member_id)).await;
    s.ask("two: heartbeat after", 4, beat(&group, again.generation_id, &member)).await;
    s.ask("two: alone again", 1, joining(1, &group, &member)).await;
}

fn sorted(answer: &mut JoinGroupResponse) {
    answer.members.sort_by(|a, b| a.member_id.cmp(&b.member_id));
}

/// Static members keep their place when they come back, and fence who had it.
async fn fixed(s: &mut Script) {
    let group = s.group("fixed");
    let joining =
        |member: &StrBytes| joining(9, &group, member).with_group_instance_id(Some("one".into()));
    let first = s.ask("static: join", 9, joining(&"".into())).await.unwrap_or_default();
    let as_one = |mut request: SyncGroupRequest| {
        request.group_instance_id = Some("one".into());
        request
    };
    let member = first.member_id.clone();
    s.ask("static: sync", 5, as_one(sync(&group, first.generation_id, &member))).await;
    let again = s.ask("static: back", 9, joining(&"".into())).await.unwrap_or_default();
    s.note("static: is another id", &(again.member_id != member));
    s.note("static: same generation", &(again.generation_id - first.generation_id));
    s.ask("static: sync back", 5, as_one(sync(&group, again.generation_id, &again.member_id)))
        .await;
    let beats = |member: &StrBytes| {
        beat(&group, again.generation_id, member).with_group_instance_id(Some("one".into()))
    };
    s.ask("static: heartbeat", 4, beats(&again.member_id)).await;
    s.ask("static: heartbeat of the old", 4, beats(&member)).await;
    s.ask("static: join as the old", 9, joining(&member)).await;
    s.ask("static: describe", 6, describing(&group)).await;
    let by_instance = |name: &'static str| {
        let member = MemberIdentity::default().with_group_instance_id(Some(name.into()));
        LeaveGroupRequest::default().with_group_id(group.clone()).with_members(vec![member])
    };
    s.ask("static: leave as another", 5, by_instance("two")).await;
    s.ask("static: leave", 5, by_instance("one")).await;
    s.ask("static: describe after", 6, describing(&group)).await;
}

async fn listing(s: &mut Script) {
    let group = s.group("listed");
    let first = joined(s, &group).await;
    s.quiet(sync(&group, first.generation_id, &first.member_id)).await;
    let only = |answer: &mut ListGroupsResponse| {
        answer.groups.retain(|known| known.group_id == group);
    };
    s.until(ListGroupsRequest::default(), |answer| {
        answer.groups.iter().any(|known| known.group_id == group)
    })
    .await;
    s.each_as("list", |_| ListGroupsRequest::default(), only).await;
    for state in ["Stable", "stable", "Empty", "Nonsense"] {
        s.each_as(
            &format!("list {state}"),
            |_| ListGroupsRequest::default().with_states_filter(vec![state.into()]),
            only,
        )
        .await;
    }
    for kind in ["classic", "Consumer", "nonsense"] {
        s.each_as(
            &format!("list type {kind}"),
            |_| ListGroupsRequest::default().with_types_filter(vec![kind.into()]),
            only,
        )
        .await;
    }
}
