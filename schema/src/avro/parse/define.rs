//! Named types: which are known, and whether a definition that stands twice is one.

use super::super::{Field, Kind, NodeId};
use super::Parser;
use super::error::{ParseError, wrong};
use crate::json::same_members;

impl Parser {
    /// Makes a complete named type known. The same definition may stand twice; another may not.
    pub(super) fn define(&mut self, id: NodeId) -> Result<NodeId, ParseError> {
        let named = self.nodes[id.0 as usize].kind.named().expect("only named types are defined");
        let full = named.name.full().to_string();
        for part in named.name.namespace().into_iter().flat_map(|space| space.split('.')) {
            if let Err(why) = self.options.names.check(part) {
                return wrong(format!("Namespace part \"{part}\" is invalid: {why}"));
            }
        }
        match self.named.get(&full) {
            Some(known) if !self.equal(id, *known) => wrong(format!("Can't redefine: {full}")),
            Some(known) => {
                self.again.insert(id, *known);
                Ok(id)
            }
            None => {
                self.named.insert(full, id);
                self.fresh.push(id);
                Ok(id)
            }
        }
    }

    /// Returns true if two types are equal as Java's `Schema.equals` means it. `a` is new, so its nesting, and
    /// with it the recursion, is bounded by the nesting of its text.
    fn equal(&self, a: NodeId, b: NodeId) -> bool {
        if a == b || self.again.get(&a) == Some(&b) || !self.budget.spend(1) {
            return true;
        }
        let (x, y) = (&self.nodes[a.0 as usize], &self.nodes[b.0 as usize]);
        let kinds = match (&x.kind, &y.kind) {
            (Kind::Array(i), Kind::Array(j)) | (Kind::Map(i), Kind::Map(j)) => self.equal(*i, *j),
            (Kind::Union(i), Kind::Union(j)) => {
                i.len() == j.len() && i.iter().zip(j).all(|(i, j)| self.equal(*i, *j))
            }
            (Kind::Record(i), Kind::Record(j)) => {
                i.named.name == j.named.name
                    && i.fields.len() == j.fields.len()
                    && i.fields.iter().zip(&j.fields).all(|(f, g)| self.equal_fields(f, g))
            }
            (Kind::Enum(i), Kind::Enum(j)) => {
                self.budget.spend(i.symbols.len());
                i.named.name == j.named.name && i.symbols == j.symbols
            }
            (Kind::Fixed(i), Kind::Fixed(j)) => i.named.name == j.named.name && i.size == j.size,
            (Kind::Unresolved(_), _) | (_, Kind::Unresolved(_)) => false,
            (i, j) => std::mem::discriminant(i) == std::mem::discriminant(j),
        };
        kinds && same_members(&x.props, &y.props)
    }

    fn equal_fields(&self, f: &Field, g: &Field) -> bool {
        let defaults = match (&f.default, &g.default) {
            (Some(a), Some(b)) => a.same(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        f.name == g.name
            && f.order == g.order
            && defaults
            && self.equal(f.node, g.node)
            && same_members(&f.props, &g.props)
    }
}
