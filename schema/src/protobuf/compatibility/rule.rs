//! The kinds of differences, whether they do harm, and their words.
//! Source: Confluent `Difference.Type`, `SchemaDiff#COMPATIBLE_CHANGES`, `Difference#error`.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    PackageChanged,
    MessageAdded,
    MessageRemoved,
    MessageMoved,
    EnumAdded,
    EnumRemoved,
    EnumConstAdded,
    EnumConstChanged,
    EnumConstRemoved,
    FieldAdded,
    FieldRemoved,
    FieldNameChanged,
    FieldKindChanged,
    FieldScalarKindChanged,
    FieldNamedTypeChanged,
    FieldNumericLabelChanged,
    FieldStringOrBytesLabelChanged,
    RequiredFieldAdded,
    RequiredFieldRemoved,
    OneofAdded,
    OneofRemoved,
    OneofFieldAdded,
    OneofFieldRemoved,
    OneofFieldMovedToTopLevel,
    MultipleFieldsMovedToOneof,
    FieldMovedToExistingOneof,
}

impl Rule {
    /// All of them, in Confluent's order.
    pub const ALL: &[Rule] = &[
        Rule::PackageChanged,
        Rule::MessageAdded,
        Rule::MessageRemoved,
        Rule::MessageMoved,
        Rule::EnumAdded,
        Rule::EnumRemoved,
        Rule::EnumConstAdded,
        Rule::EnumConstChanged,
        Rule::EnumConstRemoved,
        Rule::FieldAdded,
        Rule::FieldRemoved,
        Rule::FieldNameChanged,
        Rule::FieldKindChanged,
        Rule::FieldScalarKindChanged,
        Rule::FieldNamedTypeChanged,
        Rule::FieldNumericLabelChanged,
        Rule::FieldStringOrBytesLabelChanged,
        Rule::RequiredFieldAdded,
        Rule::RequiredFieldRemoved,
        Rule::OneofAdded,
        Rule::OneofRemoved,
        Rule::OneofFieldAdded,
        Rule::OneofFieldRemoved,
        Rule::OneofFieldMovedToTopLevel,
        Rule::MultipleFieldsMovedToOneof,
        Rule::FieldMovedToExistingOneof,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Rule::PackageChanged => "PACKAGE_CHANGED",
            Rule::MessageAdded => "MESSAGE_ADDED",
            Rule::MessageRemoved => "MESSAGE_REMOVED",
            Rule::MessageMoved => "MESSAGE_MOVED",
            Rule::EnumAdded => "ENUM_ADDED",
            Rule::EnumRemoved => "ENUM_REMOVED",
            Rule::EnumConstAdded => "ENUM_CONST_ADDED",
            Rule::EnumConstChanged => "ENUM_CONST_CHANGED",
            Rule::EnumConstRemoved => "ENUM_CONST_REMOVED",
            Rule::FieldAdded => "FIELD_ADDED",
            Rule::FieldRemoved => "FIELD_REMOVED",
            Rule::FieldNameChanged => "FIELD_NAME_CHANGED",
            Rule::FieldKindChanged => "FIELD_KIND_CHANGED",
            Rule::FieldScalarKindChanged => "FIELD_SCALAR_KIND_CHANGED",
            Rule::FieldNamedTypeChanged => "FIELD_NAMED_TYPE_CHANGED",
            Rule::FieldNumericLabelChanged => "FIELD_NUMERIC_LABEL_CHANGED",
            Rule::FieldStringOrBytesLabelChanged => "FIELD_STRING_OR_BYTES_LABEL_CHANGED",
            Rule::RequiredFieldAdded => "REQUIRED_FIELD_ADDED",
            Rule::RequiredFieldRemoved => "REQUIRED_FIELD_REMOVED",
            Rule::OneofAdded => "ONEOF_ADDED",
            Rule::OneofRemoved => "ONEOF_REMOVED",
            Rule::OneofFieldAdded => "ONEOF_FIELD_ADDED",
            Rule::OneofFieldRemoved => "ONEOF_FIELD_REMOVED",
            Rule::OneofFieldMovedToTopLevel => "ONEOF_FIELD_MOVED_TO_TOP_LEVEL",
            Rule::MultipleFieldsMovedToOneof => "MULTIPLE_FIELDS_MOVED_TO_ONEOF",
            Rule::FieldMovedToExistingOneof => "FIELD_MOVED_TO_EXISTING_ONEOF",
        }
    }

    pub fn is_compatible(self) -> bool {
        !matches!(
            self,
            Rule::PackageChanged
                | Rule::MessageRemoved
                | Rule::FieldKindChanged
                | Rule::FieldScalarKindChanged
                | Rule::FieldNamedTypeChanged
                | Rule::FieldNumericLabelChanged
                | Rule::RequiredFieldAdded
                | Rule::RequiredFieldRemoved
                | Rule::OneofFieldRemoved
                | Rule::MultipleFieldsMovedToOneof
                | Rule::FieldMovedToExistingOneof
        )
    }

    /// Confluent's words, double spaces and all; nothing for what does no harm.
    pub fn description(self, path: &str, reader: &str, writer: &str) -> String {
        match self {
            Rule::PackageChanged => format!(
                "The package at '{path}' in the {reader} schema does not match the package in the {writer} schema"
            ),
            Rule::MessageRemoved => format!(
                "The {reader} schema is missing a MESSAGE type at path '{path}' in the {writer} schema"
            ),
            Rule::FieldKindChanged => format!(
                "The type of a field at path '{path}' in the {reader} schema does not match the {writer} schema"
            ),
            Rule::FieldScalarKindChanged => format!(
                "The kind of a SCALAR field at path '{path}' in the {reader} schema does not match its kind in the {writer} schema"
            ),
            Rule::FieldNamedTypeChanged => format!(
                "The type of a MESSAGE field at path '{path}' in the {reader} schema does not match its type in the {writer} schema"
            ),
            Rule::FieldNumericLabelChanged => format!(
                "The label for a NUMERIC field at path '{path}' in the {reader} schema does not match its label in the {writer} schema"
            ),
            Rule::RequiredFieldAdded => format!(
                "A required field  at path '{path}' in the {reader} schema is missing in the {writer} schema"
            ),
            Rule::RequiredFieldRemoved => format!(
                "The {reader} schema is missing a required field at path: '{path}' in the {writer} schema"
            ),
            Rule::OneofFieldRemoved => format!(
                "The {reader} schema is missing a oneof field at path '{path}' in the {writer} schema"
            ),
            Rule::MultipleFieldsMovedToOneof => format!(
                "Multiple fields in the oneof at path '{path}' in the {reader} schema are outside a oneof in the {writer} schema"
            ),
            Rule::FieldMovedToExistingOneof => format!(
                "A field in the oneof at path '{path}' in the {reader} schema is outside an existing oneof in the {writer} schema"
            ),
            _ => String::new(),
        }
    }
}
