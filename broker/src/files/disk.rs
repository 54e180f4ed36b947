//! Files of a folder of the disk, which this process has for itself.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{File, Files};

/// The process that has a lock on this file has the folder.
const LOCK_FILE: &str = ".lock";
/// Linux says here which start of the system it is.
const BOOT_ID_PATH: &str = "/proc/sys/kernel/random/boot_id";
/// So many files stay open when nobody reads or writes them. A laptop lets a process have 256 of all kinds.
const OPEN_MAX: usize = 64;
/// The longest name that file systems take.
const NAME_MAX_BYTES: usize = 255;

#[derive(Debug)]
pub struct DiskFiles {
    root: PathBuf,
    open: Mutex<OpenFiles>,
    keeps_unsynced: bool,
}

/// The files that were used last.
#[derive(Debug)]
struct OpenFiles {
    /// Held as long as the folder is ours.
    lock: Option<fs::File>,
    files: HashMap<String, OpenFile>,
    uses: u64,
}

#[derive(Debug)]
struct OpenFile {
    file: Arc<DiskFile>,
    last_use: u64,
}

/// A file that may have been closed by the system, and is opened again when it is used.
#[derive(Debug)]
struct DiskFile {
    path: Mutex<PathBuf>,
    /// Device and number: another file can have got its path.
    identity: (u64, u64),
    /// `None` if it was not used for a long time, while somebody has it for later.
    open: Mutex<Option<Arc<fs::File>>>,
}

impl DiskFiles {
    /// Takes a folder, which is made if it is not there. It is an error if another process has it.
    pub fn open(root: &Path) -> io::Result<DiskFiles> {
        let said =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", root.display()));
        fs::create_dir_all(root).map_err(said)?;
        let mut lock = fs::OpenOptions::new()
            .read(true)
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join(LOCK_FILE))
            .map_err(said)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let why = "another process has its topics in this folder";
                return Err(said(io::Error::new(io::ErrorKind::ResourceBusy, why)));
            }
            Err(fs::TryLockError::Error(error)) => return Err(said(error)),
        }
        let keeps_unsynced = is_of_this_boot(&mut lock);
        let open = OpenFiles { lock: Some(lock), files: HashMap::new(), uses: 0 };
        Ok(DiskFiles { root: root.to_owned(), open: Mutex::new(open), keeps_unsynced })
    }

    fn lock(&self) -> MutexGuard<'_, OpenFiles> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a path is on the disk. No path leads out of the folder.
    fn path(&self, path: &str) -> io::Result<PathBuf> {
        if path.is_empty() {
            return Ok(self.root.clone());
        }
        let is_name = |name: &str| {
            let is_allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
            let is_special = matches!(name, "" | "." | ".." | LOCK_FILE);
            !is_special && name.len() <= NAME_MAX_BYTES && name.bytes().all(is_allowed)
        };
        if path.split('/').all(is_name) {
            return Ok(self.root.join(path));
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path:?} is no name of a file")))
    }

    fn opened(&self, path: &str, create: bool) -> io::Result<Arc<dyn File>> {
        let on_disk = self.path(path)?;
        let mut open = self.lock();
        if open.lock.is_none() {
            return Err(io::Error::other("the broker has stopped"));
        }
        open.uses += 1;
        let last_use = open.uses;
        if let Some(used) = open.files.get_mut(path) {
            used.last_use = last_use;
            return Ok(used.file.clone());
        }
        let options = fs::OpenOptions::new().read(true).write(true).create(create).to_owned();
        let file = options.open(&on_disk).map_err(|error| said(&on_disk, error))?;
        let metadata = file.metadata().map_err(|error| said(&on_disk, error))?;
        let file = Arc::new(DiskFile {
            path: Mutex::new(on_disk),
            identity: (metadata.dev(), metadata.ino()),
            open: Mutex::new(Some(Arc::new(file))),
        });
        open.make_room();
        open.files.insert(path.to_owned(), OpenFile { file: file.clone(), last_use });
        Ok(file)
    }
}

impl OpenFiles {
    /// The files in a folder are not opened by their names any more.
    fn forget_folder(&mut self, folder: &str) {
        let is_within =
            |path: &str| path.strip_prefix(folder).is_some_and(|within| within.starts_with('/'));
        self.files.retain(|path, _| !is_within(path));
    }

    /// Closes the file that was not used for the longest time, if there are too many.
    fn make_room(&mut self) {
        if self.files.len() < OPEN_MAX {
            return;
        }
        let oldest = self.files.iter().min_by_key(|(_, file)| file.last_use);
        if let Some(path) = oldest.map(|(path, _)| path.clone()) {
            let evicted = self.files.remove(&path);
            evicted.inspect(|evicted| *evicted.file.lock() = None);
        }
    }
}

impl DiskFile {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<fs::File>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open file. One that was closed is open for this use only.
    fn file(&self) -> io::Result<Arc<fs::File>> {
        if let Some(file) = &*self.lock() {
            return Ok(file.clone());
        }
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let options = fs::OpenOptions::new().read(true).write(true).to_owned();
        let file = options.open(&path).map_err(|error| said(&path, error))?;
        let metadata = file.metadata()?;
        if (metadata.dev(), metadata.ino()) != self.identity {
            return Err(said(&path, io::Error::from(io::ErrorKind::NotFound)));
        }
        Ok(Arc::new(file))
    }

    /// The open file, of which there is a name: what is written to one without a name ends with the process.
    fn named_file(&self) -> io::Result<Arc<fs::File>> {
        let file = self.file()?;
        if file.metadata()?.nlink() == 0 {
            let path = self.path.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let why = "it was removed while the broker has it open";
            return Err(said(&path, io::Error::new(io::ErrorKind::NotFound, why)));
        }
        Ok(file)
    }
}

impl Files for DiskFiles {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let path = self.path(folder)?;
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(said(&path, error)),
        };
        let name = |entry: io::Result<fs::DirEntry>| {
            Ok(entry?.file_name().into_string().ok()) // a name that is no UTF-8 is not ours
        };
        entries.filter_map(|entry| name(entry).transpose()).collect()
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        let path = self.path(folder)?;
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(said(&path, error)),
            _ => Ok(()),
        }
    }

    fn move_folder(&self, from: &str, to: &str) -> io::Result<bool> {
        let (path, to) = (self.path(from)?, self.path(to)?);
        let mut open = self.lock(); // nothing in it is opened meanwhile
        open.forget_folder(from);
        match fs::rename(&path, to) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(said(&path, error)),
        }
    }

    fn remove_folder(&self, folder: &str) -> io::Result<()> {
        let path = self.path(folder)?;
        self.lock().forget_folder(folder);
        missing_is_fine(fs::remove_dir_all(&path)).map_err(|error| said(&path, error))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        fs::File::open(self.path(folder)?)?.sync_all()
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        self.opened(path, true)
    }

    fn find(&self, path: &str) -> io::Result<Option<Arc<dyn File>>> {
        match self.opened(path, false) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (old, new) = (self.path(from)?, self.path(to)?);
        let mut open = self.lock();
        fs::rename(&old, &new).map_err(|error| said(&old, error))?;
        open.files.remove(to);
        if let Some(renamed) = open.files.remove(from) {
            *renamed.file.path.lock().unwrap_or_else(PoisonError::into_inner) = new;
            open.files.insert(to.to_owned(), renamed);
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.lock().files.remove(path);
        let path = self.path(path)?;
        missing_is_fine(fs::remove_file(&path)).map_err(|error| said(&path, error))
    }

    fn keeps_unsynced(&self) -> bool {
        self.keeps_unsynced
    }

    fn checked(&self) -> io::Result<()> {
        match (&self.lock().lock, self.keeps_unsynced) {
            (Some(lock), false) => write_boot(lock).map_err(|error| said(&self.root, error)),
            _ => Ok(()),
        }
    }

    fn close(&self) {
        let mut open = self.lock();
        open.lock = None;
        open.files.clear();
    }
}

/// Reads from the lock file whether the folder's last process that checked it ran since the system was started. Where the
/// system does not tell, it did not.
fn is_of_this_boot(lock: &mut fs::File) -> bool {
    let Ok(boot) = fs::read_to_string(BOOT_ID_PATH) else { return false };
    let mut last = String::new();
    lock.read_to_string(&mut last).is_ok() && last == boot
}

/// Writes to the lock file which start of the system this is.
fn write_boot(lock: &fs::File) -> io::Result<()> {
    let Ok(boot) = fs::read_to_string(BOOT_ID_PATH) else { return Ok(()) };
    lock.set_len(0)?;
    lock.write_all_at(boot.as_bytes(), 0)
}

/// The error with the path that it is about.
fn said(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn missing_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl File for DiskFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file()?.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.file()?.read_exact_at(buffer, position)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.named_file()?.write_all_at(bytes, position)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file()?.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.file()?.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_does_not_lead_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles::open(folder.path()).unwrap();
        for path in
            ["../x", "/etc/passwd", "a/../../x", "a//b", "a/", ".lock", "a\0b", "a\\b", ".."]
        {
            let refused = files.open(path).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{path}");
        }
        assert!(files.open(&"x".repeat(256)).is_err());
    }

    #[test]
    fn a_folder_is_of_one_broker_until_it_closes() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles::open(folder.path()).unwrap();
        let refused = DiskFiles::open(folder.path()).unwrap_err();
        assert!(refused.to_string().contains(&folder.path().display().to_string()), "{refused}");
        files.close();
        DiskFiles::open(folder.path()).unwrap();
        assert!(files.open("late").is_err());
    }

    #[test]
    fn what_was_not_synced_is_trusted_once_a_start_has_checked_it() {
        let folder = tempfile::tempdir().unwrap();
        let starts = [false, true].map(|is_checked| {
            let files = DiskFiles::open(folder.path()).unwrap();
            if is_checked {
                files.checked().unwrap(); // the first start was refused
            }
            files.keeps_unsynced()
        });
        assert_eq!(starts, [false, false]);
        let is_told = fs::exists(BOOT_ID_PATH).unwrap();
        assert_eq!(DiskFiles::open(folder.path()).unwrap().keeps_unsynced(), is_told);
    }

    #[test]
    fn a_thousand_files_take_few_descriptors() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles::open(folder.path()).unwrap();
        let mut kept = Vec::new();
        for number in 0..1000 {
            let path = format!("file-{number}");
            files.open(&path).unwrap().write_at(path.as_bytes(), 0).unwrap();
            kept.push(files.lock().files[&path].file.clone());
        }
        assert!(kept.iter().filter(|file| file.lock().is_some()).count() <= OPEN_MAX);
        for (number, file) in kept.iter().enumerate() {
            let mut read = vec![0; 6];
            file.read_at(&mut read, 0).unwrap();
            assert_eq!(read, format!("file-{number}").as_bytes()[..6]);
        }
        // one that was replaced since it was closed is not read in place of the old one
        super::super::replace(&files, "file-0", b"another").unwrap();
        assert_eq!(kept[0].size().unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_renamed_file_is_still_the_one_that_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles::open(folder.path()).unwrap();
        files.open("b").unwrap().write_at(b"old", 0).unwrap();
        let file = files.open("a").unwrap();
        files.rename("a", "b").unwrap();
        for number in 0..=OPEN_MAX {
            file.write_at(b"x", number as u64).unwrap();
            files.open(&format!("other-{number}")).unwrap();
        }
        assert_eq!(files.open("b").unwrap().size().unwrap(), OPEN_MAX as u64 + 1);
        assert!(files.find("a").unwrap().is_none());
    }

    #[test]
    fn nothing_is_written_to_what_was_removed_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("topics");
        let files = DiskFiles::open(&root).unwrap();
        let file = files.open("a").unwrap();
        file.write_at(b"read", 0).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(file.write_at(b"x", 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(super::super::read_all(&*file).unwrap(), b"read");
        assert_eq!(files.make_folder("t-0").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!fs::exists(&root).unwrap());
    }

    #[test]
    fn a_folder_that_was_moved_leaves_its_name_free() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles::open(folder.path()).unwrap();
        files.make_folder("a").unwrap();
        let old = files.open("a/file").unwrap();
        old.write_at(b"old", 0).unwrap();
        assert!(files.move_folder("a", "b").unwrap());
        assert!(!files.move_folder("a", "b").unwrap());
        files.make_folder("a").unwrap();
        assert_eq!(files.open("a/file").unwrap().size().unwrap(), 0);
        assert_eq!(super::super::read_all(&*old).unwrap(), b"old");
        assert_eq!(super::super::read_all(&*files.open("b/file").unwrap()).unwrap(), b"old");
    }

    #[test]
    fn a_replaced_file_is_read_by_who_has_opened_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles::open(folder.path()).unwrap();
        let old = files.open("a").unwrap();
        old.write_at(b"old", 0).unwrap();
        super::super::replace(&files, "a", b"new").unwrap();
        assert_eq!(super::super::read_all(&*old).unwrap(), b"old");
        assert_eq!(super::super::read_all(&*files.open("a").unwrap()).unwrap(), b"new");
    }
}
