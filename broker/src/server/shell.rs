//! Around the core: its lock, its clock, and who waits for which answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::apis::{Request, Response};
use crate::core::{
    Call, Caller, ConnectionId, Core, DiskDone, DiskRound, DiskWork, Effect, Now, Ticket,
};
use crate::faults::{Faults, Subject};

#[derive(Debug)]
pub struct Shell {
    start: Instant,
    ids: AtomicU64,
    inner: Mutex<Inner>,
    deadline_changed: Notify,
    faults: Faults,
}

#[derive(Debug)]
struct Inner {
    core: Core,
    waiting: HashMap<Ticket, oneshot::Sender<Option<Response>>>,
    deadline: Option<Duration>,
}

impl Shell {
    pub fn new(core: Core, faults: Faults) -> Shell {
        let deadline = core.next_deadline();
        let inner = Inner { core, waiting: HashMap::new(), deadline };
        Shell {
            start: Instant::now(),
            ids: AtomicU64::new(1),
            inner: Mutex::new(inner),
            deadline_changed: Notify::new(),
            faults,
        }
    }

    pub fn connection_id(&self) -> ConnectionId {
        ConnectionId(self.ids.fetch_add(1, Ordering::Relaxed))
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wall_ms = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        Now { elapsed: self.start.elapsed(), wall_ms }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a request to the core. The receiver gets the answer, or `None` if there will be none.
    pub fn ask(
        &self,
        caller: Caller,
        version: i16,
        request: Request,
    ) -> oneshot::Receiver<Option<Response>> {
        let (sender, receiver) = oneshot::channel();
        let ticket = Ticket(self.ids.fetch_add(1, Ordering::Relaxed));
        let call = Call { ticket, caller, version, now: self.now() };
        let mut inner = self.lock();
        inner.waiting.insert(ticket, sender);
        let effects = inner.core.handle(&call, request);
        self.done(&mut inner, effects);
        receiver
    }

    /// The next piece of the disk's work, which is done without the lock.
    pub fn next_disk_work(&self, round: &mut DiskRound) -> Option<DiskWork> {
        let now = self.now();
        self.lock().core.next_disk_work(round, now)
    }

    pub fn disk_work_done(&self, done: DiskDone) {
        self.lock().core.disk_work_done(done);
    }

    /// Puts everything on the disk and lets go of the folder.
    pub fn close(&self) {
        self.lock().core.close();
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What a request is about, with the names of topics of which it has the ids.
    pub fn subject(&self, request: &Request) -> Subject {
        let mut subject = request.subject();
        if !subject.topic_ids.is_empty() {
            let inner = self.lock();
            let names = subject.topic_ids.iter().filter_map(|id| inner.core.catalog.name_of(*id));
            subject.topics.extend(names.map(str::to_owned));
        }
        subject
    }

    /// Says that the leaders of topics have changed.
    pub fn move_leaders(&self, topics: &[String]) {
        let mut inner = self.lock();
        topics.iter().for_each(|topic| inner.core.move_leaders(topic));
    }

    pub fn disconnected(&self, connection: ConnectionId) {
        let now = self.now();
        let mut inner = self.lock();
        let effects = inner.core.disconnected(connection, now);
        self.done(&mut inner, effects);
    }

    fn done(&self, inner: &mut Inner, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Answer { ticket, response } => {
                    if let Some(waiting) = inner.waiting.remove(&ticket) {
                        let _ = waiting.send(Some(response)); // the connection may be gone
                    }
                }
                Effect::Silence(ticket) => {
                    if let Some(waiting) = inner.waiting.remove(&ticket) {
                        let _ = waiting.send(None);
                    }
                }
                Effect::Close(_) => {}
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
            let deadline = self.lock().deadline;
            match deadline {
                Some(deadline) => {
                    let due = tokio::time::sleep_until(self.start + deadline);
                    tokio::select! {
                        () = due => {
                            let now = self.now();
                            let mut inner = self.lock();
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
