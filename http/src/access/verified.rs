//! Who was behind credentials that were checked already. The credentials are not kept: what is, is a digest of them
//! under a key of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use weir_access::LoginFailure;

use super::caller::Known;

/// Proofs that are kept; beyond, those that have not been used for the longest time are forgotten.
const KEPT_MAX: usize = 10_000;

/// How long a proof is kept at most, whatever its own end.
const KEPT_FOR: Duration = Duration::from_secs(300);

/// A digest of credentials.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

/// What checking credentials has come to.
pub(super) type Checked = Result<Arc<Known>, LoginFailure>;

pub(super) struct Verified {
    key: hmac::Key,
    kept: RwLock<HashMap<Digest, Kept>>,
    /// Checks that are under way: whoever shows the same waits for them.
    checking: Mutex<HashMap<Digest, Arc<OnceCell<Checked>>>>,
    /// Look-ups that found a proof, and those that found none.
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Kept {
    known: Arc<Known>,
    since: Instant,
}

impl Verified {
    /// An error is the system's, which gives no random bytes.
    pub(super) fn new() -> Result<Verified, ring::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        let (hits, misses) = Default::default();
        Ok(Verified { key, kept: RwLock::default(), checking: Mutex::default(), hits, misses })
    }

    /// The digest of credentials of a kind.
    pub(super) fn digest(&self, kind: &[u8], credentials: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind);
        context.update(credentials);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        Digest(digest)
    }

    /// Who is behind credentials, if that was found out lately and still holds.
    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<Known>> {
        let found = self.kept(digest);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    fn kept(&self, digest: &Digest) -> Option<Arc<Known>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(digest)?;
        let holds = found.since.elapsed() < KEPT_FOR && found.known.is_proved();
        holds.then(|| found.known.clone())
    }

    /// Look-ups that found a proof, and those that found none.
    pub(super) fn look_ups(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// How many proofs are kept.
    pub(super) fn count(&self) -> u64 {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// Finds out who is behind credentials, once for all who show the same at the same time.
    pub(super) async fn check(
        &self,
        digest: Digest,
        checking: impl Future<Output = Checked>,
    ) -> Checked {
        let cell = self.checking().entry(digest).or_default().clone();
        let under_way = UnderWay { verified: self, digest, cell };
        let checked = under_way.cell.get_or_init(|| checking).await.clone();
        if let Ok(known) = &checked {
            self.keep(digest, known.clone());
        }
        checked
    }

    pub(super) fn keep(&self, digest: Digest, known: Arc<Known>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, kept| kept.since.elapsed() < KEPT_FOR && kept.known.is_proved());
        }
        if kept.len() >= KEPT_MAX {
            kept.clear(); // each is checked anew when it comes again
        }
        kept.insert(digest, Kept { known, since: Instant::now() });
    }

    fn checking(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Arc<OnceCell<Checked>>>> {
        self.checking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A check that somebody waits for. It is forgotten once it is done, or when nobody waits any more.
struct UnderWay<'a> {
    verified: &'a Verified,
    digest: Digest,
    cell: Arc<OnceCell<Checked>>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut checking = self.verified.checking();
        let is_ours = checking.get(&self.digest).is_some_and(|it| Arc::ptr_eq(it, &self.cell));
        // the map's and ours
        if is_ours && (self.cell.initialized() || Arc::strong_count(&self.cell) == 2) {
            checking.remove(&self.digest);
        }
    }
}
