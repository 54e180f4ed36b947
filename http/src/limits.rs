//! How much of this process strangers may take: the names, units and defaults of all limits.

use std::time::Duration;

/// Limits that all listeners of a process share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that may be open.
    pub connections_max: usize,
    /// Connections that may be open from one address; of IPv6, from one network of 64 bits.
    pub connections_per_address_max: usize,
    /// Bytes of all requests' bodies that have arrived and whose requests are not answered yet.
    pub body_bytes_sum_max: usize,
    /// How long a body that finds that sum used up waits before it is refused.
    pub body_wait: Duration,
    /// How long a body may take to arrive as a whole.
    pub body_timeout: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub answer_stall_timeout: Duration,
    /// How long a client may be behind with what it is sent, however steadily it reads.
    pub answer_timeout: Duration,
    /// How long the head of a request may take from its first byte on.
    pub header_timeout: Duration,
    /// How long a request may take until its answer begins, its body included.
    pub request_timeout: Duration,
    /// How long a connection is kept without a request.
    pub idle_timeout: Duration,
    /// How long a client may take to agree on keys.
    pub handshake_timeout: Duration,
    /// Requests of HTTP/2 that may be under way on a connection.
    pub streams_max: u32,
    /// A request that takes this long is said in the log, with what it has waited for. Zero: none is.
    pub slow_request: Duration,
}

/// Connections are at most so many, however many descriptors there are: each may hold 64 KiB of a request.
const CONNECTIONS_MAX: usize = 10_000;

/// And are at least so many.
const CONNECTIONS_MIN: usize = 8;

impl Limits {
    /// The defaults where a process may have so many descriptors. Half of them are for connections: the others are
    /// for files, and for the connections to Kafka that requests cause.
    pub fn for_descriptors(descriptors: usize) -> Limits {
        let connections_max = (descriptors / 2).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
        Limits {
            connections_max,
            connections_per_address_max: Limits::per_address(connections_max),
            body_bytes_sum_max: 128 * 1024 * 1024,
            body_wait: Duration::from_secs(2),
            body_timeout: Duration::from_secs(60),
            answer_stall_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(300),
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            streams_max: 100,
            slow_request: Duration::from_secs(1),
        }
    }

    /// The default share of one address, where so many connections may be open: half of them.
    pub fn per_address(connections_max: usize) -> usize {
        (connections_max / 2).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_half_of_the_descriptors_to_others() {
        let limits = Limits::for_descriptors(1024);
        assert_eq!((limits.connections_max, limits.connections_per_address_max), (512, 256));
        assert_eq!(Limits::for_descriptors(1_000_000).connections_max, CONNECTIONS_MAX);
        assert_eq!(Limits::for_descriptors(4).connections_max, CONNECTIONS_MIN);
    }
}
