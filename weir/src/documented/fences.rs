//! The code blocks of all Markdown files: `weir` commands parse with the real command line, TOML is a file of settings
//! or of rules that Weir takes, JSON is JSON.

use std::path::PathBuf;
use std::process::Command as Process;

use clap::Parser;
use weir_access::Policy;

use super::{root, writes};
use crate::cli::Cli;
use crate::config::document::mistakes_of_excerpt;
use crate::dev::faults_of_toml;

/// A code block.
struct Fence {
    /// The file and the line where it begins.
    place: String,
    /// What stands behind the backticks.
    info: String,
    text: String,
}

impl Fence {
    /// The language that it is in.
    fn language(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or_default()
    }
}

/// The Markdown files that are for users of Weir.
fn pages() -> Vec<PathBuf> {
    let listed = Process::new("git")
        .args([
            "ls-files",
            "-co",
            "--exclude-standard",
            "--",
            "README.md",
            "SECURITY.md",
            "docs/*.md",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let pages: Vec<PathBuf> =
        listed.lines().map(|name| root().join(name)).filter(|path| path.exists()).collect();
    assert!(!pages.is_empty(), "git lists no pages");
    pages
}

fn fences() -> Vec<Fence> {
    let mut fences = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let mut open: Option<Fence> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(info), None) => {
                    let place = format!("{}:{}", page.display(), number + 1);
                    open = Some(Fence { place, info: info.to_string(), text: String::new() });
                }
                (Some(_), Some(_)) => fences.extend(open.take()),
                (None, Some(fence)) => fence.text += &format!("{line}\n"),
                (None, None) => {}
            }
        }
    }
    fences
}

/// The words of a command, as a shell has them: quotes are taken off, `$X` stays, a comment and what is piped or
/// redirected are left out.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | '>' | '<' | '&' | ';' | ')') => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The commands of a block that call `weir`, each with its words after `weir`.
fn weir_commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        for part in line.split(['|', ';']).flat_map(|part| part.split("&&")) {
            let words = shell_words(part.trim_start_matches("$ "));
            let begins = words.iter().position(|word| {
                !word.contains('=') && !["sudo", "time", "nohup", "exec"].contains(&word.as_str())
            });
            if let Some(at) = begins
                && (words[at] == "weir" || words[at].ends_with("/weir"))
            {
                found.push(words[at + 1..].to_vec());
            }
        }
    }
    found
}

/// Why a command is none; nothing if it is one. `...` stands for flags that are left out, so what is required may lack.
fn mistake(words: &[String]) -> Option<String> {
    let given = words.iter().filter(|word| *word != "...").cloned();
    let parsed = Cli::try_parse_from(std::iter::once("weir".to_string()).chain(given));
    let error = parsed.err()?;
    use clap::error::ErrorKind::*;
    let elided = words.iter().any(|word| word == "...") && error.kind() == MissingRequiredArgument;
    let passes = elided || matches!(error.kind(), DisplayHelp | DisplayVersion);
    (!passes).then(|| error.to_string())
}

#[test]
fn commands_in_the_documents_are_such_as_weir_takes() {
    let (mut count, mut wrong) = (0, Vec::new());
    for fence in
        fences().iter().filter(|f| ["sh", "bash", "console", "shell"].contains(&f.language()))
    {
        for words in weir_commands(&fence.text) {
            count += 1;
            if let Some(mistake) = mistake(&words) {
                wrong.push(format!("{}: weir {}: {mistake}", fence.place, words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 20, "only {count} commands were found");
}

/// Whether a block is a file of rules, by the names of its tables.
fn is_rules(text: &str) -> bool {
    ["[[grant]]", "[[rule]]", "[role.", "[quota", "[[quota"]
        .iter()
        .any(|table| text.contains(table))
}

/// Why a block of TOML is neither settings nor rules nor faults; nothing if it is one.
fn refused(text: &str) -> Option<String> {
    if text.contains("[[rules]]") {
        return faults_of_toml(text).err();
    }
    if is_rules(text) {
        return Policy::parse(text).err().map(|problems| format!("{problems:?}"));
    }
    let mistakes = mistakes_of_excerpt(text);
    (!mistakes.is_empty()).then(|| mistakes.join("; "))
}

#[test]
fn toml_in_the_documents_is_such_as_weir_takes() {
    let wrong: Vec<_> = fences()
        .iter()
        .filter(|fence| fence.language() == "toml" && !fence.text.contains("dependencies]\n"))
        .filter_map(|fence| Some(format!("{}: {}", fence.place, refused(&fence.text)?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn json_in_the_documents_is_json() {
    let mut wrong = Vec::new();
    for fence in fences().iter().filter(|fence| fence.language() == "json") {
        // an output has dots for what differs from time to time
        let text = fence.text.replace(":...", ":null").replace(": ...", ": null");
        let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        if let Some(error) = values.filter_map(Result::err).next() {
            wrong.push(format!("{}: {error}", fence.place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What stands before a block that is a file of the repository.
const FILE: &str = "<!-- file: ";

/// A page with the files that it shows, as they are.
fn with_files(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        out += &format!("{line}\n");
        let Some(file) = line.strip_prefix(FILE).and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let begins = lines.next().filter(|line| line.starts_with("```"));
        out += &format!("{}\n", begins.expect("a block of code behind the comment"));
        out += std::fs::read_to_string(root().join(file)).unwrap().trim_end();
        out += "\n```\n";
        lines.by_ref().find(|line| line.trim() == "```");
    }
    out
}

#[test]
fn files_in_the_documents_are_those_of_the_repository() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        if text.contains(FILE) {
            let expected = with_files(&text);
            if writes() {
                std::fs::write(&page, &expected).unwrap();
            }
            assert!(
                text == expected,
                "{}: WEIR_WRITE_DOCS=1 writes its files anew",
                page.display()
            );
        }
    }
}
