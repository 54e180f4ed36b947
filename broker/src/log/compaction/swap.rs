//! Puts rewritten segments in place of the old ones, all of them or none, also if the process is killed.
//!
//! The file `swap` says what replaces what. It is there from the moment when the new segments hold until all of them have
//! their names.

use std::io;

use serde::{Deserialize, Serialize};

use crate::files::Files;
use crate::log::segment::{INDEX_SUFFIX, LOG_SUFFIX, file_name};
use crate::log::state::{read_checked, write_checked};

/// Ends the names of the files of a segment that does not hold yet.
pub const CLEANED_SUFFIX: &str = ".cleaned";
const SWAP_FILE: &str = "swap";
/// The swap file before it holds.
const PREPARED_FILE: &str = "swap.prepared.new";

/// Segments and those that they replace.
#[derive(Debug, Serialize, Deserialize)]
pub struct Swap {
    pub replacements: Vec<Replacement>,
}

/// One segment in place of one or more, by their first offsets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replacement {
    pub base: i64,
    pub replaces: Vec<i64>,
}

impl Swap {
    /// Puts it on the disk, without effect yet.
    pub fn prepare(&self, files: &dyn Files, folder: &str) -> io::Result<()> {
        let path = format!("{folder}/{PREPARED_FILE}");
        write_checked(files, &path, &serde_json::to_vec(self)?)?;
        files.open(&path)?.sync()?;
        files.sync_folder(folder)
    }

    /// From here on the new segments hold.
    pub fn begin(&self, files: &dyn Files, folder: &str) -> io::Result<()> {
        files.rename(&format!("{folder}/{PREPARED_FILE}"), &format!("{folder}/{SWAP_FILE}"))
    }
}

/// Names a file of a segment that does not hold yet.
pub fn cleaned(folder: &str, base: i64, suffix: &str) -> String {
    format!("{folder}/{}{CLEANED_SUFFIX}", file_name(base, suffix))
}

/// Completes a swap that has begun, if one has. It may have been done in part.
pub fn finish(files: &dyn Files, folder: &str) -> io::Result<()> {
    let path = format!("{folder}/{SWAP_FILE}");
    let Some(content) = read_checked(files, &path)? else { return Ok(()) };
    let swap: Swap = serde_json::from_slice(&content)?;
    let remove = |base, suffix| files.remove(&format!("{folder}/{}", file_name(base, suffix)));
    for Replacement { base, replaces } in &swap.replacements {
        for replaced in replaces.iter().filter(|replaced| *replaced != base) {
            remove(*replaced, INDEX_SUFFIX)?;
            remove(*replaced, LOG_SUFFIX)?;
        }
        // the new index would be wrong for the old segment, and the old index for the new one
        let new = cleaned(folder, *base, LOG_SUFFIX);
        if files.find(&new)?.is_some() {
            remove(*base, INDEX_SUFFIX)?;
            files.rename(&new, &format!("{folder}/{}", file_name(*base, LOG_SUFFIX)))?;
        }
        let new = cleaned(folder, *base, INDEX_SUFFIX);
        if files.find(&new)?.is_some() {
            files.rename(&new, &format!("{folder}/{}", file_name(*base, INDEX_SUFFIX)))?;
        }
    }
    files.sync_folder(folder)?;
    files.remove(&path)
}
