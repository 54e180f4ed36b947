//! What is wrong with a file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// The most mistakes of a file that are told.
const TOLD_MAX: usize = 20;

/// A mistake in a file, or something in it that its writer may not have meant. Never has a password or a hash in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; 0 is the file as a whole.
    pub line: usize,
    pub text: String,
}

/// A file of logins that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    pub file: PathBuf,
    pub problems: Vec<Problem>,
}

impl Problem {
    pub(crate) fn new(line: usize, text: impl Into<String>) -> Problem {
        Problem { line, text: text.into() }
    }

    /// Writes it like a compiler does: `users:3: ...`.
    pub(crate) fn of_file(&self, file: &Path) -> String {
        match self.line {
            0 => format!("{}: {}", file.display(), self.text),
            line => format!("{}:{line}: {}", file.display(), self.text),
        }
    }
}

impl Unusable {
    pub(crate) fn whole(file: &Path, text: impl Into<String>) -> Unusable {
        Unusable { file: file.to_path_buf(), problems: vec![Problem::new(0, text)] }
    }
}

/// A line for each mistake, up to 20.
impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.problems.iter().take(TOLD_MAX);
        let lines: Vec<String> = told.map(|problem| problem.of_file(&self.file)).collect();
        f.write_str(&lines.join("\n"))?;
        match self.problems.len().saturating_sub(TOLD_MAX) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Unusable {}
