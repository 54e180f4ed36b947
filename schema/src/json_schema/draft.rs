//! The drafts of JSON Schema, and where they differ for a reader of schemas.

use super::meta_schema;
use crate::json::Json;

/// A draft of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Draft {
    Draft4,
    Draft6,
    Draft7,
    Draft201909,
    Draft202012,
}

impl Draft {
    /// The draft whose meta-schema has this URI, if it is one that is known.
    pub fn named(uri: &str) -> Option<Draft> {
        let path = meta_schema::path(uri)?;
        let names = [
            ("draft-04/", Draft::Draft4),
            ("draft-06/", Draft::Draft6),
            ("draft-07/", Draft::Draft7),
            ("draft/2019-09/", Draft::Draft201909),
            ("draft/2020-12/", Draft::Draft202012),
        ];
        names.into_iter().find(|(name, _)| path.starts_with(name)).map(|(_, draft)| draft)
    }

    /// The draft that `$schema` names; draft 7 if it names none that is known.
    pub(super) fn of(document: &Json) -> Draft {
        let uri = document.get("$schema").and_then(Json::as_str);
        uri.and_then(Draft::named).unwrap_or(Draft::Draft7)
    }

    pub(super) fn id_keyword(self) -> &'static str {
        if self == Draft::Draft4 { "id" } else { "$id" }
    }

    /// `$defs`, `dependentRequired`, `unevaluatedProperties`; keywords beside `$ref` count.
    pub(super) fn is_modern(self) -> bool {
        self >= Draft::Draft201909
    }

    pub(super) fn object_keywords(self) -> &'static [&'static str] {
        const OLD: &[&str] = &[
            "properties",
            "required",
            "minProperties",
            "maxProperties",
            "dependencies",
            "patternProperties",
            "additionalProperties",
            "propertyNames",
        ];
        const MODERN: &[&str] = &[
            "properties",
            "required",
            "minProperties",
            "maxProperties",
            "dependentRequired",
            "dependentSchemas",
            "patternProperties",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
        ];
        match self {
            Draft::Draft4 => &OLD[..7],
            Draft::Draft6 | Draft::Draft7 => OLD,
            Draft::Draft201909 | Draft::Draft202012 => MODERN,
        }
    }

    pub(super) fn array_keywords(self) -> &'static [&'static str] {
        const OLD: &[&str] =
            &["items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"];
        const MODERN: &[&str] = &[
            "items",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
            "prefixItems",
            "unevaluatedItems",
        ];
        match self {
            Draft::Draft4 => &OLD[..5],
            Draft::Draft6 | Draft::Draft7 => OLD,
            Draft::Draft201909 | Draft::Draft202012 => MODERN,
        }
    }

    pub(super) fn number_keywords(self) -> &'static [&'static str] {
        &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]
    }

    pub(super) fn string_keywords(self) -> &'static [&'static str] {
        const ALL: &[&str] = &["minLength", "maxLength", "pattern", "format"];
        if self.is_modern() { &ALL[..3] } else { ALL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draft_is_the_one_that_the_document_names_and_else_7() {
        for (url, draft) in [
            ("http://json-schema.org/draft-04/schema#", Draft::Draft4),
            ("http://json-schema.org/draft-06/schema", Draft::Draft6),
            ("http://json-schema.org/draft-07/schema#", Draft::Draft7),
            ("https://json-schema.org/draft/2019-09/schema", Draft::Draft201909),
            ("https://json-schema.org/draft/2020-12/schema", Draft::Draft202012),
            ("https://example.com/draft-04/schema", Draft::Draft7),
            ("", Draft::Draft7),
        ] {
            let document = Json::Object(vec![("$schema".into(), Json::String(url.into()))]);
            assert_eq!(Draft::of(&document), draft, "{url}");
        }
    }
}
