//! Compatibility levels and modes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which versions a new schema is compared with, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CompatibilityLevel {
    None,
    /// The new schema reads what the latest wrote.
    #[default]
    Backward,
    BackwardTransitive,
    /// The latest schema reads what the new one writes.
    Forward,
    ForwardTransitive,
    /// BACKWARD and FORWARD.
    Full,
    FullTransitive,
}

impl CompatibilityLevel {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// Returns true if all versions count, and not the latest alone.
    pub fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    pub fn new_reads_old(self) -> bool {
        matches!(
            self,
            Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive
        )
    }

    pub fn old_reads_new(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive)
    }
}

/// A name is not that of a compatibility level: 42203.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCompatibilityLevel;

impl FromStr for CompatibilityLevel {
    type Err = InvalidCompatibilityLevel;

    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, InvalidCompatibilityLevel> {
        Ok(match text.to_ascii_uppercase().as_str() {
            "NONE" => Self::None,
            "BACKWARD" => Self::Backward,
            "BACKWARD_TRANSITIVE" => Self::BackwardTransitive,
            "FORWARD" => Self::Forward,
            "FORWARD_TRANSITIVE" => Self::ForwardTransitive,
            "FULL" => Self::Full,
            "FULL_TRANSITIVE" => Self::FullTransitive,
            _ => return Err(InvalidCompatibilityLevel),
        })
    }
}

impl fmt::Display for CompatibilityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How strictly JSON Schemas are compared: whether an open model may be narrowed by a new property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CompatibilityPolicy {
    #[default]
    Strict,
    Lenient,
    /// Confluent's, for tables in streams; here the same as STRICT.
    Logical,
}

impl CompatibilityPolicy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "STRICT",
            Self::Lenient => "LENIENT",
            Self::Logical => "LOGICAL",
        }
    }
}

/// A name is not that of a compatibility policy: 42203.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCompatibilityPolicy;

impl FromStr for CompatibilityPolicy {
    type Err = InvalidCompatibilityPolicy;

    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, InvalidCompatibilityPolicy> {
        Ok(match text.to_ascii_uppercase().as_str() {
            "STRICT" => Self::Strict,
            "LENIENT" => Self::Lenient,
            "LOGICAL" => Self::Logical,
            _ => return Err(InvalidCompatibilityPolicy),
        })
    }
}

/// What may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    #[default]
    Readwrite,
    Readonly,
    /// An older word for READONLY.
    ReadonlyOverride,
    /// Only schemas with ids that somebody else gave them.
    Import,
    /// As IMPORT, for all contexts: schemas come from another registry.
    Forward,
}

impl Mode {
    pub fn is_read_only(self) -> bool {
        matches!(self, Mode::Readonly | Mode::ReadonlyOverride)
    }

    /// Returns true if ids and versions are given, and what is registered is taken as it is.
    pub fn is_import(self) -> bool {
        matches!(self, Mode::Import | Mode::Forward)
    }
}

/// A name is not that of a mode: 42204.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMode;

impl FromStr for Mode {
    type Err = InvalidMode;

    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        Ok(match text.to_ascii_uppercase().as_str() {
            "READWRITE" => Mode::Readwrite,
            "READONLY" => Mode::Readonly,
            "READONLY_OVERRIDE" => Mode::ReadonlyOverride,
            "IMPORT" => Mode::Import,
            "FORWARD" => Mode::Forward,
            _ => return Err(InvalidMode),
        })
    }
}
