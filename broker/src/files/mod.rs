//! Where bytes are kept: a folder of a disk, or memory, which tests can break.

mod disk;
mod memory;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use disk::DiskFiles;
pub use memory::MemoryFiles;

/// A folder with files and folders in it, whose paths are like `orders-0/00000000000000000000.log`.
///
/// A change of names is in the operating system's hands when it returns, and on the disk after
/// [`Files::sync_folder`].
pub trait Files: Debug + Send + Sync {
    /// The names in a folder, in no order. There are none if the folder is not there.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Makes a folder that may be there already.
    fn make_folder(&self, folder: &str) -> io::Result<()>;
    /// Gives a folder another name, which no folder has. Returns false if it is not there. Who has opened a file in it can
    /// still read that.
    fn move_folder(&self, from: &str, to: &str) -> io::Result<bool>;
    /// Removes a folder with everything in it. It need not be there.
    fn remove_folder(&self, folder: &str) -> io::Result<()>;
    /// Puts on the disk what was made, renamed and removed in a folder. The empty path is the outermost one.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// Opens a file, which is made if it is not there.
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// Opens a file if it is there.
    fn find(&self, path: &str) -> io::Result<Option<Arc<dyn File>>>;
    /// Gives a file another name. A file which has that name is replaced.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file, which need not be there. Who has opened it can still read it.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Returns true if the system has run on since the last process had the folder: all that was written is there, also
    /// what was not synced.
    fn keeps_unsynced(&self) -> bool;
    /// Says that all that was not synced has been checked: from now on it is there as long as the system runs.
    fn checked(&self) -> io::Result<()>;
    /// Lets another process have the folder. Nothing can be opened any more.
    fn close(&self);
}

/// An open file, which is read and written at positions.
pub trait File: Debug + Send + Sync {
    fn size(&self) -> io::Result<u64>;
    /// Fills the buffer. Too short a file is an error of the kind `UnexpectedEof`.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()>;
    /// Writes all of it. After an error some of it may be there.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;
    fn set_size(&self, size: u64) -> io::Result<()>;
    /// Returns once everything written so far is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// Everything in a file.
pub fn read_all(file: &dyn File) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    file.read_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Puts `bytes` in place of what a file had: after a kill it has the one or the other.
pub fn replace(files: &dyn Files, path: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{path}.new");
    files.remove(&new)?;
    files.open(&new)?.write_at(bytes, 0)?;
    files.rename(&new, path)
}
