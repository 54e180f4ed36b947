//! Which type a name means: the innermost scope that has it wins, as in protoc.
//! Source: Confluent `Context#resolve`.

use std::collections::{HashMap, HashSet};

use super::element::{Constant, Enum, Extend, Field, File, Message, Type};
use super::known;
use crate::budget::{Budget, WRITTEN_BYTES_PER_STEP};

/// What a type takes among the names, but for its own.
const NAMED_BYTES: usize = 160;

/// A declared type.
#[derive(Clone, Copy)]
pub struct Named<'s> {
    /// The file that declares it: an index into [`Names::files`], or none for a bundled file.
    pub file: Option<usize>,
    pub package: &'s str,
    /// Whether repeated numbers of its file are packed if nothing else is said.
    pub packs: bool,
    pub declared: Declared<'s>,
}

#[derive(Clone, Copy)]
pub enum Declared<'s> {
    Message(&'s Message),
    Enum(&'s Enum),
}

/// A field that a file adds to another's message.
#[derive(Clone, Copy)]
pub struct Extension<'s> {
    pub field: &'s Field,
    /// Where its type is looked for.
    pub scope: usize,
    pub packs: bool,
}

/// The full names of all types that a file and its imports declare.
#[derive(Default)]
pub struct Names<'s> {
    types: HashMap<String, Named<'s>>,
    extensions: HashMap<String, Extension<'s>>,
    /// Extensions by the full name of what they extend, and their number.
    numbers: HashMap<(String, i32), String>,
    scopes: Vec<String>,
    /// All packages, and what they are in: `a`, `a.b` for `a.b`.
    packages: HashSet<String>,
    /// The members of types that have many.
    large: HashMap<String, Index<'s>>,
    known: bool,
    /// Pays for looking them up.
    pub(super) budget: Budget,
}

/// From this many fields or constants on, they are indexed and not searched one by one.
const LARGE_MIN: usize = 64;

/// Fields by name and by number, or constants.
#[derive(Default)]
struct Index<'s> {
    fields: HashMap<&'s str, &'s Field>,
    field_numbers: HashMap<i32, &'s Field>,
    constants: HashMap<&'s str, &'s Constant>,
    constant_numbers: HashMap<i32, &'s Constant>,
}

impl<'s> Names<'s> {
    /// The names of several files; what a later one declares again replaces the earlier.
    pub fn of(files: impl Iterator<Item = &'s File>, budget: &Budget) -> Names<'s> {
        Names { budget: budget.clone(), ..Names::default() }.with(files)
    }

    /// The names of the files that are known without references: nothing is beyond them.
    pub(super) fn of_known(files: impl Iterator<Item = &'s File>) -> Names<'s> {
        // they are looked up as long as the process lives
        let budget = Budget::unlimited();
        let mut names = Names { known: true, budget, ..Names::default() }.with(files);
        names.types.values_mut().for_each(|named| named.file = None);
        names
    }

    fn with(mut self, files: impl Iterator<Item = &'s File>) -> Names<'s> {
        let files: Vec<&File> = files.collect();
        for (index, file) in files.iter().enumerate() {
            self.types(file, Some(index), &file.types, file.package());
            let package = file.package();
            self.budget.write(package.len() * (1 + package.matches('.').count()));
            if self.budget.is_over() {
                break;
            }
            let ends = package.match_indices('.').map(|(dot, _)| dot).chain([package.len()]);
            self.packages.extend(ends.map(|end| package[..end].to_string()));
        }
        files.iter().for_each(|file| self.extends_of(file));
        self
    }

    fn types(&mut self, file: &'s File, index: Option<usize>, types: &'s [Type], scope: &str) {
        for declared in types {
            let name = self.joined(scope, declared.name());
            if !self.budget.hold(NAMED_BYTES + name.len()) {
                return;
            }
            let (package, packs) = (file.package(), !file.is_proto2());
            let (declared, message) = match declared {
                Type::Message(message) => (Declared::Message(message), Some(message)),
                Type::Enum(enumeration) => (Declared::Enum(enumeration), None),
            };
            if let Some(message) = message {
                for group in message.all_groups() {
                    self.group(file, index, &group.body, &name);
                }
                for group in message.extends.iter().flat_map(|extend| &extend.groups) {
                    self.group(file, index, &group.body, &name);
                }
                self.types(file, index, &message.types, &name);
            }
            self.index(&name, declared);
            self.types.insert(name, Named { file: index, package, packs, declared });
        }
    }

    fn group(&mut self, file: &'s File, index: Option<usize>, body: &'s Message, scope: &str) {
        let name = self.joined(scope, &body.name);
        if !self.budget.hold(NAMED_BYTES + name.len()) {
            return;
        }
        let declared = Declared::Message(body);
        for group in body.all_groups() {
            self.group(file, index, &group.body, &name);
        }
        self.types(file, index, &body.types, &name);
        self.types
            .insert(name, Named { file: index, package: file.package(), packs: false, declared });
    }

    fn extends_of(&mut self, file: &'s File) {
        for group in file.extends.iter().flat_map(|extend| &extend.groups) {
            self.group(file, None, &group.body, file.package());
        }
        self.extends(file, &file.extends, file.package());
        let mut stack: Vec<(&Type, String)> =
            file.types.iter().map(|t| (t, file.package().to_string())).collect();
        while let Some((declared, scope)) = stack.pop() {
            let Type::Message(message) = declared else { continue };
            let name = self.joined(&scope, &message.name);
            // it is copied for each that is nested in it
            if !self.budget.spend(message.types.len() * (1 + name.len() / WRITTEN_BYTES_PER_STEP)) {
                return;
            }
            self.extends(file, &message.extends, &name);
            stack.extend(message.types.iter().map(|nested| (nested, name.clone())));
        }
    }

    fn extends(&mut self, file: &File, extends: &'s [Extend], scope: &str) {
        if extends.is_empty() {
            return;
        }
        self.scopes.push(scope.to_string());
        let (place, packs) = (self.scopes.len() - 1, !file.is_proto2());
        for extend in extends {
            let extendee = self.resolve(&extend.name, scope).unwrap_or_default();
            for field in &extend.fields {
                let name = self.joined(scope, &field.name);
                if !self.budget.hold(NAMED_BYTES + 2 * name.len() + extendee.len()) {
                    return;
                }
                self.numbers.insert((extendee.clone(), field.number), name.clone());
                self.extensions.insert(name, Extension { field, scope: place, packs });
            }
        }
    }

    /// The type with a full name, which has no dot in front.
    pub fn get(&self, full: &str) -> Option<Named<'s>> {
        self.types.get(full).copied().or_else(|| self.beyond()?.types.get(full).copied())
    }

    pub fn extension(&self, full: &str) -> Option<(Extension<'s>, &str)> {
        let own = self.extensions.get(full).map(|e| (*e, self.scopes[e.scope].as_str()));
        own.or_else(|| self.beyond()?.extension(full))
    }

    fn index(&mut self, name: &str, declared: Declared<'s>) {
        let mut index = Index::default();
        match declared {
            Declared::Message(message) if message.all_fields().count() >= LARGE_MIN => {
                index.fields = message.all_fields().map(|f| (f.name.as_str(), f)).collect();
                index.field_numbers = message.all_fields().map(|f| (f.number, f)).collect();
            }
            Declared::Enum(enumeration) if enumeration.constants.len() >= LARGE_MIN => {
                let constants = enumeration.constants.iter().rev(); // of aliases the first counts
                index.constants = constants.clone().map(|c| (c.name.as_str(), c)).collect();
                index.constant_numbers = constants.map(|c| (c.number, c)).collect();
            }
            _ => return,
        }
        self.large.insert(name.to_string(), index);
    }

    /// A message's field by its name.
    pub fn field(&self, message: &str, name: &str) -> Option<&'s Field> {
        match (self.large.get(message), self.get(message)?.declared) {
            (Some(index), _) => index.fields.get(name).copied(),
            (None, Declared::Message(declared)) => declared.all_fields().find(|f| f.name == name),
            _ => None,
        }
    }

    /// A message's field by its number.
    pub fn field_number(&self, message: &str, number: i32) -> Option<&'s Field> {
        match (self.large.get(message), self.get(message)?.declared) {
            (Some(index), _) => index.field_numbers.get(&number).copied(),
            (None, Declared::Message(m)) => m.all_fields().find(|f| f.number == number),
            _ => None,
        }
    }

    /// An enum's constant by its name.
    pub fn constant(&self, enumeration: &str, name: &str) -> Option<&'s Constant> {
        match (self.large.get(enumeration), self.get(enumeration)?.declared) {
            (Some(index), _) => index.constants.get(name).copied(),
            (None, Declared::Enum(e)) => e.constants.iter().find(|c| c.name == name),
            _ => None,
        }
    }

    /// An enum's constant by its number; of aliases the first.
    pub fn constant_number(&self, enumeration: &str, number: i32) -> Option<&'s Constant> {
        match (self.large.get(enumeration), self.get(enumeration)?.declared) {
            (Some(index), _) => index.constant_numbers.get(&number).copied(),
            (None, Declared::Enum(e)) => e.constants.iter().find(|c| c.number == number),
            _ => None,
        }
    }

    /// The full name of the extension that has a number in a message.
    pub fn extension_number(&self, message: &str, number: i32) -> Option<&str> {
        let key = (message.to_string(), number);
        let own = self.numbers.get(&key).map(String::as_str);
        own.or_else(|| self.beyond()?.extension_number(message, number))
    }

    fn beyond(&self) -> Option<&'static Names<'static>> {
        if self.known { None } else { Some(known::names()) }
    }

    /// The full name that `name` means within `scope`, a full name itself.
    pub fn resolve(&self, name: &str, scope: &str) -> Option<String> {
        resolve(name, scope, |full| self.is_paid(full) && self.get(full).is_some())
    }

    /// A name within a scope.
    pub fn joined(&self, scope: &str, name: &str) -> String {
        self.budget.spend(1 + (scope.len() + name.len()) / WRITTEN_BYTES_PER_STEP);
        joined(scope, name)
    }

    /// Whether there is enough left to look for a name.
    fn is_paid(&self, full: &str) -> bool {
        self.budget.spend(2 + 4 * full.len() / WRITTEN_BYTES_PER_STEP)
    }

    /// Whether a full name means something else within `scope` to protoc, which goes by the
    /// innermost scope that has the first part of a name and looks for the rest nowhere else.
    pub fn is_hidden(&self, full: &str, scope: &str) -> bool {
        let Some((first, _)) = full.split_once('.') else { return false };
        let mut scope = scope;
        while !scope.is_empty() {
            let name = self.joined(scope, first);
            if self.budget.is_over() || self.has_scope(&name) {
                return true;
            }
            scope = outer(scope);
        }
        false
    }

    /// Whether a message, an enum or a package has this full name.
    fn has_scope(&self, full: &str) -> bool {
        let own = self.packages.contains(full) || self.get(full).is_some();
        own || self.beyond().is_some_and(|known| known.packages.contains(full))
    }

    pub fn resolve_extension(&self, name: &str, scope: &str) -> Option<String> {
        resolve(name, scope, |full| self.is_paid(full) && self.extension(full).is_some())
    }
}

fn resolve(name: &str, scope: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    if let Some(full) = name.strip_prefix('.') {
        return exists(full).then(|| full.to_string());
    }
    let mut full = String::with_capacity(scope.len() + 1 + name.len());
    let mut scope = scope;
    loop {
        full.clear();
        full.push_str(scope);
        if !scope.is_empty() {
            full.push('.');
        }
        full.push_str(name);
        if exists(&full) {
            return Some(full);
        }
        if scope.is_empty() {
            return None;
        }
        scope = outer(scope);
    }
}

/// The scope around a scope.
fn outer(scope: &str) -> &str {
    scope.rfind('.').map_or("", |dot| &scope[..dot])
}

/// A name within a scope.
pub fn joined(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_string() } else { format!("{scope}.{name}") }
}
