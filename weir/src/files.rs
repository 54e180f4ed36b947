//! Files that settings name.

use std::path::Path;

use crate::error::Error;

/// Reads the file that a setting names.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::ReadFile { path: path.to_path_buf(), source })
}

/// Reads a secret from the file that a setting names: its text without white space around it.
pub fn read_secret(path: &Path) -> Result<String, Error> {
    let bytes = read_file(path)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_string())
}
