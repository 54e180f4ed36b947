//! Hashes of Karapace's auth file: PBKDF2 with 5,000 rounds, and scrypt.

use std::num::NonZeroU32;

use ring::pbkdf2;
use subtle::ConstantTimeEq;

/// The rounds of PBKDF2: Karapace knows no other number.
const ROUNDS: NonZeroU32 = NonZeroU32::new(5_000).expect("5,000 is not 0");

/// What scrypt is computed with: N = 16384, r = 8, p = 1, 64 bytes.
const SCRYPT_LOG_N: u8 = 14;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;
const SCRYPT_BYTES: usize = 64;

/// The memory of scrypt, in KiB: 128 bytes times N times r.
pub(crate) const SCRYPT_MEMORY_KIB: u32 = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pbkdf2Digest {
    Sha1,
    Sha256,
    Sha512,
}

pub(crate) struct Pbkdf2 {
    digest: Pbkdf2Digest,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

pub(crate) struct Scrypt {
    salt: Vec<u8>,
    hash: [u8; SCRYPT_BYTES],
}

impl Pbkdf2Digest {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Pbkdf2Digest::Sha1 => "sha1",
            Pbkdf2Digest::Sha256 => "sha256",
            Pbkdf2Digest::Sha512 => "sha512",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Pbkdf2Digest> {
        let all = [Pbkdf2Digest::Sha1, Pbkdf2Digest::Sha256, Pbkdf2Digest::Sha512];
        all.into_iter().find(|digest| digest.name() == name)
    }

    fn bytes(self) -> usize {
        match self {
            Pbkdf2Digest::Sha1 => 20,
            Pbkdf2Digest::Sha256 => 32,
            Pbkdf2Digest::Sha512 => 64,
        }
    }

    fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Pbkdf2Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Pbkdf2Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Pbkdf2Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

impl Pbkdf2 {
    /// None if the hash has another length than the digest.
    pub(crate) fn new(digest: Pbkdf2Digest, salt: &str, hash: Vec<u8>) -> Option<Pbkdf2> {
        let salt = salt.as_bytes().to_vec();
        (hash.len() == digest.bytes()).then_some(Pbkdf2 { digest, salt, hash })
    }

    pub(crate) fn decoy(digest: Pbkdf2Digest) -> Pbkdf2 {
        Pbkdf2 { digest, salt: vec![0; 16], hash: vec![0; digest.bytes()] }
    }

    pub(crate) fn digest(&self) -> Pbkdf2Digest {
        self.digest
    }

    pub(crate) fn matches(&self, password: &str) -> bool {
        let algorithm = self.digest.algorithm();
        pbkdf2::verify(algorithm, ROUNDS, &self.salt, password.as_bytes(), &self.hash).is_ok()
    }
}

impl Scrypt {
    /// None if the hash does not have 64 bytes.
    pub(crate) fn new(salt: &str, hash: &[u8]) -> Option<Scrypt> {
        Some(Scrypt { salt: salt.as_bytes().to_vec(), hash: hash.try_into().ok()? })
    }

    pub(crate) fn decoy() -> Scrypt {
        Scrypt { salt: vec![0; 16], hash: [0; SCRYPT_BYTES] }
    }

    pub(crate) fn matches(&self, password: &str) -> bool {
        let mut hash = [0; SCRYPT_BYTES];
        let params = scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P);
        let Ok(params) = params else { return false };
        let computed = scrypt::scrypt(password.as_bytes(), &self.salt, &params, &mut hash);
        computed.is_ok() && bool::from(hash.ct_eq(&self.hash))
    }
}
