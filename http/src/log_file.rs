//! A file that lines are appended to, which may be moved away at any time, and may be followed by another one when it is long.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The permissions of a file that names who does what: nobody but its owner reads it.
pub const OWNER_ONLY: u32 = 0o600;

/// The permissions of a file that the owner's group may read, such as whoever ships logs.
pub const GROUP_READS: u32 = 0o640;

/// When a file is followed by another one: `x.log` becomes `x.log.1`, what was that becomes `x.log.2`, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes after which a file is followed by another one.
    pub bytes_max: u64,
    /// Earlier files that are kept.
    pub kept: u32,
}

/// A file that lines are appended to.
pub struct LogFile {
    file: File,
    path: PathBuf,
    /// The permissions of files that are made.
    mode: u32,
    length: u64,
    rotation: Option<Rotation>,
}

impl LogFile {
    /// Opens a file, or makes it.
    pub fn open(path: PathBuf, mode: u32, rotation: Option<Rotation>) -> io::Result<LogFile> {
        let file = append_to(&path, mode)?;
        let length = file.metadata()?.len();
        Ok(LogFile { file, path, mode, length, rotation })
    }

    /// Appends lines. A file that somebody has moved away, to keep it elsewhere, is made anew before.
    pub fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if !is_at(&self.file, &self.path) {
            self.file = append_to(&self.path, self.mode)?;
            self.length = self.file.metadata()?.len();
        }
        if let Some(Rotation { bytes_max, kept }) = self.rotation
            && self.length > 0
            && self.length + text.len() as u64 > bytes_max
        {
            follow(&self.path, kept)?;
            self.file = append_to(&self.path, self.mode)?;
            self.length = 0;
        }
        self.file.write_all(text)?;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// Returns true if a file is the one at a path.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

/// A pipe that nobody reads is an error, and is not waited for.
fn append_to(path: &Path, mode: u32) -> io::Result<File> {
    let waits_for_nobody = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(mode).custom_flags(waits_for_nobody).open(path)
}

/// Moves each file to the name of the one before it; the oldest goes.
fn follow(path: &Path, kept: u32) -> io::Result<()> {
    let numbered = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    if kept == 0 {
        return fs::remove_file(path);
    }
    for number in (1..kept).rev() {
        match fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, numbered(1))
}
