//! The differences between two combinations: `allOf` is a product, `anyOf` and `oneOf` are sums.
//! Source: Confluent's `CombinedSchemaDiff`.
//!
//! Branches have no names, so each of the smaller side needs a partner of its own on the other: a
//! maximum matching over the pairs that are compatible.

use super::difference::DifferenceType::{self, *};
use super::judge::Judge;
use super::matching::maximum_matching;
use super::node::{Combined, Criterion};

pub(super) fn compare(judge: &mut Judge<'_, '_>, reader: &Combined, writer: &Combined) {
    let criteria = criteria(reader, writer);
    if let Some(kind) = criteria {
        judge.add("", kind);
    }
    if criteria == Some(CombinedTypeChanged) {
        return;
    }
    if let Some(kind) = sizes(reader, writer) {
        judge.add("", kind);
    }
    branches(judge, reader, writer);
}

fn criteria(reader: &Combined, writer: &Combined) -> Option<DifferenceType> {
    let (r, w) = (reader.subschemas.len() == 1, writer.subschemas.len() == 1);
    let extended = reader.criterion == Criterion::Any
        || (r && w)
        || (w && reader.criterion == Criterion::One)
        || (r && writer.criterion == Criterion::All);
    match reader.criterion == writer.criterion {
        true => None,
        false if extended => Some(CombinedTypeExtended),
        false => Some(CombinedTypeChanged),
    }
}

fn sizes(reader: &Combined, writer: &Combined) -> Option<DifferenceType> {
    let (r, w) = (reader.distinct.len(), writer.distinct.len());
    Some(match (w.cmp(&r), reader.criterion, writer.criterion) {
        (std::cmp::Ordering::Equal, ..) => return None,
        (std::cmp::Ordering::Less, Criterion::All, _) => ProductTypeExtended,
        (std::cmp::Ordering::Less, ..) => SumTypeExtended,
        (std::cmp::Ordering::Greater, _, Criterion::All) => ProductTypeNarrowed,
        (std::cmp::Ordering::Greater, ..) => SumTypeNarrowed,
    })
}

fn branches(judge: &mut Judge<'_, '_>, reader: &Combined, writer: &Combined) {
    let mut partners: Vec<Vec<u32>> = Vec::with_capacity(writer.distinct.len());
    for w in &writer.distinct {
        let mut compatible = Vec::new();
        judge.checker.hold(size_of::<Vec<u32>>());
        for (at, r) in reader.distinct.iter().enumerate() {
            if judge.ask(*r, *w).compatible {
                judge.checker.hold(2 * size_of::<u32>());
                compatible.push(at as u32);
            }
        }
        partners.push(compatible);
        if judge.checker.is_exhausted() {
            return;
        }
    }
    let Some(matching) = maximum_matching(&partners, reader.distinct.len(), |steps| {
        judge.checker.spend(steps);
        !judge.checker.is_exhausted()
    }) else {
        return;
    };
    let mut size = 0;
    for (index, partner) in matching.iter().enumerate() {
        let Some(at) = partner else { continue };
        size += 1;
        let (r, w) = (reader.distinct[*at as usize], writer.distinct[index]);
        let answer = judge.ask(r, w);
        judge.merge(&format!("{}/{index}", writer.criterion.keyword()), r, w, answer);
    }
    if size < reader.distinct.len().min(writer.distinct.len()) {
        judge.add("", CombinedTypeSubschemasChanged);
    }
}
