//! API keys: logins of programs, from a file of Weir's own.

mod command;
mod expiry;
mod file;
mod secret;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use subtle::ConstantTimeEq;
use tokio::sync::watch;
use weir_access::{Identity, LoginFailure, Proved};

use crate::followed::Followed;
use crate::problem::Unusable;
pub(crate) use secret::PREFIX;
use secret::{Digest, KeyId, KeySecret};

pub use command::{Created, ListedKey, create, list, revoke};
pub use expiry::expiry;

/// A keys file that is followed.
pub struct Keys(Arc<Followed<KeyRing>>);

/// The keys of a file, by id.
#[derive(Debug, Default)]
pub(crate) struct KeyRing(HashMap<KeyId, Key>);

/// A key of a file.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) digest: Digest,
    pub(crate) identity: Identity,
    pub(crate) expires: Option<SystemTime>,
    /// Where the file names it, counted from 1.
    pub(crate) line: usize,
}

/// An API key as it was shown to whoever made it: which one, and the secret.
pub(crate) struct Shown {
    id: KeyId,
    secret: KeySecret,
}

impl Shown {
    /// Reads `weir_ID_SECRET`. None if it is no key: its form or its check sum is wrong.
    pub(crate) fn bearer(text: &str) -> Option<Shown> {
        let (id, secret) = text.strip_prefix(secret::PREFIX)?.split_once('_')?;
        Shown::basic(id, secret)
    }

    /// Reads an id and a secret. None if they are no key: then they may be a user's name and password.
    pub(crate) fn basic(id: &str, secret: &str) -> Option<Shown> {
        let id = KeyId::parse(id)?;
        let secret = KeySecret::parse(&id, secret)?;
        Some(Shown { id, secret })
    }
}

impl Keys {
    /// Reads a keys file. One that cannot be used is an error.
    pub fn open(path: &Path) -> Result<Keys, Unusable> {
        Followed::open(path, file::parse).map(Keys)
    }

    /// Reads the file anew whenever `told` changes, or the file has. Ends when the sender of `told` has gone.
    pub async fn follow(&self, told: watch::Receiver<u64>) {
        self.0.clone().follow(told).await;
    }

    /// How often the file was taken anew.
    pub fn generation(&self) -> u64 {
        self.0.generation()
    }

    /// How often the file was broken, so that what it had said before was kept.
    pub fn failures(&self) -> u64 {
        self.0.failures()
    }

    /// Finds out whose key it is. What is refused takes as long for a key that is unknown as for a wrong secret.
    pub(crate) fn verify(&self, shown: &Shown, now: SystemTime) -> Result<Proved, LoginFailure> {
        self.0.current().verify(shown, now)
    }
}

impl KeyRing {
    fn verify(&self, shown: &Shown, now: SystemTime) -> Result<Proved, LoginFailure> {
        let refused = |why: &str| {
            let reason = format!("{why} {}", shown.id);
            Err(LoginFailure::Refused { reason })
        };
        let key = self.0.get(&shown.id);
        let stored = key.map_or(Digest::NONE, |key| key.digest);
        let is_right = bool::from(shown.secret.digest().0.ct_eq(&stored.0));
        match key {
            None => refused("unknown API key"),
            Some(_) if !is_right => refused("wrong secret of API key"),
            Some(key) if key.expires.is_some_and(|expires| expires <= now) => {
                refused("expired API key")
            }
            Some(key) => Ok(Proved { identity: key.identity.clone(), until: key.expires }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Memberships;

    #[test]
    fn a_key_logs_in_until_it_expires_or_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let (nothing, now) = (Memberships::default(), SystemTime::now());
        let developer = Memberships { roles: vec!["developer".to_string()], groups: Vec::new() };
        let expires = Some(now + Duration::from_secs(60));
        let made = create(&path, "billing", &developer, expires, now).unwrap();
        let other = create(&path, "billing", &nothing, None, now).unwrap();

        let keys = Keys::open(&path).unwrap();
        let shown = Shown::bearer(&made.bearer()).unwrap();
        let proved = keys.verify(&shown, now).unwrap();
        assert_eq!((&*proved.identity.name, proved.identity.proof.name()), ("billing", "api-key"));
        assert_eq!(proved.identity.roles.join("+"), "developer");
        let until = proved.until.unwrap();
        assert!(until > now + Duration::from_secs(58) && until <= now + Duration::from_secs(60));
        assert!(keys.verify(&shown, until).is_err());
        let basic = Shown::basic(&made.id, &made.secret).unwrap();
        assert!(keys.verify(&basic, now).is_ok());

        // a good secret, but another key's
        assert!(Shown::basic(&made.id, &other.secret).is_none());
        revoke(&path, &made.id).unwrap();
        keys.0.reload();
        assert!(keys.verify(&shown, now).is_err());
        assert!(keys.verify(&Shown::bearer(&other.bearer()).unwrap(), now).is_ok());
        assert_eq!(keys.generation(), 1);
    }

    #[test]
    fn a_wrong_secret_of_good_form_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [path, elsewhere] = ["keys", "elsewhere"].map(|name| folder.path().join(name));
        let (nothing, now) = (Memberships::default(), SystemTime::now());
        let made = create(&path, "billing", &nothing, None, now).unwrap();
        let keys = Keys::open(&path).unwrap();
        let foreign = create(&elsewhere, "billing", &nothing, None, now).unwrap();
        assert!(keys.verify(&Shown::bearer(&foreign.bearer()).unwrap(), now).is_err());
        let id = KeyId::parse(&made.id).unwrap();
        let guessed = Shown { secret: KeySecret::new(&id).unwrap(), id };
        assert!(keys.verify(&guessed, now).is_err());
    }
}
