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

/// Removes all generations but one: what a compaction has replaced, or was not done with.
pub(super) fn remove_others(data: &Path, generation: u32) -> io::Result<()> {
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(PREFIX).and_then(|number| number.parse::<u32>().ok());
        if number.is_some_and(|number| number != generation) {
            fs::remove_dir_all(entry.path())?;
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
