//! Errors that end the start, as they stand on the terminal: what has happened, why, and what to do.

use std::path::Path;
use std::process::Stdio;

use crate::process::Weir;

/// What a start says that fails.
fn said(folder: &Path, args: &[&str]) -> String {
    let mut all = vec!["serve", "--roles", "registry"];
    for (flag, value) in [("--store", "memory"), ("--registry-listener", "127.0.0.1:0")] {
        if !args.contains(&flag) {
            all.extend([flag, value]);
        }
    }
    all.extend(args);
    let args = if args[0] == "migrate" { args.to_vec() } else { all };
    let mut command = Weir::command(&args);
    let output = command.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_error_has_one_form_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    std::fs::write(folder.path().join("wrong.toml"), "registry = 7\n").unwrap();
    let (held, _) = Weir::registry(&folder.path().join("data"));
    for (args, parts) in [
        (
            &["--registry-listener", &taken][..],
            &["cannot listen on", "Address already in use", "say another port"][..],
        ),
        (&["--config", "nope.toml"], &["cannot read nope.toml", "see that the path is right"]),
        (&["--config", "wrong.toml"], &["wrong.toml:1:", "registry"]),
        (
            &["--store", "sled", "--data-dir", "data"],
            &["data: another process has it open", "--data-dir"],
        ),
        (
            &["--access-log-file", "none/access.log"],
            &["cannot write the access log to none/access.log", "make the folder first"],
        ),
        (&["--no-such-flag"], &["unexpected argument '--no-such-flag'"]),
        (
            &["--tls-cert", "none.pem", "--tls-key", "none.key"],
            &["cannot use none.pem", "No such file", "see --tls-cert"],
        ),
        (
            &["--registry-listener", "no.such.host.invalid:0"],
            &["no.such.host.invalid:0", "see that the name is right"],
        ),
        (
            &[
                "--store",
                "kafka",
                "--bootstrap-servers",
                "127.0.0.1:1",
                "--registry-kafka-init-timeout-ms",
                "1",
            ],
            &["topic _schemas on Kafka", "Connection refused", "see that --bootstrap-servers"],
        ),
        (&["migrate", "--from", "sled:none", "--to", "-"], &["sled:none"]),
    ] {
        let said = said(folder.path(), args);
        let last = said.lines().rfind(|line| line.starts_with("weir: "));
        let last = last.unwrap_or_else(|| panic!("{args:?}: {said}"));
        for part in parts {
            assert!(last.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("os error") && !said.contains("Os {"), "{said}");
        assert!(!said.contains("weir: weir"), "{said}");
    }
    drop(held);
}
