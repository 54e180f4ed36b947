//! `weir completions`: the scripts are loaded into the shells, and complete a line.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{WEIR, installed, said};

/// The script of a shell, in a file.
fn script(folder: &Path, shell: &str) -> PathBuf {
    let file = folder.join(shell);
    std::fs::write(&file, said(Command::new(WEIR).args(["completions", shell]))).unwrap();
    file
}

/// What bash suggests for the last word of a line.
fn bash(script: &Path, line: &[&str]) -> Vec<String> {
    let last = line.len() - 1;
    let before = line[last.saturating_sub(1)];
    let program = format!(
        r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD={last}; _weir weir "{}" "{before}"; printf '%s\n' "${{COMPREPLY[@]}}""#,
        line[last]
    );
    let mut command = Command::new("bash");
    command.args(["-c", &program, "bash"]).arg(script).args(line);
    said(&mut command).lines().map(str::to_string).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), "bash");
    assert_eq!(bash(&script, &["weir", "se"]), ["serve"]);
    let flags = bash(&script, &["weir", "serve", "--reg"]);
    assert!(flags.iter().any(|flag| flag == "--registry-listener"), "{flags:?}");
    assert!(flags.iter().all(|flag| flag.starts_with("--reg")), "{flags:?}");
    assert_eq!(bash(&script, &["weir", "serve", "--store", ""]), ["sled", "memory", "kafka"]);
    assert_eq!(bash(&script, &["weir", "completions", "f"]), ["fish"]);
}

#[test]
fn fish_completes_flags_with_their_help() {
    if !installed(&["fish"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), "fish");
    let line = format!("source {}; complete -C 'weir serve --registry-lis'", script.display());
    let suggested = said(Command::new("fish").args(["--no-config", "-c", &line]));
    assert!(suggested.starts_with("--registry-listener\t"), "{suggested}");
}

#[test]
fn zsh_takes_the_script() {
    if !installed(&["zsh"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), "zsh");
    let program = format!(
        "autoload -U compinit; compinit -u -D; source {}; print $_comps[weir]",
        script.display()
    );
    assert_eq!(said(Command::new("zsh").args(["-fc", &program])).trim(), "_weir");
}
