//! `weir user` and `weir key`: what they do to their files, and what they never show.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::process::Weir;

/// Runs `weir` on a file of a folder, with a line of input.
fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = command(folder, args).spawn().unwrap();
    // it may end without having read
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Weir::command(args);
    command.env_remove("WEIR_ACCESS_USERS").env_remove("WEIR_ACCESS_KEYS").current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it prints on stdout.
#[track_caller]
fn done(folder: &Path, args: &[&str], input: &str) -> String {
    let output = run(folder, args, input);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it prints on stderr.
#[track_caller]
fn refused(folder: &Path, args: &[&str], input: &str) -> String {
    let output = run(folder, args, input);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_user_is_added_listed_changed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let add = ["user", "add", "alice", "--role", "admin", "--role", "dev", "--group", "ops"];
    let said = done(folder, &add, "hunter2\n");
    assert_eq!(said, "alice was added to users\n");
    done(folder, &["user", "add", "bob", "--algorithm", "bcrypt"], "hunter3");
    let file = text(folder, "users");
    assert!(
        file.contains("\nalice:$argon2id$v=19$") && file.contains(":admin,dev:ops\n"),
        "{file}"
    );
    assert!(file.contains("\nbob:$2y$12$"), "{file}");
    assert_eq!(fs::metadata(folder.join("users")).unwrap().permissions().mode() & 0o777, 0o600);

    fs::write(folder.join("users"), file.replace("bob:", "# a comment\n\nbob:")).unwrap();
    done(folder, &["user", "passwd", "alice"], "hunter4\n");
    let listed = done(folder, &["user", "list"], "");
    let expected = "NAME   HASH                      ROLES      GROUPS\n\
                    alice  argon2id m=19456,t=2,p=1  admin,dev  ops\n\
                    bob    bcrypt 12\n";
    assert_eq!(listed, expected);
    assert!(text(folder, "users").contains("# a comment\n\nbob:"));
    done(folder, &["user", "rm", "alice"], "");
    assert!(!text(folder, "users").contains("alice"));
}

#[test]
fn what_cannot_be_done_to_users_is_said_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice", "--file", "mine"], "hunter2\n");
    let before = text(folder, "mine");
    let file = ["--file", "mine"];
    for (args, input, said) in [
        (&["user", "add", "alice"][..], "x\n", "there is a user \"alice\" already"),
        (&["user", "passwd", "bob"], "x\n", "there is no user \"bob\""),
        (&["user", "rm", "bob"], "", "there is no user \"bob\""),
        (&["user", "add", "bob"], "\n", "the password is empty"),
        (&["user", "add", "b:ob"], "x\n", "is no name"),
        (&["user", "add", "bob", "--role", "a,b"], "x\n", "is no role or group"),
    ] {
        let error = refused(folder, &[args, &file].concat(), input);
        assert!(error.starts_with("weir: ") && error.contains(said), "{error}");
    }
    assert_eq!(text(folder, "mine"), before);

    fs::write(folder.join("mine"), format!("{before}bob:hunter2\n")).unwrap();
    let error = refused(folder, &["user", "list", "--file", "mine"], "");
    assert!(error.contains("mine:4: ") && !error.contains("hunter2"), "{error}");
    assert!(
        refused(folder, &["user", "list", "--file", "none"], "").contains("none: cannot be read")
    );
}

#[test]
fn a_password_is_no_argument() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["user", "add", "alice", "hunter2"], "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = run(folder.path(), &["user", "add", "alice", "--password", "hunter2"], "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!folder.path().join("users").exists());
}

#[test]
fn commands_at_the_same_time_lose_no_user() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("user-{number}")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            let mut child = command(folder.path(), &["user", "add", name]).spawn().unwrap();
            child.stdin.take().unwrap().write_all(b"hunter2\n").unwrap();
            child
        })
        .collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let listed = done(folder.path(), &["user", "list"], "");
    assert!(names.iter().all(|name| listed.contains(name)), "{listed}");
}

#[test]
fn a_key_is_shown_once_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let create = ["key", "create", "--name", "billing", "--role", "developer", "--expires", "90d"];
    let key = done(folder, &create, "");
    let key = key.strip_suffix('\n').unwrap();
    let [prefix, id, secret] = key.split('_').collect::<Vec<_>>()[..] else { panic!("{key}") };
    assert_eq!((prefix, id.len(), secret.len()), ("weir", 16, 57));
    let file = text(folder, "keys");
    assert!(file.contains(id) && !file.contains(secret), "{file}");
    assert_eq!(fs::metadata(folder.join("keys")).unwrap().permissions().mode() & 0o777, 0o600);

    let other = done(folder, &["key", "create", "--name", "billing"], "");
    let listed = done(folder, &["key", "list"], "");
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[1].starts_with(&format!("{id}  billing  developer")), "{listed}");
    assert!(lines[2].ends_with("never") && !listed.contains(secret), "{listed}");
    done(folder, &["key", "revoke", id], "");
    assert!(!text(folder, "keys").contains(id));
    // a whole key is taken by its id, and a foreign one is not repeated
    done(folder, &["key", "revoke", other.trim_end()], "");
    let error = refused(folder, &["key", "revoke", key], "");
    assert!(error.contains("there is no key") && !error.contains(secret), "{error}");
}

#[test]
fn a_keys_end_is_in_the_future() {
    let folder = tempfile::tempdir().unwrap();
    for expires in ["0d", "2020-01-01", "soon"] {
        let create = ["key", "create", "--name", "billing", "--expires", expires];
        let error = refused(folder.path(), &create, "");
        assert!(error.contains("--expires") && error.contains(expires), "{error}");
    }
    assert!(!folder.path().join("keys").exists());
}
