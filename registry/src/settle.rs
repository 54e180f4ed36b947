//! Answers on a state that is caught up: the one place that asks whether this node has read all that any node
//! has answered.
//!
//! Where others write the log too, this node's state may be a moment old. Most answers may be as old. That nothing
//! is there, or that it is there already, is said only of a state that has all that was answered before the
//! question. Handlers do not look after that themselves: a write that depends on what is there goes through
//! [`Registry::settle`], because [`Registry::submit`] does not take its command; and every answer that says that
//! something is missing, of whatever route, goes through [`Registry::look_twice`].

use std::sync::Arc;

use tokio::time::Instant;
use weir_registry_api::RegistryError;
use weir_registry_core::{Decide, Stale, State};
use weir_schema::Budget;

use crate::Registry;
use crate::lanes::Asker;
use crate::peers::PATIENCE;
use crate::steps::CATCH_UP;

/// How often a command is made again for a subject that others change meanwhile; then 503.
const STALE_MAX: usize = 64;

/// How long an answer that something is missing waits for what others have written.
#[cfg(feature = "kafka")]
const MISS_PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

/// What a look at a state comes to.
pub(crate) enum Look<C, T> {
    /// What was asked for is there already.
    Found(T),
    /// It has to be written, and the command is made of what this state has.
    Write(C),
    /// It has to be written, and the writer finds out for itself what the command depends on: it does not
    /// matter how old this state is.
    WriteAtOnce(C),
}

impl Registry {
    /// Answers with what `look` finds, or has written what it wants written.
    ///
    /// `look` is done in the asker's turn, as [`Registry::work`] does it. What it has found, refuses, or makes of
    /// an old state does not count: where others have answered writes that this node has not read, it reads
    /// them, and `look` is done again. A command that turns out to be stale is made again.
    ///
    /// 50004 if nobody says how far this node has to read · 503 if the command is stale again and again ·
    /// what `look` and the command refuse.
    pub(crate) async fn settle<C, T>(
        &self,
        asker: &Asker,
        is_long: bool,
        look: impl Fn(&State, &Budget) -> Result<Look<C, T>, RegistryError> + Send + Sync + 'static,
    ) -> Result<T, RegistryError>
    where
        C: Decide<Outcome = Result<T, Stale>> + Send + 'static,
        T: Send + 'static,
    {
        let look = Arc::new(look);
        let mut is_settled = false;
        let mut stale = 0;
        loop {
            let look = Arc::clone(&look);
            let seen = self.work(asker, is_long, move |state, budget| look(state, budget)).await?;
            let command = match seen {
                Ok(Look::WriteAtOnce(command)) => command,
                _ if !std::mem::replace(&mut is_settled, true) && self.catch_up().await? => {
                    continue;
                }
                Ok(Look::Found(found)) => return Ok(found),
                Ok(Look::Write(command)) => command,
                Err(refused) => return Err(refused),
            };
            match self.enqueue(command).await? {
                Ok(outcome) => return Ok(outcome),
                Err(Stale) if stale < STALE_MAX => stale += 1,
                Err(Stale) => return Err(RegistryError::Busy),
            }
        }
    }

    /// Answers what `look` does, which is done again where it says that something is missing and this node had
    /// not read all that others have answered.
    ///
    /// While nobody says how far this node has to read, its first answer stands.
    #[cfg(feature = "kafka")]
    pub(crate) async fn look_twice<A, F: Future<Output = A>>(
        &self,
        look: impl Fn() -> F,
        is_missing: impl FnOnce(&A) -> bool,
    ) -> A {
        let before = self.state().next_offset();
        let answer = look().await;
        let Some(peers) = self.peers().filter(|_| is_missing(&answer)) else { return answer };
        let has_read_more = peers.is_heard()
            && weir_trace::wait(CATCH_UP, peers.catch_up(Instant::now() + MISS_PATIENCE)).await
            && self.state().next_offset() != before;
        match has_read_more {
            true => look().await,
            false => answer,
        }
    }

    /// Brings [`Registry::state`] up to everything that any node had answered before this call.
    ///
    /// Returns true if the state has changed, so that the caller has to look again. 50004 if nobody says how
    /// far this node has to read.
    async fn catch_up(&self) -> Result<bool, RegistryError> {
        let Some(peers) = self.peers() else { return Ok(false) };
        let before = self.state().next_offset();
        match weir_trace::wait(CATCH_UP, peers.catch_up(Instant::now() + PATIENCE / 2)).await {
            true => Ok(self.state().next_offset() != before),
            // another node may know; nothing has been done
            false => Err(RegistryError::NoLeader),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use arc_swap::ArcSwap;
    use axum::http::Extensions;
    use tokio::sync::mpsc;
    use weir_registry_core::{Decision, LogEntry, Record};

    use super::*;
    use crate::Options;
    use crate::batch::{Decided, Queued, answer};
    use crate::peers::{Leader, Peers, Status, Wait};
    use crate::registry::Sharing;

    /// Another node, which has written a record that this one has not read.
    struct Ahead {
        state: Arc<ArcSwap<State>>,
        /// Whether anybody says how far there is to read.
        is_known: bool,
        asked: AtomicUsize,
    }

    impl Peers for Ahead {
        fn catch_up(&self, _: Instant) -> Wait<'_, bool> {
            self.asked.fetch_add(1, Relaxed);
            if self.is_known && self.state.load().next_offset() == 0 {
                let mut state = State::clone(&self.state.load());
                state.apply_entry(0, LogEntry::read(&Record::Noop.encode())).unwrap();
                self.state.store(Arc::new(state));
            }
            Box::pin(std::future::ready(self.is_known))
        }

        fn is_heard(&self) -> bool {
            true
        }

        fn status(&self) -> Status {
            unimplemented!()
        }

        fn own_url(&self) -> &str {
            unimplemented!()
        }

        fn leader(&self) -> Option<Leader> {
            unimplemented!()
        }

        fn later_leader(&self, _: Option<u64>) -> Wait<'_, ()> {
            unimplemented!()
        }

        fn has_announced(&self, _: &str) -> bool {
            unimplemented!()
        }

        fn announced(&self) -> Vec<String> {
            unimplemented!()
        }

        fn voucher_key(&self, _: &str) -> weir_http::VoucherKey {
            unimplemented!()
        }

        fn reach(&self, _: u64, _: Instant) -> Wait<'_, bool> {
            unimplemented!()
        }

        fn was_asked(&self) {
            unimplemented!()
        }

        fn resign(&self) -> Wait<'_, ()> {
            unimplemented!()
        }

        fn http(&self) -> &reqwest::Client {
            unimplemented!()
        }
    }

    /// A command that comes to what it is told to.
    struct Come(Result<&'static str, Stale>);

    impl Decide for Come {
        type Outcome = Result<&'static str, Stale>;

        fn decide(&self, _: &State) -> Result<Decision<Self::Outcome>, RegistryError> {
            Ok(Decision { records: Vec::new(), outcome: self.0 })
        }
    }

    /// A node behind another one, and a task that answers its commands.
    fn behind(is_known: bool) -> (Registry, Arc<Ahead>) {
        let state = Arc::new(ArcSwap::from_pointee(State::default()));
        let joined = Arc::new(OnceLock::new());
        let sharing = Sharing::WithPeers(joined.clone());
        let (registry, waiting) = Registry::new(state.clone(), sharing, Options::default());
        let ahead = Arc::new(Ahead { state, is_known, asked: AtomicUsize::new(0) });
        assert!(joined.set(ahead.clone()).is_ok());
        tokio::spawn(decide_all(waiting));
        (registry, ahead)
    }

    async fn decide_all(mut waiting: mpsc::Receiver<Queued>) {
        while let Some(mut job) = waiting.recv().await {
            Decided::of(State::default(), std::iter::once(&mut job), usize::MAX);
            answer(std::iter::once(job), &Ok(()));
        }
    }

    async fn settle(
        registry: &Registry,
        look: impl Fn(&State) -> Result<Look<Come, &'static str>, RegistryError> + Send + Sync + 'static,
    ) -> Result<&'static str, RegistryError> {
        let asker = Asker::of(&Extensions::new());
        registry.settle(&asker, false, move |state, _| look(state)).await
    }

    /// What is there once everything is read.
    fn there(state: &State) -> Result<Look<Come, &'static str>, RegistryError> {
        match state.next_offset() {
            0 => Err(RegistryError::SchemaNotFound),
            _ => Ok(Look::Found("there")),
        }
    }

    #[tokio::test]
    async fn a_refusal_on_an_old_state_is_looked_at_again() {
        let (registry, ahead) = behind(true);
        assert_eq!(settle(&registry, there).await, Ok("there"));
        assert_eq!(ahead.asked.load(Relaxed), 1);
    }

    #[tokio::test]
    async fn what_an_old_state_has_is_looked_at_again() {
        let (registry, _) = behind(true);
        let gone = |state: &State| match state.next_offset() {
            0 => Ok(Look::Found("there")),
            _ => Err(RegistryError::SchemaNotFound),
        };
        assert_eq!(settle(&registry, gone).await, Err(RegistryError::SchemaNotFound));
    }

    #[tokio::test]
    async fn nothing_is_missing_while_nobody_says_how_far_there_is_to_read() {
        let (registry, _) = behind(false);
        assert_eq!(settle(&registry, there).await, Err(RegistryError::NoLeader));
    }

    #[tokio::test]
    async fn only_what_the_writer_finds_out_for_itself_is_written_at_once() {
        let (registry, ahead) = behind(true);
        let at_once = |_: &State| Ok(Look::WriteAtOnce(Come(Ok("written"))));
        assert_eq!(settle(&registry, at_once).await, Ok("written"));
        assert_eq!(ahead.asked.load(Relaxed), 0);
        let made_of_it = |_: &State| Ok(Look::Write(Come(Ok("written"))));
        assert_eq!(settle(&registry, made_of_it).await, Ok("written"));
        assert_eq!(ahead.asked.load(Relaxed), 1);
    }

    #[tokio::test]
    async fn a_command_that_is_always_stale_is_given_up() {
        let (registry, _) = behind(true);
        let stale = |_: &State| Ok(Look::WriteAtOnce(Come(Err(Stale))));
        assert_eq!(settle(&registry, stale).await, Err(RegistryError::Busy));
    }

    #[tokio::test]
    async fn an_answer_that_something_is_missing_is_given_on_all_that_was_answered() {
        let (registry, ahead) = behind(true);
        let offset = async || registry.state().next_offset();
        assert_eq!(registry.look_twice(offset, |seen| *seen == 0).await, 1);
        assert_eq!(registry.look_twice(offset, |_| true).await, 1);
        assert_eq!(ahead.asked.load(Relaxed), 2);
        let (registry, _) = behind(false);
        let offset = async || registry.state().next_offset();
        assert_eq!(registry.look_twice(offset, |seen| *seen == 0).await, 0);
    }
}
