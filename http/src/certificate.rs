//! The certificate that https listeners show. It is read anew when its files change, or when the process is
//! told to; connections that are open stay as they are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use crate::reload::{self, Reloaded, Tried};
use crate::secret::Password;
use crate::store;
use crate::validity::Validity;

const DAY_S: i64 = 24 * 60 * 60;

/// The certificate and the key of https listeners, in PEM or PKCS#12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// The password of a file in PKCS#12.
    pub password: Option<Password>,
}

impl Identity {
    fn files(&self) -> [&Path; 2] {
        [&self.cert, &self.key]
    }
}

/// A certificate that can be replaced while it is served.
pub struct Certificate {
    identity: Identity,
    current: ArcSwap<Loaded>,
    tried: Tried,
    /// Whether it was said that it is not valid.
    said: AtomicBool,
    reloads: AtomicU64,
    failures: AtomicU64,
}

struct Loaded {
    key: Arc<CertifiedKey>,
    validity: Option<Validity>,
}

impl Certificate {
    /// Reads certificate and key. That it is not valid is said, and no error: the clock may be wrong.
    pub fn open(identity: Identity) -> Result<Arc<Certificate>, String> {
        let tried = Tried::default();
        tried.now(&identity.files());
        let current = ArcSwap::from_pointee(Loaded::read(&identity)?);
        let certificate = Certificate {
            identity,
            current,
            tried,
            said: AtomicBool::new(false),
            reloads: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        certificate.say_if_invalid();
        Ok(Arc::new(certificate))
    }

    /// Whether it is read from these files.
    pub fn is_of(&self, identity: &Identity) -> bool {
        self.identity == *identity
    }

    /// What shows it to clients, and what has come in its place.
    pub(crate) fn resolver(self: &Arc<Self>) -> Arc<dyn ResolvesServerCert> {
        Arc::new(Resolver(self.clone()))
    }

    /// The key and the chain that are shown now.
    pub(crate) fn current(&self) -> Arc<CertifiedKey> {
        self.current.load().key.clone()
    }

    /// Reads it anew whenever `told` changes, or its files have.
    pub async fn follow(self: Arc<Self>, told: watch::Receiver<u64>) {
        reload::follow(self, told).await;
    }

    /// Says once that it has expired, or is not valid yet.
    fn say_if_invalid(&self) {
        let Some(validity) = self.current.load().validity else { return };
        let now = SystemTime::now();
        let (left, early) = (validity.seconds_left(now), validity.seconds_to_begin(now));
        let invalid = left < 0 || early.is_some();
        if !invalid || self.said.swap(true, Ordering::Relaxed) {
            return;
        }
        let file = self.identity.cert.display();
        match early {
            Some(seconds) => tracing::warn!(
                "the certificate in {file} is not valid yet, but from {} on: clients will refuse it",
                span(seconds)
            ),
            None => tracing::warn!(
                "the certificate in {file} has expired {} ago: clients will refuse it",
                span(-left)
            ),
        }
    }

    /// Whether it is this one that connections are shown.
    pub(crate) fn is_shown(&self, certificate: &CertificateDer<'_>) -> bool {
        self.current.load().key.cert.first() == Some(certificate)
    }

    /// Where it is read from.
    pub fn file(&self) -> &Path {
        &self.identity.cert
    }

    /// Until it expires; negative once it has. None if it does not say.
    pub fn seconds_left(&self, now: SystemTime) -> Option<i64> {
        self.current.load().validity.map(|validity| validity.seconds_left(now))
    }

    pub(crate) fn reloads(&self) -> u64 {
        self.reloads.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

impl Reloaded for Certificate {
    fn has_changed(&self) -> bool {
        self.tried.have_changed(&self.identity.files())
    }

    fn reload(&self) {
        self.tried.now(&self.identity.files());
        let file = self.identity.cert.display();
        match Loaded::read(&self.identity) {
            Ok(loaded) => {
                self.current.store(Arc::new(loaded));
                self.said.store(false, Ordering::Relaxed);
                self.reloads.fetch_add(1, Ordering::Relaxed);
                tracing::info!("the certificate in {file} was read: new connections are shown it");
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    "{error}; connections are shown the certificate that was read before"
                );
            }
        }
    }

    fn look(&self) {
        self.say_if_invalid();
    }
}

/// So many seconds in words.
fn span(seconds: i64) -> String {
    match seconds / DAY_S {
        0 => format!("{seconds} s"),
        days => format!("{days} days"),
    }
}

impl Loaded {
    fn read(identity: &Identity) -> Result<Loaded, String> {
        let Identity { cert, key, password } = identity;
        let failed = |why: &dyn fmt::Display| {
            format!("cannot use {} with {}: {why}", cert.display(), key.display())
        };
        let read = store::identity(cert, key, password.as_ref());
        let (chain, key) = read.map_err(|e| failed(&e))?;
        let validity = chain.first().and_then(|first| Validity::of(first));
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider());
        Ok(Loaded { key: Arc::new(key.map_err(|e| failed(&e))?), validity })
    }
}

/// Shows each client the certificate that there is at the time.
struct Resolver(Arc<Certificate>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.load().key.clone())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resolver").field(&self.0.identity.cert).finish()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test may wait for its disk")]
mod tests {
    use super::*;

    fn write(identity: &Identity, name: &str) {
        let made = rcgen::generate_simple_self_signed([name.to_string()]).unwrap();
        std::fs::write(&identity.cert, made.cert.pem()).unwrap();
        std::fs::write(&identity.key, made.signing_key.serialize_pem()).unwrap();
    }

    fn shown(certificate: &Certificate) -> Vec<u8> {
        certificate.current.load().key.cert[0].to_vec()
    }

    #[test]
    fn what_cannot_be_used_leaves_the_certificate_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        let identity = Identity { cert, key, password: None };
        write(&identity, "a");
        let certificate = Certificate::open(identity.clone()).unwrap();
        let first = shown(&certificate);
        assert!(!certificate.has_changed());

        std::fs::write(&identity.cert, "no certificate").unwrap();
        assert!(certificate.has_changed());
        certificate.reload();
        // it is tried once, and again when it is another
        assert!(!certificate.has_changed());
        assert_eq!(shown(&certificate), first);

        // a key that is not the certificate's
        write(&identity, "b");
        let key = std::fs::read(&identity.key).unwrap();
        write(&identity, "c");
        let own_key = std::fs::read(&identity.key).unwrap();
        std::fs::write(&identity.key, key).unwrap();
        certificate.reload();
        assert_eq!(shown(&certificate), first);
        assert_eq!((certificate.reloads(), certificate.failures()), (0, 2));

        std::fs::write(&identity.key, own_key).unwrap();
        certificate.reload();
        assert_ne!(shown(&certificate), first);
        assert!(certificate.seconds_left(SystemTime::now()).unwrap() > DAY_S);
    }
}
