//! The drafts of JSON Schema, and where they differ for a reader of schemas.

use crate::json::Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Draft4,
    Draft6,
    Draft7,
    Draft201909,
    Draft202012,
}

/// Where meta-schemas live: references to them are known, and not looked into.
const META_SCHEMAS: [&str; 2] = ["http://json-schema.org/", "https://json-schema.org/"];

impl Draft {
    /// The draft that `$schema` names; draft 7 if it names none that is known.
    pub fn of(document: &Json) -> Draft {
        let url = document.get("$schema").and_then(Json::as_str).unwrap_or_default();
        if !META_SCHEMAS.iter().any(|start| url.starts_with(start)) {
            return Draft::Draft7;
        }
        let names = [
            ("/draft-04/", Draft::Draft4),
            ("/draft-06/", Draft::Draft6),
            ("/draft/2019-09/", Draft::Draft201909),
            ("/draft/2020-12/", Draft::Draft202012),
        ];
        let found = names.into_iter().find(|(name, _)| url.contains(name));
        found.map_or(Draft::Draft7, |(_, draft)| draft)
    }

    pub fn id_keyword(self) -> &'static str {
        if self == Draft::Draft4 { "id" } else { "$id" }
    }

    /// `$defs`, `dependentRequired`, `unevaluatedProperties`; keywords beside `$ref` count.
    pub fn is_modern(self) -> bool {
        self >= Draft::Draft201909
    }

    pub fn object_keywords(self) -> &'static [&'static str] {
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

    pub fn array_keywords(self) -> &'static [&'static str] {
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

    pub fn number_keywords(self) -> &'static [&'static str] {
        &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]
    }

    pub fn string_keywords(self) -> &'static [&'static str] {
        const ALL: &[&str] = &["minLength", "maxLength", "pattern", "format"];
        if self.is_modern() { &ALL[..3] } else { ALL }
    }
}

/// Whether a URI is that of a draft's own meta-schema.
pub(super) fn is_meta_schema(uri: &str) -> bool {
    META_SCHEMAS.iter().any(|start| uri.starts_with(&format!("{start}draft")))
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
