//! The differences between two array schemas. Source: Confluent's `ArraySchemaDiff`.

use super::Schema;
use super::difference::DifferenceType::{self, *};
use super::judge::{Judge, Limit};
use super::node::{Additional, ArrayRules, Kind, NodeId};

pub(super) fn compare(judge: &mut Judge<'_, '_>, reader: &ArrayRules, writer: &ArrayRules) {
    judge.checker.spend(2 * (reader.items.len() + writer.items.len()));
    judge.compare("items", reader.all_items, writer.all_items);
    listed(judge, reader, writer);
    additional(judge, reader, writer);
    let kinds = Unevaluated {
        path: "unevaluatedItems",
        added: UnevaluatedItemsAdded,
        removed: UnevaluatedItemsRemoved,
        extended: UnevaluatedItemsExtended,
        narrowed: UnevaluatedItemsNarrowed,
    };
    kinds.compare(judge, reader.unevaluated, writer.unevaluated);
    judge.count("maxItems", reader.max_items, writer.max_items, &MAX_ITEMS);
    judge.count("minItems", reader.min_items, writer.min_items, &MIN_ITEMS);
    match (reader.unique_items, writer.unique_items) {
        (false, true) => judge.add("uniqueItems", UniqueItemsRemoved),
        (true, false) => judge.add("uniqueItems", UniqueItemsAdded),
        _ => {}
    }
    judge.count("maxContains", reader.max_contains, writer.max_contains, &MAX_CONTAINS);
    judge.count("minContains", reader.min_contains, writer.min_contains, &MIN_CONTAINS);
}

/// Items with a schema each, by their index.
fn listed(judge: &mut Judge<'_, '_>, reader: &ArrayRules, writer: &ArrayRules) {
    for index in 0..reader.items.len().max(writer.items.len()) {
        let path = format!("items/{index}");
        match (reader.items.get(index), writer.items.get(index)) {
            (Some(r), Some(w)) => judge.compare(&path, Some(*r), Some(*w)),
            (None, Some(w)) => removed(judge, &path, *w, reader),
            (Some(r), None) => added(judge, &path, *r, writer),
            (None, None) => {}
        }
    }
}

fn removed(judge: &mut Judge<'_, '_>, path: &str, item: NodeId, reader: &ArrayRules) {
    if is_open(reader, judge.reader) {
        return judge.add(path, ItemRemovedFromOpenContentModel);
    }
    if let Some(covering) = covering(reader, judge.reader) {
        let answer = judge.ask(covering, item);
        judge.merge(path, covering, item, answer);
        return judge.add(
            path,
            match answer.compatible {
                true => ItemRemovedIsCoveredByPartiallyOpenContentModel,
                false => ItemRemovedNotCoveredByPartiallyOpenContentModel,
            },
        );
    }
    let never = matches!(judge.writer.node(item).kind, Kind::False);
    judge.add(
        path,
        match never {
            true => ItemWithFalseRemovedFromClosedContentModel,
            false => ItemRemovedFromClosedContentModel,
        },
    );
}

fn added(judge: &mut Judge<'_, '_>, path: &str, item: NodeId, writer: &ArrayRules) {
    if is_open(writer, judge.writer) {
        let kind = match judge.reader.node(item).accepts_all() {
            true => ItemWithEmptySchemaAddedToOpenContentModel,
            false => ItemAddedToOpenContentModel,
        };
        return judge.add(path, kind);
    }
    let Some(covering) = covering(writer, judge.writer) else {
        return judge.add(path, ItemAddedToClosedContentModel);
    };
    let answer = judge.ask(item, covering);
    judge.merge(path, item, covering, answer);
    judge.add(
        path,
        match answer.compatible {
            true => ItemAddedIsCoveredByPartiallyOpenContentModel,
            false => ItemAddedNotCoveredByPartiallyOpenContentModel,
        },
    );
}

fn is_open(rules: &ArrayRules, schema: &Schema) -> bool {
    rules.additional == Additional::Anything
        && rules.unevaluated.is_none_or(|node| schema.node(node).accepts_all())
}

/// The schema that items fall under which are not listed.
fn covering(rules: &ArrayRules, schema: &Schema) -> Option<NodeId> {
    match rules.additional {
        Additional::Only(node) => Some(node),
        Additional::Nothing => None,
        Additional::Anything => rules.unevaluated.filter(|node| {
            let node = schema.node(*node);
            !node.accepts_all() && !matches!(node.kind, Kind::False)
        }),
    }
}

fn additional(judge: &mut Judge<'_, '_>, reader: &ArrayRules, writer: &ArrayRules) {
    use Additional::{Anything, Nothing, Only};
    const PATH: &str = "additionalItems";
    match (reader.additional, writer.additional) {
        (Nothing, Nothing) | (Anything, Anything) => {}
        (_, Nothing) => judge.add(PATH, AdditionalItemsAdded),
        (Nothing, _) => judge.add(PATH, AdditionalItemsRemoved),
        (Only(_), Anything) => judge.add(PATH, AdditionalItemsNarrowed),
        (Anything, Only(_)) => judge.add(PATH, AdditionalItemsExtended),
        (Only(r), Only(w)) => judge.compare(PATH, Some(r), Some(w)),
    }
}

/// `unevaluatedItems` or `unevaluatedProperties`: absent, `false`, or a schema.
pub(super) struct Unevaluated {
    pub path: &'static str,
    pub added: DifferenceType,
    pub removed: DifferenceType,
    pub extended: DifferenceType,
    pub narrowed: DifferenceType,
}

impl Unevaluated {
    pub fn compare(
        &self,
        judge: &mut Judge<'_, '_>,
        reader: Option<NodeId>,
        writer: Option<NodeId>,
    ) {
        let is_false =
            |schema: &Schema, node: NodeId| matches!(schema.node(node).kind, Kind::False);
        let never = (
            reader.is_some_and(|node| is_false(judge.reader, node)),
            writer.is_some_and(|node| is_false(judge.writer, node)),
        );
        let anything = (
            reader.is_none_or(|node| judge.reader.node(node).accepts_all()),
            writer.is_none_or(|node| judge.writer.node(node).accepts_all()),
        );
        let kind = match (reader, writer) {
            (None, None) => return,
            (Some(_), None) if never.0 => self.removed,
            (Some(_), None) => self.narrowed,
            (None, Some(_)) if never.1 => self.added,
            (None, Some(_)) => self.extended,
            (Some(_), Some(_)) if never == (false, true) => self.added,
            (Some(_), Some(_)) if never == (true, false) => self.removed,
            (Some(_), Some(_)) if anything == (false, true) => self.narrowed,
            (Some(_), Some(_)) if anything == (true, false) => self.extended,
            (Some(_), Some(_)) => return judge.compare(self.path, reader, writer),
        };
        judge.add(self.path, kind);
    }
}

const MAX_ITEMS: Limit = Limit {
    added: MaxItemsAdded,
    removed: MaxItemsRemoved,
    increased: MaxItemsIncreased,
    decreased: MaxItemsDecreased,
};
const MIN_ITEMS: Limit = Limit {
    added: MinItemsAdded,
    removed: MinItemsRemoved,
    increased: MinItemsIncreased,
    decreased: MinItemsDecreased,
};
const MAX_CONTAINS: Limit = Limit {
    added: MaxContainsAdded,
    removed: MaxContainsRemoved,
    increased: MaxContainsIncreased,
    decreased: MaxContainsDecreased,
};
const MIN_CONTAINS: Limit = Limit {
    added: MinContainsAdded,
    removed: MinContainsRemoved,
    increased: MinContainsIncreased,
    decreased: MinContainsDecreased,
};
