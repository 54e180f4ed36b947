//! Which traces are recorded.

use crate::context::TraceContext;

/// Which traces are recorded, as OpenTelemetry's `OTEL_TRACES_SAMPLER` names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Whether a caller's own choice counts, where there is one.
    pub asks_parent: bool,
    /// Which part of all other traces is recorded, from 0 to 1.
    pub ratio: f64,
}

impl Sampler {
    /// Whatever the caller does, and every trace that begins here.
    pub const PARENT_OR_ALL: Sampler = Sampler { asks_parent: true, ratio: 1.0 };

    pub(crate) fn records(&self, parent: Option<&TraceContext>, trace_id: u128) -> bool {
        match parent {
            Some(parent) if self.asks_parent => parent.is_sampled,
            // all who sample by the id choose the same traces
            _ => ((trace_id as u64) as f64) < self.ratio * (u64::MAX as f64) || self.ratio >= 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_choice_counts_where_it_is_asked_for() {
        let parent = |is_sampled| TraceContext { trace_id: 1, span_id: 1, is_sampled };
        let (all, none) = (1.0, 0.0);
        for (asks_parent, ratio, given, recorded) in [
            (true, all, None, true),
            (true, none, None, false),
            (true, none, Some(parent(true)), true),
            (true, all, Some(parent(false)), false),
            (false, all, Some(parent(false)), true),
            (false, none, Some(parent(true)), false),
        ] {
            let sampler = Sampler { asks_parent, ratio };
            assert_eq!(
                sampler.records(given.as_ref(), u128::MAX),
                recorded,
                "{sampler:?} {given:?}"
            );
        }
        let half = Sampler { asks_parent: true, ratio: 0.5 };
        let recorded = (0..1000).filter(|_| half.records(None, crate::ids::random())).count();
        assert!((300..700).contains(&recorded), "{recorded}");
    }
}
