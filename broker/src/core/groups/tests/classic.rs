//! The classic protocol.

use std::time::Duration;

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::*;

use super::world::*;
use crate::core::{CoreSettings, GroupSettings};

#[test]
fn a_member_alone_joins_and_gets_everything_at_once() {
    let mut world = World::new();
    let member = world.lonely("group");
    assert!(member.starts_with("client-"), "{member}");
    assert_eq!(world.heartbeat("group", &member, 1), 0);
    assert_eq!(world.state("group"), "Stable");
}

#[test]
fn a_second_member_makes_the_first_join_anew() {
    let mut world = World::new();
    let first = world.lonely("group");
    let second = world.new_id("group");
    assert_eq!(world.heartbeat("group", &first, 1), 0, "an id that is not used changes nothing");
    let joining_second = world.send_join(9, joining("group", &second));
    assert!(world.joined(joining_second).is_none());
    assert_eq!(world.heartbeat("group", &first, 1), 27);
    let joining_first = world.send_join(9, joining("group", &first));
    let first_joined = world.joined(joining_first).unwrap();
    let second_joined = world.joined(joining_second).unwrap();
    assert_eq!((first_joined.generation_id, second_joined.generation_id), (2, 2));
    assert_eq!(first_joined.leader.as_str(), first);
    assert_eq!(first_joined.members.len(), 2);
    assert!(second_joined.members.is_empty());
    let waiting = world.send_sync("group", &second, 2, &[]);
    assert!(world.synced(waiting).is_none());
    let asked = world.send_sync("group", &first, 2, &[(&first, "a"), (&second, "b")]);
    assert_eq!(world.synced(asked).unwrap().assignment, "a");
    assert_eq!(world.synced(waiting).unwrap().assignment, "b");
    assert_eq!(world.state("group"), "Stable");
}

#[test]
fn who_does_not_join_in_time_is_no_member_any_more() {
    let mut world = World::new();
    let first = world.lonely("group");
    let asked = world.send_join(3, joining("group", ""));
    for _ in 0..6 {
        world.seconds(9);
        assert_eq!(world.heartbeat("group", &first, 1), 27);
    }
    assert!(world.joined(asked).is_none());
    world.seconds(7);
    let joined = world.joined(asked).unwrap();
    assert_eq!((joined.error_code, joined.generation_id, joined.members.len()), (0, 2, 1));
    assert_eq!(world.heartbeat("group", &first, 1), 25);
}

#[test]
fn a_silent_member_goes_when_its_session_ends() {
    let mut world = World::new();
    let member = world.lonely("group");
    world.seconds(9);
    assert_eq!(world.heartbeat("group", &member, 1), 0);
    world.seconds(9);
    assert_eq!(world.state("group"), "Stable");
    world.seconds(2);
    assert_eq!(world.state("group"), "Empty");
    assert_eq!(world.heartbeat("group", &member, 1), 25);
}

#[test]
fn a_member_that_waits_for_others_is_not_taken_for_silent() {
    let mut world = World::new();
    let first = world.lonely("group");
    let second = world.send_join(3, joining("group", ""));
    let again = world.send_join(9, joining("group", &first));
    assert_eq!(world.joined(second).unwrap().generation_id, 2);
    assert_eq!(world.joined(again).unwrap().generation_id, 2);
    let sync = world.send_sync("group", &first, 2, &[]);
    let third = world.send_join(3, joining("group", ""));
    assert_eq!(world.synced(sync).map(|synced| synced.error_code), Some(0), "first leads");
    let first_again = world.send_join(9, joining("group", &first));
    world.seconds(20);
    assert!(world.joined(first_again).is_some(), "second was silent for its session");
    assert!(world.joined(third).is_some());
}

#[test]
fn an_id_that_is_never_used_is_forgotten() {
    let mut world = World::new();
    let id = world.new_id("group");
    world.seconds(11);
    assert_eq!(world.join(9, joining("group", &id)).error_code, 25);
}

#[test]
fn members_that_do_not_ask_for_their_assignment_are_removed() {
    let mut world = World::new();
    let first = world.lonely("group");
    let second = world.send_join(3, joining("group", ""));
    let again = world.send_join(9, joining("group", &first));
    let second = world.joined(second).unwrap().member_id;
    world.joined(again).unwrap();
    let sync = world.send_sync("group", &first, 2, &[(&first, "a"), (&second, "b")]);
    assert_eq!(world.synced(sync).unwrap().error_code, 0);
    for _ in 0..7 {
        world.seconds(9);
        world.heartbeat("group", &first, 2);
        world.heartbeat("group", &second, 2);
    }
    assert_eq!(world.heartbeat("group", &second, 2), 25);
    assert_eq!(world.heartbeat("group", &first, 2), 27);
}

#[test]
fn what_cannot_join_is_told_why() {
    let mut world = World::new();
    let code = |world: &mut World, version, request| world.join(version, request).error_code;
    assert_eq!(code(&mut world, 9, joining("", "")), 24);
    assert_eq!(code(&mut world, 9, joining("group", "nobody")), 25);
    let short = joining("group", "").with_session_timeout_ms(5_999);
    assert_eq!(code(&mut world, 9, short), 26);
    let long = joining("group", "").with_session_timeout_ms(1_800_001);
    assert_eq!(code(&mut world, 5, long), 26);
    assert_eq!(code(&mut world, 9, joining("group", "").with_protocols(vec![])), 23);
    assert_eq!(code(&mut world, 9, joining("group", "").with_protocol_type(text(""))), 23);
    world.lonely("group");
    let other = joining("group", "").with_protocols(protocols(&["sticky"]));
    assert_eq!(code(&mut world, 0, other), 23);
    let other = joining("group", "").with_protocol_type(text("connect"));
    assert_eq!(code(&mut world, 0, other), 23);
    let negative = joining("other", "").with_session_timeout_ms(i32::MIN);
    assert_eq!(code(&mut world, 0, negative), 26);
}

#[test]
fn a_full_group_takes_nobody_else() {
    let groups = GroupSettings { max_members: 1, ..GroupSettings::default() };
    let mut world = World::with(CoreSettings { groups, ..CoreSettings::default() });
    let member = world.lonely("group");
    assert_eq!(world.join(9, joining("group", "")).error_code, 81);
    assert_eq!(world.heartbeat("group", &member, 1), 0);
    let again = world.join(9, joining("group", &member));
    assert_eq!((again.error_code, again.generation_id), (0, 2));
}

#[test]
fn the_protocol_that_most_members_like_best_is_taken() {
    let mut world = World::new();
    let like = |names| joining("group", "").with_protocols(protocols(names));
    let first = world.join(3, like(&["range", "roundrobin"])).member_id;
    let second = world.send_join(3, like(&["roundrobin", "range"]));
    let third = world.send_join(3, like(&["roundrobin", "sticky", "range"]));
    let again = joining("group", &first).with_protocols(protocols(&["range", "roundrobin"]));
    let again = world.send_join(3, again);
    for asked in [second, third, again] {
        let joined = world.joined(asked).unwrap();
        assert_eq!(joined.protocol_name.as_deref(), Some("roundrobin"));
    }
}

#[test]
fn a_static_member_that_comes_back_keeps_its_place() {
    let mut world = World::new();
    let fixed = |member: &str| joining("group", member).with_group_instance_id(Some(text("i")));
    let first = world.join(9, fixed(""));
    let id = first.member_id.to_string();
    assert!(id.starts_with("i-"), "{id}");
    let asked = world.send_sync("group", &id, 1, &[(&id, "all")]);
    world.synced(asked).unwrap();
    let back = world.join(9, fixed(""));
    assert_eq!((back.error_code, back.generation_id), (0, 1));
    assert!(back.skip_assignment);
    assert_eq!(back.leader, back.member_id);
    assert_eq!(back.members.len(), 1);
    assert_ne!(back.member_id, first.member_id);
    let request = HeartbeatRequest::default()
        .with_group_id(group("group"))
        .with_generation_id(1)
        .with_member_id(first.member_id.clone())
        .with_group_instance_id(Some(text("i")));
    assert_eq!(world.heartbeat_request(4, request).error_code, 82);
    let old = world.join(8, fixed(""));
    assert_eq!(old.leader, back.member_id, "an old client must not learn that it leads");
    let asked = world.send_sync("group", &old.member_id, 1, &[]);
    assert_eq!(world.synced(asked).unwrap().assignment, "all");
}

#[test]
fn members_leave_one_by_one_and_together() {
    let mut world = World::new();
    let first = world.join(3, joining("group", "")).member_id;
    let fixed = joining("group", "").with_group_instance_id(Some(text("i")));
    let second = world.send_join(5, fixed);
    let again = world.send_join(3, joining("group", &first));
    world.joined(second).unwrap();
    world.joined(again).unwrap();
    let nobody = MemberIdentity::default().with_member_id(text("nobody"));
    let fixed = MemberIdentity::default().with_group_instance_id(Some(text("i")));
    let request = LeaveGroupRequest::default()
        .with_group_id(group("group"))
        .with_members(vec![nobody, fixed]);
    let left = world.leave_request(5, request);
    let codes: Vec<i16> = left.members.iter().map(|member| member.error_code).collect();
    assert_eq!((left.error_code, codes), (0, vec![25, 0]));
    assert_eq!(world.heartbeat("group", &first, 2), 27);
    let request = LeaveGroupRequest::default().with_group_id(group("group"));
    let left = world.leave_request(0, request.clone().with_member_id(first));
    assert_eq!(left.error_code, 0);
    assert_eq!(world.leave_request(0, request.with_member_id(text("x"))).error_code, 25);
    assert_eq!(world.state("group"), "Empty");
}

#[test]
fn a_group_waits_for_more_members_if_it_is_told_to() {
    let initial_delay = Duration::from_secs(3);
    let groups = GroupSettings { initial_delay, ..GroupSettings::default() };
    let mut world = World::with(CoreSettings { groups, ..CoreSettings::default() });
    let first = world.send_join(3, joining("group", ""));
    world.seconds(2);
    let second = world.send_join(3, joining("group", ""));
    world.seconds(2);
    assert!(world.joined(first).is_none(), "the second has come in the last three seconds");
    world.seconds(2);
    assert_eq!(world.joined(first).unwrap().members.len(), 2);
    assert_eq!(world.joined(second).unwrap().generation_id, 1);
}

#[test]
fn requests_of_nobody_are_refused() {
    let mut world = World::new();
    assert_eq!(world.heartbeat("group", "nobody", 1), 25);
    let member = world.lonely("group");
    assert_eq!(world.heartbeat("group", &member, 2), 22);
    let asked = world.send_sync("group", &member, 0, &[]);
    assert_eq!(world.synced(asked).unwrap().error_code, 22);
    let asked = world.send_sync("other", &member, 1, &[]);
    assert_eq!(world.synced(asked).unwrap().error_code, 25);
    let request = SyncGroupRequest::default()
        .with_group_id(group("group"))
        .with_member_id(text(&member))
        .with_generation_id(1)
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("sticky")));
    let asked = world.send(5, crate::apis::Request::SyncGroup(request));
    assert_eq!(world.synced(asked).unwrap().error_code, 23);
}

#[test]
fn every_group_is_coordinated_here() {
    let mut world = World::new();
    let request = FindCoordinatorRequest::default().with_key(text("group"));
    let found = world.find(0, request.clone());
    assert_eq!((found.error_code, found.node_id.0), (0, 1));
    assert_eq!(world.find(3, request.with_key_type(1)).error_code, 0);
    let keys = vec![text("a"), text("b")];
    let request = FindCoordinatorRequest::default().with_coordinator_keys(keys);
    let found = world.find(6, request.clone());
    assert_eq!(found.coordinators.len(), 2);
    assert_eq!(world.find(6, request.with_key_type(2)).coordinators[0].error_code, 42);
}
