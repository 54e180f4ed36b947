//! Can data that was written with one schema be read with another? All reasons why not, with
//! Confluent's rules, paths and messages. Source: Confluent `SchemaDiff`, `Difference`.

mod compare;
mod field;
mod fix;
mod message;
mod rule;

use super::Schema;
use crate::Side;
pub use rule::Rule;

/// How many differences are listed. Shared types can make their number exponential.
const LISTED_MAX: usize = 10_000;

/// One way in which two schemas differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    rule: Rule,
    path: String,
    reader: Place,
    writer: Place,
}

/// A difference that keeps the reader from reading what the writer wrote.
pub type Incompatibility = Difference;

/// What one of two schemas has where they differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// The nearest place that exists in this schema's own text.
    path: String,
    /// The name of the field, message, ... there, if there is one.
    name: Option<String>,
    /// What differs: a type, a label, a package.
    what: String,
}

impl Difference {
    /// The rule's name on the wire: `"FIELD_SCALAR_KIND_CHANGED"`.
    pub fn rule(&self) -> &'static str {
        self.rule.name()
    }

    /// Where, as a registry prints it: `"#/MyMessage/3"`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The nearest place that the reader has.
    pub fn reader_path(&self) -> &str {
        &self.reader.path
    }

    /// The nearest place that the writer has.
    pub fn writer_path(&self) -> &str {
        &self.writer.path
    }

    /// Whether the reader can read what the writer wrote in spite of it.
    pub fn is_compatible(&self) -> bool {
        self.rule.is_compatible()
    }

    /// The reason as a registry prints it in verbose answers. The words say which of the two is
    /// the `new` schema and which the `old`.
    pub fn describe(&self, reader_word: &str, writer_word: &str) -> String {
        let description = self.rule.description(&self.path, reader_word, writer_word);
        format!("{{errorType:\"{}\", description:\"{description}\"}}", self.rule())
    }

    /// What the author of the submitted schema can do, in one sentence. The other one is stored
    /// and stays.
    pub fn fix(&self, submitted: Side) -> String {
        fix::fix(self, submitted)
    }
}

/// All reasons why `reader` cannot read what `writer` wrote, up to ten thousand; none if it can.
/// The work is linear in the size of both schemas.
pub fn compatibility(reader: &Schema, writer: &Schema) -> Vec<Incompatibility> {
    compare::compare(reader, writer, |difference| !difference.is_compatible())
}

/// All differences between two schemas, those that do no harm too.
pub fn differences(reader: &Schema, writer: &Schema) -> Vec<Difference> {
    compare::compare(reader, writer, |_| true)
}
