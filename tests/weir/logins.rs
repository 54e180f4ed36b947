//! `weir user` and `weir key`: what they do to their files, and what they never show.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use weir_tests::Api;

use crate::process::Weir;

/// Longer than a changed file takes to be seen, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// A registry in memory that takes what the settings name.
fn registry(folder: &Path, settings: &[&str]) -> (Weir, Api) {
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let args = [&fixed[..], &["--registry-listener", "127.0.0.1:0"], settings].concat();
    let mut weir = Weir::spawn(Weir::command(&args).current_dir(folder));
    let api = weir.api("registry on");
    (weir, api)
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// The status of a list of subjects for a user and a password.
async fn basic(api: &Api, user: &str, password: &str) -> u16 {
    let request = api.request(reqwest::Method::GET, "/subjects");
    status(request.basic_auth(user, Some(password))).await
}

async fn bearer(api: &Api, key: &str) -> u16 {
    status(api.request(reqwest::Method::GET, "/subjects").bearer_auth(key)).await
}

/// Asks until the answer has a status.
async fn becomes<F: Future<Output = u16>>(expected: u16, ask: impl Fn() -> F) {
    let begin = Instant::now();
    while ask().await != expected {
        assert!(begin.elapsed() < PATIENCE, "it is not {expected}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_commands_change_holds_in_a_weir_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice"], "one\n");
    let key = done(folder, &["key", "create", "--name", "billing"], "");
    let key = key.trim_end();
    let (mut weir, api) = registry(folder, &["--access-users", "users", "--access-keys", "keys"]);
    assert_eq!(basic(&api, "alice", "one").await, 200);
    assert_eq!(bearer(&api, key).await, 200);

    done(folder, &["user", "add", "bob", "--algorithm", "bcrypt"], "two\n");
    weir.line("users was read anew");
    assert_eq!(basic(&api, "bob", "two").await, 200);
    done(folder, &["user", "passwd", "alice"], "three\n");
    becomes(200, || basic(&api, "alice", "three")).await;
    assert_eq!(basic(&api, "alice", "one").await, 401);
    done(folder, &["key", "revoke", key], "");
    becomes(401, || bearer(&api, key)).await;
    done(folder, &["user", "rm", "bob"], "");
    becomes(401, || basic(&api, "bob", "two")).await;

    // a broken file changes nothing, and says so
    let users = text(folder, "users");
    fs::write(folder.join("users"), format!("{users}bob:hunter2\n")).unwrap();
    weir.line("users:4: ");
    assert_eq!(basic(&api, "alice", "three").await, 200);
    assert!(!weir.output.concat().contains("hunter2"));
}

#[tokio::test]
async fn guessing_is_429_before_the_password_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice"], "one\n");
    let (_weir, api) = registry(folder, &["--access-users", "users"]);
    for guess in 0..5 {
        assert_eq!(basic(&api, "alice", &format!("guess-{guess}")).await, 401);
    }
    // each guess that is checked doubles the wait, so that some comes before its end on any machine
    for guess in 0.. {
        let request = api.request(reqwest::Method::GET, "/subjects");
        let answer = request.basic_auth("alice", Some(format!("more-{guess}"))).send().await;
        let answer = answer.unwrap();
        if answer.status() == 429 {
            let seconds: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            break;
        }
        assert_eq!(answer.status(), 401);
        assert!(guess < 20, "nothing is slowed");
    }
}

#[tokio::test]
async fn files_of_jetty_and_karapace_let_their_users_in() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let hash = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let jetty = format!(
        "alice: one,admin\nbob: OBF:1v2j1uum1xtv1zej1zer1xtn1uvk1v1v\ncarol: MD5:5f4dcc3b5aa765d61d8327deb882cf99\n\
         dave: {hash},admin\n"
    );
    fs::write(folder.join("jetty"), jetty).unwrap();
    let settings = ["--access-users", "jetty", "--access-required-role", "admin"];
    let (mut weir, api) = registry(folder, &settings);
    assert_eq!(basic(&api, "alice", "one").await, 200);
    // known, and without the role
    assert_eq!(basic(&api, "bob", "password").await, 403);
    assert_eq!(basic(&api, "carol", "password").await, 403);
    assert_eq!(basic(&api, "dave", "U*U").await, 401);
    assert_eq!(basic(&api, "dave", hash).await, 200);
    weir.kill();
    assert!(weir.output.iter().any(|line| line.contains("jetty:4: ")), "{:#?}", weir.output);

    let karapace = r#"{"users": [{"username": "alice", "algorithm": "sha256", "salt": "salt-1",
        "password_hash": "O3d2/3iF7XJXMS1GXRUjN/fdwesRtNVyzDkHgf3SFuU="}],
        "permissions": [{"username": "alice", "operation": "Write", "resource": "Subject:orders.*"},
        {"username": "alice", "operation": "Read", "resource": "Subject:(a|b)"}]}"#;
    fs::write(folder.join("karapace"), karapace).unwrap();
    let (_weir, api) = registry(folder, &["--access-users", "karapace"]);
    assert_eq!(basic(&api, "alice", "secret").await, 200);

    let imported = run(folder, &["access", "import-karapace", "karapace"], "");
    assert_eq!(imported.status.code(), Some(1), "{imported:?}");
    let said = String::from_utf8(imported.stderr).unwrap();
    assert!(said.contains("karapace:4: ") && said.lines().count() == 1, "{said}");
    fs::write(folder.join("access.toml"), imported.stdout).unwrap();
    for (action, resource, code) in [
        ("delete", "subject:orders-value", 0),
        ("read", "subject:payments-value", 1),
        ("read", "cluster:registry", 1),
    ] {
        let check = ["access", "check", "user:alice", action, resource, "--rules", "access.toml"];
        assert_eq!(run(folder, &check, "").status.code(), Some(code), "{action} {resource}");
    }
}
