//! The registry's metrics.

use std::sync::atomic::Ordering::Relaxed;

use weir_metrics::common::{CACHE_ENTRIES, CACHE_HITS, CACHE_MISSES, LIMITS};
use weir_metrics::{Collect, Family, Group, LATENCY, Scrape, Unit};
use weir_registry_core::{Grants, State};

use crate::Registry;
use crate::counts::CheckKind;
use crate::http::Node;
use crate::log::{Fault, LogStatus};

/// Entries of a list among the metrics.
const LISTED_MAX: usize = 100;

/// The families of a registry.
pub const METRICS: Group = Group {
    title: "Registry",
    about: "On the registry's listeners, and on the management listener of a process that runs the role.",
    families: FAMILIES,
};

weir_metrics::families! {
    READY = Family::gauge("weir_registry_ready", Unit::Truth, "Whether the log was read.")
        .watch("0 after the start until the log is read; 0 later: a registry of another make leads.");
    WRITABLE = Family::gauge("weir_registry_writable", Unit::Truth, "Whether writes are taken.")
        .watch("0: registrations fail. `/v1/cluster` names the fault and what mends it.");
    LEADER = Family::gauge("weir_registry_leader", Unit::Truth, "Whether this node leads.")
        .watch("The sum over a cluster is 1.");
    EPOCH = Family::gauge("weir_registry_epoch", Unit::Offset, "The epoch of the leader.")
        .watch("All nodes of a cluster agree on it.");
    LEADER_CHANGES = Family::counter(
        "weir_registry_leader_changes_total",
        Unit::Count("leaders"),
        "Leaders that this node has seen.",
    )
    .watch("More than one for each restart: nodes or Kafka are not well.");
    APPLIED = Family::gauge(
        "weir_registry_applied_offset",
        Unit::Offset,
        "Offset after the last record that was applied.",
    )
    .watch("How far this node has read.");
    END = Family::gauge(
        "weir_registry_end_offset",
        Unit::Offset,
        "Offset after the last of the log.",
    )
    .watch("Where the log ends.");
    LAG = Family::gauge(
        "weir_registry_lag",
        Unit::Count("records"),
        "Offsets of the log that this node has not applied.",
    )
    .watch("A node that lags answers reads with what was there a while ago.");
    FAULTS = Family::gauge(
        "weir_registry_faults",
        Unit::Count("faults"),
        "Faults that keep writes away.",
    )
    .watch("Above 0: `/v1/cluster` says what mends it.");
    FORWARDED = Family::counter(
        "weir_registry_forwarded_total",
        Unit::Count("writes"),
        "Writes that were forwarded to the node that leads, by what came of it.",
    )
    .by(&["result"])
    .watch("`failed`: nodes do not reach each other at their advertised URLs.");
    LOG_DAMAGED = Family::gauge(
        "weir_registry_log_damaged",
        Unit::Truth,
        "Whether the log has lost records.",
    )
    .watch("1: see docs/storage.md. Only where the log is on this disk, as the others that begin with `weir_registry_log_`, but for appends.");
    LOG_RECORDS = Family::gauge(
        "weir_registry_log_records",
        Unit::Count("records"),
        "Records in the log.",
    )
    .watch("It falls when the log is compacted.");
    LOG_BYTES = Family::gauge(
        "weir_registry_log_bytes",
        Unit::Bytes,
        "Bytes of the log on the disk.",
    )
    .watch("Room on the disk.");
    COMPACTED = Family::gauge(
        "weir_registry_log_compacted_timestamp_seconds",
        Unit::Seconds,
        "When the log was compacted last, in seconds since 1970; 0 if never.",
    )
    .watch("When what was deleted was given back last.");
    COMPACTIONS = Family::counter(
        "weir_registry_log_compactions_total",
        Unit::Count("compactions"),
        "Compactions of the log since the start, by what came of them.",
    )
    .by(&["result"])
    .watch("`failed`: there may be no room for the copy.");
    APPENDS = Family::histogram(
        "weir_registry_log_append_duration_seconds",
        &LATENCY,
        "How long it took to append a batch of records and to have it safe: synced to the disk, or acknowledged by Kafka.",
    )
    .watch("The largest part of a registration's time.");
    APPENDED_RECORDS = Family::counter(
        "weir_registry_log_appended_records_total",
        Unit::Count("records"),
        "Records that this node has appended to the log.",
    )
    .watch("How much is written.");
    APPENDED_BYTES = Family::counter(
        "weir_registry_log_appended_bytes_total",
        Unit::Bytes,
        "Bytes of keys and values that were appended to the log.",
    )
    .watch("How fast the log grows.");
    APPENDS_FAILED = Family::counter(
        "weir_registry_log_append_failures_total",
        Unit::Count("batches"),
        "Batches that were not appended, or of which that is not known.",
    )
    .watch("A full disk, or a Kafka that does not acknowledge.");
    SCHEMAS = Family::gauge(
        "weir_registry_schemas",
        Unit::Count("schemas"),
        "Schemas with an id.",
    )
    .watch("How large the registry is.");
    SCHEMAS_BY_TYPE = Family::gauge(
        "weir_registry_schemas_by_type",
        Unit::Count("schemas"),
        "Schemas with an id, by the schema's type.",
    )
    .by(&["type"])
    .watch("What is in use.");
    SUBJECTS = Family::gauge(
        "weir_registry_subjects",
        Unit::Count("subjects"),
        "Subjects, by the type of their last version, and whether all of their versions are soft-deleted.",
    )
    .by(&["type", "state"])
    .watch("Subjects that appear without a plan, and what was deleted and could be deleted for good.");
    VERSIONS = Family::gauge(
        "weir_registry_versions",
        Unit::Count("versions"),
        "Versions of all subjects, live and soft-deleted.",
    )
    .by(&["state"])
    .watch("A producer that registers a new version each time.");
    CHECKS = Family::counter(
        "weir_registry_compatibility_checks_total",
        Unit::Count("checks"),
        "Comparisons of a schema with versions of its subject, of registrations and of `/compatibility`, by what came of them.",
    )
    .by(&["type", "level", "verdict"])
    .watch("Teams that try incompatible changes.");
    REGISTRATIONS = Family::counter(
        "weir_registry_registrations_total",
        Unit::Count("requests"),
        "Requests to register a schema, by its type and by what came of them.",
    )
    .by(&["type", "outcome"])
    .watch("`registered` is a new version, `found` one that was there already. `failed`: the log takes no writes.");
    LANES_RUNNING = Family::gauge(
        "weir_registry_lanes_running",
        Unit::Count("requests"),
        "Requests that a lane works on.",
    )
    .watch("Checks that take long.");
    LANES_WAITING = Family::gauge(
        "weir_registry_lanes_waiting",
        Unit::Count("requests"),
        "Requests that wait for a lane.",
    )
    .watch("Above 0 for long: the processors are busy with checks.");
    LANES_REFUSED = Family::counter(
        "weir_registry_lanes_refused_total",
        Unit::Count("requests"),
        "Requests that found too many waiting for a lane, and were answered 503.",
    )
    .watch("A client that checks more than there is time for.");
    LANES_ABANDONED = Family::counter(
        "weir_registry_lanes_abandoned_total",
        Unit::Count("requests"),
        "Requests whose clients left while a lane worked on them or they waited.",
    )
    .watch("Clients whose timeouts are too short.");
    OVER_BUDGET = Family::counter(
        "weir_registry_over_budget_total",
        Unit::Count("requests"),
        "Requests that wanted more work or memory than one may use, and were answered 42290.",
    )
    .watch("A schema that is made to be expensive.");
    MISSING = Family::gauge(
        "weir_registry_missing_references",
        Unit::Count("versions"),
        "Versions that are referred to and are not there.",
    )
    .watch("Above 0 after a migration: something was left behind.");
    MISSING_ONE = Family::gauge(
        "weir_registry_missing_reference",
        Unit::Count("always 1"),
        "Each of the first versions that are missing: 1.",
    )
    .by(&["subject", "version"])
    .watch("Which to register or import.");
    PASSED_OVER = Family::counter(
        "weir_registry_passed_over_total",
        Unit::Count("records"),
        "Records that could not be applied.",
    )
    .watch("Above 0: something in the topic is not a registry's.");
    PASSED_OVER_ONE = Family::gauge(
        "weir_registry_passed_over_record",
        Unit::Count("always 1"),
        "The first records that could not be applied.",
    )
    .by(&["offset", "reason"])
    .watch("Which records, and why.");
}

impl Collect for Registry {
    fn collect(&self, scrape: &mut Scrape) {
        self.collect_for(&Grants::ALL, scrape);
    }
}

impl Registry {
    /// Puts in what somebody may read of the registry: names of subjects are among it.
    pub(crate) fn collect_for(&self, grants: &Grants, scrape: &mut Scrape) {
        FAMILIES.iter().for_each(|family| scrape.declare(family));
        let (node, state) = (Node::of(self), self.state());
        node.collect(scrape);
        if !self.is_clustered() {
            own_log(&self.log(), scrape);
        }
        self.contents(&state, scrape);
        self.work_done(scrape);
        troubles(&state, grants, scrape);
        let parses = state.parse_cache();
        scrape.add(&CACHE_HITS, &["parsed_schemas"], parses.hits);
        scrape.add(&CACHE_MISSES, &["parsed_schemas"], parses.misses);
        scrape.add(&CACHE_ENTRIES, &["parsed_schemas"], parses.entries);
    }

    fn contents(&self, state: &State, scrape: &mut Scrape) {
        let tally = self.tally();
        scrape.set(&SCHEMAS, state.schema_count());
        for (schema_type, count) in &tally.schemas {
            scrape.add(&SCHEMAS_BY_TYPE, &[schema_type], *count);
        }
        let state_of = |is_deleted| if is_deleted { "deleted" } else { "live" };
        for ((schema_type, is_deleted), count) in &tally.subjects {
            scrape.add(&SUBJECTS, &[schema_type, state_of(*is_deleted)], *count);
        }
        scrape.add(&VERSIONS, &[state_of(false)], tally.live_versions);
        scrape.add(&VERSIONS, &[state_of(true)], tally.deleted_versions);
    }

    fn work_done(&self, scrape: &mut Scrape) {
        let counts = self.counts();
        for (CheckKind { schema_type, level, verdict }, count) in counts.checks() {
            scrape.add(&CHECKS, &[schema_type, level, verdict], count);
        }
        for ((schema_type, outcome), count) in counts.registrations() {
            scrape.add(&REGISTRATIONS, &[schema_type, outcome], count);
        }
        scrape.add(&FORWARDED, &["answered"], counts.forwarded.load(Relaxed));
        scrape.add(&FORWARDED, &["failed"], counts.not_forwarded.load(Relaxed));
        let appends = &counts.appends;
        scrape.set(&APPENDS, &appends.took);
        scrape.set(&APPENDED_RECORDS, appends.records.load(Relaxed));
        scrape.set(&APPENDED_BYTES, appends.bytes.load(Relaxed));
        scrape.set(&APPENDS_FAILED, appends.failed.load(Relaxed));
        let lanes = self.lanes();
        let (running, waiting) = lanes.load();
        let refused = lanes.counts.refused.load(Relaxed);
        let over_budget = lanes.counts.over_budget.load(Relaxed);
        scrape.set(&LANES_RUNNING, running);
        scrape.set(&LANES_WAITING, waiting);
        scrape.set(&LANES_REFUSED, refused);
        scrape.set(&LANES_ABANDONED, lanes.counts.abandoned.load(Relaxed));
        scrape.set(&OVER_BUDGET, over_budget);
        scrape.add(&LIMITS, &["lanes"], refused);
        let over_bytes = lanes.counts.over_bytes.load(Relaxed);
        let over_steps = over_budget.saturating_sub(over_bytes);
        scrape.add(&LIMITS, &["request_steps_max"], over_steps);
        scrape.add(&LIMITS, &["request_bytes_max"], over_bytes);
    }
}

impl Node {
    fn collect(&self, scrape: &mut Scrape) {
        scrape.set(&READY, self.ready);
        scrape.set(&WRITABLE, self.writable);
        scrape.set(&LEADER, self.leads());
        scrape.set(&EPOCH, self.epoch.unwrap_or(0));
        scrape.set(&LEADER_CHANGES, self.leader_changes);
        scrape.set(&APPLIED, self.applied_offset);
        scrape.set(&END, self.end_offset);
        scrape.set(&LAG, self.lag);
        scrape.set(&FAULTS, self.faults.len());
    }
}

/// The log of a registry that has it for itself.
fn own_log(log: &LogStatus, scrape: &mut Scrape) {
    scrape.set(&LOG_DAMAGED, matches!(log.fault, Some(Fault::Damaged(_) | Fault::Gone(_))));
    scrape.set(&LOG_RECORDS, log.records);
    scrape.set(&LOG_BYTES, log.bytes);
    scrape.set(&COMPACTED, log.compacted_at_ms / 1000);
    scrape.add(&COMPACTIONS, &["done"], log.compactions);
    scrape.add(&COMPACTIONS, &["failed"], log.failed_compactions);
}

/// What the log refers to and does not have, and what of it could not be applied.
fn troubles(state: &State, grants: &Grants, scrape: &mut Scrape) {
    let mut missing = state.missing_references();
    missing.retain(|(subject, _)| grants.read(subject));
    scrape.set(&MISSING, missing.len());
    for (subject, version) in missing.iter().take(LISTED_MAX) {
        scrape.add(&MISSING_ONE, &[subject.as_str(), &version.to_string()], 1_u64);
    }
    let passed_over = state.passed_over();
    scrape.set(&PASSED_OVER, passed_over.count);
    for (offset, why) in passed_over.first.iter().take(LISTED_MAX) {
        scrape.add(&PASSED_OVER_ONE, &[&offset.to_string(), why], 1_u64);
    }
}
