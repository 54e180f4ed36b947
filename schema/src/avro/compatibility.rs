//! Can data that was written with one schema be read with another? All reasons why not, with
//! Java's verdict, kind, path and message. Source: Apache Avro 1.12 `SchemaCompatibility`.
//!
//! Pairs of types are judged once and remembered, which also ends recursion: a pair that is being
//! judged counts as compatible until the opposite is shown. The walk keeps its own stack, so that
//! the depth of a schema costs heap. As in Java, a remembered result keeps the path of its first
//! visit, and a union's branches are judged with a path of their own that nobody sees.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::incompatibility::Incompatibility;
use super::reasons::{Fact, PlaceId, ROOT, Reasons, ReasonsId, Token};
use super::{Enum, Field, Kind, Name, NodeId, Record, Schema};
use crate::budget::{Budget, Listed};

/// From this many branches on, a reader's union is searched by name and not one by one.
const INDEXED_UNION_MIN: usize = 64;

/// From this many aliases on, those of a type are searched by name and not one by one.
const INDEXED_ALIASES_MIN: usize = 8;

/// What a pair costs when it is first met, and a field of a record.
const PAIR_STEPS: usize = 4;

/// What a pair takes that was judged, or is being judged.
const PAIR_BYTES: usize = 128;

/// A reader's field matches several of the writer's, by its name and its aliases: no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmbiguousField {
    pub field: String,
    pub writer: String,
}

impl fmt::Display for AmbiguousField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Reader record field {} matches multiple fields in writer record schema {}",
            self.field, self.writer
        )
    }
}

impl std::error::Error for AmbiguousField {}

/// All reasons why `reader` cannot read what `writer` wrote, as many as are listed; none if it can.
pub fn compatibility(
    reader: &Schema,
    writer: &Schema,
) -> Result<Vec<Incompatibility>, AmbiguousField> {
    compatibility_within(reader, writer, &Budget::default()).map(|found| found.items)
}

/// As `compatibility` does, within a budget, and how many are not listed. Once the budget is used up there is no
/// verdict, whatever is returned.
pub fn compatibility_within(
    reader: &Schema,
    writer: &Schema,
    budget: &Budget,
) -> Result<Listed<Incompatibility>, AmbiguousField> {
    let checker = Checker {
        reader,
        writer,
        memo: HashMap::new(),
        fields: HashMap::new(),
        unions: HashMap::new(),
        aliases: HashMap::new(),
        symbols: HashMap::new(),
        reasons: Reasons::new(reader, writer, budget),
        budget,
    };
    checker.run()
}

type Pair = (NodeId, NodeId);

/// What is wrong with a pair, if anything is; shared wherever the pair is met again.
type Verdict = Option<ReasonsId>;

/// A pair whose parts are being judged.
struct Frame {
    pair: Pair,
    place: PlaceId,
    work: Work,
    reasons: Vec<ReasonsId>,
}

enum Work {
    /// The items of two arrays or the values of two maps.
    Child { word: Token, pair: Pair, done: bool },
    /// Fields of the reader's record, from `next` on.
    Record { next: usize },
    /// Branches of a writer's union, each against the reader's whole union.
    UnionByUnion { next: usize },
    /// Branches of a writer's union, each against a reader that is none.
    WriterUnion { next: usize },
    /// Branches of a reader's union that are left to try against a writer that is none.
    ReaderUnion { candidates: std::vec::IntoIter<NodeId> },
}

/// What a frame wants next.
enum Next {
    Judge(Pair, PlaceId),
    Done(Verdict),
}

struct Checker<'s> {
    reader: &'s Schema,
    writer: &'s Schema,
    /// `None` while a pair is being judged.
    memo: HashMap<Pair, Option<Verdict>>,
    /// The writer's fields by name, for each record that was asked.
    fields: HashMap<NodeId, HashMap<&'s str, usize>>,
    unions: HashMap<NodeId, UnionIndex<'s>>,
    /// Full names by which a reader's type takes another for itself.
    aliases: HashMap<NodeId, HashSet<&'s str>>,
    /// Those of a reader's enum.
    symbols: HashMap<NodeId, HashSet<&'s str>>,
    reasons: Reasons<'s>,
    budget: &'s Budget,
}

#[derive(Default)]
struct UnionIndex<'s> {
    unnamed: Vec<NodeId>,
    by_name: HashMap<&'s str, Vec<NodeId>>,
}

impl<'s> Checker<'s> {
    fn run(mut self) -> Result<Listed<Incompatibility>, AmbiguousField> {
        let mut stack: Vec<Frame> = Vec::new();
        let mut returned = self.enter((self.reader.root(), self.writer.root()), ROOT, &mut stack);
        while let Some(mut frame) = stack.pop() {
            if self.budget.is_over() {
                return Ok(Listed { items: Vec::new(), left_out: 0 });
            }
            match self.advance(&mut frame, returned.take())? {
                Next::Judge(pair, place) => {
                    stack.push(frame);
                    returned = self.enter(pair, place, &mut stack);
                }
                Next::Done(verdict) => {
                    self.memo.insert(frame.pair, Some(verdict));
                    returned = Some(verdict);
                }
            }
        }
        Ok(self.reasons.listed(returned.expect("the last frame leaves its verdict")))
    }

    /// Judges a pair at once, or puts a frame for it on the stack and returns nothing.
    fn enter(&mut self, pair: Pair, place: PlaceId, stack: &mut Vec<Frame>) -> Option<Verdict> {
        self.budget.spend(1);
        if let Some(known) = self.memo.get(&pair) {
            return Some(known.unwrap_or(None));
        }
        self.budget.spend(PAIR_STEPS);
        self.budget.hold(PAIR_BYTES);
        let (r, w) = (self.reader.kind(pair.0), self.writer.kind(pair.1));
        let mut reasons = Vec::new();
        let work = match (r, w) {
            (Kind::Array(a), Kind::Array(b)) => {
                Work::Child { word: Token::Items, pair: (*a, *b), done: false }
            }
            (Kind::Map(a), Kind::Map(b)) => {
                Work::Child { word: Token::Values, pair: (*a, *b), done: false }
            }
            (Kind::Record(_), Kind::Record(_)) => {
                reasons.extend(self.names(pair, place));
                Work::Record { next: 0 }
            }
            (Kind::Union(_), Kind::Union(_)) => Work::UnionByUnion { next: 0 },
            (_, Kind::Union(_)) => Work::WriterUnion { next: 0 },
            (Kind::Union(_), _) => {
                Work::ReaderUnion { candidates: self.candidates(pair.0, w).into_iter() }
            }
            _ => {
                let verdict = self.leaf(pair, place);
                self.memo.insert(pair, Some(verdict));
                return Some(verdict);
            }
        };
        self.memo.insert(pair, None);
        stack.push(Frame { pair, place, work, reasons });
        None
    }

    fn advance(
        &mut self,
        frame: &mut Frame,
        returned: Option<Verdict>,
    ) -> Result<Next, AmbiguousField> {
        let (r, w) = (self.reader.kind(frame.pair.0), self.writer.kind(frame.pair.1));
        match (&mut frame.work, r, w) {
            (Work::Child { word, pair, done }, ..) => {
                frame.reasons.extend(returned.flatten());
                if !std::mem::replace(done, true) {
                    let (word, pair) = (*word, *pair);
                    return Ok(Next::Judge(pair, self.reasons.place(frame.place, word)));
                }
            }
            (Work::Record { next }, Kind::Record(reader), Kind::Record(_)) => {
                frame.reasons.extend(returned.flatten());
                while let Some(field) = reader.fields.get(*next) {
                    let index = *next;
                    *next += 1;
                    match self.field(field, index, frame.pair, frame.place)? {
                        FieldNext::Judge(pair, place) => return Ok(Next::Judge(pair, place)),
                        FieldNext::Judged(verdict) => frame.reasons.extend(verdict),
                    }
                }
            }
            (Work::UnionByUnion { next }, _, Kind::Union(branches)) => {
                if returned.flatten().is_some() {
                    let index = *next - 1;
                    let place = self.reasons.writer_branch(frame.place, index);
                    let branch = self.writer.kind(branches[index]).type_name();
                    frame.reasons.push(self.reasons.one(place, Fact::Branch(branch)));
                }
                if let Some(branch) = branches.get(*next) {
                    *next += 1;
                    return Ok(Next::Judge((frame.pair.0, *branch), ROOT));
                }
            }
            (Work::WriterUnion { next }, _, Kind::Union(branches)) => {
                frame.reasons.extend(returned.flatten());
                if let Some(branch) = branches.get(*next) {
                    let place = self.reasons.writer_branch(frame.place, *next);
                    *next += 1;
                    return Ok(Next::Judge((frame.pair.0, *branch), place));
                }
            }
            (Work::ReaderUnion { candidates }, _, writer) => {
                if let Some(None) = returned {
                    return Ok(Next::Done(None));
                }
                if let Some(branch) = candidates.next() {
                    return Ok(Next::Judge((branch, frame.pair.1), ROOT));
                }
                let fact = Fact::Branch(writer.type_name());
                return Ok(Next::Done(Some(self.reasons.one(frame.place, fact))));
            }
            _ => unreachable!("a frame's work fits the kinds that it was made for"),
        }
        Ok(Next::Done(self.reasons.merged(std::mem::take(&mut frame.reasons))))
    }

    /// Types without parts: equal, promotable, or a mismatch.
    fn leaf(&mut self, pair: Pair, place: PlaceId) -> Verdict {
        match (self.reader.kind(pair.0), self.writer.kind(pair.1)) {
            (Kind::Enum(_), Kind::Enum(_)) => {
                let found = [self.names(pair, place), self.symbols(pair, place)];
                self.reasons.merged(found.into_iter().flatten().collect())
            }
            (Kind::Fixed(r), Kind::Fixed(w)) => {
                let size = (r.size != w.size).then_some(Fact::Size(r.size, w.size));
                let found =
                    [self.names(pair, place), size.map(|fact| self.reasons.one(place, fact))];
                self.reasons.merged(found.into_iter().flatten().collect())
            }
            (r, w) if readable(r, w) => None,
            (r, w) => Some(self.reasons.one(place, Fact::Type(r.type_name(), w.type_name()))),
        }
    }

    fn names(&mut self, pair: Pair, place: PlaceId) -> Verdict {
        match self.names_match(pair) {
            true => None,
            false => Some(self.reasons.one(place, Fact::Name(pair.1))),
        }
    }

    fn names_match(&mut self, pair: Pair) -> bool {
        let (reader, writer) = (self.reader.kind(pair.0), self.writer.kind(pair.1));
        let (Some(r), Some(w)) = (reader.named(), writer.named()) else { return false };
        if r.aliases.len() < INDEXED_ALIASES_MIN {
            return names_match(reader, writer);
        }
        let aliases = self.aliases.entry(pair.0).or_insert_with(|| {
            self.budget.spend(r.aliases.len());
            let meant = r.aliases.iter().filter(|alias| !is_lost(alias, &r.name));
            meant.map(Name::full).collect()
        });
        r.name.simple() == w.name.simple() || aliases.contains(w.name.full())
    }

    fn symbols(&mut self, pair: Pair, place: PlaceId) -> Verdict {
        let (Kind::Enum(reader), Kind::Enum(writer)) =
            (self.reader.kind(pair.0), self.writer.kind(pair.1))
        else {
            return None;
        };
        if reader.default.is_some() {
            return None; // the parser has checked that it is one of the symbols
        }
        let known = self.symbols.entry(pair.0).or_insert_with(|| {
            self.budget.spend(reader.symbols.len());
            reader.symbols.iter().map(String::as_str).collect()
        });
        self.budget.spend(writer.symbols.len());
        match writer.symbols.iter().all(|symbol| known.contains(symbol.as_str())) {
            true => None,
            false => Some(self.reasons.one(place, Fact::Symbols(pair.0, pair.1))),
        }
    }

    fn field(
        &mut self,
        field: &Field,
        index: usize,
        pair: Pair,
        place: PlaceId,
    ) -> Result<FieldNext, AmbiguousField> {
        self.budget.spend(PAIR_STEPS + field.aliases.len());
        let fields = self.reasons.place(place, Token::Fields);
        let at = Token::Index(index as u32);
        if let Some((writer_index, writer)) = self.writer_field(field, pair.1)? {
            let here = self.reasons.place_of_both(fields, at, Token::Index(writer_index as u32));
            let place = self.reasons.place(here, Token::Type);
            return Ok(FieldNext::Judge((field.node, writer.node), place));
        }
        let here = self.reasons.place_of_both(fields, at, Token::Missing);
        if field.default.is_some() {
            return Ok(FieldNext::Judged(None));
        }
        if let Kind::Enum(Enum { default: Some(_), .. }) = self.reader.kind(field.node) {
            // Java compares the enum with the writer's whole record here, which never fits
            let place = self.reasons.place(here, Token::Type);
            return Ok(FieldNext::Judge((field.node, pair.1), place));
        }
        let fact = Fact::Field(pair.0, index as u32);
        Ok(FieldNext::Judged(Some(self.reasons.one(here, fact))))
    }

    fn writer_field(
        &mut self,
        field: &Field,
        writer: NodeId,
    ) -> Result<Option<(usize, &'s Field)>, AmbiguousField> {
        let schema: &'s Schema = self.writer;
        let Kind::Record(record) = schema.kind(writer) else {
            unreachable!("only a record's fields are asked for")
        };
        let index = self.fields.entry(writer).or_insert_with(|| by_name(record));
        let mut names = std::iter::once(&field.name).chain(&field.aliases);
        let found = names.by_ref().find_map(|name| index.get(name.as_str()));
        if found.is_some() && names.any(|name| index.contains_key(name.as_str())) {
            let writer = record.named.name.full().to_string();
            return Err(AmbiguousField { field: field.name.clone(), writer });
        }
        Ok(found.map(|at| (*at, &record.fields[*at])))
    }

    /// The branches of a reader's union that may read `writer`, in order. Small unions are tried
    /// whole, which Java does with all of them.
    fn candidates(&mut self, union: NodeId, writer: &Kind) -> Vec<NodeId> {
        let schema: &'s Schema = self.reader;
        let Kind::Union(branches) = schema.kind(union) else {
            unreachable!("only a union has branches")
        };
        if branches.len() < INDEXED_UNION_MIN {
            self.budget.spend(branches.len());
            return branches.clone();
        }
        let index = self.unions.entry(union).or_insert_with(|| {
            self.budget.spend(branches.len());
            let mut index = UnionIndex::default();
            for branch in branches {
                match schema.kind(*branch).named() {
                    None => index.unnamed.push(*branch),
                    Some(named) => {
                        index.by_name.entry(named.name.simple()).or_default().push(*branch);
                        self.budget.spend(named.aliases.len());
                        for alias in &named.aliases {
                            index.by_name.entry(alias.full()).or_default().push(*branch);
                        }
                    }
                }
            }
            index
        });
        let Some(named) = writer.named() else { return index.unnamed.clone() };
        let by_name = |name: &str| index.by_name.get(name).cloned().unwrap_or_default();
        let mut found = by_name(named.name.simple());
        found.extend(by_name(named.name.full()));
        found.sort();
        found.dedup();
        found
    }
}

enum FieldNext {
    Judge(Pair, PlaceId),
    Judged(Verdict),
}

fn by_name(record: &Record) -> HashMap<&str, usize> {
    record.fields.iter().enumerate().map(|(i, f)| (f.name.as_str(), i)).collect()
}

/// Equal simple names, or an alias of the reader's that is the writer's full name.
pub(crate) fn names_match(reader: &Kind, writer: &Kind) -> bool {
    let (Some(r), Some(w)) = (reader.named(), writer.named()) else { return false };
    let aliased = |alias: &Name| !is_lost(alias, &r.name) && alias.full() == w.name.full();
    r.name.simple() == w.name.simple() || r.aliases.iter().any(aliased)
}

/// An alias without a namespace, of a type that has one, never equals a full name in Java.
fn is_lost(alias: &Name, owner: &Name) -> bool {
    alias.namespace().is_none() && owner.namespace().is_some()
}

fn readable(reader: &Kind, writer: &Kind) -> bool {
    matches!(
        (reader, writer),
        (Kind::Null, Kind::Null)
            | (Kind::Boolean, Kind::Boolean)
            | (Kind::Int, Kind::Int)
            | (Kind::Long, Kind::Int | Kind::Long)
            | (Kind::Float, Kind::Int | Kind::Long | Kind::Float)
            | (Kind::Double, Kind::Int | Kind::Long | Kind::Float | Kind::Double)
            | (Kind::Bytes | Kind::String, Kind::Bytes | Kind::String)
    )
}
