//! Associations of topics and subjects, to be found from either end.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use weir_registry_api::{Association, Lifecycle, Subject};

use crate::record::AssociationKey;

#[derive(Clone, Debug, Default)]
pub struct Associations {
    by_key: OrdMap<AssociationKey, Arc<Association>>,
    by_subject: HashMap<Subject, Arc<BTreeSet<AssociationKey>>>,
    by_resource_id: HashMap<String, Arc<BTreeSet<AssociationKey>>>,
}

/// Stands for every namespace in a question.
const ANY_NAMESPACE: &str = "-";

impl Associations {
    pub(crate) fn put(&mut self, key: AssociationKey, value: Option<Arc<Association>>) {
        if let Some(old) = self.by_key.remove(&key) {
            unlist(&mut self.by_subject, &old.subject, &key);
            unlist(&mut self.by_resource_id, &old.resource_id, &key);
        }
        if let Some(new) = value {
            let subject = self.by_subject.entry(new.subject.clone()).or_default();
            Arc::make_mut(subject).insert(key.clone());
            let resource = self.by_resource_id.entry(new.resource_id.clone()).or_default();
            Arc::make_mut(resource).insert(key.clone());
            self.by_key.insert(key, new);
        }
    }

    pub(crate) fn get(&self, key: &AssociationKey) -> Option<&Arc<Association>> {
        self.by_key.get(key)
    }

    /// All of them, those of a resource together.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Association>> {
        self.by_key.values()
    }

    pub fn of_subject(&self, subject: &Subject) -> impl Iterator<Item = &Arc<Association>> {
        self.listed(self.by_subject.get(subject))
    }

    pub fn of_resource_id(&self, id: &str) -> impl Iterator<Item = &Arc<Association>> {
        self.listed(self.by_resource_id.get(id))
    }

    /// The associations of a resource by its name; `-` is any namespace.
    pub fn of_resource_name<'a>(
        &'a self,
        name: &'a str,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Association>> {
        let first = AssociationKey {
            resource_name: name.into(),
            resource_namespace: String::new(),
            resource_type: String::new(),
            association_type: String::new(),
            subject: Subject::stored(""),
        };
        self.by_key
            .range(first..)
            .take_while(move |(key, _)| key.resource_name == name)
            .filter(move |(key, _)| {
                namespace == ANY_NAMESPACE || key.resource_namespace == namespace
            })
            .map(|(_, association)| association)
    }

    /// Returns true if the subject is a resource's own.
    pub fn is_owned(&self, subject: &Subject) -> bool {
        self.of_subject(subject).any(|a| a.lifecycle == Lifecycle::Strong)
    }

    fn listed<'a>(
        &'a self,
        keys: Option<&'a Arc<BTreeSet<AssociationKey>>>,
    ) -> impl Iterator<Item = &'a Arc<Association>> {
        keys.into_iter().flat_map(|keys| keys.iter()).filter_map(|key| self.by_key.get(key))
    }
}

impl PartialEq for Associations {
    fn eq(&self, other: &Self) -> bool {
        self.by_key == other.by_key
    }
}

fn unlist<K: Clone + Eq + std::hash::Hash>(
    index: &mut HashMap<K, Arc<BTreeSet<AssociationKey>>>,
    name: &K,
    key: &AssociationKey,
) {
    if let Some(keys) = index.get_mut(name) {
        Arc::make_mut(keys).remove(key);
        if keys.is_empty() {
            index.remove(name);
        }
    }
}
