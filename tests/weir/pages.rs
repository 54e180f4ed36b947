//! The documentation's programs and commands, taken from the pages as they stand, are run against a Weir and a Kafka, and
//! answer what the pages show.
//!
//! A block of code with a title is part of a page's program: `title="Terminal"` is run by a shell, `title="Output"` is what the
//! terminal before it shows, and any other title is the name of a file. In an output, `...` stands for anything. Spaces do not
//! count. All terminals of a page are one shell, in one folder.

use std::path::Path;
use std::process::{Command, Stdio};

use weir_tests::{TestBroker, kafka, unique};

use crate::process::Weir;

/// What ends the output of a terminal.
const MARK: &str = "\u{1e}";

/// The addresses that the pages have.
const REGISTRY: &str = "http://127.0.0.1:8081";
const PROXY: &str = "http://127.0.0.1:8082";
const BROKER: &str = "127.0.0.1:9092";

/// A block of code with a title.
struct Block {
    title: String,
    text: String,
}

/// The blocks of a page that have a title, in their order.
fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut open) = (Vec::new(), None);
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let title = info.split_once("title=\"").and_then(|(_, rest)| rest.split_once('"'));
                let title = title.map(|(title, _)| title.to_string()).unwrap_or_default();
                open = Some(Block { title, text: String::new() });
            }
            (Some(_), Some(_)) => {
                blocks.extend(open.take().filter(|b: &Block| !b.title.is_empty()))
            }
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// Whether an output is what a page shows: `...` stands for anything, and spaces do not count.
fn is_shown(shown: &str, output: &str) -> bool {
    let packed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let (shown, output) = (packed(shown), packed(output));
    let mut parts = shown.split("...");
    let Some(mut left) = parts.next().and_then(|first| output.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return left.is_empty() };
    for part in middle {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[test]
fn an_output_is_shown_whatever_stands_for_the_dots() {
    assert!(is_shown(r#"{"a": 1}"#, "{\"a\":1}\n"));
    assert!(is_shown("offset ..., time ...", "offset 7, time 99"));
    assert!(!is_shown("offset ...", "off 7"));
    assert!(!is_shown("a ... b", "a c"));
    assert!(!is_shown("a", "a b"));
}

/// A page, with what its programs need.
struct Page<'a> {
    /// Below docs/.
    name: &'a str,
    /// What the page's text has, and what stands for it here.
    replacements: Vec<(&'a str, String)>,
    /// Commands that are run first: paths, links to packages.
    prelude: String,
}

impl Page<'_> {
    fn text(&self, text: &str) -> String {
        let replace = |text: String, (from, to): &(&str, String)| text.replace(from, to);
        self.replacements.iter().fold(text.to_string(), replace)
    }

    /// Runs the page, and compares what it shows.
    fn run(&self) {
        let path = format!("{}/../docs/{}", env!("CARGO_MANIFEST_DIR"), self.name);
        let blocks = blocks(&std::fs::read_to_string(&path).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut script = format!("set -eu\n{}\n", self.prelude);
        for block in &blocks {
            match block.title.as_str() {
                "Terminal" => script += &format!("{}printf '{MARK}'\n", self.text(&block.text)),
                "Output" => {}
                file => write(&folder.path().join(file), &self.text(&block.text)),
            }
        }
        let outputs = shell(&script, folder.path(), self.name);
        self.compare(&blocks, &outputs);
    }

    /// Each output is the one that stands behind its terminal; where none does, it is no error.
    fn compare(&self, blocks: &[Block], outputs: &[String]) {
        let told = blocks.iter().filter(|block| ["Terminal", "Output"].contains(&&*block.title));
        let told: Vec<&Block> = told.collect();
        let terminals = told.iter().enumerate().filter(|(_, block)| block.title == "Terminal");
        for ((at, terminal), output) in terminals.zip(outputs) {
            match told.get(at + 1).filter(|next| next.title == "Output") {
                Some(shown) => {
                    let shown = self.text(&shown.text);
                    assert!(
                        is_shown(&shown, output),
                        "{}\nshown:\n{shown}\nis:\n{output}",
                        self.name
                    );
                }
                None => {
                    let refused = ["4", "5"].map(|digit| format!("\"error_code\":{digit}"));
                    let is_refused = refused.iter().any(|error| output.contains(error.as_str()));
                    assert!(!is_refused, "{}\n{}\n{output}", self.name, terminal.text);
                }
            }
        }
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The outputs of a script, split at its marks.
fn shell(script: &str, folder: &Path, page: &str) -> Vec<String> {
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        .env_remove("WEIR_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{page}: {}\n{out}\n{err}", output.status);
    out.split(MARK).map(ToString::to_string).collect()
}

/// Returns true if a program answers; in CI it has to.
fn has(program: &str, asks: &str) -> bool {
    let there = Command::new(program).arg(asks).output().is_ok_and(|out| out.status.success());
    there || missing(program)
}

/// False, after saying what is skipped. In CI nothing may be missing.
fn missing(what: &str) -> bool {
    let why = format!("skipped: {what} is missing");
    assert!(std::env::var_os("CI").is_none(), "{why}");
    eprintln!("{why}");
    false
}

/// The value of a variable that `tests/run` sets.
fn told(variable: &str) -> Option<String> {
    std::env::var(variable).ok().or_else(|| missing(variable).then(String::new))
}

/// Runs a page of docs/use against a Weir in front of a Kafka.
async fn uses(language: &str, broker: &TestBroker, prelude: String) {
    let (topic, real) = (format!("flights-{language}"), unique(&format!("flights-{language}")));
    for suffix in ["", "-rest"] {
        broker.create_topic(&format!("{real}{suffix}"), 1).await;
    }
    let mut weir =
        Weir::spawn(&mut Weir::serve_command(&["--bootstrap-servers", &broker.bootstrap_servers]));
    let (registry, proxy) = (weir.api("registry on").url, weir.api("proxy on").url);
    let name = format!("use/{language}.md");
    let addresses = vec![
        (REGISTRY, registry),
        (PROXY, proxy),
        (BROKER, broker.bootstrap_servers.clone()),
        (topic.as_str(), real),
    ];
    // the servers of this test are processes: its thread may wait
    Page { name: &name, replacements: addresses, prelude }.run();
}

#[tokio::test]
async fn python_does_what_its_page_shows() {
    let (Some(kafka), Some(python)) = (kafka(), told("WEIR_TEST_PYTHON")) else { return };
    let folder = Path::new(&python).parent().unwrap().display();
    uses("python", &kafka, format!("PATH={folder}:$PATH")).await;
}

#[tokio::test]
async fn node_does_what_its_page_shows() {
    let (Some(kafka), Some(node)) = (kafka(), told("WEIR_TEST_NODE")) else { return };
    uses("node", &kafka, format!("ln -s {node}/node_modules node_modules")).await;
}

#[tokio::test]
async fn go_does_what_its_page_shows() {
    let Some(kafka) = kafka() else { return };
    if !has("go", "version") {
        return;
    }
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/go");
    uses(
        "go",
        &kafka,
        format!("cp {modules}/go.mod {modules}/go.sum .; export GOFLAGS=-mod=readonly"),
    )
    .await;
}

#[tokio::test]
async fn java_does_what_its_page_shows() {
    let Some(kafka) = kafka() else { return };
    let libs = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/java/libs");
    if !Path::new(libs).exists() && !missing(libs) {
        return;
    }
    uses("java", &kafka, format!("ln -s {libs} libs")).await;
}

#[tokio::test]
async fn rust_does_what_its_page_shows() {
    let Some(kafka) = kafka() else { return };
    let examples = Path::new(env!("CARGO_BIN_EXE_weir")).parent().unwrap().join("examples");
    if !examples.join("flights").exists() && !missing("examples/flights, which cargo test builds") {
        return;
    }
    // `cargo run -p weir-serde --example NAME --` stands for the example that is built already
    let prelude = format!("cargo() {{ e=\"$5\"; shift 6; {}/\"$e\" \"$@\"; }}", examples.display());
    uses("rust", &kafka, prelude).await;
}

/// Runs a page against `weir dev`.
fn tries(name: &str, prelude: &str) {
    if !has("jq", "--version") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let listeners = ["--registry-listener", "127.0.0.1:0", "--proxy-listener", "127.0.0.1:0"];
    let mut weir = Weir::start(&[&["dev", "--data-dir", data][..], &listeners[..]].concat());
    let (registry, proxy) = (weir.api("registry ").url, weir.api("REST proxy ").url);
    let broker = weir.line("broker ");
    let broker = broker.split_whitespace().nth(1).unwrap().to_string();
    let replacements = vec![(REGISTRY, registry), (PROXY, proxy), (BROKER, broker)];
    let weir = Path::new(env!("CARGO_BIN_EXE_weir")).parent().unwrap().display();
    let page = Page { name, replacements, prelude: String::new() };
    let prelude = format!("PATH={weir}:$PATH\n{}", page.text(prelude));
    Page { prelude, ..page }.run();
}

#[test]
fn curl_does_what_its_page_shows() {
    tries("use/curl.md", "");
}

#[test]
fn producing_does_what_its_page_shows() {
    tries("produce.md", "");
}

#[test]
fn consuming_does_what_its_page_shows() {
    let produce = "for topic in plain flights; do
        curl -sf http://127.0.0.1:8082/topics/$topic -H 'content-type: application/json' -d '{\"records\": [{\"value\": 1}]}'
    done";
    tries("consume.md", produce);
}

#[test]
fn the_tour_does_what_it_shows() {
    tries("tour.md", "");
}

#[test]
fn backups_are_made_and_restored_as_their_page_shows() {
    tries("backup.md", "");
}
