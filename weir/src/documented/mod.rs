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
