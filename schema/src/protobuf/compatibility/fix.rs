//! What an author can do about a difference, in one sentence.

use super::rule::Rule;
use super::{Difference, Place};
use crate::Side;

/// The sentence for the author of the submitted schema.
pub fn fix(difference: &Difference, submitted: Side) -> String {
    let Difference { rule, path, reader, writer } = difference;
    let (own, other) = match submitted {
        Side::Reader => (reader, writer),
        Side::Writer => (writer, reader),
    };
    let number = path.rsplit('/').next().unwrap_or_default();
    let field = named(number, own, other);
    let what = &other.what;
    match (rule, submitted) {
        (Rule::PackageChanged, _) if what.is_empty() => {
            "Leave out the package: the other schema has none.".to_string()
        }
        (Rule::PackageChanged, _) => format!("Use the package `{what}`, as the other schema does."),
        (Rule::MessageRemoved, Side::Reader) => {
            format!("Keep the message `{number}`, even if nothing uses it any more.")
        }
        (Rule::MessageRemoved, Side::Writer) => {
            format!("Leave out the message `{number}`, which the other schema does not have.")
        }
        (Rule::FieldNamedTypeChanged, _) if own.what == *what => {
            format!(
                "Import a version of `{what}` that is compatible with the one of the other schema."
            )
        }
        (
            Rule::FieldKindChanged | Rule::FieldScalarKindChanged | Rule::FieldNamedTypeChanged,
            _,
        ) => format!(
            "Give field {field} the type `{what}`, as in the other schema, and use a new number for another type."
        ),
        (Rule::FieldNumericLabelChanged, _) => format!(
            "Make field {field} `{what}`, as in the other schema, or use a new number for it."
        ),
        (Rule::RequiredFieldAdded, Side::Reader) => {
            format!("Make the new field {field} `optional`.")
        }
        (Rule::RequiredFieldAdded, Side::Writer) => {
            format!("Keep field {field}, which the other schema requires.")
        }
        (Rule::RequiredFieldRemoved, Side::Reader) => {
            format!("Keep field {field}, which the other schema requires.")
        }
        (Rule::RequiredFieldRemoved, Side::Writer) => {
            format!("Make the new field {field} `optional`.")
        }
        (Rule::OneofFieldRemoved, Side::Reader) => {
            format!("Keep field {field}, in its oneof or beside it.")
        }
        (Rule::OneofFieldRemoved, Side::Writer) => {
            format!("Leave field {field} out of the oneof: the other schema does not have it.")
        }
        (Rule::MultipleFieldsMovedToOneof | Rule::FieldMovedToExistingOneof, Side::Reader) => {
            format!(
                "Keep fields that were outside the oneof `{number}` outside of it, and use new numbers for new alternatives."
            )
        }
        (Rule::MultipleFieldsMovedToOneof | Rule::FieldMovedToExistingOneof, Side::Writer) => {
            format!(
                "Put the fields of the oneof `{number}` into one oneof, as the other schema does."
            )
        }
        _ => "Nothing has to be done.".to_string(),
    }
}

/// `3 ("total")`.
fn named(number: &str, own: &Place, other: &Place) -> String {
    match own.name.as_ref().or(other.name.as_ref()) {
        Some(name) => format!("{number} (`{name}`)"),
        None => number.to_string(),
    }
}
