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

use super::Cluster;
use crate::log::AppendError;
use crate::log::kafka::{Announcement, BATCH_BYTES, Leader, Producer, WRITE_TIMEOUT};
use crate::replay::apply_entry;
use crate::writer::{Answer, BATCH_MAX, Decided, Job};

/// What happens beside commands.
pub(crate) enum Event {
    /// Records were read, and who announced themselves among them.
    Read { entries: Vec<(u64, LogEntry)>, leaders: Vec<Leader> },
    /// There is no record left before an offset.
    Reached(u64),
    /// Take over, if the last leader is still that of this epoch; from ourselves only to renew.
    Lead { after: Option<u64>, renew: bool },
}

pub(super) struct Replica {
    producer: Producer,
    cluster: Arc<Cluster>,
    state: Arc<ArcSwap<State>>,
    jobs: mpsc::Receiver<Job>,
    events: mpsc::Receiver<Event>,
    waiting: VecDeque<Job>,
    /// What this node has announced last; it leads while no other announcement is in the log.
    token: Option<String>,
    /// An offset, and the state before what is there once that is applied.
    before: Option<(u64, Option<State>)>,
}

impl Replica {
    pub(super) fn new(
        producer: Producer,
        cluster: Arc<Cluster>,
        state: Arc<ArcSwap<State>>,
        jobs: mpsc::Receiver<Job>,
        events: mpsc::Receiver<Event>,
    ) -> Replica {
        let waiting = VecDeque::new();
        Replica { producer, cluster, state, jobs, events, waiting, token: None, before: None }
    }

    /// Until the registry is dropped.
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
                let is_last = self.cluster.leader().map(|leader| leader.epoch) == after;
                if is_last && self.cluster.leading().is_some() == renew {
                    self.cluster.change_health(|health| health.taking_over = true);
                    self.lead().await;
                    self.cluster.change_health(|health| health.taking_over = false);
                }
            }
        }
    }

    fn apply(&mut self, entries: Vec<(u64, LogEntry)>, leaders: Vec<Leader>) {
        let mut state = State::clone(&self.state.load());
        for (offset, entry) in entries {
            if offset < state.next_offset() {
                continue; // we wrote it
            }
            if let Some((mark, before @ None)) = &mut self.before
                && offset >= *mark
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

    /// Somebody has announced itself.
    fn see(&mut self, leader: Leader) {
        if self.token.as_ref() != Some(&leader.token) {
            self.step_down("another leads");
            self.token = None;
        }
        self.cluster.announced(leader);
    }

    /// It could not write.
    fn fail(&self, why: &str) {
        self.cluster.change_health(|health| health.failed = Some(Instant::now()));
        self.step_down(why);
    }

    fn step_down(&self, why: &str) {
        if let Some(epoch) = self.cluster.change_health(|health| health.leading.take()) {
            tracing::info!(epoch, why, "this node leads no more");
        }
    }

    /// Makes all writes void that others still have in flight, and leads once everything before is
    /// applied.
    async fn lead(&mut self) {
        let begun = Instant::now();
        match self.take_over(begun + WRITE_TIMEOUT).await {
            Ok(epoch) => {
                tracing::info!(epoch, took = ?begun.elapsed(), "this node leads");
                self.cluster.change_health(|health| health.leading = Some(epoch));
            }
            Err(why) => {
                self.fail("it could not take the lead again");
                tracing::warn!(why, "could not take the lead");
            }
        }
    }

    async fn take_over(&mut self, deadline: Instant) -> Result<u64, String> {
        let before = self.cluster.leader();
        let producer = before.as_ref().and_then(|leader| leader.producer);
        let identity = self.producer.take_over(producer, deadline).await?;
        // who has announced itself meanwhile leads as well as we would
        let end = self.producer.topic().end().await.map_err(|error| error.to_string())?;
        if let Some(last) = end.checked_sub(1) {
            self.read_past(last, deadline).await?;
        }
        if self.cluster.leader() != before {
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
        match self.cluster.leader() {
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
            let faults = self.cluster.health().write_faults();
            let answers = match self.cluster.leading() {
                _ if !faults.is_empty() => {
                    let reason = faults.join("; ");
                    vec![Err(RegistryError::Store { reason }); self.waiting.len()]
                }
                None => vec![Err(RegistryError::NoLeader); self.waiting.len()],
                Some(_) => self.write(Instant::now() + WRITE_TIMEOUT).await,
            };
            for answer in answers {
                if let Some(job) = self.waiting.pop_front() {
                    let _ = job.answer.send(answer); // who asked may be gone
                }
            }
        }
    }

    /// Answers for the first of those that wait, at least for one.
    async fn write(&mut self, deadline: Instant) -> Vec<Answer> {
        let mut jobs_max = BATCH_MAX;
        loop {
            let before = State::clone(&self.state.load());
            let expected = before.next_offset();
            let batch = self.waiting.iter().take(jobs_max);
            let decided = Decided::of(before, batch, BATCH_BYTES);
            let count = decided.outcomes.len();
            if decided.records.is_empty() {
                // decided on a state that may be old: somebody else may lead
                match self.is_end(expected, deadline).await {
                    Ok(true) => return decided.outcomes,
                    Ok(false) => continue,
                    Err(reason) => {
                        self.fail("Kafka does not say where the log ends");
                        tracing::warn!(reason, "nothing was decided");
                        return vec![Err(RegistryError::NoLeader); count];
                    }
                }
            }
            self.cluster.change_health(|health| health.writing = Some(Instant::now()));
            let appended = self.producer.append(&decided.records, &[], deadline).await;
            self.cluster.change_health(|health| health.writing = None);
            match appended {
                Ok(first) if first == expected => {
                    self.show(decided.state);
                    return decided.outcomes;
                }
                Ok(first) => match self.overtaken(first, &decided.records, count, deadline).await {
                    Ok(Some(outcomes)) => return outcomes,
                    Ok(None) => {}
                    Err(reason) => {
                        self.step_down("somebody else writes at the same time");
                        return vec![Err(RegistryError::Timeout { reason }); count];
                    }
                },
                Err(AppendError::Deposed) => {
                    self.step_down("the broker knows a later leader");
                    return vec![Err(RegistryError::NoLeader); count];
                }
                Err(AppendError::Refused { too_large: true, .. }) if count == 1 => {
                    return vec![Err(RegistryError::SchemaTooLarge)];
                }
                Err(AppendError::Refused { too_large: true, .. }) => jobs_max = 1,
                Err(AppendError::Refused { reason, .. }) => {
                    self.fail("Kafka takes no writes");
                    tracing::warn!(reason, "nothing was written");
                    return vec![Err(RegistryError::NoLeader); count];
                }
                Err(error) => {
                    // to be read before it is written again
                    self.fail("nobody knows what was written");
                    tracing::warn!(%error, "a write may have been made or not");
                    return vec![Err(RegistryError::Timeout { reason: error.to_string() }); count];
                }
            }
        }
    }

    /// Somebody else, who is not bound by our election, has written before us: another registry on the
    /// same topic. What was decided stands if it would have been decided the same behind that; then
    /// these are its answers. Else what was covered is put right, and it is to be decided again.
    async fn overtaken(
        &mut self,
        first: u64,
        records: &[RawRecord],
        count: usize,
        deadline: Instant,
    ) -> Result<Option<Vec<Answer>>, String> {
        let end = first + records.len() as u64;
        if first < self.state.load().next_offset() {
            return Err("the topic has been emptied".to_string());
        }
        tracing::warn!(offset = first, "another registry has written at the same time");
        self.cluster.hint_of_others();
        self.before = Some((first, None));
        let read = self.read_past(end - 1, deadline).await;
        let before = self.before.take().and_then(|(_, before)| before);
        read?;
        let before = before.ok_or("what was written cannot be found")?;
        let again = Decided::of(before.clone(), self.waiting.iter().take(count), usize::MAX);
        let bytes = |r: &RawRecord| (r.key.clone(), r.value.clone());
        if again.records.iter().map(bytes).eq(records.iter().map(bytes)) {
            return Ok(Some(again.outcomes));
        }
        let undo = before.undo(&self.state.load(), records);
        let undo: Vec<_> = undo.iter().flat_map(|record| before.raw_records(record)).collect();
        if !undo.is_empty() {
            let written = self.producer.append(&undo, &[], deadline).await;
            let first = written.map_err(|error| format!("what was covered is lost: {error}"))?;
            self.read_past(first + undo.len() as u64 - 1, deadline).await?;
        }
        Ok(None)
    }

    /// Whether the log ends at an offset; if not, what is there has been applied.
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
