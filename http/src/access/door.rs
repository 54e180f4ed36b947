//! Where it is found out who sends a request, before anything of it is done.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwapOption, Guard};
use axum::extract::Request;
use axum::http::{HeaderValue, Method};
use weir_access::{
    Action, Authenticator, Credentials, Identity, Kind, LoginCounts, LoginFailure, Policy, Proof,
    Quotas,
};

use super::audit::Audit;
use super::caller::{Caller, Known};
use super::credentials::{self, Unreadable};
use super::quota::{Spending, Spent};
use super::refusal::Refusal;
use super::verified::{Digest, Verified};
use super::voucher::{ON_BEHALF, VoucherKey};
use crate::connection::Arrival;
use crate::origin::client_address;

/// Keys that vouchers may be signed with now.
pub type VoucherKeys = Box<dyn Fn() -> Vec<VoucherKey> + Send + Sync>;

/// Says whether somebody who is known may come in at all.
pub type MayEnter = Box<dyn Fn(&Identity) -> bool + Send + Sync>;

/// What anybody may `GET`: probes, which have no login and are told no reasons then, and the documents of the APIs, which are
/// the same everywhere.
const PROBE_PATHS: [&str; 7] =
    ["/healthz", "/readyz", "/startupz", "/openapi.json", "/openapi.yaml", "/docs", "/docs/*"];

/// Who comes in, and what they may do: one for a process.
pub struct Door {
    authenticator: Arc<dyn Authenticator>,
    /// None: whoever is known may do everything.
    rules: ArcSwapOption<Rules>,
    generation: AtomicU64,
    may_enter: MayEnter,
    open_paths: Vec<OpenPath>,
    /// Those that are open everywhere: what is there says nothing that is for some only.
    probe_paths: Vec<OpenPath>,
    verified: Verified,
    voucher_keys: OnceLock<VoucherKeys>,
    pub(super) spent: Spent,
    pub(super) audit: Option<Audit>,
    pub(super) counts: Counts,
}

/// What a door is told.
pub struct DoorOptions {
    pub authenticator: Arc<dyn Authenticator>,
    /// None: whoever is known may do everything.
    pub policy: Option<Policy>,
    /// Says whether somebody who is known may come in at all; who may not is answered 403.
    pub may_enter: MayEnter,
    /// Paths that may be read without a login: `/readyz`, or `/metrics/*` with all below.
    pub open_paths: Vec<String>,
    pub audit: Option<Audit>,
}

/// The rules that hold now.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) generation: u64,
    pub(crate) policy: Policy,
    /// Who has proved nothing, if that one may do anything.
    anonymous: bool,
}

/// Requests by what kept them out.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) unknown: AtomicU64,
    pub(super) slowed: AtomicU64,
    pub(super) unavailable: AtomicU64,
    pub(super) denied: AtomicU64,
    /// Times that new rules could not be used.
    pub(super) broken_rules: AtomicU64,
}

/// A path that is open, as a request has to write it: what is written with escapes or dots needs a login.
struct OpenPath {
    path: String,
    /// Whether all below it is open as well.
    below: bool,
}

/// The caller of a request that comes in, with what the request is counted in; or why it does not come in.
pub(super) type Entry = Result<(Caller, Option<Arc<Spending>>), Refusal>;

/// What is known of a request's caller without waiting.
pub(super) enum Recognised {
    Decided(Entry),
    /// Who is behind these credentials is to be found out.
    Unchecked(Digest, Credentials),
}

impl Door {
    /// An error is the system's, which gives no random bytes.
    pub fn new(options: DoorOptions) -> Result<Arc<Door>, String> {
        let verified = Verified::new().map_err(|_| "the system gives no random bytes")?;
        let open_paths = options.open_paths.iter().map(|path| OpenPath::new(path)).collect();
        let door = Door {
            authenticator: options.authenticator,
            rules: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
            may_enter: options.may_enter,
            open_paths,
            probe_paths: PROBE_PATHS.map(OpenPath::new).into(),
            verified,
            voucher_keys: OnceLock::new(),
            spent: Spent::default(),
            audit: options.audit,
            counts: Counts::default(),
        };
        if let Some(policy) = options.policy {
            door.set_policy(policy);
        }
        Ok(Arc::new(door))
    }

    /// From now on these rules hold, also for requests that are being answered.
    pub fn set_policy(&self, policy: Policy) {
        let rights = policy.rights(&Identity::anonymous());
        let may = |kind| Action::ALL.into_iter().any(|action| rights.on_any(action, kind));
        let anonymous = Kind::ALL.into_iter().any(may);
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        self.rules.store(Some(Arc::new(Rules { generation, policy, anonymous })));
    }

    /// New rules could not be used, so that the old ones hold.
    pub fn count_broken_rules(&self) {
        self.counts.broken_rules.fetch_add(1, Ordering::Relaxed);
    }

    /// Believes vouchers that are signed with one of these keys. To be called once.
    pub fn believe(&self, keys: VoucherKeys) {
        let _ = self.voucher_keys.set(keys); // the first ones stay
    }

    /// Returns true if whoever set up access control has opened a path to everybody.
    pub(crate) fn has_opened(&self, path: &str) -> bool {
        self.open_paths.iter().any(|open| open.has(path))
    }

    /// The rules that hold now, if there are any.
    pub(crate) fn rules(&self) -> Guard<Option<Arc<Rules>>> {
        self.rules.load()
    }

    pub(crate) fn proved_generation(&self) -> u64 {
        self.authenticator.generation()
    }

    pub(super) fn rules_generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    pub(super) fn logins_kept(&self) -> u64 {
        self.verified.count()
    }

    /// Look-ups of logins that were known, of those that were not, and how many are known.
    pub(crate) fn login_cache(&self) -> (u64, u64, u64) {
        let (hits, misses) = self.verified.look_ups();
        (hits, misses, self.verified.count())
    }

    pub(super) fn login_counts(&self) -> LoginCounts {
        self.authenticator.counts()
    }

    pub(super) fn challenges(&self) -> &[String] {
        self.authenticator.challenges()
    }

    /// Looks who sends a request.
    pub(super) fn recognise(
        self: &Arc<Self>,
        request: &Request,
        believes_vouchers: bool,
    ) -> Recognised {
        let voucher = request.headers().get(&ON_BEHALF).filter(|_| believes_vouchers);
        if let Some(known) = voucher.and_then(|voucher| self.vouched(voucher, request)) {
            // it came in where it was vouched for, and is counted there
            return Recognised::Decided(Ok((Caller::asking(known), None)));
        }
        let (kind, shown, header) = match credentials::shown(request.headers()) {
            Err(unreadable) => return Recognised::Decided(Err(unreadable.into())),
            Ok(Some(header)) => (b"header".as_slice(), header.as_bytes(), Some(header)),
            Ok(None) => match client_subject(request) {
                Some(subject) => (b"certificate".as_slice(), subject.as_bytes(), None),
                None => return Recognised::Decided(self.unknown(request)),
            },
        };
        let digest = self.verified.digest(kind, shown);
        if let Some(known) = self.verified.find(&digest) {
            return Recognised::Decided(self.admit(known));
        }
        let credentials = match header {
            Some(header) => credentials::read(header),
            None => {
                let subject = String::from_utf8_lossy(shown).into_owned();
                Ok(Credentials::Certificate { subject })
            }
        };
        match credentials {
            Ok(credentials) => Recognised::Unchecked(digest, credentials),
            Err(unreadable) => Recognised::Decided(Err(unreadable.into())),
        }
    }

    /// Finds out who is behind credentials.
    pub(super) async fn check(
        self: &Arc<Self>,
        digest: Digest,
        credentials: Credentials,
        from: Option<IpAddr>,
    ) -> Entry {
        let checking = async {
            let generation = self.proved_generation();
            let proved = self.authenticator.authenticate(credentials, from).await?;
            Ok(Arc::new(Known::at(self, proved.identity, proved.until, generation)))
        };
        self.admit(self.verified.check(digest, checking).await?)
    }

    /// Somebody who is known comes in, unless it may not at all, or has asked for too much.
    fn admit(self: &Arc<Self>, known: Arc<Known>) -> Entry {
        if !(self.may_enter)(&known.identity) {
            return Err(Refusal::NotAdmitted(known.identity.name.clone()));
        }
        let spending = match known.quotas() {
            quotas if quotas == Quotas::default() => None,
            quotas => match self.spent.spend(&known.identity.name, &quotas) {
                Ok(spending) => spending.map(Arc::new),
                Err(over) => {
                    let name = known.identity.name.clone();
                    return Err(Refusal::OverQuota(name, over.retry_after_s));
                }
            },
        };
        Ok((Caller::asking(known), spending))
    }

    /// A request that shows nothing.
    fn unknown(self: &Arc<Self>, request: &Request) -> Entry {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = request.uri().path();
        if reads && self.open_paths.iter().chain(&self.probe_paths).any(|open| open.has(path)) {
            return Ok((Caller::ANYBODY, None));
        }
        match &*self.rules() {
            Some(rules) if rules.anonymous => {
                let generation = self.proved_generation();
                let known = Known::at(self, Identity::anonymous(), None, generation);
                Ok((Caller::asking(Arc::new(known)), None))
            }
            _ => Err(Refusal::Nobody),
        }
    }

    /// Whom a voucher names, if one of those signed it who may.
    fn vouched(self: &Arc<Self>, voucher: &HeaderValue, request: &Request) -> Option<Arc<Known>> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let keys = self.voucher_keys.get().map(|keys| keys()).unwrap_or_default();
        let identity = keys.iter().find_map(|key| key.read(voucher, request.method(), path))?;
        Some(Arc::new(Known::at(self, identity, None, self.proved_generation())))
    }
}

/// The subject of the certificate that the client of a request has shown.
fn client_subject(request: &Request) -> Option<&str> {
    let Arrival(connection) = request.extensions().get::<Arrival>()?;
    connection.client_subject.get().map(String::as_str)
}

/// Where a request comes from, as failed logins are counted.
pub(super) fn address(request: &Request) -> Option<IpAddr> {
    client_address(request.extensions())
}

impl OpenPath {
    fn new(path: &str) -> OpenPath {
        match path.strip_suffix("/*") {
            Some(path) => OpenPath { path: path.to_string(), below: true },
            None => OpenPath { path: path.to_string(), below: false },
        }
    }

    fn has(&self, path: &str) -> bool {
        let is_plain =
            !path.contains(['%', ';', '\\']) && !path.contains("//") && !path.contains("/.");
        is_plain
            && path
                .strip_prefix(&*self.path)
                .is_some_and(|rest| rest.is_empty() || self.below && rest.starts_with('/'))
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Refusal {
        match unreadable {
            Unreadable::Twice => Refusal::Ambiguous,
            Unreadable::Malformed => {
                Refusal::Login(LoginFailure::Refused { reason: "cannot be read".to_string() })
            }
        }
    }
}

impl From<LoginFailure> for Refusal {
    fn from(failure: LoginFailure) -> Refusal {
        Refusal::Login(failure)
    }
}

/// The identity with which a node asks another one for itself.
pub fn node_identity() -> Identity {
    Identity::new("node", Proof::Node)
}
