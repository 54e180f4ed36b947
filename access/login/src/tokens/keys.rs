//! A provider's keys as they are known now, and the task that fetches them.

use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use weir_access::LoginFailure;

use super::flaw::Flaw;
use super::jws::Jws;
use super::key::{Found, Key};
use super::schedule::{Advice, Cause, Pace, State};
use super::source::{FetchError, Fetched, Source};

/// How long an attempt to get keys may take: two answers of a provider.
const FETCH_MAX: Duration = Duration::from_secs(10);

/// How long a token of an unknown key waits for keys that are being fetched.
const LOOK_UP_MAX: Duration = Duration::from_secs(15);

/// The keys of a provider. Dropped, it ends the task that fetches them.
pub struct Keys {
    shared: Arc<Shared>,
    fetcher: AbortHandle,
}

struct Shared {
    source: Box<dyn Source>,
    pace: Pace,
    state: watch::Sender<State>,
    /// A token named an unknown key, or the next fetch is earlier than it was.
    wanted: Notify,
    random: SystemRandom,
}

impl Keys {
    /// Begins to fetch keys. Has to be called within a runtime.
    pub fn fetched_from(source: Box<dyn Source>, pace: Pace) -> Keys {
        let shared = Arc::new(Shared {
            source,
            pace,
            state: watch::Sender::new(State::new(Instant::now())),
            wanted: Notify::new(),
            random: SystemRandom::new(),
        });
        let fetcher = tokio::spawn(shared.clone().keep_fetching()).abort_handle();
        Keys { shared, fetcher }
    }

    pub fn generation(&self) -> u64 {
        self.shared.state.borrow().generation
    }

    /// The key that a token names, if it is known.
    pub fn known(&self, token: &Jws<'_>) -> Result<Option<Arc<Key>>, Flaw> {
        self.shared.find(&self.shared.state.borrow(), token)
    }

    /// The key that a token names, for which the provider is asked if it is not known.
    ///
    /// However many tokens need it, one fetch is under way, and it begins at most once in the pause that the options set. Refused if the
    /// provider has no such key, unavailable if that cannot be found out.
    pub async fn look_up(&self, token: &Jws<'_>) -> Result<Arc<Key>, LoginFailure> {
        let end = Instant::now() + LOOK_UP_MAX;
        let mut states = self.shared.state.subscribe();
        loop {
            let advice = {
                let state = states.borrow_and_update();
                if let Some(key) = self.shared.find(&state, token)? {
                    return Ok(key);
                }
                state.advice(&self.shared.pace, Instant::now())
            };
            match advice {
                Advice::Wait => {}
                Advice::Fetch => self.shared.wanted.notify_one(),
                Advice::Unknown => {
                    self.shared.put_off();
                    return Err(Flaw::UnknownKey(token.kid.clone()).into());
                }
                Advice::Unavailable { why, again_in } => {
                    return Err(unavailable(why.to_string(), again_in));
                }
            }
            if !matches!(timeout_at(end, states.changed()).await, Ok(Ok(()))) {
                let why = "the provider's keys are still being fetched".to_string();
                return Err(unavailable(why, Duration::ZERO));
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.fetcher.abort();
    }
}

impl Shared {
    fn find(&self, state: &State, token: &Jws<'_>) -> Result<Option<Arc<Key>>, Flaw> {
        let Some(keys) = state.keys(&self.pace, Instant::now()) else { return Ok(None) };
        match keys.find(token) {
            Found::Key(key) => Ok(Some(key)),
            Found::Nothing => Ok(None),
            Found::OtherAlgorithm => Err(Flaw::OtherAlgorithm),
            Found::Several => Err(Flaw::UnknownKey(None)),
        }
    }

    fn put_off(&self) {
        if self.state.send_if_modified(|state| state.put_off(&self.pace)) {
            self.wanted.notify_one();
        }
    }

    async fn keep_fetching(self: Arc<Shared>) {
        loop {
            let due = self.state.borrow().due;
            let cause = tokio::select! {
                () = sleep_until(due) => Cause::Due,
                () = self.wanted.notified() => {
                    match self.state.borrow().advice(&self.pace, Instant::now()) {
                        Advice::Fetch => Cause::UnknownKey,
                        _ => continue,
                    }
                }
            };
            self.fetch(cause).await;
        }
    }

    async fn fetch(&self, cause: Cause) {
        self.state.send_modify(|state| state.begin(cause, Instant::now()));
        let fetched = timeout(FETCH_MAX, self.source.fetch()).await.unwrap_or_else(|_| {
            Err(FetchError(format!("the provider's keys took more than {} s", FETCH_MAX.as_secs())))
        });
        let spread = self.spread();
        self.tell(&fetched);
        self.state.send_modify(|state| match fetched {
            Ok(fetched) => state.succeed(fetched, &self.pace, Instant::now(), spread),
            Err(why) => state.fail(why, &self.pace, Instant::now(), spread),
        });
    }

    fn tell(&self, fetched: &Result<Fetched, FetchError>) {
        let state = self.state.borrow();
        match fetched {
            Ok(fetched) if !state.has(&fetched.keys) => {
                tracing::info!(
                    keys = fetched.keys.len(),
                    "keys that tokens are verified with have changed"
                );
            }
            Ok(_) if state.has_failed() => tracing::info!("the provider's keys can be had again"),
            Ok(_) => {}
            Err(why) => {
                let has_keys = state.keys(&self.pace, Instant::now()).is_some();
                tracing::warn!(has_keys, "the provider's keys cannot be had: {why}");
            }
        }
    }

    /// A random number from 0 to 1.
    fn spread(&self) -> f64 {
        let mut byte = [0];
        match self.random.fill(&mut byte) {
            Ok(()) => f64::from(byte[0]) / 255.0,
            Err(_) => 1.0,
        }
    }
}

fn unavailable(reason: String, again_in: Duration) -> LoginFailure {
    LoginFailure::Unavailable { reason, retry_after: again_in.max(Duration::from_secs(1)) }
}
