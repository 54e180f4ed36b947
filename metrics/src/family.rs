//! Families of metrics, as they are declared.

use crate::histogram::Buckets;

/// A family of metrics. Its name is unique among all that a process exposes.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// As the text format has it: that of a counter ends in `_total`, that of an info in `_info`.
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    /// The names of the labels, in the order in which samples give their values.
    pub labels: &'static [&'static str],
    /// What it counts or measures, as one sentence; it stands in the scrape.
    pub help: &'static str,
    /// What one looks at it for, as one sentence; it stands in the documentation only.
    pub watch: &'static str,
}

/// What becomes of a family's values in time.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size.
    Histogram(&'static Buckets),
    /// Is always 1: what is said stands in the labels.
    Info,
}

impl Kind {
    /// The kind's name in documents: `counter`, `gauge`, `histogram` or `info`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
            Kind::Info => "info",
        }
    }
}

/// The unit of a family's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
    /// Things that are counted: `requests`.
    Count(&'static str),
    /// 1 if it is so, else 0.
    Truth,
    /// A place in a log: the number of a record.
    Offset,
}

impl Unit {
    /// The unit as documents have it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::Count(what) => what,
            Unit::Truth => "0 or 1",
            Unit::Offset => "offset",
        }
    }

    /// The unit as OpenMetrics has it, where it is a base unit.
    pub(crate) fn base(self) -> Option<&'static str> {
        match self {
            Unit::Seconds => Some("seconds"),
            Unit::Bytes => Some("bytes"),
            Unit::Count(_) | Unit::Truth | Unit::Offset => None,
        }
    }
}

impl Family {
    /// A counter. `name` ends in `_total`.
    pub const fn counter(name: &'static str, unit: Unit, help: &'static str) -> Family {
        Family { name, kind: Kind::Counter, unit, labels: &[], help, watch: "" }
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Family {
        Family { name, kind: Kind::Gauge, unit, labels: &[], help, watch: "" }
    }

    /// A histogram; its unit is that of its buckets.
    pub const fn histogram(
        name: &'static str,
        buckets: &'static Buckets,
        help: &'static str,
    ) -> Family {
        let kind = Kind::Histogram(buckets);
        Family { name, kind, unit: buckets.unit, labels: &[], help, watch: "" }
    }

    /// What is said in labels. `name` ends in `_info`.
    pub const fn info(name: &'static str, help: &'static str) -> Family {
        let unit = Unit::Count("always 1");
        Family { name, kind: Kind::Info, unit, labels: &[], help, watch: "" }
    }

    /// The family with labels.
    pub const fn by(self, labels: &'static [&'static str]) -> Family {
        Family { labels, ..self }
    }

    /// The family with what one looks at it for.
    pub const fn watch(self, watch: &'static str) -> Family {
        Family { watch, ..self }
    }
}

/// The families of one part of the process, in the order of the documentation.
#[derive(Clone, Copy)]
pub struct Group {
    pub title: &'static str,
    /// Where they are exposed, as one or more whole sentences.
    pub about: &'static str,
    pub families: &'static [&'static Family],
}

/// Declares families as statics of a module, and `FAMILIES`, which has all of them in their order: one that is not in the
/// list cannot be declared.
#[macro_export]
macro_rules! families {
    ($($visibility:vis $name:ident = $family:expr;)+) => {
        $($visibility static $name: $crate::Family = $family;)+

        /// All families that are declared here, in the order of the documentation.
        pub static FAMILIES: &[&$crate::Family] = &[$(&$name),+];
    };
}
