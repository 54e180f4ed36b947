//! A schema as its language understands it, and the parses that are kept at hand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_registry_api::{
    CompatibilityPolicy, Context, EntityType, SchemaEntity, SchemaId, SchemaTags, SchemaText,
    SchemaType,
};
use weir_schema::{Side, Tagged, avro, json_schema, protobuf};

/// Bytes of schema text whose parses are kept. A parse is some ten times its text.
const KEPT_TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A parsed schema of any language.
#[derive(Clone, Debug)]
pub enum Parsed {
    Avro(avro::Schema),
    Json(json_schema::Schema),
    Protobuf(protobuf::Schema),
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
    ) -> Result<Parsed, String> {
        let strict = reading == Reading::New;
        match schema_type {
            SchemaType::Avro => {
                let options = match reading {
                    Reading::New => avro::ParseOptions::NEW,
                    Reading::Stored => avro::ParseOptions::STORED,
                };
                let mut parser = avro::Parser::new(options);
                for (_, text) in references {
                    parser.reference(text).map_err(|e| e.to_string())?;
                }
                parser.parse(text).map(Parsed::Avro).map_err(|e| e.to_string())
            }
            SchemaType::Json => json_schema::Schema::parse(text, references, strict)
                .map(Parsed::Json)
                .map_err(|e| e.to_string()),
            SchemaType::Protobuf => protobuf::Schema::parse(text, references, strict)
                .map(Parsed::Protobuf)
                .map_err(|e| e.to_string()),
            SchemaType::Other(name) => Err(format!("Invalid schema type {name}")),
        }
    }

    /// The text that is stored, by which schemas are the same.
    pub fn canonical(&self) -> String {
        match self {
            Parsed::Avro(schema) => schema.canonical(),
            Parsed::Json(schema) => schema.canonical(),
            Parsed::Protobuf(schema) => schema.canonical(),
        }
    }

    pub(crate) fn normalized(&self) -> Parsed {
        match self {
            Parsed::Avro(schema) => Parsed::Avro(schema.clone().normalized()),
            Parsed::Json(schema) => Parsed::Json(schema.normalized()),
            Parsed::Protobuf(schema) => Parsed::Protobuf(schema.normalized()),
        }
    }

    /// What stays the same whatever form the text is in. Two schemas may share it and yet differ.
    pub(crate) fn content(&self) -> Content {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let text = match self {
            // the order of keys is a matter of form
            Parsed::Avro(schema) => schema.clone().normalized().canonical(),
            Parsed::Json(schema) => schema.content_text(),
            Parsed::Protobuf(schema) => schema.content_text(),
        };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Content(hasher.finish())
    }

    /// Whether they are the same, whatever form their texts are in; what they refer to is not
    /// looked at.
    pub(crate) fn is_same(&self, other: &Parsed) -> bool {
        match (self, other) {
            (Parsed::Avro(a), Parsed::Avro(b)) => a.equivalent(b),
            (Parsed::Json(a), Parsed::Json(b)) => a.same_content(b),
            (Parsed::Protobuf(a), Parsed::Protobuf(b)) => a.same_resolved(b),
            _ => false,
        }
    }

    /// Whether they are the same once all references are inlined.
    pub(crate) fn same_resolved(&self, other: &Parsed) -> bool {
        match (self, other) {
            (Parsed::Avro(a), Parsed::Avro(b)) => a.same_resolved(b),
            (Parsed::Json(a), Parsed::Json(b)) => a.same_resolved(b),
            (Parsed::Protobuf(a), Parsed::Protobuf(b)) => a.same_resolved(b),
            _ => false,
        }
    }

    /// The text in a format that a request names; none where that is the canonical text.
    pub fn formatted(&self, format: &str) -> Result<Option<String>, String> {
        match (self, format) {
            (Parsed::Avro(schema), "resolved") => Ok(Some(schema.resolved())),
            (Parsed::Protobuf(schema), "serialized") => schema.serialized().map(Some),
            (Parsed::Protobuf(schema), "ignore_extensions") => {
                Ok(Some(schema.without_extensions()))
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
    pub fn tags(&self) -> Vec<SchemaTags> {
        let tagged = match self {
            Parsed::Avro(schema) => schema.tags(),
            Parsed::Json(schema) => schema.tags(),
            Parsed::Protobuf(schema) => schema.tags(),
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
            Parsed::Avro(schema) => schema.with_tags(&add, &remove).map(Parsed::Avro),
            Parsed::Json(schema) => schema.with_tags(&add, &remove).map(Parsed::Json),
            Parsed::Protobuf(schema) => schema.with_tags(&add, &remove).map(Parsed::Protobuf),
        }
    }

    /// Line and column of a place in a submitted text, or of the nearest place around it.
    pub(crate) fn locate(&self, text: &str, path: &str) -> Option<(u32, u32)> {
        match self {
            Parsed::Avro(_) | Parsed::Json(_) => weir_schema::json::locate(text, path),
            Parsed::Protobuf(_) => protobuf::locate(text, path),
        }
    }
}

/// All reasons why `reader` cannot take what `writer` gave. `words` names reader and writer in
/// messages; `submitted` is the side whose author can change something.
pub(crate) fn reasons(
    reader: &Parsed,
    writer: &Parsed,
    policy: CompatibilityPolicy,
    words: [&str; 2],
    submitted: Side,
) -> Result<Vec<Reason>, String> {
    macro_rules! reasons {
        ($found:expr, $reader_path:ident, $writer_path:ident) => {
            $found
                .iter()
                .map(|i| Reason {
                    rule: i.rule(),
                    reader_path: i.$reader_path().to_string(),
                    writer_path: i.$writer_path().to_string(),
                    message: i.describe(words[0], words[1]),
                    fix: i.fix(submitted),
                })
                .collect()
        };
    }
    match (reader, writer) {
        (Parsed::Avro(reader), Parsed::Avro(writer)) => match avro::compatibility(reader, writer) {
            Ok(found) => Ok(reasons!(found, reader_path, writer_path)),
            Err(error) => Err(format!("Unexpected exception during compatibility check: {error}")),
        },
        (Parsed::Json(reader), Parsed::Json(writer)) => {
            let policy = match policy {
                CompatibilityPolicy::Lenient => json_schema::Policy::Lenient,
                CompatibilityPolicy::Strict | CompatibilityPolicy::Logical => {
                    json_schema::Policy::Strict
                }
            };
            let found = json_schema::compatibility(reader, writer, policy);
            let found = found.map_err(|error| error.to_string())?;
            Ok(reasons!(found, reader_pointer, writer_pointer))
        }
        (Parsed::Protobuf(reader), Parsed::Protobuf(writer)) => {
            let found = protobuf::compatibility(reader, writer);
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
    parses: HashMap<(Context, SchemaId), (SchemaText, ParseResult)>,
    oldest_first: VecDeque<(Context, SchemaId)>,
    text_bytes: usize,
}

impl Parses {
    /// The parse of the schema that an id of a context has, made and kept if it is not there. It is
    /// another schema's if the text is not the very same.
    pub(crate) fn get(
        &self,
        context: &Context,
        id: SchemaId,
        text: &SchemaText,
        parse: impl FnOnce() -> Result<Parsed, String>,
    ) -> ParseResult {
        let key = (context.clone(), id);
        let known = self.lock().parses.get(&key).cloned();
        if let Some((_, parsed)) = known.filter(|(of, _)| of.is_same(text)) {
            return parsed;
        }
        let parsed: ParseResult = parse().map(Arc::new).map_err(Arc::from);
        self.lock().keep(key, text.clone(), parsed.clone());
        parsed
    }

    /// What is behind the lock is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, key: (Context, SchemaId), text: SchemaText, parsed: ParseResult) {
        self.text_bytes += text.json().len();
        match self.parses.insert(key.clone(), (text, parsed)) {
            Some((before, _)) => self.text_bytes -= before.json().len(),
            None => self.oldest_first.push_back(key),
        }
        while self.text_bytes > KEPT_TEXT_BYTES_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            if let Some((text, _)) = self.parses.remove(&oldest) {
                self.text_bytes -= text.json().len();
            }
        }
    }
}
