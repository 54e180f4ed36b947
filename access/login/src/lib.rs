//! Authenticators: passwords, API keys, tokens, and the names that certificates have.
//!
//! [`Logins`] asks what it has of them: a users file ([`Users`]), a keys file ([`Keys`]), what verifies tokens
//! ([`TokenVerifier`]), and what names the holders of certificates. It slows those who guess passwords. The functions in
//! [`users`] and [`keys`] are what `weir user` and `weir key` do to the files.

mod edit;
mod followed;
mod hash;
mod hashing;
pub mod keys;
mod logins;
mod names;
mod problem;
mod random;
mod throttle;
pub mod users;

pub mod tokens;

use weir_access::Authenticating;

pub use edit::CommandError;
pub use hash::PASSWORD_BYTES_MAX;
pub use keys::Keys;
pub use logins::{CertificateName, Logins, Sources};
pub use names::Memberships;
pub use problem::{Problem, Unusable};
pub use users::{Format, Users};

/// Finds out who a bearer token belongs to.
pub trait TokenVerifier: Send + Sync {
    /// Checks the text behind `Bearer `.
    fn verify(&self, token: &str) -> Authenticating<'_>;

    /// A number that is another one after a token that was good before may not be any more: settings or keys were taken away.
    fn generation(&self) -> u64 {
        0
    }
}
