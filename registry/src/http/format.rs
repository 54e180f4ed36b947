//! Schemas as requests want to see them: formats, tags, qualified references.

use weir_registry_api::{
    Reference, RegistryError, Schema, SchemaString, SchemaTags, SchemaText, Subject,
};
use weir_registry_core::{Grants, IdEntry, Parsed, State};

use super::query::Shaped;
use super::request::LONG_BYTES;
use crate::Registry;
use crate::lanes::{Asker, INLINE};
use std::sync::Arc;
use weir_schema::Budget;

/// What a request asks of a schema's shape: `format`, `findTags` and `referenceFormat`.
pub(super) struct Shape {
    text: Option<SchemaText>,
    tags: Vec<SchemaTags>,
    references: Option<Arc<[Reference]>>,
}

impl Shape {
    /// Formats that the language does not know mean the canonical text. 42201 if the stored schema
    /// cannot be parsed, or if it refers to what may not be read: what it refers to is a part of what it is in
    /// another format, and is said to be missing.
    pub(super) fn new(
        state: &State,
        entry: &IdEntry,
        shaped: &Shaped,
        grants: &Grants,
        budget: &Budget,
    ) -> Result<Shape, RegistryError> {
        let format = shaped.format.as_deref().filter(|format| !format.trim().is_empty());
        let wanted: Vec<&str> = shaped.find_tags.iter().map(String::as_str).collect();
        let mut shape = Shape { text: None, tags: Vec::new(), references: None };
        if format.is_some() || !wanted.is_empty() {
            let refused = |details: &str| RegistryError::InvalidSchema {
                schema_type: entry.schema_type.clone(),
                details: details.into(),
            };
            let readable = state.check_references_readable(entry, grants, budget);
            readable.map_err(|why| refused(&why))?;
            let parsed = state.parsed(entry, budget).map_err(|why| refused(&why))?;
            if let Some(format) = format {
                shape.text =
                    parsed.formatted(format, budget).map_err(|why| refused(&why))?.map(Into::into);
                if shape.text.is_some() && matches!(*parsed, Parsed::Avro(_)) {
                    // what was referred to is in the text
                    shape.references = Some(Arc::from([]));
                }
            }
            if !wanted.is_empty() {
                shape.tags = found_tags(&parsed, &wanted, budget);
            }
        }
        let wants_qualified =
            shaped.reference_format.as_ref().is_some_and(|f| f.eq_ignore_ascii_case("qualified"));
        if wants_qualified && shape.references.is_none() {
            let parent = entry.context.subject("");
            let qualify =
                |r: &Reference| Reference { subject: r.subject.beside(&parent), ..r.clone() };
            shape.references = Some(entry.references.iter().map(qualify).collect());
        }
        Ok(shape)
    }

    pub(super) fn of_schema(self, schema: Schema) -> Schema {
        Schema {
            schema: self.text.unwrap_or(schema.schema),
            references: self.references.unwrap_or(schema.references),
            schema_tags: self.tags,
            ..schema
        }
    }

    pub(super) fn of_string(self, schema: SchemaString) -> SchemaString {
        SchemaString {
            schema: self.text.unwrap_or(schema.schema),
            references: self.references.unwrap_or(schema.references),
            schema_tags: self.tags,
            ..schema
        }
    }

    pub(super) fn text(self, entry: &IdEntry) -> SchemaText {
        self.text.unwrap_or_else(|| entry.text.clone())
    }
}

/// The shape in which a request wants a schema, which may have to be parsed for that. 42201 · 42290.
pub(super) async fn shape(
    registry: &Registry,
    asker: &Asker,
    entry: &Arc<IdEntry>,
    shaped: &Shaped,
    grants: &Grants,
) -> Result<Shape, RegistryError> {
    if shaped.format.is_none() && shaped.find_tags.is_empty() {
        // nothing is parsed
        return Shape::new(&registry.state(), entry, shaped, grants, &Budget::new(INLINE));
    }
    let is_long = entry.text.json().len() > LONG_BYTES;
    let (entry, shaped, grants) = (Arc::clone(entry), shaped.clone(), grants.clone());
    let made = registry.work(asker, is_long, move |state, budget| {
        Shape::new(state, &entry, &shaped, &grants, budget)
    });
    made.await?
}

/// A version of a subject in the shape that a request asks for.
pub(super) async fn version(
    registry: &Registry,
    asker: &Asker,
    subject: &Subject,
    schema: Schema,
    shaped: &Shaped,
    grants: &Grants,
) -> Result<Schema, RegistryError> {
    if shaped.is_plain() {
        return Ok(schema);
    }
    let entry = registry.state().by_id(subject.parts().0, schema.id).cloned();
    match entry {
        Some(entry) => Ok(shape(registry, asker, &entry, shaped, grants).await?.of_schema(schema)),
        None => Ok(schema),
    }
}

/// The tagged parts that have one of the wanted tags; `*` is any.
fn found_tags(parsed: &Parsed, wanted: &[&str], budget: &Budget) -> Vec<SchemaTags> {
    let any = wanted.contains(&"*");
    let mut tags = parsed.tags(budget);
    tags.retain(|entity| any || entity.tags.iter().any(|tag| wanted.contains(&tag.as_str())));
    tags
}
