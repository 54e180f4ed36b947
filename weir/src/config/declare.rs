//! The macro that makes of one declaration the typed tree, and the table that flags, variables, files and documents
//! are made of.

/// Declares sections of settings: `PREFIX FIELD: TYPE { SETTING: VALUE_TYPE { ATTRIBUTES } .. }`. A comment is the
/// setting's help; attributes are fields of [`Setting`](super::setting::Setting).
macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])*
        $prefix:literal $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])*
                $field:ident: $type:ty { $($attribute:ident: $value:expr),* $(,)? }
            )*
        }
    )*) => {
        /// All settings, with where each comes from.
        #[derive(Clone, Debug)]
        pub struct Tree {
            $($(#[doc = $section_doc])* pub $section: $Section,)*
        }

        $(
            $(#[doc = $section_doc])*
            #[derive(Clone, Debug)]
            pub struct $Section {
                $($(#[doc = $doc])* pub $field: Sourced<$type>,)*
            }
        )*

        /// All declarations, in the order of the documents.
        pub const SETTINGS: &[Setting] = &[
            $($(Setting {
                key: concat!($prefix, stringify!($field)),
                shape: <$type as Value>::SHAPE,
                help: concat!($($doc),*),
                $($attribute: $value,)*
                ..Setting::NEW
            },)*)*
        ];

        /// The sections, with what each is about, in the order of the documents.
        pub const SECTIONS: &[(&str, &str)] =
            &[$(($prefix, concat!($($section_doc),*)),)*];

        impl Tree {
            /// All values; none if there is a problem, all of which are added to `problems`.
            pub fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Tree> {
                $(let $section = $Section::read(layers, problems);)*
                Some(Tree { $($section: $section?),* })
            }
        }

        $(impl $Section {
            fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<$Section> {
                $(let $field =
                    layers.value::<$type>(concat!($prefix, stringify!($field)), problems);)*
                Some($Section { $($field: $field?),* })
            }
        })*
    };
}

pub(super) use settings;
