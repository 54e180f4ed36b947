//! Around the core: its lock, its clock, and who waits for which answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::time::Instant;

use super::room::Held;
use crate::apis::{Request, Response};
use crate::core::{
    Arrival, BatchChecks, Call, Caller, CheckedBatches, ConnectionId, Core, DiskDone, DiskRound,
    DiskWork, Effect, FetchAnswer, Now, Stranger, Ticket,
};
use crate::faults::{Faults, Subject};
use crate::metrics::Census;

/// What a request is answered with.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Answer {
    Ready(Response),
    /// Its records are still in files.
    Unread(FetchAnswer),
}

impl Answer {
    /// Reads what is still in files, as much as there is room for, which is held. The shell is not locked meanwhile.
    pub fn read(self, held: &mut Held) -> Response {
        match self {
            Answer::Ready(response) => response,
            Answer::Unread(mut answer) => {
                answer.limit(held.add_up_to(answer.bytes_at_most()));
                answer.read().into()
            }
        }
    }
}

#[derive(Debug)]
pub struct Shell {
    start: Instant,
    ids: AtomicU64,
    inner: Mutex<Inner>,
    deadline_changed: Notify,
    /// As many checks of batches go on at a time as there are processors: each can take 64 MiB.
    checks: Arc<Semaphore>,
    faults: Faults,
    /// Becomes true when the broker ends.
    stop: watch::Sender<bool>,
}

#[derive(Debug)]
struct Inner {
    core: Core,
    waiting: HashMap<Ticket, Waiting>,
    open: HashMap<ConnectionId, oneshot::Sender<()>>,
    /// Requests that have come, by the number of their API.
    requests: HashMap<i16, u64>,
    deadline: Option<Duration>,
}

/// A connection that waits for an answer.
#[derive(Debug)]
struct Waiting {
    connection: ConnectionId,
    answer: oneshot::Sender<Option<Answer>>,
}

impl Shell {
    pub fn new(core: Core, faults: Faults) -> Shell {
        let deadline = core.next_deadline();
        let (waiting, open, requests) = Default::default();
        let inner = Inner { core, waiting, open, requests, deadline };
        Shell {
            start: Instant::now(),
            ids: AtomicU64::new(1),
            inner: Mutex::new(inner),
            deadline_changed: Notify::new(),
            checks: Arc::new(Semaphore::new(processors())),
            faults,
            stop: watch::Sender::new(false),
        }
    }

    /// Ends every connection and takes no more. What has been handled is still answered.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns when the broker ends.
    pub async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // an error says that the shell is gone, which cannot be while it is borrowed
        let _ = stop.wait_for(|is_stopped| *is_stopped).await;
    }

    pub fn connection_id(&self) -> ConnectionId {
        ConnectionId(self.ids.fetch_add(1, Ordering::Relaxed))
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wall_ms = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        Now { elapsed: self.start.elapsed(), wall_ms }
    }

    /// The core, unless a fault of the broker has left it half changed: then the broker ends.
    fn lock(&self) -> Option<MutexGuard<'_, Inner>> {
        match self.inner.lock() {
            Ok(inner) => Some(inner),
            Err(_) => {
                if !self.stop.send_replace(true) {
                    tracing::error!(
                        "the broker ends: a fault of its own has left its state unclear"
                    );
                }
                None
            }
        }
    }

    /// Announces a connection. The receiver is told when the core wants it closed; `None` says that
    /// the broker has ended.
    pub fn connected(&self, id: ConnectionId, arrival: Arrival) -> Option<oneshot::Receiver<()>> {
        let (close, closed) = oneshot::channel();
        let mut inner = self.lock()?;
        inner.core.connected(id, arrival);
        inner.open.insert(id, close);
        Some(closed)
    }

    /// Says in the log that a client speaks something else than Kafka's protocol.
    pub fn note_stranger(&self, stranger: Stranger, host: IpAddr) {
        let now = self.now();
        if let Some(mut inner) = self.lock() {
            inner.core.note_stranger(stranger, host, now);
        }
    }

    /// Returns true if the connection has to log in and has not.
    pub fn is_logging_in(&self, id: ConnectionId) -> bool {
        self.lock().is_some_and(|inner| inner.core.is_logging_in(id))
    }

    /// How much there is of everything.
    pub fn census(&self) -> Census {
        let Some(inner) = self.lock() else { return Census::default() };
        let (requests, connections) = (inner.requests.clone(), inner.open.len() as u64);
        Census { requests, connections, ..inner.core.census() }
    }

    /// Hands a request to the core. The receiver gets the answer, or `None` if there will be none.
    pub fn ask(
        &self,
        caller: Caller,
        version: i16,
        request: Request,
    ) -> oneshot::Receiver<Option<Answer>> {
        let call = self.call(caller, version);
        self.hand(&call, request, CheckedBatches::default())
    }

    /// As [`Shell::ask`], but what takes long to check is checked before that without the lock.
    pub async fn ask_checked(
        &self,
        caller: Caller,
        version: i16,
        request: Request,
    ) -> oneshot::Receiver<Option<Answer>> {
        let mut call = self.call(caller, version);
        let mut checked = CheckedBatches::default();
        if BatchChecks::are_long(&request) {
            let planned =
                self.lock().and_then(|inner| inner.core.plan_batch_checks(&call, &request));
            if let Some(checks) = planned {
                let Some(done) = self.run(checks).await else { return oneshot::channel().1 };
                checked = done;
                call.now = self.now();
            }
        }
        self.hand(&call, request, checked)
    }

    /// Checks batches on a thread that may take its time. `None` if a fault of the broker has ended it.
    async fn run(&self, checks: BatchChecks) -> Option<CheckedBatches> {
        let permit = self.checks.clone().acquire_owned().await.ok()?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit; // also if nobody waits any more
            checks.run()
        });
        done.await.inspect_err(|error| tracing::error!(%error, "batches cannot be checked")).ok()
    }

    fn call(&self, caller: Caller, version: i16) -> Call {
        let ticket = Ticket(self.ids.fetch_add(1, Ordering::Relaxed));
        Call { ticket, caller, version, now: self.now() }
    }

    fn hand(
        &self,
        call: &Call,
        request: Request,
        checked: CheckedBatches,
    ) -> oneshot::Receiver<Option<Answer>> {
        let (answer, receiver) = oneshot::channel();
        let Some(mut inner) = self.lock() else { return receiver };
        *inner.requests.entry(request.key() as i16).or_default() += 1;
        inner.waiting.insert(call.ticket, Waiting { connection: call.caller.connection, answer });
        let effects = inner.core.handle_checked(call, request, checked);
        self.done(&mut inner, effects);
        receiver
    }

    /// The next piece of the disk's work, which is done without the lock.
    pub fn next_disk_work(&self, round: &mut DiskRound) -> Option<DiskWork> {
        let now = self.now();
        self.lock()?.core.next_disk_work(round, now)
    }

    pub fn disk_work_done(&self, done: DiskDone) {
        if let Some(mut inner) = self.lock() {
            inner.core.disk_work_done(done);
        }
    }

    /// Puts everything on the disk and lets go of the folder.
    pub fn close(&self) {
        if let Some(mut inner) = self.lock() {
            inner.core.close();
        }
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What a request is about, with the names of topics of which it has the ids.
    pub fn subject(&self, request: &Request) -> Subject {
        let mut subject = request.subject();
        if subject.topic_ids.is_empty() {
            return subject;
        }
        if let Some(inner) = self.lock() {
            let names = subject.topic_ids.iter().filter_map(|id| inner.core.catalog.name_of(*id));
            subject.topics.extend(names.map(str::to_owned));
        }
        subject
    }

    /// Says that the leaders of topics have changed.
    pub fn move_leaders(&self, topics: &[String]) {
        let Some(mut inner) = self.lock() else { return };
        topics.iter().for_each(|topic| inner.core.move_leaders(topic));
    }

    pub fn disconnected(&self, connection: ConnectionId) {
        let now = self.now();
        let Some(mut inner) = self.lock() else { return };
        inner.open.remove(&connection);
        inner.waiting.retain(|_, waiting| waiting.connection != connection);
        let effects = inner.core.disconnected(connection, now);
        self.done(&mut inner, effects);
    }

    fn done(&self, inner: &mut Inner, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Answer { ticket, response } => {
                    if let Some(waiting) = inner.waiting.remove(&ticket) {
                        // the connection may be gone
                        let _ = waiting.answer.send(Some(Answer::Ready(response)));
                    }
                }
                Effect::AnswerFetch { ticket, answer } => {
                    if let Some(waiting) = inner.waiting.remove(&ticket) {
                        let _ = waiting.answer.send(Some(Answer::Unread(answer)));
                    }
                }
                Effect::Silence(ticket) => {
                    if let Some(waiting) = inner.waiting.remove(&ticket) {
                        let _ = waiting.answer.send(None);
                    }
                }
                Effect::Close(connection) => {
                    if let Some(close) = inner.open.remove(&connection) {
                        let _ = close.send(());
                    }
                }
            }
        }
        let deadline = inner.core.next_deadline();
        if deadline != inner.deadline {
            inner.deadline = deadline;
            self.deadline_changed.notify_one();
        }
    }

    /// Calls the core when it wants to be called, for ever.
    pub async fn tick(&self) {
        loop {
            let Some(deadline) = self.lock().map(|inner| inner.deadline) else { return };
            match deadline {
                Some(deadline) => {
                    let due = tokio::time::sleep_until(self.start + deadline);
                    tokio::select! {
                        () = due => {
                            let now = self.now();
                            let Some(mut inner) = self.lock() else { return };
                            let effects = inner.core.tick(now);
                            self.done(&mut inner, effects);
                        }
                        () = self.deadline_changed.notified() => {}
                    }
                }
                None => self.deadline_changed.notified().await,
            }
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::Poll;

    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::{MetadataRequest, ProduceRequest, TopicName};

    use super::*;
    use crate::core::CoreSettings;
    use crate::files::MemoryFiles;

    fn caller() -> Caller {
        Caller {
            connection: ConnectionId(1),
            host: std::net::Ipv4Addr::LOCALHOST.into(),
            client_id: None,
            principal: "User:ANONYMOUS".to_owned(),
        }
    }

    #[tokio::test]
    async fn nobody_waits_while_batches_are_checked() {
        let files = Arc::new(MemoryFiles::default());
        let mut core = Core::open(CoreSettings::default(), files).unwrap();
        let now = Now { elapsed: Duration::ZERO, wall_ms: 0 };
        core.create_topic("t", 1, Default::default(), now).unwrap();
        let shell = Shell::new(core, Faults::default());
        let data = PartitionProduceData::default().with_records(Some(vec![4; 100_000].into()));
        let topic = TopicProduceData::default()
            .with_name(TopicName("t".into()))
            .with_partition_data(vec![data]);
        let produce = ProduceRequest::default().with_acks(1).with_topic_data(vec![topic]);
        // a check that takes as long as this test wants
        let permits = u32::try_from(shell.checks.available_permits()).unwrap();
        let busy = shell.checks.acquire_many(permits).await.unwrap();
        let mut produced = Box::pin(shell.ask_checked(caller(), 9, Request::Produce(produce)));
        assert!(poll_once(&mut produced).await.is_none());
        let metadata = Request::Metadata(MetadataRequest::default());
        let metadata = shell.ask(caller(), 12, metadata).await.unwrap();
        assert!(metadata.is_some());
        drop(busy);
        assert!(produced.await.await.unwrap().is_some());
    }

    /// Polls once.
    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            Poll::Ready(match Pin::new(&mut *future).poll(context) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_panic_under_the_lock_ends_the_broker() {
        let files = Arc::new(MemoryFiles::default());
        let core = Core::open(CoreSettings::default(), files).unwrap();
        let shell = Arc::new(Shell::new(core, Faults::default()));
        let panicking = tokio::spawn({
            let shell = shell.clone();
            async move {
                let _inner = shell.lock();
                panic!("a fault of the broker");
            }
        });
        assert!(panicking.await.is_err());
        let request = Request::Metadata(MetadataRequest::default());
        assert!(shell.ask(caller(), 12, request).await.is_err());
        shell.stopped().await;
    }
}
