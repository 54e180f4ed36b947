//! Why data does not fit its schema, and where.

use std::fmt;

/// An error of encoding or decoding. As wide as a pointer: each value's result carries one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    reason: String,
    /// From the place of the error outwards.
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

impl CodecError {
    #[cold]
    pub(super) fn new(reason: impl Into<String>) -> CodecError {
        CodecError(Box::new(Inner { reason: reason.into(), steps: Vec::new() }))
    }

    /// What is wrong.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The same error, seen from one level further out.
    #[cold]
    pub(super) fn inside(mut self, step: Step) -> CodecError {
        self.0.steps.push(step);
        self
    }

    /// Where: `orders[3].customer.email`; empty at the root.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.steps.iter().rev() {
            match step {
                Step::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.steps.is_empty() {
            true => f.write_str(self.reason()),
            false => write!(f, "{}: {}", self.path(), self.reason()),
        }
    }
}

impl std::error::Error for CodecError {}

impl serde::de::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        CodecError::new(message.to_string())
    }
}

impl serde::ser::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        CodecError::new(message.to_string())
    }
}
