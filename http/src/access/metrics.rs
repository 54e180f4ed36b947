//! Logins, refusals, rules and the audit log for Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::door::Door;

/// A family of metrics: its name, its kind and what it says.
struct Family(&'static str, &'static str, &'static str);

const REFUSED: Family = Family(
    "access_refused_total",
    "counter",
    "Requests that were not let in, or were denied what they asked for: nobody known (401), too many failures or over a quota (429), logins that cannot be checked now (503), no right (403).",
);
const LOGINS: Family = Family(
    "access_logins_total",
    "counter",
    "Logins that were checked, by what came of it. One that was checked lately is not checked again.",
);
const HASHED: Family =
    Family("access_passwords_hashed_total", "counter", "Passwords that were hashed.");
const BROKEN_LOGINS: Family = Family(
    "access_login_files_failures_total",
    "counter",
    "Times that a changed file of users or keys could not be used, so that the old one stayed.",
);
const KEPT: Family = Family(
    "access_logins_kept",
    "gauge",
    "Logins that were checked lately, and are not checked again.",
);
const OVER_QUOTA: Family = Family(
    "access_over_quota_total",
    "counter",
    "Requests of principals that were over their quota.",
);
const RULES: Family = Family(
    "access_rules_generation",
    "gauge",
    "How often rules were read since the process began; 0 without rules.",
);
const BROKEN_RULES: Family = Family(
    "access_rules_failures_total",
    "counter",
    "Times that changed rules could not be used, so that the old ones stayed.",
);
const AUDITED: Family = Family(
    "access_audited_total",
    "counter",
    "Requests with lines in the audit log, by whether the lines could be written.",
);

impl Door {
    /// Appends what was counted.
    pub(crate) fn write_metrics(&self, out: &mut String) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (counts, logins) = (&self.counts, self.login_counts());
        REFUSED.write(
            out,
            &[
                ("reason=\"unknown\"", read(&counts.unknown)),
                ("reason=\"slowed\"", read(&counts.slowed)),
                ("reason=\"unavailable\"", read(&counts.unavailable)),
                ("reason=\"denied\"", read(&counts.denied)),
            ],
        );
        LOGINS.write(
            out,
            &[
                ("result=\"proved\"", logins.proved),
                ("result=\"refused\"", logins.refused),
                ("result=\"slowed\"", logins.slowed),
                ("result=\"unavailable\"", logins.unavailable),
            ],
        );
        HASHED.write(out, &[("", logins.hashed)]);
        BROKEN_LOGINS.write(out, &[("", logins.broken_files)]);
        KEPT.write(out, &[("", self.logins_kept())]);
        OVER_QUOTA.write(out, &[("", read(&self.spent.refused))]);
        RULES.write(out, &[("", self.rules_generation())]);
        BROKEN_RULES.write(out, &[("", read(&counts.broken_rules))]);
        if let Some((written, failed)) = self.audit.as_ref().map(super::Audit::counts) {
            let results = [("result=\"written\"", written), ("result=\"failed\"", failed)];
            AUDITED.write(out, &results);
        }
    }
}

impl Family {
    fn write(&self, out: &mut String, values: &[(&str, u64)]) {
        let Family(name, kind, help) = self;
        let _ = writeln!(out, "# HELP weir_{name} {help}\n# TYPE weir_{name} {kind}");
        for (labels, value) in values {
            let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            let _ = writeln!(out, "weir_{name}{labels} {value}");
        }
    }
}
