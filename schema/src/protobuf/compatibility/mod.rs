//! Can data that was written with one schema be read with another? All reasons why not, with
//! Confluent's rules, paths and messages. Source: Confluent `SchemaDiff`, `Difference`.

mod compare;
mod field;
mod fix;
mod message;
mod rule;

use super::Schema;
use crate::Side;
use crate::budget::{Budget, Listed};
pub use rule::Rule;

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
    /// What it has in texts.
    fn bytes(&self) -> usize {
        let of = |place: &Place| {
            place.path.len() + place.name.as_ref().map_or(0, String::len) + place.what.len()
        };
        self.path.len() + of(&self.reader) + of(&self.writer)
    }

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

/// All reasons why `reader` cannot read what `writer` wrote, as many as are listed; none if it can.
/// The work is linear in the size of both schemas.
pub fn compatibility(reader: &Schema, writer: &Schema) -> Vec<Incompatibility> {
    compatibility_within(reader, writer, &Budget::default()).items
}

/// As `compatibility` does, within a budget, and how many are not listed. Once the budget is used up there is no
/// verdict, whatever is returned.
pub fn compatibility_within(
    reader: &Schema,
    writer: &Schema,
    budget: &Budget,
) -> Listed<Incompatibility> {
    compare::compare(reader, writer, budget, |difference| !difference.is_compatible())
}

/// All differences between two schemas, those that do no harm too, as many as are listed.
pub fn differences(reader: &Schema, writer: &Schema) -> Vec<Difference> {
    compare::compare(reader, writer, &Budget::default(), |_| true).items
}
