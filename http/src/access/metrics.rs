//! Logins, refusals, rules and the audit log as metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use weir_metrics::common::LIMITS;
use weir_metrics::{Collect, Family, Scrape, Unit};

use super::door::Door;

weir_metrics::families! {
    REFUSED = Family::counter(
        "weir_access_refused_total",
        Unit::Count("requests"),
        "Requests that were not let in, or were denied what they asked for: nobody known (401), too many failures or over a quota (429), logins that cannot be checked now (503), no right (403).",
    )
    .by(&["reason"])
    .watch("Somebody who guesses, or a client whose password or rights are wrong.");
    LOGINS = Family::counter(
        "weir_access_logins_total",
        Unit::Count("logins"),
        "Logins that were checked, by what came of it. One that was checked lately is not checked again.",
    )
    .by(&["result"])
    .watch("`unavailable`: the keys of the tokens' provider cannot be had.");
    HASHED = Family::counter(
        "weir_access_passwords_hashed_total",
        Unit::Count("passwords"),
        "Passwords that were hashed.",
    )
    .watch("Each costs processor time on purpose.");
    BROKEN_LOGINS = Family::counter(
        "weir_access_login_files_failures_total",
        Unit::Count("reads"),
        "Times that a changed file of users or keys could not be used, so that the old one stayed.",
    )
    .watch("A change that has no effect: the log names the line.");
    KEPT = Family::gauge(
        "weir_access_logins_kept",
        Unit::Count("logins"),
        "Logins that were checked lately, and are not checked again.",
    )
    .watch("How many principals are active.");
    OVER_QUOTA = Family::counter(
        "weir_access_over_quota_total",
        Unit::Count("requests"),
        "Requests of principals that were over their quota.",
    )
    .watch("Principals that ask for more than `access.toml` gives them; the audit log names them.");
    RULES = Family::gauge(
        "weir_access_rules_generation",
        Unit::Count("reads"),
        "How often rules were read since the process began; 0 without rules.",
    )
    .watch("Whether a change of `access.toml` has arrived.");
    BROKEN_RULES = Family::counter(
        "weir_access_rules_failures_total",
        Unit::Count("reads"),
        "Times that changed rules could not be used, so that the old ones stayed.",
    )
    .watch("A change that has no effect: the log names the line.");
    AUDITED = Family::counter(
        "weir_access_audited_total",
        Unit::Count("requests"),
        "Requests with lines in the audit log, by whether the lines could be written.",
    )
    .by(&["result"])
    .watch("`failed`: what was done is not in the audit log.");
}

impl Collect for Door {
    fn collect(&self, scrape: &mut Scrape) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        FAMILIES.iter().for_each(|family| scrape.declare(family));
        let (counts, logins) = (&self.counts, self.login_counts());
        for (reason, count) in [
            ("unknown", &counts.unknown),
            ("slowed", &counts.slowed),
            ("unavailable", &counts.unavailable),
            ("denied", &counts.denied),
        ] {
            scrape.add(&REFUSED, &[reason], read(count));
        }
        for (result, count) in [
            ("proved", logins.proved),
            ("refused", logins.refused),
            ("slowed", logins.slowed),
            ("unavailable", logins.unavailable),
        ] {
            scrape.add(&LOGINS, &[result], count);
        }
        scrape.set(&HASHED, logins.hashed);
        scrape.set(&BROKEN_LOGINS, logins.broken_files);
        scrape.set(&KEPT, self.logins_kept());
        let over_quota = read(&self.spent.refused);
        scrape.set(&OVER_QUOTA, over_quota);
        scrape.add(&LIMITS, &["quotas"], over_quota);
        scrape.add(&LIMITS, &["failed_logins"], logins.slowed);
        scrape.set(&RULES, self.rules_generation());
        scrape.set(&BROKEN_RULES, read(&counts.broken_rules));
        if let Some((written, failed)) = self.audit.as_ref().map(super::Audit::counts) {
            scrape.add(&AUDITED, &["written"], written);
            scrape.add(&AUDITED, &["failed"], failed);
        }
    }
}
