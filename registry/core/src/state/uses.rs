//! Where a schema is used: most in one place, some by every topic that there is.

use imbl::OrdMap;
use weir_registry_api::{Subject, Version};

/// A version of a subject that has the schema.
#[derive(Clone, Debug)]
pub struct Use {
    pub subject: Subject,
    pub version: Version,
    pub deleted: bool,
    /// When the version was written, in milliseconds since 1970.
    pub ts: Option<i64>,
}

impl PartialEq for Use {
    fn eq(&self, other: &Self) -> bool {
        (&self.subject, self.version, self.deleted)
            == (&other.subject, other.version, other.deleted)
    }
}

/// Ascending by subject and version.
#[derive(Clone, Debug)]
pub(super) enum Uses {
    One(Use),
    /// By subject and version: whether the version is deleted, and when it was written.
    Many(OrdMap<(Subject, Version), (bool, Option<i64>)>),
}

impl Uses {
    pub(super) fn iter(&self) -> impl Iterator<Item = Use> {
        let (one, many) = match self {
            Uses::One(place) => (Some(place), None),
            Uses::Many(places) => (None, Some(places)),
        };
        one.cloned().into_iter().chain(many.into_iter().flatten().map(place))
    }

    /// The first place that is wanted, by its subject and whether it is deleted. Takes none of the others.
    pub(super) fn find(&self, wanted: impl Fn(&Subject, bool) -> bool) -> Option<Use> {
        match self {
            Uses::One(one) => wanted(&one.subject, one.deleted).then(|| one.clone()),
            Uses::Many(places) => {
                let is_wanted =
                    |((subject, _), (deleted, _)): &(&(Subject, Version), &(bool, _))| {
                        wanted(subject, *deleted)
                    };
                places.iter().find(is_wanted).map(place)
            }
        }
    }

    /// The newest version of a subject.
    pub(super) fn of(&self, subject: &Subject) -> Option<Use> {
        match self {
            Uses::One(one) => (one.subject == *subject).then(|| one.clone()),
            Uses::Many(places) => {
                let last = (subject.clone(), Version(u32::MAX));
                let newest = places.get_prev(&last).map(place);
                newest.filter(|newest| newest.subject == *subject)
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Uses::Many(places) if places.is_empty())
    }

    pub(super) fn insert(&mut self, place: Use) {
        let places = self.many();
        places.insert((place.subject, place.version), (place.deleted, place.ts));
    }

    pub(super) fn remove(&mut self, subject: &Subject, version: Version) {
        self.many().remove(&(subject.clone(), version));
    }

    /// Marks a version as deleted.
    pub(super) fn delete(&mut self, subject: &Subject, version: Version) {
        match self {
            Uses::One(one) => {
                one.deleted |= one.subject == *subject && one.version == version;
            }
            Uses::Many(places) => {
                if let Some((deleted, _)) = places.get_mut(&(subject.clone(), version)) {
                    *deleted = true;
                }
            }
        }
    }

    fn many(&mut self) -> &mut OrdMap<(Subject, Version), (bool, Option<i64>)> {
        if let Uses::One(one) = self {
            let one = ((one.subject.clone(), one.version), (one.deleted, one.ts));
            *self = Uses::Many(OrdMap::from_iter([one]));
        }
        match self {
            Uses::Many(places) => places,
            Uses::One(_) => unreachable!("it was one of many just now"),
        }
    }
}

impl PartialEq for Uses {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

fn place(((subject, version), (deleted, ts)): (&(Subject, Version), &(bool, Option<i64>))) -> Use {
    Use { subject: subject.clone(), version: *version, deleted: *deleted, ts: *ts }
}
