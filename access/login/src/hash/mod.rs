//! What is stored of a password, and whether a password belongs to it.

mod argon2id;
mod bcrypt_text;
mod jetty;
mod karapace;

use std::fmt;

pub(crate) use argon2id::{Argon2id, PREFIX as ARGON2ID_PREFIX};
pub(crate) use bcrypt_text::{BCRYPT_BYTES_MAX, Bcrypt};
pub(crate) use jetty::{Md5, Plain, deobfuscated};
pub(crate) use karapace::{Pbkdf2, Pbkdf2Digest, Scrypt};

/// The most bytes of a password: longer ones are refused before anything is computed of them.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// What is stored of a password.
pub(crate) enum Stored {
    Argon2id(Argon2id),
    Bcrypt(Bcrypt),
    Pbkdf2(Pbkdf2),
    Scrypt(Scrypt),
    Md5(Md5),
    Plain(Plain),
}

/// What checking a password takes: passwords whose costs are equal take equally long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cost {
    Argon2id(argon2id::Cost),
    /// The logarithm of the rounds.
    Bcrypt(u32),
    Pbkdf2(Pbkdf2Digest),
    Scrypt,
    /// Text in clear, or an MD5: a microsecond.
    Quick,
}

impl Stored {
    pub(crate) fn cost(&self) -> Cost {
        match self {
            Stored::Argon2id(stored) => Cost::Argon2id(stored.cost()),
            Stored::Bcrypt(stored) => Cost::Bcrypt(stored.cost()),
            Stored::Pbkdf2(stored) => Cost::Pbkdf2(stored.digest()),
            Stored::Scrypt(_) => Cost::Scrypt,
            Stored::Md5(_) | Stored::Plain(_) => Cost::Quick,
        }
    }

    /// Returns true if it was made of this password. May take a second: not for a runtime's thread.
    pub(crate) fn matches(&self, password: &str) -> bool {
        match self {
            Stored::Argon2id(stored) => stored.matches(password),
            Stored::Bcrypt(stored) => stored.matches(password),
            Stored::Pbkdf2(stored) => stored.matches(password),
            Stored::Scrypt(stored) => stored.matches(password),
            Stored::Md5(stored) => stored.matches(password),
            Stored::Plain(stored) => stored.matches(password),
        }
    }

    /// What is compared with in place of an unknown user's. That a password matches it means nothing.
    pub(crate) fn decoy(cost: Cost) -> Stored {
        match cost {
            Cost::Argon2id(cost) => Stored::Argon2id(Argon2id::decoy(cost)),
            Cost::Bcrypt(cost) => Stored::Bcrypt(Bcrypt::decoy(cost)),
            Cost::Pbkdf2(digest) => Stored::Pbkdf2(Pbkdf2::decoy(digest)),
            Cost::Scrypt => Stored::Scrypt(Scrypt::decoy()),
            Cost::Quick => Stored::Plain(Plain::decoy()),
        }
    }
}

impl Cost {
    /// The cost of what Weir itself makes, if nothing else is said.
    pub(crate) const DEFAULT: Cost = Cost::Argon2id(argon2id::Cost::DEFAULT);

    /// The memory that checking one password takes, in KiB.
    pub(crate) fn memory_kib(self) -> u32 {
        match self {
            Cost::Argon2id(cost) => cost.memory_kib,
            Cost::Scrypt => karapace::SCRYPT_MEMORY_KIB,
            Cost::Bcrypt(_) | Cost::Pbkdf2(_) | Cost::Quick => 8,
        }
    }
}

/// `argon2id m=19456,t=2,p=1`, `bcrypt 12`: what `weir user list` shows.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cost::Argon2id(cost) => write!(f, "argon2id {cost}"),
            Cost::Bcrypt(cost) => write!(f, "bcrypt {cost}"),
            Cost::Pbkdf2(digest) => write!(f, "pbkdf2-{}", digest.name()),
            Cost::Scrypt => f.write_str("scrypt"),
            Cost::Quick => f.write_str("not hashed, or MD5"),
        }
    }
}

/// Never the hash.
impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.cost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoy_costs_what_it_stands_for() {
        let costs = [
            Cost::DEFAULT,
            Cost::Bcrypt(4),
            Cost::Pbkdf2(Pbkdf2Digest::Sha1),
            Cost::Pbkdf2(Pbkdf2Digest::Sha256),
            Cost::Pbkdf2(Pbkdf2Digest::Sha512),
            Cost::Scrypt,
            Cost::Quick,
        ];
        for cost in costs {
            let decoy = Stored::decoy(cost);
            assert_eq!(decoy.cost(), cost);
            assert!(!decoy.matches("a password"), "{cost}");
        }
    }
}
