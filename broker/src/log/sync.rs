//! When what was written is put on the disk.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::segment::SegmentSync;
use super::{BatchHeader, Log, state};
use crate::files::{File, Files};

/// What is not on the disk yet, besides the segments.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    /// When unsynced bytes were seen first.
    dirty_since: Option<Duration>,
    folder: bool,
    /// The folder itself is in the outermost one on the disk.
    is_named: bool,
    state: bool,
    unsynced_records: u64,
}

impl SyncState {
    /// Files were made, renamed or removed.
    pub fn folder_changed(&mut self) {
        self.folder = true;
    }

    /// The file of the state was replaced.
    pub fn state_changed(&mut self) {
        self.state = true;
        self.folder = true;
    }
}

/// What has to be put on the disk, of which the long part is done without the core.
#[derive(Debug)]
pub struct LogSync {
    files: Arc<dyn Files>,
    folder: Option<String>,
    names_folder: bool,
    state: Option<Arc<dyn File>>,
    segment: Option<SegmentSync>,
}

impl LogSync {
    /// Returns once all of it is on the disk.
    pub fn run(&self) -> io::Result<()> {
        if let Some(state) = &self.state {
            state.sync()?;
        }
        if let Some(folder) = &self.folder {
            self.files.sync_folder(folder)?;
        }
        if self.names_folder {
            self.files.sync_folder("")?;
        }
        self.segment.as_ref().map_or(Ok(()), SegmentSync::run)
    }
}

impl Log {
    /// The first segment that is not on the disk, and what else is not, if it has waited for `flush.ms`.
    ///
    /// Older segments come before newer ones, so that a crash leaves no gap.
    pub fn plan_sync(&mut self, elapsed: Duration) -> io::Result<Option<LogSync>> {
        if !self.is_dirty() {
            self.sync.dirty_since = None;
            return Ok(None);
        }
        let since = *self.sync.dirty_since.get_or_insert(elapsed);
        let waits = Duration::from_millis(self.config.flush_ms);
        if elapsed.saturating_sub(since) < waits {
            return Ok(None);
        }
        let dirty = self.segments.iter().filter(|segment| segment.synced < segment.bytes).count();
        if dirty <= 1 {
            self.sync.dirty_since = Some(elapsed); // what is written from now on waits anew
        }
        self.plan_sync_now().map(Some)
    }

    /// Returns true if something is not on the disk. A log in which nothing ever was is the same without its folder.
    pub fn is_dirty(&self) -> bool {
        let is_untouched = self.end_offset() == 0 && self.segments.len() == 1;
        self.sync.state
            || (self.sync.folder && !is_untouched)
            || self.segments.iter().any(|segment| segment.synced < segment.bytes)
    }

    fn plan_sync_now(&mut self) -> io::Result<LogSync> {
        let files = &*self.files;
        let state = if self.sync.state { files.find(&state::path(&self.folder))? } else { None };
        let dirty = self.segments.iter_mut().find(|segment| segment.synced < segment.bytes);
        let segment = dirty.map(|segment| segment.plan_sync(files)).transpose()?;
        let folder = self.sync.folder.then(|| self.folder.clone());
        self.sync.folder = false;
        self.sync.state = false;
        let names_folder = folder.is_some() && !self.sync.is_named;
        Ok(LogSync { files: self.files.clone(), folder, names_folder, state, segment })
    }

    /// Takes note of what [`LogSync::run`] has done, or of what it has not.
    pub fn synced(&mut self, sync: &LogSync, result: &io::Result<()>) {
        if result.is_err() {
            self.sync.folder |= sync.folder.is_some();
            self.sync.state |= sync.state.is_some();
            return;
        }
        self.sync.is_named |= sync.names_folder;
        let Some(done) = &sync.segment else { return };
        if let Some(segment) = self.segments.iter_mut().find(|segment| done.is_of(segment)) {
            segment.synced(done);
        }
    }

    /// As [`Log::sync_all`], but for the name of its folder: the caller puts those of all logs on the disk.
    pub fn sync_contents(&mut self) -> io::Result<()> {
        self.sync.is_named = true;
        self.sync_all()
    }

    /// Puts everything on the disk before this returns.
    pub fn sync_all(&mut self) -> io::Result<()> {
        while self.is_dirty() {
            let sync = self.plan_sync_now()?;
            let result = sync.run();
            self.synced(&sync, &result);
            result?;
        }
        self.sync.unsynced_records = 0;
        Ok(())
    }

    /// Does what `flush.messages` says after a batch.
    pub(super) fn sync_if_due(&mut self, batch: &BatchHeader) -> io::Result<()> {
        self.sync.unsynced_records += u64::try_from(batch.count).unwrap_or_default();
        if self.sync.unsynced_records < self.config.flush_messages {
            return Ok(());
        }
        self.sync_all()
    }
}
