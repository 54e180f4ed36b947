//! Why data does not fit its schema, and where.

use std::fmt;

/// An error of encoding or decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecError {
    /// What is wrong.
    pub reason: String,
    /// From the place of the error outwards.
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

impl CodecError {
    pub(super) fn new(reason: impl Into<String>) -> CodecError {
        CodecError { reason: reason.into(), steps: Vec::new() }
    }

    /// The same error, seen from one level further out.
    pub(super) fn inside(mut self, step: Step) -> CodecError {
        self.steps.push(step);
        self
    }

    /// Where: `orders[3].customer.email`; empty at the root.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
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
        match self.steps.is_empty() {
            true => f.write_str(&self.reason),
            false => write!(f, "{}: {}", self.path(), self.reason),
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
