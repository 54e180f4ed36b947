//! Sessions: a consumer instance with its name, the proxy that owns it and how long it is kept.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use weir_http::Principal;

use super::lease::Lease;
use super::task::Instance;
use crate::error::ProxyError;

/// How long a session that is closed waits for its instance to leave its group.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// How long an instance was not used that gives its client up to another.
const IDLE_MIN: Duration = Duration::from_secs(1);

/// What clients call an instance by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SessionName {
    pub(crate) group: String,
    pub(crate) instance: String,
}

/// What a session is found by: two principals may each have one of the same name, and neither hears of the other's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    /// Who has made it; none without access control, where whoever knows its name has it.
    pub(crate) maker: Option<Principal>,
    pub(crate) name: SessionName,
}

/// A proxy that owns sessions, by a name that no other has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner(Arc<str>);

impl Owner {
    pub(crate) fn new() -> Owner {
        Owner(uuid::Uuid::new_v4().to_string().into())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) struct Session {
    key: SessionKey,
    owner: Owner,
    /// When the owner began to count time.
    epoch: Instant,
    lease: Mutex<Lease>,
    instance: Instance,
}

/// A read that waits or is being answered; the session does not expire while this lives.
pub(crate) struct BegunRead<'a>(&'a Session);

impl Session {
    /// A session that nobody has used yet. `timeout` is how long it is kept without a use, and `epoch` when the owner
    /// began to count time.
    pub(crate) fn new(
        instance: Instance,
        maker: Option<Principal>,
        owner: Owner,
        timeout: Duration,
        epoch: Instant,
    ) -> Session {
        let spec = instance.spec();
        let name = SessionName { group: spec.group.clone(), instance: spec.name.clone() };
        let lease = Mutex::new(Lease::new(timeout, epoch.elapsed()));
        Session { key: SessionKey { maker, name }, owner, epoch, lease, instance }
    }

    pub(crate) fn key(&self) -> &SessionKey {
        &self.key
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) fn instance(&self) -> &Instance {
        &self.instance
    }

    fn lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody uses the session. 40403 it has expired.
    pub(crate) fn renew(&self) -> Result<(), ProxyError> {
        self.lease().renew(self.epoch.elapsed()).map_err(|_| ProxyError::ConsumerNotFound)
    }

    /// A read begins, for which the session is kept, and from whose end on idleness counts.
    pub(crate) fn begin_read(&self) -> BegunRead<'_> {
        self.lease().begin_read();
        BegunRead(self)
    }

    /// How long nobody has used it.
    pub(crate) fn idle(&self) -> Duration {
        self.lease().idle(self.epoch.elapsed())
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.lease().is_expired(self.epoch.elapsed())
    }

    /// Returns true if the instance has a client of Kafka.
    pub(crate) fn is_awake(&self) -> bool {
        self.instance.client().is_some()
    }

    /// Returns true if the instance may give its client up to another.
    pub(crate) fn can_rest(&self) -> bool {
        self.instance.has_had_its_turn() && self.idle() >= IDLE_MIN
    }

    /// Reads that wait are answered with what there is, now and from now on.
    pub(crate) fn end_waiting(&self) {
        self.instance.end_waiting();
    }
}

impl Drop for BegunRead<'_> {
    fn drop(&mut self) {
        self.0.lease().end_read(self.0.epoch.elapsed());
    }
}

/// Closes a session that was removed, and returns when its instance has left its group. A read that waits is
/// answered; the instance is closed when that is done.
pub(crate) async fn close(session: Arc<Session>) {
    session.end_waiting();
    if let Some(session) = Arc::into_inner(session) {
        // without Kafka librdkafka goes on trying, which it may do alone
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, session.instance.close()).await;
    }
}
