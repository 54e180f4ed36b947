//! Logins, refusals and the audit log for Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::door::Door;

impl Door {
    /// Appends what was counted.
    pub(crate) fn write_metrics(&self, out: &mut String) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        family(
            out,
            "access_refused_total",
            "counter",
            "Requests that were not let in, or were denied what they asked for: nobody known (401), too many failures or over a quota (429), logins that cannot be checked now (503), no right (403).",
            &[
                ("reason=\"unknown\"", read(&counts.unknown)),
                ("reason=\"slowed\"", read(&counts.slowed)),
                ("reason=\"unavailable\"", read(&counts.unavailable)),
                ("reason=\"denied\"", read(&counts.denied)),
            ],
        );
        let logins = self.login_counts();
        family(
            out,
            "access_logins_total",
            "counter",
            "Logins that were checked, by what came of it. One that was checked lately is not checked again.",
            &[
                ("result=\"proved\"", logins.proved),
                ("result=\"refused\"", logins.refused),
                ("result=\"slowed\"", logins.slowed),
                ("result=\"unavailable\"", logins.unavailable),
            ],
        );
        family(
            out,
            "access_passwords_hashed_total",
            "counter",
            "Passwords that were hashed.",
            &[("", logins.hashed)],
        );
        family(
            out,
            "access_login_files_failures_total",
            "counter",
            "Times that a changed file of users or keys could not be used, so that the old one stayed.",
            &[("", logins.broken_files)],
        );
        family(
            out,
            "access_over_quota_total",
            "counter",
            "Requests of principals that were over their quota.",
            &[("", read(&self.spent.refused))],
        );
        family(
            out,
            "access_logins_kept",
            "gauge",
            "Logins that were checked lately, and are not checked again.",
            &[("", self.logins_kept())],
        );
        family(
            out,
            "access_rules_generation",
            "gauge",
            "How often rules were read since the process began; 0 without rules.",
            &[("", self.rules_generation())],
        );
        family(
            out,
            "access_rules_failures_total",
            "counter",
            "Times that changed rules could not be used, so that the old ones stayed.",
            &[("", read(&counts.broken_rules))],
        );
        if let Some(audit) = &self.audit {
            let (written, failed) = audit.counts();
            family(
                out,
                "access_audited_total",
                "counter",
                "Requests with lines in the audit log, by whether the lines could be written.",
                &[("result=\"written\"", written), ("result=\"failed\"", failed)],
            );
        }
    }
}

fn family(out: &mut String, name: &str, kind: &str, help: &str, values: &[(&str, u64)]) {
    let _ = writeln!(out, "# HELP weir_{name} {help}\n# TYPE weir_{name} {kind}");
    for (labels, value) in values {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(out, "weir_{name}{labels} {value}");
    }
}
