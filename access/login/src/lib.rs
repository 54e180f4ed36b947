//! Authenticators: passwords, API keys, tokens, and the names that certificates have.

pub mod tokens;

use weir_access::Authenticating;

/// Finds out who a bearer token belongs to.
pub trait TokenVerifier: Send + Sync {
    /// Checks the text behind `Bearer `.
    fn verify(&self, token: &str) -> Authenticating<'_>;

    /// A number that is another one after a token that was good before may not be any more: settings or keys were taken away.
    fn generation(&self) -> u64 {
        0
    }
}
