//! Credentials of Jetty's `password.properties` that are no real hashes: text in clear, `OBF:` and `MD5:`.

use std::sync::LazyLock;

use md5::{Digest, Md5 as Md5Digest};
use ring::hmac;
use ring::rand::SystemRandom;
use subtle::ConstantTimeEq;

/// A password in clear, as it is kept in memory: its HMAC under a key that this process has made and shows nobody.
/// Comparing two takes the same time whatever their lengths.
pub(crate) struct Plain(hmac::Tag);

/// An MD5 without salt.
pub(crate) struct Md5([u8; 16]);

static KEY: LazyLock<Option<hmac::Key>> =
    LazyLock::new(|| hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok());

impl Plain {
    /// None if the system gives no random bytes.
    pub(crate) fn of(password: &str) -> Option<Plain> {
        Some(Plain(hmac::sign(KEY.as_ref()?, password.as_bytes())))
    }

    /// What no password of allowed length belongs to.
    pub(crate) fn decoy() -> Plain {
        let too_long = [0; super::PASSWORD_BYTES_MAX + 1];
        let fallback = || hmac::Key::new(hmac::HMAC_SHA256, &[]);
        let key = KEY.as_ref().cloned().unwrap_or_else(fallback);
        Plain(hmac::sign(&key, &too_long))
    }

    pub(crate) fn matches(&self, password: &str) -> bool {
        let Some(key) = KEY.as_ref() else { return false };
        hmac::verify(key, password.as_bytes(), self.0.as_ref()).is_ok()
    }
}

impl Md5 {
    /// Reads 32 hexadecimal digits, in any case: Jetty's own tool mixes them. None if it is not that.
    pub(crate) fn parse(text: &str) -> Option<Md5> {
        let mut bytes = [0; 16];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Md5(bytes))
    }

    /// Jetty computes it of Latin-1 where the password is that.
    pub(crate) fn matches(&self, password: &str) -> bool {
        let latin: Option<Vec<u8>> = password.chars().map(|c| u8::try_from(c).ok()).collect();
        let of_latin = latin.map(Md5Digest::digest);
        let of_utf8 = Md5Digest::digest(password.as_bytes());
        let is_equal = |digest: &[u8]| bool::from(digest.ct_eq(&self.0));
        of_latin.is_some_and(|digest| is_equal(&digest)) | is_equal(&of_utf8)
    }
}

/// The text behind `OBF:` in clear: four digits of base 36 for each byte, which stand for the sum and the difference of it
/// and its mirror image, or `U` and four digits for two bytes where one of them is above 127.
///
/// None if it is not that.
pub(crate) fn deobfuscated(text: &str) -> Option<String> {
    let mut digits = text.as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() / 4);
    while !digits.is_empty() {
        let is_pair = digits[0] == b'U';
        digits = &digits[usize::from(is_pair)..];
        let (four, rest) = digits.split_at_checked(4)?;
        digits = rest;
        if !four.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let number = u32::from_str_radix(std::str::from_utf8(four).ok()?, 36).ok()?;
        let (high, low) = (number / 256, number % 256);
        let byte = if is_pair { high } else { (high + low).checked_sub(254)? / 2 };
        bytes.push(u8::try_from(byte).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // as `org.eclipse.jetty.util.security.Password` of Jetty 12.0.20 prints them

    #[test]
    fn what_jetty_has_obfuscated_is_read() {
        for (obfuscated, clear) in [
            ("1v2j1uum1xtv1zej1zer1xtn1uvk1v1v", "password"),
            ("U0mv0U12o3U0xf11vn21vnw1vn61vo0U090pU12o3U1183", "sécret-ü"),
            ("1y0s1v1p1c3j1v2p1y0y", "pa:ss"),
            ("20lb", "x"),
        ] {
            assert_eq!(deobfuscated(obfuscated).as_deref(), Some(clear));
        }
        for broken in ["1", "1v2", "U", "U12", "0000", "zzzz", "1v2j1uu+", "Uzzzz", "é1234", "+123"]
        {
            assert_eq!(deobfuscated(broken), None, "{broken}");
        }
    }

    #[test]
    fn jettys_md5_is_read() {
        for (digest, clear) in [
            ("5f4dCc3b5aA765D61d8327DeB882Cf99", "password"),
            ("5F4DCC3B5AA765D61D8327DEB882CF99", "password"),
            ("939dE3579f9110Ec0d8fAfD7Ac5eC559", "sécret-ü"),
            ("9dD4E461268c8034F5C8564e155c67A6", "x"),
        ] {
            let md5 = Md5::parse(digest).unwrap();
            assert!(md5.matches(clear), "{clear}");
            assert!(!md5.matches(digest) && !md5.matches("y"), "{clear}");
        }
        assert!(Md5::parse("5f4d").is_none());
        assert!(Md5::parse("+f4dCc3b5aA765D61d8327DeB882Cf99").is_none());
    }

    #[test]
    fn a_password_in_clear_matches_itself_alone() {
        let stored = Plain::of("secret").unwrap();
        assert!(stored.matches("secret"));
        assert!(!stored.matches("secret ") && !stored.matches(""));
    }
}
