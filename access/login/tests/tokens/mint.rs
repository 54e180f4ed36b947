//! Keys that sign tokens, good ones and bad ones.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use serde_json::{Value, json};

const RSA: &[u8] = include_bytes!("keys/test-only-rsa-2048.pk8");

/// A private key with its name.
pub struct Signer {
    pub kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair, &'static str),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// The RSA key of tests, which signs with this algorithm.
    pub fn rsa(kid: &str, algorithm: &'static str) -> Signer {
        Signer {
            kid: kid.to_string(),
            pair: Pair::Rsa(RsaKeyPair::from_pkcs8(RSA).unwrap(), algorithm),
        }
    }

    /// A new key of P-256, as are those of other kinds.
    pub fn p256(kid: &str) -> Signer {
        let pair = ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING);
        Signer { kid: kid.to_string(), pair: Pair::P256(pair) }
    }

    pub fn p384(kid: &str) -> Signer {
        let pair = ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING);
        Signer { kid: kid.to_string(), pair: Pair::P384(pair) }
    }

    pub fn ed25519(kid: &str) -> Signer {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Signer { kid: kid.to_string(), pair: Pair::Ed25519(pair) }
    }

    pub fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rsa(_, algorithm) => algorithm,
            Pair::P256(_) => "ES256",
            Pair::P384(_) => "ES384",
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The public key as a provider publishes it, without an algorithm, as Entra ID does.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair, _) => {
                let PublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
                json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)})
            }
            Pair::P256(pair) => point(pair, "P-256"),
            Pair::P384(pair) => point(pair, "P-384"),
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key())})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm(), "kid": self.kid})
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// A token with this header, which may say anything.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_texts(&header.to_string(), &claims.to_string())
    }

    pub fn sign_texts(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(claims));
        format!("{signed}.{}", base64url(self.signature(signed.as_bytes())))
    }

    pub fn signature(&self, signed: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair, algorithm) => {
                let padding: &dyn signature::RsaEncoding = match *algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, signed, &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) | Pair::P384(pair) => {
                pair.sign(&random, signed).unwrap().as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(signed).as_ref().to_vec(),
        }
    }
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ecdsa(algorithm: &'static signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
}

fn point(pair: &EcdsaKeyPair, curve: &str) -> Value {
    let (x, y) = {
        let coordinates = &pair.public_key().as_ref()[1..];
        coordinates.split_at(coordinates.len() / 2)
    };
    json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)})
}
