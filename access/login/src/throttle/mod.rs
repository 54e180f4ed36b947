//! What slows the guessing of passwords. Pure: the clock is given.
//!
//! Failures are counted for each user and for each address. From the fifth on (the twentieth for an address, which many may
//! share), each further try has to wait, at first a second, then twice as long each time, up to a minute; a try that comes
//! earlier is refused without a look at its password. A success clears the user's count, never the address's: else one account
//! of one's own would be enough to guess at others'.
//!
//! So anybody could keep a user out by failing in its name. Therefore an address from which the user has logged in within
//! a week has a count of its own for that user, and the counts of the user and the address are not asked. Who has never
//! logged in from where they are may have to wait while somebody guesses their password.
//!
//! Tries whose passwords are being checked count as if they had failed, so that a thousand at once are no more than five. Those
//! that could still succeed are not refused for it, but wait until one of the others has ended.

mod table;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use table::Table;

/// Failures of a user, or of a user from one address, that cost no time.
const USER_FAILURES_FREE: u32 = 5;

/// Failures of an address that cost no time.
const ADDRESS_FAILURES_FREE: u32 = 20;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Failures are forgotten when there was none for so long.
const FORGET: Duration = Duration::from_secs(15 * 60);

/// An address is a user's own for so long after the user's last login from there.
const OWN_ADDRESS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The most entries of each table: about 20 MB for all of them.
const ENTRIES_MAX: usize = 100_000;

/// Who tries to log in, and from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try<'t> {
    pub(crate) user: &'t str,
    /// Whether there is such a user. The names of others are counted elsewhere, so that a flood of them pushes out nobody's count.
    pub(crate) is_known: bool,
    pub(crate) from: Option<IpAddr>,
}

/// Whether a password may be checked.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It may. The ticket is to be given back.
    Granted(Ticket),
    /// Not yet: ask again when another ticket was given back.
    Wait,
    /// No, and not before this time is over.
    Slowed(Duration),
}

/// A try whose password is being checked.
#[derive(Debug)]
pub(crate) struct Ticket {
    user: u64,
    is_known: bool,
    address: Option<u64>,
    /// The user has logged in from this address lately: this count is asked, and no other.
    own: Option<u64>,
}

impl Ticket {
    /// Returns true if the user has logged in lately from where the try comes.
    pub(crate) fn is_of_own_address(&self) -> bool {
        self.own.is_some()
    }
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    /// The password was not checked.
    Unchecked,
}

/// Counts failures, and says who has to wait.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// Counts of users that there are.
    users: Table<Count>,
    /// Counts of names that no user has.
    strangers: Table<Count>,
    addresses: Table<Count>,
    /// Counts of users at addresses from which they have logged in.
    own: Table<Own>,
    /// Names and addresses are kept as hashes that nobody outside can compute: a long name takes no more room.
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    failures: u32,
    /// Tries whose passwords are being checked.
    under_way: u32,
    last_failure: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Own {
    last_login: Option<Instant>,
    count: Count,
}

/// What one count says of a try. The greater decides.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Gate {
    Open,
    Busy,
    Closed(Duration),
}

impl Throttle {
    pub(crate) fn new() -> Throttle {
        Throttle::bounded(ENTRIES_MAX)
    }

    fn bounded(entries_max: usize) -> Throttle {
        Throttle {
            users: Table::new(entries_max),
            strangers: Table::new(entries_max),
            addresses: Table::new(entries_max),
            own: Table::new(entries_max),
            hasher: RandomState::new(),
        }
    }

    /// Says whether a password may be checked.
    pub(crate) fn admit(&mut self, attempt: Try<'_>, now: Instant) -> Admission {
        let ticket = self.ticket(attempt, now);
        match self.gate(&ticket, now) {
            Gate::Closed(wait) => Admission::Slowed(wait),
            Gate::Busy => Admission::Wait,
            Gate::Open => {
                self.each_count(&ticket, |count| count.under_way += 1);
                Admission::Granted(ticket)
            }
        }
    }

    /// Counts how a try ended.
    pub(crate) fn settle(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) {
        self.each_count(&ticket, |count| {
            count.under_way = count.under_way.saturating_sub(1);
            if outcome == Outcome::Failure {
                count.fail(now);
            }
        });
        if outcome == Outcome::Success {
            self.clear(&ticket, now);
        }
    }

    fn clear(&mut self, ticket: &Ticket, now: Instant) {
        let own = ticket.address.map(|address| self.hasher.hash_one((ticket.user, address)));
        if let Some(own) = own {
            let own = self.own.entry(own);
            own.last_login = Some(now);
            own.count.failures = 0;
        }
        if ticket.own.is_none() {
            self.users.entry(ticket.user).failures = 0;
        }
    }

    fn ticket(&self, attempt: Try<'_>, now: Instant) -> Ticket {
        let user = self.hasher.hash_one(attempt.user);
        let address = attempt.from.map(|address| self.hasher.hash_one(network(address)));
        let own = address.map(|address| self.hasher.hash_one((user, address)));
        let own = own.filter(|own| {
            let login = self.own.get(*own).and_then(|own| own.last_login);
            login.is_some_and(|login| now.saturating_duration_since(login) < OWN_ADDRESS)
        });
        Ticket { user, is_known: attempt.is_known, address, own }
    }

    fn gate(&self, ticket: &Ticket, now: Instant) -> Gate {
        let gate = |count: Option<&Count>, free| count.map_or(Gate::Open, |c| c.gate(free, now));
        if let Some(own) = ticket.own {
            return gate(self.own.get(own).map(|own| &own.count), USER_FAILURES_FREE);
        }
        let users = if ticket.is_known { &self.users } else { &self.strangers };
        let user = gate(users.get(ticket.user), USER_FAILURES_FREE);
        let address = ticket.address.and_then(|address| self.addresses.get(address));
        user.max(gate(address, ADDRESS_FAILURES_FREE))
    }

    fn each_count(&mut self, ticket: &Ticket, mut change: impl FnMut(&mut Count)) {
        if let Some(own) = ticket.own {
            change(&mut self.own.entry(own).count);
            return;
        }
        let users = if ticket.is_known { &mut self.users } else { &mut self.strangers };
        change(users.entry(ticket.user));
        if let Some(address) = ticket.address {
            change(self.addresses.entry(address));
        }
    }
}

impl Count {
    fn gate(&self, free: u32, now: Instant) -> Gate {
        let since = self.last_failure.map(|last| now.saturating_duration_since(last));
        let failures = if since.is_none_or(|since| since >= FORGET) { 0 } else { self.failures };
        let Some(beyond) = failures.checked_sub(free) else {
            return if failures + self.under_way < free { Gate::Open } else { Gate::Busy };
        };
        let left = wait(beyond).saturating_sub(since.unwrap_or_default());
        match left.is_zero() {
            true if self.under_way == 0 => Gate::Open,
            true => Gate::Busy,
            false => Gate::Closed(left),
        }
    }

    fn fail(&mut self, now: Instant) {
        let is_old =
            self.last_failure.is_some_and(|last| now.saturating_duration_since(last) >= FORGET);
        self.failures = if is_old { 1 } else { self.failures.saturating_add(1) };
        self.last_failure = Some(now);
    }
}

/// How long the next try waits after so many failures beyond those that are free.
fn wait(beyond: u32) -> Duration {
    let doubled = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

/// What is one address: all of IPv4, and the network of 64 bits of IPv6 that a single customer has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;
