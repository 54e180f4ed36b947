//! How many descriptors (sockets, files) this process may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than this is not asked for, where there is no limit.
const DESCRIPTORS_MAX: u64 = 1_048_576;

/// Raises the soft limit of descriptors to the hard one, and returns how many there may be now. A shell's soft limit
/// is 1,024 for programs that use `select`; this is none.
pub fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(DESCRIPTORS_MAX).min(DESCRIPTORS_MAX);
    let current = limit.current.unwrap_or(DESCRIPTORS_MAX);
    if current >= wanted {
        return usize::try_from(current.min(DESCRIPTORS_MAX)).unwrap_or(usize::MAX);
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, "the limit of descriptors stays at {current}");
            current
        }
    };
    usize::try_from(allowed).unwrap_or(usize::MAX)
}
