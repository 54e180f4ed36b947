//! Copies a schema registry from any place that holds one to any other, and compares the two.
//!
//! A place of records (a topic, a folder, a dump) gives its records as they are, so that what is copied
//! from one to another is the log itself. A running registry has only what it shows: it is walked, and
//! filled through its mode IMPORT.
//!
//! `weir migrate` is this library with flags; [`run`] prints what it prints.

mod api;
mod backup_error;
mod backup_v3;
mod contents;
mod copy;
mod dump;
mod error;
mod failure;
mod foreign;
mod import;
mod line;
mod live;
mod options;
mod place;
mod progress;
mod reach;
mod records;
mod verify;

pub use backup_error::BackupError;
pub use copy::run;
pub use error::{DumpError, MigrateError};
pub use failure::Failure;
pub use options::{Comparison, Options};
pub use place::{Place, PlaceError, Store};
