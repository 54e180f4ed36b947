//! What a request waits for in the proxy, as its log lines and spans name it.

use weir_trace::{Kind, Phase, Step};

/// A question to the registry.
pub(crate) const REGISTRY: Step = Step::new(Phase::Registry, "schema registry", Kind::Client);

/// Records on their way, from the send queue to their delivery reports.
pub(crate) const PRODUCE: Step = Step::new(Phase::Kafka, "kafka produce", Kind::Producer);

/// A consumer instance waits for records.
pub(crate) const FETCH: Step = Step::new(Phase::Poll, "kafka fetch", Kind::Consumer);
