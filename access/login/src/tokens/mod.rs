//! Bearer tokens of an OpenID Connect or OAuth 2.0 provider: signed JWTs.
//!
//! A token is good if a key of the provider has signed it, with an algorithm that this key is for, and if it claims what
//! [`TokenOptions`] ask for. Keys come from the provider alone, never from a token.

mod algorithm;
mod claims;
mod flaw;
mod json;
mod jws;
mod key;
mod keys;
mod options;
mod schedule;
mod source;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use weir_access::{Authenticating, LoginFailure, Proved};

use claims::ClaimRules;
use flaw::Flaw;
use jws::Jws;
use keys::Keys;
use schedule::Pace;

use crate::TokenVerifier;

pub use jws::TOKEN_MAX;
pub use options::TokenOptions;

/// What tells the time of day.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Verifies tokens of one provider.
pub struct Tokens {
    keys: Keys,
    rules: ClaimRules,
    clock: WallClock,
}

impl Tokens {
    /// Begins to fetch the provider's keys; until it has some, all tokens are answered with [`LoginFailure::Unavailable`]. It is
    /// an error if the options are wrong, or a file that they name cannot be read. Has to be called within a runtime.
    pub fn start(options: TokenOptions) -> Result<Tokens, String> {
        Tokens::start_with_clock(options, Arc::new(SystemTime::now))
    }

    /// The same with another clock for the times that tokens claim.
    pub fn start_with_clock(options: TokenOptions, clock: WallClock) -> Result<Tokens, String> {
        options.check()?;
        let source = source::open(&options)?;
        let keys = Keys::fetched_from(source, Pace::of(&options));
        Ok(Tokens { keys, rules: ClaimRules::new(options), clock })
    }

    /// An error says why the provider's keys are not known, so that no token can be verified.
    pub fn has_keys(&self) -> Result<(), String> {
        self.keys.are_known()
    }

    /// Finds out who the bearer of a token is, until when it is good, leeway included.
    ///
    /// Refused if the token is not good, unavailable if its key is not known and the provider cannot be asked.
    pub async fn prove(&self, token: &str) -> Result<Proved, LoginFailure> {
        let jws = Jws::parse(token)?;
        let key = match self.keys.known(&jws)? {
            Some(key) => key,
            None => {
                // a token that would be refused anyway is no reason to ask the provider
                self.identify(&jws)?;
                self.keys.look_up(&jws).await?
            }
        };
        if !key.has_signed(&jws) {
            return Err(Flaw::Signature.into());
        }
        Ok(self.identify(&jws)?)
    }

    fn identify(&self, jws: &Jws<'_>) -> Result<Proved, Flaw> {
        self.rules.identify(jws.typ.as_deref(), &jws.claims()?, (self.clock)())
    }
}

impl TokenVerifier for Tokens {
    fn verify(&self, token: &str) -> Authenticating<'_> {
        let token = token.to_string();
        Box::pin(async move { self.prove(&token).await })
    }

    /// Rises when a key was withdrawn, or all keys are too old: what was proved with them does not hold any more.
    fn generation(&self) -> u64 {
        self.keys.generation()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("generation", &self.generation()).finish_non_exhaustive()
    }
}
