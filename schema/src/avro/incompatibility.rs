//! What is wrong between a reader and a writer, in Java's words, in Confluent's, and in words to the
//! author of one of them.

use crate::Side;

/// One reason why a reader cannot read what a writer wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incompatibility {
    pub kind: IncompatibilityKind,
    /// A JSON pointer into the reader's schema, or the writer's where only that has the place.
    pub path: String,
    pub message: String,
    /// The place, or the nearest around it, in either schema.
    pub(super) reader_path: String,
    pub(super) writer_path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncompatibilityKind {
    NameMismatch,
    FixedSizeMismatch,
    MissingEnumSymbols,
    ReaderFieldMissingDefaultValue,
    TypeMismatch,
    MissingUnionBranch,
}

impl IncompatibilityKind {
    /// The name on the wire: `"NAME_MISMATCH"`, ...
    pub fn name(self) -> &'static str {
        match self {
            Self::NameMismatch => "NAME_MISMATCH",
            Self::FixedSizeMismatch => "FIXED_SIZE_MISMATCH",
            Self::MissingEnumSymbols => "MISSING_ENUM_SYMBOLS",
            Self::ReaderFieldMissingDefaultValue => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::MissingUnionBranch => "MISSING_UNION_BRANCH",
        }
    }
}

impl Incompatibility {
    /// What it has in texts.
    pub(super) fn bytes(&self) -> usize {
        self.path.len() + self.message.len() + self.reader_path.len() + self.writer_path.len()
    }

    /// The broken rule.
    pub fn rule(&self) -> &'static str {
        self.kind.name()
    }

    /// A JSON pointer into the reader's schema.
    pub fn reader_path(&self) -> &str {
        &self.reader_path
    }

    /// A JSON pointer into the writer's schema.
    pub fn writer_path(&self) -> &str {
        &self.writer_path
    }

    /// What the author of one of the schemas can do, who cannot change the other.
    pub fn fix(&self, submitted: Side) -> String {
        use IncompatibilityKind as Kind;
        let message = &self.message;
        match (self.kind, submitted) {
            (Kind::NameMismatch, Side::Reader) => {
                let name = message.trim_start_matches("expected: ");
                format!("Keep the name {name}, or give the type the alias {name}.")
            }
            (Kind::NameMismatch, Side::Writer) => "Keep the name that the type had.".into(),
            (Kind::FixedSizeMismatch, _) => "Keep the size that the fixed type had.".into(),
            (Kind::MissingEnumSymbols, Side::Reader) => {
                format!("Keep the symbols {message}, or give the enum a default.")
            }
            (Kind::MissingEnumSymbols, Side::Writer) => {
                format!("Leave out the symbols {message}: the other enum has no default for them.")
            }
            (Kind::ReaderFieldMissingDefaultValue, Side::Reader) => {
                format!("Give the field '{message}' a default.")
            }
            (Kind::ReaderFieldMissingDefaultValue, Side::Writer) => {
                format!("Keep the field '{message}': the other schema has no default for it.")
            }
            (Kind::TypeMismatch, Side::Reader) => {
                format!("Keep the type, or choose one that reads it: {message}.")
            }
            (Kind::TypeMismatch, Side::Writer) => {
                format!("Keep the type, or choose one that can be read: {message}.")
            }
            (Kind::MissingUnionBranch, Side::Reader) => {
                format!("Put the missing branch into the union: {message}.")
            }
            (Kind::MissingUnionBranch, Side::Writer) => {
                format!("Write no such branch: {message}.")
            }
        }
    }

    /// The reason as a registry prints it in verbose answers. `reader` and `writer` say which of
    /// the two is the `new` schema and which the `old`.
    pub fn describe(&self, reader: &str, writer: &str) -> String {
        let path = &self.path;
        let message = &self.message;
        let description = match self.kind {
            IncompatibilityKind::NameMismatch => {
                format!("The name of the schema has changed (path '{path}')")
            }
            IncompatibilityKind::FixedSizeMismatch => format!(
                "The size of FIXED type field at path '{path}' in the {reader} schema does not match with the {writer} schema"
            ),
            IncompatibilityKind::MissingEnumSymbols => format!(
                "The {reader} schema is missing enum symbols '{message}' at path '{path}' in the {writer} schema"
            ),
            IncompatibilityKind::ReaderFieldMissingDefaultValue => format!(
                "The field '{message}' at path '{path}' in the {reader} schema has no default value and is missing in the {writer} schema"
            ),
            IncompatibilityKind::TypeMismatch => format!(
                "The type (path '{path}') of a field in the {reader} schema does not match with the {writer} schema"
            ),
            IncompatibilityKind::MissingUnionBranch => format!(
                "The {reader} schema is missing a type inside a union field at path '{path}' in the {writer} schema"
            ),
        };
        let kind = self.kind.name();
        format!("{{errorType:'{kind}', description:'{description}', additionalInfo:'{message}'}}")
    }
}
