//! The walk over two files. Types of the files themselves are compared where they stand; types of
//! imports are compared where a field has them, once for each pair, and what is found there counts
//! for every such field. The walk keeps its own stack: a chain of imports costs heap.
//! Source: Confluent `SchemaDiff`, `FieldSchemaDiff#compareMessageTypes`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::Schema;
use super::super::element::{Enum, File, Message, Type};
use super::super::names::Names;
use super::message;
use super::rule::Rule;
use super::{Difference, Place};
use crate::budget::{Budget, LISTED_BYTES_MAX, LISTED_MAX, Listed, WRITTEN_BYTES_PER_STEP};

/// Compares two schemas; lists what `wanted` lets through.
pub fn compare(
    reader: &Schema,
    writer: &Schema,
    budget: &Budget,
    wanted: impl Fn(&Difference) -> bool,
) -> Listed<Difference> {
    let sides = Sides {
        reader: Side { names: reader.names(budget), own: reader.references.len() },
        writer: Side { names: writer.names(budget), own: writer.references.len() },
        budget: budget.clone(),
    };
    let walk = Walk { sides: &sides, memo: HashMap::new(), nodes: Vec::new() };
    walk.run(&reader.file, &writer.file, wanted)
}

/// One of the two schemas: what its names mean, and which file is its own.
pub struct Side<'s> {
    pub names: Names<'s>,
    pub own: usize,
}

pub struct Sides<'s> {
    pub reader: Side<'s>,
    pub writer: Side<'s>,
    pub budget: Budget,
}

/// What a difference takes, but for its path, which it has three times.
const DIFFERENCE_BYTES: usize = 320;

/// Two messages that are compared, each with its full name.
#[derive(Clone)]
pub struct Pair<'s> {
    pub reader: &'s Message,
    pub reader_name: String,
    pub writer: &'s Message,
    pub writer_name: String,
}

/// What comparing two things comes to, in order.
pub enum Step<'s> {
    Found(Difference),
    /// Types of imports, at a field: if they differ in a way that does harm, so does the field.
    Imported(Pair<'s>, Difference),
}

/// Where a comparison is: the path, and the names of what it is within.
pub struct Scope<'p> {
    pub path: &'p str,
    pub reader: &'p str,
    pub writer: &'p str,
}

impl<'s> Sides<'s> {
    /// Pays for a comparison of two things at a path, if they differ or not.
    pub fn look(&self, path: &str) -> bool {
        self.budget.spend(1 + path.len() / WRITTEN_BYTES_PER_STEP)
    }

    /// Pays for a difference at a path.
    pub fn tell(&self, path: &str) {
        self.budget.write(DIFFERENCE_BYTES + 3 * path.len());
    }

    /// Compares declared types side by side, by name: messages, then enums.
    pub fn types(
        &'s self,
        reader: &'s [Type],
        writer: &'s [Type],
        scope: &Scope,
        steps: &mut Vec<Step<'s>>,
    ) {
        let (r, w) = (Declarations::messages(reader), Declarations::messages(writer));
        for name in w.union(&r) {
            let path = format!("{}/{name}", scope.path);
            if !self.look(&path) {
                return;
            }
            let found = |rule, r: bool, w: bool| {
                self.tell(&path);
                Step::Found(declared(rule, &path, scope, r, w))
            };
            match (r.places.get(name), w.places.get(name)) {
                (Some((_, message)), None) if message.map_entry().is_none() => {
                    steps.push(found(Rule::MessageAdded, true, false));
                }
                (None, Some((_, message))) if message.map_entry().is_none() => {
                    steps.push(found(Rule::MessageRemoved, false, true));
                }
                (Some((at, reader)), Some((before, writer))) => {
                    let pair = Pair {
                        reader,
                        reader_name: self.reader.names.joined(scope.reader, name),
                        writer,
                        writer_name: self.writer.names.joined(scope.writer, name),
                    };
                    message::compare(self, &pair, &path, steps);
                    if at != before {
                        steps.push(found(Rule::MessageMoved, true, true));
                    }
                }
                _ => {}
            }
        }
        let (r, w) = (Declarations::enums(reader), Declarations::enums(writer));
        for name in w.union(&r) {
            let path = format!("{}/{name}", scope.path);
            if !self.look(&path) {
                return;
            }
            let found = |rule, r: bool, w: bool| {
                self.tell(&path);
                Step::Found(declared(rule, &path, scope, r, w))
            };
            match (r.places.get(name), w.places.get(name)) {
                (Some(_), None) => steps.push(found(Rule::EnumAdded, true, false)),
                (None, Some(_)) => steps.push(found(Rule::EnumRemoved, false, true)),
                (Some((_, reader)), Some((_, writer))) => {
                    self.constants(reader, writer, &path, steps);
                }
                (None, None) => {}
            }
        }
    }

    fn constants(&self, reader: &Enum, writer: &Enum, path: &str, steps: &mut Vec<Step<'s>>) {
        self.budget.spend(2 * (reader.constants.len() + writer.constants.len()));
        let (r, w) = (by_number(reader), by_number(writer));
        let numbers: BTreeSet<i32> = r.keys().chain(w.keys()).copied().collect();
        for number in numbers {
            let rule = match (r.get(&number), w.get(&number)) {
                (Some(_), None) => Rule::EnumConstAdded,
                (None, Some(_)) => Rule::EnumConstRemoved,
                (Some(reader), Some(writer)) if reader != writer => Rule::EnumConstChanged,
                _ => continue,
            };
            self.tell(path);
            if self.budget.is_over() {
                return;
            }
            let here = format!("{path}/{number}");
            let place = |name: Option<&&str>| Place {
                path: if name.is_some() { here.clone() } else { path.to_string() },
                name: name.map(|name| name.to_string()),
                what: number.to_string(),
            };
            let (reader, writer) = (place(r.get(&number)), place(w.get(&number)));
            steps.push(Step::Found(Difference { rule, path: here, reader, writer }));
        }
    }
}

fn by_number(enumeration: &Enum) -> BTreeMap<i32, &str> {
    enumeration.constants.iter().map(|c| (c.number, c.name.as_str())).collect()
}

/// Types of one kind by name, each with its place among them.
struct Declarations<'s, T> {
    names: Vec<&'s str>,
    places: HashMap<&'s str, (usize, &'s T)>,
}

impl<'s, T> Declarations<'s, T> {
    fn of(named: impl Iterator<Item = (&'s str, &'s T)>) -> Declarations<'s, T> {
        let mut declarations = Declarations { names: Vec::new(), places: HashMap::new() };
        for (index, (name, declared)) in named.enumerate() {
            if declarations.places.insert(name, (index, declared)).is_none() {
                declarations.names.push(name);
            }
        }
        declarations
    }

    /// The names of both, the own ones first.
    fn union<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'s str> + 'a {
        let more = other.names.iter().filter(|name| !self.places.contains_key(*name));
        self.names.iter().chain(more).copied()
    }
}

impl<'s> Declarations<'s, Message> {
    fn messages(types: &'s [Type]) -> Self {
        Self::of(types.iter().filter_map(Type::message).map(|m| (m.name.as_str(), m)))
    }
}

impl<'s> Declarations<'s, Enum> {
    fn enums(types: &'s [Type]) -> Self {
        Self::of(types.iter().filter_map(|declared| match declared {
            Type::Enum(enumeration) => Some((enumeration.name.as_str(), enumeration)),
            Type::Message(_) => None,
        }))
    }
}

/// A difference between declarations: a side that lacks one has the place around it.
fn declared(rule: Rule, path: &str, scope: &Scope, reader: bool, writer: bool) -> Difference {
    let name = path.rsplit('/').next().unwrap_or_default();
    let place = |exists: bool| Place {
        path: if exists { path.to_string() } else { around(scope.path) },
        name: exists.then(|| name.to_string()),
        what: name.to_string(),
    };
    Difference { rule, path: path.to_string(), reader: place(reader), writer: place(writer) }
}

/// The path of a place as a difference has it: that of the file is `#/`.
pub fn around(path: &str) -> String {
    if path == "#" { "#/".to_string() } else { path.to_string() }
}

/// A place in [`Walk::nodes`]: an arena, because a tree as deep as a chain of imports is not to be
/// dropped recursively.
type NodeId = usize;

enum Node {
    One(Box<Difference>),
    Many(Vec<NodeId>),
    /// What was found in a type of an import, and the field that has it.
    At(NodeId, Box<(Place, Place)>),
}

/// What a pair of messages came to, and whether that does harm.
#[derive(Clone, Copy)]
struct Verdict {
    node: NodeId,
    harm: bool,
}

/// A pair that is being compared, or the files themselves.
struct Frame<'s> {
    key: Option<(usize, usize)>,
    steps: std::vec::IntoIter<Step<'s>>,
    nodes: Vec<NodeId>,
    harm: bool,
    /// The field that led here.
    field: Option<Difference>,
}

struct Walk<'s> {
    sides: &'s Sides<'s>,
    /// `None` while a pair is being compared.
    memo: HashMap<(usize, usize), Option<Verdict>>,
    nodes: Vec<Node>,
}

impl<'s> Walk<'s> {
    fn run(
        mut self,
        reader: &'s File,
        writer: &'s File,
        wanted: impl Fn(&Difference) -> bool,
    ) -> Listed<Difference> {
        let mut steps = Vec::new();
        if reader.package != writer.package {
            let place = |file: &File| Place {
                path: "#/".to_string(),
                name: file.package.clone(),
                what: file.package().to_string(),
            };
            let (r, w) = (place(reader), place(writer));
            let path = "#/".to_string();
            let rule = Rule::PackageChanged;
            steps.push(Step::Found(Difference { rule, path, reader: r, writer: w }));
        }
        let scope = Scope { path: "#", reader: reader.package(), writer: writer.package() };
        self.sides.types(&reader.types, &writer.types, &scope, &mut steps);
        let mut stack = vec![Frame::of(None, steps, None)];
        let mut root = 0;
        while let Some(mut frame) = stack.pop() {
            if !self.sides.budget.spend(1) {
                return Listed { items: Vec::new(), left_out: 0 };
            }
            match frame.steps.next() {
                Some(Step::Found(difference)) => {
                    self.add(&mut frame, difference);
                    stack.push(frame);
                }
                Some(Step::Imported(pair, field)) => {
                    self.imported(frame, pair, field, &mut stack);
                }
                None => root = self.leave(frame, &mut stack),
            }
        }
        self.listed(root, wanted)
    }

    fn keep(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn add(&mut self, frame: &mut Frame, difference: Difference) {
        frame.harm |= !difference.is_compatible();
        let node = self.keep(Node::One(Box::new(difference)));
        frame.nodes.push(node);
    }

    /// Takes a known verdict, or puts a frame for the pair above the one that needs it.
    fn imported(
        &mut self,
        mut frame: Frame<'s>,
        pair: Pair<'s>,
        field: Difference,
        stack: &mut Vec<Frame<'s>>,
    ) {
        let address = |message: &Message| std::ptr::from_ref(message) as usize;
        let key = (address(pair.reader), address(pair.writer));
        match self.memo.get(&key) {
            Some(Some(verdict)) => {
                let verdict = *verdict;
                self.attach(&mut frame, verdict, field);
                stack.push(frame);
            }
            Some(None) => stack.push(frame),
            None if key.0 == key.1 => stack.push(frame),
            None => {
                self.memo.insert(key, None);
                let local = pair.writer_name.strip_prefix(self.package(&pair.writer_name));
                let local = local.unwrap_or(&pair.writer_name).trim_start_matches('.');
                let path = format!("#/{}", local.replace('.', "/"));
                let mut steps = Vec::new();
                message::compare(self.sides, &pair, &path, &mut steps);
                stack.push(frame);
                stack.push(Frame::of(Some(key), steps, Some(field)));
            }
        }
    }

    fn package(&self, writer_name: &str) -> &'s str {
        self.sides.writer.names.get(writer_name).map_or("", |named| named.package)
    }

    /// Adds what was found in an imported type to what has a field of it.
    fn attach(&mut self, frame: &mut Frame, verdict: Verdict, field: Difference) {
        self.sides.tell(&field.path);
        let places = (field.reader.clone(), field.writer.clone());
        let node = self.keep(Node::At(verdict.node, Box::new(places)));
        frame.nodes.push(node);
        if verdict.harm {
            self.add(frame, field);
        }
    }

    fn leave(&mut self, frame: Frame<'s>, stack: &mut [Frame<'s>]) -> NodeId {
        let node = self.keep(Node::Many(frame.nodes));
        if let (Some(key), Some(field), Some(outer)) = (frame.key, frame.field, stack.last_mut()) {
            let verdict = Verdict { node, harm: frame.harm };
            self.memo.insert(key, Some(verdict));
            self.attach(outer, verdict, field);
        }
        node
    }

    /// As many as are listed, one at least, and how many are not.
    fn listed(self, root: NodeId, wanted: impl Fn(&Difference) -> bool) -> Listed<Difference> {
        let counts = self.counts(&wanted);
        let (mut items, mut bytes): (Vec<Difference>, usize) = (Vec::new(), 0);
        let mut stack = vec![(root, None)];
        while let Some((id, field)) = stack.pop()
            && items.len() < LISTED_MAX
            && bytes <= LISTED_BYTES_MAX
        {
            match &self.nodes[id] {
                _ if counts[id] == 0 => {}
                Node::One(one) => {
                    let one = at(one, field);
                    bytes += one.bytes();
                    items.push(one);
                }
                Node::Many(many) => stack.extend(many.iter().rev().map(|node| (*node, field))),
                Node::At(node, places) => stack.push((*node, field.or(Some(&**places)))),
            }
        }
        let left_out = counts.get(root).map_or(0, |all| all.saturating_sub(items.len() as u64));
        Listed { items, left_out }
    }

    /// How many differences are wanted in each node, if they are not too many to be counted. What a
    /// node is made of stands before it.
    fn counts(&self, wanted: &impl Fn(&Difference) -> bool) -> Vec<u64> {
        let mut counts: Vec<u64> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            counts.push(match node {
                Node::One(one) => u64::from(wanted(one)),
                Node::At(inner, _) => counts[*inner],
                Node::Many(many) => many.iter().map(|id| counts[*id]).fold(0, u64::saturating_add),
            });
        }
        counts
    }
}

/// A difference within an imported type is, in the texts that are compared, where a field has it.
fn at(difference: &Difference, field: Option<&(Place, Place)>) -> Difference {
    let mut difference = difference.clone();
    if let Some((reader, writer)) = field {
        difference.reader.path = reader.path.clone();
        difference.writer.path = writer.path.clone();
    }
    difference
}

impl<'s> Frame<'s> {
    fn of(key: Option<(usize, usize)>, steps: Vec<Step<'s>>, field: Option<Difference>) -> Self {
        Frame { key, steps: steps.into_iter(), nodes: Vec::new(), harm: false, field }
    }
}
