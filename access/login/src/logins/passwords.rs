//! Logins with a user's password.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use weir_access::{LoginFailure, Proved, Secret};

use crate::hash::PASSWORD_BYTES_MAX;
use crate::hashing::{Busy, Hashing};
use crate::keys::PREFIX;
use crate::names::NAME_BYTES_MAX;
use crate::throttle::{Admission, Outcome, Throttle, Ticket, Try};
use crate::users::Users;

/// Logins that wait until another one of the same user or address was checked, at most.
const WAITING_MAX: usize = 256;

/// When somebody whose login could not be checked may come again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Checks the passwords of users.
pub(super) struct Passwords {
    users: Arc<Users>,
    hashing: Hashing,
    throttle: Mutex<Throttle>,
    /// Told whenever a login was checked.
    checked: Notify,
    waiting: Semaphore,
}

/// A login whose password is being checked. Dropped before it has an outcome, it counts as a failure.
struct UnderWay {
    passwords: Arc<Passwords>,
    ticket: Option<Ticket>,
}

impl Passwords {
    pub(super) fn new(users: Arc<Users>) -> Passwords {
        Passwords {
            users,
            hashing: Hashing::new(),
            throttle: Mutex::new(Throttle::new()),
            checked: Notify::new(),
            waiting: Semaphore::new(WAITING_MAX),
        }
    }

    pub(super) fn users(&self) -> &Arc<Users> {
        &self.users
    }

    pub(super) fn hashed(&self) -> u64 {
        self.hashing.computed()
    }

    /// Finds out whether a password is a user's. One hash is computed, whether or not there is such a user.
    ///
    /// Once that has begun, it goes on and is counted even if nobody waits for the answer any more: who goes away must not have
    /// a guess for nothing, and a client whose patience is short must not count as one that guesses.
    pub(super) async fn check(
        self: &Arc<Self>,
        user: String,
        password: Secret,
        from: Option<IpAddr>,
    ) -> Result<Proved, LoginFailure> {
        let is_known = self.users.current().user(&user).is_some();
        let under_way = self.admitted(Try { user: &user, is_known, from }).await?;
        let checking = tokio::spawn(under_way.check(user, possible(password)));
        checking.await.unwrap_or_else(|_| Err(unavailable()))
    }

    /// Waits until a password may be checked.
    async fn admitted(self: &Arc<Self>, attempt: Try<'_>) -> Result<UnderWay, LoginFailure> {
        loop {
            // before the question, so that nothing that happens after it is missed
            let checked = self.checked.notified();
            let admission = self.throttle().admit(attempt, Instant::now().into_std());
            match admission {
                Admission::Granted(ticket) => {
                    return Ok(UnderWay { passwords: self.clone(), ticket: Some(ticket) });
                }
                Admission::Slowed(retry_after) => return Err(LoginFailure::Slowed { retry_after }),
                Admission::Wait => {
                    let _place = self.waiting.try_acquire().map_err(|_| unavailable())?;
                    checked.await;
                }
            }
        }
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn with(users: Arc<Users>, hashing: Hashing) -> Passwords {
        Passwords { hashing, ..Passwords::new(users) }
    }
}

impl UnderWay {
    /// Checks a password; none is one that cannot be right.
    async fn check(
        mut self,
        user: String,
        password: Option<String>,
    ) -> Result<Proved, LoginFailure> {
        let directory = self.passwords.users.current();
        let known = directory.user(&user);
        let stored = known.map_or(directory.decoy(), |known| &known.stored).clone();
        let is_possible = password.is_some();
        let is_own = self.ticket.as_ref().is_some_and(Ticket::is_of_own_address);
        let hashing = &self.passwords.hashing;
        let hashing = hashing.matches(stored, password.unwrap_or_default(), is_own);
        match (hashing.await, known) {
            (Err(Busy), _) => {
                self.settle(Outcome::Unchecked);
                Err(unavailable())
            }
            (Ok(true), Some(known)) if is_possible => {
                self.settle(Outcome::Success);
                Ok(Proved { identity: known.identity.clone(), until: None })
            }
            (Ok(_), known) => {
                self.settle(Outcome::Failure);
                let what = if known.is_some() { "wrong password of user" } else { "unknown user" };
                Err(LoginFailure::Refused { reason: format!("{what} {}", shown(&user)) })
            }
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        let Some(ticket) = self.ticket.take() else { return };
        self.passwords.throttle().settle(ticket, outcome, Instant::now().into_std());
        self.passwords.checked.notify_waiters();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.settle(Outcome::Failure);
    }
}

/// A password that can be one: neither empty nor of more than 1,024 bytes, and without NUL, at which bcrypt would end.
fn possible(Secret(password): Secret) -> Option<String> {
    let is_possible =
        (1..=PASSWORD_BYTES_MAX).contains(&password.len()) && !password.contains('\0');
    is_possible.then_some(password)
}

/// A user's name as the audit log has it. What can be no name is not repeated: it may be a password in the wrong place.
fn shown(user: &str) -> String {
    match user.len() {
        // an API key that was shown as a name
        _ if user.contains(PREFIX) => "with an API key as its name".to_string(),
        ..=NAME_BYTES_MAX => format!("{user:?}"),
        bytes => format!("with a name of {bytes} bytes"),
    }
}

fn unavailable() -> LoginFailure {
    let reason = "too many logins are being checked".to_string();
    LoginFailure::Unavailable { reason, retry_after: RETRY_AFTER }
}
