//! The audit log: a line of JSON for each change and each refusal, on stdout or in a file that is followed by another
//! when it is long. A line is written before its request is answered.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};
use weir_trace::Outage;

use crate::log_file::{LogFile, OWNER_ONLY, Rotation};

/// Requests whose lines wait to be written; more wait for room before they are answered.
const WAITING_MAX: usize = 1024;

/// Bytes of lines that are written at a time.
const BATCH_BYTES: usize = 256 * 1024;

/// Where the audit log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    Stdout,
    /// `audit.log`, whose earlier parts are `audit.log.1` (the last one), `audit.log.2`, ..
    File {
        path: PathBuf,
        /// Bytes after which the file is followed by another one.
        bytes_max: u64,
        /// Earlier files that are kept.
        kept: u32,
    },
}

/// The audit log of a process.
pub struct Audit {
    lines: mpsc::Sender<Lines>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    written: AtomicU64,
    failed: AtomicU64,
}

struct Lines {
    text: Vec<u8>,
    written: oneshot::Sender<()>,
}

impl Audit {
    /// Opens it, and starts the thread that writes it.
    pub fn open(target: AuditTarget) -> io::Result<Audit> {
        let mut out = Out::open(target)?;
        let (lines, mut waiting) = mpsc::channel::<Lines>(WAITING_MAX);
        let counts = Arc::new(Counts::default());
        let counted = counts.clone();
        let outage =
            Outage::new("the audit log cannot be written", "the audit log is written again");
        std::thread::Builder::new().name("audit".to_string()).spawn(move || {
            while let Some(first) = waiting.blocking_recv() {
                let (mut text, mut told) = (first.text, vec![first.written]);
                while text.len() < BATCH_BYTES
                    && let Ok(more) = waiting.try_recv()
                {
                    text.extend(more.text);
                    told.push(more.written);
                }
                let count = match out.write(&text) {
                    Ok(()) => {
                        outage.is_over();
                        &counted.written
                    }
                    Err(error) => {
                        outage.fails(&error);
                        &counted.failed
                    }
                };
                count.fetch_add(told.len() as u64, Ordering::Relaxed);
                for told in told {
                    let _ = told.send(()); // its client may have gone
                }
            }
        })?;
        Ok(Audit { lines, counts })
    }

    /// Writes lines, and returns when they are written.
    pub(super) async fn write(&self, text: Vec<u8>) {
        let (written, told) = oneshot::channel();
        if self.lines.send(Lines { text, written }).await.is_ok() {
            let _ = told.await; // that it cannot be written is said and counted
        }
    }

    /// Requests whose lines were written, and those whose lines could not be.
    pub(super) fn counts(&self) -> (u64, u64) {
        let Counts { written, failed } = &*self.counts;
        (written.load(Ordering::Relaxed), failed.load(Ordering::Relaxed))
    }
}

enum Out {
    Stdout,
    File(LogFile),
}

impl Out {
    fn open(target: AuditTarget) -> io::Result<Out> {
        let AuditTarget::File { path, bytes_max, kept } = target else { return Ok(Out::Stdout) };
        let rotation = Some(Rotation { bytes_max, kept });
        Ok(Out::File(LogFile::open(path, OWNER_ONLY, rotation)?))
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Out::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(text)?;
                stdout.flush()
            }
            Out::File(file) => file.write(text),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test may wait for its disk")]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_file_that_is_long_is_followed_by_another_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let target = AuditTarget::File { path: path.clone(), bytes_max: 10, kept: 2 };
        let audit = Audit::open(target).unwrap();
        for line in ["first\n", "second\n", "third\n", "4\n", "fifth\n", "sixth\n"] {
            audit.write(line.into()).await;
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("audit.log"), "sixth\n");
        assert_eq!(read("audit.log.1"), "fifth\n");
        assert_eq!(read("audit.log.2"), "third\n4\n");
        assert!(!folder.path().join("audit.log.3").exists());
        assert_eq!(audit.counts(), (6, 0));
    }

    #[tokio::test]
    async fn a_file_that_was_moved_away_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("audit.log"), folder.path().join("moved"));
        let target = AuditTarget::File { path: path.clone(), bytes_max: 1000, kept: 2 };
        let audit = Audit::open(target).unwrap();
        audit.write("a\n".into()).await;
        fs::rename(&path, &moved).unwrap();
        audit.write("b\n".into()).await;
        let read = |path| fs::read_to_string(path).unwrap();
        assert_eq!((read(&moved).as_str(), read(&path).as_str()), ("a\n", "b\n"));
    }

    #[tokio::test]
    async fn what_was_written_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let target = AuditTarget::File { path: path.clone(), bytes_max: 1000, kept: 2 };
        Audit::open(target.clone()).unwrap().write("a\n".into()).await;
        Audit::open(target).unwrap().write("b\n".into()).await;
        assert_eq!(fs::read_to_string(path).unwrap(), "a\nb\n");
    }
}
