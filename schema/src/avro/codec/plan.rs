//! What a compiled plan is: an arena of operations, so that recursion in schemas is a cycle of ids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::logical::Logical;

/// How to read data that was written with one schema as data of another.
#[derive(Debug)]
pub struct Plan {
    ops: Vec<Op>,
    root: OpId,
    /// Whether the data is bytes alone, whose length is not written.
    pub(super) bare: bool,
}

/// How to write data of one schema: a plan whose reader is its writer.
#[derive(Debug)]
pub struct Encoder {
    pub(super) plan: Plan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpId(pub(super) u32);

/// What a step of reading or writing does. A logical type is the reader's if the writer has none.
#[derive(Debug)]
pub(super) enum Op {
    Null,
    Boolean,
    Int(Logical),
    Long(Logical),
    Float,
    Double,
    Bytes(Logical),
    String,
    IntToLong,
    IntToFloat,
    IntToDouble,
    LongToFloat,
    LongToDouble,
    FloatToDouble,
    Fixed(usize, Logical),
    Enum(EnumOp),
    Array {
        items: OpId,
        empty: bool,
    },
    Map(OpId),
    /// The writer's union: the data says which branch.
    Union(UnionOp),
    /// The reader's union around a writer that has none.
    IntoUnion {
        branch: Branch,
        op: OpId,
    },
    Record(RecordOp),
    Fail(String),
}

#[derive(Debug)]
pub(super) struct EnumOp {
    /// The reader's.
    pub(super) symbols: Box<[Symbol]>,
    /// The writer's index to the reader's; `None` where it has no such symbol and no default.
    pub(super) to: Box<[Option<u32>]>,
}

#[derive(Debug)]
pub(super) struct Symbol {
    pub(super) name: Box<str>,
    pub(super) seen: Seen,
}

#[derive(Debug)]
pub(super) struct UnionOp {
    /// For each of the writer's branches, what to do and what the reader calls it, if the reader
    /// has a union at all.
    pub(super) branches: Box<[(OpId, Option<Branch>)]>,
    /// The index of the one branch that is not null, if there is but one.
    pub(super) only: Option<u32>,
    /// The index of null.
    pub(super) null: Option<u32>,
}

/// A branch of the reader's union.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) name: Box<str>,
    /// `{"name":`
    pub(super) json: Box<[u8]>,
    pub(super) is_null: bool,
    /// Among the reader's branches.
    #[cfg_attr(not(feature = "apache-avro"), expect(dead_code))]
    pub(super) index: u32,
    pub(super) seen: Seen,
}

impl Branch {
    pub(super) fn new(name: &str, is_null: bool, index: usize) -> Branch {
        let json = format!("{{{}:", quoted(name)).into_bytes().into();
        Branch { name: name.into(), json, is_null, index: index as u32, seen: Seen::default() }
    }

    pub(super) fn simple_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

#[derive(Debug)]
pub(super) struct RecordOp {
    pub(super) name: Box<str>,
    /// The reader's fields.
    pub(super) fields: Box<[FieldOp]>,
    /// What to do, in the order of the data. A default, which takes none, stands where the reader has
    /// its field.
    pub(super) steps: Box<[Step]>,
    /// How many of the steps give a value.
    pub(super) given: usize,
    pub(super) index: HashMap<Box<str>, u32>,
    seen: Seen,
}

#[derive(Debug)]
pub(super) struct FieldOp {
    pub(super) name: Box<str>,
    /// `"name":`
    pub(super) json: Box<[u8]>,
    /// The field's default in binary, where it has one.
    pub(super) default: Option<Box<[u8]>>,
    /// What writes it.
    pub(super) op: OpId,
    pub(super) seen: Seen,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Read {
        field: u32,
        op: OpId,
    },
    Skip(OpId),
    /// A field that only the reader has: `op` reads the default of `FieldOp`.
    Default {
        field: u32,
        op: OpId,
    },
}

/// Where a program keeps a name that was found equal: what lives as long as the program, at the same
/// place and of the same length, is the same, and no byte of it has to be compared again. A compiler may
/// have put a name at two places.
#[derive(Debug, Default)]
pub(super) struct Seen([AtomicUsize; 2]);

impl Seen {
    #[inline]
    pub(super) fn is(&self, name: &'static str, wanted: &str) -> bool {
        name.len() == wanted.len() && self.at(name.as_ptr().addr(), || name == wanted)
    }

    #[inline]
    fn at(&self, place: usize, compare: impl FnOnce() -> bool) -> bool {
        let [first, second] = &self.0;
        first.load(Ordering::Relaxed) == place
            || second.load(Ordering::Relaxed) == place
            || (compare() && self.remember(place))
    }

    #[cold]
    fn remember(&self, place: usize) -> bool {
        let [first, second] = &self.0;
        let free = if first.load(Ordering::Relaxed) == 0 { first } else { second };
        free.store(place, Ordering::Relaxed);
        true
    }
}

impl EnumOp {
    /// The index of a symbol that most likely has this one.
    #[inline]
    pub(super) fn index_of(&self, name: &'static str, likely: u32) -> Option<usize> {
        match self.symbols.get(likely as usize) {
            Some(symbol) if symbol.seen.is(name, &symbol.name) => Some(likely as usize),
            _ => self.position(name),
        }
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.symbols.iter().position(|symbol| &*symbol.name == name)
    }

    pub(super) fn listed(&self) -> String {
        self.symbols.iter().map(|symbol| &*symbol.name).collect::<Vec<_>>().join(", ")
    }
}

impl RecordOp {
    pub(super) fn new(name: &str, fields: Box<[FieldOp]>, steps: Box<[Step]>) -> RecordOp {
        RecordOp {
            name: name.into(),
            index: fields.iter().enumerate().map(|(i, f)| (f.name.clone(), i as u32)).collect(),
            given: steps.iter().filter(|step| !matches!(step, Step::Skip(_))).count(),
            fields,
            steps,
            seen: Seen::default(),
        }
    }

    /// Whether the values come exactly as a type has its fields, so that nobody has to ask for names.
    #[inline]
    pub(super) fn comes_as(&self, fields: &'static [&'static str]) -> bool {
        fields.len() == self.given
            && self.seen.at(fields.as_ptr().addr(), || {
                let given = self.steps.iter().filter_map(|step| match step {
                    Step::Read { field, .. } | Step::Default { field, .. } => Some(*field),
                    Step::Skip(_) => None,
                });
                given.zip(fields).all(|(field, name)| *self.fields[field as usize].name == **name)
            })
    }
}

impl FieldOp {
    pub(super) fn new(name: &str, default: Option<Vec<u8>>, op: OpId) -> FieldOp {
        FieldOp {
            name: name.into(),
            json: format!("{}:", quoted(name)).into_bytes().into(),
            default: default.map(Vec::into_boxed_slice),
            op,
            seen: Seen::default(),
        }
    }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

impl Plan {
    pub(super) fn new(ops: Vec<Op>, root: OpId) -> Plan {
        let mut plan = Plan { ops, root, bare: false };
        plan.mark_empty_items();
        plan
    }

    pub(super) fn root(&self) -> OpId {
        self.root
    }

    pub(super) fn op(&self, id: OpId) -> &Op {
        &self.ops[id.0 as usize]
    }

    /// Whether the reader's schema reads the data as the writer's has it, byte for byte: nothing is
    /// skipped, filled in, promoted or called by another index.
    pub(super) fn is_straight(&self) -> bool {
        self.ops.iter().all(|op| match op {
            Op::Null | Op::Boolean | Op::Float | Op::Double | Op::String => true,
            Op::Int(_) | Op::Long(_) | Op::Bytes(_) | Op::Fixed(..) => true,
            Op::Array { .. } | Op::Map(_) => true,
            Op::Enum(e) => {
                e.to.len() == e.symbols.len()
                    && e.to.iter().enumerate().all(|(i, to)| *to == Some(i as u32))
            }
            // the reader has a union of the same branches
            Op::Union(union) => union.branches.iter().all(|(_, branch)| branch.is_some()),
            Op::Record(record) => record.steps.len() == record.fields.len()
                && record.steps.iter().enumerate().all(
                    |(i, step)| matches!(step, Step::Read { field, .. } if *field as usize == i),
                ),
            Op::IntToLong | Op::IntToFloat | Op::IntToDouble => false,
            Op::LongToFloat | Op::LongToDouble | Op::FloatToDouble => false,
            Op::IntoUnion { .. } | Op::Fail(_) => false,
        })
    }

    fn mark_empty_items(&mut self) {
        for i in 0..self.ops.len() {
            if let Op::Array { items, .. } = self.ops[i] {
                let is_empty = self.takes_nothing(items, 8);
                if let Op::Array { empty, .. } = &mut self.ops[i] {
                    *empty = is_empty;
                }
            }
        }
    }

    fn takes_nothing(&self, id: OpId, depth: usize) -> bool {
        match self.op(id) {
            Op::Null | Op::Fixed(0, _) => true,
            Op::IntoUnion { op, .. } if depth > 0 => self.takes_nothing(*op, depth - 1),
            Op::Record(record) if depth > 0 => record.steps.iter().all(|step| match step {
                Step::Read { op, .. } | Step::Skip(op) => self.takes_nothing(*op, depth - 1),
                Step::Default { .. } => true,
            }),
            _ => false,
        }
    }
}
