//! What is read of files, and is read anew when they have changed or when the process is told to.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How often it is seen whether the files are other ones.
const LOOK: Duration = Duration::from_secs(2);

/// What shows that a file is another one: when it was written, which it is, how long.
type Stamp = Option<(i64, i64, u64, u64)>;

/// The files that were read last, whether or not they were good.
#[derive(Default)]
pub struct Tried(Mutex<Vec<Stamp>>);

impl Tried {
    /// Remembers the files as they are now.
    pub fn now(&self, files: &[&Path]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stamps(files);
    }

    /// Returns true if the files are no longer those that were read last.
    pub fn have_changed(&self, files: &[&Path]) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) != stamps(files)
    }
}

fn stamps(files: &[&Path]) -> Vec<Stamp> {
    let stamp = |file: &&Path| {
        let file = std::fs::metadata(file).ok()?;
        Some((file.mtime(), file.mtime_nsec(), file.ino(), file.len()))
    };
    files.iter().map(stamp).collect()
}

/// What is read of files.
pub trait Reloaded: Send + Sync + 'static {
    /// Returns true if its files have changed since they were read.
    fn has_changed(&self) -> bool;

    /// Takes what the files have now; if that cannot be used, says so and keeps what there is.
    fn reload(&self);

    /// Says what has to be said after a while.
    fn look(&self) {}
}

/// Reads it anew whenever `told` changes, or its files have.
pub async fn follow(what: Arc<impl Reloaded>, mut told: watch::Receiver<u64>) {
    loop {
        let is_told = match timeout(LOOK, told.changed()).await {
            Ok(Ok(())) => true,
            Ok(Err(_)) => return, // the process ends
            Err(_) => false,
        };
        let what = what.clone();
        let reading = tokio::task::spawn_blocking(move || {
            if is_told || what.has_changed() {
                what.reload();
            }
            what.look();
        });
        if let Err(panic) = reading.await {
            tracing::error!(%panic, "files were not read anew");
        }
    }
}
