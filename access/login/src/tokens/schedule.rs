//! When a provider is asked for its keys, and what is known in the meantime. Pure but for the time that it is given.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::key::KeySet;
use super::options::TokenOptions;
use super::source::{FetchError, Fetched};

/// First pause after a failed fetch. It doubles with each failure that follows.
const RETRY_MIN: Duration = Duration::from_secs(1);

/// Longest pause after a failed fetch.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// A provider that says its keys hold for less than this is asked after this time all the same.
const MAX_AGE_MIN: Duration = Duration::from_secs(60);

/// How often and how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    refresh: Duration,
    unknown_key_pause: Duration,
    keep: Duration,
}

/// Why keys are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is time.
    Due,
    /// A token names a key that is not known.
    UnknownKey,
}

/// What is known of a provider's keys, and how the last fetch went.
#[derive(Clone, Debug)]
pub struct State {
    keys: Option<Arc<KeySet>>,
    /// When the keys were last seen at the provider.
    seen: Option<Instant>,
    /// Whether a fetch is under way.
    fetching: bool,
    /// How many fetches have begun.
    pub begun: u64,
    /// When the last fetch for an unknown key began.
    asked: Option<Instant>,
    /// Whether the next fetch is for an unknown key that came too early for one.
    is_put_off: bool,
    failure: Option<FetchError>,
    failures: u32,
    /// When the next fetch begins, without a need.
    pub due: Instant,
    /// Rises with each fetch after which a key is not known any more.
    pub generation: u64,
}

/// What to do for a token of an unknown key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// A fetch is under way: look again when it has ended.
    Wait,
    /// Begin a fetch, and look again when it has ended.
    Fetch,
    /// The provider has no such key.
    Unknown,
    /// It cannot be known whether the provider has it. `again_in` is the time until the next fetch.
    Unavailable { why: FetchError, again_in: Duration },
}

impl Pace {
    pub fn of(options: &TokenOptions) -> Pace {
        let TokenOptions { refresh, unknown_key_pause, keep, .. } = *options;
        Pace { refresh, unknown_key_pause, keep }
    }
}

impl State {
    /// Nothing is known, and the first fetch is due.
    pub fn new(now: Instant) -> State {
        State {
            keys: None,
            seen: None,
            fetching: false,
            begun: 0,
            asked: None,
            is_put_off: false,
            failure: None,
            failures: 0,
            due: now,
            generation: 0,
        }
    }

    /// The keys, unless they were last seen too long ago.
    pub fn keys(&self, pace: &Pace, now: Instant) -> Option<&Arc<KeySet>> {
        let seen = self.seen?;
        self.keys.as_ref().filter(|_| now < seen + pace.keep)
    }

    pub fn has(&self, keys: &KeySet) -> bool {
        self.keys.as_ref().is_some_and(|known| **known == *keys)
    }

    /// Why the last fetch has failed, if it has.
    pub fn failure(&self) -> Option<&FetchError> {
        self.failure.as_ref()
    }

    /// What to do for a token whose key is not among `keys`, and that came when `begun` was `came`: a fetch that has begun since says all.
    pub fn advice(&self, pace: &Pace, now: Instant, came: u64) -> Advice {
        if self.fetching {
            return Advice::Wait;
        }
        match &self.failure {
            Some(why) => {
                Advice::Unavailable { why: why.clone(), again_in: self.due.duration_since(now) }
            }
            None if self.begun > came => Advice::Unknown,
            None if self.keys.is_some() && self.pauses(pace, now) => Advice::Unknown,
            None => Advice::Fetch,
        }
    }

    /// A token named an unknown key, and the provider could not be asked about it yet: it will be as soon as it may be.
    ///
    /// Returns true if the next fetch is earlier now.
    pub fn put_off(&mut self, pace: &Pace) -> bool {
        let Some(asked) = self.asked else { return false };
        let end = asked + pace.unknown_key_pause;
        let is_earlier = self.failure.is_none() && !self.fetching && end < self.due;
        if is_earlier {
            self.due = end;
            self.is_put_off = true;
        }
        is_earlier
    }

    pub fn begin(&mut self, cause: Cause, now: Instant) {
        self.fetching = true;
        self.begun += 1;
        let is_asked = cause == Cause::UnknownKey || self.is_put_off;
        // the first fetch is due anyway
        if is_asked && self.keys.is_some() {
            self.asked = Some(now);
        }
        self.is_put_off = false;
    }

    /// `spread` from 0 to 1 sets the nodes of a cluster apart.
    pub fn succeed(&mut self, fetched: Fetched, pace: &Pace, now: Instant, spread: f64) {
        if self.keys.as_ref().is_some_and(|keys| !keys.is_within(&fetched.keys)) {
            self.generation += 1;
        }
        self.keys = Some(fetched.keys);
        self.seen = Some(now);
        self.fetching = false;
        self.failure = None;
        self.failures = 0;
        let wanted = fetched.max_age.map_or(pace.refresh, |age| age.max(MAX_AGE_MIN));
        self.due = now + wanted.min(pace.refresh).mul_f64(0.9 + 0.1 * spread);
    }

    pub fn fail(&mut self, why: FetchError, pace: &Pace, now: Instant, spread: f64) {
        if self.keys.is_some() && self.keys(pace, now).is_none() {
            self.keys = None;
            self.generation += 1;
        }
        let pause = RETRY_MIN.saturating_mul(1 << self.failures.min(16)).min(RETRY_MAX);
        self.failures = self.failures.saturating_add(1);
        self.fetching = false;
        self.failure = Some(why);
        self.due = now + pause.mul_f64(0.5 + 0.5 * spread);
    }

    /// Returns true if a fetch for an unknown key has begun too lately for another.
    fn pauses(&self, pace: &Pace, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now < asked + pace.unknown_key_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        refresh: Duration::from_secs(300),
        unknown_key_pause: Duration::from_secs(60),
        keep: Duration::from_secs(24 * 3600),
    };

    fn fetched(kids: &[&str], max_age: Option<u64>) -> Fetched {
        let key = |kid: &&str| {
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}"#, "A".repeat(43))
        };
        let keys = kids.iter().map(key).collect::<Vec<_>>().join(",");
        let keys = KeySet::parse(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).unwrap();
        Fetched { keys: Arc::new(keys), max_age: max_age.map(Duration::from_secs) }
    }

    fn lost() -> FetchError {
        FetchError("no connection".to_string())
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn begun() -> (State, Instant) {
        let start = Instant::now();
        let mut state = State::new(start);
        state.succeed(fetched(&["a", "b"], None), &PACE, start, 1.0);
        (state, start)
    }

    #[test]
    fn an_unknown_key_is_asked_for_once_in_the_pause_and_again_at_its_end() {
        let (mut state, start) = begun();
        assert_eq!(state.advice(&PACE, start, state.begun), Advice::Fetch);
        state.begin(Cause::UnknownKey, start);
        assert_eq!(state.advice(&PACE, start, state.begun), Advice::Wait);
        state.succeed(fetched(&["a", "b"], None), &PACE, start, 1.0);
        assert_eq!(state.advice(&PACE, after(start, 59), state.begun), Advice::Unknown);
        assert!(state.put_off(&PACE) && !state.put_off(&PACE));
        assert_eq!(state.due, after(start, 60));
        // that fetch counts: the next pause begins with it
        state.begin(Cause::Due, after(start, 60));
        state.succeed(fetched(&["a", "b"], None), &PACE, after(start, 60), 1.0);
        assert_eq!(state.advice(&PACE, after(start, 119), state.begun), Advice::Unknown);
        assert_eq!(state.advice(&PACE, after(start, 120), state.begun), Advice::Fetch);
    }

    #[test]
    fn a_refresh_does_not_delay_the_fetch_for_an_unknown_key() {
        let (mut state, start) = begun();
        state.begin(Cause::Due, after(start, 300));
        state.succeed(fetched(&["a", "b"], None), &PACE, after(start, 300), 1.0);
        assert_eq!(state.advice(&PACE, after(start, 301), state.begun), Advice::Fetch);
        // whoever came before it began knows enough
        assert_eq!(state.advice(&PACE, after(start, 301), state.begun - 1), Advice::Unknown);
    }

    #[test]
    fn the_provider_says_how_long_its_keys_hold_within_bounds() {
        for (max_age, due) in [(None, 300), (Some(100), 100), (Some(0), 60), (Some(86_400), 300)] {
            let start = Instant::now();
            let mut state = State::new(start);
            state.succeed(fetched(&["a"], max_age), &PACE, start, 1.0);
            assert_eq!(state.due, after(start, due), "{max_age:?}");
        }
    }

    #[test]
    fn pauses_after_failures_double_up_to_their_bound() {
        let (mut state, start) = begun();
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            state.fail(lost(), &PACE, start, 1.0);
            assert_eq!(state.due, after(start, pause));
            state.fail(lost(), &PACE, start, 0.0);
            assert!(state.due >= start + Duration::from_secs(pause) / 2);
            state.failures -= 1;
        }
        state.succeed(fetched(&["a", "b"], None), &PACE, start, 1.0);
        state.fail(lost(), &PACE, start, 1.0);
        assert_eq!(state.due, after(start, 1));
    }

    #[test]
    fn keys_are_kept_through_an_outage_for_as_long_as_they_may_be() {
        let (mut state, start) = begun();
        let day = 24 * 3600;
        state.fail(lost(), &PACE, after(start, day - 1), 1.0);
        assert!(state.keys(&PACE, after(start, day - 1)).is_some());
        assert!(state.keys(&PACE, after(start, day)).is_none());
        assert_eq!(state.generation, 0);
        state.fail(lost(), &PACE, after(start, day), 1.0);
        assert_eq!(state.generation, 1);
        let again_in = Duration::from_secs(2);
        assert_eq!(
            state.advice(&PACE, after(start, day), state.begun),
            Advice::Unavailable { why: lost(), again_in }
        );
    }

    #[test]
    fn the_generation_rises_when_a_key_is_gone_and_not_when_one_comes() {
        let (mut state, start) = begun();
        state.succeed(fetched(&["a", "b", "c"], None), &PACE, start, 1.0);
        assert_eq!(state.generation, 0);
        state.succeed(fetched(&["b", "c"], None), &PACE, start, 1.0);
        assert_eq!(state.generation, 1);
        state.succeed(fetched(&["c", "b"], None), &PACE, start, 1.0);
        assert_eq!(state.generation, 1);
    }
}
