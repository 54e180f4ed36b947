//! What a compiled plan is: an arena of operations, so that recursion in schemas is a cycle of ids.

use std::collections::HashMap;

/// How to read data that was written with one schema as data of another.
#[derive(Debug)]
pub struct Plan {
    ops: Vec<Op>,
    root: OpId,
}

/// How to write data of one schema: a plan whose reader is its writer.
#[derive(Debug)]
pub struct Encoder {
    pub(super) plan: Plan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpId(pub(super) u32);

#[derive(Debug)]
pub(super) enum Op {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    IntToLong,
    IntToFloat,
    IntToDouble,
    LongToFloat,
    LongToDouble,
    FloatToDouble,
    Fixed(usize),
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
    pub(super) symbols: Box<[Box<str>]>,
    /// The writer's index to the reader's; `None` where it has no such symbol and no default.
    pub(super) to: Box<[Option<u32>]>,
}

#[derive(Debug)]
pub(super) struct UnionOp {
    /// For each of the writer's branches, what to do and what the reader calls it, if the reader
    /// has a union at all.
    pub(super) branches: Box<[(OpId, Option<Branch>)]>,
}

/// A branch of the reader's union.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) name: Box<str>,
    pub(super) is_null: bool,
}

impl Branch {
    pub(super) fn simple_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

#[derive(Debug)]
pub(super) struct RecordOp {
    pub(super) name: Box<str>,
    /// The reader's fields.
    pub(super) fields: Box<[FieldOp]>,
    /// What to do, in the order of the data, defaults last.
    pub(super) steps: Box<[Step]>,
    pub(super) index: HashMap<Box<str>, u32>,
}

#[derive(Debug)]
pub(super) struct FieldOp {
    pub(super) name: Box<str>,
    /// The field's default in binary, where it has one.
    pub(super) default: Option<Box<[u8]>>,
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

impl Plan {
    pub(super) fn new(ops: Vec<Op>, root: OpId) -> Plan {
        let mut plan = Plan { ops, root };
        plan.mark_empty_items();
        plan
    }

    pub(super) fn root(&self) -> OpId {
        self.root
    }

    pub(super) fn op(&self, id: OpId) -> &Op {
        &self.ops[id.0 as usize]
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
            Op::Null | Op::Fixed(0) => true,
            Op::IntoUnion { op, .. } if depth > 0 => self.takes_nothing(*op, depth - 1),
            Op::Record(record) if depth > 0 => record.steps.iter().all(|step| match step {
                Step::Read { op, .. } | Step::Skip(op) => self.takes_nothing(*op, depth - 1),
                Step::Default { .. } => true,
            }),
            _ => false,
        }
    }
}
