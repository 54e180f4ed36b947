//! Files that do not outlive the process. Tests break them: a power loss takes what was not synced,
//! a write fails halfway.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{File, Files};

/// A file grows by pieces of this size, so that nothing is copied when it grows.
const CHUNK_BYTES: usize = 64 * 1024;
/// No write fails.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub struct MemoryFiles {
    files: Mutex<BTreeMap<String, Arc<MemoryFile>>>,
    /// How many writes succeed before one fails.
    writes_left: Arc<AtomicU64>,
    keeps_unsynced: bool,
    folder_syncs_fail: AtomicBool,
}

#[derive(Debug)]
struct MemoryFile {
    content: Mutex<Content>,
    writes_left: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Content {
    /// All but the last have [`CHUNK_BYTES`].
    chunks: Vec<Vec<u8>>,
    /// What a power loss does not take.
    synced: u64,
}

impl Default for MemoryFiles {
    fn default() -> MemoryFiles {
        MemoryFiles {
            files: Mutex::default(),
            writes_left: Arc::new(AtomicU64::new(NEVER)),
            keeps_unsynced: false,
            folder_syncs_fail: AtomicBool::new(false),
        }
    }
}

impl MemoryFiles {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<MemoryFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of a folder by their names in it, which then are gone.
    fn take_folder(&self, folder: &str) -> Vec<(String, Arc<MemoryFile>)> {
        let within = format!("{folder}/");
        let mut files = self.lock();
        let paths = files.range(within.clone()..).map(|(path, _)| path);
        let paths: Vec<String> =
            paths.take_while(|path| path.starts_with(&within)).cloned().collect();
        let take = |path: String| {
            let file = files.remove(&path)?;
            Some((path[within.len()..].to_owned(), file))
        };
        paths.into_iter().filter_map(take).collect()
    }

    /// Lets one write fail halfway, after `writes` which succeed.
    pub fn fail_after(&self, writes: u64) {
        self.writes_left.store(writes, Ordering::Relaxed);
    }

    /// Lets names be put on the disk no more, or again.
    pub fn fail_folder_syncs(&self, fail: bool) {
        self.folder_syncs_fail.store(fail, Ordering::Relaxed);
    }

    /// What is there after the process was killed: everything that was written.
    pub fn after_kill(&self) -> MemoryFiles {
        MemoryFiles { keeps_unsynced: true, ..self.after_power_loss(|unsynced| unsynced) }
    }

    /// What is there after the power was lost: `kept` says how much of a file's unsynced bytes is.
    pub fn after_power_loss(&self, mut kept: impl FnMut(u64) -> u64) -> MemoryFiles {
        let after = MemoryFiles::default();
        for (path, file) in &*self.lock() {
            let content = file.lock();
            let size = content.synced + kept(content.size() - content.synced);
            let mut copy = Content { chunks: content.chunks.clone(), synced: 0 };
            copy.set_size(size);
            copy.synced = copy.size();
            let file =
                MemoryFile { content: Mutex::new(copy), writes_left: after.writes_left.clone() };
            after.lock().insert(path.clone(), Arc::new(file));
        }
        after
    }
}

impl Files for MemoryFiles {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let within = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut names: Vec<String> = self
            .lock()
            .keys()
            .filter_map(|path| path.strip_prefix(&within))
            .filter_map(|path| path.split('/').next().map(str::to_owned))
            .collect();
        names.dedup();
        Ok(names)
    }

    fn make_folder(&self, _folder: &str) -> io::Result<()> {
        Ok(())
    }

    fn move_folder(&self, from: &str, to: &str) -> io::Result<bool> {
        let taken = self.take_folder(from);
        let is_there = !taken.is_empty();
        let moved = taken.into_iter().map(|(name, file)| (format!("{to}/{name}"), file));
        self.lock().extend(moved);
        Ok(is_there)
    }

    fn remove_folder(&self, folder: &str) -> io::Result<()> {
        self.take_folder(folder);
        Ok(())
    }

    fn sync_folder(&self, _folder: &str) -> io::Result<()> {
        match self.folder_syncs_fail.load(Ordering::Relaxed) {
            true => Err(io::Error::other("a folder cannot be synced")),
            false => Ok(()),
        }
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let mut files = self.lock();
        if let Some(file) = files.get(path) {
            return Ok(file.clone());
        }
        let writes_left = self.writes_left.clone();
        let file = Arc::new(MemoryFile { content: Mutex::default(), writes_left });
        files.insert(path.to_owned(), file.clone());
        Ok(file)
    }

    fn find(&self, path: &str) -> io::Result<Option<Arc<dyn File>>> {
        Ok(self.lock().get(path).map(|file| file.clone() as Arc<dyn File>))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.lock().remove(path);
        Ok(())
    }

    fn keeps_unsynced(&self) -> bool {
        self.keeps_unsynced
    }

    fn checked(&self) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) {}
}

impl MemoryFile {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if this write is the one that fails.
    fn fails(&self) -> bool {
        let left = self.writes_left.load(Ordering::Relaxed);
        if left == NEVER {
            return false;
        }
        let left = left.checked_sub(1).unwrap_or(NEVER);
        self.writes_left.store(left, Ordering::Relaxed);
        left == NEVER
    }
}

impl Content {
    fn size(&self) -> u64 {
        match self.chunks.split_last() {
            Some((last, full)) => (full.len() * CHUNK_BYTES + last.len()) as u64,
            None => 0,
        }
    }

    fn set_size(&mut self, size: u64) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let chunks = size.div_ceil(CHUNK_BYTES);
        while self.chunks.len() < chunks {
            if let Some(last) = self.chunks.last_mut() {
                last.resize(CHUNK_BYTES, 0);
            }
            self.chunks.push(Vec::new());
        }
        self.chunks.truncate(chunks);
        if let Some(last) = self.chunks.last_mut() {
            last.resize(size - (chunks - 1) * CHUNK_BYTES, 0);
        }
        self.synced = self.synced.min(size as u64);
    }

    fn write(&mut self, mut bytes: &[u8], position: usize) {
        if position as u64 > self.size() {
            self.set_size(position as u64);
        }
        let mut position = position;
        while !bytes.is_empty() {
            let (chunk, at) = (position / CHUNK_BYTES, position % CHUNK_BYTES);
            if chunk == self.chunks.len() {
                self.chunks.push(Vec::new());
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - at));
            let chunk = &mut self.chunks[chunk];
            let over = now.len().min(chunk.len() - at);
            chunk[at..at + over].copy_from_slice(&now[..over]);
            chunk.extend_from_slice(&now[over..]);
            position += now.len();
            bytes = later;
        }
    }

    fn read(&self, mut buffer: &mut [u8], position: usize) {
        let mut position = position;
        while !buffer.is_empty() {
            let (chunk, at) = (position / CHUNK_BYTES, position % CHUNK_BYTES);
            let length = buffer.len().min(CHUNK_BYTES - at);
            let (now, later) = buffer.split_at_mut(length);
            now.copy_from_slice(&self.chunks[chunk][at..at + length]);
            position += length;
            buffer = later;
        }
    }
}

impl File for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.lock().size())
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        let content = self.lock();
        if position.saturating_add(buffer.len() as u64) > content.size() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        content.read(buffer, usize::try_from(position).map_err(io::Error::other)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let position = usize::try_from(position).map_err(io::Error::other)?;
        if self.fails() {
            self.lock().write(&bytes[..bytes.len() / 2], position);
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.lock().write(bytes, position);
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.lock().set_size(size);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut content = self.lock();
        content.synced = content.size();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_all;
    use super::*;

    #[test]
    fn what_was_written_across_chunks_is_read() {
        let files = MemoryFiles::default();
        let file = files.open("a").unwrap();
        let bytes: Vec<u8> = (0..200_000).map(|i| (i % 251) as u8).collect();
        file.write_at(&bytes[..100_000], 0).unwrap();
        file.write_at(&bytes[90_000..], 90_000).unwrap();
        assert_eq!(read_all(&*file).unwrap(), bytes);
        file.set_size(70_000).unwrap();
        assert_eq!(read_all(&*file).unwrap(), bytes[..70_000]);
        assert!(file.read_at(&mut [0; 2], 69_999).is_err());
    }

    #[test]
    fn a_power_loss_takes_what_was_not_synced() {
        let files = MemoryFiles::default();
        let file = files.open("a").unwrap();
        file.write_at(b"synced", 0).unwrap();
        file.sync().unwrap();
        file.write_at(b"lost", 6).unwrap();
        let after = files.after_power_loss(|_| 1);
        assert_eq!(read_all(&*after.open("a").unwrap()).unwrap(), b"syncedl");
        let after = files.after_kill();
        assert_eq!(read_all(&*after.open("a").unwrap()).unwrap(), b"syncedlost");
    }

    #[test]
    fn one_write_fails_halfway() {
        let files = MemoryFiles::default();
        let file = files.open("a").unwrap();
        files.fail_after(1);
        file.write_at(b"ab", 0).unwrap();
        assert!(file.write_at(b"cd", 2).is_err());
        assert_eq!(read_all(&*file).unwrap(), b"abc");
        file.write_at(b"ef", 2).unwrap();
        assert_eq!(read_all(&*file).unwrap(), b"abef");
    }
}
