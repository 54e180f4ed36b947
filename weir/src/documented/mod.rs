//! What the documents say is true: commands parse, files are such as Weir takes, and the page of errors is made of the
//! tables of errors.

use std::path::{Path, PathBuf};

mod errors;
mod fences;

/// The folder of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Whether documents are to be written anew: `WEIR_WRITE_DOCS=1`.
fn writes() -> bool {
    std::env::var_os("WEIR_WRITE_DOCS").is_some()
}

/// Holds that a page of docs/ has a text between two marks, and nothing else there; an empty `end` is the end of the page. `WEIR_WRITE_DOCS=1`
/// writes it.
pub fn assert_part(page: &str, begin: &str, end: &str, part: &str) {
    let path = root().join("docs").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(begin).unwrap();
    let tail = match end {
        "" => "",
        end => rest.split_once(end).unwrap().1,
    };
    let expected = format!("{head}{begin}{part}{end}{tail}");
    if writes() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert!(text == expected, "docs/{page} is not what the code declares: WEIR_WRITE_DOCS=1");
}
