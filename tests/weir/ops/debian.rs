//! The Debian package: dpkg installs it into a folder of its own, upgrades it, removes it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{WEIR, installed, is_root, repository, said};

/// An empty system, with nothing but dpkg's lists.
fn system(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    for path in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "etc"] {
        std::fs::create_dir_all(root.join(path)).unwrap();
    }
    std::fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    root
}

/// dpkg on that system. The libraries that the package needs are not in its lists.
fn dpkg(root: &Path, args: &[&str]) -> String {
    let mut dpkg = Command::new("dpkg");
    dpkg.arg(format!("--root={}", root.display()));
    dpkg.args(["--force-script-chrootless", "--force-depends", "--force-confold"]);
    said(dpkg.args(args).env("LC_ALL", "C"))
}

fn mode(path: PathBuf) -> u32 {
    let metadata = std::fs::metadata(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    metadata.permissions().mode() & 0o777
}

#[test]
fn the_package_installs_upgrades_and_keeps_the_schemas_when_it_is_purged() {
    let programs = ["dpkg", "dpkg-deb", "readelf", "systemd-sysusers", "deb-systemd-helper"];
    if !is_root() || !installed(&programs) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut build = Command::new(repository("ops/debian/build"));
    let package = said(build.arg(WEIR).arg(folder.path()).env("WEIR_DEB_OPTIONS", "-Znone"));
    let package = package.trim();
    let root = system(folder.path());

    dpkg(&root, &["--install", package]);
    let at = |path: &str| root.join(path);
    assert!(said(Command::new(at("usr/bin/weir")).arg("--version")).starts_with("weir "));
    for path in [
        "usr/lib/systemd/system/weir.service",
        "usr/share/man/man1/weir-serve.1.gz",
        "usr/share/bash-completion/completions/weir",
        "usr/share/zsh/vendor-completions/_weir",
        "usr/share/fish/vendor_completions.d/weir.fish",
        "usr/share/doc/weir/copyright",
    ] {
        assert!(at(path).exists(), "{path}");
    }
    let users = std::fs::read_to_string(at("etc/passwd")).unwrap();
    assert!(users.lines().any(|line| line.starts_with("weir:")), "{users}");
    assert_eq!(mode(at("etc/weir/weir.toml")), 0o640);
    let enabled = at("etc/systemd/system/multi-user.target.wants/weir.service");
    assert!(enabled.symlink_metadata().is_ok());

    // what somebody has changed is left as it is
    std::fs::write(at("etc/weir/weir.toml"), "roles = ['proxy']\n").unwrap();
    dpkg(&root, &["--install", package]);
    assert_eq!(std::fs::read_to_string(at("etc/weir/weir.toml")).unwrap(), "roles = ['proxy']\n");

    std::fs::create_dir_all(at("var/lib/weir")).unwrap();
    std::fs::write(at("var/lib/weir/db"), "schemas").unwrap();
    dpkg(&root, &["--remove", "weir"]);
    assert!(!at("usr/bin/weir").exists() && at("etc/weir/weir.toml").exists());
    dpkg(&root, &["--purge", "weir"]);
    assert!(!at("etc/weir").exists() && enabled.symlink_metadata().is_err());
    assert!(at("var/lib/weir/db").exists());
}
