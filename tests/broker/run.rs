//! Runs a client's program and holds that it did exactly what the table says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde::Deserialize;
use weir_tests::unique;

use crate::broker::broker;
use crate::clients::{Client, Runtime};

/// One line of a program.
#[derive(Debug, Deserialize)]
struct Step {
    step: String,
    ok: bool,
    #[serde(default)]
    error: String,
}

/// The folder of the programs.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/broker/clients")
}

/// Runs the client; it has to do all steps of the table and no others.
pub fn passes(client: &Client) {
    let Some(mut command) = command(client) else { return };
    let broker = broker();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let prefix = unique(&client.name.chars().map(plain).collect::<String>());
    let output = command.args([&broker.bootstrap_servers, &prefix]).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let steps: Vec<Step> = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let failed: Vec<String> = steps
        .iter()
        .filter(|step| !step.ok)
        .map(|step| format!("{}: {}", step.step, step.error))
        .collect();
    assert!(failed.is_empty(), "{} fails:\n{}\n{err}", client.name, failed.join("\n"));
    let mut done: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
    done.sort_unstable();
    assert_eq!(done, client.steps(), "{}: {out}\n{err}", client.name);
    assert!(output.status.success(), "{}: {out}\n{err}", client.name);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What runs the client, if `tests/run` has installed it; in CI it has to be there.
fn command(client: &Client) -> Option<Command> {
    let installed = installed(client.runtime.variable())?;
    Some(match client.runtime {
        Runtime::Java { class } => java(&installed, class)?,
        Runtime::Go { argument } => {
            let mut command = Command::new(installed);
            command.arg(argument);
            command
        }
        Runtime::Python { script } => {
            let mut command = Command::new(installed);
            command.arg(folder().join("python").join(script));
            command
        }
        Runtime::Node { script } => {
            let mut command = Command::new("node");
            command.arg(folder().join("node").join(script));
            command
        }
        Runtime::Rust => Command::new(installed),
        Runtime::Kcat => {
            found("kcat", Command::new("kcat").arg("-V").output())?;
            let mut command = Command::new(installed);
            command.arg(folder().join("python/kcat_client.py"));
            command
        }
    })
}

fn installed(variable: &str) -> Option<String> {
    found(variable, std::env::var(variable))
}

fn found<T, E: std::fmt::Display>(what: &str, looked: Result<T, E>) -> Option<T> {
    match looked {
        Ok(it) => Some(it),
        Err(why) => {
            let why = format!("skipped: {what}: {why}; `tests/run` sees to it");
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("{why}");
            None
        }
    }
}

/// A program of Java, compiled with the jars of `tests/java/fetch`, in a machine that starts fast.
fn java(libs: &str, class: &str) -> Option<Command> {
    static CLASSES: LazyLock<Result<PathBuf, String>> = LazyLock::new(compiled);
    let classes = found("the Java programs", CLASSES.as_ref().map_err(String::clone))?;
    let mut command = Command::new("java");
    command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256M", "-Dlog4j2.level=OFF"]);
    command.args(["-cp", &format!("{}:{libs}/*", classes.display()), class]);
    Some(command)
}

fn compiled() -> Result<PathBuf, String> {
    let libs = std::env::var("WEIR_TEST_JAVA").map_err(|error| error.to_string())?;
    let files = |folder: &Path, end: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let wanted = entries.filter(|path| path.extension().is_some_and(|found| found == end));
        wanted.map(|path| path.to_string_lossy().into_owned()).collect()
    };
    let classes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broker-clients");
    let compiler = ["-m", "jdk.compiler/com.sun.tools.javac.Main", "-proc:none", "-cp"];
    let output: Output = Command::new("java")
        .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .args(compiler)
        .arg(files(Path::new(&libs), "jar").join(":"))
        .arg("-d")
        .arg(&classes)
        .args(files(&folder().join("java"), "java"))
        .output()
        .map_err(|error| error.to_string())?;
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Ok(classes)
}
