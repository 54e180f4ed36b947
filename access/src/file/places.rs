//! Where in a file something stands, and the mistakes that have been found there.

use std::ops::Range;

use crate::problem::Problem;

/// Mistakes that are told of one file.
const PROBLEMS_MAX: usize = 1_000;

/// A file's text with the mistakes found in it.
pub(super) struct Places<'t> {
    text: &'t str,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
    problems: Vec<(usize, Problem)>,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str) -> Places<'t> {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = [0].into_iter().chain(breaks.map(|(at, _)| at + 1)).collect();
        Places { text, lines, problems: Vec::new() }
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// Notes a mistake at the byte where a span begins; without a span, at the start of the file.
    pub(super) fn problem(&mut self, span: Option<Range<usize>>, text: impl Into<String>) {
        if self.problems.len() == PROBLEMS_MAX {
            return;
        }
        let at = span.map_or(0, |span| span.start);
        let line = self.line(at);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..at).unwrap_or_default();
        let problem = Problem { line, column: before.chars().count() + 1, text: text.into() };
        self.problems.push((at, problem));
    }

    /// The mistakes in the order of their places.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|(at, _)| *at);
        self.problems.into_iter().map(|(_, problem)| problem).collect()
    }
}
