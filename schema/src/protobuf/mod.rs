//! Protobuf: schemas as files of declarations, printed and compared as Confluent's registry does.
//!
//! A [`Schema`] is made from a `.proto` text or from a serialized descriptor, and never changes.
//! The text is not compiled: what is stored, printed and compared is what its author wrote. Names
//! are resolved where a question needs it (normal form, differences, descriptors).

mod check;
mod compatibility;
mod descriptor;
mod element;
mod known;
mod locate;
mod names;
mod normalize;
mod normalize_option;
mod print;
mod print_option;
mod raw_bytes;
mod read;
mod reduce;
mod tags;

pub use compatibility::{
    Difference, Incompatibility, Rule, compatibility, compatibility_within, differences,
};
pub use locate::{Locator, locate};

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost_types::FileDescriptorSet;

use element::{File, Type};
use names::{Names, joined};

use crate::budget::Budget;

/// The name that a schema's own file has in descriptors, as in Confluent's registry.
const OWN_NAME: &str = "default";

/// A parsed file with its imports.
#[derive(Clone, Debug)]
pub struct Schema {
    file: Arc<File>,
    /// The files of references by import path, in the order in which they were given.
    references: Vec<(String, Arc<File>)>,
    is_normalized: bool,
}

/// Why a text is not a Protobuf schema. Its `Display` is the details that a registry answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub message: String,
    /// Line and column, from 1, where the syntax is wrong.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    fn new(message: impl Into<String>) -> ParseError {
        ParseError { message: message.into(), position: None }
    }
}

impl Schema {
    /// Parses a `.proto` text, or the base64 of a serialized `FileDescriptorProto`.
    ///
    /// References are pairs of import path and text, each after those that it refers to itself.
    /// Files of Google and Confluent that Confluent's registry bundles need no reference.
    /// `validate` asks of a new schema that types resolve and that names and numbers are unique; of
    /// a stored one nothing is asked but its syntax.
    pub fn parse(
        text: &str,
        references: &[(&str, &str)],
        validate: bool,
    ) -> Result<Schema, ParseError> {
        Schema::parse_within(text, references, validate, &Budget::default())
    }

    /// As `parse` does, within a budget. What it returns once that is used up is an error.
    pub fn parse_within(
        text: &str,
        references: &[(&str, &str)],
        validate: bool,
        budget: &Budget,
    ) -> Result<Schema, ParseError> {
        let mut files: Vec<(String, Arc<File>)> = Vec::with_capacity(references.len());
        for (path, text) in references {
            let file = read_either(text, &files, budget).map_err(|error| {
                ParseError::new(format!("{} (in the reference \"{path}\")", error.message))
            })?;
            files.push((path.to_string(), Arc::new(file)));
        }
        let file = Arc::new(read_either(text, &files, budget)?);
        let schema = Schema { file, references: files, is_normalized: false };
        if validate {
            let _names = budget.loan();
            check::check(&schema.file, &schema.names(budget)).map_err(ParseError::new)?;
        }
        match budget.over() {
            None => Ok(schema),
            Some(over) => Err(ParseError::new(over.to_string())),
        }
    }

    /// The text that a registry stores, hashes and answers. Reading it gives the same text again.
    pub fn canonical(&self) -> String {
        self.canonical_within(&Budget::default())
    }

    /// As `canonical` does, within a budget: what is not paid for is not written.
    pub fn canonical_within(&self, budget: &Budget) -> String {
        print::print(&self.file, self.is_normalized, budget)
    }

    /// The same schema with names in full, options, fields and imports sorted, and nothing said
    /// that can be left out. Types keep their order, which data on the wire refers to.
    pub fn normalized(&self) -> Schema {
        self.normalized_within(&Budget::default())
    }

    /// As `normalized` does, within a budget.
    pub fn normalized_within(&self, budget: &Budget) -> Schema {
        let file = Arc::new(normalize::normalized(&self.file, &self.names(budget)));
        Schema { file, references: self.references.clone(), is_normalized: true }
    }

    /// Whether both mean the same: one may be a text and the other a descriptor, and blanks in
    /// their texts say nothing. Imports that both were given have to mean the same too.
    pub fn same_resolved(&self, other: &Schema) -> bool {
        self.same_resolved_within(other, &Budget::default())
    }

    /// As `same_resolved` does, within a budget.
    pub fn same_resolved_within(&self, other: &Schema, budget: &Budget) -> bool {
        let (own, theirs) = (Meanings::of(self, budget), Meanings::of(other, budget));
        let others = other.needed();
        own.same(&self.file, &theirs, &other.file)
            && self.needed().iter().all(|(path, file)| {
                others.get(path).is_none_or(|others| {
                    Arc::ptr_eq(file, others) || own.same(file, &theirs, others)
                })
            })
    }

    /// A text that two schemas share exactly if their files mean the same; what they import is not in it.
    pub fn content_text(&self) -> String {
        self.content_text_within(&Budget::default())
    }

    /// As `content_text` does, within a budget: what is not paid for is not written.
    pub fn content_text_within(&self, budget: &Budget) -> String {
        Meanings::of(self, budget).text(&self.file)
    }

    /// The files of references that this schema imports, itself or through others.
    fn needed(&self) -> HashMap<&str, &Arc<File>> {
        let given: HashMap<&str, &Arc<File>> =
            self.references.iter().map(|(path, file)| (path.as_str(), file)).collect();
        let mut needed = HashMap::new();
        let mut files: Vec<&File> = vec![&*self.file];
        while let Some(file) = files.pop() {
            for import in &file.imports {
                if let Some((path, file)) = given.get_key_value(import.path.as_str())
                    && needed.insert(*path, *file).is_none()
                {
                    files.push(file);
                }
            }
        }
        needed
    }

    /// The base64 of the serialized `FileDescriptorProto`: `format=serialized`.
    pub fn serialized(&self) -> Result<String, String> {
        self.serialized_within(&Budget::default())
    }

    /// As `serialized` does, within a budget.
    pub fn serialized_within(&self, budget: &Budget) -> Result<String, String> {
        Ok(BASE64.encode(self.encoded(OWN_NAME, &self.file, &self.names(budget))?))
    }

    /// The canonical text without custom options and extensions: `format=ignore_extensions`.
    pub fn without_extensions(&self) -> String {
        self.without_extensions_within(&Budget::default())
    }

    /// As `without_extensions` does, within a budget: what is not paid for is not written.
    pub fn without_extensions_within(&self, budget: &Budget) -> String {
        print::print(&reduce::without_extensions(&self.file), self.is_normalized, budget)
    }

    /// The fields of all messages that are in no other, without those of oneofs.
    pub fn top_level_fields(&self) -> Vec<String> {
        let messages = self.file.types.iter().filter_map(Type::message);
        messages.flat_map(|m| &m.fields).map(|field| field.name.clone()).collect()
    }

    /// Full names of all messages in the order of the text, each before those nested in it.
    pub fn message_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        add_message_names(&self.file.types, self.file.package(), &mut names);
        names
    }

    /// Where a message of this full name is: an index among the file's messages, one among those
    /// nested in it, and so on.
    pub fn message_path(&self, name: &str) -> Option<Vec<i32>> {
        let package = self.file.package();
        let mut rest = match package.is_empty() {
            true => name,
            false => name.strip_prefix(package)?.strip_prefix('.')?,
        };
        let (mut types, mut path) = (&self.file.types, Vec::new());
        loop {
            let (first, inner) = rest.split_once('.').unwrap_or((rest, ""));
            let mut messages = types.iter().filter_map(Type::message).enumerate();
            let (index, message) = messages.find(|(_, message)| message.name == first)?;
            path.push(index as i32);
            if inner.is_empty() {
                return Some(path);
            }
            (types, rest) = (&message.types, inner);
        }
    }

    /// The full name of the message at a path.
    pub fn message_at(&self, path: &[i32]) -> Option<String> {
        let (mut types, mut name) = (&self.file.types, self.file.package().to_string());
        for index in path {
            let index = usize::try_from(*index).ok()?;
            let message = types.iter().filter_map(Type::message).nth(index)?;
            name = joined(&name, &message.name);
            types = &message.types;
        }
        (!path.is_empty()).then_some(name)
    }

    /// The descriptors of this file and of all that it imports, each after its imports. Imports
    /// that were not given are left out. The schema's own file is called `default` and comes last.
    pub fn file_descriptor_set(&self) -> Result<FileDescriptorSet, String> {
        let names = self.names(&Budget::default());
        let mut set = FileDescriptorSet::default();
        for (path, file) in self.imports_first()? {
            let bytes = self.encoded(path, file, &names)?;
            let descriptor = prost::Message::decode(bytes.as_slice());
            set.file.push(descriptor.map_err(|error| error.to_string())?);
        }
        Ok(set)
    }

    fn names(&self, budget: &Budget) -> Names<'_> {
        let references = self.references.iter().map(|(_, file)| &**file);
        Names::of(references.chain([&*self.file]), budget)
    }

    fn encoded(&self, name: &str, file: &File, names: &Names) -> Result<Vec<u8>, String> {
        names.budget.spend(file.imports.len() * self.references.len());
        if let Some(over) = names.budget.over() {
            return Err(over.to_string());
        }
        descriptor::encode(file, name, names, |path| self.imported(path).is_some())
    }

    /// The file at an import path: of two references with one path, the later.
    fn imported(&self, path: &str) -> Option<&File> {
        let reference = self.references.iter().rev().find(|(known, _)| known == path);
        reference.map(|(_, file)| &**file).or_else(|| known::file(path))
    }

    /// All files that this one needs, each after its imports, the file itself last.
    fn imports_first(&self) -> Result<Vec<(&str, &File)>, String> {
        let paths: HashMap<&str, &File> =
            self.references.iter().map(|(path, file)| (path.as_str(), &**file)).collect();
        let find = |path: &str| paths.get(path).copied().or_else(|| known::file(path));
        let mut ordered = Vec::new();
        let (mut entered, mut left) = (HashSet::new(), HashSet::new());
        let mut stack = vec![(OWN_NAME, &*self.file, 0)];
        while let Some((path, file, next)) = stack.pop() {
            let Some(import) = file.imports.get(next) else {
                left.insert(path);
                ordered.push((path, file));
                continue;
            };
            stack.push((path, file, next + 1));
            let import = import.path.as_str();
            match find(import) {
                Some(file) if entered.insert(import) => stack.push((import, file, 0)),
                Some(_) if !left.contains(import) => {
                    return Err(format!("\"{import}\" imports itself"));
                }
                _ => {}
            }
        }
        Ok(ordered)
    }
}

/// A schema's files by what they mean.
struct Meanings<'s> {
    schema: &'s Schema,
    names: OnceCell<Names<'s>>,
    budget: &'s Budget,
}

impl<'s> Meanings<'s> {
    fn of(schema: &'s Schema, budget: &'s Budget) -> Meanings<'s> {
        Meanings { schema, names: OnceCell::new(), budget }
    }

    fn text(&self, file: &File) -> String {
        let names = self.names.get_or_init(|| self.schema.names(self.budget));
        let mut file = normalize::normalized(file, names);
        reduce::drop_implied(&mut file);
        raw_bytes::as_characters(&print::print(&file, true, self.budget))
    }

    /// Whether a file means what one of another schema does. Most that do have the same text, and it
    /// takes a fraction of the time to see that.
    fn same(&self, file: &File, other: &Meanings, others: &File) -> bool {
        let _texts = self.budget.loan();
        let printed = |file| print::print(file, false, self.budget);
        printed(file) == printed(others) || self.text(file) == other.text(others)
    }
}

fn add_message_names(types: &[Type], scope: &str, names: &mut Vec<String>) {
    for message in types.iter().filter_map(Type::message) {
        let name = joined(scope, &message.name);
        names.push(name.clone());
        add_message_names(&message.types, &name, names);
    }
}

/// Whether a text is a descriptor in base64 and no `.proto` source.
pub fn is_descriptor(text: &str) -> bool {
    !text.contains([';', '{']) && BASE64.decode(text.trim()).is_ok_and(|bytes| !bytes.is_empty())
}

/// Reads a text, or else a descriptor. If it is neither, the text's error says why.
fn read_either(
    text: &str,
    imports: &[(String, Arc<File>)],
    budget: &Budget,
) -> Result<File, ParseError> {
    let error = match read::read(text, budget) {
        Ok(file) => return Ok(file),
        Err(error) => error,
    };
    if budget.is_over() {
        return Err(error);
    }
    let Ok(bytes) = BASE64.decode(text.trim()) else { return Err(error) };
    let imports: Vec<&File> = imports.iter().map(|(_, file)| &**file).collect();
    descriptor::decode(&bytes, &imports, budget).unwrap_or(Err(error))
}
