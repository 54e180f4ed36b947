//! Where each leader epoch begins in a log.

use serde::{Deserialize, Serialize};

/// The epoch of a client that knows none.
const UNDEFINED: i32 = -1;

/// The first offset of each leader epoch that has records, in order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct EpochStarts {
    starts: Vec<EpochStart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EpochStart {
    epoch: i32,
    offset: i64,
}

/// The end of a leader epoch in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpochEnd {
    /// The greatest epoch with records which is not above the one that was asked for.
    pub epoch: i32,
    pub offset: i64,
}

impl EpochStarts {
    /// Notes that a batch of this epoch was appended at this offset.
    pub fn appended(&mut self, epoch: i32, offset: i64) {
        if self.starts.last().is_none_or(|last| last.epoch < epoch) {
            self.starts.push(EpochStart { epoch, offset });
        }
    }

    /// The epoch of the record at this offset; `None` if no record of the log is that old.
    pub fn of_offset(&self, offset: i64) -> Option<i32> {
        let after = self.starts.partition_point(|start| start.offset <= offset);
        Some(self.starts.get(after.checked_sub(1)?)?.epoch)
    }

    /// Where `epoch` ends in a log which ends at `log_end` and is led in the epoch `current`.
    pub fn end_of(&self, epoch: i32, current: i32, log_end: i64) -> Option<EpochEnd> {
        if epoch == UNDEFINED || epoch > current {
            return None;
        }
        if epoch == current {
            return Some(EpochEnd { epoch, offset: log_end });
        }
        let after = self.starts.partition_point(|start| start.epoch <= epoch);
        let end = self.starts.get(after).map_or(log_end, |next| next.offset);
        match after.checked_sub(1).and_then(|at| self.starts.get(at)) {
            Some(start) => Some(EpochEnd { epoch: start.epoch, offset: end }),
            None => Some(EpochEnd { epoch, offset: end }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_next_with_records_begins() {
        let mut starts = EpochStarts::default();
        starts.appended(0, 0);
        starts.appended(0, 5);
        starts.appended(3, 9);
        assert_eq!(starts.end_of(0, 3, 12), Some(EpochEnd { epoch: 0, offset: 9 }));
        assert_eq!(starts.end_of(2, 3, 12), Some(EpochEnd { epoch: 0, offset: 9 }));
        assert_eq!(starts.end_of(3, 3, 12), Some(EpochEnd { epoch: 3, offset: 12 }));
        assert_eq!(starts.end_of(4, 3, 12), None);
        assert_eq!(starts.end_of(-1, 3, 12), None);
        assert_eq!(starts.end_of(-2, 3, 12), Some(EpochEnd { epoch: -2, offset: 0 }));
        assert_eq!(starts.end_of(4, 5, 12), Some(EpochEnd { epoch: 3, offset: 12 }));
        assert_eq!(starts.of_offset(8), Some(0));
        assert_eq!(starts.of_offset(9), Some(3));
    }
}
