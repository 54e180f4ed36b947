//! The certificate that https listeners show. It is read anew when its files change, or when the process is
//! told to; connections that are open stay as they are.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::http2;
use crate::validity::Validity;

/// How often it is seen whether the files are other ones.
const LOOK: Duration = Duration::from_secs(5);

const DAY_S: i64 = 24 * 60 * 60;

/// The certificate and the key of https listeners, in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub versions: Vec<&'static SupportedProtocolVersion>,
}

/// A certificate that can be replaced while it is served.
pub struct Certificate {
    identity: Identity,
    current: ArcSwap<Loaded>,
    /// The files that were read last, whether or not they were good.
    tried: Mutex<Stamp>,
    /// Whether it was said that it is not valid.
    said: AtomicBool,
    reloads: AtomicU64,
    failures: AtomicU64,
}

struct Loaded {
    key: Arc<CertifiedKey>,
    validity: Option<Validity>,
}

/// What shows that files are other ones: when each was written, which it is, how long.
type Stamp = [Option<(i64, i64, u64, u64)>; 2];

impl Certificate {
    /// Reads certificate and key. That it is not valid is said, and no error: the clock may be wrong.
    pub fn open(identity: Identity) -> Result<Arc<Certificate>, String> {
        let tried = Mutex::new(stamp(&identity));
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
        (&self.identity.cert, &self.identity.key) == (&identity.cert, &identity.key)
    }

    /// What speaks these versions of TLS with it, and with what has come in its place.
    pub fn acceptor(
        self: &Arc<Self>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> TlsAcceptor {
        let config = ServerConfig::builder_with_protocol_versions(versions);
        let resolver = Arc::new(Resolver(self.clone()));
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![http2::ALPN.to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Reads it anew whenever `told` changes, or its files have.
    pub async fn follow(self: Arc<Self>, mut told: watch::Receiver<u64>) {
        loop {
            let is_told = match timeout(LOOK, told.changed()).await {
                Ok(Ok(())) => true,
                Ok(Err(_)) => return, // the process ends
                Err(_) => false,
            };
            let certificate = self.clone();
            let reading = tokio::task::spawn_blocking(move || {
                if is_told || certificate.has_changed() {
                    certificate.reload();
                }
                certificate.say_if_invalid();
            });
            if let Err(panic) = reading.await {
                tracing::error!(%panic, "a certificate was not read");
            }
        }
    }

    fn has_changed(&self) -> bool {
        *self.tried() != stamp(&self.identity)
    }

    /// Takes what the files have now; if that cannot be used, says so and keeps what there is.
    fn reload(&self) {
        *self.tried() = stamp(&self.identity);
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

    fn tried(&self) -> std::sync::MutexGuard<'_, Stamp> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) fn seconds_left(&self, now: SystemTime) -> Option<i64> {
        self.current.load().validity.map(|validity| validity.seconds_left(now))
    }

    pub(crate) fn reloads(&self) -> u64 {
        self.reloads.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
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
        let Identity { cert, key, .. } = identity;
        let failed = |why: &dyn fmt::Display| {
            format!("cannot use {} with {}: {why}", cert.display(), key.display())
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
        let chain = chain.map_err(|e| failed(&e))?;
        if chain.is_empty() {
            return Err(failed(&"there is no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(|e| failed(&e))?;
        let validity = chain.first().and_then(|first| Validity::of(first));
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider());
        Ok(Loaded { key: Arc::new(key.map_err(|e| failed(&e))?), validity })
    }
}

fn stamp(identity: &Identity) -> Stamp {
    [&identity.cert, &identity.key].map(|file| {
        let file = std::fs::metadata(file).ok()?;
        Some((file.mtime(), file.mtime_nsec(), file.ino(), file.len()))
    })
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
    use rustls::version::TLS13;

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
        let identity = Identity { cert, key, versions: vec![&TLS13] };
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
