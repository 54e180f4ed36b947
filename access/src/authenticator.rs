//! What finds out who is behind credentials.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use crate::identity::Identity;

/// What a caller shows.
#[derive(Debug)]
pub enum Credentials {
    /// `Authorization: Basic`: a user's name and password, or an API key's id and secret.
    Basic { user: String, password: Secret },
    /// `Authorization: Bearer`: a token, or an API key.
    Bearer(Secret),
    /// A certificate that the listener's authorities have signed: the subject's distinguished name as RFC 2253 writes it.
    Certificate { subject: String },
}

/// A text that is never printed.
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// What an authenticator has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    pub identity: Identity,
    /// When the proof ends: a token's or an API key's expiry.
    pub until: Option<SystemTime>,
}

/// Why it is not known who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginFailure {
    /// 401. `reason` is for the audit log alone: callers hear the same for all reasons.
    Refused { reason: String },
    /// 429: there were too many failures of this user or from this address.
    Slowed { retry_after: Duration },
    /// 503: whoever knows cannot be reached, or too many logins are being checked.
    Unavailable { reason: String, retry_after: Duration },
}

/// Finds out who is behind credentials.
pub trait Authenticator: Send + Sync {
    /// Checks credentials that come from an address. Takes as long for a user that is unknown as for a wrong password.
    fn authenticate(&self, shown: Credentials, from: Option<IpAddr>) -> Authenticating<'_>;

    /// A number that is another one after what was proved before may not hold any more: a file was read anew.
    fn generation(&self) -> u64;

    /// How often logins were checked since the start, by what came of it.
    fn counts(&self) -> LoginCounts;

    /// What `WWW-Authenticate` says, a value for each header: `Basic realm="weir"`.
    fn challenges(&self) -> &[String];
}

/// How often something has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginCounts {
    /// Logins that were good.
    pub proved: u64,
    /// Logins that were refused: 401.
    pub refused: u64,
    /// Logins that came too early after failures: 429.
    pub slowed: u64,
    /// Logins that could not be checked: 503.
    pub unavailable: u64,
    /// Passwords that were hashed.
    pub hashed: u64,
    /// Times that a changed file was broken, so that the old one was kept.
    pub broken_files: u64,
}

/// An answer of an authenticator that is being made.
pub type Authenticating<'a> =
    Pin<Box<dyn Future<Output = Result<Proved, LoginFailure>> + Send + 'a>>;
