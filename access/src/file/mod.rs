//! Reads `access.toml`. All that is wrong in it is found at once, with line and column.

mod places;
mod sections;
mod values;

use toml_edit::Document;

use crate::policy::{Policy, PolicyDraft};
use crate::problem::Problem;
use places::Places;
use sections::Sections;

/// Reads the text of an `access.toml`, or says all that is wrong with it.
pub(crate) fn read(text: &str) -> Result<PolicyDraft, Vec<Problem>> {
    let mut places = Places::new(text);
    if text.len() > Policy::FILE_BYTES_MAX {
        let most = Policy::FILE_BYTES_MAX;
        places.problem(None, format!("the file has {} bytes, of {most} at most", text.len()));
        return Err(places.finish());
    }
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            // the parser's message may have several lines
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            places.problem(error.span(), message);
            return Err(places.finish());
        }
    };
    let mut sections = Sections::new(&mut places);
    sections.read(document.as_table());
    let draft = sections.finish();
    let problems = places.finish();
    if problems.is_empty() { Ok(draft) } else { Err(problems) }
}

#[cfg(test)]
mod tests;
