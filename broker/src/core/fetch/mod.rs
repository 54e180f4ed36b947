//! Fetch: records from an offset on, with long polling and sessions.

mod answer;
mod read;
mod session;
#[cfg(test)]
mod tests;
mod waiting;

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, ForgottenTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};
use uuid::Uuid;

use super::partition::PartitionId;
use super::{Call, ConnectionId, Core, Effect, Handled, Now, Ticket};
pub use answer::FetchAnswer;
use answer::Unread;
use read::Limits;
use session::{SessionUse, Sessions};
use waiting::{Waiting, WaitingFetches};

/// From this version on topics are named by their ids.
const TOPIC_IDS_SINCE: i16 = 13;
/// From this version on there are sessions, and an error of the whole request.
const SESSIONS_SINCE: i16 = 7;
/// As `fetch.max.bytes` of the broker.
const FETCH_MAX_BYTES: i32 = 55 * 1024 * 1024;

/// Which records of open and aborted transactions a consumer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    ReadUncommitted,
    ReadCommitted,
}

impl Isolation {
    /// As requests say it; `None` for a number that Kafka does not have.
    pub fn of(level: i8) -> Option<Isolation> {
        match level {
            0 => Some(Isolation::ReadUncommitted),
            1 => Some(Isolation::ReadCommitted),
            _ => None,
        }
    }
}

/// A partition as a consumer names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Target {
    topic: TopicRef,
    index: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum TopicRef {
    Name(TopicName),
    Id(Uuid),
}

impl TopicRef {
    fn of(call: &Call, name: TopicName, id: Uuid) -> TopicRef {
        if call.version < TOPIC_IDS_SINCE { TopicRef::Name(name) } else { TopicRef::Id(id) }
    }
}

/// What a consumer wants of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    target: Target,
    from: i64,
    /// `None` for a negative number, which Kafka fails at.
    max_bytes: Option<usize>,
    /// -1 if the consumer does not say it.
    leader_epoch: i32,
    /// -1 if the consumer does not say it.
    last_fetched_epoch: i32,
}

impl Wanted {
    fn of(topic: TopicRef, partition: &FetchPartition) -> Wanted {
        Wanted {
            target: Target { topic, index: partition.partition },
            from: partition.fetch_offset,
            max_bytes: usize::try_from(partition.partition_max_bytes).ok(),
            leader_epoch: partition.current_leader_epoch,
            last_fetched_epoch: partition.last_fetched_epoch,
        }
    }
}

/// The answer for one partition.
#[derive(Debug)]
struct Found {
    target: Target,
    data: PartitionData,
    unread: Option<Unread>,
}

/// A fetch, which is answered at once or waits.
#[derive(Debug)]
struct Fetch {
    call: Call,
    session: SessionUse,
    wanted: Vec<Wanted>,
    limits: Limits,
}

/// What is remembered for consumers between their requests.
#[derive(Debug, Default)]
pub(crate) struct Fetches {
    waiting: WaitingFetches,
    sessions: Sessions,
}

impl Fetches {
    /// Notes that bytes were appended to a partition. Who waited for them is answered by
    /// [`Core::answer_fetches`].
    pub fn appended(&mut self, partition: PartitionId, bytes: usize) {
        self.waiting.appended(partition, bytes);
    }

    /// Whoever waits for a partition of this topic looks again, as when the topic was deleted.
    pub fn topic_changed(&mut self, topic: Uuid) {
        self.waiting.topic_changed(topic);
    }

    pub fn disconnected(&mut self, connection: ConnectionId) {
        self.waiting.disconnected(connection);
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        self.waiting.next_deadline()
    }
}

impl Core {
    pub(crate) fn fetch(&mut self, call: &Call, request: FetchRequest) -> Handled<FetchResponse> {
        let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        let Some(isolation) = Isolation::of(request.isolation_level) else {
            let error = ResponseError::UnknownServerError;
            return Handled::Now(refused_as_a_whole(call, &request, error));
        };
        let is_replica = request.replica_id.0 >= 0 || request.replica_state.replica_id.0 >= 0;
        let limits = Limits {
            min_bytes: usize::try_from(request.min_bytes).unwrap_or(0),
            max_bytes: usize::try_from(request.max_bytes.min(FETCH_MAX_BYTES)).ok(),
            isolation,
            is_replica,
        };
        let (session_id, session_epoch) = (request.session_id, request.session_epoch);
        let wanted = wanted_by(call, &request);
        let forgotten = forgotten_by(call, &request.forgotten_topics_data);
        let by_id = call.version >= TOPIC_IDS_SINCE;
        let sessions = &mut self.fetches.sessions;
        let began = sessions.begin(session_id, session_epoch, by_id, wanted, &forgotten, call.now);
        let (session, wanted) = match began {
            Ok(began) => began,
            Err(error) => {
                return Handled::Now(FetchResponse::default().with_error_code(error.code()));
            }
        };
        let fetch = Fetch { call: call.clone(), session, wanted, limits };
        let read = self.read_all(&fetch);
        if read.is_final || wait.is_zero() || read.bytes >= limits.min_bytes {
            self.fetched(call.ticket, &fetch, read.found, call.now);
            return Handled::Later;
        }
        let deadline = call.now.elapsed.saturating_add(wait);
        let waits = Waiting { fetch, deadline, bytes: read.bytes, partitions: read.partitions };
        if let Err(full) = self.fetches.waiting.insert(call.ticket, waits) {
            self.fetched(call.ticket, &full.fetch, read.found, call.now);
        }
        Handled::Later
    }

    /// Answers the fetches that got what they waited for, or waited long enough.
    pub(crate) fn answer_fetches(&mut self, now: Now) {
        while let Some((ticket, may_wait)) = self.fetches.waiting.next_ready(now.elapsed) {
            self.answer_fetch(ticket, may_wait, now);
        }
    }

    fn answer_fetch(&mut self, ticket: Ticket, may_wait: bool, now: Now) {
        let Some(mut waiting) = self.fetches.waiting.remove(ticket) else { return };
        let read = self.read_all(&waiting.fetch);
        if may_wait && !read.is_final && read.bytes < waiting.fetch.limits.min_bytes {
            waiting.bytes = read.bytes;
            waiting.partitions = read.partitions;
            if let Err(full) = self.fetches.waiting.insert(ticket, waiting) {
                self.fetched(ticket, &full.fetch, read.found, now);
            }
            return;
        }
        self.fetched(ticket, &waiting.fetch, read.found, now);
    }

    /// Answers a fetch; in a session the answer has only what changed.
    fn fetched(&mut self, ticket: Ticket, fetch: &Fetch, found: Vec<Found>, now: Now) {
        let (session_id, found) = self.fetches.sessions.end(fetch.session, found, now);
        let response = FetchResponse::default().with_session_id(session_id);
        let mut answer = FetchAnswer::new(response, fetch.limits.max_bytes.unwrap_or(0));
        let connection = fetch.call.caller.connection;
        for Found { target, data, unread } in found {
            if data.error_code == ResponseError::FencedLeaderEpoch.code() {
                answer.response_mut().node_endpoints = vec![self.fetch_endpoint(connection)];
            }
            add_partition(answer.response_mut(), target, data);
            if let Some(unread) = unread {
                answer.add(unread);
            }
        }
        self.effects.push(Effect::AnswerFetch { ticket, answer });
    }
}

/// Adds a partition to the last topic, if it is of that, or begins another one.
fn add_partition(response: &mut FetchResponse, target: Target, data: PartitionData) {
    let (name, id) = match target.topic {
        TopicRef::Name(name) => (name, Uuid::nil()),
        TopicRef::Id(id) => (TopicName::default(), id),
    };
    match response.responses.last_mut() {
        Some(last) if last.topic == name && last.topic_id == id => last.partitions.push(data),
        _ => response.responses.push(
            FetchableTopicResponse::default()
                .with_topic(name)
                .with_topic_id(id)
                .with_partitions(vec![data]),
        ),
    }
}

/// The answer to a request that cannot be understood: each version says it where it can.
fn refused_as_a_whole(call: &Call, request: &FetchRequest, error: ResponseError) -> FetchResponse {
    let mut response = FetchResponse::default();
    if call.version >= SESSIONS_SINCE {
        response.error_code = error.code();
    }
    if call.version < TOPIC_IDS_SINCE {
        for wanted in wanted_by(call, request) {
            let data = read::refused(wanted.target.index, error)
                .with_aborted_transactions(Some(Vec::new()));
            add_partition(&mut response, wanted.target, data);
        }
    }
    response
}

/// What a request names. Of a partition that it names twice, the last holds.
fn wanted_by(call: &Call, request: &FetchRequest) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut places: HashMap<Target, usize> = HashMap::new();
    for topic in &request.topics {
        let reference = TopicRef::of(call, topic.topic.clone(), topic.topic_id);
        for partition in &topic.partitions {
            let one = Wanted::of(reference.clone(), partition);
            let place = *places.entry(one.target.clone()).or_insert(wanted.len());
            match wanted.get_mut(place) {
                Some(earlier) => *earlier = one,
                None => wanted.push(one),
            }
        }
    }
    wanted
}

fn forgotten_by(call: &Call, topics: &[ForgottenTopic]) -> Vec<Target> {
    let mut forgotten = Vec::new();
    for topic in topics {
        let reference = TopicRef::of(call, topic.topic.clone(), topic.topic_id);
        let targets = topic.partitions.iter();
        forgotten.extend(targets.map(|&index| Target { topic: reference.clone(), index }));
    }
    forgotten
}
