//! The folders of the log's generations: what is in them, and which of them are left over.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::store;

const PREFIX: &str = "log.";

/// Generation 0 is in the folder of the data itself.
pub(super) fn folder(data: &Path, generation: u32) -> PathBuf {
    match generation {
        0 => data.to_path_buf(),
        _ => data.join(format!("{PREFIX}{generation}")),
    }
}

/// Those of which there is something, ascending.
pub(super) fn all(data: &Path) -> io::Result<Vec<u32>> {
    let mut all = Vec::new();
    if data.join(store::FILE).exists() {
        all.push(0);
    }
    for entry in fs::read_dir(data)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        all.extend(name.strip_prefix(PREFIX).and_then(|number| number.parse::<u32>().ok()));
    }
    all.sort_unstable();
    Ok(all)
}

/// A generation of which there is nothing yet.
pub(super) fn next(data: &Path) -> io::Result<u32> {
    Ok(all(data)?.last().map_or(1, |last| last + 1))
}

/// Removes all generations but one: what a compaction has replaced, or was not done with. What is not
/// sled's stays.
pub(super) fn remove_others(data: &Path, generation: u32) -> io::Result<()> {
    for other in all(data)?.into_iter().filter(|other| ![0, generation].contains(other)) {
        let folder = folder(data, other);
        if folder.is_dir() && is_sleds(&folder)? {
            fs::remove_dir_all(folder)?;
        }
    }
    if generation != 0 {
        for path in files(data)? {
            fs::remove_file(path)?;
        }
        match fs::remove_dir_all(data.join(BLOBS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A number that is another if a byte of sled's files is another.
pub(super) fn checksum(folder: &Path) -> io::Result<u64> {
    let mut paths = files(folder)?;
    paths.sort();
    let mut crc = crc32fast::Hasher::new();
    let mut bytes = 0;
    let mut block = vec![0; 1024 * 1024];
    for path in paths {
        crc.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        let mut file = File::open(path)?;
        loop {
            match file.read(&mut block)? {
                0 => break,
                read => {
                    crc.update(&block[..read]);
                    bytes += read as u64;
                }
            }
        }
        crc.update(&bytes.to_be_bytes());
    }
    Ok(bytes << 32 | u64::from(crc.finalize()))
}

/// Sled's folder of large values, in which it has nothing of ours.
const BLOBS: &str = "blobs";

/// Whether there is nothing in a folder but what sled makes.
fn is_sleds(folder: &Path) -> io::Result<bool> {
    let ours = files(folder)?.len();
    let all = fs::read_dir(folder)?.count();
    Ok(all - usize::from(folder.join(BLOBS).exists()) == ours)
}

/// The files that sled makes in a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == store::FILE || name == "conf" || name.starts_with("snap.") {
            files.push(entry.path());
        }
    }
    Ok(files)
}
