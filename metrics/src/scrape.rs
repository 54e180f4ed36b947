//! What is gathered when somebody asks for metrics.

use std::collections::BTreeMap;

use crate::family::Family;
use crate::format::Format;
use crate::histogram::{Histogram, Snapshot};
use crate::write;

/// Something that has metrics.
pub trait Collect: Send + Sync {
    /// Puts all families that it has into a scrape; also those that have no samples now. It may read files, and does not
    /// wait for others.
    fn collect(&self, scrape: &mut Scrape);
}

/// A sample's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Whole(u64),
    Real(f64),
    Histogram(Snapshot),
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        Value::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Real(value)
    }
}

impl From<&Histogram> for Value {
    fn from(histogram: &Histogram) -> Value {
        Value::Histogram(histogram.snapshot())
    }
}

/// Families and their samples, each family once.
#[derive(Default)]
pub struct Scrape {
    /// By name, which is the order in which they are written.
    pub(crate) families: BTreeMap<&'static str, Samples>,
}

/// A family's samples, by the values of their labels.
pub(crate) struct Samples {
    pub(crate) family: &'static Family,
    pub(crate) samples: BTreeMap<Vec<String>, Value>,
}

impl Scrape {
    pub fn new() -> Scrape {
        Scrape::default()
    }

    /// What something has.
    pub fn of(source: &(impl Collect + ?Sized)) -> Scrape {
        let mut scrape = Scrape::new();
        source.collect(&mut scrape);
        scrape
    }

    /// Has a family exposed, also if it has no samples now.
    pub fn declare(&mut self, family: &'static Family) {
        self.samples(family);
    }

    /// Adds the one sample of a family without labels.
    pub fn set(&mut self, family: &'static Family, value: impl Into<Value>) {
        self.add(family, &[], value);
    }

    /// Adds a sample. `labels` are the values of the family's labels, in their order. One of the same labels as a sample
    /// that is there already takes its place.
    pub fn add(&mut self, family: &'static Family, labels: &[&str], value: impl Into<Value>) {
        debug_assert_eq!(family.labels.len(), labels.len(), "labels of {}", family.name);
        let labels = labels.iter().map(ToString::to_string).collect();
        self.samples(family).insert(labels, value.into());
    }

    fn samples(&mut self, family: &'static Family) -> &mut BTreeMap<Vec<String>, Value> {
        let empty = || Samples { family, samples: BTreeMap::new() };
        &mut self.families.entry(family.name).or_insert_with(empty).samples
    }

    /// The text of all of it.
    pub fn text(&self, format: Format) -> String {
        write::text(self, format)
    }
}
