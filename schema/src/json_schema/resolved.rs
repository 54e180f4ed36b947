//! Are two schemas the same once their references are inlined? One may say `$ref` where the other
//! has the text itself.
//!
//! Walked side by side with a stack of its own; a pair of places that was met before is not walked
//! again, which ends recursion.

use std::collections::HashSet;
use std::rc::Rc;

use super::Schema;
use super::library::{Library, Spot};
use crate::budget::Budget;
use crate::json::Json;

/// Places that are compared before the answer is no: more than any honest schema has.
const PLACES_MAX: usize = 2_000_000;

/// References that are followed from one place: a reference may lead to a reference.
const CHAIN_MAX: usize = 1_000;

/// What a pair of places takes that was met, or waits.
const PAIR_BYTES: usize = 128;

impl Schema {
    /// Whether the two are equal, keys in order, once references to other schemas are replaced by
    /// what they mean: a registry's lookup takes them for one schema.
    pub fn same_resolved(&self, other: &Schema) -> bool {
        self.same_resolved_within(other, &Budget::default())
    }

    /// As `same_resolved` does, within a budget.
    pub fn same_resolved_within(&self, other: &Schema, budget: &Budget) -> bool {
        let _walk = budget.loan();
        let mut own = Library::new(&self.documents, budget);
        let mut their = Library::new(&other.documents, budget);
        let mut met = HashSet::new();
        let mut stack = vec![(own.root(), their.root())];
        while let Some((a, b)) = stack.pop() {
            if !(budget.spend(4) && budget.hold(PAIR_BYTES)) {
                return false;
            }
            let (a, b) = (followed(&mut own, a), followed(&mut their, b));
            let is_new = met.insert((address(a.json), address(b.json)));
            if met.len() > PLACES_MAX {
                return false;
            }
            if is_new && !same_here(&a, &b, &mut stack) {
                return false;
            }
        }
        true
    }
}

fn address(json: &Json) -> usize {
    std::ptr::from_ref(json).addr()
}

/// Follows references out of the schema itself, and all that are inside others.
fn followed<'d>(library: &mut Library<'d>, mut spot: Spot<'d>) -> Spot<'d> {
    for _ in 0..CHAIN_MAX {
        let Some(text) = spot.json.get("$ref").and_then(Json::as_str) else { return spot };
        match library.resolve(text, &spot) {
            Some(target) if spot.document != 0 || target.document != 0 => spot = target,
            _ => return spot,
        }
    }
    spot
}

/// Compares what is not a schema below; what is, waits on the stack.
fn same_here<'a, 'b>(a: &Spot<'a>, b: &Spot<'b>, stack: &mut Vec<(Spot<'a>, Spot<'b>)>) -> bool {
    let mut later = |x: &'a Json, y: &'b Json| {
        let (base_a, base_b) = (Rc::clone(&a.base), Rc::clone(&b.base));
        stack.push((
            Spot { document: a.document, json: x, place: None, base: base_a },
            Spot { document: b.document, json: y, place: None, base: base_b },
        ));
    };
    match (a.json, b.json) {
        (Json::Array(x), Json::Array(y)) => {
            x.iter().zip(y).for_each(|(x, y)| later(x, y));
            x.len() == y.len()
        }
        (Json::Object(x), Json::Object(y)) => {
            x.iter().zip(y).for_each(|((_, x), (_, y))| later(x, y));
            x.len() == y.len() && x.iter().zip(y).all(|((x, _), (y, _))| x == y)
        }
        (x, y) => x.same_value(y),
    }
}
