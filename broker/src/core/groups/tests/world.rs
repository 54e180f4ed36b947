//! A broker without input and output, for tests: requests go in, answers are collected.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Encodable, StrBytes};

use crate::apis::{Request, Response};
use crate::core::{Call, Caller, ConnectionId, Core, CoreSettings, Effect, Now, Ticket};
use crate::files::{Files, MemoryFiles};

pub struct World {
    pub core: Core,
    pub now: Now,
    pub settings: CoreSettings,
    files: Arc<dyn Files>,
    tickets: u64,
    answers: BTreeMap<u64, Response>,
}

/// Names a request whose answer may come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked(u64);

impl World {
    pub fn new() -> World {
        World::with(CoreSettings::default())
    }

    pub fn with(settings: CoreSettings) -> World {
        let files: Arc<dyn Files> = Arc::new(MemoryFiles::default());
        let core = Core::open(settings.clone(), files.clone()).unwrap();
        let now = Now { elapsed: Duration::from_secs(1), wall_ms: 1_700_000_000_000 };
        World { core, now, settings, files, tickets: 0, answers: BTreeMap::new() }
    }

    /// Starts the broker anew on the same files.
    pub fn restart(&mut self) {
        self.core = Core::open(self.settings.clone(), self.files.clone()).unwrap();
        self.now.elapsed = Duration::ZERO;
        self.answers.clear();
    }

    pub fn topic(&mut self, name: &str, partitions: usize) {
        self.core.create_topic(name, partitions, BTreeMap::new(), self.now).unwrap();
    }

    pub fn send(&mut self, version: i16, request: Request) -> Asked {
        self.tickets += 1;
        let caller = Caller {
            connection: ConnectionId(1),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_id: Some(StrBytes::from_static_str("client")),
            principal: "User:ANONYMOUS".to_owned(),
        };
        let call = Call { ticket: Ticket(self.tickets), caller, version, now: self.now };
        let effects = self.core.handle(&call, request);
        self.collect(effects);
        Asked(self.tickets)
    }

    fn collect(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Answer { ticket, response } = effect {
                let earlier = self.answers.insert(ticket.0, response);
                assert!(earlier.is_none(), "{ticket:?} is answered twice");
            }
        }
    }

    /// The answer, if it has come.
    pub fn answer(&mut self, asked: Asked) -> Option<Response> {
        self.answers.remove(&asked.0)
    }

    pub fn ask(&mut self, version: i16, request: Request) -> Response {
        let key = request.key();
        let asked = self.send(version, request);
        let response = self.answer(asked).unwrap_or_else(|| panic!("{key:?} is not answered"));
        response.encode(version, &mut bytes::BytesMut::new()).unwrap();
        response
    }

    /// Lets time pass, and everything happen that is due.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now.elapsed + time;
        while let Some(deadline) = self.core.next_deadline().filter(|due| *due <= until) {
            self.advance(deadline.max(self.now.elapsed));
            let effects = self.core.tick(self.now);
            self.collect(effects);
        }
        self.advance(until);
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn advance(&mut self, to: Duration) {
        self.now.wall_ms += i64::try_from((to - self.now.elapsed).as_millis()).unwrap();
        self.now.elapsed = to;
    }
}

macro_rules! asks {
    ($($name:ident: $variant:ident($request:ty) -> $response:ty,)*) => {
        impl World {
            $(pub fn $name(&mut self, version: i16, request: $request) -> $response {
                match self.ask(version, Request::$variant(request)) {
                    Response::$variant(response) => response,
                    other => panic!("another answer: {other:?}"),
                }
            })*
        }
    };
}

asks! {
    heartbeat_request: Heartbeat(HeartbeatRequest) -> HeartbeatResponse,
    leave_request: LeaveGroup(LeaveGroupRequest) -> LeaveGroupResponse,
    commit_request: OffsetCommit(OffsetCommitRequest) -> OffsetCommitResponse,
    fetch_request: OffsetFetch(OffsetFetchRequest) -> OffsetFetchResponse,
    list: ListGroups(ListGroupsRequest) -> ListGroupsResponse,
    describe: DescribeGroups(DescribeGroupsRequest) -> DescribeGroupsResponse,
    delete: DeleteGroups(DeleteGroupsRequest) -> DeleteGroupsResponse,
    delete_offsets: OffsetDelete(OffsetDeleteRequest) -> OffsetDeleteResponse,
    beat: ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse,
    describe_consumer: ConsumerGroupDescribe(ConsumerGroupDescribeRequest) -> ConsumerGroupDescribeResponse,
    find: FindCoordinator(FindCoordinatorRequest) -> FindCoordinatorResponse,
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn group(id: &str) -> GroupId {
    GroupId(text(id))
}

/// What a consumer of these topics says of itself.
pub fn subscription(topics: &[&str]) -> Bytes {
    let subscription = ConsumerProtocolSubscription::default()
        .with_topics(topics.iter().map(|topic| text(topic)).collect());
    let mut bytes = bytes::BytesMut::new();
    bytes::BufMut::put_i16(&mut bytes, 0);
    subscription.encode(&mut bytes, 0).unwrap();
    bytes.freeze()
}

/// A JoinGroup request of a consumer of `topic`, to be changed by the test.
pub fn joining(id: &str, member: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(subscription(&["topic"]));
    JoinGroupRequest::default()
        .with_group_id(group(id))
        .with_member_id(text(member))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

pub fn protocols(names: &[&str]) -> Vec<JoinGroupRequestProtocol> {
    let protocol = |name: &&str| {
        JoinGroupRequestProtocol::default()
            .with_name(text(name))
            .with_metadata(subscription(&["topic"]))
    };
    names.iter().map(protocol).collect()
}

impl World {
    pub fn send_join(&mut self, version: i16, request: JoinGroupRequest) -> Asked {
        self.send(version, Request::JoinGroup(request))
    }

    pub fn joined(&mut self, asked: Asked) -> Option<JoinGroupResponse> {
        match self.answer(asked)? {
            Response::JoinGroup(response) => Some(response),
            other => panic!("another answer: {other:?}"),
        }
    }

    pub fn join(&mut self, version: i16, request: JoinGroupRequest) -> JoinGroupResponse {
        let asked = self.send_join(version, request);
        let response = self.joined(asked).expect("the group waits for others");
        response.encode(&mut bytes::BytesMut::new(), version).unwrap();
        response
    }

    /// Asks for an id, as clients do.
    pub fn new_id(&mut self, id: &str) -> String {
        let refused = self.join(9, joining(id, ""));
        assert_eq!(refused.error_code, 79);
        refused.member_id.to_string()
    }

    pub fn send_sync(
        &mut self,
        id: &str,
        member: &str,
        generation: i32,
        assignments: &[(&str, &'static str)],
    ) -> Asked {
        let assignments = assignments.iter().map(|(member, assignment)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(member))
                .with_assignment(Bytes::from_static(assignment.as_bytes()))
        });
        let request = SyncGroupRequest::default()
            .with_group_id(group(id))
            .with_member_id(text(member))
            .with_generation_id(generation)
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range")))
            .with_assignments(assignments.collect());
        self.send(5, Request::SyncGroup(request))
    }

    pub fn synced(&mut self, asked: Asked) -> Option<SyncGroupResponse> {
        match self.answer(asked)? {
            Response::SyncGroup(response) => Some(response),
            other => panic!("another answer: {other:?}"),
        }
    }

    /// A stable group of one member, whose id is returned. Its generation is 1.
    pub fn lonely(&mut self, id: &str) -> String {
        let member = self.new_id(id);
        let joined = self.join(9, joining(id, &member));
        assert_eq!((joined.error_code, joined.generation_id), (0, 1));
        let asked = self.send_sync(id, &member, 1, &[(&member, "all")]);
        assert_eq!(self.synced(asked).unwrap().assignment, "all");
        member
    }

    pub fn heartbeat(&mut self, id: &str, member: &str, generation: i32) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(group(id))
            .with_member_id(text(member))
            .with_generation_id(generation);
        self.heartbeat_request(4, request).error_code
    }

    pub fn state(&mut self, id: &str) -> String {
        let request = DescribeGroupsRequest::default().with_groups(vec![group(id)]);
        self.describe(6, request).groups[0].group_state.to_string()
    }
}
