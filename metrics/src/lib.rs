//! Metrics: families as constants, what is counted of them, and how a scrape is written.
//!
//! A [`Family`] is a constant that names its kind, its unit, its labels, what it means and what one looks at it for;
//! [`families!`] declares those of a crate, and `docs/metrics.md` is written from them. Whoever counts keeps plain atomics
//! or a [`Histogram`]; at a scrape it puts them into a [`Scrape`], which has each family once, whoever adds to it, and
//! writes it in the [`Format`] that was asked for.
//!
//! This is code of our own because `prometheus-client` writes OpenMetrics only, and `promtool check metrics` and older
//! scrapers read the text format 0.0.4; crates that write the text format do not write OpenMetrics. What both have in
//! common is some hundred lines. It has no dependencies, no IO and no clock.

pub mod common;
mod family;
mod format;
mod histogram;
mod scrape;
mod write;

pub use family::{Family, Group, Kind, Unit};
pub use format::Format;
pub use histogram::{Buckets, Histogram, LATENCY, SIZES, Snapshot};
pub use scrape::{Collect, Scrape, Value};
