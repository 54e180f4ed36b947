//! What is wrong with settings, said so that it can be found: `weir.toml:3:5: ..`, `WEIR_ROLES: ..`, `--roles: ..`.

use std::fmt;

use super::source::Source;

/// One mistake. No secret is ever part of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands; none if it is about what is missing everywhere.
    pub source: Option<Source>,
    pub text: String,
    /// Whether `--ignore-setting` may pass over it.
    pub waivable: bool,
}

impl Problem {
    pub fn at(source: &Source, text: impl Into<String>) -> Problem {
        Problem { source: Some(source.clone()), text: text.into(), waivable: false }
    }

    /// A problem that stands nowhere, because something is missing.
    pub fn missing(text: impl Into<String>) -> Problem {
        Problem { source: None, text: text.into(), waivable: false }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            None | Some(Source::Default | Source::Implied(_)) => f.write_str(&self.text),
            Some(Source::File { path, line, column }) => {
                write!(f, "{}:{line}:{column}: {}", path.display(), self.text)
            }
            Some(source) => write!(f, "{source}: {}", self.text),
        }
    }
}

/// Why a text is not a value of its type. No secret is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub String);

impl From<String> for Reason {
    fn from(text: String) -> Reason {
        Reason(text)
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Reason {
        Reason(text.to_string())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

/// All mistakes of one configuration, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// In the order of a file's lines, what stands in no file behind them.
    pub fn new(mut problems: Vec<Problem>) -> Problems {
        problems.sort_by_key(|problem| match &problem.source {
            Some(Source::File { line, column, .. }) => (*line, *column),
            Some(Source::Properties { line, .. }) => (*line, 0),
            _ => (usize::MAX, 0),
        });
        Problems(problems)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

/// One line each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problems(problems) = self;
        for (index, problem) in problems.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
        }
        if problems.iter().any(|problem| problem.waivable) {
            f.write_str(
                "\n--ignore-setting NAME starts without a setting that Weir does not have (docs/settings.md)",
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
