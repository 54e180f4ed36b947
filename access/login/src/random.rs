//! Random bytes.

use ring::rand::{SecureRandom, SystemRandom};

/// Bytes that nobody can guess. None if the system gives none.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}
