//! `weir dev`: what a newcomer sees.

use std::process::Command;

use serde_json::Value;

use crate::process::Weir;

/// The lines that it prints to try are run by a shell, as a newcomer would.
#[test]
fn the_five_lines_that_it_prints_work_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let mut weir = Weir::start(&[
        "dev",
        "--registry-listener",
        "127.0.0.1:0",
        "--proxy-listener",
        "127.0.0.1:0",
        "--data-dir",
        folder.path().to_str().unwrap(),
    ]);
    weir.line("weir dev is ready");
    let lines: Vec<String> = (0..5).map(|_| weir.line("curl ")).collect();
    let answers: Vec<String> = lines
        .iter()
        .map(|line| {
            let output = Command::new("sh").args(["-c", line]).output().unwrap();
            assert!(output.status.success(), "{line}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    assert_eq!(json(&answers[0])["id"], 1, "{}", answers[0]);
    assert_eq!(json(&answers[1])["value_schema_id"], 1, "{}", answers[1]);
    assert_eq!(json(&answers[1])["offsets"][0]["error_code"], Value::Null, "{}", answers[1]);
    assert_eq!(json(&answers[2])["offsets"][0]["error_code"], Value::Null, "{}", answers[2]);
    assert!(answers[3].contains(r#""value":{"origin":"SFO","delay":14}"#), "{}", answers[3]);
    assert_eq!(json(&answers[4])["error_code"], 40901, "{}", answers[4]);
}

#[test]
fn what_was_registered_is_there_the_next_day() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_string();
    let start = || {
        let listeners = ["--registry-listener", "127.0.0.1:0", "--proxy-listener", "127.0.0.1:0"];
        Weir::start(&[&["dev", "--data-dir", &data][..], &listeners[..]].concat())
    };
    let mut weir = start();
    let line = weir.line("curl ");
    Command::new("sh").args(["-c", &line]).output().unwrap();
    weir.signal("TERM");
    assert!(weir.wait().success());
    let mut weir = start();
    let line = weir.line("curl ");
    let url = line.split_whitespace().find(|w| w.starts_with("http")).unwrap();
    let latest = format!("curl -s {url}/latest");
    let output = Command::new("sh").args(["-c", &latest]).output().unwrap();
    let latest: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&latest["id"], &latest["version"]), (&1.into(), &1.into()));
}
