//! Transactions: who writes to which partitions, and how it ends.

mod marker;

pub(crate) use marker::{Marker, Outcome};

use super::produce::Refusal;
use super::{Call, Core};
use crate::log::BatchHeader;

impl Core {
    /// Checks that a partition takes part in the transaction of a batch, or adds it.
    pub(crate) fn join_transaction(
        &mut self,
        _call: &Call,
        _transactional_id: &str,
        _topic: &str,
        _index: i32,
        _header: &BatchHeader,
    ) -> Result<(), Refusal> {
        Ok(())
    }
}
