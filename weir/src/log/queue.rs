//! Lines that wait to be written, and the thread that writes them. Whoever reads the log may be slow, or a disk may hang:
//! nobody but that thread waits for it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weir_trace::Outage;

use super::out::Out;

/// Bytes of lines that wait. More are dropped, and counted.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long lines gather after others were written, so that a thread and a file that are busy are not woken for each line. A line that
/// comes after a pause is written at once.
const GATHER: Duration = Duration::from_millis(5);

/// Bytes of lines that are written at once all the same.
const GATHERED_BYTES_MAX: usize = 256 * 1024;

/// Bytes that the buffers keep once they are empty.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Lines on their way to one place.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    name: &'static str,
    waiting: Mutex<Waiting>,
    /// Told when there is something to write.
    more: Condvar,
    /// Told when everything is written.
    idle: Condvar,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    /// Lines that were dropped, and not said to be.
    dropped: u64,
    /// Whether the thread is writing.
    is_writing: bool,
    /// Whether the thread has nothing to do, and is to be woken.
    is_waiting: bool,
    /// Whether somebody waits until everything is written.
    is_flushed: bool,
}

impl Queue {
    /// Starts the thread that writes, for as long as the process lives.
    pub fn start(name: &'static str, out: Out) -> io::Result<Queue> {
        let waiting = Mutex::new(Waiting::default());
        let shared = Shared { name, waiting, more: Condvar::new(), idle: Condvar::new() };
        let queue = Queue(Arc::new(shared));
        let writer = queue.clone();
        let thread = std::thread::Builder::new().name(name.to_string());
        thread.spawn(move || writer.0.write_all(out))?;
        Ok(queue)
    }

    /// Puts a line at the end, which has its line feed. It never waits.
    pub fn push(&self, line: &[u8]) {
        let mut waiting = self.0.lock();
        if waiting.text.len() + line.len() > WAITING_BYTES_MAX {
            waiting.dropped += 1;
            return;
        }
        let before = waiting.text.len();
        waiting.text.extend_from_slice(line);
        let is_much = before < GATHERED_BYTES_MAX && waiting.text.len() >= GATHERED_BYTES_MAX;
        let wakes = std::mem::take(&mut waiting.is_waiting) || is_much;
        drop(waiting);
        if wakes {
            self.0.more.notify_one();
        }
    }

    /// Waits until everything is written, for so long at most.
    pub fn flush(&self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        let mut waiting = self.0.lock();
        waiting.is_flushed = true;
        self.0.more.notify_one();
        while waiting.is_writing || !waiting.text.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.0.idle.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.is_flushed = false;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut out: Out) {
        let outage = Outage::new("the log cannot be written", "the log is written again");
        let mut text = Vec::new();
        loop {
            let dropped = self.take(&mut text);
            match out.write(&text) {
                Ok(()) => drop(outage.is_over()),
                // of the log that everything is said in, nobody can be told
                Err(error) => outage.fails(format_args!("{}: {error}", self.name)),
            }
            text.clear();
            text.shrink_to(KEPT_BYTES_MAX);
            self.has_written();
            if dropped > 0 {
                tracing::warn!(
                    target: "weir::log",
                    lines = dropped,
                    "lines of the {} were dropped: whoever reads it is too slow",
                    self.name
                );
            }
            self.gather();
        }
    }

    /// Waits for some lines to come together.
    fn gather(&self) {
        let few =
            |waiting: &mut Waiting| !waiting.is_flushed && waiting.text.len() < GATHERED_BYTES_MAX;
        drop(self.more.wait_timeout_while(self.lock(), GATHER, few));
    }

    /// Waits for lines. Returns how many were dropped before these.
    fn take(&self, text: &mut Vec<u8>) -> u64 {
        let mut waiting = self.lock();
        while waiting.text.is_empty() {
            waiting.is_waiting = true;
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_waiting = false;
        waiting.is_writing = true;
        std::mem::swap(&mut waiting.text, text);
        std::mem::take(&mut waiting.dropped)
    }

    fn has_written(&self) {
        self.lock().is_writing = false;
        self.idle.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let queue = Queue::start("test", Out::file(path.clone(), 0o600).unwrap()).unwrap();
        (0..1000).for_each(|number| queue.push(format!("{number}\n").as_bytes()));
        queue.flush(Duration::from_secs(60));
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let waiting = Mutex::new(Waiting::default());
        let shared = Shared { name: "test", waiting, more: Condvar::new(), idle: Condvar::new() };
        let queue = Queue(Arc::new(shared)); // without a thread
        let line = [b'a'; 1024];
        (0..5 * 1024).for_each(|_| queue.push(&line));
        let mut text = Vec::new();
        assert_eq!(queue.0.take(&mut text), 1024);
        assert_eq!(text.len(), WAITING_BYTES_MAX);
        queue.flush(Duration::ZERO);
    }
}
