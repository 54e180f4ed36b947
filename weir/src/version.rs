//! Which Weir this is: version, commit and date. `build.rs` has found them out.

use weir_http::BuildInfo;

/// The version of the package, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The beginning of the hash of the commit that was built; `unknown` if nobody knew it. A debug build says the commit at which it was
/// built first.
pub const COMMIT: &str = env!("WEIR_BUILD_COMMIT");

/// The day of that commit in UTC, such as `2026-11-29`; `unknown` if nobody knew it.
pub const DATE: &str = env!("WEIR_BUILD_DATE");

/// The compiler that built it, such as `1.95.0`; `unknown` if it did not say.
pub const COMPILER: &str = env!("WEIR_BUILD_COMPILER");

/// What the APIs and metrics say of it.
pub const BUILD: BuildInfo = BuildInfo { version: VERSION, commit: COMMIT, date: DATE };

/// What `weir --version` says behind the name: `0.1.0 (f11c775ad1 2026-11-29)`.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("WEIR_BUILD_COMMIT"),
    " ",
    env!("WEIR_BUILD_DATE"),
    ")"
);
