//! Metrics as an operator sees them: exposed, listed, drawn, and alerted on.

mod bounded;
mod exposed;
mod list;
mod ops;
mod prometheus;
mod servers;

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs a program of Debian's package `prometheus` (or says that it is skipped), with something to read. In CI it has to
/// be there.
fn run(program: &str, args: &[&str], input: &str) -> Option<Output> {
    let spawned = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let why = format!("skipped {program} {args:?}: {error}; Debian's package prometheus");
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("{why}");
            return None;
        }
    };
    // a program that reads nothing may have ended before it was written to
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Some(child.wait_with_output().unwrap())
}

/// Runs a program that has to end well.
fn run_well(program: &str, args: &[&str], input: &str) {
    let Some(Output { status, stdout, stderr }) = run(program, args, input) else { return };
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{program} {args:?}\n{out}\n{err}");
}

/// A file of the workspace.
fn path(name: &str) -> String {
    format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the workspace.
fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}
