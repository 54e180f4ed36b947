//! What is wrong with a backup of Karapace's V3.

use std::path::Path;
use std::{error, fmt, io};

/// Why a folder, or a file in it, is no backup.
#[derive(Debug)]
pub struct BackupError {
    /// The folder, or the file in it.
    pub(crate) name: String,
    /// Which of the data's records is wrong, counted from 0.
    pub(crate) record: Option<u64>,
    pub(crate) fault: Fault,
}

/// What is wrong with a backup.
#[derive(Debug)]
pub(crate) enum Fault {
    Io(io::Error),
    NoFile { suffix: &'static str },
    SeveralFiles { suffix: &'static str },
    NoMetadata,
    UnknownVersion(i64),
    EndsWithinLength,
    EndsWithinPart,
    TooLong(u32),
    NoRecord,
    Count { found: u64, promised: u64 },
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(record) = self.record {
            write!(f, ": record {record}")?;
        }
        match &self.fault {
            Fault::Io(error) => write!(f, ": {error}"),
            Fault::NoFile { suffix } => write!(
                f,
                " is a folder, and has no file {suffix}: expected a backup of Karapace (V3), or sled:FOLDER"
            ),
            Fault::SeveralFiles { suffix } => {
                write!(f, " has several files {suffix}: a registry's log has one partition")
            }
            Fault::NoMetadata => f.write_str(": these are not the metadata of a backup V3"),
            Fault::UnknownVersion(version) => write!(f, ": version {version} is not known"),
            Fault::EndsWithinLength => f.write_str(": the file ends within a length"),
            Fault::EndsWithinPart => f.write_str(": the file ends within a record"),
            Fault::TooLong(length) => write!(f, ": {length} bytes are more than a record has"),
            Fault::NoRecord => f.write_str(": it is not as a backup V3 has them"),
            Fault::Count { found, promised } => {
                write!(f, ": it has {found} records, and its metadata promise {promised}")
            }
        }
    }
}

impl error::Error for BackupError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.fault {
            Fault::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl Fault {
    /// This fault, of a file or a folder.
    pub(crate) fn of(self, path: &Path) -> BackupError {
        BackupError { name: path.display().to_string(), record: None, fault: self }
    }
}
