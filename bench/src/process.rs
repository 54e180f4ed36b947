//! What Linux says about a process, in `/proc`.

use std::fs;

use crate::Result;

/// Microseconds of one tick of `/proc/<pid>/stat`: 100 ticks a second on every Linux we know.
const TICK_US: f64 = 10_000.0;

/// CPU time that all threads of a process have used, in microseconds, user and system.
pub fn cpu_us(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // the name, which is in parentheses, may hold anything; the state, field 3, follows it
    let (_, rest) = stat.rsplit_once(')').ok_or("/proc/<pid>/stat has no name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| -> Result<f64> {
        Ok(fields.get(field - 3).ok_or("/proc/<pid>/stat is short")?.parse::<f64>()?)
    };
    Ok((ticks(14)? + ticks(15)?) * TICK_US)
}

/// Resident memory in MiB.
pub fn rss_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
