//! All ways of logging in, behind one face.

mod passwords;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use weir_access::{
    Authenticating, Authenticator, Credentials, Identity, LoginCounts, LoginFailure, Proof, Proved,
    Secret,
};

use crate::TokenVerifier;
use crate::keys::{Keys, Shown};
use crate::users::Users;
use passwords::Passwords;

/// Names the holder of a certificate by its subject; none if it is nobody.
pub type CertificateName = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What logins are checked with. What is none is no way of logging in.
#[derive(Default)]
pub struct Sources {
    /// What clients are told to log in to.
    pub realm: String,
    pub users: Option<Arc<Users>>,
    pub keys: Option<Arc<Keys>>,
    pub tokens: Option<Arc<dyn TokenVerifier>>,
    pub certificate_name: Option<CertificateName>,
    /// Confluent's `authentication.roles`: see [`Logins::may_enter`].
    pub required_roles: Option<Vec<String>>,
}

/// Finds out who is behind a password, an API key, a token or a certificate.
pub struct Logins {
    passwords: Option<Arc<Passwords>>,
    keys: Option<Arc<Keys>>,
    tokens: Option<Arc<dyn TokenVerifier>>,
    certificate_name: Option<CertificateName>,
    required_roles: Option<Vec<String>>,
    challenges: Vec<String>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    proved: AtomicU64,
    refused: AtomicU64,
    slowed: AtomicU64,
    unavailable: AtomicU64,
}

impl Logins {
    pub fn new(sources: Sources) -> Logins {
        let challenges = challenges(&sources);
        Logins {
            passwords: sources.users.map(|users| Arc::new(Passwords::new(users))),
            keys: sources.keys,
            tokens: sources.tokens,
            certificate_name: sources.certificate_name,
            required_roles: sources.required_roles,
            challenges,
            counters: Counters::default(),
        }
    }

    /// Returns true if somebody has a role that Confluent's `authentication.roles` asks for: `**` is anybody who has logged in,
    /// `*` who has any role, an empty list nobody. True if nothing is asked for.
    pub fn may_enter(&self, identity: &Identity) -> bool {
        let Some(required) = &self.required_roles else { return true };
        required.iter().any(|role| match role.as_str() {
            "**" => true,
            "*" => !identity.roles.is_empty(),
            role => identity.roles.iter().any(|own| **own == *role),
        })
    }

    async fn check(
        &self,
        shown: Credentials,
        from: Option<IpAddr>,
    ) -> Result<Proved, LoginFailure> {
        match shown {
            Credentials::Basic { user, password } => self.basic(user, password, from).await,
            Credentials::Bearer(secret) => self.bearer(secret).await,
            Credentials::Certificate { subject } => self.certificate(&subject),
        }
    }

    /// A key is told from a user's password by its form, not by whether there is such a key.
    async fn basic(
        &self,
        user: String,
        password: Secret,
        from: Option<IpAddr>,
    ) -> Result<Proved, LoginFailure> {
        if let Some(keys) = &self.keys
            && let Some(key) = Shown::basic(&user, &password.0)
        {
            return keys.verify(&key, SystemTime::now());
        }
        match &self.passwords {
            Some(passwords) => passwords.check(user, password, from).await,
            None => refused("there are no users with passwords"),
        }
    }

    async fn bearer(&self, secret: Secret) -> Result<Proved, LoginFailure> {
        if let Some(keys) = &self.keys
            && let Some(key) = Shown::bearer(&secret.0)
        {
            return keys.verify(&key, SystemTime::now());
        }
        match &self.tokens {
            Some(tokens) => tokens.verify(&secret.0).await,
            None => refused("it is no API key, and no tokens are taken"),
        }
    }

    fn certificate(&self, subject: &str) -> Result<Proved, LoginFailure> {
        let Some(name_of) = &self.certificate_name else {
            return refused("certificates are no logins");
        };
        match name_of(subject).filter(|name| !name.is_empty()) {
            Some(name) => {
                Ok(Proved { identity: Identity::new(&name, Proof::Certificate), until: None })
            }
            None => refused("no rule names the certificate's subject"),
        }
    }

    fn count(&self, checked: &Result<Proved, LoginFailure>) {
        let counter = match checked {
            Ok(_) => &self.counters.proved,
            Err(LoginFailure::Refused { .. }) => &self.counters.refused,
            Err(LoginFailure::Slowed { .. }) => &self.counters.slowed,
            Err(LoginFailure::Unavailable { .. }) => &self.counters.unavailable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Authenticator for Logins {
    fn authenticate(&self, shown: Credentials, from: Option<IpAddr>) -> Authenticating<'_> {
        Box::pin(async move {
            let checked = self.check(shown, from).await;
            self.count(&checked);
            checked
        })
    }

    fn generation(&self) -> u64 {
        let users = self.passwords.as_ref().map_or(0, |passwords| passwords.users().generation());
        let keys = self.keys.as_ref().map_or(0, |keys| keys.generation());
        let tokens = self.tokens.as_ref().map_or(0, |tokens| tokens.generation());
        users.wrapping_add(keys).wrapping_add(tokens)
    }

    fn counts(&self) -> LoginCounts {
        let Counters { proved, refused, slowed, unavailable } = &self.counters;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let users = self.passwords.as_ref().map_or(0, |passwords| passwords.users().failures());
        let keys = self.keys.as_ref().map_or(0, |keys| keys.failures());
        LoginCounts {
            proved: of(proved),
            refused: of(refused),
            slowed: of(slowed),
            unavailable: of(unavailable),
            hashed: self.passwords.as_ref().map_or(0, |passwords| passwords.hashed()),
            broken_files: users + keys,
        }
    }

    fn challenges(&self) -> &[String] {
        &self.challenges
    }
}

fn refused<T>(reason: &str) -> Result<T, LoginFailure> {
    Err(LoginFailure::Refused { reason: reason.to_string() })
}

/// An API key goes with both schemes.
fn challenges(sources: &Sources) -> Vec<String> {
    let realm = quoted(&sources.realm);
    let has_keys = sources.keys.is_some();
    let basic = (sources.users.is_some() || has_keys).then(|| format!("Basic realm={realm}"));
    let bearer = (sources.tokens.is_some() || has_keys).then(|| format!("Bearer realm={realm}"));
    basic.into_iter().chain(bearer).collect()
}

/// A text as a header's quoted string: what a header cannot carry is left out.
fn quoted(text: &str) -> String {
    let printable = text.chars().filter(|c| matches!(c, ' '..='~'));
    let escaped: String = printable
        .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests;
