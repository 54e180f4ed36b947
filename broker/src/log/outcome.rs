//! How a transaction ends, as a control batch says it.

/// The end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Abort,
    Commit,
}

impl Outcome {
    /// The number that the key of a marker has.
    pub fn number(self) -> i16 {
        match self {
            Outcome::Abort => 0,
            Outcome::Commit => 1,
        }
    }

    /// Reads the key of a control record. `None` says that it is one of another kind.
    pub fn of_key(key: &[u8]) -> Option<Outcome> {
        match key.get(2..4)? {
            [0, 0] => Some(Outcome::Abort),
            [0, 1] => Some(Outcome::Commit),
            _ => None,
        }
    }
}
