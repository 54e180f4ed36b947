//! docs/settings.md has what the declarations say: `WEIR_WRITE_DOCS=1` writes it.

use super::setting::{Setting, Shape};
use super::tree::{SECTIONS, SETTINGS};
use crate::documented::assert_part;

const BEGIN: &str = "<!-- settings: written by a test, from the declarations -->\n";
const END: &str = "<!-- end of settings -->\n";

/// A table for each section.
fn documented() -> String {
    let mut text = String::new();
    for (prefix, about) in SECTIONS {
        let title = match prefix.trim_end_matches('.') {
            "" => "At the top of the file".to_string(),
            section => format!("`[{section}]`"),
        };
        text += &format!("\n### {title}\n\n{}\n\n", about.trim());
        text +=
            "| flag | variable | key | unit | default | what it is |\n|---|---|---|---|---|---|\n";
        let section = prefix.trim_end_matches('.');
        let of = |setting: &&Setting| {
            setting.key.split_once('.').map_or("", |(section, _)| section) == section
        };
        SETTINGS.iter().filter(of).for_each(|setting| text += &row(setting));
    }
    text + "\n"
}

fn row(setting: &Setting) -> String {
    let name = if setting.shape == Shape::Names { "<NAME>" } else { "" };
    let default = match (setting.default, setting.otherwise) {
        ("", "") => "none".to_string(),
        ("", otherwise) => otherwise.to_string(),
        (default, _) => format!("`{default}`"),
    };
    let one = match setting.shape {
        Shape::List(of) => *of,
        shape => shape,
    };
    let words = match one {
        Shape::Choice(words) => format!(" Of: `{}`.", words.join("`, `")),
        Shape::Names => " `NAME=VALUE`; in a file, a table.".to_string(),
        _ => String::new(),
    };
    let (min, max) = (setting.min, setting.max);
    let bounds = match (min, max == Setting::NEW.max) {
        (0, true) => String::new(),
        (_, true) => format!(" At least {min}."),
        (_, false) => format!(" From {min} to {max}."),
    };
    format!(
        "| `--{}` | `{}{name}` | `{}` | {} | {default} | {}{words}{bounds} |\n",
        setting.flag,
        setting.variable(),
        setting.key,
        setting.unit,
        setting.help.trim()
    )
}

/// What is wrong with an excerpt of a file, in which other settings may lack: syntax, names, types and bounds.
pub fn mistakes_of_excerpt(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    match super::file::read(std::path::Path::new("weir.toml"), text, &mut problems) {
        Ok(layers) => drop(super::tree::Tree::read(&layers, &mut problems)),
        Err(problem) => problems.push(problem),
    }
    problems.into_iter().map(|problem| problem.text).collect()
}

/// The document has each flag with its variable, its key and its default.
#[test]
fn the_document_has_all_settings() {
    assert_part("settings.md", BEGIN, END, &documented());
}

/// The examples of files are such that Weir takes.
#[test]
fn the_examples_of_files_have_no_mistakes() {
    for document in ["settings.md", "replace-karapace.md"] {
        let path = format!("{}/../docs/{document}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let (_, example) = text.split_once("```toml\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weir.toml");
        std::fs::write(&file, example).unwrap();
        let read = super::Configuration::of_file(file, &Default::default(), &Default::default());
        assert!(read.is_ok(), "{document}: {}", read.unwrap_err());
    }
}
