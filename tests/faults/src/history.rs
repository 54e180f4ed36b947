//! What clients did and were answered, as the checker reads it.

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

/// One operation. What nobody knows the outcome of has no end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Operation {
    pub client: usize,
    /// The subject, or the configuration of one.
    pub object: String,
    pub op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Nanoseconds since the beginning.
    pub call: u64,
    #[serde(rename = "return")]
    pub end: i64,
    pub answer: Answer,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Version>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub version: u64,
    pub schema: String,
    pub deleted: bool,
}

pub const UNKNOWN: i64 = -1;

pub struct History {
    begun: Instant,
    operations: Mutex<Vec<Operation>>,
}

impl History {
    pub fn new() -> History {
        History { begun: Instant::now(), operations: Mutex::default() }
    }

    /// Nanoseconds since the beginning.
    pub fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub fn add(&self, operation: Operation) {
        self.operations().push(operation);
    }

    fn operations(&self) -> std::sync::MutexGuard<'_, Vec<Operation>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Objects that anybody did something to, each once.
    pub fn objects(&self) -> Vec<String> {
        let mut objects: Vec<String> =
            self.operations().iter().map(|operation| operation.object.clone()).collect();
        objects.sort_unstable();
        objects.dedup();
        objects
    }

    pub fn counts(&self) -> (usize, usize) {
        let operations = self.operations();
        (operations.len(), operations.iter().filter(|o| o.end == UNKNOWN).count())
    }

    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for operation in self.operations().iter() {
            serde_json::to_writer(&mut file, operation)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    }
}

impl Default for History {
    fn default() -> Self {
        History::new()
    }
}
