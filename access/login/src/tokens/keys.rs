//! A provider's keys as they are known now, and the task that fetches them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use weir_access::LoginFailure;
use weir_trace::Outage;

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
    /// How many fetches had begun when the last token came that needs another one.
    wanted_after: AtomicU64,
    random: SystemRandom,
    outage: Outage,
}

impl Keys {
    /// Begins to fetch keys. Has to be called within a runtime.
    pub fn fetched_from(source: Box<dyn Source>, pace: Pace) -> Keys {
        let shared = Arc::new(Shared {
            source,
            pace,
            state: watch::Sender::new(State::new(Instant::now())),
            wanted: Notify::new(),
            wanted_after: AtomicU64::new(0),
            random: SystemRandom::new(),
            outage: Outage::new(
                "the provider's keys cannot be had",
                "the provider's keys can be had again",
            ),
        });
        let fetcher = tokio::spawn(shared.clone().keep_fetching()).abort_handle();
        Keys { shared, fetcher }
    }

    pub fn generation(&self) -> u64 {
        self.shared.state.borrow().generation
    }

    /// An error says why no keys are known, so that no token can be verified.
    pub fn are_known(&self) -> Result<(), String> {
        let state = self.shared.state.borrow();
        match state.keys(&self.shared.pace, Instant::now()) {
            Some(_) => Ok(()),
            None => Err(state.failure().map_or_else(
                || "the provider's keys are being fetched".to_string(),
                |failure| failure.to_string(),
            )),
        }
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
        let came = states.borrow().begun;
        loop {
            let advice = {
                let state = states.borrow_and_update();
                if let Some(key) = self.shared.find(&state, token)? {
                    return Ok(key);
                }
                state.advice(&self.shared.pace, Instant::now(), came)
            };
            match advice {
                Advice::Wait => {}
                Advice::Fetch => self.shared.want_after(came),
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

    fn want_after(&self, begun: u64) {
        self.wanted_after.fetch_max(begun, Ordering::Relaxed);
        self.wanted.notify_one();
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
                    // a fetch that has begun since serves whoever wanted one
                    let came = self.wanted_after.load(Ordering::Relaxed);
                    match self.state.borrow().advice(&self.pace, Instant::now(), came) {
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
            Ok(_) => {}
            Err(why) => {
                let has_keys = state.keys(&self.pace, Instant::now()).is_some();
                let until = if has_keys {
                    "tokens are checked with those that are known"
                } else {
                    "no token is taken"
                };
                self.outage.fails(format_args!("{why}; {until}"));
            }
        }
        if fetched.is_ok() {
            self.outage.is_over();
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::super::key::KeySet;
    use super::super::options::TokenOptions;
    use super::super::source::Fetching;
    use super::*;

    /// A provider without a network: what it answers, and how often it was asked.
    #[derive(Default)]
    struct Script {
        keys: Mutex<Option<&'static str>>,
        fetches: AtomicUsize,
        /// It never answers.
        hangs: bool,
    }

    struct Scripted(Arc<Script>);

    impl Source for Scripted {
        fn fetch(&self) -> Fetching<'_> {
            Box::pin(async {
                self.0.fetches.fetch_add(1, Ordering::SeqCst);
                if self.0.hangs {
                    std::future::pending::<()>().await;
                }
                tokio::task::yield_now().await;
                let kid = *self.0.keys.lock().unwrap();
                let kid = kid.ok_or_else(|| FetchError("out of order".to_string()))?;
                let set = format!(
                    r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}]}}"#,
                    "A".repeat(43)
                );
                let keys = Arc::new(KeySet::parse(set.as_bytes()).unwrap());
                Ok(Fetched { keys, max_age: None })
            })
        }
    }

    fn keys(script: &Arc<Script>) -> Keys {
        let pace = Pace::of(&TokenOptions::default());
        Keys::fetched_from(Box::new(Scripted(script.clone())), pace)
    }

    fn token(kid: &str) -> String {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#);
        format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header))
    }

    async fn look_up(keys: &Keys, kid: &str) -> Result<Arc<Key>, LoginFailure> {
        keys.look_up(&Jws::parse(&token(kid)).unwrap()).await
    }

    fn refused(found: Result<Arc<Key>, LoginFailure>) -> bool {
        matches!(found, Err(LoginFailure::Refused { .. }))
    }

    fn unavailable(found: Result<Arc<Key>, LoginFailure>) -> bool {
        matches!(found, Err(LoginFailure::Unavailable { .. }))
    }

    #[tokio::test(start_paused = true)]
    async fn many_tokens_of_unknown_keys_cost_one_fetch_in_a_minute() {
        let script = Arc::new(Script { keys: Mutex::new(Some("a")), ..Script::default() });
        let keys = keys(&script);
        assert!(look_up(&keys, "a").await.is_ok());
        let first = script.fetches.load(Ordering::SeqCst);
        let many = (0..100).map(|i| {
            let keys = &keys;
            async move { assert!(refused(look_up(keys, &format!("unknown-{i}")).await)) }
        });
        futures_util::future::join_all(many).await;
        assert_eq!(script.fetches.load(Ordering::SeqCst), first + 1);
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert_eq!(script.fetches.load(Ordering::SeqCst), first + 1);
        // whoever came in the meantime has not come in vain: a key that was published then is known after the pause
        *script.keys.lock().unwrap() = Some("b");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(script.fetches.load(Ordering::SeqCst), first + 2);
        assert!(keys.known(&Jws::parse(&token("b")).unwrap()).unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn known_keys_outlive_an_outage_for_a_day() {
        let script = Arc::new(Script { keys: Mutex::new(Some("a")), ..Script::default() });
        let keys = keys(&script);
        assert!(look_up(&keys, "a").await.is_ok());
        *script.keys.lock().unwrap() = None;
        tokio::time::sleep(Duration::from_secs(23 * 3600)).await;
        assert!(look_up(&keys, "a").await.is_ok());
        assert!(unavailable(look_up(&keys, "b").await));
        assert_eq!(keys.generation(), 0);
        tokio::time::sleep(Duration::from_secs(3600 + 600)).await;
        assert!(unavailable(look_up(&keys, "a").await));
        assert_eq!(keys.generation(), 1);
        // asked all the time, but not hammered
        let fetches = script.fetches.load(Ordering::SeqCst);
        assert!((1000..4000).contains(&fetches), "{fetches}");
        *script.keys.lock().unwrap() = Some("a");
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert!(look_up(&keys, "a").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn without_keys_all_are_unavailable_until_the_first_fetch() {
        let script = Arc::new(Script::default());
        let keys = keys(&script);
        assert!(unavailable(look_up(&keys, "a").await));
        *script.keys.lock().unwrap() = Some("a");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(look_up(&keys, "a").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_never_answers_holds_nobody_up_for_ever() {
        let script = Arc::new(Script { hangs: true, ..Script::default() });
        let keys = keys(&script);
        let began = Instant::now();
        assert!(unavailable(look_up(&keys, "a").await));
        assert!(began.elapsed() <= LOOK_UP_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_pause_an_unknown_key_is_still_refused_after_one_fetch() {
        let script = Arc::new(Script { keys: Mutex::new(Some("a")), ..Script::default() });
        let options = TokenOptions { unknown_key_pause: Duration::ZERO, ..TokenOptions::default() };
        let keys = Keys::fetched_from(Box::new(Scripted(script.clone())), Pace::of(&options));
        assert!(look_up(&keys, "a").await.is_ok());
        for fetches in [2, 3] {
            assert!(refused(look_up(&keys, "b").await));
            assert_eq!(script.fetches.load(Ordering::SeqCst), fetches);
        }
    }

    /// A fetch that is due anyway serves a token that comes at the same time, and takes nothing from those that come later.
    #[tokio::test(start_paused = true)]
    async fn the_first_fetch_is_one_and_a_key_that_comes_after_it_is_found() {
        for _ in 0..50 {
            let script = Arc::new(Script { keys: Mutex::new(Some("a")), ..Script::default() });
            let keys = keys(&script);
            assert!(look_up(&keys, "a").await.is_ok());
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(script.fetches.load(Ordering::SeqCst), 1);
            *script.keys.lock().unwrap() = Some("b");
            assert!(look_up(&keys, "b").await.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_fetches_after_the_end() {
        let script = Arc::new(Script { keys: Mutex::new(Some("a")), ..Script::default() });
        let keys = keys(&script);
        assert!(look_up(&keys, "a").await.is_ok());
        drop(keys);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(script.fetches.load(Ordering::SeqCst), 1);
    }
}
