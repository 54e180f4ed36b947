//! How far it is, on stderr.

use std::fmt;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(1);

/// What is passed over is named so often; then it is only counted.
const NAMED_MAX: u64 = 20;
const NAMED_AND_ONE: u64 = NAMED_MAX + 1;

pub struct Progress {
    said: Instant,
    /// What no registry could have read.
    pub passed_over: u64,
    /// What the target lacks and should have.
    pub missing: u64,
    names: bool,
}

impl Progress {
    pub fn new() -> Progress {
        Progress { said: Instant::now(), passed_over: 0, missing: 0, names: true }
    }

    /// Progress of a second reading: what is passed over was named in the first.
    pub fn quiet() -> Progress {
        Progress { names: false, ..Progress::new() }
    }

    /// Says it, if nothing was said for a second.
    pub fn say(&mut self, text: impl FnOnce() -> String) {
        if self.said.elapsed() >= INTERVAL {
            eprintln!("{}", text());
            self.said = Instant::now();
        }
    }

    /// A record that is not one.
    pub fn pass_over(&mut self, what: &str, why: impl fmt::Display) {
        self.passed_over += 1;
        self.name("passed over", self.passed_over, what, why);
    }

    /// Something that could not be copied; the rest is.
    pub fn miss(&mut self, what: &str, why: impl fmt::Display) {
        self.missing += 1;
        self.name("not copied", self.missing, what, why);
    }

    fn name(&self, verdict: &str, count: u64, what: &str, why: impl fmt::Display) {
        match count {
            ..=NAMED_MAX if self.names => eprintln!("{verdict}: {what}: {why}"),
            NAMED_AND_ONE if self.names => eprintln!("{verdict}: more, which are only counted"),
            _ => {}
        }
    }
}
