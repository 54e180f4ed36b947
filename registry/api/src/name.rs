//! What the registry's things are called: subjects, versions, ids, guids.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// A context's name: `.` is the default one, the others are a dot and more, such as `.staging`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Context(Arc<str>);

/// A name cannot be a context's: 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidContext {
    pub name: String,
}

/// The context of configuration and modes that hold wherever nothing nearer says otherwise.
const GLOBAL_CONTEXT: &str = ".__GLOBAL";

impl Context {
    /// A context's name as requests give it, with its dot or without. Refuses colons and control characters.
    pub fn new(name: &str) -> Result<Context, InvalidContext> {
        if name.contains(':') || name.chars().any(char::is_control) {
            return Err(InvalidContext { name: name.into() });
        }
        Ok(if name.starts_with('.') {
            Context(name.into())
        } else {
            Context(format!(".{name}").into())
        })
    }

    pub fn is_default(&self) -> bool {
        &*self.0 == "."
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A subject of this context.
    pub fn subject(&self, name: &str) -> Subject {
        if self.is_default() {
            Subject(name.into())
        } else {
            Subject(format!(":{self}:{name}").into())
        }
    }

    /// The context as the subject whose configuration and mode are the context's own; none is the
    /// default context.
    pub fn scope(&self) -> Option<Subject> {
        (!self.is_default()).then(|| self.subject(""))
    }
}

impl Borrow<str> for Context {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Default for Context {
    fn default() -> Self {
        Context(".".into())
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name under which the versions of one schema stand, `:.context:name`, or the name alone in
/// the default context. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Subject(Arc<str>);

/// A name cannot be a subject's: 42208.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSubject {
    pub name: String,
}

/// Bytes that a subject may have: four times Kafka's longest topic name, for record names beside it.
pub const SUBJECT_BYTES_MAX: usize = 1024;

impl Subject {
    /// Refuses control characters, the names that stand for no subject, and names too long to be
    /// meant.
    pub fn new(name: &str) -> Result<Subject, InvalidSubject> {
        let subject = Subject::written(name);
        let (context, own) = subject.parts();
        // `:*:` is how lists say all contexts
        let reserved = own == "__GLOBAL"
            || own == "__EMPTY"
            || context == GLOBAL_CONTEXT
            || name.starts_with(":*:");
        if reserved || name.chars().any(char::is_control) || name.len() > SUBJECT_BYTES_MAX {
            return Err(InvalidSubject { name: name.into() });
        }
        Ok(subject)
    }

    /// What configuration and modes are set for: a subject, a context (`:.context:`), all contexts
    /// (`:.__GLOBAL:`), or none for the default context (`:.:`).
    pub fn scope(name: &str) -> Option<Subject> {
        let scope = Subject::written(name);
        (name.is_empty() || scope.parts() != (".", "")).then_some(scope)
    }

    /// A scope that may be given configuration or a mode.
    pub fn settable(self) -> Result<Subject, InvalidSubject> {
        if self.parts().0 == GLOBAL_CONTEXT {
            return Ok(self);
        }
        Subject::new(self.as_str())
    }

    /// The scope around all contexts.
    pub fn global() -> Subject {
        Subject(format!(":{GLOBAL_CONTEXT}:").into())
    }

    pub fn is_global(&self) -> bool {
        self.parts() == (GLOBAL_CONTEXT, "")
    }

    /// A name as it stands in the log, whatever it is.
    pub fn stored(name: &str) -> Subject {
        Subject(name.into())
    }

    /// A name in its one form, unchecked: the default context is left out, and a context without a
    /// name has its colon.
    pub fn written(name: &str) -> Subject {
        // as often as it stands there: what is written again stays as it is, and is one name to access control
        let name = name.trim_start_matches(":.:");
        match name.strip_prefix(":.") {
            Some("") => Subject("".into()),
            Some(rest) if !rest.contains(':') => Subject(format!("{name}:").into()),
            _ => Subject(name.into()),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The context's name and the subject's own.
    pub fn parts(&self) -> (&str, &str) {
        match self.0.strip_prefix(':').filter(|rest| rest.starts_with('.')) {
            Some(rest) => rest.split_once(':').unwrap_or((rest, "")),
            None => (".", &self.0),
        }
    }

    pub fn context(&self) -> Context {
        Context(self.parts().0.into())
    }

    pub fn is_in_default_context(&self) -> bool {
        !self.0.starts_with(":.")
    }

    /// The subject as another one of `parent`'s context means it: an unqualified name is in there.
    pub fn beside(&self, parent: &Subject) -> Subject {
        if self.0.starts_with(":.") || parent.is_in_default_context() {
            return self.clone();
        }
        parent.context().subject(&self.0)
    }

    /// The context as errors name it: nothing for the default one.
    pub fn context_shown(&self) -> String {
        match self.parts().0 {
            "." => String::new(),
            context => format!(":{context}:"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(Subject::written(&Cow::<str>::deserialize(input)?))
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

/// A text is not a version's: 42202.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVersion {
    pub text: String,
}

impl FromStr for VersionSpec {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("latest") {
            return Ok(VersionSpec::Latest);
        }
        match trimmed.parse::<i32>() {
            Ok(-1) => Ok(VersionSpec::Latest),
            Ok(number) if number > 0 => Ok(VersionSpec::Number(Version(number as u32))),
            _ => Err(InvalidVersion { text: text.into() }),
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

/// A text is not a guid's, so that there is no schema of that guid: 40403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGuid {
    pub text: String,
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut [0; 36]))
    }
}

impl FromStr for Guid {
    type Err = InvalidGuid;

    /// Reads a UUID, or its 32 hexadecimal digits alone.
    fn from_str(text: &str) -> Result<Self, InvalidGuid> {
        let unknown = || InvalidGuid { text: text.into() };
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
        out.serialize_str(uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut [0; 36]))
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
    fn a_guid_is_read_with_hyphens_or_without() {
        let guid: Guid = "095D71CF12556B9D5E330AD575B3DF5D".parse().unwrap();
        assert_eq!(guid.to_string(), "095d71cf-1255-6b9d-5e33-0ad575b3df5d");
        assert_eq!(guid.to_string().parse(), Ok(guid));
        for wrong in ["", "095d71cf", "095D71CF12556B9D5E330AD575B3DF5G"] {
            assert!(wrong.parse::<Guid>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_subject_is_a_context_and_a_name() {
        for (given, written, context, own) in [
            ("orders", "orders", ".", "orders"),
            (":.:orders", "orders", ".", "orders"),
            (":.eu:orders", ":.eu:orders", ".eu", "orders"),
            (":.eu:a:b", ":.eu:a:b", ".eu", "a:b"),
            (":.eu", ":.eu:", ".eu", ""),
            (":orders", ":orders", ".", ":orders"),
            ("a:.b:c", "a:.b:c", ".", "a:.b:c"),
            ("", "", ".", ""),
        ] {
            let subject = Subject::new(given).unwrap();
            assert_eq!(subject.as_str(), written);
            assert_eq!(subject.parts(), (context, own), "{given}");
        }
        for wrong in ["__GLOBAL", ":.eu:__EMPTY", ":.__GLOBAL:", ":.__GLOBAL:orders", "a\nb"] {
            assert!(Subject::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_is_written_again_stays_as_it_is() {
        for (given, written) in [
            (":.::.:orders", "orders"),
            (":.::.eu:orders", ":.eu:orders"),
            (":.::.eu", ":.eu:"),
            (":.::.", ""),
            (":.:.", "."),
            (":.eu::.us:a", ":.eu::.us:a"),
        ] {
            let subject = Subject::written(given);
            assert_eq!(subject.as_str(), written, "{given}");
            assert_eq!(Subject::written(subject.as_str()), subject, "{given}");
        }
    }

    #[test]
    fn an_unqualified_name_is_in_the_context_of_its_parent() {
        let parent = Subject::new(":.eu:orders").unwrap();
        let beside = |name: &str| Subject::new(name).unwrap().beside(&parent).to_string();
        assert_eq!(beside("money"), ":.eu:money");
        assert_eq!(beside(":.us:money"), ":.us:money");
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
