//! Fetch sessions (KIP-227): a consumer says only what changed, and so does the broker.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use uuid::Uuid;

use super::{Found, Target, Wanted};
use crate::core::Now;

/// As `max.incremental.fetch.session.cache.slots`.
const SESSIONS_MAX: usize = 1000;
/// As `min.incremental.fetch.session.eviction.ms`: no session used since gives way to another.
const EVICTION: Duration = Duration::from_secs(120);
/// A session has no more partitions than this; a larger fetch has none.
const PARTITIONS_MAX: usize = 100_000;
/// The epoch of a request which begins a session.
const INITIAL: i32 = 0;
/// The epoch of a request outside of any session, or which ends one.
const FINAL: i32 = -1;

/// How the answer to a fetch deals with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionUse {
    None,
    /// The answer is the first of a session: it has everything.
    First(i32),
    /// The answer has what changed.
    Next(i32),
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    sessions: HashMap<i32, Session>,
}

#[derive(Debug)]
struct Session {
    by_id: bool,
    epoch: i32,
    used: Duration,
    /// In the order in which they are read: who got records goes to the end.
    order: BTreeMap<u64, Target>,
    partitions: HashMap<Target, Cached>,
    next_place: u64,
}

/// A partition of a session, with what the consumer knows of it.
#[derive(Debug)]
struct Cached {
    place: u64,
    wanted: Wanted,
    high_watermark: i64,
    log_start: i64,
}

impl Sessions {
    /// Finds or makes the session of a request. Returns what the request wants, the partitions of
    /// the session which it does not repeat included.
    pub fn begin(
        &mut self,
        id: i32,
        epoch: i32,
        by_id: bool,
        wanted: Vec<Wanted>,
        forgotten: &[Target],
        now: Now,
    ) -> Result<(SessionUse, Vec<Wanted>), ResponseError> {
        if epoch == INITIAL || epoch == FINAL {
            self.sessions.remove(&id);
            let session = match epoch {
                INITIAL => self.create(by_id, &wanted, now),
                _ => SessionUse::None,
            };
            return Ok((session, wanted));
        }
        let session = self.sessions.get_mut(&id).ok_or(ResponseError::FetchSessionIdNotFound)?;
        if session.epoch != epoch {
            return Err(ResponseError::InvalidFetchSessionEpoch);
        }
        if session.by_id != by_id {
            return Err(ResponseError::FetchSessionTopicIdError);
        }
        session.update(wanted, forgotten);
        if session.partitions.is_empty() {
            self.sessions.remove(&id);
            return Ok((SessionUse::None, Vec::new()));
        }
        if session.partitions.len() > PARTITIONS_MAX {
            self.sessions.remove(&id);
            return Err(ResponseError::FetchSessionIdNotFound);
        }
        session.epoch = session.epoch.checked_add(1).unwrap_or(1);
        session.used = now.elapsed;
        Ok((SessionUse::Next(id), session.wanted()))
    }

    fn create(&mut self, by_id: bool, wanted: &[Wanted], now: Now) -> SessionUse {
        if wanted.is_empty() || wanted.len() > PARTITIONS_MAX || !self.make_room(now) {
            return SessionUse::None;
        }
        let mut session = Session {
            by_id,
            epoch: 1,
            used: now.elapsed,
            order: BTreeMap::new(),
            partitions: HashMap::new(),
            next_place: 0,
        };
        session.update(wanted.to_vec(), &[]);
        let id = self.unused_id();
        self.sessions.insert(id, session);
        SessionUse::First(id)
    }

    fn make_room(&mut self, now: Now) -> bool {
        if self.sessions.len() < SESSIONS_MAX {
            return true;
        }
        let oldest = self.sessions.iter().min_by_key(|(_, session)| session.used);
        let idle = oldest.filter(|(_, session)| session.used + EVICTION <= now.elapsed);
        match idle.map(|(id, _)| *id) {
            Some(id) => self.sessions.remove(&id).is_some(),
            None => false,
        }
    }

    fn unused_id(&self) -> i32 {
        loop {
            let (_, random) = Uuid::new_v4().as_u64_pair();
            let id = (random & 0x7fff_ffff) as i32;
            if id != 0 && !self.sessions.contains_key(&id) {
                return id;
            }
        }
    }

    /// Returns the session's id for the answer, and what of it the consumer does not know yet.
    pub fn end(&mut self, used: SessionUse, found: Vec<Found>, now: Now) -> (i32, Vec<Found>) {
        let (id, is_first) = match used {
            SessionUse::None => return (0, found),
            SessionUse::First(id) => (id, true),
            SessionUse::Next(id) => (id, false),
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return (if is_first { 0 } else { id }, found);
        };
        session.used = now.elapsed;
        let mut news = Vec::with_capacity(found.len());
        for found in found {
            let is_new = session.answered(&found);
            if is_first || is_new {
                news.push(found);
            }
        }
        (id, news)
    }
}

impl Session {
    fn update(&mut self, wanted: Vec<Wanted>, forgotten: &[Target]) {
        for wanted in wanted {
            match self.partitions.get_mut(&wanted.target) {
                Some(cached) => cached.wanted = wanted,
                None => self.add(wanted),
            }
        }
        for target in forgotten {
            if let Some(cached) = self.partitions.remove(target) {
                self.order.remove(&cached.place);
            }
        }
    }

    fn add(&mut self, wanted: Wanted) {
        let place = self.next_place;
        self.next_place += 1;
        self.order.insert(place, wanted.target.clone());
        let target = wanted.target.clone();
        let cached = Cached { place, wanted, high_watermark: -1, log_start: -1 };
        self.partitions.insert(target, cached);
    }

    fn wanted(&self) -> Vec<Wanted> {
        let in_order = self.order.values().filter_map(|target| self.partitions.get(target));
        in_order.map(|cached| cached.wanted.clone()).collect()
    }

    /// Notes what the consumer is told. Returns true if it is news.
    fn answered(&mut self, found: &Found) -> bool {
        let Some(cached) = self.partitions.get_mut(&found.target) else { return true };
        let data = &found.data;
        let has_records = found.unread.is_some();
        let is_changed = cached.high_watermark != data.high_watermark
            || cached.log_start != data.log_start_offset
            || data.diverging_epoch.epoch >= 0;
        cached.high_watermark = if data.error_code == 0 { data.high_watermark } else { -1 };
        cached.log_start = data.log_start_offset;
        if has_records {
            self.order.remove(&cached.place);
            cached.place = self.next_place;
            self.next_place += 1;
            self.order.insert(cached.place, found.target.clone());
        }
        has_records || is_changed || data.error_code != 0
    }
}
