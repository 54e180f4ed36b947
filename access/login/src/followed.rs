//! A file that is read anew when it changes, or when the process is told to.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::problem::{Problem, Unusable};

/// How often it is seen whether the file is another one.
const LOOK: Duration = Duration::from_secs(2);

/// The most bytes of a file.
pub(crate) const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a file says, and what its writer may not have meant.
pub(crate) struct Parsed<T> {
    pub(crate) value: T,
    pub(crate) warnings: Vec<Problem>,
}

/// Makes a value of a file's text. The errors are all of its mistakes.
type Parse<T> = dyn Fn(&str) -> Result<Parsed<T>, Vec<Problem>> + Send + Sync;

/// A file whose newest good version is at hand.
pub(crate) struct Followed<T> {
    path: PathBuf,
    parse: Box<Parse<T>>,
    current: ArcSwap<T>,
    /// The file that was read last, whether or not it was good.
    tried: Mutex<Option<Stamp>>,
    generation: AtomicU64,
    failures: AtomicU64,
}

/// What shows that a file is another one: when it was written and renamed, which it is, how long.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    written: (i64, i64),
    changed: (i64, i64),
    inode: u64,
    bytes: u64,
}

impl<T: Send + Sync + 'static> Followed<T> {
    /// Reads the file for the first time. A broken one is an error.
    pub(crate) fn open(
        path: &Path,
        parse: impl Fn(&str) -> Result<Parsed<T>, Vec<Problem>> + Send + Sync + 'static,
    ) -> Result<Arc<Followed<T>>, Unusable> {
        let tried = Mutex::new(stamp(path));
        let parsed = read(path, &parse)?;
        warn(path, &parsed.warnings);
        Ok(Arc::new(Followed {
            path: path.to_path_buf(),
            parse: Box::new(parse),
            current: ArcSwap::from_pointee(parsed.value),
            tried,
            generation: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }))
    }

    /// What the newest good version of the file says.
    pub(crate) fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// How often the file was taken anew. Rises after `current` has changed.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// How often the file could not be used.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Reads the file anew whenever `told` changes, or the file has. Ends when the sender of `told` has gone.
    pub(crate) async fn follow(self: Arc<Self>, mut told: watch::Receiver<u64>) {
        loop {
            let is_told = match timeout(LOOK, told.changed()).await {
                Ok(Ok(())) => true,
                Ok(Err(_)) => return, // the process ends
                Err(_) => false,
            };
            let file = self.clone();
            let reading = tokio::task::spawn_blocking(move || {
                if is_told || file.has_changed() {
                    file.reload();
                }
            });
            if let Err(panic) = reading.await {
                tracing::error!(%panic, "{} was not read", self.path.display());
            }
        }
    }

    fn has_changed(&self) -> bool {
        *self.tried() != stamp(&self.path)
    }

    /// Takes what the file says now; if it cannot be used, says so and keeps what there is.
    pub(crate) fn reload(&self) {
        *self.tried() = stamp(&self.path);
        match read(&self.path, &self.parse) {
            Ok(parsed) => {
                warn(&self.path, &parsed.warnings);
                self.current.store(Arc::new(parsed.value));
                self.generation.fetch_add(1, Ordering::Release);
                tracing::info!("{} was read anew", self.path.display());
            }
            Err(unusable) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    "{unusable}\n{} is not used: what it said before still holds",
                    self.path.display()
                );
            }
        }
    }

    fn tried(&self) -> MutexGuard<'_, Option<Stamp>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = std::fs::metadata(path).ok()?;
    Some(Stamp {
        written: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
        inode: file.ino(),
        bytes: file.len(),
    })
}

fn read<T>(
    path: &Path,
    parse: impl Fn(&str) -> Result<Parsed<T>, Vec<Problem>>,
) -> Result<Parsed<T>, Unusable> {
    let text = text_of(path)?;
    parse(&text).map_err(|problems| Unusable { file: path.to_path_buf(), problems })
}

/// Reads a file of at most 16 MiB of UTF-8.
pub(crate) fn text_of(path: &Path) -> Result<String, Unusable> {
    let failed =
        |why: &dyn std::fmt::Display| Unusable::whole(path, format!("cannot be read: {why}"));
    let file = File::open(path).map_err(|e| failed(&e))?;
    if !file.metadata().map_err(|e| failed(&e))?.is_file() {
        return Err(Unusable::whole(path, "it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Unusable::whole(path, format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..good];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let problem = Problem::new(line, "it is not UTF-8");
        Unusable { file: path.to_path_buf(), problems: vec![problem] }
    })
}

fn warn(path: &Path, warnings: &[Problem]) {
    for warning in warnings {
        tracing::warn!("{}", warning.of_file(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<Parsed<u64>, Vec<Problem>> {
        let value = text.trim().parse().map_err(|_| vec![Problem::new(1, "no number")])?;
        Ok(Parsed { value, warnings: Vec::new() })
    }

    #[test]
    fn a_broken_file_keeps_what_was_good_and_is_an_error_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(Followed::open(&path, number).is_err());
        std::fs::write(&path, "x").unwrap();
        let Err(error) = Followed::open(&path, number) else { panic!("it was taken") };
        assert_eq!(error.to_string(), format!("{}:1: no number", path.display()));

        std::fs::write(&path, "1").unwrap();
        let file = Followed::open(&path, number).unwrap();
        assert!(!file.has_changed());
        std::fs::write(&path, "broken").unwrap();
        assert!(file.has_changed());
        file.reload();
        // it is tried once, and again when it is another
        assert!(!file.has_changed());
        assert_eq!((*file.current(), file.generation(), file.failures()), (1, 0, 1));

        std::fs::remove_file(&path).unwrap();
        assert!(file.has_changed());
        file.reload();
        assert_eq!((*file.current(), file.generation(), file.failures()), (1, 0, 2));

        std::fs::write(&path, "2").unwrap();
        file.reload();
        assert_eq!((*file.current(), file.generation(), file.failures()), (2, 1, 2));
    }

    #[test]
    fn what_is_no_text_of_bounded_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(text_of(folder.path()).is_err());
        let path = folder.path().join("file");
        std::fs::write(&path, b"one\ntwo \xff").unwrap();
        assert_eq!(text_of(&path).unwrap_err().problems[0].line, 2);
        std::fs::write(&path, vec![b'x'; FILE_BYTES_MAX as usize + 1]).unwrap();
        assert!(text_of(&path).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_changes_is_read_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "1").unwrap();
        let file = Followed::open(&path, number).unwrap();
        let (tell, told) = watch::channel(0);
        let following = tokio::spawn(file.clone().follow(told));
        std::fs::write(&path, "23").unwrap();
        while *file.current() != 23 {
            tokio::time::sleep(LOOK).await;
        }
        // the same again: only who is told reads it
        tell.send(1).unwrap();
        while file.generation() != 2 {
            tokio::time::sleep(LOOK).await;
        }
        drop(tell);
        following.await.unwrap();
    }
}
