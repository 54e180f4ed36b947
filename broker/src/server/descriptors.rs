//! How many connections the descriptors (sockets, files) of this process allow.

use rustix::process::{Resource, getrlimit};

/// So many descriptors are left to the files of topics, and to what else each process has open.
const OTHERS: usize = 128;
/// There may be so many connections wherever descriptors are scarce.
const CONNECTIONS_MIN: usize = 16;

/// How many descriptors this process may have now. Who embeds a broker can raise the limit before the start.
pub fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// At most `wanted` connections, and half of the descriptors that files leave: the other half is for whatever
/// else listens in this process. Without a descriptor the broker can neither read nor write its topics.
pub fn connections_max(wanted: usize, descriptors: usize) -> usize {
    let allowed = (descriptors.saturating_sub(OTHERS) / 2).max(CONNECTIONS_MIN);
    if allowed < wanted {
        tracing::warn!(
            "the limit of {descriptors} descriptors allows {allowed} connections to the broker instead of {wanted} (ulimit -n)"
        );
    }
    wanted.min(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_files_of_topics() {
        assert_eq!(connections_max(2000, 256), 64);
        assert_eq!(connections_max(2000, 1024), 448);
        assert_eq!(connections_max(2000, 20_000), 2000);
        assert_eq!(connections_max(2000, 10), CONNECTIONS_MIN);
        assert_eq!(connections_max(2, 10), 2);
        assert_eq!(connections_max(2000, usize::MAX), 2000);
    }
}
