//! A schema as its language understands it, and the parses that are kept at hand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_registry_api::{
    CompatibilityPolicy, Context, EntityType, RegistryError, SchemaEntity, SchemaId, SchemaTags,
    SchemaText, SchemaType,
};
use weir_schema::{Budget, Listed, OverBudget, Side, Tagged, avro, json, json_schema, protobuf};

use crate::state::ParseCache;

/// Bytes of schema text whose parses are kept. A parse is some ten times its text; one that is more
/// counts for as much.
const KEPT_TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;
const BYTES_PER_TEXT_BYTE: usize = 10;

/// A parsed schema of any language.
#[derive(Clone, Debug)]
pub enum Parsed {
    Avro(avro::Schema),
    Json(json_schema::Schema),
    Protobuf(protobuf::Schema),
}

/// The refusal of what takes too much.
pub fn over_budget(over: OverBudget) -> RegistryError {
    let setting = match over {
        OverBudget::Steps(_) => " (--request-steps-max)",
        OverBudget::Bytes(_) => " (--request-bytes-max)",
        OverBudget::Cancelled => "",
    };
    RegistryError::OverBudget { reason: format!("{over}{setting}") }
}

/// One reason why two schemas do not go together.
pub(crate) struct Reason {
    pub(crate) rule: &'static str,
    pub(crate) reader_path: String,
    pub(crate) writer_path: String,
    /// Confluent's words.
    pub(crate) message: String,
    pub(crate) fix: String,
}

/// How a schema is read: as somebody's new one, held to all rules, or as it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    New,
    Stored,
}

/// A schema's content whatever form its text is in, hashed: it is asked of each version of a subject
/// in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content(u64);

impl Parsed {
    /// `references`: names and texts, each after those that it refers to itself.
    pub(crate) fn parse(
        schema_type: &SchemaType,
        text: &str,
        references: &[(&str, &str)],
        reading: Reading,
        budget: &Budget,
    ) -> Result<Parsed, String> {
        let strict = reading == Reading::New;
        match schema_type {
            SchemaType::Avro => {
                let options = match reading {
                    Reading::New => avro::ParseOptions::NEW,
                    Reading::Stored => avro::ParseOptions::STORED,
                };
                let mut parser = avro::Parser::within(options, budget);
                for (_, text) in references {
                    parser.reference(text).map_err(|e| e.to_string())?;
                }
                parser.parse(text).map(Parsed::Avro).map_err(|e| e.to_string())
            }
            SchemaType::Json => json_schema::Schema::parse_within(text, references, strict, budget)
                .map(Parsed::Json)
                .map_err(|e| e.to_string()),
            SchemaType::Protobuf => {
                protobuf::Schema::parse_within(text, references, strict, budget)
                    .map(Parsed::Protobuf)
                    .map_err(|e| e.to_string())
            }
            SchemaType::Other(name) => Err(format!("Invalid schema type {name}")),
        }
    }

    /// The text that is stored, by which schemas are the same.
    pub fn canonical(&self, budget: &Budget) -> String {
        match self {
            Parsed::Avro(schema) => schema.canonical_within(budget),
            Parsed::Json(schema) => schema.canonical_within(budget),
            Parsed::Protobuf(schema) => schema.canonical_within(budget),
        }
    }

    pub(crate) fn normalized(&self, budget: &Budget) -> Parsed {
        match self {
            Parsed::Avro(schema) => Parsed::Avro(schema.clone().normalized_within(budget)),
            Parsed::Json(schema) => Parsed::Json(schema.normalized_within(budget)),
            Parsed::Protobuf(schema) => Parsed::Protobuf(schema.normalized_within(budget)),
        }
    }

    /// What stays the same whatever form the text is in. Two schemas may share it and yet differ.
    pub(crate) fn content(&self, budget: &Budget) -> Content {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let _text = budget.loan();
        let text = match self {
            // the order of keys is a matter of form
            Parsed::Avro(schema) => {
                schema.clone().normalized_within(budget).canonical_within(budget)
            }
            Parsed::Json(schema) => schema.content_text_within(budget),
            Parsed::Protobuf(schema) => schema.content_text_within(budget),
        };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Content(hasher.finish())
    }

    /// Returns true if two schemas are the same, whatever form their texts are in; what they refer to is not
    /// looked at.
    pub(crate) fn is_same(&self, other: &Parsed, budget: &Budget) -> bool {
        match (self, other) {
            (Parsed::Avro(a), Parsed::Avro(b)) => a.equivalent_within(b, budget),
            (Parsed::Json(a), Parsed::Json(b)) => a.same_content(b),
            (Parsed::Protobuf(a), Parsed::Protobuf(b)) => a.same_resolved_within(b, budget),
            _ => false,
        }
    }

    /// Returns true if two schemas are the same once all references are inlined.
    pub(crate) fn same_resolved(&self, other: &Parsed, budget: &Budget) -> bool {
        match (self, other) {
            (Parsed::Avro(a), Parsed::Avro(b)) => a.same_resolved_within(b, budget),
            (Parsed::Json(a), Parsed::Json(b)) => a.same_resolved_within(b, budget),
            (Parsed::Protobuf(a), Parsed::Protobuf(b)) => a.same_resolved_within(b, budget),
            _ => false,
        }
    }

    /// The text in a format that a request names; none where that is the canonical text.
    pub fn formatted(&self, format: &str, budget: &Budget) -> Result<Option<String>, String> {
        match (self, format) {
            (Parsed::Avro(schema), "resolved") => Ok(Some(schema.resolved_within(budget))),
            (Parsed::Protobuf(schema), "serialized") => schema.serialized_within(budget).map(Some),
            (Parsed::Protobuf(schema), "ignore_extensions") => {
                Ok(Some(schema.without_extensions_within(budget)))
            }
            _ => Ok(None),
        }
    }

    /// Names of the fields of the schema itself.
    pub(crate) fn top_level_fields(&self) -> Vec<String> {
        match self {
            Parsed::Avro(schema) => schema.top_level_fields(),
            Parsed::Json(schema) => schema.top_level_fields(),
            Parsed::Protobuf(schema) => schema.top_level_fields(),
        }
    }

    /// Says which of a JSON Schema's properties has a name that is kept for the registry, if one has.
    pub(crate) fn check_property_names(&self) -> Result<(), String> {
        match self {
            Parsed::Json(schema) => schema.reserved_property().map_or(Ok(()), |name| {
                Err(format!("#/properties/{name}: Field names cannot start with $$ prefix"))
            }),
            Parsed::Avro(_) | Parsed::Protobuf(_) => Ok(()),
        }
    }

    /// Tags that stand in the schema's text.
    pub fn tags(&self, budget: &Budget) -> Vec<SchemaTags> {
        let tagged = match self {
            Parsed::Avro(schema) => schema.tags_within(budget),
            Parsed::Json(schema) => schema.tags_within(budget),
            Parsed::Protobuf(schema) => schema.tags_within(budget),
        };
        let tags = |tagged: Tagged| SchemaTags {
            schema_entity: SchemaEntity {
                entity_path: tagged.path,
                entity_type: if tagged.is_field { EntityType::Field } else { EntityType::Record },
            },
            tags: tagged.tags,
        };
        tagged.into_iter().map(tags).collect()
    }

    /// The schema with tags put into its text, and others taken out.
    pub(crate) fn with_tags(
        &self,
        add: &[SchemaTags],
        remove: &[SchemaTags],
        budget: &Budget,
    ) -> Result<Parsed, String> {
        let tagged = |tags: &[SchemaTags]| -> Vec<Tagged> {
            let one = |t: &SchemaTags| Tagged {
                path: t.schema_entity.entity_path.clone(),
                is_field: t.schema_entity.entity_type == EntityType::Field,
                tags: t.tags.clone(),
            };
            tags.iter().map(one).collect()
        };
        let (add, remove) = (tagged(add), tagged(remove));
        match self {
            Parsed::Avro(schema) => {
                schema.with_tags_within(&add, &remove, budget).map(Parsed::Avro)
            }
            Parsed::Json(schema) => {
                schema.with_tags_within(&add, &remove, budget).map(Parsed::Json)
            }
            Parsed::Protobuf(schema) => {
                schema.with_tags_within(&add, &remove, budget).map(Parsed::Protobuf)
            }
        }
    }

    /// Lines and columns of places in a submitted text, or of the nearest places around them; none of
    /// those that the budget does not pay for.
    pub(crate) fn locate_all<'p>(
        &self,
        text: &str,
        paths: impl Iterator<Item = &'p str>,
        budget: &Budget,
    ) -> Vec<Option<(u32, u32)>> {
        let _index = budget.loan();
        match self {
            Parsed::Avro(_) | Parsed::Json(_) => {
                let mut locator = json::Locator::new(text, budget);
                paths.map(|path| locator.locate(path)).collect()
            }
            Parsed::Protobuf(_) => protobuf::Locator::new(text, budget).locate_all(paths),
        }
    }
}

/// Why `reader` cannot take what `writer` gave, as many reasons as are listed. `words` names reader and writer in
/// messages; `submitted` is the side whose author can change something.
pub(crate) fn reasons(
    reader: &Parsed,
    writer: &Parsed,
    policy: CompatibilityPolicy,
    words: [&str; 2],
    submitted: Side,
    budget: &Budget,
) -> Result<Listed<Reason>, String> {
    macro_rules! reasons {
        ($found:expr, $reader_path:ident, $writer_path:ident) => {
            Listed {
                left_out: $found.left_out,
                items: $found
                    .items
                    .iter()
                    .map(|i| Reason {
                        rule: i.rule(),
                        reader_path: i.$reader_path().to_string(),
                        writer_path: i.$writer_path().to_string(),
                        message: i.describe(words[0], words[1]),
                        fix: i.fix(submitted),
                    })
                    .collect(),
            }
        };
    }
    match (reader, writer) {
        (Parsed::Avro(reader), Parsed::Avro(writer)) => {
            match avro::compatibility_within(reader, writer, budget) {
                Ok(found) => Ok(reasons!(found, reader_path, writer_path)),
                Err(error) => {
                    Err(format!("Unexpected exception during compatibility check: {error}"))
                }
            }
        }
        (Parsed::Json(reader), Parsed::Json(writer)) => {
            let policy = match policy {
                CompatibilityPolicy::Lenient => json_schema::Policy::Lenient,
                CompatibilityPolicy::Strict | CompatibilityPolicy::Logical => {
                    json_schema::Policy::Strict
                }
            };
            let found = json_schema::compatibility_within(reader, writer, policy, budget);
            Ok(reasons!(found, reader_pointer, writer_pointer))
        }
        (Parsed::Protobuf(reader), Parsed::Protobuf(writer)) => {
            let found = protobuf::compatibility_within(reader, writer, budget);
            Ok(reasons!(found, reader_path, writer_path))
        }
        _ => Err("Incompatible because of different schema type".into()),
    }
}

/// What came of parsing a stored schema.
pub(crate) type ParseResult = Result<Arc<Parsed>, Arc<str>>;

/// Parses of stored schemas that are at hand; the oldest are forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Parses(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    parses: HashMap<(Context, SchemaId), (SchemaText, ParseResult, usize)>,
    oldest_first: VecDeque<(Context, SchemaId)>,
    /// Bytes of all texts that are kept parsed.
    weight: usize,
    /// Look-ups that found a parse, and those that did not.
    hits: u64,
    misses: u64,
}

impl Parses {
    /// The parse of the schema that an id of a context has, made and kept if it is not there. It is
    /// another schema's if the text is not the very same. What a budget did not suffice for is not kept.
    pub(crate) fn get(
        &self,
        context: &Context,
        id: SchemaId,
        text: &SchemaText,
        budget: &Budget,
        parse: impl FnOnce() -> Result<Parsed, String>,
    ) -> ParseResult {
        let key = (context.clone(), id);
        if let Some(parsed) = self.lock().look_up(&key, text) {
            return parsed;
        }
        let before = budget.bytes_used();
        let parsed: ParseResult = parse().map(Arc::new).map_err(Arc::from);
        if !budget.is_over() {
            let bytes = budget.bytes_used().saturating_sub(before) as usize / BYTES_PER_TEXT_BYTE;
            let weight = bytes.max(text.json().len());
            self.lock().keep(key, text.clone(), parsed.clone(), weight);
        }
        parsed
    }

    /// Look-ups so far, and how many parses are kept.
    pub(crate) fn counts(&self) -> ParseCache {
        let kept = self.lock();
        ParseCache { hits: kept.hits, misses: kept.misses, entries: kept.parses.len() as u64 }
    }

    /// What is behind the lock is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The parse of an id, if it is of the very same text.
    fn look_up(&mut self, key: &(Context, SchemaId), text: &SchemaText) -> Option<ParseResult> {
        let known = self.parses.get(key).filter(|(of, ..)| of.is_same(text));
        let parsed = known.map(|(_, parsed, _)| parsed.clone());
        let count = if parsed.is_some() { &mut self.hits } else { &mut self.misses };
        *count += 1;
        parsed
    }

    fn keep(
        &mut self,
        key: (Context, SchemaId),
        text: SchemaText,
        parsed: ParseResult,
        weight: usize,
    ) {
        self.weight += weight;
        match self.parses.insert(key.clone(), (text, parsed, weight)) {
            Some((.., before)) => self.weight -= before,
            None => self.oldest_first.push_back(key),
        }
        while self.weight > KEPT_TEXT_BYTES_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            if let Some((.., weight)) = self.parses.remove(&oldest) {
                self.weight -= weight;
            }
        }
    }
}
