//! Why a reader cannot read what a writer wrote, as it is found: places and facts, shared wherever a
//! pair of types is met again. Paths and words are made of those alone that are listed.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;

use super::incompatibility::{Incompatibility, IncompatibilityKind};
use super::{Kind, NodeId, Schema};
use crate::budget::{Budget, LISTED_BYTES_MAX, LISTED_MAX, Listed};

pub(super) type PlaceId = u32;

/// The place of the root, which has no name.
pub(super) const ROOT: PlaceId = 0;

/// A step of a path.
struct Place {
    parent: PlaceId,
    /// As it is printed: the reader's, or a branch of the writer's union.
    token: Token,
    /// In the writer's schema.
    writer: Token,
}

#[derive(Clone, Copy)]
pub(super) enum Token {
    Root,
    Fields,
    Type,
    Items,
    Values,
    Index(u32),
    /// A branch of the writer's union, printed but not in the reader's schema.
    WriterBranch(u32),
    /// No such place in this schema.
    Missing,
}

/// What is wrong, and with which types.
#[derive(Clone, Copy)]
pub(super) enum Fact {
    /// The writer's type has another name.
    Name(NodeId),
    /// What the reader's fixed has, and the writer's.
    Size(usize, usize),
    /// Two enums.
    Symbols(NodeId, NodeId),
    /// A reader's record and its field.
    Field(NodeId, u32),
    /// What the reader has, and the writer.
    Type(&'static str, &'static str),
    /// A branch of the writer's.
    Branch(&'static str),
}

/// A place in [`Reasons`]: an arena, because a tree as deep as a schema is not to be dropped
/// recursively. What a reason is made of stands before it.
pub(super) type ReasonsId = u32;

enum Reason {
    One(PlaceId, Fact),
    Many(Vec<ReasonsId>),
}

pub(super) struct Reasons<'s> {
    reader: &'s Schema,
    writer: &'s Schema,
    places: Vec<Place>,
    reasons: Vec<Reason>,
    budget: &'s Budget,
}

impl<'s> Reasons<'s> {
    pub(super) fn new(reader: &'s Schema, writer: &'s Schema, budget: &'s Budget) -> Reasons<'s> {
        let root = Place { parent: ROOT, token: Token::Root, writer: Token::Root };
        Reasons { reader, writer, places: vec![root], reasons: Vec::new(), budget }
    }

    pub(super) fn one(&mut self, place: PlaceId, fact: Fact) -> ReasonsId {
        self.keep(Reason::One(place, fact))
    }

    /// All of them as one; none of none.
    pub(super) fn merged(&mut self, reasons: Vec<ReasonsId>) -> Option<ReasonsId> {
        match reasons.as_slice() {
            [] => None,
            [one] => Some(*one),
            _ => Some(self.keep(Reason::Many(reasons))),
        }
    }

    fn keep(&mut self, reason: Reason) -> ReasonsId {
        self.budget.hold(2 * size_of::<Reason>());
        self.reasons.push(reason);
        (self.reasons.len() - 1) as ReasonsId
    }

    /// A place that both schemas have.
    pub(super) fn place(&mut self, parent: PlaceId, token: Token) -> PlaceId {
        self.place_of_both(parent, token, token)
    }

    pub(super) fn writer_branch(&mut self, parent: PlaceId, index: usize) -> PlaceId {
        let index = index as u32;
        self.place_of_both(parent, Token::WriterBranch(index), Token::Index(index))
    }

    pub(super) fn place_of_both(
        &mut self,
        parent: PlaceId,
        token: Token,
        writer: Token,
    ) -> PlaceId {
        self.budget.hold(2 * size_of::<Place>());
        self.places.push(Place { parent, token, writer });
        (self.places.len() - 1) as PlaceId
    }

    /// Reasons in the order in which they were found, as many as may be listed, one at least.
    pub(super) fn listed(&self, root: Option<ReasonsId>) -> Listed<Incompatibility> {
        let mut items: Vec<Incompatibility> = Vec::new();
        let Some(root) = root else { return Listed { items, left_out: 0 } };
        let mut bytes = 0;
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            match &self.reasons[id as usize] {
                Reason::Many(many) => stack.extend(many.iter().rev()),
                Reason::One(place, fact) => {
                    let one = self.described(*place, *fact);
                    bytes += one.bytes();
                    items.push(one);
                }
            }
            if items.len() == LISTED_MAX || bytes > LISTED_BYTES_MAX {
                break;
            }
        }
        let left_out = match stack.is_empty() {
            true => 0,
            false => self.count(root).saturating_sub(items.len() as u64),
        };
        Listed { items, left_out }
    }

    /// How many there are, if not too many to be counted.
    fn count(&self, root: ReasonsId) -> u64 {
        let mut counts: Vec<u64> = Vec::with_capacity(root as usize + 1);
        for reason in &self.reasons[..=root as usize] {
            counts.push(match reason {
                Reason::One(..) => 1,
                Reason::Many(many) => {
                    let each = many.iter().map(|id| counts[*id as usize]);
                    each.fold(0, u64::saturating_add)
                }
            });
        }
        counts[root as usize]
    }

    fn described(&self, place: PlaceId, fact: Fact) -> Incompatibility {
        use IncompatibilityKind as Is;
        let (kind, last, message) = match fact {
            Fact::Name(writer) => {
                let name = self.writer.kind(writer).branch_name();
                (Is::NameMismatch, Some("name"), format!("expected: {name}"))
            }
            Fact::Size(reader, writer) => {
                let message = format!("expected: {writer}, found: {reader}");
                (Is::FixedSizeMismatch, Some("size"), message)
            }
            Fact::Symbols(reader, writer) => {
                (Is::MissingEnumSymbols, Some("symbols"), self.missing_symbols(reader, writer))
            }
            Fact::Field(record, at) => {
                let name = match self.reader.kind(record) {
                    Kind::Record(record) => record.fields[at as usize].name.clone(),
                    _ => String::new(),
                };
                (Is::ReaderFieldMissingDefaultValue, None, name)
            }
            Fact::Type(reader, writer) => {
                let (reader, writer) = (reader.to_uppercase(), writer.to_uppercase());
                let message =
                    format!("reader type: {reader} not compatible with writer type: {writer}");
                (Is::TypeMismatch, None, message)
            }
            Fact::Branch(writer) => {
                let message =
                    format!("reader union lacking writer type: {}", writer.to_uppercase());
                (Is::MissingUnionBranch, None, message)
            }
        };
        let path = self.path(place, last, |place| place.token);
        let path = if path.is_empty() { "/".into() } else { path };
        let reader_path = self.path(place, last, |place| match place.token {
            Token::WriterBranch(_) => Token::Missing,
            token => token,
        });
        let writer_path = self.path(place, last, |place| place.writer);
        Incompatibility { kind, path, message, reader_path, writer_path }
    }

    fn missing_symbols(&self, reader: NodeId, writer: NodeId) -> String {
        let (Kind::Enum(reader), Kind::Enum(writer)) =
            (self.reader.kind(reader), self.writer.kind(writer))
        else {
            return String::new();
        };
        let known: HashSet<&str> = reader.symbols.iter().map(String::as_str).collect();
        let missing: BTreeSet<&str> =
            writer.symbols.iter().map(String::as_str).filter(|s| !known.contains(s)).collect();
        format!("[{}]", missing.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// The way to a place, as far as the schema that `token` speaks of has it.
    fn path(
        &self,
        mut place: PlaceId,
        last: Option<&str>,
        token: impl Fn(&Place) -> Token,
    ) -> String {
        let mut tokens: Vec<Token> = Vec::new();
        while place != ROOT {
            let step = &self.places[place as usize];
            tokens.push(token(step));
            place = step.parent;
        }
        let mut path = String::new();
        for token in tokens.into_iter().rev() {
            match token {
                Token::Root => {}
                Token::Fields => path.push_str("/fields"),
                Token::Type => path.push_str("/type"),
                Token::Items => path.push_str("/items"),
                Token::Values => path.push_str("/values"),
                Token::Index(index) | Token::WriterBranch(index) => {
                    let _ = write!(path, "/{index}");
                }
                Token::Missing => return path,
            }
        }
        if let Some(last) = last {
            path.push('/');
            path.push_str(last);
        }
        path
    }
}
