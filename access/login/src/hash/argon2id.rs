//! Argon2id in the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;

use crate::random::random;

/// What all of them begin with.
pub(crate) const PREFIX: &str = "$argon2id$";

/// The most memory of one check, in KiB. A file that asks for more is refused: it could take all of the machine's.
const MEMORY_KIB_MAX: u32 = 256 * 1024;

/// The most passes over the memory.
const PASSES_MAX: u32 = 64;

/// The most lanes.
const LANES_MAX: u32 = 64;

/// The most memory times passes, in KiB: some seconds of a core.
const WORK_KIB_MAX: u64 = 4 * MEMORY_KIB_MAX as u64;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Lengths that the algorithm allows, up to what anybody uses.
const SALT_BYTES_RANGE: std::ops::RangeInclusive<usize> = 8..=64;
const HASH_BYTES_RANGE: std::ops::RangeInclusive<usize> = 16..=64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    passes: u32,
    lanes: u32,
    hash_bytes: usize,
}

pub(crate) struct Argon2id {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Cost {
    /// What OWASP recommends at least.
    pub(crate) const DEFAULT: Cost =
        Cost { memory_kib: 19 * 1024, passes: 2, lanes: 1, hash_bytes: HASH_BYTES };

    fn params(self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(self.hash_bytes)).ok()
    }

    fn is_bounded(self) -> bool {
        let work = u64::from(self.memory_kib) * u64::from(self.passes);
        self.memory_kib <= MEMORY_KIB_MAX
            && self.passes <= PASSES_MAX
            && self.lanes <= LANES_MAX
            && work <= WORK_KIB_MAX
            && HASH_BYTES_RANGE.contains(&self.hash_bytes)
    }
}

impl Argon2id {
    /// Hashes a password with a random salt, at the default cost. None if the system gives no random bytes.
    pub(crate) fn of(password: &str) -> Option<Argon2id> {
        let salt = random::<SALT_BYTES>()?.to_vec();
        let cost = Cost::DEFAULT;
        Some(Argon2id { hash: computed(cost, &salt, password)?, cost, salt })
    }

    /// Reads a PHC string. The error says what is wrong, without any of it.
    pub(crate) fn parse(text: &str) -> Result<Argon2id, String> {
        let fields = text.strip_prefix(PREFIX).ok_or("it does not begin with $argon2id$")?;
        let fields: Vec<&str> = fields.split('$').collect();
        let [version, costs, salt, hash] = fields[..] else {
            return Err("expected $argon2id$v=19$m=..,t=..,p=..$SALT$HASH".to_string());
        };
        if version != "v=19" {
            return Err("only version 19 of argon2id is known: v=19".to_string());
        }
        let salt = STANDARD_NO_PAD.decode(salt).map_err(|_| "its salt is not base64")?;
        let hash = STANDARD_NO_PAD.decode(hash).map_err(|_| "its hash is not base64")?;
        let cost = cost(costs, hash.len()).ok_or("expected m=..,t=..,p=.. with numbers")?;
        if !SALT_BYTES_RANGE.contains(&salt.len()) {
            return Err("its salt is to have 8 to 64 bytes".to_string());
        }
        if !cost.is_bounded() || cost.params().is_none() {
            return Err(format!(
                "it costs too much, or less than argon2id can: at most m={MEMORY_KIB_MAX}, t={PASSES_MAX}, \
                 p={LANES_MAX}, m times t {WORK_KIB_MAX}, and a hash of 16 to 64 bytes"
            ));
        }
        Ok(Argon2id { cost, salt, hash })
    }

    pub(crate) fn decoy(cost: Cost) -> Argon2id {
        Argon2id { cost, salt: vec![0; SALT_BYTES], hash: vec![0; cost.hash_bytes] }
    }

    pub(crate) fn cost(&self) -> Cost {
        self.cost
    }

    pub(crate) fn matches(&self, password: &str) -> bool {
        computed(self.cost, &self.salt, password).is_some_and(|hash| hash.ct_eq(&self.hash).into())
    }
}

/// Reads `m=19456,t=2,p=1`.
fn cost(text: &str, hash_bytes: usize) -> Option<Cost> {
    let fields: Vec<&str> = text.split(',').collect();
    let [memory, passes, lanes] = fields[..] else { return None };
    let number = |field: &str, name: &str| field.strip_prefix(name)?.parse().ok();
    Some(Cost {
        memory_kib: number(memory, "m=")?,
        passes: number(passes, "t=")?,
        lanes: number(lanes, "p=")?,
        hash_bytes,
    })
}

fn computed(cost: Cost, salt: &[u8], password: &str) -> Option<Vec<u8>> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    let mut hash = vec![0; cost.hash_bytes];
    argon2.hash_password_into(password.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

/// The PHC string: what is written to a users file.
impl fmt::Display for Argon2id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, hash) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.hash));
        write!(f, "{PREFIX}v=19${}${salt}${hash}", self.cost)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.memory_kib, self.passes, self.lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of the algorithm's authors: `password` with the salt `somesalt`.
    const PASSWORD: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    #[test]
    fn the_hash_of_the_algorithms_authors_is_read_and_written() {
        let stored = Argon2id::parse(PASSWORD).unwrap();
        assert!(stored.matches("password"));
        assert!(!stored.matches("Password"));
        assert_eq!(stored.to_string(), PASSWORD);
    }

    #[test]
    fn two_hashes_of_a_password_are_not_equal_and_both_match() {
        let [one, two] = [(); 2].map(|()| Argon2id::of("secret").unwrap());
        assert_ne!(one.to_string(), two.to_string());
        let read = Argon2id::parse(&one.to_string()).unwrap();
        assert!(read.matches("secret") && two.matches("secret"));
        assert_eq!(read.cost(), Cost::DEFAULT);
    }

    #[test]
    fn a_hash_that_would_take_all_memory_or_time_is_refused() {
        for costs in [
            "m=4294967295,t=1,p=1",
            "m=262144,t=64,p=1",
            "m=8,t=65,p=1",
            "m=8,t=0,p=1",
            "m=7,t=1,p=1",
            "m=8,t=1,p=0",
            "m=8,t=1,p=65",
            "m=8,t=1",
            "t=1,m=8,p=1",
            "m=8,t=1,p=1,data=AA",
            "m=99999999999,t=1,p=1",
        ] {
            let text = PASSWORD.replace("m=256,t=2,p=1", costs);
            assert!(Argon2id::parse(&text).is_err(), "{costs}");
        }
        for text in [
            "$argon2id$",
            "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=1$c29t$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65",
        ] {
            assert!(Argon2id::parse(text).is_err(), "{text}");
        }
    }
}
