//! A caller whom another part of Weir vouches for: a node that forwards a request, the proxy of this process that asks
//! its registry. What it says is signed with a key that only they have, so a header from elsewhere has no say.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderName, HeaderValue, Method};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use weir_access::{Identity, Proof};

/// The header that says on whose behalf a request is made.
pub static ON_BEHALF: HeaderName = HeaderName::from_static("weir-on-behalf");

/// How far the clocks of two nodes may be apart, and how long a request may be under way.
const AGE_MAX: Duration = Duration::from_secs(60);

/// Bytes of a voucher that is looked at.
const BYTES_MAX: usize = 32 * 1024;

/// A key to vouch with.
#[derive(Clone)]
pub struct VoucherKey(hmac::Key);

/// What is signed.
#[derive(Serialize, Deserialize)]
struct Claims {
    name: String,
    groups: Vec<String>,
    roles: Vec<String>,
    proof: String,
    /// Milliseconds since 1970.
    made_ms: u64,
    /// What is asked: the method, and the path with its query.
    request: String,
}

impl VoucherKey {
    /// A key that is made of what only those have who may vouch.
    pub fn new(secret: &[u8]) -> VoucherKey {
        VoucherKey(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A key that nobody else has. An error is the system's, which gives no random bytes.
    pub fn random() -> Result<VoucherKey, String> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        key.map(VoucherKey).map_err(|_| "the system gives no random bytes".to_string())
    }

    /// Vouches for a caller of one request, for a minute.
    pub fn for_request(&self, identity: &Identity, method: &Method, path: &str) -> HeaderValue {
        self.sign(identity, format!("{method} {path}"))
    }

    fn sign(&self, identity: &Identity, request: String) -> HeaderValue {
        let texts = |all: &[Arc<str>]| all.iter().map(|it| it.to_string()).collect();
        let claims = Claims {
            name: identity.name.to_string(),
            groups: texts(&identity.groups),
            roles: texts(&identity.roles),
            proof: identity.proof.name().to_string(),
            made_ms: now_ms(),
            request,
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD.encode(claims);
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, claims.as_bytes()));
        HeaderValue::try_from(format!("{claims}.{tag}")).expect("base64 is a header's text")
    }

    /// Whom a voucher names, if it is signed with this key and holds for the request.
    pub(super) fn read(
        &self,
        value: &HeaderValue,
        method: &Method,
        path: &str,
    ) -> Option<Identity> {
        let text = value.to_str().ok().filter(|text| text.len() <= BYTES_MAX)?;
        let (claims, tag) = text.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, claims.as_bytes(), &tag).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let age_ms = now_ms().abs_diff(claims.made_ms);
        if u128::from(age_ms) > AGE_MAX.as_millis() || claims.request != format!("{method} {path}")
        {
            return None;
        }
        let proof = Proof::ALL.into_iter().find(|proof| proof.name() == claims.proof)?;
        let texts = |all: Vec<String>| all.into_iter().map(Arc::from).collect();
        let (groups, roles) = (texts(claims.groups), texts(claims.roles));
        Some(Identity { name: claims.name.into(), groups, roles, proof })
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Identity {
        let texts = |all: &[&str]| all.iter().map(|it| Arc::from(*it)).collect();
        let (groups, roles) = (texts(&["a,b", "c"]), texts(&["reader"]));
        Identity { groups, roles, ..Identity::new("älice", Proof::Token) }
    }

    #[test]
    fn whom_it_names_is_who_asks_that_request_and_no_other() {
        let key = VoucherKey::new(b"secret");
        let voucher = key.for_request(&alice(), &Method::POST, "/subjects/a/versions?x=1");
        let read = |key: &VoucherKey, method, path| key.read(&voucher, &method, path);
        assert_eq!(read(&key, Method::POST, "/subjects/a/versions?x=1"), Some(alice()));
        assert_eq!(read(&key, Method::POST, "/subjects/b/versions?x=1"), None);
        assert_eq!(read(&key, Method::DELETE, "/subjects/a/versions?x=1"), None);
        let other = VoucherKey::new(b"other");
        assert_eq!(read(&other, Method::POST, "/subjects/a/versions?x=1"), None);
    }

    #[test]
    fn what_is_changed_or_no_voucher_names_nobody() {
        let key = VoucherKey::new(b"secret");
        let voucher = key.for_request(&alice(), &Method::GET, "/");
        assert_eq!(key.read(&voucher, &Method::GET, "/"), Some(alice()));
        let text = voucher.to_str().unwrap();
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = HeaderValue::from_bytes(&changed).unwrap();
            // the last character of 32 bytes has two bits that mean nothing, and have to be zero
            assert_eq!(key.read(&changed, &Method::GET, "/"), None, "{at}");
        }
        for text in ["", ".", "a.b", "{}"] {
            assert_eq!(key.read(&HeaderValue::from_static(text), &Method::GET, "/"), None);
        }
    }
}
