//! What Weir is delivered as: the image's files, the Debian package, the files of a release, the Helm chart, and what the binary writes of
//! itself for packages.

mod completions;
mod debian;
mod image;
mod manifests;
mod manual;
mod release;
mod systemd;
mod version;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary that the tests run.
const WEIR: &str = env!("CARGO_BIN_EXE_weir");

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// What a command says that has to succeed: its standard output.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", both(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard output and error.
fn both(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Returns true if all programs are there. In CI they have to be; elsewhere it is said what is skipped.
fn installed(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        could(found.unwrap().status.success(), &format!("{program} is not installed"))
    })
}

/// Returns true if this is root, who alone may change roots and owners. In CI it has to be.
fn is_root() -> bool {
    could(said(Command::new("id").arg("-u")).trim() == "0", "this is not root")
}

fn could(fact: bool, why_not: &str) -> bool {
    assert!(fact || std::env::var_os("CI").is_none(), "{why_not}");
    if !fact {
        eprintln!("skipped: {why_not}");
    }
    fact
}
