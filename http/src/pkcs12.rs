//! PKCS#12 (RFC 7292): certificates and a key in one file behind a password, as OpenSSL 3 and keytool write it. What is
//! encrypted with the ciphers of older ones (3DES, RC2) is refused, with what to do.

use std::fmt;
use std::num::NonZeroU32;

use aes::cipher::{BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use ring::digest::{self, Digest};
use ring::{hmac, pbkdf2};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::der::{
    INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, certificate_fields, element, of_parts,
};

const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
/// `[0]`, with an element in it, and as the tag of an octet string itself.
const CONTEXT: u8 = 0xa0;
const CONTEXT_OCTETS: u8 = 0x80;

const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const ENCRYPTED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
const KEY_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01";
const ENCRYPTED_KEY_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02";
const CERTIFICATE_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03";
const ELLIPTIC_CURVE: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const X509: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";
const LOCAL_KEY_ID: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15";
/// What all ciphers of the time before PBES2 begin with.
const OLD_CIPHERS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";
const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
const HMACS: [(&[u8], pbkdf2::Algorithm); 4] = [
    (b"\x2a\x86\x48\x86\xf7\x0d\x02\x07", pbkdf2::PBKDF2_HMAC_SHA1),
    (b"\x2a\x86\x48\x86\xf7\x0d\x02\x09", pbkdf2::PBKDF2_HMAC_SHA256),
    (b"\x2a\x86\x48\x86\xf7\x0d\x02\x0a", pbkdf2::PBKDF2_HMAC_SHA384),
    (b"\x2a\x86\x48\x86\xf7\x0d\x02\x0b", pbkdf2::PBKDF2_HMAC_SHA512),
];
const DIGESTS: [(&[u8], hmac::Algorithm); 4] = [
    (b"\x2b\x0e\x03\x02\x1a", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", hmac::HMAC_SHA256),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", hmac::HMAC_SHA384),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", hmac::HMAC_SHA512),
];
/// AES in CBC, and the bytes of its keys.
const CIPHERS: [(&[u8], usize); 3] = [
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x02", 16),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x16", 24),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a", 32),
];
const BLOCK_BYTES: usize = 16;

/// Rounds of hashing beyond which a file is not meant to be read.
const ROUNDS_MAX: u32 = 10_000_000;

/// Bags of a file.
const BAGS_MAX: usize = 10_000;

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pkcs12Error {
    /// It is not what RFC 7292 says.
    Malformed,
    WrongPassword,
    /// It is encrypted with 3DES or RC2.
    OldCipher,
    /// It has a digest, a cipher or a way to make keys that is not known here.
    UnknownAlgorithm,
}

impl fmt::Display for Pkcs12Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pkcs12Error::Malformed => "it is neither PEM nor PKCS#12",
            Pkcs12Error::WrongPassword => "its password is another",
            Pkcs12Error::OldCipher => {
                "it is encrypted with 3DES or RC2: write it anew, with openssl pkcs12 -legacy -in FILE -nodes -out \
                 FILE.pem and openssl pkcs12 -export -in FILE.pem -out FILE"
            }
            Pkcs12Error::UnknownAlgorithm => "it is encrypted in a way that is not known here",
        })
    }
}

use Pkcs12Error::{Malformed, OldCipher, UnknownAlgorithm, WrongPassword};

/// What is in a file.
#[derive(Default)]
pub(crate) struct Content {
    certificates: Vec<Bag>,
    keys: Vec<Bag>,
}

/// The DER of a certificate or a key, and its `localKeyId`.
pub(crate) type Entry = (Vec<u8>, Option<Vec<u8>>);

struct Bag {
    der: Vec<u8>,
    /// What a key and its certificate have in common.
    local_key_id: Option<Vec<u8>>,
}

impl Content {
    /// Certificates and keys, each with what a key and its certificate have in common.
    pub(crate) fn new(certificates: Vec<Entry>, keys: Vec<Entry>) -> Content {
        let bags = |entries: Vec<Entry>| {
            let bag = |(der, local_key_id)| Bag { der, local_key_id };
            entries.into_iter().map(bag).collect()
        };
        Content { certificates: bags(certificates), keys: bags(keys) }
    }

    pub(crate) fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.certificates.iter().map(|bag| bag.der.clone().into()).collect()
    }

    pub(crate) fn key(&self) -> Option<PrivateKeyDer<'static>> {
        let key = self.keys.first()?;
        let with_public = self.chain().first().and_then(|own| with_public_key(&key.der, own));
        Some(PrivatePkcs8KeyDer::from(with_public.unwrap_or_else(|| key.der.clone())).into())
    }

    /// The certificates, that of the key first.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        let id = self.keys.first().and_then(|key| key.local_key_id.as_ref());
        let is_own = |bag: &Bag| id.is_some() && bag.local_key_id.as_ref() == id;
        let own = self.certificates.iter().position(is_own).unwrap_or(0);
        let mut chain = self.certificates();
        if own < chain.len() {
            chain[..=own].rotate_right(1);
        }
        chain
    }
}

/// A key on an elliptic curve with the public key of its certificate, which Java leaves out and others need; none if it is
/// another key, or has it.
fn with_public_key(key: &[u8], certificate: &[u8]) -> Option<Vec<u8>> {
    let (key, _) = element(key, SEQUENCE)?;
    let (version, rest) = element(key, INTEGER)?;
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (kind, _) = element(algorithm, OBJECT_IDENTIFIER)?;
    let (secret, _) = element(rest, OCTET_STRING)?;
    let (secret, _) = element(secret, SEQUENCE)?;
    let (secret_version, secret) = element(secret, INTEGER)?;
    let (scalar, more) = element(secret, OCTET_STRING)?;
    let more = element(more, CONTEXT).map_or(more, |(_, more)| more);
    if kind != ELLIPTIC_CURVE || !more.is_empty() {
        return None;
    }
    let (_, public) = element(certificate_fields(certificate)?.subject, SEQUENCE)?;
    let (public, _) = element(public, SEQUENCE)?;
    let (_, public) = element(public, SEQUENCE)?;
    let (public, _) = element(public, BIT_STRING)?;
    let public = of_parts(CONTEXT | 1, &[&of_parts(BIT_STRING, &[public])]);
    let (version, secret_version) =
        (of_parts(INTEGER, &[version]), of_parts(INTEGER, &[secret_version]));
    let scalar = of_parts(OCTET_STRING, &[scalar]);
    let secret = of_parts(SEQUENCE, &[&secret_version, &scalar, &public]);
    let (algorithm, secret) =
        (of_parts(SEQUENCE, &[algorithm]), of_parts(OCTET_STRING, &[&secret]));
    Some(of_parts(SEQUENCE, &[&version, &algorithm, &secret]))
}

/// Returns true if bytes look like DER, and not like PEM.
pub(crate) fn is_it(bytes: &[u8]) -> bool {
    element(bytes, SEQUENCE).is_some()
}

/// Reads a file, whose password is checked where it has a digest of itself.
pub(crate) fn read(bytes: &[u8], password: &str) -> Result<Content, Pkcs12Error> {
    let (file, _) = element(bytes, SEQUENCE).ok_or(Malformed)?;
    let (_version, file) = element(file, INTEGER).ok_or(Malformed)?;
    let (safe, mac) = element(file, SEQUENCE).ok_or(Malformed)?;
    let safes = data(safe).ok_or(Malformed)?;
    if let Some((mac, _)) = element(mac, SEQUENCE) {
        check(mac, safes, password)?;
    }
    let (mut safes, _) = element(safes, SEQUENCE).ok_or(Malformed)?;
    let mut content = Content::default();
    while !safes.is_empty() {
        let (safe, rest) = element(safes, SEQUENCE).ok_or(Malformed)?;
        match data(safe) {
            Some(bags) => content.take(bags, password)?,
            None => content.take(&decrypted_data(safe, password)?, password)?,
        }
        safes = rest;
    }
    Ok(content)
}

/// What stands in a content that is not encrypted.
fn data(content: &[u8]) -> Option<&[u8]> {
    let (kind, rest) = element(content, OBJECT_IDENTIFIER)?;
    let (inside, _) = element(rest, CONTEXT).filter(|_| kind == DATA)?;
    Some(element(inside, OCTET_STRING)?.0)
}

fn decrypted_data(content: &[u8], password: &str) -> Result<Vec<u8>, Pkcs12Error> {
    let parts = || {
        let (kind, rest) = element(content, OBJECT_IDENTIFIER)?;
        let (inside, _) = element(rest, CONTEXT).filter(|_| kind == ENCRYPTED_DATA)?;
        let (encrypted, _) = element(inside, SEQUENCE)?;
        let (_version, encrypted) = element(encrypted, INTEGER)?;
        let (encrypted, _) = element(encrypted, SEQUENCE)?;
        let (_kind, encrypted) = element(encrypted, OBJECT_IDENTIFIER)?;
        let (algorithm, rest) = element(encrypted, SEQUENCE)?;
        Some((algorithm, element(rest, CONTEXT_OCTETS)?.0))
    };
    let (algorithm, encrypted) = parts().ok_or(Malformed)?;
    decrypt(algorithm, encrypted, password)
}

impl Content {
    /// Takes the bags of one content.
    fn take(&mut self, bags: &[u8], password: &str) -> Result<(), Pkcs12Error> {
        let (mut bags, _) = element(bags, SEQUENCE).ok_or(Malformed)?;
        while !bags.is_empty() {
            let (bag, rest) = element(bags, SEQUENCE).ok_or(Malformed)?;
            if self.certificates.len() + self.keys.len() >= BAGS_MAX {
                return Err(Malformed);
            }
            self.take_one(bag, password)?;
            bags = rest;
        }
        Ok(())
    }

    fn take_one(&mut self, bag: &[u8], password: &str) -> Result<(), Pkcs12Error> {
        let (kind, rest) = element(bag, OBJECT_IDENTIFIER).ok_or(Malformed)?;
        let (value, attributes) = element(rest, CONTEXT).ok_or(Malformed)?;
        let local_key_id = local_key_id(attributes).map(<[u8]>::to_vec);
        match kind {
            CERTIFICATE_BAG => {
                if let Some(der) = certificate(value) {
                    self.certificates.push(Bag { der: der.to_vec(), local_key_id });
                }
            }
            KEY_BAG => self.keys.push(Bag { der: value.to_vec(), local_key_id }),
            ENCRYPTED_KEY_BAG => {
                let parts = || {
                    let (encrypted, _) = element(value, SEQUENCE)?;
                    let (algorithm, rest) = element(encrypted, SEQUENCE)?;
                    Some((algorithm, element(rest, OCTET_STRING)?.0))
                };
                let (algorithm, encrypted) = parts().ok_or(Malformed)?;
                let der = decrypt(algorithm, encrypted, password)?;
                self.keys.push(Bag { der, local_key_id });
            }
            _ => {} // secrets and lists of revoked certificates
        }
        Ok(())
    }
}

fn certificate(value: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(value, SEQUENCE)?;
    let (kind, rest) = element(certificate, OBJECT_IDENTIFIER)?;
    let (inside, _) = element(rest, CONTEXT).filter(|_| kind == X509)?;
    Some(element(inside, OCTET_STRING)?.0)
}

fn local_key_id(attributes: &[u8]) -> Option<&[u8]> {
    let (mut attributes, _) = element(attributes, SET)?;
    while !attributes.is_empty() {
        let (attribute, rest) = element(attributes, SEQUENCE)?;
        let (kind, values) = element(attribute, OBJECT_IDENTIFIER)?;
        if kind == LOCAL_KEY_ID {
            let (values, _) = element(values, SET)?;
            return Some(element(values, OCTET_STRING)?.0);
        }
        attributes = rest;
    }
    None
}

/// Compares a file's digest of itself.
fn check(mac: &[u8], safes: &[u8], password: &str) -> Result<(), Pkcs12Error> {
    let parts = || {
        let (info, rest) = element(mac, SEQUENCE)?;
        let (algorithm, value) = element(info, SEQUENCE)?;
        let (kind, _) = element(algorithm, OBJECT_IDENTIFIER)?;
        let (value, _) = element(value, OCTET_STRING)?;
        let (salt, rest) = element(rest, OCTET_STRING)?;
        Some((kind, value, salt, if rest.is_empty() { 1 } else { number(rest)?.0 }))
    };
    let (kind, value, salt, rounds) = parts().ok_or(Malformed)?;
    let known = DIGESTS.iter().find(|(oid, _)| *oid == kind);
    let (_, algorithm) = known.ok_or(UnknownAlgorithm)?;
    if rounds > ROUNDS_MAX {
        return Err(Malformed);
    }
    let key = mac_key(*algorithm, password, salt, rounds);
    hmac::verify(&hmac::Key::new(*algorithm, key.as_ref()), safes, value).map_err(|_| WrongPassword)
}

/// The key of the digest: what RFC 7292 makes of a password in its appendix B, of which one round gives as many bytes as
/// are needed.
fn mac_key(algorithm: hmac::Algorithm, password: &str, salt: &[u8], rounds: u32) -> Digest {
    const FOR_MAC: u8 = 3;
    let digest = algorithm.digest_algorithm();
    let block = digest.block_len();
    let mut wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    wide.extend([0, 0]);
    let mut input = vec![FOR_MAC; block];
    input.extend(repeated(salt, block));
    input.extend(repeated(&wide, block));
    let mut hash = digest::digest(digest, &input);
    for _ in 1..rounds {
        hash = digest::digest(digest, hash.as_ref());
    }
    hash
}

/// Bytes again and again, up to whole blocks.
fn repeated(bytes: &[u8], block: usize) -> impl Iterator<Item = u8> {
    let length = bytes.len().div_ceil(block) * block;
    bytes.iter().copied().cycle().take(length)
}

/// Decrypts what is encrypted with PBES2 (RFC 8018).
fn decrypt(algorithm: &[u8], encrypted: &[u8], password: &str) -> Result<Vec<u8>, Pkcs12Error> {
    let (kind, parameters) = element(algorithm, OBJECT_IDENTIFIER).ok_or(Malformed)?;
    if kind.starts_with(OLD_CIPHERS) {
        return Err(OldCipher);
    }
    if kind != PBES2 {
        return Err(UnknownAlgorithm);
    }
    let parts = || {
        let (parameters, _) = element(parameters, SEQUENCE)?;
        let (derivation, rest) = element(parameters, SEQUENCE)?;
        let (cipher, _) = element(rest, SEQUENCE)?;
        let (cipher, rest) = element(cipher, OBJECT_IDENTIFIER)?;
        Some((derivation, cipher, element(rest, OCTET_STRING)?.0))
    };
    let (derivation, cipher, vector) = parts().ok_or(Malformed)?;
    let known = CIPHERS.iter().find(|(oid, _)| *oid == cipher);
    let (_, key_bytes) = known.ok_or(UnknownAlgorithm)?;
    let key = derive(derivation, *key_bytes, password)?;
    let vector = vector.try_into().map_err(|_| Malformed)?;
    cbc(&key, vector, encrypted)
}

/// A key of a password, by PBKDF2.
fn derive(derivation: &[u8], bytes: usize, password: &str) -> Result<Vec<u8>, Pkcs12Error> {
    let (kind, parameters) = element(derivation, OBJECT_IDENTIFIER).ok_or(Malformed)?;
    if kind != PBKDF2 {
        return Err(UnknownAlgorithm);
    }
    let parts = || {
        let (parameters, _) = element(parameters, SEQUENCE)?;
        let (salt, rest) = element(parameters, OCTET_STRING)?;
        let (rounds, rest) = number(rest)?;
        let (_bytes, rest) = number(rest).unwrap_or((0, rest));
        let hash = element(rest, SEQUENCE).and_then(|(hash, _)| element(hash, OBJECT_IDENTIFIER));
        Some((salt, rounds, hash.map(|(hash, _)| hash)))
    };
    let (salt, rounds, hash) = parts().ok_or(Malformed)?;
    let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= ROUNDS_MAX);
    let algorithm = match hash {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(hash) => HMACS.iter().find(|(oid, _)| *oid == hash).ok_or(UnknownAlgorithm)?.1,
    };
    let mut key = vec![0; bytes];
    pbkdf2::derive(algorithm, rounds.ok_or(Malformed)?, salt, password.as_bytes(), &mut key);
    Ok(key)
}

/// AES in CBC, with the padding of PKCS#7 taken off. Padding that is none is what a wrong password makes.
fn cbc(
    key: &[u8],
    mut before: [u8; BLOCK_BYTES],
    encrypted: &[u8],
) -> Result<Vec<u8>, Pkcs12Error> {
    let cipher = Aes::new(key).ok_or(UnknownAlgorithm)?;
    let mut plain = Vec::with_capacity(encrypted.len());
    let (blocks, rest) = encrypted.as_chunks::<BLOCK_BYTES>();
    if !rest.is_empty() {
        return Err(Malformed);
    }
    for block in blocks {
        let decrypted = cipher.decrypt(*block);
        plain.extend(decrypted.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = *block;
    }
    let padding = usize::from(*plain.last().ok_or(Malformed)?);
    let length = plain.len().checked_sub(padding).filter(|_| (1..=BLOCK_BYTES).contains(&padding));
    let length = length.ok_or(WrongPassword)?;
    if plain[length..].iter().any(|byte| usize::from(*byte) != padding) {
        return Err(WrongPassword);
    }
    plain.truncate(length);
    Ok(plain)
}

enum Aes {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

impl Aes {
    /// By the key's length; none if there is no such cipher.
    fn new(key: &[u8]) -> Option<Aes> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Aes::Aes128),
            24 => Aes192::new_from_slice(key).ok().map(Aes::Aes192),
            _ => Aes256::new_from_slice(key).ok().map(Aes::Aes256),
        }
    }

    fn decrypt(&self, block: [u8; BLOCK_BYTES]) -> [u8; BLOCK_BYTES] {
        let mut block = block.into();
        match self {
            Aes::Aes128(aes) => aes.decrypt_block(&mut block),
            Aes::Aes192(aes) => aes.decrypt_block(&mut block),
            Aes::Aes256(aes) => aes.decrypt_block(&mut block),
        }
        block.into()
    }
}

/// An integer that is not negative, and what follows it.
fn number(der: &[u8]) -> Option<(u32, &[u8])> {
    let (bytes, rest) = element(der, INTEGER)?;
    let significant = bytes.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &bytes[at..]);
    let is_negative = bytes.first().is_none_or(|byte| *byte >= 0x80);
    if is_negative || significant.len() > 4 {
        return None;
    }
    Some((significant.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)), rest))
}

#[cfg(test)]
mod tests;
