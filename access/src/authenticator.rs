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

    /// What `WWW-Authenticate` says, a value for each header: `Basic realm="weir"`.
    fn challenges(&self) -> &[String];
}

/// An answer of an authenticator that is being made.
pub type Authenticating<'a> =
    Pin<Box<dyn Future<Output = Result<Proved, LoginFailure>> + Send + 'a>>;
