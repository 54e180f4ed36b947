//! Scripts for clients of other languages. They run against a server and end with 0 if all is well.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::process::Weir;

/// A client that `tests/run` has installed.
pub struct Client {
    /// The variable that tells where.
    pub variable: &'static str,
    /// What runs its scripts; if nothing, what the variable holds.
    pub program: Option<&'static str>,
    /// Where they are.
    pub folder: &'static str,
}

impl Client {
    /// Runs a script, or says that it is skipped. In CI the client has to be there.
    pub fn run(&self, script: &str, args: &[&str], input: &str) -> Option<Output> {
        let Ok(installed) = std::env::var(self.variable) else {
            let why = format!("skipped {script}: no {}; `tests/run` sets it", self.variable);
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("{why}");
            return None;
        };
        let mut child = Command::new(self.program.unwrap_or(&installed))
            .arg(format!("{}/{script}", self.folder))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // a script that reads nothing may have ended before it was written to
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{script} {args:?}\n{out}\n{err}");
        Some(output)
    }

    /// Runs the checks of one area against a registry of their own.
    pub fn check(&self, script: &str, args: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let (_weir, api) = Weir::registry(folder.path());
        self.run(script, &[&[api.url.as_str()][..], args].concat(), "");
    }
}
