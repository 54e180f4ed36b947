//! The canonical text of a schema: what Java's `Schema.toString` prints, and what Confluent's
//! registry stores and hashes. No machine recursion: a chain of references may be thousands long.

use std::collections::HashSet;
use std::fmt::Write;

use super::{Field, Kind, Named, Node, NodeId, Order, Schema};
use crate::budget::{Budget, WRITTEN_BYTES_PER_STEP};
use crate::json::{Json, write_string};

impl Schema {
    /// Avro's minified print. Types that came with references print as names.
    pub fn canonical(&self) -> String {
        self.canonical_within(&Budget::default())
    }

    /// As `canonical` does, within a budget: what is not paid for is not written.
    pub fn canonical_within(&self, budget: &Budget) -> String {
        let known = self.referenced.iter().map(String::as_str).collect();
        print(&self.nodes, self.root, known, budget)
    }

    /// The same with every reference inlined: the text stands alone.
    pub fn resolved(&self) -> String {
        self.resolved_within(&Budget::default())
    }

    /// As `resolved` does, within a budget: what is not paid for is not written.
    pub fn resolved_within(&self, budget: &Budget) -> String {
        print(&self.nodes, self.root, HashSet::new(), budget)
    }

    /// True if `self` and `other` print the same once their references are inlined.
    pub fn same_resolved(&self, other: &Schema) -> bool {
        self.same_resolved_within(other, &Budget::default())
    }

    /// As `same_resolved` does, within a budget.
    pub fn same_resolved_within(&self, other: &Schema, budget: &Budget) -> bool {
        self.resolved_within(budget) == other.resolved_within(budget)
    }
}

pub(super) fn node_text(nodes: &[Node], id: NodeId, kind: &Kind, budget: &Budget) -> String {
    match kind {
        Kind::Unresolved(name) => name.clone(),
        _ => print(nodes, id, HashSet::new(), budget),
    }
}

enum Task<'a> {
    Node(NodeId, Option<&'a str>),
    Text(&'static str),
    FieldTail(&'a Field),
    TypeTail(NodeId),
    FieldHead(&'a Field, bool),
}

fn print<'a>(
    nodes: &'a [Node],
    root: NodeId,
    mut known: HashSet<&'a str>,
    budget: &Budget,
) -> String {
    let mut out = String::new();
    let mut paid = 0;
    let mut tasks = vec![Task::Node(root, None)];
    while let Some(task) = tasks.pop() {
        if !budget.write(out.len() - paid) {
            return out;
        }
        paid = out.len();
        match task {
            Task::Text(text) => out.push_str(text),
            Task::FieldHead(field, first) => {
                out.push_str(if first { "{\"name\":" } else { ",{\"name\":" });
                write_string(&field.name, &mut out);
                out.push_str(",\"type\":");
            }
            Task::FieldTail(field) => field_tail(field, &mut out),
            Task::TypeTail(id) => type_tail(&nodes[id.0 as usize], &mut out),
            Task::Node(id, space) => {
                node(nodes, id, space, &mut known, &mut out, &mut tasks, budget);
            }
        }
    }
    out
}

fn node<'a>(
    nodes: &'a [Node],
    id: NodeId,
    space: Option<&'a str>,
    known: &mut HashSet<&'a str>,
    out: &mut String,
    tasks: &mut Vec<Task<'a>>,
    budget: &Budget,
) {
    let Node { kind, props } = &nodes[id.0 as usize];
    if let Some(named) = kind.named() {
        // the name is looked up, and its namespace compared
        budget.spend(2 * named.name.full().len() / WRITTEN_BYTES_PER_STEP);
        if !known.insert(named.name.full()) {
            write_string(named.name.qualified_in(space), out);
            return;
        }
        open_named(kind, named, space, out);
        tasks.push(Task::TypeTail(id));
    }
    match kind {
        Kind::Record(record) => {
            out.push_str(",\"fields\":[");
            tasks.push(Task::Text("]"));
            for (i, field) in record.fields.iter().enumerate().rev() {
                tasks.push(Task::FieldTail(field));
                tasks.push(Task::Node(field.node, record.named.name.namespace()));
                tasks.push(Task::FieldHead(field, i == 0));
            }
        }
        Kind::Enum(e) => {
            out.push_str(",\"symbols\":[");
            for (i, symbol) in e.symbols.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(symbol, out);
            }
            out.push(']');
            if let Some(default) = &e.default {
                out.push_str(",\"default\":");
                write_string(default, out);
            }
        }
        Kind::Fixed(fixed) => {
            let _ = write!(out, ",\"size\":{}", fixed.size);
        }
        Kind::Array(child) | Kind::Map(child) => {
            out.push_str(match kind {
                Kind::Array(_) => "{\"type\":\"array\",\"items\":",
                _ => "{\"type\":\"map\",\"values\":",
            });
            tasks.push(Task::TypeTail(id));
            tasks.push(Task::Node(*child, space));
        }
        Kind::Union(branches) => {
            out.push('[');
            tasks.push(Task::Text("]"));
            for (i, branch) in branches.iter().enumerate().rev() {
                tasks.push(Task::Node(*branch, space));
                if i > 0 {
                    tasks.push(Task::Text(","));
                }
            }
        }
        primitive if props.is_empty() => write_string(primitive.type_name(), out),
        primitive => {
            let _ = write!(out, "{{\"type\":\"{}\"", primitive.type_name());
            tasks.push(Task::TypeTail(id));
        }
    }
}

fn open_named(kind: &Kind, named: &Named, space: Option<&str>, out: &mut String) {
    let type_name = match kind {
        Kind::Record(record) if record.is_error => "error",
        kind => kind.type_name(),
    };
    let _ = write!(out, "{{\"type\":\"{type_name}\",\"name\":");
    write_string(named.name.simple(), out);
    let own = named.name.namespace();
    if own != space {
        out.push_str(",\"namespace\":");
        write_string(own.unwrap_or(""), out);
    }
    if let Some(doc) = &named.doc {
        out.push_str(",\"doc\":");
        write_string(doc, out);
    }
}

fn type_tail(node: &Node, out: &mut String) {
    write_props(&node.props, out);
    if let Some(named) = node.kind.named() {
        write_aliases(named.aliases.iter().map(|a| a.qualified_in(named.name.namespace())), out);
    }
    out.push('}');
}

fn field_tail(field: &Field, out: &mut String) {
    if let Some(doc) = &field.doc {
        out.push_str(",\"doc\":");
        write_string(doc, out);
    }
    if let Some(default) = &field.default {
        out.push_str(",\"default\":");
        default.write(out);
    }
    match field.order {
        Order::Ascending => {}
        Order::Descending => out.push_str(",\"order\":\"descending\""),
        Order::Ignore => out.push_str(",\"order\":\"ignore\""),
    }
    write_aliases(field.aliases.iter().map(String::as_str), out);
    write_props(&field.props, out);
    out.push('}');
}

fn write_props(props: &[(String, Json)], out: &mut String) {
    for (key, value) in props {
        out.push(',');
        write_string(key, out);
        out.push(':');
        value.write(out);
    }
}

fn write_aliases<'a>(aliases: impl Iterator<Item = &'a str>, out: &mut String) {
    let mut first = true;
    for alias in aliases {
        out.push_str(if first { ",\"aliases\":[" } else { "," });
        first = false;
        write_string(alias, out);
    }
    if !first {
        out.push(']');
    }
}
