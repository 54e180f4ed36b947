//! `weir --version`, and what the API says of the build.

use std::process::Command;

use serde_json::Value;

use super::{WEIR, said};
use crate::process::Weir;

#[tokio::test]
async fn version_commit_and_date_are_said_on_the_command_line_and_by_the_api() {
    let line = said(Command::new(WEIR).arg("--version"));
    let known = line.trim().strip_prefix("weir ").unwrap();
    let (version, of) = known.split_once(" (").unwrap();
    let (commit, date) = of.strip_suffix(')').unwrap().split_once(' ').unwrap();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let is_commit = commit.len() == 10 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_commit || commit == "unknown", "{commit}");
    let is_date = date.len() == 10 && date.bytes().filter(|byte| *byte == b'-').count() == 2;
    assert!(is_date || date == "unknown", "{date}");

    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = Weir::registry(folder.path());
    let url = format!("{}/v1/metadata/version", api.url);
    let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["version"], version);
    assert_eq!(answer["commitId"], commit);
}
