//! What the registry's things are called: subjects, versions, ids, guids.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use md5::{Digest, Md5};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::RegistryError;
use crate::wire::Reference;

/// The name under which the versions of one schema stand. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Subject(Arc<str>);

/// Bytes that a subject may have: four times Kafka's longest topic name, for record names beside it.
pub const SUBJECT_BYTES_MAX: usize = 1024;

impl Subject {
    /// Refuses control characters, the names that stand for no subject, and names too long to be
    /// meant: 42208.
    pub fn new(name: &str) -> Result<Subject, RegistryError> {
        let reserved = name == "__GLOBAL" || name == "__EMPTY";
        if reserved || name.chars().any(char::is_control) || name.len() > SUBJECT_BYTES_MAX {
            return Err(RegistryError::InvalidSubject { subject: name.into() });
        }
        Ok(Subject(name.into()))
    }

    /// A name as it stands in the log, whatever it is.
    pub fn stored(name: &str) -> Subject {
        Subject(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(Subject(Arc::from(String::deserialize(input)?)))
    }
}

/// A schema's number, `1 ..= 2^31 - 1`; the same text has the same id in every subject.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct SchemaId(pub u32);

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A version of a subject, `1 ..= 2^31 - 1`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Version(pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A version as requests name it: a number, `latest` or `-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionSpec {
    Number(Version),
    Latest,
}

impl FromStr for VersionSpec {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("latest") || trimmed == "-1" {
            return Ok(VersionSpec::Latest);
        }
        match trimmed.parse::<u32>() {
            Ok(number) if (1..=i32::MAX as u32).contains(&number) => {
                Ok(VersionSpec::Number(Version(number)))
            }
            _ => Err(RegistryError::InvalidVersion { version: text.into() }),
        }
    }
}

impl fmt::Display for VersionSpec {
    /// The number, or -1, which is how the reference prints `latest` in its errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionSpec::Number(version) => version.fmt(f),
            VersionSpec::Latest => f.write_str("-1"),
        }
    }
}

/// A schema's name by its content: the same on every registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// MD5 of the canonical text, then of each reference's name, subject and version.
    pub fn of(text: &str, references: &[Reference]) -> Guid {
        let mut hash = Md5::new();
        hash.update(text.as_bytes());
        for reference in references {
            hash.update(reference.name.as_bytes());
            hash.update(reference.subject.as_str().as_bytes());
            hash.update(reference.version.to_be_bytes());
        }
        Guid(hash.finalize().into())
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Guid {
    type Err = RegistryError;

    /// A UUID, or its 32 hexadecimal digits alone.
    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let unknown = || RegistryError::SchemaIdNotFound { id: text.into() };
        let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
        let digits = std::str::from_utf8(&digits).map_err(|_| unknown())?;
        if digits.len() != 32 || !digits.is_ascii() {
            return Err(unknown());
        }
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).map_err(|_| unknown())?;
        }
        Ok(Guid(bytes))
    }
}

impl Serialize for Guid {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_the_references_own() {
        let guid = Guid::of("\"string\"", &[]);
        assert_eq!(guid.to_string(), "095d71cf-1255-6b9d-5e33-0ad575b3df5d");
        assert_eq!("095D71CF12556B9D5E330AD575B3DF5D".parse::<Guid>().unwrap(), guid);
    }

    #[test]
    fn versions_are_positive_numbers_or_latest() {
        assert_eq!(" Latest ".parse::<VersionSpec>().unwrap(), VersionSpec::Latest);
        assert_eq!("-1".parse::<VersionSpec>().unwrap(), VersionSpec::Latest);
        for wrong in ["0", "-2", "abc", "2147483648", "1.0", ""] {
            assert!(wrong.parse::<VersionSpec>().is_err(), "{wrong}");
        }
    }
}
