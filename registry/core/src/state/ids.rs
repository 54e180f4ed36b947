//! Schemas by id and by guid.

use std::sync::{Arc, OnceLock};

use imbl::OrdMap;
use weir_registry_api::{
    Context, ContextId, Guid, Metadata, Reference, RuleSet, SchemaId, SchemaString, SchemaText,
    SchemaType, Subject, Version,
};

use super::State;
use super::uses::{Use, Uses};
use crate::candidate::HIDDEN;
use crate::grants::Grants;
use crate::parsed::{Content, ParseResult, Parsed, Reading};
use crate::record::SchemaValue;
use crate::state::references::within;
use weir_schema::Budget;

/// Ids of a context and what they name.
#[derive(Clone, Debug, Default)]
pub(super) struct IdSpace {
    pub(super) by_id: OrdMap<SchemaId, Arc<IdEntry>>,
    /// The highest id ever seen; ids are not given twice, even if their schemas are gone.
    pub(super) max: SchemaId,
}

impl PartialEq for IdSpace {
    fn eq(&self, other: &Self) -> bool {
        self.by_id.len() == other.by_id.len()
            && self.by_id.iter().all(|(id, a)| {
                other.by_id.get(id).is_some_and(|b| {
                    a.guid == b.guid
                        && a.text == b.text
                        && a.schema_type == b.schema_type
                        && a.uses == b.uses
                })
            })
    }
}

/// A schema, once for all subjects of a context that share it.
#[derive(Clone, Debug)]
pub struct IdEntry {
    pub id: SchemaId,
    pub context: Context,
    pub guid: Guid,
    pub schema_type: SchemaType,
    pub references: Arc<[Reference]>,
    pub metadata: Option<Arc<Metadata>>,
    pub rule_set: Option<Arc<RuleSet>>,
    pub text: SchemaText,
    uses: Uses,
    /// Once somebody has asked; none if the text cannot be parsed.
    content: OnceLock<Option<Content>>,
}

impl IdEntry {
    /// Where the schema is used; `deleted` includes soft-deleted versions.
    pub fn uses(&self, deleted: bool) -> impl Iterator<Item = Use> {
        self.uses.iter().filter(move |u| deleted || !u.deleted)
    }

    /// The newest place of a subject's.
    pub fn use_of(&self, subject: &Subject) -> Option<Use> {
        self.uses.of(subject)
    }

    /// Returns true if a subject may be read that uses the schema, or did before it was soft-deleted: one is enough.
    pub fn is_readable(&self, grants: &Grants) -> bool {
        grants.are_all() || self.uses.find(|subject, _| grants.read(subject)).is_some()
    }

    /// The schema as a place of `subject`'s, if that uses it, else of the first that does: of those that may be read.
    pub fn schema_string(&self, subject: Option<&Subject>, grants: &Grants) -> SchemaString {
        let place = subject
            .and_then(|subject| self.use_of(subject))
            .filter(|place| grants.read(&place.subject))
            .or_else(|| self.uses.find(|subject, is_deleted| !is_deleted && grants.read(subject)))
            .or_else(|| self.uses.find(|subject, _| grants.read(subject)));
        let (version, ts) = (place.as_ref().map(|u| u.version), place.as_ref().and_then(|u| u.ts));
        let deleted = place.as_ref().map(|u| u.deleted);
        SchemaString {
            subject: place.map(|u| u.subject),
            version,
            id: Some(self.id),
            guid: Some(self.guid),
            schema_type: self.schema_type.clone(),
            schema: self.text.clone(),
            references: self.references.clone(),
            metadata: self.metadata.clone(),
            rule_set: self.rule_set.clone(),
            schema_tags: Vec::new(),
            max_id: None,
            ts,
            deleted,
        }
    }
}

/// Ids of one content, ascending by context and id. There are several in a context only if somebody
/// imported them so; then the lowest is the content's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SameContent(Vec<ContextId>);

impl SameContent {
    fn insert(&mut self, id: ContextId) {
        let at = self.0.partition_point(|other| (&other.context, other.id) < (&id.context, id.id));
        self.0.reserve_exact(1); // there is hardly ever another
        self.0.insert(at, id);
    }

    fn remove(&mut self, context: &Context, id: SchemaId) {
        self.0.retain(|other| other.context != *context || other.id != id);
    }
}

impl State {
    pub(super) fn use_id(&mut self, context: Context, value: SchemaValue, guid: Guid, place: Use) {
        let id = value.id;
        let same = self.guids.get(&guid).and_then(|same| same.0.first()).cloned();
        let shared = same.and_then(|same| self.by_id(same.context.as_str(), same.id)).cloned();
        let space = self.ids.entry(context.clone()).or_default();
        space.max = space.max.max(id);
        if let Some(entry) = space.by_id.get_mut(&id) {
            Arc::make_mut(entry).uses.insert(place);
            return;
        }
        let entry = IdEntry {
            id,
            context: context.clone(),
            guid,
            schema_type: value.schema_type,
            references: value.references,
            metadata: value.metadata,
            rule_set: value.rule_set,
            text: shared.map_or(value.schema, |shared| shared.text.clone()),
            uses: Uses::One(place),
            content: OnceLock::new(),
        };
        space.by_id.insert(id, Arc::new(entry));
        self.guids.entry(guid).or_default().insert(ContextId { context, id });
    }

    pub(super) fn unuse_id(&mut self, subject: &Subject, version: Version, id: SchemaId) {
        self.change_uses(subject, id, |uses| uses.remove(subject, version));
        let context = subject.context();
        let Some(space) = self.ids.get_mut(&context) else { return };
        let Some(entry) = space.by_id.get(&id).filter(|entry| entry.uses.is_empty()) else {
            return;
        };
        let guid = entry.guid;
        space.by_id.remove(&id);
        if let Some(same) = self.guids.get_mut(&guid) {
            same.remove(&context, id);
            if same.0.is_empty() {
                self.guids.remove(&guid);
            }
        }
    }

    pub(super) fn change_uses(
        &mut self,
        subject: &Subject,
        id: SchemaId,
        change: impl FnOnce(&mut Uses),
    ) {
        let space = self.ids.get_mut(subject.parts().0);
        if let Some(entry) = space.and_then(|space| space.by_id.get_mut(&id)) {
            change(&mut Arc::make_mut(entry).uses);
        }
    }

    /// How many schemas have an id.
    pub fn schema_count(&self) -> usize {
        self.ids.values().map(|space| space.by_id.len()).sum()
    }

    /// The highest id that a context has given.
    pub fn max_id(&self, context: &str) -> SchemaId {
        let max = self.ids.get(context).map_or_else(SchemaId::default, |space| space.max);
        max.max(self.ids_above)
    }

    /// The highest id that each context has given.
    pub fn max_ids(&self) -> impl Iterator<Item = (&Context, SchemaId)> {
        self.ids.iter().map(|(context, space)| (context, space.max))
    }

    /// Returns true if nobody can tell the states of two logs apart, now or after whatever comes next.
    pub fn is_indistinguishable_from(&self, other: &State) -> bool {
        self == other && self.max_ids().eq(other.max_ids()) && self.next_offset == other.next_offset
    }

    /// Has a context give no id again up to this one, whatever the records say that compaction has left.
    pub fn raise_max_id(&mut self, context: &Context, id: SchemaId) {
        let space = self.ids.entry(context.clone()).or_default();
        space.max = space.max.max(id);
    }

    /// Has no context give this id or a lower one, whatever the records say: some are lost.
    pub fn give_ids_above(&mut self, id: SchemaId) {
        self.ids_above = id;
    }

    pub fn by_id(&self, context: &str, id: SchemaId) -> Option<&Arc<IdEntry>> {
        self.ids.get(context)?.by_id.get(&id)
    }

    /// The schema of an id as a request means it that may name a subject. An unqualified name is
    /// looked for in the default context, then in all others; if nobody there uses the id, it is
    /// the default context's, whoever uses it. None if the subject that is named may not be read, or no subject that
    /// uses the schema.
    pub fn find_id(
        &self,
        id: SchemaId,
        subject: Option<&Subject>,
        grants: &Grants,
    ) -> Option<&Arc<IdEntry>> {
        let names_unreadable =
            |subject: &Subject| !subject.parts().1.is_empty() && !grants.read(subject);
        if subject.is_some_and(names_unreadable) {
            return None;
        }
        self.meant_id(id, subject, grants).filter(|entry| entry.is_readable(grants))
    }

    fn meant_id(
        &self,
        id: SchemaId,
        subject: Option<&Subject>,
        grants: &Grants,
    ) -> Option<&Arc<IdEntry>> {
        let (context, name) = subject.map_or((".", ""), Subject::parts);
        let here = self.by_id(context, id);
        let Some(subject) = subject.filter(|_| context == "." && !name.is_empty()) else {
            return here;
        };
        if here.is_some_and(|entry| entry.use_of(subject).is_some()) {
            return here;
        }
        let elsewhere = self.contexts.iter().find_map(|context| {
            let entry = self.by_id(context.as_str(), id)?;
            let qualified = context.subject(name);
            (entry.use_of(&qualified).is_some() && grants.read(&qualified)).then_some(entry)
        });
        elsewhere.or(here)
    }

    /// Contexts and ids of a content, the default context's first.
    pub fn ids_of_guid(&self, guid: Guid) -> impl Iterator<Item = &ContextId> {
        self.guids.get(&guid).into_iter().flat_map(|same| &same.0)
    }

    /// The id of a content in a context.
    pub fn id_of_guid(&self, context: &str, guid: Guid) -> Option<SchemaId> {
        self.ids_of_guid(guid).find(|other| other.context.as_str() == context).map(|same| same.id)
    }

    /// The schema of a content in a context.
    pub fn entry_of_guid(&self, context: &str, guid: Guid) -> Option<&Arc<IdEntry>> {
        self.id_of_guid(context, guid).and_then(|id| self.by_id(context, id))
    }

    /// Returns true if a version of the subject has this very text.
    pub(crate) fn has_text(&self, subject: &Subject, text: &str) -> bool {
        self.versions(subject).iter().any(|v| self.entry(subject, v.id).text.is(text))
    }

    /// A stored schema's content whatever form its text is in; none if it cannot be parsed.
    pub(crate) fn content(&self, entry: &IdEntry, budget: &Budget) -> Option<Content> {
        if let Some(known) = entry.content.get() {
            return *known;
        }
        let content = self.parsed(entry, budget).ok().map(|parsed| parsed.content(budget));
        match budget.is_over() {
            true => None,
            false => *entry.content.get_or_init(|| content),
        }
    }

    /// The schema of an id that a version of the subject has.
    pub(crate) fn entry(&self, subject: &Subject, id: SchemaId) -> &Arc<IdEntry> {
        self.by_id(subject.parts().0, id).expect("a version's id stays as long as the version")
    }

    /// A stored schema, parsed when somebody asks, and kept for a while.
    pub fn parsed(&self, entry: &IdEntry, budget: &Budget) -> ParseResult {
        self.parses.get(&entry.context, entry.id, &entry.text, budget, || {
            let text = entry.text.text();
            let references = entry.references.iter().cloned();
            let parent = entry.context.subject("");
            self.parse(&parent, &entry.schema_type, &text, references, Reading::Stored, budget)
        })
    }

    /// A stored schema, parsed, for somebody who may write the subject: an error names nothing that may not be read.
    pub(crate) fn parsed_for(
        &self,
        entry: &IdEntry,
        subject: &Subject,
        grants: &Grants,
        budget: &Budget,
    ) -> ParseResult {
        if !grants.read(subject) {
            return self.parsed(entry, budget).map_err(|_| HIDDEN.into());
        }
        let parent = entry.context.subject("");
        self.check_references_there(&parent, &entry.references, grants, budget)?;
        self.parsed(entry, budget)
    }

    /// Parses a text with all that it refers to, directly and through others, in order. What it
    /// refers to by an unqualified name is in `parent`'s context.
    pub(crate) fn parse(
        &self,
        parent: &Subject,
        schema_type: &SchemaType,
        text: &str,
        references: impl Iterator<Item = Reference>,
        reading: Reading,
        budget: &Budget,
    ) -> Result<Parsed, String> {
        let referenced = self.in_order(parent, references, budget)?;
        let text_of = |(name, entry): &'_ (String, Arc<IdEntry>)| {
            budget.write(entry.text.json().len());
            within(budget, (name.clone(), entry.text.text().into_owned()))
        };
        let texts: Vec<(String, String)> =
            referenced.iter().map(text_of).collect::<Result<_, _>>()?;
        let texts: Vec<(&str, &str)> =
            texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Parsed::parse(schema_type, text, &texts, reading, budget)
    }
}
