//! A short form of `weir-faults`: three nodes and three brokers, and what goes wrong between them.

use std::path::PathBuf;
use std::process::Command;

use weir_faults::{Plan, run};

/// Leader changes of the short form; `weir-faults --changes 1000` is the long one.
const CHANGES: usize = 20;

/// Another seed is another order of faults: `WEIR_FAULTS_SEED=7 tests/run`.
fn seed() -> u64 {
    let given = std::env::var("WEIR_FAULTS_SEED").ok();
    given.map_or(1, |seed| seed.parse().expect("WEIR_FAULTS_SEED is a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_no_answered_write_is_lost_doubled_or_out_of_order() {
    if weir_tests::kafka().is_none() {
        return;
    }
    if !Command::new("go").arg("version").output().is_ok_and(|go| go.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "the checker of histories needs go");
        eprintln!("skipped: the checker of histories needs go");
        return;
    }
    let plan = Plan {
        weir: PathBuf::from(env!("CARGO_BIN_EXE_weir")),
        seed: seed(),
        changes: CHANGES,
        clients: 50,
        flags: Vec::new(),
    };
    let report = run(&plan, |line| eprintln!("{line}")).await;
    eprintln!("seed {}\n{report}", plan.seed);
    assert!(report.is_clean(), "{report}");
}
