//! The unit of systemd: systemd itself finds nothing wrong with it, and rates how much it is shut in.

use std::process::Command;

use super::{WEIR, both, installed, repository};

/// What `systemd-analyze security` may say at most, in tenths: it was 1.2 of 10 when the unit was written.
const EXPOSURE_TENTHS_MAX: &str = "15";

#[test]
fn systemd_takes_the_unit_and_finds_it_shut_in() {
    if !installed(&["systemd-analyze"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("weir.service");
    let text = std::fs::read_to_string(repository("ops/systemd/weir.service")).unwrap();
    assert!(text.contains("\nType=notify\n") && text.contains("\nWatchdogSec="), "{text}");
    std::fs::write(&unit, text.replace("/usr/bin/weir", WEIR)).unwrap();
    let verified =
        Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output().unwrap();
    assert!(verified.status.success() && verified.stderr.is_empty(), "{}", both(&verified));
    let rated = Command::new("systemd-analyze")
        .args(["security", "--no-pager", "--offline=true", "--threshold", EXPOSURE_TENTHS_MAX])
        .arg(&unit)
        .output()
        .unwrap();
    assert!(rated.status.success(), "{}", both(&rated));
}

#[test]
fn the_settings_of_the_service_are_right_as_they_stand() {
    let settings = repository("ops/systemd/weir.toml");
    let checked = Command::new(WEIR).args(["config", "check"]).arg(settings).output().unwrap();
    assert!(checked.status.success(), "{}", both(&checked));
}
