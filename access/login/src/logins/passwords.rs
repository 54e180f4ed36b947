//! Logins with a user's password.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use weir_access::{LoginFailure, Proved, Secret};

use crate::hash::PASSWORD_BYTES_MAX;
use crate::hashing::{Busy, Hashing};
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

/// A login whose password is being checked. Dropped before it has an outcome, it counts as a failure: who goes away when an
/// answer takes long must not have a guess for nothing.
struct UnderWay<'p> {
    passwords: &'p Passwords,
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
    pub(super) async fn check(
        &self,
        user: String,
        password: Secret,
        from: Option<IpAddr>,
    ) -> Result<Proved, LoginFailure> {
        let is_known = self.users.current().user(&user).is_some();
        let under_way = self.admitted(Try { user: &user, is_known, from }).await?;
        let directory = self.users.current();
        let known = directory.user(&user);
        let password = possible(password);
        let is_possible = password.is_some();
        let stored = known.map_or(directory.decoy(), |known| &known.stored).clone();
        let matched = self.hashing.matches(stored, password.unwrap_or_default()).await;
        match (matched, known) {
            (Err(Busy), _) => {
                under_way.end(Outcome::Unchecked);
                Err(unavailable())
            }
            (Ok(true), Some(known)) if is_possible => {
                under_way.end(Outcome::Success);
                Ok(Proved { identity: known.identity.clone(), until: None })
            }
            (Ok(_), known) => {
                under_way.end(Outcome::Failure);
                let what = if known.is_some() { "wrong password of user" } else { "unknown user" };
                Err(LoginFailure::Refused { reason: format!("{what} {}", shown(&user)) })
            }
        }
    }

    /// Waits until a password may be checked.
    async fn admitted(&self, attempt: Try<'_>) -> Result<UnderWay<'_>, LoginFailure> {
        loop {
            // before the question, so that nothing that happens after it is missed
            let checked = self.checked.notified();
            let admission = self.throttle().admit(attempt, Instant::now().into_std());
            match admission {
                Admission::Granted(ticket) => {
                    return Ok(UnderWay { passwords: self, ticket: Some(ticket) });
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
    pub(super) fn hashing(&mut self) -> &mut Hashing {
        &mut self.hashing
    }
}

impl UnderWay<'_> {
    fn end(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        let Some(ticket) = self.ticket.take() else { return };
        self.passwords.throttle().settle(ticket, outcome, Instant::now().into_std());
        self.passwords.checked.notify_waiters();
    }
}

impl Drop for UnderWay<'_> {
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
        ..=NAME_BYTES_MAX => format!("{user:?}"),
        bytes => format!("with a name of {bytes} bytes"),
    }
}

fn unavailable() -> LoginFailure {
    let reason = "too many logins are being checked".to_string();
    LoginFailure::Unavailable { reason, retry_after: RETRY_AFTER }
}
