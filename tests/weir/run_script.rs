//! `tests/run`: that it goes on to the end, counts, and fails if anything has failed.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/run");

/// What the script needs of a system that has neither Java nor Python nor node.
const TOOLS: [&str; 10] =
    ["awk", "bash", "cat", "dirname", "env", "mkdir", "mktemp", "rm", "sed", "tee"];

/// The last line, and the exit code, of a run whose `cargo` is a script.
fn run(cargo: &str) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for tool in TOOLS {
        let places =
            ["/bin", "/usr/bin", "/usr/local/bin"].map(|place| Path::new(place).join(tool));
        let place = places.iter().find(|place| place.exists()).expect("a tool of every system");
        symlink(place, at(tool)).unwrap();
    }
    write(at("cargo"), format!("#!/usr/bin/env bash\n{cargo}\n")).unwrap();
    set_permissions(at("cargo"), Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(SCRIPT)
        .args(["-p", "some"])
        .env("PATH", folder.path())
        .env_remove("CI")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().last().unwrap_or_default().to_string(), output.status.code())
}

#[test]
fn all_tests_are_counted_in_the_last_line() {
    let good =
        r#"echo "test result: ok. 11 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out""#;
    assert_eq!(run(&format!("{good}\n{good}")), ("22 passed, 0 failed".to_string(), Some(0)));
    let bad =
        r#"echo "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out""#;
    let failed = run(&format!("{good}\n{bad}\nexit 101"));
    assert_eq!(failed, ("14 passed, 2 failed".to_string(), Some(101)));
}

#[test]
fn a_build_that_fails_is_counted_as_a_failure() {
    let failed = run(r#"echo "error: could not compile" >&2; exit 101"#);
    assert_eq!(failed, ("0 passed, 1 failed".to_string(), Some(101)));
    let crashed = run(
        r#"echo "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"; exit 101"#,
    );
    assert_eq!(crashed, ("4 passed, 1 failed".to_string(), Some(101)));
}

#[test]
fn a_run_goes_on_after_a_failure() {
    let told = r#"case " $* " in *" --workspace --no-fail-fast -p some "*) ;; *) exit 7 ;; esac"#;
    assert_eq!(run(told).1, Some(0));
}
