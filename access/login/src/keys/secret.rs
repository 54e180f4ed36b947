//! What an API key is made of: `weir_ID_SECRET`, 16 and 57 characters of `a` to `z` and `2` to `7`.

use std::fmt;

use ring::digest::{SHA256, digest};

use crate::random::random;

/// What a key begins with, so that scanners find keys that have leaked: `weir_[a-z2-7]{16}_[a-z2-7]{57}`.
pub(crate) const PREFIX: &str = "weir_";

/// RFC 4648's base 32 in small letters: five bits a character.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

const ID_BYTES: usize = 10;
const RANDOM_BYTES: usize = 32;
const CHECK_BYTES: usize = 3;

/// Which key it is. No secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(Box<str>);

/// A key's secret: 256 random bits, and 24 that say whether it was copied right and belongs to the id.
pub(crate) struct KeySecret(Box<str>);

/// What is stored of a secret: its SHA-256.
///
/// Passwords need a slow hash, since people choose them and the likely ones can be tried. Of 256 random bits none is likelier than
/// another, and to try them all is out of reach however fast each try is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest(pub(super) [u8; 32]);

impl KeyId {
    /// None if the system gives no random bytes.
    pub(super) fn new() -> Option<KeyId> {
        Some(KeyId(base32(&random::<ID_BYTES>()?).into()))
    }

    /// None if it is no id: a user's name is none, unless it was made to look like one.
    pub(super) fn parse(text: &str) -> Option<KeyId> {
        is_base32(text, ID_BYTES).then(|| KeyId(text.into()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl KeySecret {
    /// None if the system gives no random bytes.
    pub(super) fn new(id: &KeyId) -> Option<KeySecret> {
        let random = base32(&random::<RANDOM_BYTES>()?);
        // 256 bits end within a character: what follows them begins with a new one
        let check = base32(&check(id, &random));
        Some(KeySecret((random + &check).into()))
    }

    /// None if its form or its check sum is wrong.
    pub(super) fn parse(id: &KeyId, text: &str) -> Option<KeySecret> {
        let random = text.get(..characters(RANDOM_BYTES))?;
        let is_good =
            is_base32(random, RANDOM_BYTES) && text[random.len()..] == base32(&check(id, random));
        is_good.then(|| KeySecret(text.into()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn digest(&self) -> Digest {
        sha256(self.0.as_bytes())
    }
}

impl Digest {
    /// What no secret has.
    pub(super) const NONE: Digest = Digest([0; 32]);

    /// Reads 64 hexadecimal digits in small letters. None if it is not that.
    pub(super) fn parse(text: &str) -> Option<Digest> {
        let mut bytes = [0; 32];
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * bytes.len() || !text.bytes().all(is_hex) {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Digest(bytes))
    }
}

fn check(id: &KeyId, random: &str) -> [u8; CHECK_BYTES] {
    let Digest(digest) = sha256(format!("{}_{random}", id.text()).as_bytes());
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut made = [0; 32];
    made.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Digest(made)
}

/// The characters that so many bytes take.
const fn characters(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(characters(bytes.len()));
    let (mut bits, mut count) = (0_u32, 0);
    let mut push = |index: u32| text.push(char::from(ALPHABET[(index & 31) as usize]));
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count);
        }
    }
    if count > 0 {
        push(bits << (5 - count));
    }
    text
}

fn is_base32(text: &str, bytes: usize) -> bool {
    text.len() == characters(bytes) && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Nothing can be done with a digest, but nobody needs to see it either.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[digest]")
    }
}

/// 64 hexadecimal digits: what is written to a keys file.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_rfc_4648s() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(b"foob"), "mzxw6yq");
        assert_eq!(base32(&[]), "");
    }

    #[test]
    fn a_key_has_the_form_that_scanners_look_for() {
        let id = KeyId::new().unwrap();
        let secret = KeySecret::new(&id).unwrap();
        assert_eq!((id.text().len(), secret.text().len()), (16, 57));
        assert!(KeyId::parse(id.text()).is_some());
        assert!(KeySecret::parse(&id, secret.text()).is_some());
    }

    #[test]
    fn a_secret_that_was_copied_wrong_or_is_anothers_is_none() {
        let id = KeyId::new().unwrap();
        let secret = KeySecret::new(&id).unwrap();
        let text = secret.text();
        assert!(KeySecret::parse(&KeyId::new().unwrap(), text).is_none());
        let other = if text.starts_with('a') { "b" } else { "a" };
        for broken in [
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}a"),
            &format!("{other}{}", &text[1..]),
            &text.to_uppercase(),
            &format!("{}é{}", &text[..20], &text[22..]),
            "",
        ] {
            assert!(KeySecret::parse(&id, broken).is_none());
        }
    }

    #[test]
    fn a_digest_is_what_sha256sum_prints() {
        let secret = KeySecret("abc".into());
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(secret.digest().to_string(), digest);
        assert!(Digest::parse(digest) == Some(secret.digest()));
        assert!(Digest::parse("ba78").is_none() && Digest::parse(&digest.to_uppercase()).is_none());
    }
}
