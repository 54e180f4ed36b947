//! The resolution of two schemas. Source: Apache Avro 1.12 `Resolver`.
//!
//! Each pair of types is compiled once, from a work list. What cannot be resolved becomes an operation
//! that fails, because data need never get there.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::aliases::Aliases;
use super::defaults;
use super::logical::Logical;
use super::plan::{
    Branch, Encoder, EnumOp, FieldOp, Op, OpId, Plan, RecordOp, Seen, Step, Symbol, UnionOp,
};
use crate::avro::{Enum, Field, Kind, NodeId, Record, Schema};

/// A schema whose defaults cannot be encoded has no plan, nor has a reader whose aliases make two
/// fields of the writer's into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError(pub String);

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}

impl Encoder {
    pub fn new(schema: &Schema) -> Result<Encoder, CompileError> {
        Ok(Encoder { plan: Plan::compile(schema, schema)? })
    }
}

impl Plan {
    /// Resolves `writer` against `reader`. A pair that never fits compiles as well: reading with it
    /// is an error that says why.
    pub fn compile(writer: &Schema, reader: &Schema) -> Result<Plan, CompileError> {
        // as in Java, aliases have no say between equal schemas
        let same = std::ptr::eq(writer, reader)
            || writer.parsing_canonical_form() == reader.parsing_canonical_form();
        let mut compiler = Compiler {
            writer,
            reader,
            aliases: if same { Aliases::none() } else { Aliases::of(reader) },
            ops: Vec::new(),
            known: HashMap::new(),
            todo: Vec::new(),
        };
        let root = compiler.op(match std::ptr::eq(writer, reader) {
            true => Side::Reader(reader.root()),
            false => Side::Both(writer.root(), reader.root()),
        });
        while let Some((id, side)) = compiler.todo.pop() {
            let op = compiler.compile(side)?;
            compiler.ops[id.0 as usize] = op;
        }
        Ok(Plan::new(compiler.ops, root))
    }
}

/// What an operation is compiled from: both sides, or one alone (to skip, or for a default).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Both(NodeId, NodeId),
    Writer(NodeId),
    Reader(NodeId),
}

fn simple(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

struct Compiler<'s> {
    writer: &'s Schema,
    reader: &'s Schema,
    aliases: Aliases<'s>,
    ops: Vec<Op>,
    known: HashMap<Side, OpId>,
    todo: Vec<(OpId, Side)>,
}

impl<'s> Compiler<'s> {
    fn op(&mut self, side: Side) -> OpId {
        if let Some(id) = self.known.get(&side) {
            return *id;
        }
        let id = OpId(u32::try_from(self.ops.len()).expect("under 2^32 operations"));
        self.ops.push(Op::Null);
        self.known.insert(side, id);
        self.todo.push((id, side));
        id
    }

    fn compile(&mut self, side: Side) -> Result<Op, CompileError> {
        match side {
            Side::Writer(id) => Ok(self.one(self.writer, id, Side::Writer)),
            Side::Reader(id) => Ok(self.one(self.reader, id, Side::Reader)),
            Side::Both(w, r) => self.both(w, r),
        }
    }

    /// A type on its own, read as what it is.
    fn one(&mut self, schema: &'s Schema, id: NodeId, side: fn(NodeId) -> Side) -> Op {
        match schema.kind(id) {
            Kind::Array(items) => Op::Array { items: self.op(side(*items)), empty: false },
            Kind::Map(values) => Op::Map(self.op(side(*values))),
            Kind::Union(branches) => {
                let compiled = branches
                    .iter()
                    .enumerate()
                    .map(|(i, b)| (self.op(side(*b)), Some(branch(schema.kind(*b), i))))
                    .collect();
                union(compiled, schema, branches)
            }
            Kind::Enum(e) => Op::Enum(EnumOp {
                symbols: symbols(e),
                to: (0..e.symbols.len()).map(|i| Some(i as u32)).collect(),
            }),
            Kind::Record(record) => {
                let steps = record
                    .fields
                    .iter()
                    .enumerate()
                    .map(|(i, f)| Step::Read { field: i as u32, op: self.op(side(f.node)) })
                    .collect();
                record_op(schema, record, steps)
            }
            _ => plain(schema, id),
        }
    }

    fn both(&mut self, w: NodeId, r: NodeId) -> Result<Op, CompileError> {
        let (writer, reader) = (self.writer.kind(w), self.reader.kind(r));
        if let Kind::Union(branches) = writer {
            return Ok(self.writer_union(w, branches, r));
        }
        if let Kind::Union(branches) = reader {
            return Ok(match self.first_match(w, branches, MATCH_DEPTH_MAX) {
                Some(b) => {
                    let index = branches.iter().position(|branch| *branch == b).unwrap_or_default();
                    let branch = branch(self.reader.kind(b), index);
                    Op::IntoUnion { branch, op: self.op(Side::Both(w, b)) }
                }
                None => self.mismatch(w, r),
            });
        }
        if !self.fits(w, r, MATCH_DEPTH_MAX) {
            return Ok(self.mismatch(w, r));
        }
        match (writer, reader) {
            (Kind::Array(i), Kind::Array(j)) => {
                Ok(Op::Array { items: self.op(Side::Both(*i, *j)), empty: false })
            }
            (Kind::Map(i), Kind::Map(j)) => Ok(Op::Map(self.op(Side::Both(*i, *j)))),
            (Kind::Enum(from), Kind::Enum(to)) => {
                let index: HashMap<&str, u32> =
                    to.symbols.iter().enumerate().map(|(i, s)| (s.as_str(), i as u32)).collect();
                let default = to.default.as_deref().and_then(|d| index.get(d).copied());
                Ok(Op::Enum(EnumOp {
                    symbols: symbols(to),
                    to: from
                        .symbols
                        .iter()
                        .map(|s| index.get(s.as_str()).copied().or(default))
                        .collect(),
                }))
            }
            (Kind::Record(from), Kind::Record(to)) => self.record(from, to),
            (Kind::Int, Kind::Long) => Ok(Op::IntToLong),
            (Kind::Int, Kind::Float) => Ok(Op::IntToFloat),
            (Kind::Int, Kind::Double) => Ok(Op::IntToDouble),
            (Kind::Long, Kind::Float) => Ok(Op::LongToFloat),
            (Kind::Long, Kind::Double) => Ok(Op::LongToDouble),
            (Kind::Float, Kind::Double) => Ok(Op::FloatToDouble),
            _ => Ok(plain(self.reader, r).written_as(Logical::of(self.writer, w))),
        }
    }

    fn record(&mut self, from: &'s Record, to: &'s Record) -> Result<Op, CompileError> {
        let reader = self.reader;
        let index: HashMap<&str, usize> =
            to.fields.iter().enumerate().map(|(i, f)| (f.name.as_str(), i)).collect();
        let name = self.aliases.type_name(from.named.name.full());
        let mut given = vec![false; to.fields.len()];
        let mut steps = Vec::with_capacity(from.fields.len());
        for field in &from.fields {
            let wanted = self.aliases.field_name(name, &field.name);
            steps.push(match index.get(wanted).copied() {
                Some(target) if given[target] => {
                    let record = to.named.name.full();
                    return Err(CompileError(format!(
                        "Duplicate field {wanted} in record {record}"
                    )));
                }
                Some(target) => {
                    given[target] = true;
                    let op = self.op(Side::Both(field.node, to.fields[target].node));
                    Step::Read { field: target as u32, op }
                }
                None => Step::Skip(self.op(Side::Writer(field.node))),
            });
        }
        for (i, field) in to.fields.iter().enumerate() {
            if given[i] {
                continue;
            }
            let Some(default) = &field.default else {
                return Ok(Op::Fail(format!(
                    "Found {}, expecting {}, missing required field {}",
                    from.named.name.full(),
                    to.named.name.full(),
                    field.name
                )));
            };
            if let Err(error) = defaults::encode(reader, field.node, default) {
                let record = to.named.name.full();
                return Err(CompileError(format!("default of {record}.{}: {error}", field.name)));
            }
            let op = self.op(Side::Reader(field.node));
            // it takes no data, so it can stand where the reader has its field
            let before = |step: &Step| matches!(step, Step::Read { field, .. } | Step::Default { field, .. } if (*field as usize) < i);
            let place = steps.iter().rposition(before).map_or(0, |last| last + 1);
            steps.insert(place, Step::Default { field: i as u32, op });
        }
        Ok(record_op(reader, to, steps.into()))
    }

    fn writer_union(&mut self, w: NodeId, branches: &'s [NodeId], r: NodeId) -> Op {
        let into = match self.reader.kind(r) {
            Kind::Union(into) if self.equivalent(w, r) => Some(into),
            _ => None,
        };
        let compiled = branches
            .iter()
            .enumerate()
            .map(|(i, b)| match into {
                Some(into) => {
                    let op = self.op(Side::Both(*b, into[i]));
                    (op, Some(branch(self.reader.kind(into[i]), i)))
                }
                // the operation is an `IntoUnion`, which knows its branch
                None => (self.op(Side::Both(*b, r)), None),
            })
            .collect();
        union(compiled, self.writer, branches)
    }

    /// Java's "soft match" of a type against the branches of a reader's union: the same name, else
    /// a record of the same structure, else a promotion.
    fn first_match(&self, w: NodeId, branches: &[NodeId], depth: usize) -> Option<NodeId> {
        let writer = self.writer.kind(w);
        let mut structure = None;
        for b in branches {
            let reader = self.reader.kind(*b);
            if std::mem::discriminant(writer) != std::mem::discriminant(reader) {
                continue;
            }
            let (Some(from), Some(to)) = (writer.named(), reader.named()) else {
                return Some(*b);
            };
            let name = self.aliases.type_name(from.name.full());
            if name == to.name.full() {
                return Some(*b);
            }
            if let (Kind::Record(x), Kind::Record(y)) = (writer, reader)
                && (structure.is_none() || simple(name) == to.name.simple())
                && self.structure_fits(x, y, depth)
            {
                structure = Some(*b);
            }
        }
        let promoted = || branches.iter().copied().find(|b| promotes(writer, self.reader.kind(*b)));
        structure.or_else(promoted)
    }

    fn structure_fits(&self, from: &Record, to: &Record, depth: usize) -> bool {
        if depth == 0 {
            return true;
        }
        let name = self.aliases.type_name(from.named.name.full());
        let given: HashMap<&str, NodeId> =
            from.fields.iter().map(|f| (self.aliases.field_name(name, &f.name), f.node)).collect();
        to.fields.iter().all(|field| match given.get(field.name.as_str()) {
            Some(node) => self.fits(*node, field.node, depth - 1),
            None => field.default.is_some(),
        })
    }

    /// Whether Java would resolve the pair at all, which it decides without going into records.
    fn fits(&self, w: NodeId, r: NodeId, depth: usize) -> bool {
        let (writer, reader) = (self.writer.kind(w), self.reader.kind(r));
        match (writer, reader) {
            (Kind::Union(_), _) => true,
            (_, Kind::Union(branches)) => self.first_match(w, branches, depth).is_some(),
            (Kind::Fixed(x), Kind::Fixed(y)) => x.size == y.size && self.names_fit(writer, reader),
            (Kind::Enum(_), Kind::Enum(_)) => self.names_fit(writer, reader),
            _ => {
                std::mem::discriminant(writer) == std::mem::discriminant(reader)
                    || promotes(writer, reader)
            }
        }
    }

    fn names_fit(&self, writer: &Kind, reader: &Kind) -> bool {
        let (Some(from), Some(to)) = (writer.named(), reader.named()) else { return true };
        simple(self.aliases.type_name(from.name.full())) == to.name.simple()
    }

    /// Java's `unionEquiv`: the same structure all the way down, names compared without namespaces.
    fn equivalent(&self, w: NodeId, r: NodeId) -> bool {
        let mut seen = HashSet::new();
        let mut stack = vec![(w, r)];
        while let Some((w, r)) = stack.pop() {
            if !seen.insert((w, r)) {
                continue;
            }
            let (writer, reader) = (self.writer.kind(w), self.reader.kind(r));
            if std::mem::discriminant(writer) != std::mem::discriminant(reader)
                || !self.names_fit(writer, reader)
            {
                return false;
            }
            match (writer, reader) {
                (Kind::Array(i), Kind::Array(j)) | (Kind::Map(i), Kind::Map(j)) => {
                    stack.push((*i, *j));
                }
                (Kind::Fixed(x), Kind::Fixed(y)) if x.size != y.size => return false,
                (Kind::Enum(x), Kind::Enum(y)) if x.symbols != y.symbols => return false,
                (Kind::Union(x), Kind::Union(y)) => {
                    if x.len() != y.len() {
                        return false;
                    }
                    stack.extend(x.iter().copied().zip(y.iter().copied()));
                }
                (Kind::Record(x), Kind::Record(y)) => {
                    let name = self.aliases.type_name(x.named.name.full());
                    let same =
                        |(f, g): (&Field, &Field)| self.aliases.field_name(name, &f.name) == g.name;
                    if x.fields.len() != y.fields.len() || !x.fields.iter().zip(&y.fields).all(same)
                    {
                        return false;
                    }
                    stack.extend(x.fields.iter().zip(&y.fields).map(|(f, g)| (f.node, g.node)));
                }
                _ => {}
            }
        }
        true
    }

    fn mismatch(&self, w: NodeId, r: NodeId) -> Op {
        let found = self.writer.kind(w).branch_name();
        let expected = self.reader.kind(r).branch_name();
        Op::Fail(format!("Found {found}, expecting {expected}"))
    }
}

/// Levels of records inside unions that the soft match looks into.
const MATCH_DEPTH_MAX: usize = 16;

fn promotes(writer: &Kind, reader: &Kind) -> bool {
    matches!(
        (writer, reader),
        (Kind::Int, Kind::Long | Kind::Float | Kind::Double)
            | (Kind::Long, Kind::Float | Kind::Double)
            | (Kind::Float, Kind::Double)
            | (Kind::String, Kind::Bytes)
            | (Kind::Bytes, Kind::String)
    )
}

fn branch(kind: &Kind, index: usize) -> Branch {
    Branch::new(kind.branch_name(), matches!(kind, Kind::Null), index)
}

fn union(compiled: Box<[(OpId, Option<Branch>)]>, schema: &Schema, branches: &[NodeId]) -> Op {
    let mut others =
        branches.iter().enumerate().filter(|(_, b)| !matches!(schema.kind(**b), Kind::Null));
    let only = match (others.next(), others.next()) {
        (Some((index, _)), None) => Some(index as u32),
        _ => None,
    };
    let null = branches.iter().position(|b| matches!(schema.kind(*b), Kind::Null));
    Op::Union(UnionOp { branches: compiled, only, null: null.map(|index| index as u32) })
}

fn symbols(e: &Enum) -> Box<[Symbol]> {
    e.symbols.iter().map(|s| Symbol { name: s.as_str().into(), seen: Seen::default() }).collect()
}

impl Op {
    /// Where both sides have a logical type, the writer's says what the data means: its scale, its unit.
    fn written_as(mut self, writer: Logical) -> Op {
        if let Op::Int(own) | Op::Long(own) | Op::Bytes(own) | Op::Fixed(_, own) = &mut self
            && *own != Logical::None
            && writer != Logical::None
        {
            *own = writer;
        }
        self
    }
}

fn plain(schema: &Schema, id: NodeId) -> Op {
    let logical = Logical::of(schema, id);
    match schema.kind(id) {
        Kind::Null => Op::Null,
        Kind::Boolean => Op::Boolean,
        Kind::Int => Op::Int(logical),
        Kind::Long => Op::Long(logical),
        Kind::Float => Op::Float,
        Kind::Double => Op::Double,
        Kind::Bytes => Op::Bytes(logical),
        Kind::String => Op::String,
        Kind::Fixed(fixed) => Op::Fixed(fixed.size, logical),
        other => unreachable!("{} has parts of its own", other.type_name()),
    }
}

/// A default that cannot be encoded counts as none; who needs it has asked for it before.
fn record_op(schema: &Schema, record: &Record, steps: Box<[Step]>) -> Op {
    let default = |field: &Field| {
        field.default.as_ref().and_then(|value| defaults::encode(schema, field.node, value).ok())
    };
    let mut ops = vec![OpId(0); record.fields.len()];
    for step in &steps {
        if let Step::Read { field, op } | Step::Default { field, op } = step {
            ops[*field as usize] = *op;
        }
    }
    let fields = record.fields.iter().zip(ops);
    let fields = fields.map(|(f, op)| FieldOp::new(&f.name, default(f), op)).collect();
    Op::Record(RecordOp::new(record.named.name.full(), fields, steps))
}
