//! How much a principal may ask for.

/// How much a principal may ask for; none is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Requests in a second.
    pub requests_per_sec: Option<u32>,
    /// Bytes of requests' bodies in a second.
    pub bytes_per_sec: Option<u64>,
    /// Requests that are being answered at one time.
    pub in_flight: Option<u32>,
    /// Consumer instances of the REST proxy.
    pub consumer_instances: Option<u32>,
}

impl Quotas {
    /// For each limit the smaller one of two quotas.
    pub(crate) fn smallest(self, other: Quotas) -> Quotas {
        Quotas {
            requests_per_sec: smaller(self.requests_per_sec, other.requests_per_sec),
            bytes_per_sec: smaller(self.bytes_per_sec, other.bytes_per_sec),
            in_flight: smaller(self.in_flight, other.in_flight),
            consumer_instances: smaller(self.consumer_instances, other.consumer_instances),
        }
    }
}

/// The smaller one of two limits, of which none is no limit.
fn smaller<N: Ord>(one: Option<N>, other: Option<N>) -> Option<N> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
