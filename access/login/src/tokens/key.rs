//! A provider's public keys. Source: RFC 7517, RFC 7518 section 6, RFC 8037.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use super::algorithm::Algorithm;
use super::json;
use super::jws::Jws;

/// Most keys of a set. A set with more is not taken.
const KEYS_MAX: usize = 100;

/// Sizes of an RSA key's modulus, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key that tokens are verified with.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    kid: Option<String>,
    /// The algorithms that the key is for: it says so, or its kind does.
    algorithms: Vec<Algorithm>,
    material: Material,
}

#[derive(Debug, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point of P-256 or P-384, uncompressed.
    Point(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The keys of a provider that tokens can be verified with, at least one.
#[derive(Debug, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
}

/// Which key a token is signed with, by what its header says.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Key(Arc<Key>),
    /// There is none of that name.
    Nothing,
    /// There is one of that name, but it is for other algorithms.
    OtherAlgorithm,
    /// There are several, and none must be guessed.
    Several,
}

/// Why a text is no set of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetFault {
    /// It is not `{"keys": [..]}` with at most `KEYS_MAX` keys.
    NotASet(String),
    /// None of its keys is one that tokens can be verified with.
    NoKey,
}

impl fmt::Display for KeySetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySetFault::NotASet(why) => write!(f, "not a set of at most {KEYS_MAX} keys: {why}"),
            KeySetFault::NoKey => {
                f.write_str("none of the keys is of RSA (2048 to 8192 bits), P-256, P-384 or Ed25519, for signatures")
            }
        }
    }
}

impl KeySet {
    /// Reads a set of keys. Keys for encryption, shared secrets and those of unknown kinds are left out.
    pub fn parse(text: &[u8]) -> Result<KeySet, KeySetFault> {
        if !json::is_object(text) {
            return Err(KeySetFault::NotASet("it is no object".to_string()));
        }
        let set: JwkSet =
            serde_json::from_slice(text).map_err(|e| KeySetFault::NotASet(e.to_string()))?;
        let keys: Vec<Arc<Key>> = set.keys.0.iter().filter_map(Key::of).map(Arc::new).collect();
        if keys.is_empty() {
            return Err(KeySetFault::NoKey);
        }
        Ok(KeySet { keys })
    }

    /// The one key that may have signed a token: that of the name, or, for a token that names none, the only one that fits.
    pub fn find(&self, token: &Jws<'_>) -> Found {
        let named = |key: &&Arc<Key>| token.kid.is_none() || key.kid == token.kid;
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.is_for(token.algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Found::Key(key.clone()),
            (Some(_), Some(_)) => Found::Several,
            (None, _) if self.keys.iter().any(|key| named(&key)) => Found::OtherAlgorithm,
            (None, _) => Found::Nothing,
        }
    }

    /// Returns true if each of these keys is in the other set, too.
    pub fn is_within(&self, other: &KeySet) -> bool {
        self.keys.iter().all(|key| other.keys.contains(key))
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }
}

impl Key {
    /// Returns none if tokens cannot be verified with it.
    fn of(jwk: &Value) -> Option<Key> {
        let jwk = Jwk::deserialize(jwk.as_object()?).ok()?;
        if jwk.usage.is_some_and(|usage| usage != "sig")
            || jwk.key_ops.is_some_and(|ops| !ops.iter().any(|op| op == "verify"))
        {
            return None;
        }
        let (kinds, material) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => (
                Algorithm::RSA.to_vec(),
                Material::Rsa { n: modulus(jwk.n.as_deref()?)?, e: number(jwk.e.as_deref()?)? },
            ),
            ("EC", Some("P-256")) => {
                (vec![Algorithm::Es256], point(jwk.x.as_deref()?, jwk.y.as_deref()?, 32)?)
            }
            ("EC", Some("P-384")) => {
                (vec![Algorithm::Es384], point(jwk.x.as_deref()?, jwk.y.as_deref()?, 48)?)
            }
            ("OKP", Some("Ed25519")) => {
                (vec![Algorithm::EdDsa], Material::Ed25519(exactly(jwk.x.as_deref()?, 32)?))
            }
            _ => return None,
        };
        let algorithms = match jwk.alg {
            Some(alg) => vec![Algorithm::of(&alg).filter(|alg| kinds.contains(alg))?],
            None => kinds,
        };
        Some(Key { kid: jwk.kid, algorithms, material })
    }

    pub fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Returns true if the token is signed with this key. An algorithm that the key is not for verifies nothing.
    pub fn has_signed(&self, token: &Jws<'_>) -> bool {
        let (signed, signature) = (token.signed.as_bytes(), token.signature.as_slice());
        let unparsed = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok()
        };
        match (&self.material, token.algorithm) {
            _ if !self.is_for(token.algorithm) => false,
            (Material::Rsa { n, e }, algorithm) => rsa(algorithm).is_some_and(|parameters| {
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok()
            }),
            (Material::Point(point), Algorithm::Es256) => {
                unparsed(&signature::ECDSA_P256_SHA256_FIXED, point)
            }
            (Material::Point(point), Algorithm::Es384) => {
                unparsed(&signature::ECDSA_P384_SHA384_FIXED, point)
            }
            (Material::Ed25519(key), Algorithm::EdDsa) => unparsed(&signature::ED25519, key),
            (Material::Point(_) | Material::Ed25519(_), _) => false,
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}

fn modulus(text: &str) -> Option<Vec<u8>> {
    let n = number(text)?;
    let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
    RSA_BITS.contains(&bits).then_some(n)
}

/// A number above 0, big-endian. Zeros before it say nothing.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

fn point(x: &str, y: &str, coordinate: usize) -> Option<Material> {
    let uncompressed = vec![4];
    Some(Material::Point([uncompressed, exactly(x, coordinate)?, exactly(y, coordinate)?].concat()))
}

fn exactly(text: &str, length: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == length)
}

#[derive(Deserialize)]
struct JwkSet {
    keys: JwkList,
}

/// Keys of any kind: one that is not understood does not spoil the others.
struct JwkList(Vec<Value>);

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl<'de> Deserialize<'de> for JwkList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JwkList, D::Error> {
        deserializer.deserialize_seq(JwkListVisitor)
    }
}

struct JwkListVisitor;

impl<'de> Visitor<'de> for JwkListVisitor {
    type Value = JwkList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JwkList, A::Error> {
        let mut keys = Vec::new();
        while keys.len() < KEYS_MAX {
            match items.next_element()? {
                Some(key) => keys.push(key),
                None => return Ok(JwkList(keys)),
            }
        }
        match items.next_element::<IgnoredAny>()? {
            Some(_) => Err(A::Error::custom("there are too many")),
            None => Ok(JwkList(keys)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ALGORITHMS: [&str; 9] =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

    fn token(algorithm: &str) -> String {
        let header = json!({"alg": algorithm, "kid": "k"}).to_string();
        format!("{}.e30.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode([1; 256]))
    }

    proptest! {
        #[test]
        fn any_text_is_a_set_or_is_refused(text in ".*") {
            let _ = KeySet::parse(text.as_bytes());
            let _ = KeySet::parse(format!(r#"{{"keys":[{text}]}}"#).as_bytes());
        }

        #[test]
        fn no_key_is_so_odd_that_it_breaks_anything(
            kty in prop::sample::select(vec!["RSA", "EC", "OKP", "oct"]),
            crv in prop::sample::select(vec!["P-256", "P-384", "Ed25519"]),
            n in prop::collection::vec(any::<u8>(), 0..1100),
            e in prop::collection::vec(any::<u8>(), 0..9),
            x in prop::collection::vec(any::<u8>(), 0..50),
            size in prop::sample::select(vec![32, 48]),
        ) {
            let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let mut x = x;
            x.resize(size, 0);
            let jwk = json!({"kty": kty, "crv": crv, "kid": "k", "n": text(&n), "e": text(&e), "x": text(&x), "y": text(&x)});
            let Ok(set) = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()) else { return Ok(()) };
            for algorithm in ALGORITHMS {
                let token = token(algorithm);
                let token = Jws::parse(&token).unwrap();
                if let Found::Key(key) = set.find(&token) {
                    prop_assert!(!key.has_signed(&token));
                }
            }
        }
    }
}
