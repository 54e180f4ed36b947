//! The container image: its files are put together as the Dockerfile does it, and the binary is started among them, as its user, in a
//! network of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{WEIR, installed, is_root, repository, said};
use crate::process::Weir;

/// The user of the image: the Dockerfiles and `ops/docker/rootfs` say the same number.
const USER: &str = "65532:65532";

/// What the image may have beside the binary, in bytes. OpenSSL is half of it.
const BESIDE_BINARY_BYTES_MAX: u64 = 12 * 1024 * 1024;

/// All files below a folder, with their lengths.
fn files(root: &Path) -> Vec<(PathBuf, u64)> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => {
                    let path = entry.path().strip_prefix(root).unwrap().to_path_buf();
                    found.push((path, entry.metadata().unwrap().len()));
                }
            }
        }
    }
    found
}

fn dockerfile(name: &str) -> String {
    std::fs::read_to_string(repository("ops/docker").join(name)).unwrap()
}

/// The words of an instruction in JSON, such as CMD.
fn words(dockerfile: &str, instruction: &str) -> Vec<String> {
    let (_, after) = dockerfile.rsplit_once(&format!("{instruction} [")).unwrap();
    let (list, _) = after.split_once(']').unwrap();
    serde_json::from_str(&format!("[{list}]")).unwrap()
}

/// A command within the files of the image, as its user.
fn within(root: &Path, command: &mut Command, words: &[String]) {
    command.arg("chroot").arg(format!("--userspec={USER}")).arg(root).args(words);
}

#[test]
fn both_dockerfiles_end_in_the_same_image() {
    let (source, binary) = (dockerfile("Dockerfile"), dockerfile("Dockerfile.binary"));
    let last = |text: &str| text.rsplit_once("\nFROM ").unwrap().1.to_string();
    assert_eq!(last(&source), last(&binary));
    assert!(last(&source).starts_with("scratch\n"), "{source}");
    assert!(source.contains(&format!("\nUSER {USER}\n")), "{source}");
}

#[test]
fn the_images_files_serve_are_probed_and_stop() {
    if !is_root() || !installed(&["unshare", "nsenter", "chroot", "ip", "curl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    said(Command::new(repository("ops/docker/rootfs")).arg(WEIR).arg(&root));

    let found = files(&root);
    let names: BTreeSet<_> = found.iter().map(|(path, _)| path.display().to_string()).collect();
    let beside: u64 =
        found.iter().filter(|(path, _)| !path.ends_with("usr/bin/weir")).map(|(_, len)| len).sum();
    assert!(beside < BESIDE_BINARY_BYTES_MAX, "{beside} {found:?}");
    let programs = names.iter().filter(|name| name.contains("bin/")).collect::<Vec<_>>();
    assert_eq!(programs, ["usr/bin/weir"]);

    let dockerfile = dockerfile("Dockerfile");
    let served = [words(&dockerfile, "ENTRYPOINT"), words(&dockerfile, "\nCMD")].concat();
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", r#"ip link set lo up && exec "$@""#, "sh"]);
    within(&root, &mut command, &served);
    // a container has no variables but these; the image's weir.toml says the rest
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs([
        ("SCHEMA_REGISTRY_HOST_NAME", "schema-registry"),
        ("SCHEMA_REGISTRY_LISTENERS", "http://0.0.0.0:8081"),
        ("WEIR_ROLES", "registry"),
        ("WEIR_STORE", "sled"),
    ]);
    let mut weir = Weir::spawn(&mut command);
    weir.line("registry on http://0.0.0.0:8081");
    let namespace = format!("--net=/proc/{}/ns/net", weir.pid());

    let mut probe = Command::new("nsenter");
    probe.arg(&namespace);
    within(
        &root,
        &mut probe,
        &words(
            &dockerfile,
            "HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD",
        ),
    );
    said(
        probe
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/bin")
            .env("WEIR_ROLES", "registry")
            .env("WEIR_STORE", "sled"),
    );

    let mut register = Command::new("nsenter");
    register.arg(&namespace).args(["curl", "-sf", "http://127.0.0.1:8081/subjects/s/versions"]);
    register.args(["-H", "content-type: application/json", "-d", r#"{"schema":"\"int\""}"#]);
    assert!(said(&mut register).contains(r#""id":1"#));
    assert!(root.join("var/lib/weir/db").exists());

    let user = std::fs::read_to_string(format!("/proc/{}/status", weir.pid())).unwrap();
    assert!(user.contains("Uid:\t65532\t65532\t65532\t65532"), "{user}");
    weir.signal("TERM");
    assert!(weir.wait().success(), "{:#?}", weir.output);
}
