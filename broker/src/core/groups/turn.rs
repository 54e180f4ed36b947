//! What a group has at hand while something is done with it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::settings::GroupSettings;
use super::timers::{Timer, Timers};
use crate::apis::Response;
use crate::core::{Call, Now, Ticket};

/// A request that a group answers, now or later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub ticket: Ticket,
    pub version: i16,
}

impl Waiting {
    pub fn new(call: &Call) -> Waiting {
        Waiting { ticket: call.ticket, version: call.version }
    }
}

/// The surroundings of a group: the time, its timers, and where its answers go.
pub(super) struct Turn<'a> {
    pub now: Now,
    pub settings: &'a GroupSettings,
    pub timers: &'a mut Timers,
    pub outbox: &'a mut Vec<(Ticket, Response)>,
    /// Groups that have to be written to the journal before anything is answered.
    pub changed: &'a mut BTreeSet<String>,
}

impl Turn<'_> {
    pub fn answer(&mut self, waiting: Waiting, response: impl Into<Response>) {
        self.outbox.push((waiting.ticket, response.into()));
    }

    pub fn set(&mut self, timer: Timer, after: Duration) {
        self.timers.set(timer, self.now.elapsed.saturating_add(after));
    }

    /// Says that what is kept of the group is not what it was.
    pub fn changed(&mut self, group: &str) {
        self.changed.insert(group.to_owned());
    }
}
