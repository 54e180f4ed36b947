//! `weir man`: there is a page for each command, and readers of manuals find nothing wrong with them.

use std::process::Command;

use super::{WEIR, both, installed, said};

#[test]
fn each_command_has_a_page_without_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    said(Command::new(WEIR).arg("man").arg(folder.path()));
    let mut pages: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let names: Vec<_> =
        pages.iter().map(|page| page.file_name().unwrap().to_str().unwrap()).collect();
    for name in ["weir.1", "weir-serve.1", "weir-config-check.1", "weir-migrate.1"] {
        assert!(names.contains(&name), "{name} {names:?}");
    }
    let serve = std::fs::read_to_string(folder.path().join("weir-serve.1")).unwrap();
    // a hyphen that can be searched for is written with a backslash
    assert!(serve.contains(r"\-\-registry\-listener"), "{serve}");
    if installed(&["mandoc"]) {
        let lint = Command::new("mandoc")
            .args(["-T", "lint", "-W", "warning"])
            .args(&pages)
            .output()
            .unwrap();
        assert!(lint.status.success(), "{}", both(&lint));
    }
}

#[test]
fn the_page_of_the_program_is_written_to_the_standard_output() {
    let page = said(Command::new(WEIR).arg("man"));
    for section in [".SH NAME", ".SH FILES", ".SH SIGNALS", ".SH \"EXIT STATUS\""] {
        let plain = section.replace('"', "");
        assert!(page.contains(section) || page.contains(&plain), "{section}\n{page}");
    }
    assert!(!page.contains("weir\\-help"), "{page}");
}
