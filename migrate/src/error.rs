//! Why a migration has failed.

use std::error::Error;
use std::{fmt, io};

use tokio::task::JoinError;
use weir_registry::log::{AppendError, LogError};
use weir_registry_api::{SchemaId, Subject, Version};
use weir_registry_core::record::Unreadable;
use weir_serde::ClientError;

use crate::backup_error::BackupError;
use crate::failure::Failure;
use crate::place::{Place, Store};

/// Why a migration has failed. Its text is for whoever has started it.
#[derive(Debug)]
#[non_exhaustive]
pub enum MigrateError {
    /// A place cannot be read a second time, to be compared.
    ReadOnce(Place),
    /// The target holds something.
    NotEmpty(Place),
    /// The file that a dump is to be written to has something in it.
    Exists(Store),
    /// The target knows no contexts, and subjects of the source are in some.
    KnowsNoContexts { source: Box<Place>, target: Box<Place>, subjects: usize },
    /// Something could not be copied. What, is on stderr.
    Incomplete,
    /// A comparison has found differences. Which, is on stdout.
    Different { source: Box<Place>, target: Box<Place>, places: usize },
    /// A client of a registry cannot be made: its URL or the certificates are wrong.
    Client { url: String, error: ClientError },
    /// A registry has not answered a request as it was to.
    Request(Failure),
    /// Nothing at a URL answers as a registry does.
    NoRegistry { url: String, failure: Failure },
    /// The target's modes cannot be set, so that it takes no ids.
    CannotImport(Failure),
    /// The target was being filled, and is in mode IMPORT still.
    Unfinished(Box<MigrateError>),
    /// The target does not take a version.
    Version { subject: Subject, version: Version, id: SchemaId, failure: Failure },
    /// The target has given a version another id.
    OtherId { subject: Subject, version: Version, id: SchemaId, given: SchemaId },
    /// The target does not take the associations of a resource.
    Associations { resource: String, failure: Failure },
    /// What a registry has answered makes no record.
    Answer(Unreadable),
    /// A file cannot be read or written.
    File { name: String, error: io::Error },
    /// A dump is none.
    Dump { name: String, line: Option<u64>, error: DumpError },
    /// A backup of Karapace's V3 is none.
    Backup(BackupError),
    /// A folder has no data of Weir's.
    NoData(Store),
    /// A log cannot be opened or read. The text says which.
    Log(LogError),
    /// A topic cannot be opened or taken over.
    Topic { topic: Store, error: LogError },
    /// Registries use the topic that is to be written.
    OtherRegistries { topic: Store, others: Vec<String> },
    /// A log has taken so many records and no more.
    Append { taken: u64, error: AppendError },
    /// The thread that copies has panicked.
    Panicked(JoinError),
}

/// Why a line, or the whole, of a dump cannot be understood.
#[derive(Debug)]
#[non_exhaustive]
pub enum DumpError {
    /// It is not the JSON that it is to be.
    Json(serde_json::Error),
    /// What is to be base64 is not.
    Base64(base64::DecodeError),
    /// A record has neither a key nor null in its place.
    NoKey,
    /// The file is one of several of Karapace's backup V3.
    PartOfBackup,
    /// Karapace's backup V1 is not the JSON that it is to be.
    BackupV1(serde_json::Error),
    /// A line of Karapace's backup V2 is not as it is to be.
    Hex,
    /// A line of `kafka-console-consumer` has no key.
    Console,
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnce(place) => {
                write!(f, "{place} cannot be read again to be compared; say a file's name")
            }
            Self::NotEmpty(place) => {
                write!(f, "{place} is not empty; --force copies to it all the same")
            }
            Self::Exists(file) => {
                write!(f, "{file}: it is there already; --force writes a new one in its place")
            }
            Self::KnowsNoContexts { source, target, subjects } => write!(
                f,
                "{target} knows no contexts, and {subjects} subjects of {source} are in some: each context \
                 numbers its schemas for itself, so their ids would take the place of others. Copy to a \
                 registry that knows contexts; --contexts-as-names copies all the same"
            ),
            Self::Incomplete => f.write_str("what was not copied is missing in the target"),
            Self::Different { source, target, places } => {
                write!(f, "{source} and {target} differ in {places} places")
            }
            Self::Client { url, error } => write!(f, "{url}: {error}"),
            Self::Request(failure) => failure.fmt(f),
            Self::NoRegistry { url, failure } => write!(
                f,
                "{failure}: there is no registry at {url}; is a part of its path missing?"
            ),
            Self::CannotImport(failure) => write!(
                f,
                "{failure}: the modes of this registry cannot be set, and it cannot import; its topic can be written"
            ),
            Self::Unfinished(why) => write!(
                f,
                "{why}\nThe target is in mode IMPORT still; --force goes on where this ended"
            ),
            Self::Version { subject, version, id, failure } => {
                write!(f, "{subject} version {version} (id {id}): {failure}")
            }
            Self::OtherId { subject, version, id, given } => write!(
                f,
                "{subject} version {version} (id {id}): the target has given it the id {given}"
            ),
            Self::Associations { resource, failure } => {
                write!(f, "associations of {resource}: {failure}")
            }
            Self::Answer(why) => why.fmt(f),
            Self::File { name, error } => write!(f, "{name}: {error}"),
            Self::Dump { name, line: None, error } => write!(f, "{name}: {error}"),
            Self::Dump { name, line: Some(line), error } => {
                write!(f, "{name}: line {line}: {error}")
            }
            Self::Backup(error) => error.fmt(f),
            Self::NoData(folder) => write!(f, "{folder}: there is no data of weir's"),
            Self::Log(error) => error.fmt(f),
            Self::Topic { topic, error } => write!(f, "{topic}: {error}"),
            Self::OtherRegistries { topic, others } => write!(
                f,
                "{topic}: another registry is there: {}. Stop it first; --force writes all the same, if it \
                 writes another topic",
                others.join(", ")
            ),
            Self::Append { error: AppendError::Conflict, .. } => {
                f.write_str("somebody else writes to the target")
            }
            Self::Append { taken, error } => {
                write!(f, "the target took {taken} records, then: {error}")
            }
            Self::Panicked(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(error) => return error.fmt(f),
            Self::Base64(error) => return write!(f, "base64: {error}"),
            Self::BackupV1(error) => return write!(f, "Karapace's backup V1: {error}"),
            Self::NoKey => "there is no key",
            Self::PartOfBackup => {
                "this is a part of Karapace's backup V3: name the folder that it is in"
            }
            Self::Hex => "expected two runs of hexadecimal digits with a tab between",
            Self::Console => "expected a key and a value with a tab between",
        })
    }
}

impl Error for MigrateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Client { error, .. } => Some(error),
            Self::Request(failure)
            | Self::NoRegistry { failure, .. }
            | Self::CannotImport(failure)
            | Self::Version { failure, .. }
            | Self::Associations { failure, .. } => failure.source(),
            Self::Unfinished(why) => Some(why),
            Self::File { error, .. } => Some(error),
            Self::Dump { error, .. } => error.source(),
            Self::Backup(error) => error.source(),
            Self::Topic { error, .. } => Some(error),
            Self::Panicked(error) => Some(error),
            _ => None,
        }
    }
}

impl Error for DumpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Json(error) | Self::BackupV1(error) => Some(error),
            Self::Base64(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> MigrateError {
        MigrateError::Request(failure)
    }
}

impl From<Unreadable> for MigrateError {
    fn from(why: Unreadable) -> MigrateError {
        MigrateError::Answer(why)
    }
}

impl From<LogError> for MigrateError {
    fn from(error: LogError) -> MigrateError {
        MigrateError::Log(error)
    }
}
