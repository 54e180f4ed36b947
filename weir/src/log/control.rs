//! Which lines are written, and how that is changed while the process runs.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tracing_subscriber::{EnvFilter, Registry, reload};
use weir_http::ACCESS_LOG;

use crate::config::value::check_log_filter;
use crate::listen::Hangups;

/// Bytes of a filter.
const FILTER_BYTES_MAX: usize = 4096;

/// The longest time after which a filter goes back by itself.
pub const FOR_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The control of this process's log.
static CONTROL: OnceLock<Control> = OnceLock::new();

/// Says which lines are written.
pub struct Control {
    handle: OnceLock<reload::Handle<EnvFilter, Registry>>,
    /// Whether there is an access log where a filter does not say it.
    access_log: bool,
    state: Mutex<State>,
}

struct State {
    /// What the settings say.
    configured: String,
    /// What somebody has said since.
    changed: Option<Changed>,
    /// Counts changes: one that goes back leaves later ones alone.
    generation: u64,
}

struct Changed {
    filter: String,
    /// When it goes back.
    until: Option<Timestamp>,
}

/// Which lines are written now.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Filters {
    /// The filter that counts.
    pub filter: String,
    /// The filter of the settings.
    pub configured: String,
    /// When the filter of the settings counts again, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Control {
    pub(super) fn new(configured: String, access_log: bool) -> Control {
        let state = State { configured, changed: None, generation: 0 };
        Control { handle: OnceLock::new(), access_log, state: Mutex::new(state) }
    }

    /// Makes this the control of the process.
    pub(super) fn install(self, handle: reload::Handle<EnvFilter, Registry>) {
        let _ = self.handle.set(handle); // it is new
        let _ = CONTROL.set(self); // the log is started once
    }

    /// That of this process, if its log has started.
    pub fn get() -> Option<&'static Control> {
        CONTROL.get()
    }

    pub fn filters(&self) -> Filters {
        let state = self.lock();
        let until = state.changed.as_ref().and_then(|changed| changed.until);
        Filters {
            filter: state.filter().to_string(),
            configured: state.configured.clone(),
            until: until.map(|until| until.to_string()),
        }
    }

    /// The filter that counts, with what it leaves to the settings.
    pub(super) fn effective(&self) -> String {
        let state = self.lock();
        let filter = state.filter();
        if filter.contains(ACCESS_LOG) {
            return filter.to_string();
        }
        let level = if self.access_log { "info" } else { "off" };
        format!("{filter},{ACCESS_LOG}={level}")
    }

    /// Another filter counts from now on, for some time or for good. The error says what is wrong with it; then nothing has
    /// changed.
    pub fn change(&'static self, filter: &str, for_time: Option<Duration>) -> Result<(), String> {
        if filter.len() > FILTER_BYTES_MAX {
            return Err(format!("the filter has more than {FILTER_BYTES_MAX} bytes"));
        }
        check_log_filter(filter)?;
        let until = for_time.and_then(|time| Timestamp::now().checked_add(time).ok());
        let generation = {
            let mut state = self.lock();
            state.changed = Some(Changed { filter: filter.to_string(), until });
            state.generation += 1;
            state.generation
        };
        self.apply("somebody has changed what is logged");
        if let Some(time) = for_time {
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                if self.lock().generation == generation {
                    self.go_back();
                }
            });
        }
        Ok(())
    }

    /// The filter of the settings counts again.
    pub fn go_back(&self) {
        {
            let mut state = self.lock();
            state.changed = None;
            state.generation += 1;
        }
        self.apply("the settings say again what is logged");
    }

    /// The settings say another filter than before.
    fn reconfigure(&self, filter: String) {
        let is_new = {
            let mut state = self.lock();
            let is_new = state.configured != filter;
            state.configured = filter;
            is_new
        };
        if is_new {
            self.apply("the file says anew what is logged");
        }
    }

    fn apply(&self, why: &str) {
        let filter = self.effective();
        let Some(handle) = self.handle.get() else { return };
        let say = || tracing::info!(target: "weir::log", filter, "{why}");
        // once in any case: before there is less in the log, or after there is more
        let is_said = tracing::enabled!(target: "weir::log", tracing::Level::INFO);
        if is_said {
            say();
        }
        let _ = handle.reload(EnvFilter::new(&filter)); // the subscriber lives as long as the process
        if !is_said {
            say();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn filter(&self) -> &str {
        self.changed.as_ref().map_or(&self.configured, |changed| &changed.filter)
    }
}

/// On each SIGHUP, takes the filter that the file of the settings has by then. `read` returns none if it cannot be had.
pub fn follow_file(hangups: &Hangups, read: impl Fn() -> Option<String> + Send + Sync + 'static) {
    let mut told = hangups.subscribe();
    let read = std::sync::Arc::new(read);
    tokio::spawn(async move {
        while told.changed().await.is_ok() {
            let read = read.clone();
            let filter = tokio::task::spawn_blocking(move || read()).await;
            if let (Ok(Some(filter)), Some(control)) = (filter, Control::get()) {
                control.reconfigure(filter);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(filter: &str, access_log: bool) -> &'static Control {
        Box::leak(Box::new(Control::new(filter.to_string(), access_log)))
    }

    #[test]
    fn a_word_that_is_no_level_is_no_filter() {
        for wrong in ["loud", "warning", "info,loud", "a=loud", "info,[{path=/(a|b)*a/}]=trace"] {
            assert!(check_log_filter(wrong).is_err(), "{wrong}");
        }
        for right in ["info", "off", "info,rdkafka=off", "weir_registry=debug"] {
            assert_eq!(check_log_filter(right), Ok(()), "{right}");
        }
    }

    #[test]
    fn the_access_log_is_on_if_the_setting_or_the_filter_says_so() {
        for (filter, access_log, effective) in [
            ("info", false, "info,weir::access=off"),
            ("warn", true, "warn,weir::access=info"),
            ("info,weir::access=debug", false, "info,weir::access=debug"),
        ] {
            assert_eq!(control(filter, access_log).effective(), effective);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_filter_goes_back_after_its_time_and_leaves_later_ones_alone() {
        let control = control("info", false);
        let filter = || control.filters().filter;
        let minute = Duration::from_secs(60);
        control.change("debug", Some(minute)).unwrap();
        assert!(control.filters().until.is_some());
        assert_eq!(filter(), "debug");
        tokio::time::sleep(minute + Duration::from_secs(1)).await;
        assert_eq!(filter(), "info");
        control.change("debug", Some(minute)).unwrap();
        control.change("trace", None).unwrap();
        tokio::time::sleep(2 * minute).await;
        assert_eq!(filter(), "trace");
        control.reconfigure("warn".to_string());
        assert_eq!(control.filters().configured, "warn");
        assert!(control.change("weir=loud", None).is_err());
        assert!(control.change(&"a".repeat(FILTER_BYTES_MAX + 1), None).is_err());
        assert_eq!(filter(), "trace");
        control.go_back();
        assert_eq!(filter(), "warn");
    }
}
