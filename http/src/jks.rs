//! Java's own key stores (JKS): certificates, and keys behind a password, as `keytool -storetype JKS` writes them. What is
//! called JKS and was made by a keytool of Java 9 or later is PKCS#12 in most cases; see `store`.

use std::fmt;

use ring::digest::{self, Digest};

use crate::der::{OBJECT_IDENTIFIER, SEQUENCE, element};
use crate::pkcs12::Content;

/// What a store begins with.
pub(crate) const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];

const KEY: u32 = 1;
const CERTIFICATE: u32 = 2;
const OCTET_STRING: u8 = 0x04;

/// Sun's own way to encrypt a key: bytes of SHA-1, one digest made of the other.
const JAVA_PROTECTOR: &[u8] = b"\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01";

const DIGEST_BYTES: usize = 20;

/// What stands between the password and the store where the whole is digested.
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// Entries of a store.
const ENTRIES_MAX: u32 = 10_000;

/// Certificates of one key.
const CHAIN_MAX: u32 = 100;

/// Why a store cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JksError {
    Malformed,
    WrongPassword,
    UnknownEntry,
}

impl fmt::Display for JksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JksError::Malformed => "it begins as a Java key store, and is none",
            JksError::WrongPassword => "its password is another",
            JksError::UnknownEntry => {
                "it has an entry of a kind that is not known here: write it as PKCS#12, with keytool -importkeystore -srckeystore \
                 STORE -destkeystore STORE.p12 -deststoretype PKCS12"
            }
        })
    }
}

use JksError::{Malformed, UnknownEntry, WrongPassword};

/// Reads a store. The password is that of the key, if there is one, and else that of the store; without a password, a store of
/// certificates is taken as it is, as Java does.
pub(crate) fn read(bytes: &[u8], password: &str) -> Result<Content, JksError> {
    let split = bytes.len().checked_sub(DIGEST_BYTES).ok_or(Malformed)?;
    let (body, digested) = bytes.split_at(split);
    let mut rest = Reader(body.strip_prefix(&MAGIC).ok_or(Malformed)?);
    let version = rest.number()?;
    let count = rest.number()?;
    if !(1..=2).contains(&version) || count > ENTRIES_MAX {
        return Err(Malformed);
    }
    let password: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let kind = rest.number()?;
        rest.text()?; // its name
        rest.take(8)?; // its date
        match kind {
            CERTIFICATE => certificates.push((rest.certificate(version)?, None)),
            KEY => {
                let encrypted = rest.bytes()?;
                let id = u32::try_from(keys.len()).map_err(|_| Malformed)?.to_be_bytes().to_vec();
                keys.push((decrypted(encrypted, &password)?, Some(id.clone())));
                let chain = rest.number()?;
                if chain > CHAIN_MAX {
                    return Err(Malformed);
                }
                for place in 0..chain {
                    let own = (place == 0).then(|| id.clone());
                    certificates.push((rest.certificate(version)?, own));
                }
            }
            _ => return Err(UnknownEntry),
        }
    }
    // a key has been tried already, and may have a password of its own
    if keys.is_empty() && !password.is_empty() {
        let digest = sha1(&[&password, WHITENER, body]);
        if digest.as_ref() != digested {
            return Err(WrongPassword);
        }
    }
    Ok(Content::new(certificates, keys))
}

/// What is left of a store.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], JksError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, JksError> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// Bytes behind their number.
    fn bytes(&mut self) -> Result<&'b [u8], JksError> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        self.take(length)
    }

    /// A text behind its length, which nobody needs.
    fn text(&mut self) -> Result<(), JksError> {
        let length = self.take(2)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.take(length).map(|_| ())
    }

    fn certificate(&mut self, version: u32) -> Result<Vec<u8>, JksError> {
        if version == 2 {
            self.text()?; // X.509
        }
        self.bytes().map(<[u8]>::to_vec)
    }
}

/// A key in PKCS#8, out of what Java has made of it: a salt, the key and a stream of digests bit by bit, and a digest of the key.
fn decrypted(encrypted: &[u8], password: &[u8]) -> Result<Vec<u8>, JksError> {
    let parts = || {
        let (inside, _) = element(encrypted, SEQUENCE)?;
        let (algorithm, rest) = element(inside, SEQUENCE)?;
        let (algorithm, _) = element(algorithm, OBJECT_IDENTIFIER)?;
        Some((algorithm, element(rest, OCTET_STRING)?.0))
    };
    let (algorithm, protected) = parts().ok_or(Malformed)?;
    if algorithm != JAVA_PROTECTOR {
        return Err(UnknownEntry);
    }
    let (salt, rest) = protected.split_at_checked(DIGEST_BYTES).ok_or(Malformed)?;
    let end = rest.len().checked_sub(DIGEST_BYTES).ok_or(Malformed)?;
    let (secret, check) = rest.split_at(end);
    let mut stream = salt.to_vec();
    let mut key = Vec::with_capacity(secret.len());
    for block in secret.chunks(DIGEST_BYTES) {
        stream = sha1(&[password, &stream]).as_ref().to_vec();
        key.extend(block.iter().zip(&stream).map(|(byte, mask)| byte ^ mask));
    }
    match sha1(&[password, &key]).as_ref() == check {
        true => Ok(key),
        false => Err(WrongPassword),
    }
}

fn sha1(parts: &[&[u8]]) -> Digest {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|part| context.update(part));
    context.finish()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// A key with its certificate, of `keytool -genkeypair -keyalg EC -storetype JKS -storepass changeit -keypass otherpass`.
    const KEY_STORE: &str = "/u3+7QAAAAIAAAABAAAAAQABYQAAAaIo7IQrAAAAfzB9MA4GCisGAQQBKgIRAQEFAARrxS2hZMjWH2H26Jf4gnSqJ8ali3IXPZvBzhcWm2n39w \
        wTNrzJIrX8eh0YdjFCkieAb5ztumxQj/S65joEDRjiGYjhvwl/ppYQoTb1//SZneoqx8iuFXgd9fvgfEOPvmvHqAn/ESWF6YBw1YsAAAABAAVY \
        LjUwOQAAAWAwggFcMIIBA6ADAgECAggjogDWhqACjTAKBggqhkjOPQQDAjAUMRIwEAYDVQQDEwlsb2NhbGhvc3QwIBcNMjYxMTI5MjAwODM4Wh \
        gPMjEyNjExMDUyMDA4MzhaMBQxEjAQBgNVBAMTCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAID4Ydfins9QkE6LMk2INC1 \
        RAKdDxGydNIHdydyDe5ssVvTLA9Atu2MGptmMZ1kCRDGNzWLRwGS37CSHZlxPsqjPTA7MB0GA1UdDgQWBBQMAikJiVbEOsuU5A5dVOYHeYJK3D \
        AaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZIzj0EAwIDRwAwRAIgOVJFTudoopJlgu/qmxE0O5huxl5N2UK2hn6tJYLCBiMCIFqc \
        ie52Zfj4LROcj99aB63HcpBDpHdzBDJff3z3nUbg1qewvXU16ssQQdmiATSuS5svidw=";

    /// That certificate alone, of `keytool -importcert -storetype JKS -storepass changeit`.
    const TRUST_STORE: &str = "/u3+7QAAAAIAAAABAAAAAgACY2EAAAGiKOyJ7wAFWC41MDkAAAFgMIIBXDCCAQOgAwIBAgIII6IA1oagAo0wCgYIKoZIzj0EAwIwFDESMBAGA1 \
        UEAxMJbG9jYWxob3N0MCAXDTI2MTEyOTIwMDgzOFoYDzIxMjYxMTA1MjAwODM4WjAUMRIwEAYDVQQDEwlsb2NhbGhvc3QwWTATBgcqhkjOPQIB \
        BggqhkjOPQMBBwNCAAQCA+GHX4p7PUJBOizJNiDQtUQCnQ8RsnTSB3cncg3ubLFb0ywPQLbtjBqbZjGdZAkQxjc1i0cBkt+wkh2ZcT7Koz0wOz \
        AdBgNVHQ4EFgQUDAIpCYlWxDrLlOQOXVTmB3mCStwwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAoGCCqGSM49BAMCA0cAMEQCIDlSRU7n \
        aKKSZYLv6psRNDuYbsZeTdlCtoZ+rSWCwgYjAiBanInudmX4+C0TnI/fWgetx3KQQ6R3cwQyX398951G4NN663vqJB/2dbiBHOOiA9KCNGUg";

    fn bytes(text: &str) -> Vec<u8> {
        STANDARD.decode(text.replace(' ', "")).unwrap()
    }

    #[test]
    fn stores_of_keytool_are_read_with_their_passwords() {
        let content = read(&bytes(KEY_STORE), "otherpass").unwrap();
        assert_eq!(content.chain().len(), 1);
        // Java leaves the public key out, without which the key would be none
        let key = content.key().unwrap();
        assert!(rustls::crypto::ring::sign::any_supported_type(&key).is_ok());
        let trusted = read(&bytes(TRUST_STORE), "changeit").unwrap();
        assert_eq!(trusted.certificates(), content.certificates());
        assert!(trusted.key().is_none());
        assert!(
            read(&bytes(TRUST_STORE), "").is_ok(),
            "Java needs no password to see certificates"
        );
        assert_eq!(read(&bytes(KEY_STORE), "changeit").err(), Some(WrongPassword));
        assert_eq!(read(&bytes(TRUST_STORE), "other").err(), Some(WrongPassword));
    }

    #[test]
    fn a_damaged_store_is_an_error() {
        for store in [KEY_STORE, TRUST_STORE] {
            let whole = bytes(store);
            for end in 0..whole.len() {
                assert!(read(&whole[..end], "otherpass").is_err(), "{end}");
            }
            for at in 0..whole.len() {
                let mut changed = whole.clone();
                changed[at] ^= 0xff;
                let _ = read(&changed, "otherpass"); // does not panic
            }
        }
    }
}
