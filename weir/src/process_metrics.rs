//! The process's metrics, by the names that client libraries of Prometheus have for them, and those of its runtime and
//! its build.
//!
//! They are read when somebody asks, from `/proc`, which takes some 100 µs. Where there is no `/proc`, they have no samples.

use std::fs;
use std::time::Duration;

use tokio::runtime::Handle;
use weir_metrics::{Collect, Family, Scrape, Unit};

use crate::version;

weir_metrics::families! {
    BUILD = Family::info("weir_build_info", "What this process was built from.")
        .by(&["version", "commit", "date", "rustc"])
        .watch("Whether all nodes run the same version.");
    CPU = Family::counter(
        "process_cpu_seconds_total",
        Unit::Seconds,
        "Time of processors that the process has used.",
    )
    .watch("Its rate is the number of processors in use.");
    RESIDENT = Family::gauge(
        "process_resident_memory_bytes",
        Unit::Bytes,
        "Memory that the process has in use.",
    )
    .watch("Growth that does not end, and the limit of the container.");
    VIRTUAL = Family::gauge(
        "process_virtual_memory_bytes",
        Unit::Bytes,
        "Addresses that the process has reserved.",
    )
    .watch("Far above what is in use, which is normal.");
    OPEN_FILES = Family::gauge(
        "process_open_fds",
        Unit::Count("descriptors"),
        "Descriptors that are open: files and connections.",
    )
    .watch("How near it is to `process_max_fds`.");
    MAX_FILES = Family::gauge(
        "process_max_fds",
        Unit::Count("descriptors"),
        "Limit of open descriptors.",
    )
    .watch("The bound to compare with.");
    START = Family::gauge(
        "process_start_time_seconds",
        Unit::Seconds,
        "When the process was started, in seconds since 1970.",
    )
    .watch("Restarts that nobody planned.");
    THREADS = Family::gauge("process_threads", Unit::Count("threads"), "Threads of the process.")
        .watch("Each client of librdkafka has some.");
    WORKERS = Family::gauge(
        "weir_runtime_workers",
        Unit::Count("threads"),
        "Threads that work on requests.",
    )
    .watch("The bound to compare `weir_runtime_busy_seconds_total` with.");
    BUSY = Family::counter(
        "weir_runtime_busy_seconds_total",
        Unit::Seconds,
        "Time for which the runtime's worker threads were not idle, over all of them.",
    )
    .watch("Its rate nears `weir_runtime_workers` where requests wait for a processor.");
    TASKS = Family::gauge(
        "weir_runtime_tasks",
        Unit::Count("tasks"),
        "Tasks that have not ended: one for each connection, and some others.",
    )
    .watch("Growth that connections do not explain.");
    QUEUED = Family::gauge(
        "weir_runtime_queued_tasks",
        Unit::Count("tasks"),
        "Tasks that wait in the queue that all threads share.",
    )
    .watch("Above 0 for long: the processors are overloaded.");
}

/// Ticks of a second in `/proc`: Linux has the same number for all programs, whatever its own clock does.
const TICKS_PER_S: f64 = 100.0;

/// The running process.
pub struct Process {
    runtime: Handle,
}

impl Process {
    /// The process, and the runtime that it runs on.
    pub fn new(runtime: Handle) -> Process {
        Process { runtime }
    }
}

/// What this process was built from: version, commit, date, compiler.
fn build() -> [&'static str; 4] {
    [version::VERSION, version::COMMIT, version::DATE, version::COMPILER]
}

impl Collect for Process {
    fn collect(&self, scrape: &mut Scrape) {
        FAMILIES.iter().for_each(|family| scrape.declare(family));
        scrape.add(&BUILD, &build(), 1_u64);
        if let Some(stat) = Stat::read() {
            scrape.set(&CPU, stat.cpu_s);
            scrape.set(&THREADS, stat.threads);
            if let Some(boot_s) = booted_s() {
                scrape.set(&START, boot_s + stat.start_s);
            }
            scrape.set(&VIRTUAL, stat.virtual_bytes);
        }
        if let Some(bytes) = resident_bytes() {
            scrape.set(&RESIDENT, bytes);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            scrape.set(&OPEN_FILES, open.count().saturating_sub(1)); // one is that of the folder
        }
        if let Some(max) = max_files() {
            scrape.set(&MAX_FILES, max);
        }
        self.collect_runtime(scrape);
    }
}

impl Process {
    fn collect_runtime(&self, scrape: &mut Scrape) {
        let runtime = self.runtime.metrics();
        let workers = runtime.num_workers();
        let busy: Duration = (0..workers).map(|at| runtime.worker_total_busy_duration(at)).sum();
        scrape.set(&WORKERS, workers);
        scrape.set(&BUSY, busy.as_secs_f64());
        scrape.set(&TASKS, runtime.num_alive_tasks());
        scrape.set(&QUEUED, runtime.global_queue_depth());
    }
}

/// What `/proc/self/stat` says.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_s: f64,
    threads: u64,
    /// Since the machine was booted.
    start_s: f64,
    virtual_bytes: u64,
}

impl Stat {
    fn read() -> Option<Stat> {
        Stat::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Stat> {
        // the program's name is in parentheses, and may have anything in it
        let (_, behind_name) = text.rsplit_once(')')?;
        let fields: Vec<&str> = behind_name.split_whitespace().collect();
        // the first of these is the third of all that proc(5) numbers
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Stat {
            cpu_s: (field(14)? + field(15)?) as f64 / TICKS_PER_S,
            threads: field(20)?,
            start_s: field(22)? as f64 / TICKS_PER_S,
            virtual_bytes: field(23)?,
        })
    }
}

/// When the machine was booted, in seconds since 1970.
fn booted_s() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}

/// As many descriptors may be open; none where there is no limit.
fn max_files() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_does_not_move_the_fields_behind_it() {
        let text = "7 (a) 1 (b c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 1200 4096 11 0";
        let stat = Stat { cpu_s: 2.0, threads: 9, start_s: 12.0, virtual_bytes: 4096 };
        assert_eq!(Stat::parse(text), Some(stat));
        assert_eq!(Stat::parse("7 (a"), None);
    }
}
