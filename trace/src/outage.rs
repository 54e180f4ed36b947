//! Trouble that lasts: said when it begins, at growing intervals while it lasts, and when it is over.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

/// How long after trouble was said for the first time it is said again; each further time takes three times as long.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The longest time for which trouble that lasts is not said.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(15 * 60);

/// One thing that does not work for some time, such as reaching Kafka, and is tried again and again.
///
/// Its log lines have the target `weir::outage`. One line says that it has begun, and why; while it lasts, it is said again after
/// 10 s, then after three times as long each time, at most 15 min, and at once if there is another reason. One line says that it is over, how long it was and how
/// often it was tried.
pub struct Outage {
    /// What does not work: "Kafka is not reached".
    trouble: &'static str,
    /// What is said once it is over: "Kafka is reached again".
    over: &'static str,
    state: Mutex<Option<Lasting>>,
    /// Whether there is anything in `state`.
    lasts: AtomicBool,
}

struct Lasting {
    since: Timestamp,
    begun: Instant,
    tries: u64,
    why: String,
    said: Instant,
    next_after: Duration,
}

impl Outage {
    /// Nothing is wrong yet.
    pub const fn new(trouble: &'static str, over: &'static str) -> Outage {
        Outage { trouble, over, state: Mutex::new(None), lasts: AtomicBool::new(false) }
    }

    /// It does not work, now or still.
    pub fn fails(&self, why: impl fmt::Display) {
        let (why, now) = (without_numbers(&why.to_string()), Instant::now());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lasting) = &mut *state else {
            *state = Some(Lasting {
                since: Timestamp::now(),
                begun: now,
                tries: 1,
                why: why.clone(),
                said: now,
                next_after: AGAIN_AFTER,
            });
            self.lasts.store(true, Ordering::Relaxed);
            drop(state);
            tracing::warn!(target: "weir::outage", "{}: {why}", self.trouble);
            return;
        };
        lasting.tries += 1;
        let is_due = now.duration_since(lasting.said) >= lasting.next_after;
        // reasons that come in turns are not said each time
        let is_new = lasting.why != why && now.duration_since(lasting.said) >= AGAIN_AFTER / 10;
        if !is_due && !is_new {
            return;
        }
        if is_due {
            lasting.next_after = (3 * lasting.next_after).min(AGAIN_AFTER_MAX);
        }
        lasting.why.clone_from(&why);
        lasting.said = now;
        let (since, tries) = (clock(lasting.since), lasting.tries);
        drop(state);
        let trouble = self.trouble;
        tracing::warn!(target: "weir::outage", "{trouble} since {since}, tried {tries} times: {why}");
    }

    /// It works. Returns true if it had not.
    pub fn is_over(&self) -> bool {
        if !self.lasts.load(Ordering::Relaxed) {
            return false;
        }
        self.lasts.store(false, Ordering::Relaxed);
        let ended = self.state.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Lasting { since, begun, tries, .. }) = ended else { return false };
        let (since, took) = (clock(since), elapsed(begun.elapsed()));
        let over = self.over;
        let times = if tries == 1 { "once".to_string() } else { format!("{tries} times") };
        tracing::info!(target: "weir::outage", "{over}: it was not since {since}, for {took}, and was tried {times}");
        true
    }
}

/// A text without the numbers that the standard library adds to errors of the system: ` (os error 111)` says nothing more to
/// people than the words in front of it.
pub fn without_numbers(text: &str) -> String {
    const BEGIN: &str = " (os error ";
    let mut parts = text.split(BEGIN);
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                out.push_str(rest);
            }
            _ => {
                out.push_str(BEGIN);
                out.push_str(part);
            }
        }
    }
    out
}

/// The time of day, of UTC.
fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%H:%M:%SZ").to_string()
}

/// A time as a person says it: `340 ms`, `12.4 s`, `3 min 5 s`, `2 h 14 min`.
pub fn elapsed(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::field::{Field, Visit};
    use tracing::subscriber::with_default;
    use tracing::{Event, Metadata, Subscriber, span};

    use super::*;

    /// The messages of all events.
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<String>>>);

    impl Visit for Said {
        fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }

    impl Subscriber for Said {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn trouble_that_lasts_is_said_ever_more_rarely_and_when_it_is_over() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let said = Said::default();
        let outage = Outage::new("Kafka is not reached", "Kafka is reached again");
        with_default(said.clone(), || {
            runtime.block_on(async {
                assert!(!outage.is_over());
                for _ in 0..3600 {
                    outage.fails("refused");
                    tokio::time::advance(Duration::from_secs(1)).await;
                }
                assert!(outage.is_over() && !outage.is_over());
            });
        });
        let said = said.0.lock().unwrap().clone();
        assert_eq!(said.len(), 9, "{said:#?}");
        assert_eq!(said[0], "Kafka is not reached: refused");
        assert!(said[1].contains("Z, tried 11 times: refused"), "{}", said[1]);
        let last = said.last().unwrap();
        assert!(last.ends_with("for 1 h 0 min, and was tried 3600 times"), "{last}");
    }

    #[test]
    fn numbers_of_the_systems_errors_are_left_out() {
        let refused = std::io::Error::from_raw_os_error(111).to_string();
        assert_eq!(
            without_numbers(&format!("a: {refused}, b: {refused}")),
            "a: Connection refused, b: Connection refused"
        );
        for text in ["", "a (os error x)", "a (os error 1"] {
            assert_eq!(without_numbers(text), text);
        }
    }

    #[test]
    fn times_are_said_as_people_do() {
        for (ms, said) in
            [(340, "340 ms"), (12_430, "12.4 s"), (185_000, "3 min 5 s"), (8_040_000, "2 h 14 min")]
        {
            assert_eq!(elapsed(Duration::from_millis(ms)), said);
        }
    }
}
