//! What is known of one transactional id, and how it changes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{END_RETRY, Marker, Outcome};
use crate::core::Now;

/// There is no producer id.
pub(crate) const NO_ID: i64 = -1;
/// There is no epoch.
pub(crate) const NO_EPOCH: i16 = -1;
/// A producer with this epoch gets another id before it goes on.
const EPOCH_EXHAUSTED: i16 = i16::MAX - 1;
/// The broker is the only coordinator there ever was.
const COORDINATOR_EPOCH: i32 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum State {
    Empty,
    Ongoing,
    PrepareCommit,
    PrepareAbort,
    CompleteCommit,
    CompleteAbort,
}

impl State {
    /// As Kafka names it to its tools.
    pub fn name(self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::Ongoing => "Ongoing",
            State::PrepareCommit => "PrepareCommit",
            State::PrepareAbort => "PrepareAbort",
            State::CompleteCommit => "CompleteCommit",
            State::CompleteAbort => "CompleteAbort",
        }
    }

    /// No transaction is open.
    pub fn is_idle(self) -> bool {
        matches!(self, State::Empty | State::CompleteCommit | State::CompleteAbort)
    }

    /// How a transaction that is being ended will end.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            State::PrepareCommit => Some(Outcome::Commit),
            State::PrepareAbort => Some(Outcome::Abort),
            _ => None,
        }
    }
}

/// Which rules a client follows, as in the feature `transaction.version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rules {
    /// The client adds partitions itself, and its epoch stays.
    Classic,
    /// Producing adds partitions, and each end of a transaction takes another epoch (KIP-890).
    EpochPerTransaction,
}

/// A partition that takes part in a transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Participant {
    pub topic: String,
    pub index: i32,
}

/// What is known of one transactional id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub producer_id: i64,
    /// The id before the last exhaustion of epochs, or -1.
    pub previous_id: i64,
    /// The id after the end of this transaction, if its epoch is exhausted, or -1.
    pub next_id: i64,
    pub epoch: i16,
    /// The epoch before the last bump which the producer asked for, or -1.
    pub last_epoch: i16,
    pub timeout_ms: i32,
    pub state: State,
    pub rules: Rules,
    pub partitions: BTreeSet<Participant>,
    pub groups: BTreeSet<String>,
    /// -1 if no transaction was begun.
    pub started_ms: i64,
    pub updated_ms: i64,
    /// When something is due, in [`Now::elapsed`]'s time.
    #[serde(skip)]
    pub deadline: Option<Duration>,
}

impl Transaction {
    pub fn new(producer_id: i64, timeout_ms: i32) -> Transaction {
        Transaction {
            producer_id,
            previous_id: NO_ID,
            next_id: NO_ID,
            epoch: NO_EPOCH,
            last_epoch: NO_EPOCH,
            timeout_ms,
            state: State::Empty,
            rules: Rules::Classic,
            partitions: BTreeSet::new(),
            groups: BTreeSet::new(),
            started_ms: -1,
            updated_ms: -1,
            deadline: None,
        }
    }

    pub fn is_exhausted(&self) -> bool {
        self.epoch >= EPOCH_EXHAUSTED
    }

    /// When the broker has to look at it without being asked.
    pub(super) fn due(&self, now: Now) -> Option<Duration> {
        match self.state {
            State::Ongoing => {
                let end_ms = self.started_ms.saturating_add(self.timeout_ms.into());
                let left = u64::try_from(end_ms.saturating_sub(now.wall_ms)).unwrap_or(0);
                Some(now.elapsed + Duration::from_millis(left))
            }
            State::PrepareCommit | State::PrepareAbort => Some(now.elapsed + END_RETRY),
            _ => None,
        }
    }

    pub fn is_timed_out(&self, now: Now) -> bool {
        let age_ms = now.wall_ms.saturating_sub(self.started_ms);
        self.state == State::Ongoing && age_ms >= self.timeout_ms.into()
    }

    /// A transaction with more participants; it begins if none is open.
    pub fn joined(&self, rules: Rules, now: Now) -> Transaction {
        let started_ms = if self.state.is_idle() { now.wall_ms } else { self.started_ms };
        Transaction { state: State::Ongoing, rules, started_ms, ..self.clone() }
    }

    /// The producer starts anew with another epoch. `last_epoch` is what it had, if it said so.
    pub fn initialized(&self, epoch: i16, last_epoch: i16, timeout_ms: i32) -> Transaction {
        Transaction {
            epoch,
            last_epoch,
            timeout_ms,
            state: State::Empty,
            partitions: BTreeSet::new(),
            groups: BTreeSet::new(),
            started_ms: -1,
            ..self.clone()
        }
    }

    /// The producer starts anew with another id, because its epochs are used up.
    pub fn rotated(&self, id: i64, last_epoch: i16, timeout_ms: i32) -> Transaction {
        Transaction {
            producer_id: id,
            previous_id: self.producer_id,
            next_id: NO_ID,
            ..self.initialized(0, last_epoch, timeout_ms)
        }
    }

    /// Nobody else may use this epoch from now on.
    pub fn fenced(&self) -> Transaction {
        Transaction { epoch: self.epoch.saturating_add(1), last_epoch: NO_EPOCH, ..self.clone() }
    }

    /// It will be committed or aborted, whatever happens. `next_id` is -1 unless the epoch is exhausted.
    pub fn prepared(&self, outcome: Outcome, rules: Rules, next_id: i64, now: Now) -> Transaction {
        let state = match outcome {
            Outcome::Commit => State::PrepareCommit,
            Outcome::Abort => State::PrepareAbort,
        };
        let (epoch, last_epoch) = match rules {
            Rules::EpochPerTransaction => (self.epoch.saturating_add(1), self.epoch),
            Rules::Classic => (self.epoch, self.last_epoch),
        };
        let started_ms = if self.state.is_idle() { now.wall_ms } else { self.started_ms };
        Transaction { state, epoch, last_epoch, next_id, rules, started_ms, ..self.clone() }
    }

    /// Every marker is written.
    pub fn completed(&self) -> Transaction {
        let state = match self.state {
            State::PrepareCommit => State::CompleteCommit,
            _ => State::CompleteAbort,
        };
        let ended = Transaction {
            state,
            partitions: BTreeSet::new(),
            groups: BTreeSet::new(),
            next_id: NO_ID,
            ..self.clone()
        };
        if self.next_id == NO_ID {
            return ended;
        }
        Transaction { producer_id: self.next_id, previous_id: self.producer_id, epoch: 0, ..ended }
    }

    pub fn marker(&self, outcome: Outcome) -> Marker {
        Marker {
            producer_id: self.producer_id,
            producer_epoch: self.epoch,
            outcome,
            coordinator_epoch: COORDINATOR_EPOCH,
        }
    }
}
