//! The Helm chart and the files of docker-compose. Python knows the schemas of both, and helm renders the chart: `tests/run` gets them.

use super::{WEIR, could};
use crate::python::PYTHON;

/// The variable that says where helm is.
const HELM: &str = "WEIR_TEST_HELM";

fn check(name: &str) {
    match std::env::var(HELM) {
        Ok(helm) => drop(PYTHON.run("ops.py", &[name, &helm, WEIR], "")),
        Err(_) => drop(could(false, &format!("no {HELM}; `tests/run` sets it"))),
    }
}

#[test]
fn the_charts_manifests_are_kubernetes_and_their_settings_are_right() {
    check("manifests");
}

#[test]
fn values_that_cannot_work_are_refused_with_what_to_do() {
    check("refusals");
}

#[test]
fn the_compose_files_are_what_their_schema_says() {
    check("compose");
}
