//! Lines of librdkafka's that repeat: each of its clients says of each broker, again and again, that it cannot be reached.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The target of librdkafka's own lines.
pub const LIBRDKAFKA: &str = "librdkafka";

/// Lines that are remembered. Beyond, all are forgotten, and said anew.
const KNOWN_MAX: usize = 256;

/// How long a line that was said is not said again; each further time takes three times as long.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The longest time for which a line that repeats is not said.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(15 * 60);

/// The process gives up its brokers, and what librdkafka says of them concerns nobody.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Has librdkafka say nothing more. Its clients outlive the broker of `weir dev` by some milliseconds.
pub fn end_of_librdkafka() {
    IS_ENDING.store(true, Relaxed);
}

/// Lines that were said.
#[derive(Default)]
pub struct Repeats(Mutex<HashMap<String, Said>>);

struct Said {
    at: Instant,
    again_after: Duration,
    /// How often it was not said since.
    unsaid: u64,
}

impl Repeats {
    /// Returns none if a line is not to be said, else how often it was not said since the last time. Lines that differ in
    /// numbers only are the same.
    pub fn say(&self, line: &str, now: Instant) -> Option<u64> {
        if IS_ENDING.load(Relaxed) {
            return None;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        match known.entry(shape(line)) {
            Entry::Vacant(unknown) => {
                unknown.insert(Said { at: now, again_after: AGAIN_AFTER, unsaid: 0 });
                Some(0)
            }
            Entry::Occupied(mut known) => {
                let said = known.get_mut();
                let quiet = now.duration_since(said.at);
                if quiet < said.again_after {
                    said.unsaid += 1;
                    return None;
                }
                // after a long silence it is news
                let is_new = quiet > 2 * AGAIN_AFTER_MAX;
                said.again_after = match is_new {
                    true => AGAIN_AFTER,
                    false => (3 * said.again_after).min(AGAIN_AFTER_MAX),
                };
                said.at = now;
                Some(std::mem::take(&mut said.unsaid))
            }
        }
    }
}

/// A line up to what librdkafka adds in brackets of times and counts, with all numbers made one.
fn shape(line: &str) -> String {
    let line = line.split(" (after ").next().unwrap_or_default();
    let mut shape = String::with_capacity(line.len());
    for letter in line.chars() {
        match letter.is_ascii_digit() {
            true if shape.ends_with('0') => {}
            true => shape.push('0'),
            false => shape.push(letter),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_repeats_is_said_ever_more_rarely_with_its_count() {
        let repeats = Repeats::default();
        let begun = Instant::now();
        let line = |second: u64| {
            format!("FAIL: connect to 127.0.0.1:1 failed (after {second}ms in state CONNECT)")
        };
        let said: Vec<_> = (0..600)
            .filter_map(|second| repeats.say(&line(second), begun + Duration::from_secs(second)))
            .collect();
        assert_eq!(said, [0, 9, 29, 89, 269]);
        assert_eq!(repeats.say("another", begun), Some(0));
        for number in 0..2 * KNOWN_MAX {
            repeats.say(&"a".repeat(number), begun);
        }
        assert!(repeats.0.lock().unwrap().len() <= KNOWN_MAX);
    }
}
