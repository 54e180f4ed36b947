//! Which build of Weir this process is. Only the binary knows that: it says so once, when it starts.

use std::sync::OnceLock;

/// What is said of what nobody knows.
const UNKNOWN: &str = "unknown";

static NAMED: OnceLock<BuildInfo> = OnceLock::new();

/// Version, commit and date of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version of the packages, such as `0.1.0`.
    pub version: &'static str,
    /// The beginning of the commit's hash, or `unknown`.
    pub commit: &'static str,
    /// The day of the commit in UTC, such as `2026-11-29`, or `unknown`.
    pub date: &'static str,
}

impl BuildInfo {
    /// The build that [`BuildInfo::name`] has named; before that, and in tests without the binary, one of unknown commit and date.
    pub fn get() -> BuildInfo {
        let unnamed =
            BuildInfo { version: env!("CARGO_PKG_VERSION"), commit: UNKNOWN, date: UNKNOWN };
        NAMED.get().copied().unwrap_or(unnamed)
    }

    /// Names the build of this process. The first one that is named stays.
    pub fn name(self) {
        let _ = NAMED.set(self);
    }
}
