//! Finds out of which commit the binary is made, for `weir --version`.
//!
//! The first that knows the commit is asked: the variables `WEIR_COMMIT` and `SOURCE_DATE_EPOCH` of who builds without a
//! repository, such as a Dockerfile; the repository; what cargo has written into a package. Nobody has to know it: then the
//! binary says "unknown". Nothing here fails the build.

use std::path::Path;
use std::process::Command;

/// Digits of a commit's hash that are shown: enough to be unique, as git itself shows them.
const COMMIT_DIGITS: usize = 10;

/// Seconds in a day.
const DAY_SECONDS: i64 = 86_400;

/// What is said of a commit that nobody knows.
const UNKNOWN: &str = "unknown";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=WEIR_COMMIT");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let told = told();
    if told.is_none() && std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        rerun_with_each_commit();
    }
    let (commit, date) = told.or_else(of_repository).or_else(of_package).unwrap_or_default();
    println!("cargo:rustc-env=WEIR_BUILD_COMMIT={}", or_unknown(&commit));
    println!("cargo:rustc-env=WEIR_BUILD_DATE={}", or_unknown(&date));
    println!("cargo:rustc-env=WEIR_BUILD_COMPILER={}", or_unknown(&compiler().unwrap_or_default()));
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { UNKNOWN } else { text }
}

/// The version of the compiler, such as `1.95.0`.
fn compiler() -> Option<String> {
    let output = Command::new(std::env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.split_whitespace().nth(1).map(str::to_string)
}

/// Commit and date as the variables say them; the date is empty if there is none.
fn told() -> Option<(String, String)> {
    let commit = std::env::var("WEIR_COMMIT").ok()?;
    let commit = shortened(commit.trim())?;
    Some((commit, told_date().unwrap_or_default()))
}

/// The date of `SOURCE_DATE_EPOCH`, which reproducible builds set.
fn told_date() -> Option<String> {
    std::env::var("SOURCE_DATE_EPOCH").ok()?.trim().parse().ok().and_then(date_of)
}

/// Commit and date of the repository, if this crate is in one of its own: a package may be unpacked within another one.
fn of_repository() -> Option<(String, String)> {
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let workspace = Path::new("..").canonicalize().ok()?;
    if Path::new(&top).canonicalize().ok()? != workspace {
        return None;
    }
    let commit = shortened(&git(&["rev-parse", "HEAD"])?)?;
    let date = git(&["show", "--no-patch", "--format=%ct", "HEAD"])?;
    Some((commit, date.parse().ok().and_then(date_of).unwrap_or_default()))
}

/// The commit that `cargo package` has written down; it knows no date.
fn of_package() -> Option<(String, String)> {
    let info = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, after) = info.split_once("\"sha1\"")?;
    let commit = shortened(after.split('"').nth(1)?)?;
    Some((commit, told_date().unwrap_or_default()))
}

/// The beginning of a hash; none if the text is not one.
fn shortened(commit: &str) -> Option<String> {
    let is_hash = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| commit.chars().take(COMMIT_DIGITS).collect())
}

/// Has a release build look again when HEAD has moved. Debug builds do not, because each commit would link the binary anew: they say
/// the commit at which they were built first.
fn rerun_with_each_commit() {
    for name in ["HEAD", "logs/HEAD"] {
        let Some(path) = git(&["rev-parse", "--git-path", name]) else { continue };
        // cargo would run this with each build for a file that is not there
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
}

/// The one line that a git command prints; none without git, or outside of a repository.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let line = line.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_string())
}

/// The day in UTC of a time in seconds since 1970, as `2026-11-29`; none before 1970, and none of a time that is no date.
fn date_of(seconds: i64) -> Option<String> {
    // Howard Hinnant's civil_from_days: years begin with March, so that a leap day is the last one
    let days = seconds.checked_div(DAY_SECONDS).filter(|days| (0..=3_000_000).contains(days))?;
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some(format!("{year}-{month:02}-{day:02}"))
}
