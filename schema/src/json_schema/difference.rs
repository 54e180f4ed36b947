//! Every way in which two JSON schemas can differ: the name on the wire, whether the reader still
//! accepts what the writer accepted, and the words for it. Source: Confluent's `Difference.Type`,
//! the strict and the lenient sets of `SchemaDiff`, and `Difference#error`.

use super::Policy;

/// Under which policies a difference is compatible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    Always,
    Lenient,
    Never,
}

/// The sentence that a difference is told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Template {
    Added,
    More,
    Less,
    Different,
    Narrowed,
    Extended,
    Type,
    Open,
    Unopen,
    Closed,
    RemovedUncovered,
    AddedUncovered,
    /// No words: compatible differences, and `SCHEMA_ADDED`.
    Silent,
}

macro_rules! differences {
    ($($variant:ident = $name:literal, $allowed:ident, $template:ident;)*) => {
        /// How the reader's schema differs from the writer's: `added` is what the reader has and
        /// the writer has not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DifferenceType {
            $($variant,)*
        }

        impl DifferenceType {
            pub const ALL: &[DifferenceType] = &[$(DifferenceType::$variant,)*];

            /// The name on the wire: `"REQUIRED_ATTRIBUTE_ADDED"`, ...
            pub fn name(self) -> &'static str {
                match self {
                    $(DifferenceType::$variant => $name,)*
                }
            }

            fn allowed(self) -> Allowed {
                match self {
                    $(DifferenceType::$variant => Allowed::$allowed,)*
                }
            }

            pub(super) fn template(self) -> Template {
                match self {
                    $(DifferenceType::$variant => Template::$template,)*
                }
            }
        }
    };
}

#[rustfmt::skip]
differences! {
    IdChanged = "ID_CHANGED", Always, Silent;
    DescriptionChanged = "DESCRIPTION_CHANGED", Always, Silent;
    TitleChanged = "TITLE_CHANGED", Always, Silent;
    DefaultChanged = "DEFAULT_CHANGED", Always, Silent;
    SchemaAdded = "SCHEMA_ADDED", Never, Silent;
    SchemaRemoved = "SCHEMA_REMOVED", Always, Silent;
    TypeExtended = "TYPE_EXTENDED", Always, Silent;
    TypeNarrowed = "TYPE_NARROWED", Never, Type;
    TypeChanged = "TYPE_CHANGED", Never, Type;
    MaxLengthAdded = "MAX_LENGTH_ADDED", Never, Added;
    MaxLengthRemoved = "MAX_LENGTH_REMOVED", Always, Silent;
    MaxLengthIncreased = "MAX_LENGTH_INCREASED", Always, Silent;
    MaxLengthDecreased = "MAX_LENGTH_DECREASED", Never, Less;
    MinLengthAdded = "MIN_LENGTH_ADDED", Never, Added;
    MinLengthRemoved = "MIN_LENGTH_REMOVED", Always, Silent;
    MinLengthIncreased = "MIN_LENGTH_INCREASED", Never, More;
    MinLengthDecreased = "MIN_LENGTH_DECREASED", Always, Silent;
    PatternAdded = "PATTERN_ADDED", Never, Added;
    PatternRemoved = "PATTERN_REMOVED", Always, Silent;
    PatternChanged = "PATTERN_CHANGED", Never, Different;
    MaximumAdded = "MAXIMUM_ADDED", Never, Added;
    MaximumRemoved = "MAXIMUM_REMOVED", Always, Silent;
    MaximumIncreased = "MAXIMUM_INCREASED", Always, Silent;
    MaximumDecreased = "MAXIMUM_DECREASED", Never, Less;
    MinimumAdded = "MINIMUM_ADDED", Never, Added;
    MinimumRemoved = "MINIMUM_REMOVED", Always, Silent;
    MinimumIncreased = "MINIMUM_INCREASED", Never, More;
    MinimumDecreased = "MINIMUM_DECREASED", Always, Silent;
    ExclusiveMaximumAdded = "EXCLUSIVE_MAXIMUM_ADDED", Never, Added;
    ExclusiveMaximumRemoved = "EXCLUSIVE_MAXIMUM_REMOVED", Always, Silent;
    ExclusiveMaximumIncreased = "EXCLUSIVE_MAXIMUM_INCREASED", Always, Silent;
    ExclusiveMaximumDecreased = "EXCLUSIVE_MAXIMUM_DECREASED", Never, Less;
    ExclusiveMinimumAdded = "EXCLUSIVE_MINIMUM_ADDED", Never, Added;
    ExclusiveMinimumRemoved = "EXCLUSIVE_MINIMUM_REMOVED", Always, Silent;
    ExclusiveMinimumIncreased = "EXCLUSIVE_MINIMUM_INCREASED", Never, More;
    ExclusiveMinimumDecreased = "EXCLUSIVE_MINIMUM_DECREASED", Always, Silent;
    MultipleOfAdded = "MULTIPLE_OF_ADDED", Never, Added;
    MultipleOfRemoved = "MULTIPLE_OF_REMOVED", Always, Silent;
    MultipleOfExpanded = "MULTIPLE_OF_EXPANDED", Never, More;
    MultipleOfReduced = "MULTIPLE_OF_REDUCED", Always, Silent;
    MultipleOfChanged = "MULTIPLE_OF_CHANGED", Never, Different;
    RequiredAttributeAdded = "REQUIRED_ATTRIBUTE_ADDED", Never, Added;
    RequiredAttributeWithDefaultAdded = "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED", Always, Silent;
    RequiredAttributeRemoved = "REQUIRED_ATTRIBUTE_REMOVED", Always, Silent;
    MaxPropertiesAdded = "MAX_PROPERTIES_ADDED", Never, Added;
    MaxPropertiesRemoved = "MAX_PROPERTIES_REMOVED", Always, Silent;
    MaxPropertiesIncreased = "MAX_PROPERTIES_INCREASED", Always, Silent;
    MaxPropertiesDecreased = "MAX_PROPERTIES_DECREASED", Never, Less;
    MinPropertiesAdded = "MIN_PROPERTIES_ADDED", Never, Added;
    MinPropertiesRemoved = "MIN_PROPERTIES_REMOVED", Always, Silent;
    MinPropertiesIncreased = "MIN_PROPERTIES_INCREASED", Never, More;
    MinPropertiesDecreased = "MIN_PROPERTIES_DECREASED", Always, Silent;
    AdditionalPropertiesAdded = "ADDITIONAL_PROPERTIES_ADDED", Always, Silent;
    AdditionalPropertiesRemoved = "ADDITIONAL_PROPERTIES_REMOVED", Lenient, Added;
    AdditionalPropertiesExtended = "ADDITIONAL_PROPERTIES_EXTENDED", Always, Silent;
    AdditionalPropertiesNarrowed = "ADDITIONAL_PROPERTIES_NARROWED", Lenient, Narrowed;
    DependencyArrayAdded = "DEPENDENCY_ARRAY_ADDED", Never, Added;
    DependencyArrayRemoved = "DEPENDENCY_ARRAY_REMOVED", Always, Silent;
    DependencyArrayExtended = "DEPENDENCY_ARRAY_EXTENDED", Never, Extended;
    DependencyArrayNarrowed = "DEPENDENCY_ARRAY_NARROWED", Always, Silent;
    DependencyArrayChanged = "DEPENDENCY_ARRAY_CHANGED", Never, Different;
    DependencySchemaAdded = "DEPENDENCY_SCHEMA_ADDED", Never, Added;
    DependencySchemaRemoved = "DEPENDENCY_SCHEMA_REMOVED", Always, Silent;
    RequiredPropertyAddedToOpenContentModel = "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", Never, Open;
    RequiredPropertyWithDefaultAddedToOpenContentModel = "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL", Lenient, Open;
    OptionalPropertyAddedToOpenContentModel = "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", Lenient, Open;
    PropertyWithEmptySchemaAddedToOpenContentModel = "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL", Always, Silent;
    RequiredPropertyAddedToUnopenContentModel = "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", Never, Unopen;
    RequiredPropertyWithDefaultAddedToUnopenContentModel = "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL", Always, Silent;
    OptionalPropertyAddedToUnopenContentModel = "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", Always, Silent;
    PropertyRemovedFromOpenContentModel = "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL", Always, Silent;
    PropertyWithFalseRemovedFromClosedContentModel = "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL", Always, Silent;
    PropertyRemovedFromClosedContentModel = "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", Lenient, Closed;
    PropertyRemovedIsCoveredByPartiallyOpenContentModel = "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Always, Silent;
    PropertyRemovedNotCoveredByPartiallyOpenContentModel = "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Lenient, RemovedUncovered;
    PropertyAddedIsCoveredByPartiallyOpenContentModel = "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Always, Silent;
    PropertyAddedNotCoveredByPartiallyOpenContentModel = "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Lenient, AddedUncovered;
    UnevaluatedPropertiesAdded = "UNEVALUATED_PROPERTIES_ADDED", Always, Silent;
    UnevaluatedPropertiesRemoved = "UNEVALUATED_PROPERTIES_REMOVED", Lenient, Added;
    UnevaluatedPropertiesExtended = "UNEVALUATED_PROPERTIES_EXTENDED", Always, Silent;
    UnevaluatedPropertiesNarrowed = "UNEVALUATED_PROPERTIES_NARROWED", Lenient, Narrowed;
    MaxItemsAdded = "MAX_ITEMS_ADDED", Never, Added;
    MaxItemsRemoved = "MAX_ITEMS_REMOVED", Always, Silent;
    MaxItemsIncreased = "MAX_ITEMS_INCREASED", Always, Silent;
    MaxItemsDecreased = "MAX_ITEMS_DECREASED", Never, Less;
    MinItemsAdded = "MIN_ITEMS_ADDED", Never, Added;
    MinItemsRemoved = "MIN_ITEMS_REMOVED", Always, Silent;
    MinItemsIncreased = "MIN_ITEMS_INCREASED", Never, More;
    MinItemsDecreased = "MIN_ITEMS_DECREASED", Always, Silent;
    MaxContainsAdded = "MAX_CONTAINS_ADDED", Never, Added;
    MaxContainsRemoved = "MAX_CONTAINS_REMOVED", Always, Silent;
    MaxContainsIncreased = "MAX_CONTAINS_INCREASED", Always, Silent;
    MaxContainsDecreased = "MAX_CONTAINS_DECREASED", Never, Less;
    MinContainsAdded = "MIN_CONTAINS_ADDED", Never, Added;
    MinContainsRemoved = "MIN_CONTAINS_REMOVED", Always, Silent;
    MinContainsIncreased = "MIN_CONTAINS_INCREASED", Never, More;
    MinContainsDecreased = "MIN_CONTAINS_DECREASED", Always, Silent;
    UniqueItemsAdded = "UNIQUE_ITEMS_ADDED", Never, Added;
    UniqueItemsRemoved = "UNIQUE_ITEMS_REMOVED", Always, Silent;
    AdditionalItemsAdded = "ADDITIONAL_ITEMS_ADDED", Always, Silent;
    AdditionalItemsRemoved = "ADDITIONAL_ITEMS_REMOVED", Never, Added;
    AdditionalItemsExtended = "ADDITIONAL_ITEMS_EXTENDED", Always, Silent;
    AdditionalItemsNarrowed = "ADDITIONAL_ITEMS_NARROWED", Never, Narrowed;
    UnevaluatedItemsAdded = "UNEVALUATED_ITEMS_ADDED", Always, Silent;
    UnevaluatedItemsRemoved = "UNEVALUATED_ITEMS_REMOVED", Never, Added;
    UnevaluatedItemsExtended = "UNEVALUATED_ITEMS_EXTENDED", Always, Silent;
    UnevaluatedItemsNarrowed = "UNEVALUATED_ITEMS_NARROWED", Never, Narrowed;
    ItemAddedToOpenContentModel = "ITEM_ADDED_TO_OPEN_CONTENT_MODEL", Never, Open;
    ItemWithEmptySchemaAddedToOpenContentModel = "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL", Always, Silent;
    ItemAddedToClosedContentModel = "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL", Always, Silent;
    ItemRemovedFromOpenContentModel = "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL", Always, Silent;
    ItemWithFalseRemovedFromClosedContentModel = "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL", Always, Silent;
    ItemRemovedFromClosedContentModel = "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", Never, Closed;
    ItemRemovedIsCoveredByPartiallyOpenContentModel = "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Always, Silent;
    ItemRemovedNotCoveredByPartiallyOpenContentModel = "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Never, RemovedUncovered;
    ItemAddedIsCoveredByPartiallyOpenContentModel = "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Always, Silent;
    ItemAddedNotCoveredByPartiallyOpenContentModel = "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", Never, AddedUncovered;
    EnumArrayExtended = "ENUM_ARRAY_EXTENDED", Always, Silent;
    EnumArrayNarrowed = "ENUM_ARRAY_NARROWED", Never, Narrowed;
    EnumArrayChanged = "ENUM_ARRAY_CHANGED", Never, Type;
    CombinedTypeExtended = "COMBINED_TYPE_EXTENDED", Always, Silent;
    CombinedTypeChanged = "COMBINED_TYPE_CHANGED", Never, Type;
    ProductTypeExtended = "PRODUCT_TYPE_EXTENDED", Never, Extended;
    ProductTypeNarrowed = "PRODUCT_TYPE_NARROWED", Always, Silent;
    SumTypeExtended = "SUM_TYPE_EXTENDED", Always, Extended;
    SumTypeNarrowed = "SUM_TYPE_NARROWED", Never, Narrowed;
    CombinedTypeSubschemasChanged = "COMBINED_TYPE_SUBSCHEMAS_CHANGED", Never, Type;
    NotTypeExtended = "NOT_TYPE_EXTENDED", Never, Extended;
    NotTypeNarrowed = "NOT_TYPE_NARROWED", Always, Silent;
}

impl DifferenceType {
    /// Whether the reader still accepts what the writer accepted, as the policy sees it.
    pub fn is_compatible(self, policy: Policy) -> bool {
        match self.allowed() {
            Allowed::Always => true,
            Allowed::Lenient => policy == Policy::Lenient,
            Allowed::Never => false,
        }
    }
}

impl Template {
    /// The sentence about `path`; `reader` and `writer` are how the two schemas are called.
    pub fn sentence(self, path: &str, reader: &str, writer: &str) -> String {
        match self {
            Template::Added => format!(
                "The keyword at path '{path}' in the {reader} schema is not present in the {writer} schema"
            ),
            Template::More => format!(
                "The value at path '{path}' in the {reader} schema is more than its value in the {writer} schema"
            ),
            Template::Less => format!(
                "The value at path '{path}' in the {reader} schema is less than its value in the {writer} schema"
            ),
            Template::Different => format!(
                "The value at path '{path}' is different between the {reader} and {writer} schema"
            ),
            Template::Narrowed => format!(
                "An array or combined type at path '{path}' has fewer elements in the {reader} schema than the {writer} schema"
            ),
            Template::Extended => format!(
                "An array or combined type at path '{path}' has more elements in the {reader} schema than the {writer} schema"
            ),
            Template::Type => format!(
                "A type at path '{path}' is different between the {reader} schema and the {writer} schema"
            ),
            Template::Open => format!(
                "The {reader} schema has an open content model and has a property or item at path '{path}' which is missing in the {writer} schema"
            ),
            Template::Unopen => format!(
                "The {reader} schema has an unopen content model and has a required property at path '{path}' which is missing in the {writer} schema"
            ),
            Template::Closed => format!(
                "The {reader} has a closed content model and is missing a property or item present at path '{path}' in the {writer} schema"
            ),
            Template::RemovedUncovered => format!(
                "A property or item is missing in the {reader} schema but present at path '{path}' in the {writer} schema and is not covered by its partially open content model"
            ),
            Template::AddedUncovered => format!(
                "The {reader} schema has a property or item at path '{path}' which is missing in the {writer} schema and is not covered by its partially open content model"
            ),
            Template::Silent => String::new(),
        }
    }
}
