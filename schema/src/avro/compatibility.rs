//! Can data that was written with one schema be read with another? All reasons why not, with
//! Java's verdict, kind, path and message. Source: Apache Avro 1.12 `SchemaCompatibility`.
//!
//! Pairs of types are judged once and remembered, which also ends recursion: a pair that is being
//! judged counts as compatible until the opposite is shown. The walk keeps its own stack, so that
//! the depth of a schema costs heap. As in Java, a remembered result keeps the path of its first
//! visit, and a union's branches are judged with a path of their own that nobody sees.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::{self, Write};

use super::incompatibility::{Incompatibility, IncompatibilityKind};
use super::{Enum, Field, Kind, NodeId, Record, Schema};

/// How many incompatibilities are listed. Shared types can make their number exponential.
const LISTED_MAX: usize = 10_000;

/// From this many branches on, a reader's union is searched by name and not one by one.
const INDEXED_UNION_MIN: usize = 64;

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

/// All reasons why `reader` cannot read what `writer` wrote; none if it can.
pub fn compatibility(
    reader: &Schema,
    writer: &Schema,
) -> Result<Vec<Incompatibility>, AmbiguousField> {
    let checker = Checker {
        reader,
        writer,
        memo: HashMap::new(),
        places: vec![Place { parent: 0, token: Token::Root, writer: Token::Root }],
        fields: HashMap::new(),
        unions: HashMap::new(),
        reasons: Vec::new(),
    };
    checker.run()
}

type Pair = (NodeId, NodeId);
type PlaceId = u32;

/// A step of a path. Place 0 is the root, which has no name.
struct Place {
    parent: PlaceId,
    /// As it is printed: the reader's, or a branch of the writer's union.
    token: Token,
    /// In the writer's schema.
    writer: Token,
}

#[derive(Clone, Copy)]
enum Token {
    Root,
    Word(&'static str),
    Index(u32),
    /// A branch of the writer's union, printed but not in the reader's schema.
    WriterBranch(u32),
    /// No such place in this schema.
    Missing,
}

/// What is wrong with a pair; shared wherever the pair is met again.
#[derive(Clone, Copy)]
enum Verdict {
    Compatible,
    Incompatible(ReasonsId),
}

/// A place in [`Checker::reasons`]: an arena, because a tree as deep as a schema is not to be
/// dropped recursively.
type ReasonsId = u32;

enum Reasons {
    One(Incompatibility),
    Many(Vec<ReasonsId>),
}

impl Verdict {
    fn add_to(self, reasons: &mut Vec<ReasonsId>) {
        if let Verdict::Incompatible(more) = self {
            reasons.push(more);
        }
    }
}

/// A pair whose parts are being judged.
struct Frame {
    pair: Pair,
    place: PlaceId,
    work: Work,
    reasons: Vec<ReasonsId>,
}

enum Work {
    /// The items of two arrays or the values of two maps.
    Child { word: &'static str, pair: Pair, done: bool },
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
    places: Vec<Place>,
    /// The writer's fields by name, for each record that was asked.
    fields: HashMap<NodeId, HashMap<&'s str, usize>>,
    unions: HashMap<NodeId, UnionIndex<'s>>,
    reasons: Vec<Reasons>,
}

#[derive(Default)]
struct UnionIndex<'s> {
    unnamed: Vec<NodeId>,
    by_name: HashMap<&'s str, Vec<NodeId>>,
}

impl<'s> Checker<'s> {
    fn run(mut self) -> Result<Vec<Incompatibility>, AmbiguousField> {
        let mut stack: Vec<Frame> = Vec::new();
        let mut returned = self.enter((self.reader.root(), self.writer.root()), 0, &mut stack);
        while let Some(mut frame) = stack.pop() {
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
        Ok(self.listed(returned.expect("the last frame leaves its verdict")))
    }

    /// Judges a pair at once, or puts a frame for it on the stack and returns nothing.
    fn enter(&mut self, pair: Pair, place: PlaceId, stack: &mut Vec<Frame>) -> Option<Verdict> {
        if let Some(known) = self.memo.get(&pair) {
            return Some(known.unwrap_or(Verdict::Compatible));
        }
        let (r, w) = (self.reader.kind(pair.0), self.writer.kind(pair.1));
        let mut reasons = Vec::new();
        let work = match (r, w) {
            (Kind::Array(a), Kind::Array(b)) => {
                Work::Child { word: "items", pair: (*a, *b), done: false }
            }
            (Kind::Map(a), Kind::Map(b)) => {
                Work::Child { word: "values", pair: (*a, *b), done: false }
            }
            (Kind::Record(_), Kind::Record(_)) => {
                self.names(r, w, place).add_to(&mut reasons);
                Work::Record { next: 0 }
            }
            (Kind::Union(_), Kind::Union(_)) => Work::UnionByUnion { next: 0 },
            (_, Kind::Union(_)) => Work::WriterUnion { next: 0 },
            (Kind::Union(_), _) => {
                Work::ReaderUnion { candidates: self.candidates(pair.0, w).into_iter() }
            }
            _ => {
                let verdict = self.leaf(r, w, place);
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
                if let Some(verdict) = returned {
                    verdict.add_to(&mut frame.reasons);
                }
                if !std::mem::replace(done, true) {
                    let (word, pair) = (*word, *pair);
                    return Ok(Next::Judge(pair, self.place(frame.place, Token::Word(word))));
                }
            }
            (Work::Record { next }, Kind::Record(reader), Kind::Record(_)) => {
                if let Some(verdict) = returned {
                    verdict.add_to(&mut frame.reasons);
                }
                while let Some(field) = reader.fields.get(*next) {
                    let index = *next;
                    *next += 1;
                    match self.field(field, index, frame.pair, frame.place)? {
                        FieldNext::Judge(pair, place) => return Ok(Next::Judge(pair, place)),
                        FieldNext::Judged(verdict) => verdict.add_to(&mut frame.reasons),
                    }
                }
            }
            (Work::UnionByUnion { next }, _, Kind::Union(branches)) => {
                if let Some(Verdict::Incompatible(_)) = returned {
                    let index = *next - 1;
                    let place = self.writer_branch(frame.place, index);
                    let branch = self.writer.kind(branches[index]);
                    self.missing_branch(branch, place).add_to(&mut frame.reasons);
                }
                if let Some(branch) = branches.get(*next) {
                    *next += 1;
                    return Ok(Next::Judge((frame.pair.0, *branch), 0));
                }
            }
            (Work::WriterUnion { next }, _, Kind::Union(branches)) => {
                if let Some(verdict) = returned {
                    verdict.add_to(&mut frame.reasons);
                }
                if let Some(branch) = branches.get(*next) {
                    let place = self.writer_branch(frame.place, *next);
                    *next += 1;
                    return Ok(Next::Judge((frame.pair.0, *branch), place));
                }
            }
            (Work::ReaderUnion { candidates }, _, writer) => {
                if let Some(Verdict::Compatible) = returned {
                    return Ok(Next::Done(Verdict::Compatible));
                }
                if let Some(branch) = candidates.next() {
                    return Ok(Next::Judge((branch, frame.pair.1), 0));
                }
                return Ok(Next::Done(self.missing_branch(writer, frame.place)));
            }
            _ => unreachable!("a frame's work fits the kinds that it was made for"),
        }
        Ok(Next::Done(self.merged(std::mem::take(&mut frame.reasons))))
    }

    /// Types without parts: equal, promotable, or a mismatch.
    fn leaf(&mut self, reader: &Kind, writer: &Kind, place: PlaceId) -> Verdict {
        match (reader, writer) {
            (Kind::Enum(r), Kind::Enum(w)) => {
                let mut reasons = Vec::new();
                self.names(reader, writer, place).add_to(&mut reasons);
                self.symbols(r, w, place).add_to(&mut reasons);
                self.merged(reasons)
            }
            (Kind::Fixed(r), Kind::Fixed(w)) => {
                let mut reasons = Vec::new();
                self.names(reader, writer, place).add_to(&mut reasons);
                if r.size != w.size {
                    let message = format!("expected: {}, found: {}", w.size, r.size);
                    self.one(IncompatibilityKind::FixedSizeMismatch, place, Some("size"), message)
                        .add_to(&mut reasons);
                }
                self.merged(reasons)
            }
            (r, w) if readable(r, w) => Verdict::Compatible,
            (r, w) => self.one(
                IncompatibilityKind::TypeMismatch,
                place,
                None,
                format!("reader type: {} not compatible with writer type: {}", upper(r), upper(w)),
            ),
        }
    }

    fn names(&mut self, reader: &Kind, writer: &Kind, place: PlaceId) -> Verdict {
        if names_match(reader, writer) {
            return Verdict::Compatible;
        }
        let writer = writer.named().expect("names are compared between named types");
        let message = format!("expected: {}", writer.name.full());
        self.one(IncompatibilityKind::NameMismatch, place, Some("name"), message)
    }

    fn symbols(&mut self, reader: &Enum, writer: &Enum, place: PlaceId) -> Verdict {
        if reader.default.is_some() {
            return Verdict::Compatible; // the parser has checked that it is one of the symbols
        }
        let known: HashSet<&str> = reader.symbols.iter().map(String::as_str).collect();
        let missing: BTreeSet<&str> =
            writer.symbols.iter().map(String::as_str).filter(|s| !known.contains(s)).collect();
        if missing.is_empty() {
            return Verdict::Compatible;
        }
        let message = format!("[{}]", missing.into_iter().collect::<Vec<_>>().join(", "));
        self.one(IncompatibilityKind::MissingEnumSymbols, place, Some("symbols"), message)
    }

    fn missing_branch(&mut self, writer: &Kind, place: PlaceId) -> Verdict {
        let message = format!("reader union lacking writer type: {}", upper(writer));
        self.one(IncompatibilityKind::MissingUnionBranch, place, None, message)
    }

    fn field(
        &mut self,
        field: &Field,
        index: usize,
        pair: Pair,
        place: PlaceId,
    ) -> Result<FieldNext, AmbiguousField> {
        let fields = self.place(place, Token::Word("fields"));
        let at = Token::Index(index as u32);
        if let Some((writer_index, writer)) = self.writer_field(field, pair.1)? {
            let here = self.place_of_both(fields, at, Token::Index(writer_index as u32));
            let place = self.place(here, Token::Word("type"));
            return Ok(FieldNext::Judge((field.node, writer.node), place));
        }
        let here = self.place_of_both(fields, at, Token::Missing);
        if field.default.is_some() {
            return Ok(FieldNext::Judged(Verdict::Compatible));
        }
        if let Kind::Enum(Enum { default: Some(_), .. }) = self.reader.kind(field.node) {
            // Java compares the enum with the writer's whole record here, which never fits
            let place = self.place(here, Token::Word("type"));
            return Ok(FieldNext::Judge((field.node, pair.1), place));
        }
        Ok(FieldNext::Judged(self.one(
            IncompatibilityKind::ReaderFieldMissingDefaultValue,
            here,
            None,
            field.name.clone(),
        )))
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
            return branches.clone();
        }
        let index = self.unions.entry(union).or_insert_with(|| {
            let mut index = UnionIndex::default();
            for branch in branches {
                match schema.kind(*branch).named() {
                    None => index.unnamed.push(*branch),
                    Some(named) => {
                        index.by_name.entry(named.name.simple()).or_default().push(*branch);
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

    fn merged(&mut self, mut reasons: Vec<ReasonsId>) -> Verdict {
        match reasons.len() {
            0 => Verdict::Compatible,
            1 => Verdict::Incompatible(reasons.remove(0)),
            _ => self.keep(Reasons::Many(reasons)),
        }
    }

    fn one(
        &mut self,
        kind: IncompatibilityKind,
        place: PlaceId,
        last: Option<&str>,
        message: String,
    ) -> Verdict {
        let path = self.path(place, last, |place| place.token);
        let path = if path.is_empty() { "/".into() } else { path };
        let reader_path = self.path(place, last, |place| match place.token {
            Token::WriterBranch(_) => Token::Missing,
            token => token,
        });
        let writer_path = self.path(place, last, |place| place.writer);
        self.keep(Reasons::One(Incompatibility { kind, path, message, reader_path, writer_path }))
    }

    fn keep(&mut self, reasons: Reasons) -> Verdict {
        self.reasons.push(reasons);
        Verdict::Incompatible((self.reasons.len() - 1) as ReasonsId)
    }

    fn listed(&self, verdict: Verdict) -> Vec<Incompatibility> {
        let mut stack = match verdict {
            Verdict::Compatible => Vec::new(),
            Verdict::Incompatible(root) => vec![root],
        };
        let mut listed = Vec::new();
        while let Some(id) = stack.pop()
            && listed.len() < LISTED_MAX
        {
            match &self.reasons[id as usize] {
                Reasons::One(one) => listed.push(one.clone()),
                Reasons::Many(many) => stack.extend(many.iter().rev()),
            }
        }
        listed
    }

    /// A place that both schemas have.
    fn place(&mut self, parent: PlaceId, token: Token) -> PlaceId {
        self.place_of_both(parent, token, token)
    }

    fn writer_branch(&mut self, parent: PlaceId, index: usize) -> PlaceId {
        let index = index as u32;
        self.place_of_both(parent, Token::WriterBranch(index), Token::Index(index))
    }

    fn place_of_both(&mut self, parent: PlaceId, token: Token, writer: Token) -> PlaceId {
        self.places.push(Place { parent, token, writer });
        (self.places.len() - 1) as PlaceId
    }

    /// The way to a place, as far as the schema that `token` speaks of has it.
    fn path(
        &self,
        mut place: PlaceId,
        last: Option<&str>,
        token: impl Fn(&Place) -> Token,
    ) -> String {
        let mut tokens: Vec<Token> = Vec::new();
        while place != 0 {
            let step = &self.places[place as usize];
            tokens.push(token(step));
            place = step.parent;
        }
        let mut path = String::new();
        for token in tokens.into_iter().rev() {
            let _ = match token {
                Token::Root => Ok(()),
                Token::Word(word) => write!(path, "/{word}"),
                Token::Index(index) | Token::WriterBranch(index) => write!(path, "/{index}"),
                Token::Missing => return path,
            };
        }
        match last {
            Some(last) => format!("{path}/{last}"),
            None => path,
        }
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
    let aliased = |alias: &super::Name| {
        // an alias without a namespace, of a type that has one, never equals a full name in Java
        let lost = alias.namespace().is_none() && r.name.namespace().is_some();
        !lost && alias.full() == w.name.full()
    };
    r.name.simple() == w.name.simple() || r.aliases.iter().any(aliased)
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

fn upper(kind: &Kind) -> String {
    kind.type_name().to_uppercase()
}
