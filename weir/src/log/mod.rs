//! The log: lines of text or JSON, of everything that the process says and of each request, written by a thread that nobody
//! waits for.
//!
//! Events of `tracing` become lines in [`line`], with the id and the trace of the request that they belong to. Lines wait in a
//! bounded [`queue`]. Which of them are written is said by a filter, which [`control`] changes while the process runs and
//! [`endpoint`] has over HTTP.

mod control;
pub mod endpoint;
#[cfg(test)]
mod fields;
mod layer;
mod line;
mod out;
mod panics;
mod queue;
mod repeats;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, reload};
use weir_http::GROUP_READS;

pub use control::{Control, follow_file};
pub use repeats::end_of_librdkafka;

use crate::config::tree::Tree;
use crate::config::value::LogFormat;
use crate::error::Error;
use layer::Lines;
use line::Style;
use out::Out;
use queue::Queue;
use repeats::Repeats;

/// Whether lines of the log are JSON.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// How long the end of the process waits for lines that are not written yet.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// Where the access log is written, if not with everything else.
const STDOUT: &str = "stdout";

/// What the log is told.
pub struct LogSettings {
    /// What is logged, in the words of tracing's filters.
    pub filter: String,
    pub format: LogFormat,
    /// Whether there is an access log where the filter does not say it.
    pub access_log: bool,
    /// A file of the access log's own, or [`STDOUT`].
    pub access_log_file: Option<String>,
}

impl LogSettings {
    pub fn of(tree: &Tree) -> LogSettings {
        let process = &tree.process;
        LogSettings {
            filter: process.log.0.clone(),
            format: *process.log_format,
            access_log: *process.access_log || process.access_log_file.is_some(),
            access_log_file: process.access_log_file.value.clone(),
        }
    }

    /// Of a command that does its work and ends.
    pub fn of_command(filter: &str) -> LogSettings {
        let filter = filter.to_string();
        LogSettings { filter, format: LogFormat::Text, access_log: false, access_log_file: None }
    }
}

/// The log of a process. When it is dropped, lines that wait are written, for a second at most.
pub struct Log {
    queues: Vec<Queue>,
}

impl Log {
    /// Starts it: from now on what is said is written. Once for a process. The error is that of the access log's file, or of the system.
    pub fn start(settings: LogSettings) -> Result<Log, Error> {
        IS_JSON.store(settings.format == LogFormat::Json, Ordering::Relaxed);
        let has_colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let style = |has_colours| match settings.format {
            LogFormat::Json => Style::Json,
            LogFormat::Text => Style::Text { has_colours },
        };
        let main = Queue::start("log", Out::Stderr).map_err(Error::Runtime)?;
        let access = match settings.access_log_file.as_deref() {
            None => None,
            Some(STDOUT) => Some(Queue::start("access-log", Out::Stdout).map_err(Error::Runtime)?),
            Some(path) => {
                let path = PathBuf::from(path);
                let out = Out::file(path.clone(), GROUP_READS);
                let out = out.map_err(|source| Error::OpenLog { path, source })?;
                Some(Queue::start("access-log", out).map_err(Error::Runtime)?)
            }
        };
        let control = Control::new(settings.filter, settings.access_log);
        let (filter, handle) = reload::Layer::new(EnvFilter::new(control.effective()));
        let queues = [Some(main.clone()), access.clone()].into_iter().flatten().collect();
        let lines = Lines {
            main,
            style: style(has_colours),
            repeats: Repeats::default(),
            access: access.map(|queue| (queue, style(false))),
        };
        tracing_subscriber::registry().with(filter).with(lines).init();
        control.install(handle);
        panics::log();
        Ok(Log { queues })
    }
}

/// What the process says at last on the standard error: why it ends. Whoever reads JSON gets JSON.
pub fn last_line(why: &str) -> String {
    if !IS_JSON.load(Ordering::Relaxed) {
        return format!("weir: {why}");
    }
    let time = format!("{:.6}", jiff::Timestamp::now());
    serde_json::json!({"time": time, "level": "ERROR", "target": "weir", "message": why})
        .to_string()
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queues.iter().for_each(|queue| queue.flush(FLUSH_MAX));
    }
}
