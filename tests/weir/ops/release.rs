//! `ops/release`: a rehearsal makes all files of a release out of the binary of the tests.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{WEIR, installed, repository, said};

/// The target that the tests run on.
fn target() -> String {
    let version = said(Command::new("rustc").arg("-vV"));
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_string()
}

/// A rehearsal into a folder. Nothing is compressed well: it is to be quick.
pub fn rehearse(out: &Path) {
    let mut release = Command::new(repository("ops/release"));
    release.args(["--dry-run", "--binary", WEIR, "--out"]).arg(out).arg(env!("CARGO_PKG_VERSION"));
    said(release.env("WEIR_DEB_OPTIONS", "-Znone").env("WEIR_GZIP", "-1"));
}

#[test]
fn a_rehearsed_release_has_its_files_and_their_checksums() {
    if !installed(&["git", "dpkg-deb", "readelf", "python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("dist");
    rehearse(&out);
    let name = format!("weir-{}-{}", env!("CARGO_PKG_VERSION"), target());
    said(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&out));
    let sums = std::fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    for file in [format!("{name}.tar.gz"), format!("{name}.cdx.json"), "weir-chart-".to_string()] {
        assert!(sums.contains(&file), "{file} {sums}");
    }

    let listed = said(Command::new("tar").arg("-tzf").arg(out.join(format!("{name}.tar.gz"))));
    for file in ["weir", "LICENSE", "THIRD-PARTY-LICENSES.txt", "man/weir.1", "completions/_weir"] {
        let file = format!("{name}/{file}");
        assert!(listed.lines().any(|line| line == file), "{file} {listed}");
    }

    let bom = std::fs::read_to_string(out.join(format!("{name}.cdx.json"))).unwrap();
    let bom: Value = serde_json::from_str(&bom).unwrap();
    let components: Vec<_> = bom["components"].as_array().unwrap().iter().collect();
    let has = |name: &str| components.iter().any(|component| component["name"] == name);
    assert!(has("tokio") && has("librdkafka") && has("openssl") && has("weir-registry"));
    assert!(!has("proptest") && !has("weir-tests"), "what only tests need is not delivered");
    let unlicensed = components.iter().find(|component| component["licenses"].is_null());
    assert_eq!(unlicensed, None);
    assert!(!std::fs::read_to_string(out.join("release-notes.md")).unwrap().trim().is_empty());
}

#[test]
fn a_release_of_another_version_stops_before_anything_is_built() {
    if !installed(&["git"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("dist");
    let mut release = Command::new(repository("ops/release"));
    let output = release.arg("--out").arg(&out).arg("99.0.0").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for reason in ["not 99.0.0", "CHANGELOG.md has no section [99.0.0]"] {
        assert!(said.contains(reason), "{said}");
    }
    assert!(!out.exists());
}
