//! Where a value comes from, and the layers that this makes: a later one wins.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// No layer has a value.
    Default,
    /// A value follows from another setting, whose key this is.
    Implied(&'static str),
    /// A place in a file; lines and columns count from 1, columns in characters.
    File { path: Arc<Path>, line: usize, column: usize },
    /// A property of one of Confluent's files, and its line, from 1.
    Properties { path: Arc<Path>, line: usize, name: String },
    /// A variable that Confluent's images have.
    Confluent(String),
    /// One of Weir's own variables.
    Variable(String),
    /// A flag, without its dashes.
    Flag(&'static str),
}

/// What wins over what. The order of the variants is that of the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Default,
    File,
    Properties,
    Confluent,
    Variable,
    Flag,
}

impl Source {
    /// Returns true of a setting of one of Confluent's servers.
    pub fn is_confluents(&self) -> bool {
        matches!(self, Source::Properties { .. } | Source::Confluent(_))
    }

    pub fn layer(&self) -> Layer {
        match self {
            Source::Default | Source::Implied(_) => Layer::Default,
            Source::File { .. } => Layer::File,
            Source::Properties { .. } => Layer::Properties,
            Source::Confluent(_) => Layer::Confluent,
            Source::Variable(_) => Layer::Variable,
            Source::Flag(_) => Layer::Flag,
        }
    }
}

/// Files are shown with the line only; problems add the column.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::Implied(key) => write!(f, "follows from {key}"),
            Source::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Source::Properties { path, line, name } => {
                write!(f, "{}:{line}: {name}", path.display())
            }
            Source::Confluent(name) | Source::Variable(name) => f.write_str(name),
            Source::Flag(name) => write!(f, "--{name}"),
        }
    }
}
