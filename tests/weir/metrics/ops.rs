//! What is in `ops/`: rules, alerts and a dashboard.

use std::collections::BTreeSet;

use serde_json::Value;

use super::list::{documented, family_of, named};
use super::{path, run_well, text};

/// Labels that Prometheus gives.
const OF_PROMETHEUS: [&str; 5] = ["job", "instance", "le", "alertname", "alertstate"];

/// The expressions of the dashboard, as Grafana sends them.
pub fn dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&text("ops/grafana/weir.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions = targets.map(|target| target["expr"].as_str().unwrap());
    let sent = |expression: &str| {
        let sent = expression.replace("$__rate_interval", "1m");
        sent.replace("$job", ".*").replace("$instance", ".*")
    };
    expressions.map(sent).collect()
}

/// The expressions of rules and alerts.
pub fn rules() -> Vec<String> {
    let text = text("ops/prometheus/weir.rules.yml");
    let quoted = text.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    quoted.map(|quoted| serde_json::from_str(quoted).unwrap()).collect()
}

#[test]
fn what_is_written_by_programs_is_what_they_write() {
    for program in ["ops/prometheus/generate", "ops/grafana/generate"] {
        run_well("python3", &[&path(program), "--check"], "");
    }
}

#[test]
fn each_alert_fires_and_is_silent_as_its_tests_want() {
    run_well("promtool", &["check", "rules", &path("ops/prometheus/weir.rules.yml")], "");
    run_well("promtool", &["check", "config", &path("ops/prometheus/prometheus.yml")], "");
    run_well("promtool", &["test", "rules", &path("ops/prometheus/weir.rules.test.yml")], "");
}

#[test]
fn each_alert_has_a_section_that_says_what_mends_it() {
    let (rules, runbook) = (text("ops/prometheus/weir.rules.yml"), text("docs/alerts.md"));
    let alerts: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    for alert in alerts {
        let section = runbook.split("\n## ").find(|section| section.starts_with(alert)).unwrap();
        assert!(section.contains("**Look at:**") && section.contains("**Mend:**"), "{alert}");
        assert!(rules.contains(&format!("#{}\"", alert.to_lowercase())), "{alert}");
    }
}

#[test]
fn dashboard_and_rules_name_only_what_is_exposed() {
    let known = documented();
    let labels: BTreeSet<&str> =
        known.values().flat_map(|family| &family.labels).map(String::as_str).collect();
    for expression in dashboard().iter().chain(&rules()) {
        let (series, used) = named(expression);
        for name in series {
            assert!(family_of(&name, &known).is_some(), "{name} in {expression}");
        }
        for label in used {
            let is_known = labels.contains(&*label) || OF_PROMETHEUS.contains(&&*label);
            assert!(is_known, "{label} in {expression}");
        }
    }
    let drawn: BTreeSet<String> = dashboard()
        .iter()
        .flat_map(|expression| named(expression).0)
        .filter_map(|series| family_of(&series, &known))
        .collect();
    assert!(drawn.len() * 3 > known.len() * 2, "only {} of {}", drawn.len(), known.len());
}
