//! What one question about schemas may cost: steps of work and bytes of memory.
//!
//! Small texts can ask for much: a chain of types that each use the one before twice, a name that
//! thousands inherit. Whatever may take more than its text's size pays here, and stops when nothing is
//! left. Pure: there is no clock. A step is some ten nanoseconds of work, whichever it is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// How much may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub steps: u64,
    /// Bytes of memory and of texts that are made, at one time.
    pub bytes: u64,
}

impl Default for Limits {
    /// Ten times what a registry grants a request: for those who choose their schemas themselves.
    fn default() -> Limits {
        Limits { steps: 400_000_000, bytes: 640 << 20 }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverBudget {
    /// More steps than this many.
    Steps(u64),
    /// More bytes than this many.
    Bytes(u64),
    /// Nobody waits for the answer any more.
    Cancelled,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OverBudget::Steps(max) => write!(f, "it takes more than {max} steps of work"),
            OverBudget::Bytes(max) => write!(f, "it takes more than {max} bytes of memory"),
            OverBudget::Cancelled => f.write_str("nobody waits for it any more"),
        }
    }
}

impl std::error::Error for OverBudget {}

/// An account that work is paid from. Clones share it. Once it is used up it stays so, and what was
/// made after that is not to be used: whoever gave the budget asks [`Budget::over`] at the end.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limits: Limits,
    steps_left: AtomicU64,
    bytes_left: AtomicU64,
    over: AtomicU8,
}

const WITHIN: u8 = 0;
const STEPS: u8 = 1;
const BYTES: u8 = 2;
const CANCELLED: u8 = 3;

impl Default for Budget {
    fn default() -> Budget {
        Budget::new(Limits::default())
    }
}

impl Budget {
    pub fn new(limits: Limits) -> Budget {
        Budget(Arc::new(Account {
            limits,
            steps_left: AtomicU64::new(limits.steps),
            bytes_left: AtomicU64::new(limits.bytes),
            over: AtomicU8::new(WITHIN),
        }))
    }

    /// For schemas that nobody means harm with, however large they are.
    pub fn unlimited() -> Budget {
        Budget::new(Limits { steps: u64::MAX, bytes: u64::MAX })
    }

    /// Pays for work. Returns false if there is not enough left, or nobody waits any more.
    pub fn spend(&self, steps: usize) -> bool {
        self.take(&self.0.steps_left, steps as u64, STEPS)
    }

    /// Pays for memory before it is taken. Returns false if there is not enough left.
    pub fn hold(&self, bytes: usize) -> bool {
        self.take(&self.0.bytes_left, bytes as u64, BYTES)
    }

    /// Whether so much is left. What is left out for it costs nothing.
    pub(crate) fn affords(&self, steps: usize, bytes: usize) -> bool {
        !self.is_over()
            && self.0.steps_left.load(Relaxed) >= steps as u64
            && self.0.bytes_left.load(Relaxed) >= bytes as u64
    }

    /// Pays for a text of so many bytes: for its memory, and for writing it.
    pub fn write(&self, bytes: usize) -> bool {
        self.spend(bytes / WRITTEN_BYTES_PER_STEP + 1) && self.hold(bytes)
    }

    // who works is one thread; a cancellation from another one may come a step late
    fn take(&self, left: &AtomicU64, wanted: u64, limit: u8) -> bool {
        if self.0.over.load(Relaxed) != WITHIN {
            return false;
        }
        match left.load(Relaxed).checked_sub(wanted) {
            Some(rest) => left.store(rest, Relaxed),
            None => self.0.over.store(limit, Relaxed),
        }
        self.0.over.load(Relaxed) == WITHIN
    }

    /// What is held from now on is given back when the loan ends.
    pub fn loan(&self) -> Loan<'_> {
        Loan { budget: self, bytes_left: self.0.bytes_left.load(Relaxed) }
    }

    /// Nobody waits for the answer any more: the next step is the last.
    pub fn cancel(&self) {
        self.0.over.store(CANCELLED, Relaxed);
    }

    /// Which limit was reached, if one was.
    pub fn over(&self) -> Option<OverBudget> {
        match self.0.over.load(Relaxed) {
            STEPS => Some(OverBudget::Steps(self.0.limits.steps)),
            BYTES => Some(OverBudget::Bytes(self.0.limits.bytes)),
            CANCELLED => Some(OverBudget::Cancelled),
            _ => None,
        }
    }

    pub fn is_over(&self) -> bool {
        self.0.over.load(Relaxed) != WITHIN
    }

    pub fn steps_used(&self) -> u64 {
        self.0.limits.steps - self.0.steps_left.load(Relaxed)
    }

    pub fn bytes_used(&self) -> u64 {
        self.0.limits.bytes - self.0.bytes_left.load(Relaxed)
    }
}

/// Memory that is only held for a while.
#[derive(Debug)]
pub struct Loan<'b> {
    budget: &'b Budget,
    bytes_left: u64,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.budget.0.bytes_left.store(self.bytes_left, Relaxed);
    }
}

/// Bytes that are copied or compared in the time of a step.
pub(crate) const WRITTEN_BYTES_PER_STEP: usize = 64;

/// What was found, of which a part is listed: shared types can make the whole exponential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// How many more there are; [`u64::MAX`] if they are more than that.
    pub left_out: u64,
}

/// Differences that are listed of one comparison.
pub const LISTED_MAX: usize = 1_000;

/// And bytes of their paths and words.
pub const LISTED_BYTES_MAX: usize = 256 << 10;

impl<T> Listed<T> {
    /// Nothing was found at all.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.left_out == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_stays_used_up_and_says_which_limit_it_was() {
        let budget = Budget::new(Limits { steps: 10, bytes: 100 });
        assert!(budget.spend(10) && budget.hold(60) && budget.over().is_none());
        assert!(!budget.spend(1));
        assert!(!budget.hold(1), "nothing is to be had after that");
        assert_eq!(budget.over(), Some(OverBudget::Steps(10)));
        let budget = Budget::new(Limits { steps: 10, bytes: 100 });
        assert!(!budget.hold(101) && !budget.spend(1));
        assert_eq!(budget.over(), Some(OverBudget::Bytes(100)));
    }

    #[test]
    fn what_was_lent_is_there_again() {
        let budget = Budget::new(Limits { steps: 10, bytes: 100 });
        assert!(budget.hold(20));
        for _ in 0..10 {
            let _loan = budget.loan();
            assert!(budget.hold(80));
        }
        assert!(budget.hold(80) && !budget.hold(1));
    }

    #[test]
    fn a_clone_can_end_the_work_of_the_other() {
        let budget = Budget::default();
        let other = budget.clone();
        assert!(budget.spend(1));
        other.cancel();
        assert!(!budget.spend(1));
        assert_eq!(budget.over(), Some(OverBudget::Cancelled));
    }
}
