//! Where the broker means to behave differently from Kafka.

/// A difference that is meant.
#[derive(Debug)]
pub struct Meant {
    pub script: &'static str,
    /// The step's label, or its beginning.
    pub label: &'static str,
    /// What a user sees, and why.
    pub reason: &'static str,
}

pub const MEANT: &[Meant] = &[];
