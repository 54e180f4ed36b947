//! One sentence to the author of the submitted schema: what makes it compatible. They can change
//! their own schema and not the registered one, so the advice depends on which side is theirs.

use super::difference::DifferenceType::{self, *};
use super::difference::Template;
use crate::Side;

/// What to do about a difference at `path`, if `submitted` is the side that can still change.
pub(super) fn sentence(kind: DifferenceType, path: &str, submitted: Side) -> String {
    let advice = match submitted {
        Side::Reader => of_reader(kind),
        Side::Writer => of_writer(kind),
    };
    advice.replace("{path}", path)
}

/// The submitted schema reads: it must accept all that the registered one accepts.
fn of_reader(kind: DifferenceType) -> &'static str {
    match kind {
        RequiredAttributeAdded => {
            "Take the property at '{path}' out of `required`, or give it a `default`."
        }
        SchemaAdded => "Remove the schema at '{path}', which the registered schema does not have.",
        TypeNarrowed => "Keep the type `number` at '{path}', which `integer` narrows.",
        CombinedTypeChanged => {
            "Keep the keyword of the combination at '{path}' (`allOf`, `anyOf` or `oneOf`), or make it an `anyOf`."
        }
        CombinedTypeSubschemasChanged => {
            "Keep for every branch at '{path}' of the registered schema one that accepts the same."
        }
        EnumArrayChanged | EnumArrayNarrowed => {
            "Keep all the values at '{path}' that the registered schema allows; more may be added."
        }
        SumTypeNarrowed => "Keep all the branches at '{path}' that the registered schema has.",
        ProductTypeExtended => "Remove the branches at '{path}' that were added to the `allOf`.",
        NotTypeExtended => "Let the `not` at '{path}' exclude no more than it did.",
        DependencyArrayExtended | DependencyArrayChanged => {
            "Demand no more properties at '{path}' than the registered schema does."
        }
        PatternChanged => "Keep the pattern at '{path}', or remove it.",
        MultipleOfChanged | MultipleOfExpanded => {
            "Keep the value at '{path}', or make it a divisor of what it was."
        }
        kind => match kind.template() {
            Template::Added => {
                "Remove the restriction at '{path}', which the registered schema does not have."
            }
            Template::More => "Lower the value at '{path}' to what it was, or remove it.",
            Template::Less => "Raise the value at '{path}' to what it was, or remove it.",
            Template::Narrowed => "Allow at '{path}' all that the registered schema allows.",
            Template::Type => {
                "Keep the type at '{path}', or make it an `anyOf` of the old and the new one."
            }
            Template::Open => {
                "Give the property or item at '{path}' an empty schema, or leave it out: the registered schema is open, so data may hold anything there already."
            }
            Template::Unopen => "Make the property at '{path}' optional, or give it a `default`.",
            Template::Closed => {
                "Keep the property or item at '{path}', or open the schema that it is in to others."
            }
            Template::RemovedUncovered => {
                "Keep the property or item at '{path}', or allow its type among the additional ones."
            }
            Template::AddedUncovered => {
                "Give the property or item at '{path}' a schema that accepts what the registered schema allows there."
            }
            Template::Different | Template::Extended | Template::Silent => {
                "Keep what is at '{path}' as the registered schema has it."
            }
        },
    }
}

/// The submitted schema writes: the registered one must accept all that it accepts.
fn of_writer(kind: DifferenceType) -> &'static str {
    match kind {
        RequiredAttributeAdded => {
            "Keep the property at '{path}' in `required`, as the registered schema demands it."
        }
        SchemaAdded => "Keep the schema at '{path}' that the registered schema has.",
        TypeNarrowed => "Keep the type `integer` at '{path}', which `number` widens.",
        CombinedTypeChanged => {
            "Keep the keyword of the combination at '{path}' (`allOf`, `anyOf` or `oneOf`)."
        }
        CombinedTypeSubschemasChanged => {
            "Let every branch at '{path}' be one that the registered schema has a branch for."
        }
        EnumArrayChanged | EnumArrayNarrowed => {
            "Allow no values at '{path}' but those of the registered schema."
        }
        SumTypeNarrowed => "Remove the branches at '{path}' that the registered schema has not.",
        ProductTypeExtended => "Keep all the branches at '{path}' of the registered `allOf`.",
        NotTypeExtended => "Let the `not` at '{path}' still exclude all that it excluded.",
        DependencyArrayExtended | DependencyArrayChanged => {
            "Demand at '{path}' all the properties that the registered schema demands."
        }
        PatternChanged => "Keep the pattern at '{path}'.",
        MultipleOfChanged | MultipleOfExpanded => {
            "Keep the value at '{path}', or make it a multiple of what it was."
        }
        kind => match kind.template() {
            Template::Added => "Keep the restriction at '{path}' that the registered schema has.",
            Template::More => "Raise the value at '{path}' to at least what it was.",
            Template::Less => "Lower the value at '{path}' to at most what it was.",
            Template::Narrowed => "Allow at '{path}' no more than the registered schema allows.",
            Template::Type => "Keep the type at '{path}', or allow no more than it did.",
            Template::Open => {
                "Keep the property or item at '{path}', or close the schema that it is in: an open one may hold anything there."
            }
            Template::Unopen => {
                "Keep the property at '{path}', which the registered schema demands."
            }
            Template::Closed => {
                "Leave out the property or item at '{path}': the registered schema is closed to it."
            }
            Template::RemovedUncovered => {
                "Give the property or item at '{path}' a type that the registered schema allows among the additional ones, or leave it out."
            }
            Template::AddedUncovered => {
                "Keep the property or item at '{path}', or allow there no more than the registered schema does."
            }
            Template::Different | Template::Extended | Template::Silent => {
                "Keep what is at '{path}' as the registered schema has it."
            }
        },
    }
}
