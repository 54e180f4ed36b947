//! The one thread that changes the state: it applies what others have written, and while this node leads
//! it decides what waits, appends it in one go, shows the new state, answers.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;
use weir_registry_api::RegistryError;
use weir_registry_core::{LogEntry, RawRecord, Record, State};
use weir_trace::Outage;

use super::Cluster;
use crate::batch::{BATCH_MAX, Decided, Queued, answer, note};
use crate::counts::Counts;
use crate::log::kafka::{
    Announced, Announcement, BATCH_BYTES, Producer, WRITE_TIMEOUT, WriteError,
};
use crate::replay::apply_entry;
use crate::steps::{APPEND, APPLY, DECIDE};

/// What happens beside commands.
pub(crate) enum Event {
    /// Records were read, and who announced themselves among them.
    Read { entries: Vec<(u64, LogEntry)>, leaders: Vec<Announced> },
    /// There is no record left before an offset.
    Reached(u64),
    /// Take over, if the last leader is still that of this epoch; from ourselves only to renew.
    Lead { after: Option<u64>, renew: bool },
}

pub(super) struct Replica {
    producer: Producer,
    cluster: Arc<Cluster>,
    state: Arc<ArcSwap<State>>,
    jobs: mpsc::Receiver<Queued>,
    events: mpsc::Receiver<Event>,
    waiting: VecDeque<Queued>,
    /// What this node has announced last; it leads while no other announcement is in the log.
    token: Option<String>,
    /// Set while a batch that landed at an unexpected offset is checked.
    checkpoint: Option<Checkpoint>,
    counts: Arc<Counts>,
    /// While it tries to lead and cannot.
    not_led: Outage,
}

/// The state just before an offset.
struct Checkpoint {
    at: u64,
    /// None until everything before the offset is applied, and what is there is about to be.
    state_before: Option<State>,
}

/// What has become of the first of the commands that wait.
struct Written {
    /// How many commands it is about, at least one.
    count: usize,
    /// An error holds for all of them.
    result: Result<(), RegistryError>,
}

impl Written {
    fn failed(count: usize, error: RegistryError) -> Written {
        Written { count, result: Err(error) }
    }
}

impl Replica {
    pub(super) fn new(
        producer: Producer,
        cluster: Arc<Cluster>,
        state: Arc<ArcSwap<State>>,
        jobs: mpsc::Receiver<Queued>,
        events: mpsc::Receiver<Event>,
        counts: Arc<Counts>,
    ) -> Replica {
        let waiting = VecDeque::new();
        Replica {
            producer,
            cluster,
            state,
            jobs,
            events,
            waiting,
            token: None,
            checkpoint: None,
            counts,
            not_led: Outage::new("this node cannot take the lead", "this node can take the lead"),
        }
    }

    /// Runs until the registry is dropped.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => self.take(event).await,
                    None => return,
                },
                count = self.jobs.recv_many(&mut jobs, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                    self.waiting.extend(jobs.drain(..));
                    self.write_all().await;
                }
            }
        }
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Read { entries, leaders } => self.apply(entries, leaders),
            Event::Reached(offset) => self.reach(offset),
            Event::Lead { after, renew } => {
                let is_last = self.cluster.last_announced().map(|leader| leader.epoch) == after;
                if is_last && self.cluster.leading().is_some() == renew {
                    self.cluster.change_health(|health| health.taking_over = true);
                    self.lead().await;
                    self.cluster.change_health(|health| health.taking_over = false);
                }
            }
        }
    }

    fn apply(&mut self, entries: Vec<(u64, LogEntry)>, leaders: Vec<Announced>) {
        let mut state = State::clone(&self.state.load());
        for (offset, entry) in entries {
            if offset < state.next_offset() {
                continue; // we wrote it
            }
            if let Some(Checkpoint { at, state_before: before @ None }) = &mut self.checkpoint
                && offset >= *at
            {
                *before = Some(state.clone());
            }
            apply_entry(&mut state, offset, entry);
        }
        leaders.iter().for_each(|leader| leader.teach(&mut state));
        self.show(state);
        leaders.into_iter().for_each(|leader| self.see(leader));
    }

    fn reach(&mut self, offset: u64) {
        let mut state = State::clone(&self.state.load());
        state.reach(offset);
        self.show(state);
    }

    fn show(&self, state: State) {
        let next = state.next_offset();
        self.state.store(Arc::new(state));
        self.cluster.applied.send_replace(next);
    }

    /// Takes note of a node that has announced itself.
    fn see(&mut self, leader: Announced) {
        if self.token.as_ref() != Some(&leader.token) {
            self.step_down("another leads");
            self.token = None;
        }
        self.cluster.announced(leader);
    }

    /// Gives up the lead because this node could not write, so that others come first.
    fn fail(&self, why: &str) {
        self.cluster.change_health(|health| health.failed = Some(Instant::now()));
        self.step_down(why);
    }

    fn step_down(&self, why: &str) {
        if let Some(epoch) = self.cluster.change_health(|health| health.leading.take()) {
            tracing::info!(epoch, why, "this node leads no more");
        }
    }

    /// Takes the lead: makes all writes void that others still have in flight, and leads once everything before
    /// is applied.
    async fn lead(&mut self) {
        let begun = Instant::now();
        match self.take_over(begun + WRITE_TIMEOUT).await {
            Ok(epoch) => {
                self.not_led.is_over();
                let took_ms = begun.elapsed().as_millis() as u64;
                tracing::info!(epoch, took_ms, "this node leads");
                self.cluster.change_health(|health| health.leading = Some(epoch));
            }
            Err(why) => {
                self.fail("it could not take the lead again");
                self.not_led.fails(why);
            }
        }
    }

    async fn take_over(&mut self, deadline: Instant) -> Result<u64, String> {
        let before = self.cluster.last_announced();
        let producer = before.as_ref().and_then(|leader| leader.producer);
        let identity = self.producer.take_over(producer, deadline).await?;
        // who has announced itself meanwhile leads as well as we would
        let end = self.producer.topic().end().await.map_err(|error| error.to_string())?;
        if let Some(last) = end.checked_sub(1) {
            self.read_past(last, deadline).await?;
        }
        if self.cluster.last_announced() != before {
            return Err("another was faster".to_string());
        }
        let token = Uuid::new_v4().to_string();
        self.cluster.announce(token.clone());
        self.token = Some(token.clone());
        let url = &self.cluster.node.advertised_url;
        let announcement = Announcement::new(url, &token, identity, &self.state.load());
        let noop = [Record::Noop.encode()];
        let appended = self.producer.append(&noop, &announcement.headers(), deadline).await;
        let epoch = appended.map_err(|error| format!("the announcement: {error}"))?;
        self.read_past(epoch, deadline).await?;
        match self.cluster.last_announced() {
            Some(leader) if leader.token == token => Ok(epoch),
            _ => Err("another was faster".to_string()),
        }
    }

    /// Applies what is read until it is past an offset.
    async fn read_past(&mut self, offset: u64, deadline: Instant) -> Result<(), String> {
        while self.state.load().next_offset() <= offset {
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Ok(Some(Event::Read { entries, leaders })) => self.apply(entries, leaders),
                Ok(Some(Event::Reached(end))) => self.reach(end),
                Ok(Some(Event::Lead { .. })) => {}
                Ok(None) => return Err("the registry is shutting down".to_string()),
                Err(_) => return Err("the log could not be read in time".to_string()),
            }
        }
        Ok(())
    }

    /// Answers all that waits.
    async fn write_all(&mut self) {
        while !self.waiting.is_empty() {
            let all = self.waiting.len();
            let faults = self.cluster.health().write_faults();
            let Written { count, result } = match self.cluster.leading() {
                _ if !faults.is_empty() => {
                    Written::failed(all, RegistryError::Store { reason: faults.join("; ") })
                }
                None => Written::failed(all, RegistryError::NoLeader),
                Some(_) => self.write(Instant::now() + WRITE_TIMEOUT).await,
            };
            answer(self.waiting.drain(..count.min(all)), &result);
        }
    }

    /// Decides and writes the first of the commands that wait, as many as one append takes.
    async fn write(&mut self, deadline: Instant) -> Written {
        let mut jobs_max = BATCH_MAX;
        loop {
            let before = State::clone(&self.state.load());
            let expected = before.next_offset();
            let begun = Instant::now();
            let batch = self.waiting.iter_mut().take(jobs_max);
            let decided = Decided::of(before, batch, BATCH_BYTES);
            let count = decided.count;
            let at = Instant::now();
            note(self.waiting.iter().take(count), DECIDE, begun, at);
            if decided.records.is_empty() {
                // decided on a state that may be old: somebody else may lead
                match self.is_end(expected, deadline).await {
                    Ok(true) => return Written { count, result: Ok(()) },
                    Ok(false) => continue,
                    Err(reason) => {
                        self.fail("Kafka does not say where the log ends");
                        tracing::warn!(reason, "nothing was decided");
                        return Written::failed(count, RegistryError::NoLeader);
                    }
                }
            }
            self.cluster.change_health(|health| health.writing = Some(Instant::now()));
            let appended = self.producer.append(&decided.records, &[], deadline).await;
            let written = Instant::now();
            self.counts.appends.count(&decided.records, written - at, appended.is_ok());
            self.cluster.change_health(|health| health.writing = None);
            note(self.waiting.iter().take(count), APPEND, at, written);
            match appended {
                Ok(first) if first == expected => {
                    self.show(decided.state);
                    note(self.waiting.iter().take(count), APPLY, written, Instant::now());
                    return Written { count, result: Ok(()) };
                }
                Ok(first) => match self.overtaken(first, &decided.records, count, deadline).await {
                    Ok(true) => return Written { count, result: Ok(()) },
                    Ok(false) => {}
                    Err(reason) => {
                        self.step_down("somebody else writes at the same time");
                        return Written::failed(count, RegistryError::Timeout { reason });
                    }
                },
                Err(WriteError::Refused { too_large: true, .. }) if count > 1 => jobs_max = 1,
                Err(error) => return Written::failed(count, self.not_written(error)),
            }
        }
    }

    /// Draws the consequences of a failed append for the lead. Returns what its commands are answered.
    fn not_written(&self, error: WriteError) -> RegistryError {
        match error {
            WriteError::Deposed => {
                self.step_down("the broker knows a later leader");
                RegistryError::NoLeader
            }
            WriteError::Refused { too_large: true, .. } => RegistryError::SchemaTooLarge,
            WriteError::Refused { reason, .. } => {
                self.fail("Kafka takes no writes");
                tracing::warn!(reason, "nothing was written");
                RegistryError::NoLeader
            }
            WriteError::Unknown(reason) => {
                // to be read before it is written again
                self.fail("nobody knows what was written");
                tracing::warn!(error = %reason, "a write may have been made or not");
                RegistryError::Timeout { reason }
            }
        }
    }

    /// Checks a batch before which somebody else has written who is not bound by our election: another registry
    /// on the same topic.
    ///
    /// Returns true if the commands would have been decided the same behind that: what they are decided to now
    /// stands. Else what the batch has covered is put right, and the commands are to be decided again.
    async fn overtaken(
        &mut self,
        first: u64,
        records: &[RawRecord],
        count: usize,
        deadline: Instant,
    ) -> Result<bool, String> {
        let end = first + records.len() as u64;
        if first < self.state.load().next_offset() {
            return Err("the topic has been emptied".to_string());
        }
        tracing::warn!(offset = first, "another registry has written at the same time");
        self.cluster.hint_of_others();
        self.checkpoint = Some(Checkpoint { at: first, state_before: None });
        let read = self.read_past(end - 1, deadline).await;
        let before = self.checkpoint.take().and_then(|checkpoint| checkpoint.state_before);
        read?;
        let before = before.ok_or("what was written cannot be found")?;
        let again = Decided::of(before.clone(), self.waiting.iter_mut().take(count), usize::MAX);
        let bytes = |r: &RawRecord| (r.key.clone(), r.value.clone());
        if again.records.iter().map(bytes).eq(records.iter().map(bytes)) {
            return Ok(true);
        }
        let undo = before.undo(&self.state.load(), records);
        let undo: Vec<_> = undo.iter().flat_map(|record| before.raw_records(record)).collect();
        if !undo.is_empty() {
            let written = self.producer.append(&undo, &[], deadline).await;
            let first = written.map_err(|error| format!("what was covered is lost: {error}"))?;
            self.read_past(first + undo.len() as u64 - 1, deadline).await?;
        }
        Ok(false)
    }

    /// Returns true if the log ends at an offset. Else what is behind it has been applied.
    async fn is_end(&mut self, expected: u64, deadline: Instant) -> Result<bool, String> {
        let asked = tokio::time::timeout_at(deadline, self.producer.topic().end()).await;
        match asked {
            Ok(Ok(end)) if end <= expected => Ok(true),
            Ok(Ok(end)) => self.read_past(end - 1, deadline).await.map(|()| false),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("Kafka does not answer".to_string()),
        }
    }
}
