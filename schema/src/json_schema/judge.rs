//! The judgement of one pair of schemas: which rules apply, and those for schemas without parts.
//! Source: Confluent's `SchemaDiff#compare`, `StringSchemaDiff`, `NumberSchemaDiff`,
//! `EnumSchemaDiff`, `ConstSchemaDiff`, `NotSchemaDiff`.

use std::mem::discriminant;

use super::compatibility::{Answer, Checker, Finding, Judgement, Pair, TYPE_CHANGED, What};
use super::difference::DifferenceType::{self, *};
use super::node::{Combined, Criterion, Kind, Node, NodeId, Notes, NumberRules, StringRules};
use super::{Schema, arrays, combined, objects};

/// What is known about `pair` now.
pub(super) fn judge(checker: &mut Checker<'_>, pair: Pair) -> Judgement {
    let (reader, writer) = match pair.swapped {
        false => (checker.reader, checker.writer),
        true => (checker.writer, checker.reader),
    };
    let mut judge = Judge { checker, pair, reader, writer, compatible: true, findings: Vec::new() };
    judge.pair(reader.node(pair.reader), writer.node(pair.writer));
    Judgement { compatible: judge.compatible, findings: judge.findings }
}

pub(super) struct Judge<'c, 's> {
    pub checker: &'c mut Checker<'s>,
    pair: Pair,
    pub reader: &'s Schema,
    pub writer: &'s Schema,
    compatible: bool,
    findings: Vec<Finding>,
}

/// The four things that can happen to a limit.
pub(super) struct Limit {
    pub added: DifferenceType,
    pub removed: DifferenceType,
    pub increased: DifferenceType,
    pub decreased: DifferenceType,
}

impl Judge<'_, '_> {
    pub fn add(&mut self, path: impl Into<Box<str>>, kind: DifferenceType) {
        self.compatible &= kind.is_compatible(self.checker.policy);
        self.findings.push(Finding { path: path.into(), what: What::Difference(kind) });
    }

    /// What is known about two schemas inside these.
    pub fn ask(&mut self, reader: NodeId, writer: NodeId) -> Answer {
        self.ask_pair(reader, writer, self.pair.swapped)
    }

    fn ask_pair(&mut self, reader: NodeId, writer: NodeId, swapped: bool) -> Answer {
        self.checker.spend(1);
        let (readers, writers) = match swapped == self.pair.swapped {
            true => (self.reader, self.writer),
            false => (self.writer, self.reader),
        };
        let (reader, writer) = (readers.end(reader), writers.end(writer));
        if is_type_change(readers.node(reader), writers.node(writer)) {
            return Answer { compatible: false, judgement: TYPE_CHANGED };
        }
        self.checker.answer(Pair { reader, writer, swapped })
    }

    /// Takes over what was found about two schemas inside these.
    pub fn merge(&mut self, path: &str, reader: NodeId, writer: NodeId, answer: Answer) {
        self.compatible &= answer.compatible;
        if !self.checker.is_silent(answer.judgement) {
            let what = What::Inside(answer.judgement, reader, writer);
            self.findings.push(Finding { path: path.into(), what });
        }
    }

    pub fn compare(&mut self, path: &str, reader: Option<NodeId>, writer: Option<NodeId>) {
        match (reader, writer) {
            (None, None) => {}
            (Some(_), None) => self.add(path, SchemaAdded),
            (None, Some(_)) => self.add(path, SchemaRemoved),
            (Some(reader), Some(writer)) => {
                let answer = self.ask(reader, writer);
                self.merge(path, reader, writer, answer);
            }
        }
    }

    fn pair(&mut self, reader: &Node, writer: &Node) {
        self.checker.spend(4);
        let taken = match (&reader.kind, &writer.kind) {
            (Kind::Combined(_), Kind::Combined(_)) => false,
            (Kind::Combined(combined), _) => self.one_branch_accepts(combined),
            (_, Kind::Combined(combined)) => self.one_branch_is_enough(combined),
            _ => false,
        };
        if taken || is_free(reader, writer) {
            return;
        }
        if discriminant(&reader.kind) != discriminant(&writer.kind) {
            return self.add("", TypeChanged);
        }
        self.notes(reader.notes.as_deref(), writer.notes.as_deref());
        match (&reader.kind, &writer.kind) {
            (Kind::String(r), Kind::String(w)) => self.strings(r, w),
            (Kind::Number(r), Kind::Number(w)) => self.numbers(r, w),
            (Kind::Enum(r), Kind::Enum(w)) => self.enums(r, w),
            (Kind::Const(r), Kind::Const(w)) if r != w => self.add("const", EnumArrayChanged),
            (Kind::Object(r), Kind::Object(w)) => objects::compare(self, r, w),
            (Kind::Array(r), Kind::Array(w)) => arrays::compare(self, r, w),
            (Kind::Combined(r), Kind::Combined(w)) => combined::compare(self, r, w),
            (Kind::Not(r), Kind::Not(w)) => self.nots(*r, *w),
            _ => {}
        }
    }

    /// A writer that is no combination, and a reader that is: does one branch accept it?
    fn one_branch_accepts(&mut self, reader: &Combined) -> bool {
        let (own, single) = (self.pair.writer, reader.subschemas.len() == 1);
        if !single && reader.criterion == Criterion::All {
            return false;
        }
        for branch in &reader.subschemas {
            let answer = self.ask(*branch, own);
            if answer.compatible {
                self.merge("", *branch, own, answer);
                if !single {
                    self.add("", SumTypeExtended);
                }
                return true;
            }
        }
        false
    }

    /// A writer that is a combination, and a reader that is none: is one branch enough?
    fn one_branch_is_enough(&mut self, writer: &Combined) -> bool {
        let (own, single) = (self.pair.reader, writer.subschemas.len() == 1);
        if !single && writer.criterion != Criterion::All {
            return false;
        }
        for branch in &writer.subschemas {
            let answer = self.ask(own, *branch);
            if answer.compatible {
                self.merge("", own, *branch, answer);
                if !single {
                    self.add("", ProductTypeNarrowed);
                }
                return true;
            }
        }
        false
    }

    fn notes(&mut self, reader: Option<&Notes>, writer: Option<&Notes>) {
        let none = Notes::default();
        let (r, w) = (reader.unwrap_or(&none), writer.unwrap_or(&none));
        if r.id != w.id {
            self.add("", IdChanged);
        }
        if r.title != w.title {
            self.add("", TitleChanged);
        }
        if r.description != w.description {
            self.add("", DescriptionChanged);
        }
        if r.default != w.default {
            self.add("", DefaultChanged);
        }
    }

    /// A limit, which is compared as a number.
    pub fn limit(&mut self, word: &str, reader: Option<f64>, writer: Option<f64>, kinds: &Limit) {
        match (reader, writer) {
            (Some(_), None) => self.add(word, kinds.added),
            (None, Some(_)) => self.add(word, kinds.removed),
            (Some(r), Some(w)) if r > w => self.add(word, kinds.increased),
            (Some(r), Some(w)) if r < w => self.add(word, kinds.decreased),
            _ => {}
        }
    }

    pub fn count(&mut self, word: &str, reader: Option<i64>, writer: Option<i64>, kinds: &Limit) {
        self.limit(word, reader.map(|n| n as f64), writer.map(|n| n as f64), kinds);
    }

    fn strings(&mut self, reader: &StringRules, writer: &StringRules) {
        self.count("maxLength", reader.max_length, writer.max_length, &MAX_LENGTH);
        self.count("minLength", reader.min_length, writer.min_length, &MIN_LENGTH);
        match (&reader.pattern, &writer.pattern) {
            (Some(_), None) => self.add("pattern", PatternAdded),
            (None, Some(_)) => self.add("pattern", PatternRemoved),
            (r, w) if r != w => self.add("pattern", PatternChanged),
            _ => {}
        }
    }

    fn numbers(&mut self, reader: &NumberRules, writer: &NumberRules) {
        self.limit("maximum", reader.maximum, writer.maximum, &MAXIMUM);
        self.limit("minimum", reader.minimum, writer.minimum, &MINIMUM);
        let (r, w) = (reader.exclusive_maximum, writer.exclusive_maximum);
        self.limit("exclusiveMaximum", r, w, &EXCLUSIVE_MAXIMUM);
        let (r, w) = (reader.exclusive_minimum, writer.exclusive_minimum);
        self.limit("exclusiveMinimum", r, w, &EXCLUSIVE_MINIMUM);
        match (reader.multiple_of, writer.multiple_of) {
            (Some(_), None) => self.add("multipleOf", MultipleOfAdded),
            (None, Some(_)) => self.add("multipleOf", MultipleOfRemoved),
            (Some(r), Some(w)) if r == w => {}
            (Some(r), Some(w)) if is_multiple(r, w) => self.add("multipleOf", MultipleOfExpanded),
            (Some(r), Some(w)) if is_multiple(w, r) => self.add("multipleOf", MultipleOfReduced),
            (Some(_), Some(_)) => self.add("multipleOf", MultipleOfChanged),
            (None, None) => {}
        }
        match (reader.integer, writer.integer) {
            (false, true) => self.add("", TypeExtended),
            (true, false) => self.add("", TypeNarrowed),
            _ => {}
        }
    }

    fn enums(&mut self, reader: &[String], writer: &[String]) {
        self.checker.spend(reader.len() + writer.len());
        if reader == writer {
        } else if contains_all(reader, writer) {
            self.add("enum", EnumArrayExtended);
        } else if contains_all(writer, reader) {
            self.add("enum", EnumArrayNarrowed);
        } else {
            self.add("enum", EnumArrayChanged);
        }
    }

    /// What must not match changes sides: what the reader still excludes, the writer excluded.
    fn nots(&mut self, reader: NodeId, writer: NodeId) {
        let answer = self.ask_pair(writer, reader, !self.pair.swapped);
        self.add("not", if answer.compatible { NotTypeNarrowed } else { NotTypeExtended });
    }
}

/// Whether all of `part` is in `whole`; both are sorted and distinct.
pub(super) fn contains_all(whole: &[String], part: &[String]) -> bool {
    part.len() <= whole.len() && part.iter().all(|item| whole.binary_search(item).is_ok())
}

/// Whether two schemas of any type are compatible as they are.
fn is_free(reader: &Node, writer: &Node) -> bool {
    if discriminant(&reader.kind) == discriminant(&writer.kind) {
        return false;
    }
    let bytes = |node: &Node| node.notes.as_ref().is_some_and(|notes| notes.connect_bytes);
    matches!(writer.kind, Kind::False) || reader.accepts_all() || bytes(reader) && bytes(writer)
}

/// Whether nothing but a change of type can be found.
fn is_type_change(reader: &Node, writer: &Node) -> bool {
    let is_combined = |node: &Node| matches!(node.kind, Kind::Combined(_));
    discriminant(&reader.kind) != discriminant(&writer.kind)
        && !is_combined(reader)
        && !is_combined(writer)
        && !is_free(reader, writer)
}

/// Whether `a` is a whole multiple of `b`, as far as doubles can tell.
fn is_multiple(a: f64, b: f64) -> bool {
    let quotient = a / b;
    quotient.is_finite() && (quotient - quotient.round()).abs() <= 1e-9 * quotient.abs().max(1.0)
}

const MAX_LENGTH: Limit = Limit {
    added: MaxLengthAdded,
    removed: MaxLengthRemoved,
    increased: MaxLengthIncreased,
    decreased: MaxLengthDecreased,
};
const MIN_LENGTH: Limit = Limit {
    added: MinLengthAdded,
    removed: MinLengthRemoved,
    increased: MinLengthIncreased,
    decreased: MinLengthDecreased,
};
const MAXIMUM: Limit = Limit {
    added: MaximumAdded,
    removed: MaximumRemoved,
    increased: MaximumIncreased,
    decreased: MaximumDecreased,
};
const MINIMUM: Limit = Limit {
    added: MinimumAdded,
    removed: MinimumRemoved,
    increased: MinimumIncreased,
    decreased: MinimumDecreased,
};
const EXCLUSIVE_MAXIMUM: Limit = Limit {
    added: ExclusiveMaximumAdded,
    removed: ExclusiveMaximumRemoved,
    increased: ExclusiveMaximumIncreased,
    decreased: ExclusiveMaximumDecreased,
};
const EXCLUSIVE_MINIMUM: Limit = Limit {
    added: ExclusiveMinimumAdded,
    removed: ExclusiveMinimumRemoved,
    increased: ExclusiveMinimumIncreased,
    decreased: ExclusiveMinimumDecreased,
};
