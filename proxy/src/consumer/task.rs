//! A consumer instance at work: it has its client of Kafka do what the state machine decides ([`State::decide`]).
//!
//! A record counts as read when it goes into an answer, not when librdkafka hands it over: what a
//! client did not wait for, or had no bytes for, is there for the next read. Other requests do not
//! wait for a read that waits: they interrupt it, and it goes on after them (`turn.rs`). No lock is held while
//! records are rendered: an answer has them lent, and says how many are in it when it is written.
//!
//! An instance that nobody has asked for lately may lose its client to others: it leaves its group as
//! in a rebalance, and comes back with the next request (`wake.rs`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::message::{Message, OwnedMessage};
use tokio::sync::oneshot;
use tokio::time::Instant;
use weir_http::{Action, Caller, Denied, Resource};

use super::client::{Client, leave, refused};
use super::partitions::{Position, TopicPartition};
use super::pattern::Followed;
use super::reading::{Heard, Loan, Reading, Step};
use super::spec::ConsumerSpec;
use super::state::{Command, Decision, Effect, Rules, Source, State};
use super::turn::{Held, Turn};
use crate::broker::Broker;
use crate::error::ProxyError;

/// How long a read waits after an error of librdkafka's: errors repeat as fast as one asks.
const FAULT_PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Instance {
    pub(super) spec: ConsumerSpec,
    pub(super) broker: Arc<Broker>,
    /// The right to drive the client, which one request has at a time.
    pub(super) turn: Turn,
    /// Held for moments only: neither while somebody waits, nor while records are rendered.
    core: Mutex<Core>,
}

/// What an instance has.
pub(super) struct Core {
    pub(super) reading: Reading<OwnedMessage>,
    /// There while it is needed. Made and taken away by who has the turn.
    pub(super) client: Option<Client>,
    /// The pattern of topics that the instance is subscribed to.
    pub(super) followed: Option<Followed>,
    /// Whom the instance acts for: who made it, as it was in its last request.
    pub(super) caller: Caller,
}

impl Core {
    pub(super) fn state(&self) -> &State {
        &self.reading.state
    }

    /// Returns true if the instance reads something, and has nothing of it.
    pub(super) fn wants_records(&self) -> bool {
        let has_records = !self.reading.is_empty() || self.state().is_lent();
        !has_records && !self.state().source().topics().is_empty()
    }
}

impl Instance {
    pub(crate) fn new(spec: ConsumerSpec, broker: Arc<Broker>, caller: Caller) -> Self {
        let rules = Rules { auto_commit: spec.auto_commit, begins_at_time: spec.since.is_some() };
        let reading = Reading::new(State::new(rules));
        let core = Core { reading, client: None, followed: None, caller };
        Instance { spec, broker, turn: Turn::default(), core: Mutex::new(core) }
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn group(&self) -> &str {
        &self.spec.group
    }

    pub(crate) fn spec(&self) -> &ConsumerSpec {
        &self.spec
    }

    /// What the instance reads: `nothing`, or a `subscription`, a `pattern` or an `assignment`.
    pub(crate) fn source_name(&self) -> &'static str {
        match self.core().state().source() {
            Source::None => "nothing",
            Source::Subscription(_) => "subscription",
            Source::Pattern { .. } => "pattern",
            Source::Assignment(_) => "assignment",
        }
    }

    /// How many partitions were read and not committed.
    pub(super) fn uncommitted(&self) -> usize {
        self.core().state().uncommitted().len()
    }

    /// Leaves the group, and says when that is done.
    pub(super) fn close(self) -> oneshot::Receiver<()> {
        let (done, closed) = oneshot::channel();
        leave(self.take_client(), Some(done));
        closed
    }

    /// Reads that wait are answered with what there is, now and from now on.
    pub(super) fn end_waiting(&self) {
        self.turn.end();
    }

    /// Serves the group between reads: joining and rebalancing happen while librdkafka is polled.
    pub(super) fn poll(&self) {
        let Some(held) = self.turn.try_take() else { return };
        if let Err(error) = self.follow(&held) {
            tracing::debug!(%error, "the topics of a pattern");
        }
        // a pattern that nothing matches may still have a group to leave
        let has_source = *self.core().state().source() != Source::None;
        if has_source && self.core().reading.is_empty() {
            self.fetch(&held, 1);
        }
    }

    /// Has records ready for the next read.
    pub(crate) fn prefetch(&self, bytes: usize) {
        let Some(held) = self.turn.try_take() else { return };
        let missing = bytes.saturating_sub(self.core().reading.pending_bytes());
        if missing > 0 {
            self.fetch(&held, missing);
        }
    }

    /// Takes what librdkafka has at hand, up to about `bytes`. Nothing while records are lent to an answer: polling also
    /// serves rebalances, which would take partitions away before the answer's offsets are stored.
    pub(super) fn fetch(&self, held: &Held<'_>, bytes: usize) {
        if self.core().state().is_lent() {
            return;
        }
        if let Some(client) = self.client() {
            self.hear(held, client.at_hand(bytes));
        }
    }

    fn hear(&self, _held: &Held<'_>, heard: Vec<Heard<OwnedMessage>>) {
        let mut core = self.core();
        heard.into_iter().for_each(|heard| core.reading.hear(heard));
    }

    /// Waits for records: until there are enough, or `timeout` is over. What keeps them from coming
    /// is told once there is nothing else to tell.
    pub(crate) async fn read(
        &self,
        timeout: Duration,
        bytes_max: usize,
    ) -> Result<Records<'_>, ProxyError> {
        let deadline = Instant::now() + timeout;
        let mut held = self.turn.take().await;
        if self.core().reading.is_empty() {
            self.check_rights(&held).await?;
        }
        loop {
            let interrupted = self.turn.interrupted();
            tokio::pin!(interrupted);
            interrupted.as_mut().enable();
            held = self.turn.give_way(held).await;
            self.follow(&held)?;
            let is_over = Instant::now() >= deadline || self.turn.is_ending();
            let next = self.advance(&held, bytes_max, is_over).await?;
            tokio::select! {
                () = &mut interrupted, if !matches!(next, Next::Answer | Next::LookAgain) => {}
                waited = self.wait(&held, next, deadline) => if waited? { break },
            }
        }
        let outlook = self.outlook(&held).await;
        let mut core = self.core();
        let (loan, client) = (core.reading.lend(bytes_max), core.client.clone());
        Ok(Records { instance: self, client, outlook, loan })
    }

    /// Takes what is at hand, and says what a read does next that may have up to `bytes_max`.
    async fn advance(
        &self,
        held: &Held<'_>,
        bytes_max: usize,
        is_over: bool,
    ) -> Result<Next, ProxyError> {
        let has_source = *self.core().state().source() != Source::None;
        let Some(client) = self.client() else {
            return Ok(match has_source {
                _ if self.turn.is_ending() => Next::Answer,
                true => Next::WakeClient,
                false if is_over => Next::Answer,
                false => Next::Wait,
            });
        };
        if self.core().state().is_lent() {
            return Ok(if is_over { Next::Answer } else { Next::Wait });
        }
        self.return_to_kept(held, &client).await?;
        let missing = bytes_max.saturating_sub(self.core().reading.pending_bytes());
        if missing > 0 && has_source {
            self.fetch(held, missing);
        }
        let step = self.core().reading.next_step(self.spec.min_bytes.min(bytes_max));
        match step {
            Step::Answer => Ok(Next::Answer),
            Step::Denied(denied) => Err(self.core().state().denial(denied, self.group())),
            Step::Refused(refusal) => Err(refusal.into()),
            Step::BeginAtTime => {
                self.begin_at_time(held, &client).await?;
                Ok(Next::LookAgain)
            }
            Step::Wait if is_over => Ok(Next::Answer),
            Step::Wait if has_source => Ok(Next::Receive(client)),
            Step::Wait => Ok(Next::Wait),
        }
    }

    /// Returns true if a read is to be answered now, and false if it is to look again.
    async fn wait(
        &self,
        held: &Held<'_>,
        next: Next,
        deadline: Instant,
    ) -> Result<bool, ProxyError> {
        match next {
            Next::Answer => return Ok(true),
            Next::LookAgain => {}
            Next::Wait => tokio::time::sleep_until(deadline).await,
            Next::WakeClient => drop(self.wake_until(held, deadline).await?),
            Next::Receive(client) => {
                let heard = tokio::select! {
                    () = tokio::time::sleep_until(deadline) => return Ok(false),
                    heard = client.next() => heard,
                };
                let has_failed = heard.iter().any(|heard| matches!(heard, Heard::Mishap(_)));
                self.hear(held, heard);
                if has_failed {
                    tokio::time::sleep(FAULT_PAUSE).await;
                }
            }
        }
        Ok(false)
    }

    /// Subscribes to topics. 40903 partitions are assigned, or a pattern is subscribed to · 422.
    pub(crate) async fn subscribe(&self, topics: Vec<String>) -> Result<(), ProxyError> {
        let held = self.turn.take_over().await;
        self.change_source(&held, Command::Subscribe { topics }).await
    }

    pub(crate) async fn unsubscribe(&self) -> Result<(), ProxyError> {
        let _held = self.turn.take_over().await;
        let decision = self.core().state().decide(Command::Unsubscribe)?;
        if let Some(client) = self.client() {
            for effect in decision.effects {
                // whatever librdkafka says, the instance reads nothing more
                let _ = self.perform(&client, effect);
            }
        }
        let mut core = self.core();
        core.followed = None;
        core.reading.apply(decision.change);
        Ok(())
    }

    /// The subscribed topics; of a pattern, those that it has brought so far.
    pub(crate) async fn subscription(&self) -> Result<Vec<String>, ProxyError> {
        let held = self.turn.take_over().await;
        let source = self.core().state().source().clone();
        drop(held);
        let mut topics = match source {
            Source::None | Source::Assignment(_) => return Ok(Vec::new()),
            Source::Subscription(topics) => topics,
            Source::Pattern { .. } => {
                self.assignment().await?.into_iter().map(|partition| partition.topic).collect()
            }
        };
        topics.sort_unstable();
        topics.dedup();
        Ok(topics)
    }

    /// Reads these partitions without the group, or none. 40903 topics or a pattern are subscribed to.
    pub(crate) async fn assign(&self, partitions: Vec<TopicPartition>) -> Result<(), ProxyError> {
        let held = self.turn.take_over().await;
        self.change_source(&held, Command::Assign { partitions }).await
    }

    /// The partitions that the instance reads.
    pub(crate) async fn assignment(&self) -> Result<Vec<TopicPartition>, ProxyError> {
        let _held = self.turn.take_over().await;
        match self.client() {
            Some(client) => Ok(client.assigned()?),
            None => Ok(match self.core().state().source() {
                Source::Assignment(partitions) => partitions.clone(),
                _ => Vec::new(),
            }),
        }
    }

    /// Moves to other positions; all of the partitions have to be assigned. 40903 one is not · 40403 Kafka does
    /// not have one.
    pub(crate) async fn seek(&self, to: Vec<(TopicPartition, Position)>) -> Result<(), ProxyError> {
        let held = self.turn.take_over().await;
        let client = self.wake(&held).await?;
        let assigned = client.assigned()?;
        let decision = self.core().state().decide(Command::Seek { to, assigned })?;
        self.move_to(&held, &client, decision).await?.map_err(refused)
    }

    /// Has the client, or a new one if there is room for it, read what a command says. Where that fails, the
    /// instance reads what it has read before.
    pub(super) async fn change_source(
        &self,
        held: &Held<'_>,
        command: Command,
    ) -> Result<(), ProxyError> {
        let Decision { effects, change } = self.core().state().decide(command)?;
        match self.client() {
            Some(client) => {
                for effect in effects {
                    self.perform(&client, effect)?;
                }
            }
            None => {
                let mut next = self.core().state().clone();
                next.apply(change.clone());
                if *next.source() != Source::None {
                    self.wake_if_room(held, next.attach()).await?;
                }
            }
        }
        self.core().reading.apply(change);
        Ok(())
    }

    /// Has a client do what does not wait for Kafka. 422 topics that cannot be subscribed to.
    pub(super) fn perform(&self, client: &Client, effect: Effect) -> Result<(), ProxyError> {
        client.perform(effect, &Default::default()).map_err(refused)
    }

    /// An answer is written of a loan, and has its first `count` records.
    fn settle(&self, client: Option<&Client>, loan: Loan<OwnedMessage>, count: usize) {
        let mut core = self.core();
        let (read, answered) = core.reading.settle(loan, count);
        drop(core);
        if let Some(client) = client
            && self.spec.auto_commit
        {
            client.store(&read);
        }
        drop(answered);
        // a read that waits for what is left
        self.turn.interrupt();
    }
}

impl Drop for Instance {
    /// For an instance that is removed while somebody reads from it.
    fn drop(&mut self) {
        leave(self.take_client(), None);
    }
}

/// What a read does next.
enum Next {
    Answer,
    LookAgain,
    /// Until something changes.
    Wait,
    WakeClient,
    Receive(Client),
}

/// Why there may be no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Nothing keeps them from coming.
    Clear,
    /// The instance's group has not given it its partitions yet.
    Joining,
    /// Some of its partitions have no leader.
    PartlyUnreachable,
    /// No broker can be reached.
    Unreachable { reason: String },
}

/// Records for an answer. Dropping this leaves them for the next read.
pub(crate) struct Records<'a> {
    instance: &'a Instance,
    client: Option<Client>,
    outlook: Outlook,
    loan: Option<Loan<OwnedMessage>>,
}

impl Records<'_> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &OwnedMessage> {
        self.loan.iter().flat_map(Loan::iter)
    }

    pub(crate) fn outlook(&self) -> &Outlook {
        &self.outlook
    }

    /// Demands that a caller may read the topics of [`Records::iter`]: what was fetched may be of one that it might
    /// read when it was.
    pub(crate) fn demand_topics(&self, caller: &Caller) -> Result<(), Denied> {
        if !caller.is_restricted() {
            return Ok(());
        }
        let mut last = None;
        for topic in self.iter().map(Message::topic) {
            if last.replace(topic) != Some(topic) {
                caller.demand(Action::Read, Resource::topic(topic))?;
            }
        }
        Ok(())
    }

    /// Bytes of keys and values of [`Records::iter`].
    pub(crate) fn bytes(&self) -> usize {
        self.loan.as_ref().map_or(0, Loan::bytes)
    }

    /// Returns true if there were as many bytes as may be in an answer, or more.
    pub(crate) fn is_full(&self) -> bool {
        self.loan.as_ref().is_some_and(Loan::is_full)
    }

    /// The first `count` records are in the answer.
    pub(crate) fn read(mut self, count: usize) {
        if let Some(loan) = self.loan.take() {
            self.instance.settle(self.client.as_ref(), loan, count);
        }
    }
}

impl Drop for Records<'_> {
    fn drop(&mut self) {
        if let Some(loan) = self.loan.take() {
            self.instance.settle(None, loan, 0);
        }
    }
}
