//! How a process is: whether it is alive, has started, and can do its work; what probes ask.
//!
//! Whatever a probe is told is known already: what costs a question is asked by tasks of their own, which leave what they have
//! found in a [`Check`]. So a probe never waits, and many of them cost no more than one.

mod answers;
mod check;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use answers::{Probed, healthz, readyz, startupz};
pub use check::{Check, Finding};

/// How often the dependencies are looked at, so that it is known since when they are as they are.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long the runtime may have let its timers wait before the process counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(15);

/// Says what is found now of some dependencies. It must not wait.
pub type Checks = Box<dyn Fn() -> Vec<Arc<Check>> + Send + Sync>;

/// Says why something has ended without which the process only misleads its clients.
pub type Pulse = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// How the process is. There is one for a process.
#[derive(Default)]
pub struct Health {
    parts: Mutex<Vec<Part>>,
    pulses: Mutex<Vec<Pulse>>,
    /// Since when the process stops.
    draining_since: OnceLock<Timestamp>,
    is_draining: AtomicBool,
    /// Whether there are parts of the process that have not said yet what they depend on.
    is_incomplete: AtomicBool,
    /// Milliseconds from `born` to the last look; 0 before the first one.
    beat_ms: AtomicU64,
    born: OnceLock<Instant>,
}

/// What a service depends on, or all of the process.
struct Part {
    /// None: it counts for every service.
    service: Option<&'static str>,
    checks: Checks,
}

/// Whether requests are to come here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotReady,
    /// The process stops: it answers what comes, and wants no more.
    Draining,
}

impl Readiness {
    pub fn name(self) -> &'static str {
        match self {
            Readiness::Ready => "ready",
            Readiness::NotReady => "not ready",
            Readiness::Draining => "draining",
        }
    }
}

impl Health {
    /// A service depends on these; on what stands for none, all of them do.
    pub fn depends_on(&self, service: Option<&'static str>, checks: Checks) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(Part { service, checks });
    }

    /// The process is alive only while this is.
    pub fn lives_by(&self, pulse: Pulse) {
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).push(pulse);
    }

    /// Parts of the process are still to say what they depend on: until [`Health::complete`], nothing is ready.
    pub fn begin(&self) {
        self.is_incomplete.store(true, Ordering::Relaxed);
    }

    /// Every part of the process has said what it depends on, and all listeners are open.
    pub fn complete(&self) {
        self.is_incomplete.store(false, Ordering::Relaxed);
    }

    fn is_complete(&self) -> bool {
        !self.is_incomplete.load(Ordering::Relaxed)
    }

    /// From now on requests are to go elsewhere; those that come all the same are answered.
    pub fn begin_draining(&self) {
        self.draining_since.get_or_init(Timestamp::now);
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Returns true if the process stops.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// What is found now of the dependencies of a service, or of the whole process.
    fn checks(&self, service: Option<&str>) -> Vec<Arc<Check>> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = |part: &&Part| match (part.service, service) {
            (Some(of_part), Some(asked)) => of_part == asked,
            _ => true,
        };
        parts.iter().filter(counts).flat_map(|part| (part.checks)()).collect()
    }

    /// Returns true if everything has started that requests need: once it has, it stays so.
    pub fn has_started(&self) -> bool {
        self.is_complete() && self.still_starting().is_none()
    }

    /// The first dependency that has not worked yet, with why.
    pub fn still_starting(&self) -> Option<String> {
        let checks = self.checks(None);
        checks.iter().filter(|check| check.is_required()).find_map(|check| {
            let seen = check.seen();
            let reason = seen.reason().unwrap_or_default();
            (!seen.has_started).then(|| format!("{}: {reason}", check.name()))
        })
    }

    /// Whether requests are to come here, and what keeps them away.
    pub fn readiness(&self) -> (Readiness, Vec<String>) {
        let checks = self.checks(None);
        let failing: Vec<_> = checks.iter().filter(|check| check.is_required()).collect();
        let failing = failing.into_iter().filter_map(|check| {
            let seen = check.seen();
            seen.reason().map(|reason| format!("{}: {reason}", check.name()))
        });
        let failing: Vec<String> = failing.collect();
        let is_well = self.is_complete() && failing.is_empty();
        let readiness = match (self.is_draining(), is_well) {
            (true, _) => Readiness::Draining,
            (false, true) => Readiness::Ready,
            (false, false) => Readiness::NotReady,
        };
        (readiness, failing)
    }

    /// Says why the process should be ended: its runtime is stuck, or what it cannot do without has ended.
    pub fn alive(&self) -> Result<(), String> {
        if let Some(born) = self.born.get() {
            let beat = *born + Duration::from_millis(self.beat_ms.load(Ordering::Relaxed));
            let silent = beat.elapsed();
            if silent > STUCK_AFTER {
                return Err(format!("the runtime has stood still for {} s", silent.as_secs()));
            }
        }
        if self.is_draining() {
            return Ok(()); // what ends now is meant to
        }
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.iter().try_for_each(|pulse| pulse())
    }

    /// Looks at the dependencies again and again, and logs when the process becomes ready or ceases to be.
    pub async fn keep_looking(&self) {
        let born = *self.born.get_or_init(Instant::now);
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Readiness::NotReady;
        loop {
            ticks.tick().await;
            let beat = u64::try_from(born.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.beat_ms.store(beat, Ordering::Relaxed);
            let (now, failing) = self.readiness();
            if now != last {
                match now {
                    Readiness::Ready => tracing::info!("ready"),
                    Readiness::NotReady => tracing::warn!("not ready: {}", failing.join("; ")),
                    Readiness::Draining => {}
                }
            }
            last = now;
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("is_draining", &self.is_draining()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(checks: &[Arc<Check>]) -> Health {
        let health = Health::default();
        let checks = checks.to_vec();
        health.depends_on(None, Box::new(move || checks.clone()));
        health
    }

    #[test]
    fn what_is_only_reported_keeps_nobody_away() {
        let (log, registry) = (Check::required("log"), Check::reported("schema-registry"));
        let health = health(&[log.clone(), registry.clone()]);
        registry.found(Finding::Failing("refused".into()));
        assert!(!health.has_started());
        log.found(Finding::Well);
        assert!(health.has_started());
        assert_eq!(health.readiness(), (Readiness::Ready, vec![]));
        log.found(Finding::Failing("full".into()));
        assert_eq!(health.readiness(), (Readiness::NotReady, vec!["log: full".to_string()]));
        assert!(health.has_started(), "what has started stays so");
    }

    #[test]
    fn a_process_that_stops_is_draining_whatever_else_it_is() {
        let log = Check::required("log");
        let health = health(&[log]);
        health.lives_by(Box::new(|| Err("the writer has ended".into())));
        assert!(health.alive().is_err());
        health.begin_draining();
        assert_eq!(health.readiness().0, Readiness::Draining);
        assert_eq!(health.alive(), Ok(()), "what ends while it stops is meant to");
    }

    #[test]
    fn nothing_is_ready_before_every_part_is_there() {
        let health = health(&[]);
        health.begin();
        assert_eq!((health.readiness().0, health.has_started()), (Readiness::NotReady, false));
        health.complete();
        assert_eq!((health.readiness().0, health.has_started()), (Readiness::Ready, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_runtime_whose_timers_wait_is_stuck() {
        let health = Arc::new(Health::default());
        let looking = health.clone();
        let task = tokio::spawn(async move { looking.keep_looking().await });
        tokio::time::sleep(LOOK_INTERVAL * 2).await;
        assert_eq!(health.alive(), Ok(()));
        task.abort();
        tokio::time::sleep(STUCK_AFTER + LOOK_INTERVAL * 2).await;
        assert!(health.alive().unwrap_err().contains("stood still"));
    }
}
