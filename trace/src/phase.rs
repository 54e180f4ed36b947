//! What the time of a request goes into.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its body is on its way.
    Body,
    /// Other requests' work is done first: the registry's lanes.
    Lane,
    /// It waits for the registry's writer, or for what the writer does for others.
    Queue,
    /// The registry's writer appends its records to the log.
    Append,
    /// The node that leads answers a write that was forwarded to it.
    Leader,
    /// This node reads what others have written to the log.
    CatchUp,
    /// Kafka answers, or acknowledges records.
    Kafka,
    /// There are no records yet for a consumer that has asked to wait for some. It does not make a request slow.
    Poll,
    /// The registry answers the proxy.
    Registry,
    /// The client takes its answer.
    Sending,
    /// Threads of this process work for it: schemas are read and compared.
    Work,
}

/// All phases, with their names in log lines.
pub const PHASES: [(Phase, &str); 11] = [
    (Phase::Body, "body"),
    (Phase::Lane, "lane"),
    (Phase::Queue, "queue"),
    (Phase::Append, "append"),
    (Phase::Leader, "leader"),
    (Phase::CatchUp, "catch_up"),
    (Phase::Kafka, "kafka"),
    (Phase::Poll, "poll"),
    (Phase::Registry, "registry"),
    (Phase::Sending, "sending"),
    (Phase::Work, "work"),
];

/// The time of each phase, in microseconds.
#[derive(Default)]
pub(crate) struct Phases([AtomicU64; PHASES.len()]);

impl Phases {
    pub(crate) fn add(&self, phase: Phase, time: Duration) {
        self.0[phase as usize].fetch_add(micros(time), Ordering::Relaxed);
    }

    /// Takes time from a phase that another one has had. What is less than nothing counts as nothing.
    pub(crate) fn take(&self, phase: Phase, time: Duration) {
        self.0[phase as usize].fetch_sub(micros(time), Ordering::Relaxed);
    }

    pub(crate) fn get(&self, phase: Phase) -> Duration {
        let counted = self.0[phase as usize].load(Ordering::Relaxed);
        // below 0 while only a part of it has been counted
        Duration::from_micros(u64::try_from(counted as i64).unwrap_or(0))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_has_its_place_and_is_never_less_than_nothing() {
        for (place, (phase, _)) in PHASES.iter().enumerate() {
            assert_eq!(*phase as usize, place);
        }
        let phases = Phases::default();
        let ms = Duration::from_millis;
        phases.take(Phase::Queue, ms(3));
        assert_eq!(phases.get(Phase::Queue), Duration::ZERO);
        phases.add(Phase::Queue, ms(5));
        assert_eq!(phases.get(Phase::Queue), ms(2));
    }
}
