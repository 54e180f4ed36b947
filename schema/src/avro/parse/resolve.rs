//! What can be said only once a text is read: the types that names stand for, and whether defaults fit them.

use std::collections::{HashMap, HashSet};

use super::super::default_check::DefaultCheck;
use super::super::print::node_text;
use super::super::{Field, Kind, NodeId};
use super::Parser;
use super::error::{ParseError, wrong};

impl Parser {
    /// Puts the types that names were waiting for in their places.
    pub(super) fn resolve(&mut self, first: usize, root: NodeId) -> Result<NodeId, ParseError> {
        let mut target: HashMap<NodeId, NodeId> = HashMap::new();
        for (index, node) in self.nodes.iter().enumerate().skip(first) {
            if let Kind::Unresolved(name) = &node.kind {
                let Some(found) = self.named.get(name) else {
                    return wrong(format!("Undefined schema: {name}"));
                };
                target.insert(NodeId(index as u32), *found);
            }
        }
        if target.is_empty() {
            return Ok(root);
        }
        if target.contains_key(&root) {
            return wrong("A schema cannot be a name alone that it does not define");
        }
        let point = |id: &mut NodeId| *id = target.get(id).copied().unwrap_or(*id);
        for node in &mut self.nodes[first..] {
            match &mut node.kind {
                Kind::Array(id) | Kind::Map(id) => point(id),
                Kind::Union(ids) => ids.iter_mut().for_each(point),
                Kind::Record(record) => record.fields.iter_mut().for_each(|f| point(&mut f.node)),
                _ => {}
            }
        }
        for node in &self.nodes[first..] {
            if let Kind::Union(branches) = &node.kind {
                self.check_union(branches)?;
            }
        }
        Ok(root)
    }

    /// Checks defaults against resolved types, depth first, as Java's copy of a resolved schema
    /// does: a default that needs the fields of a record around it has no answer, and is refused.
    pub(super) fn validate_resolved_defaults(
        &self,
        first: usize,
        root: NodeId,
    ) -> Result<(), ParseError> {
        let mut open: HashSet<NodeId> = HashSet::new();
        let mut entered: HashSet<NodeId> = HashSet::new();
        for start in self.fresh.iter().copied().chain([root]) {
            let mut stack = vec![(start, false)];
            while let Some((id, leave)) = stack.pop() {
                let kind = &self.nodes[id.0 as usize].kind;
                if leave {
                    if let Kind::Record(record) = kind {
                        for field in &record.fields {
                            self.validate_default(field, &open)?;
                        }
                        open.remove(&id);
                    }
                    continue;
                }
                // what came with earlier texts has been checked with them
                if (id.0 as usize) < first || !entered.insert(id) {
                    continue;
                }
                stack.push((id, true));
                match kind {
                    Kind::Array(child) | Kind::Map(child) => stack.push((*child, false)),
                    Kind::Union(branches) => {
                        stack.extend(branches.iter().rev().map(|b| (*b, false)));
                    }
                    Kind::Record(record) => {
                        open.insert(id);
                        stack.extend(record.fields.iter().rev().map(|f| (f.node, false)));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Checks that a field's default is data of the field's type. In `open` are records whose fields are not all
    /// known yet.
    pub(super) fn validate_default(
        &self,
        field: &Field,
        open: &HashSet<NodeId>,
    ) -> Result<(), ParseError> {
        let Some(default) = &field.default else { return Ok(()) };
        if DefaultCheck::new(&self.nodes, open, &self.budget).fits(field.node, default)? {
            return Ok(());
        }
        let kind = &self.nodes[field.node.0 as usize].kind;
        wrong(format!(
            "Invalid default for field {}: {default} not a {}",
            field.name,
            node_text(&self.nodes, field.node, kind, &self.budget),
        ))
    }
}
