//! What a request waits for in the registry, as its log lines and spans name it.

use weir_trace::{Kind, Phase, Step};

/// Work that has no order among requests: looking a schema up, checking compatibility.
pub(crate) const CHECK: Step = Step::new(Phase::Work, "registry check", Kind::Internal);

/// Until there is a lane for it.
pub(crate) const LANE: Step = Step::new(Phase::Lane, "registry wait for a lane", Kind::Internal);

/// A command, from the writer's queue to its answer.
pub(crate) const WRITE: Step = Step::new(Phase::Queue, "registry write", Kind::Internal);

/// The writer decides what waits.
pub(crate) const DECIDE: Step = Step::new(Phase::Work, "registry decide", Kind::Internal);

/// The writer appends what was decided, together with what others have asked for.
pub(crate) const APPEND: Step = Step::new(Phase::Append, "registry append", Kind::Client);

/// The writer shows the new state.
pub(crate) const APPLY: Step = Step::new(Phase::Work, "registry apply", Kind::Internal);

/// This node reads what others have written.
pub(crate) const CATCH_UP: Step = Step::new(Phase::CatchUp, "registry catch up", Kind::Internal);

/// The node that leads answers a request that was forwarded to it.
#[cfg(feature = "kafka")]
pub(crate) const FORWARD: Step = Step::new(Phase::Leader, "registry forward", Kind::Client);

/// This node reads what the leader has written for it.
#[cfg(feature = "kafka")]
pub(crate) const FOLLOW: Step =
    Step::new(Phase::CatchUp, "registry read own write", Kind::Internal);
