//! The differences between two object schemas. Source: Confluent's `ObjectSchemaDiff`.
//!
//! What a property that only one side has means depends on the other side's content model: open
//! (anything may be added), closed (nothing), or partially open (what a schema allows).

use super::Schema;
use super::difference::DifferenceType::*;
use super::java_order;
use super::judge::{Judge, Limit, contains_all};
use super::node::{Additional, Kind, Node, NodeId, ObjectRules, Property};

pub(super) fn compare(judge: &mut Judge<'_, '_>, reader: &ObjectRules, writer: &ObjectRules) {
    let bytes = reader.name_bytes + writer.name_bytes;
    judge.checker.spend(4 * (reader.properties.len() + writer.properties.len()) + bytes / 8);
    required(judge, reader, writer);
    properties(judge, reader, writer);
    dependencies(judge, reader, writer);
    additional(judge, reader, writer);
    unevaluated(judge, reader, writer);
    judge.count("maxProperties", reader.max_properties, writer.max_properties, &MAX_PROPERTIES);
    judge.count("minProperties", reader.min_properties, writer.min_properties, &MIN_PROPERTIES);
}

fn required(judge: &mut Judge<'_, '_>, reader: &ObjectRules, writer: &ObjectRules) {
    for name in java_order::of_map(names(writer)) {
        let (Some(r), Some(w)) = (reader.property(name), writer.property(name)) else { continue };
        let path = format!("required/{name}");
        match (r.required, w.required) {
            (false, true) => judge.add(path, RequiredAttributeRemoved),
            (true, false) if judge.reader.node(r.node).has_default() => {
                judge.add(path, RequiredAttributeWithDefaultAdded);
            }
            (true, false) => judge.add(path, RequiredAttributeAdded),
            _ => {}
        }
    }
}

fn properties(judge: &mut Judge<'_, '_>, reader: &ObjectRules, writer: &ObjectRules) {
    let in_writer = |name: &str| writer.property(name).is_some();
    for name in java_order::of_union(names(writer), names(reader), in_writer) {
        let path = format!("properties/{name}");
        match (reader.property(name), writer.property(name)) {
            (Some(r), Some(w)) => judge.compare(&path, Some(r.node), Some(w.node)),
            (None, Some(w)) => removed(judge, &path, w, reader),
            (Some(r), None) => added(judge, &path, r, writer),
            (None, None) => {}
        }
    }
}

/// The writer has the property and the reader has not: the reader's content model decides.
fn removed(judge: &mut Judge<'_, '_>, path: &str, property: &Property, reader: &ObjectRules) {
    if is_open(reader, judge.reader) {
        return judge.add(path, PropertyRemovedFromOpenContentModel);
    }
    if let Some(covering) = covering(judge, reader, judge.reader, &property.name) {
        let answer = judge.ask(covering, property.node);
        judge.merge(path, covering, property.node, answer);
        return judge.add(
            path,
            match answer.compatible {
                true => PropertyRemovedIsCoveredByPartiallyOpenContentModel,
                false => PropertyRemovedNotCoveredByPartiallyOpenContentModel,
            },
        );
    }
    let never = matches!(judge.writer.node(property.node).kind, Kind::False);
    judge.add(
        path,
        match never {
            true => PropertyWithFalseRemovedFromClosedContentModel,
            false => PropertyRemovedFromClosedContentModel,
        },
    );
}

/// The reader has the property and the writer has not: the writer's content model decides.
fn added(judge: &mut Judge<'_, '_>, path: &str, property: &Property, writer: &ObjectRules) {
    let node: &Node = judge.reader.node(property.node);
    let has_default = node.has_default();
    if is_open(writer, judge.writer) {
        return judge.add(
            path,
            match (node.accepts_all(), property.required, has_default) {
                (true, ..) => PropertyWithEmptySchemaAddedToOpenContentModel,
                (_, false, _) => OptionalPropertyAddedToOpenContentModel,
                (_, true, true) => RequiredPropertyWithDefaultAddedToOpenContentModel,
                (_, true, false) => RequiredPropertyAddedToOpenContentModel,
            },
        );
    }
    if let Some(covering) = covering(judge, writer, judge.writer, &property.name) {
        let answer = judge.ask(property.node, covering);
        judge.merge(path, property.node, covering, answer);
        judge.add(
            path,
            match answer.compatible {
                true => PropertyAddedIsCoveredByPartiallyOpenContentModel,
                false => PropertyAddedNotCoveredByPartiallyOpenContentModel,
            },
        );
    }
    judge.add(
        path,
        match (property.required, has_default) {
            (false, _) => OptionalPropertyAddedToUnopenContentModel,
            (true, true) => RequiredPropertyWithDefaultAddedToUnopenContentModel,
            (true, false) => RequiredPropertyAddedToUnopenContentModel,
        },
    );
}

fn names(rules: &ObjectRules) -> impl ExactSizeIterator<Item = &str> {
    rules.properties.iter().map(|p| p.name.as_str())
}

fn is_open(rules: &ObjectRules, schema: &Schema) -> bool {
    rules.pattern_properties.is_empty()
        && rules.additional == Additional::Anything
        && rules.unevaluated.is_none_or(|node| schema.node(node).accepts_all())
}

/// The schema that a property falls under which is not named: the first pattern that finds it, or
/// else that of all additional ones.
fn covering(
    judge: &mut Judge<'_, '_>,
    rules: &ObjectRules,
    schema: &Schema,
    name: &str,
) -> Option<NodeId> {
    for (pattern, node) in &rules.pattern_properties {
        let new = !judge.checker.patterns.knows(pattern);
        judge.checker.spend(if new { COMPILE_STEPS } else { 8 } + name.len() / 16);
        if judge.checker.is_exhausted() {
            return None;
        }
        if judge.checker.finds(pattern, name) {
            return Some(*node);
        }
    }
    match rules.additional {
        Additional::Only(node) => Some(node),
        Additional::Nothing => None,
        Additional::Anything => {
            let schema_only = |node: &NodeId| {
                let node = schema.node(*node);
                !node.accepts_all() && !matches!(node.kind, Kind::False)
            };
            rules.unevaluated.filter(schema_only)
        }
    }
}

fn additional(judge: &mut Judge<'_, '_>, reader: &ObjectRules, writer: &ObjectRules) {
    use Additional::{Anything, Nothing, Only};
    const PATH: &str = "additionalProperties";
    match (reader.additional, writer.additional) {
        (Nothing, Nothing) | (Anything, Anything) => {}
        (_, Nothing) => judge.add(PATH, AdditionalPropertiesAdded),
        (Nothing, _) => judge.add(PATH, AdditionalPropertiesRemoved),
        (Only(_), Anything) => judge.add(PATH, AdditionalPropertiesNarrowed),
        (Anything, Only(_)) => judge.add(PATH, AdditionalPropertiesExtended),
        (Only(r), Only(w)) => judge.compare(PATH, Some(r), Some(w)),
    }
}

fn unevaluated(judge: &mut Judge<'_, '_>, reader: &ObjectRules, writer: &ObjectRules) {
    let kinds = super::arrays::Unevaluated {
        path: "unevaluatedProperties",
        added: UnevaluatedPropertiesAdded,
        removed: UnevaluatedPropertiesRemoved,
        extended: UnevaluatedPropertiesExtended,
        narrowed: UnevaluatedPropertiesNarrowed,
    };
    kinds.compare(judge, reader.unevaluated, writer.unevaluated);
}

fn dependencies(judge: &mut Judge<'_, '_>, reader: &ObjectRules, writer: &ObjectRules) {
    let count = reader.dependent_required.len() + writer.dependent_required.len();
    judge.checker.spend(count + reader.dependent_schemas.len() + writer.dependent_schemas.len());
    let (r, w) = (by_name(&reader.dependent_required), by_name(&writer.dependent_required));
    for name in either(&writer.dependent_required, &reader.dependent_required, &w) {
        let path = format!("dependencies/{name}");
        match (r.get(name), w.get(name)) {
            (None, _) => judge.add(path, DependencyArrayRemoved),
            (_, None) => judge.add(path, DependencyArrayAdded),
            (Some(r), Some(w)) if r == w => {}
            (Some(r), Some(w)) if contains_all(r, w) => judge.add(path, DependencyArrayExtended),
            (Some(r), Some(w)) if contains_all(w, r) => judge.add(path, DependencyArrayNarrowed),
            _ => judge.add(path, DependencyArrayChanged),
        }
    }
    let (r, w) = (by_name(&reader.dependent_schemas), by_name(&writer.dependent_schemas));
    for name in either(&writer.dependent_schemas, &reader.dependent_schemas, &w) {
        let path = format!("dependencies/{name}");
        match (r.get(name), w.get(name)) {
            (None, _) => judge.add(path, DependencySchemaRemoved),
            (_, None) => judge.add(path, DependencySchemaAdded),
            (Some(r), Some(w)) => judge.compare(&path, Some(**r), Some(**w)),
        }
    }
}

type ByName<'a, T> = std::collections::HashMap<&'a str, &'a T>;

fn by_name<T>(list: &[(String, T)]) -> ByName<'_, T> {
    list.iter().map(|(name, value)| (name.as_str(), value)).collect()
}

fn either<'a, T>(
    writer: &'a [(String, T)],
    reader: &'a [(String, T)],
    in_writer: &ByName<'_, T>,
) -> Vec<&'a str> {
    let name = |(name, _): &'a (String, T)| name.as_str();
    let in_writer = |name: &str| in_writer.contains_key(name);
    java_order::of_union(writer.iter().map(name), reader.iter().map(name), in_writer)
}

/// What compiling an expression costs, at the most that its bounds allow.
const COMPILE_STEPS: usize = 20_000;

const MAX_PROPERTIES: Limit = Limit {
    added: MaxPropertiesAdded,
    removed: MaxPropertiesRemoved,
    increased: MaxPropertiesIncreased,
    decreased: MaxPropertiesDecreased,
};
const MIN_PROPERTIES: Limit = Limit {
    added: MinPropertiesAdded,
    removed: MinPropertiesRemoved,
    increased: MinPropertiesIncreased,
    decreased: MinPropertiesDecreased,
};
