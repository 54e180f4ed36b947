//! Certificates that clients show: who has signed them, and which of them are revoked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio::sync::watch;

use crate::reload::{self, Reloaded, Tried};
use crate::secret::Password;
use crate::store;
use crate::validity::Validity;

/// What an https listener asks of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuth {
    /// Whether a client without a certificate is turned away.
    pub required: bool,
    /// Certificates of the authorities that sign those of clients: files in PEM or PKCS#12.
    pub authorities: Vec<PathBuf>,
    /// The password of such a file in PKCS#12.
    pub password: Option<Password>,
    /// Lists of revoked certificates, in PEM.
    pub revoked: Option<PathBuf>,
}

/// The authorities that sign clients' certificates. They can be replaced while connections are open.
pub struct ClientAuthorities {
    asked: ClientAuth,
    current: ArcSwap<Trust>,
    tried: Tried,
    reloads: AtomicU64,
    failures: AtomicU64,
    /// How often `current` was replaced.
    generation: watch::Sender<u64>,
}

struct Trust {
    verifier: Arc<dyn ClientCertVerifier>,
    /// Until when the authority is valid that expires first.
    until: Option<Validity>,
}

impl ClientAuthorities {
    /// Reads the files.
    pub fn open(asked: ClientAuth) -> Result<Arc<ClientAuthorities>, String> {
        let tried = Tried::default();
        tried.now(&files(&asked));
        let current = ArcSwap::from_pointee(Trust::read(&asked)?);
        Ok(Arc::new(ClientAuthorities {
            asked,
            current,
            tried,
            reloads: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            generation: watch::Sender::new(0),
        }))
    }

    /// Whether it is this that a listener asks of its clients.
    pub fn is_of(&self, asked: &ClientAuth) -> bool {
        self.asked == *asked
    }

    /// Reads them anew whenever `told` changes, or their files have.
    pub async fn follow(self: Arc<Self>, told: watch::Receiver<u64>) {
        reload::follow(self, told).await;
    }

    pub(crate) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        self.current.load().verifier.clone()
    }

    /// Returns true if a certificate that was shown before is trusted now.
    pub(crate) fn trust(&self, chain: &[CertificateDer<'_>]) -> bool {
        let Some((shown, between)) = chain.split_first() else { return !self.asked.required };
        self.verifier().verify_client_cert(shown, between, UnixTime::now()).is_ok()
    }

    /// Told when they have been replaced.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    pub(crate) fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    /// The first of their files.
    pub(crate) fn file(&self) -> &Path {
        self.asked.authorities.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Until the first of them expires; negative once it has. None if none says.
    pub(crate) fn seconds_left(&self, now: SystemTime) -> Option<i64> {
        self.current.load().until.map(|validity| validity.seconds_left(now))
    }

    pub(crate) fn reloads(&self) -> u64 {
        self.reloads.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

impl Reloaded for ClientAuthorities {
    fn has_changed(&self) -> bool {
        self.tried.have_changed(&files(&self.asked))
    }

    fn reload(&self) {
        self.tried.now(&files(&self.asked));
        let file = self.file().display();
        match Trust::read(&self.asked) {
            Ok(trust) => {
                self.current.store(Arc::new(trust));
                self.reloads.fetch_add(1, Ordering::Relaxed);
                self.generation.send_modify(|generation| *generation += 1);
                tracing::info!("the authorities of clients in {file} were read");
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    "{error}; clients are held to the authorities that were read before"
                );
            }
        }
    }
}

fn files(asked: &ClientAuth) -> Vec<&Path> {
    asked.authorities.iter().chain(&asked.revoked).map(PathBuf::as_path).collect()
}

impl Trust {
    fn read(asked: &ClientAuth) -> Result<Trust, String> {
        let mut roots = RootCertStore::empty();
        let mut until: Option<Validity> = None;
        for file in &asked.authorities {
            let failed = |why: &dyn std::fmt::Display| {
                format!("cannot use the authorities of clients in {}: {why}", file.display())
            };
            for authority in
                store::certificates(file, asked.password.as_ref()).map_err(|e| failed(&e))?
            {
                let validity = Validity::of(&authority);
                until = [until, validity].into_iter().flatten().min_by_key(|it| it.until);
                roots.add(authority).map_err(|e| failed(&e))?;
            }
        }
        let builder = WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            ring::default_provider().into(),
        )
        .with_crls(revoked(asked)?)
        .only_check_end_entity_revocation()
        .allow_unknown_revocation_status();
        let builder = if asked.required { builder } else { builder.allow_unauthenticated() };
        let verifier = builder
            .build()
            .map_err(|error| format!("cannot ask clients for certificates: {error}"))?;
        Ok(Trust { verifier, until })
    }
}

fn revoked(asked: &ClientAuth) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let Some(file) = &asked.revoked else { return Ok(Vec::new()) };
    let failed = |why: &dyn std::fmt::Display| {
        format!("cannot use the revoked certificates in {}: {why}", file.display())
    };
    let lists: Result<Vec<_>, _> =
        CertificateRevocationListDer::pem_file_iter(file).and_then(Iterator::collect);
    let lists = lists.map_err(|e| failed(&e))?;
    match lists.is_empty() {
        true => Err(failed(&"there is no list in it")),
        false => Ok(lists),
    }
}
