//! What an operator is told in the log, within bounds: a client that fails tries again, many times a second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::{Call, Core, Now};

/// In this time [`NOTICES_MAX`] lines of one kind are written about one address.
const WINDOW: Duration = Duration::from_secs(60);
const NOTICES_MAX: u32 = 10;
/// So many kinds and addresses are counted at a time. Nothing is written of further ones.
const COUNTED_MAX: usize = 1_000;

/// A client that speaks something else than the listener does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stranger {
    Tls,
    Http,
    /// It sent bytes that are no request.
    Unintelligible,
}

/// What a line in the log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Notice {
    LoginFailed,
    NoLogin,
    NeedlessLogin,
    TopicMade,
    TopicDeleted,
    Stranger(Stranger),
}

/// The lines that were written lately.
#[derive(Debug, Default)]
pub struct Notices {
    counted: HashMap<(Notice, IpAddr), Counted>,
}

#[derive(Debug)]
struct Counted {
    since: Duration,
    lines: u32,
}

impl Notices {
    /// Returns true if one more line of this kind may be written about this address, and counts it.
    pub(crate) fn may_say(&mut self, notice: Notice, host: IpAddr, now: Now) -> bool {
        let is_old = |since: Duration| now.elapsed.saturating_sub(since) >= WINDOW;
        let key = (notice, host.to_canonical());
        if self.counted.len() >= COUNTED_MAX && !self.counted.contains_key(&key) {
            self.counted.retain(|_, counted| !is_old(counted.since));
            if self.counted.len() >= COUNTED_MAX {
                return false;
            }
        }
        let fresh = || Counted { since: now.elapsed, lines: 0 };
        let counted = self.counted.entry(key).or_insert_with(fresh);
        if is_old(counted.since) {
            *counted = fresh();
        }
        counted.lines = counted.lines.saturating_add(1);
        if counted.lines == NOTICES_MAX {
            let (notice, host) = key;
            tracing::info!(%host, ?notice, "the log of the broker says no more of this for a minute");
        }
        counted.lines <= NOTICES_MAX
    }
}

impl Core {
    /// Returns true if a line about this caller may be written.
    pub(crate) fn may_say(&mut self, notice: Notice, call: &Call) -> bool {
        self.notices.may_say(notice, call.caller.host, call.now)
    }

    pub(super) fn note_no_login(&mut self, call: &Call) {
        if self.may_say(Notice::NoLogin, call) {
            let host = call.caller.host;
            tracing::info!(%host, "a client of the broker's SASL listener has not logged in and is refused");
        }
    }

    /// Says that a client spoke something else than Kafka's protocol.
    pub fn note_stranger(&mut self, stranger: Stranger, host: IpAddr, now: Now) {
        if !self.notices.may_say(Notice::Stranger(stranger), host, now) {
            return;
        }
        match stranger {
            Stranger::Tls => tracing::info!(
                %host,
                "a client spoke TLS to the broker, which has none: use PLAINTEXT or SASL_PLAINTEXT"
            ),
            Stranger::Http => tracing::info!(
                %host,
                "a client spoke HTTP to the broker: this port is Kafka's, the REST proxy has another one"
            ),
            Stranger::Unintelligible => tracing::info!(
                %host,
                "a client sent the broker something that is no request of Kafka's protocol"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn now(seconds: u64) -> Now {
        Now { elapsed: Duration::from_secs(seconds), wall_ms: 0 }
    }

    fn host(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }

    fn said(notices: &mut Notices, host: IpAddr, now: Now, times: usize) -> usize {
        (0..times).filter(|_| notices.may_say(Notice::LoginFailed, host, now)).count()
    }

    #[test]
    fn an_address_that_fails_without_end_fills_no_log() {
        let mut notices = Notices::default();
        assert_eq!(said(&mut notices, host(1), now(0), 1000), NOTICES_MAX as usize);
        assert_eq!(said(&mut notices, host(1), now(59), 1), 0);
        assert_eq!(said(&mut notices, host(1), now(60), 1000), NOTICES_MAX as usize);
        assert!(notices.may_say(Notice::NoLogin, host(1), now(60)));
    }

    #[test]
    fn very_many_addresses_fill_neither_log_nor_memory() {
        let mut notices = Notices::default();
        let lines: usize = (0..5_000).map(|it| said(&mut notices, host(it), now(0), 1)).sum();
        assert_eq!(lines, COUNTED_MAX);
        assert_eq!(notices.counted.len(), COUNTED_MAX);
        assert_eq!(said(&mut notices, host(9_999), now(61), 1), 1);
    }
}
