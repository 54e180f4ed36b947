//! What the operating system lets this process have: threads and descriptors that are left, as `/proc` and
//! the control groups say. Where they say nothing, nothing is known to be bounded.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Bits of `CapEff` with which the kernel does not hold a process to its user's number of threads.
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_RESOURCE: u32 = 24;

/// The map of user ids of a process that is in no user namespace of its own.
const INITIAL_UID_MAP: [&str; 3] = ["0", "0", "4294967295"];

/// Threads that librdkafka has started, by the names that it gives them.
const BROKER_THREAD: &str = "rdk:broker";
const ANY_THREAD: &str = "rdk:";

/// A limit, and how much of it is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) max: usize,
    pub(super) left: usize,
}

/// What is left, and what librdkafka has by now.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// The one of the limits on threads with the least left.
    pub(super) threads: Option<Limit>,
    pub(super) descriptors: Option<Limit>,
    /// Threads of librdkafka.
    pub(super) client_threads: usize,
    /// Those of them that are for a broker.
    pub(super) broker_threads: usize,
}

impl Measured {
    /// Reads a file for each thread of this process: not for a runtime's worker.
    pub(super) fn now() -> Measured {
        let limits = read("/proc/self/limits");
        let descriptors = soft_limit(&limits, "Max open files").map(|max| {
            let used = entries("/proc/self/fd").count().saturating_sub(1); // one is for counting
            Limit { name: "RLIMIT_NOFILE".to_string(), max, left: max.saturating_sub(used) }
        });
        let threads = [of_user(&limits), of_system("threads-max"), of_system("pid_max")];
        let threads = threads.into_iter().flatten().chain(of_groups());
        let names = entries("/proc/self/task").map(|task| read(task.join("comm")));
        let mut measured = Measured {
            threads: threads.min_by_key(|limit| limit.left),
            descriptors,
            ..Measured::default()
        };
        for name in names {
            measured.client_threads += usize::from(name.starts_with(ANY_THREAD));
            measured.broker_threads += usize::from(name.starts_with(BROKER_THREAD));
        }
        measured
    }
}

/// Starts so many threads at a time and ends them. Returns false if that could not be done: for limits that
/// nothing tells of.
pub(super) fn can_start_threads(count: usize) -> bool {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let started: Vec<_> = (0..count)
        .map_while(|_| {
            let gate = gate.clone();
            let wait = move || {
                let (is_open, opened) = &*gate;
                let mut is_open = is_open.lock().unwrap_or_else(PoisonError::into_inner);
                while !*is_open {
                    is_open = opened.wait(is_open).unwrap_or_else(PoisonError::into_inner);
                }
            };
            let builder = std::thread::Builder::new().stack_size(64 * 1024);
            builder.name("probe".to_string()).spawn(wait).ok()
        })
        .collect();
    let all = started.len() == count;
    let (is_open, opened) = &*gate;
    *is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
    opened.notify_all();
    started.into_iter().for_each(|thread| drop(thread.join()));
    all
}

/// `RLIMIT_NPROC`, of which all threads of the user take, in all processes that can be seen.
fn of_user(limits: &str) -> Option<Limit> {
    let max = soft_limit(limits, "Max processes")?;
    let status = read("/proc/self/status");
    if is_exempt(&status, &read("/proc/self/uid_map")) {
        return None;
    }
    let user = field(&status, "Uid:")?.to_string();
    let of = |process: PathBuf| {
        let is_process = process.file_name()?.to_str()?.bytes().all(|b| b.is_ascii_digit());
        let status = is_process.then(|| read(process.join("status")))?;
        let is_theirs = field(&status, "Uid:")? == user;
        is_theirs.then(|| field(&status, "Threads:")?.parse::<usize>().ok())?
    };
    let used: usize = entries("/proc").filter_map(of).sum();
    Some(Limit { name: "RLIMIT_NPROC".to_string(), max, left: max.saturating_sub(used) })
}

/// Returns true if the kernel holds this process to no number of its user's threads.
fn is_exempt(status: &str, uid_map: &str) -> bool {
    if !uid_map.split_whitespace().eq(INITIAL_UID_MAP) {
        return false; // what it may do, it may in its namespace alone
    }
    let capabilities = field(status, "CapEff:").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let has = |bit: u32| capabilities.is_some_and(|bits| bits >> bit & 1 == 1);
    field(status, "Uid:") == Some("0") || has(CAP_SYS_ADMIN) || has(CAP_SYS_RESOURCE)
}

/// `kernel.threads-max` and `kernel.pid_max`, of which all threads of the system take.
fn of_system(name: &str) -> Option<Limit> {
    let max: usize = read(Path::new("/proc/sys/kernel").join(name)).trim().parse().ok()?;
    let load = read("/proc/loadavg");
    let used: usize = load.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()?;
    Some(Limit { name: format!("kernel.{name}"), max, left: max.saturating_sub(used) })
}

/// `pids.max` of the control groups that this process is in, and of those around them.
fn of_groups() -> Vec<Limit> {
    let mut limits = Vec::new();
    for (root, group) in control_groups(&read("/proc/self/cgroup")) {
        let mut folder = root.join(group.trim_start_matches('/'));
        // in a container the group's own folder may stand at the root
        while folder.starts_with(&root) {
            let number = |name| read(folder.join(name)).trim().parse::<usize>().ok();
            if let (Some(max), Some(used)) = (number("pids.max"), number("pids.current")) {
                let name = "pids.max of the control group".to_string();
                limits.push(Limit { name, max, left: max.saturating_sub(used) });
            }
            if !folder.pop() {
                break;
            }
        }
    }
    limits
}

/// Where the groups of `/proc/self/cgroup` that may count threads are mounted: of version 2, and of version
/// 1 the one of `pids`.
fn control_groups(text: &str) -> Vec<(PathBuf, String)> {
    let group = |line: &str| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match controllers {
            "" => Some((PathBuf::from("/sys/fs/cgroup"), path.to_string())),
            _ if controllers.split(',').any(|name| name == "pids") => {
                Some((PathBuf::from("/sys/fs/cgroup/pids"), path.to_string()))
            }
            _ => None,
        }
    };
    text.lines().filter_map(group).collect()
}

/// The soft limit of that name in `/proc/self/limits`; none if it is unlimited.
fn soft_limit(limits: &str, name: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The first word of a field in `/proc/../status`.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()
}

/// A small file, as far as it can be read.
fn read(path: impl AsRef<Path>) -> String {
    #[expect(clippy::disallowed_methods, reason = "files of /proc and /sys are in memory")]
    std::fs::read_to_string(path).unwrap_or_default()
}

fn entries(folder: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units
Max processes             300                  96365                processes
Max open files            1024                 20000                files
Max locked memory         unlimited            unlimited            bytes";

    #[test]
    fn the_soft_limit_is_the_one_that_binds() {
        assert_eq!(soft_limit(LIMITS, "Max processes"), Some(300));
        assert_eq!(soft_limit(LIMITS, "Max open files"), Some(1024));
        assert_eq!(soft_limit(LIMITS, "Max locked memory"), None);
    }

    #[test]
    fn a_user_with_the_capability_is_not_held_to_the_number_of_threads() {
        let status = |uid: &str, capabilities: &str| {
            format!("Name:\tweir\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nCapEff:\t{capabilities}\n")
        };
        let (host, container) = ("         0          0 4294967295\n", "0 100000 65536\n");
        assert!(is_exempt(&status("0", "0000000000000000"), host));
        assert!(is_exempt(&status("1000", "0000000001000000"), host));
        assert!(!is_exempt(&status("1000", "0000000000000000"), host));
        assert!(!is_exempt(&status("0", "000001ffffffffff"), container));
    }

    #[test]
    fn control_groups_of_both_versions_are_found() {
        let groups = control_groups("12:cpu,cpuacct:/a\n8:pids:/docker/b\n0::/c/d\n");
        let (v1, v2) = (PathBuf::from("/sys/fs/cgroup/pids"), PathBuf::from("/sys/fs/cgroup"));
        assert_eq!(groups, [(v1, "/docker/b".to_string()), (v2, "/c/d".to_string())]);
    }

    #[test]
    fn what_is_left_is_measured_here() {
        let measured = Measured::now();
        if cfg!(target_os = "linux") {
            let descriptors = measured.descriptors.unwrap();
            assert!(descriptors.left > 0 && descriptors.left < descriptors.max, "{descriptors:?}");
        }
        assert!(can_start_threads(3));
    }
}
