//! Families to which several parts of the process add, each with values of its own for one label.

use crate::family::{Family, Unit};

crate::families! {
    pub LIMITS = Family::counter(
        "weir_limits_reached_total",
        Unit::Count("times"),
        "Times that a limit kept something out or ended it, by the limit.",
    )
    .by(&["limit"])
    .watch("Which limit strikes. Most are named as their setting; raise the setting, or find who drives against it.");
    pub CACHE_HITS = Family::counter(
        "weir_cache_hits_total",
        Unit::Count("look-ups"),
        "Look-ups that a cache could answer.",
    )
    .by(&["cache"])
    .watch("The share of hits: it falls where more is in use than a cache keeps.");
    pub CACHE_MISSES = Family::counter(
        "weir_cache_misses_total",
        Unit::Count("look-ups"),
        "Look-ups that a cache could not answer, so that the work was done again.",
    )
    .by(&["cache"])
    .watch("Misses that go on after the first minutes cost a parse, a login check or a question to the registry each.");
    pub CACHE_ENTRIES = Family::gauge(
        "weir_cache_entries",
        Unit::Count("entries"),
        "Entries that a cache keeps now.",
    )
    .by(&["cache"])
    .watch("How full caches are.");
}
