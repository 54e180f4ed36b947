//! Where the log ends: asked of Kafka once for all who want to know at the same time.

use std::sync::{Arc, Weak};

use tokio::sync::{mpsc, oneshot};

use super::Cluster;
use crate::log::kafka::Topic;

type Question = oneshot::Sender<Option<u64>>;

pub(crate) struct Freshness(mpsc::UnboundedSender<Question>);

impl Freshness {
    pub(super) fn new() -> (Freshness, mpsc::UnboundedReceiver<Question>) {
        let (ask, questions) = mpsc::unbounded_channel();
        (Freshness(ask), questions)
    }

    /// An end of the log that is not older than the question; none if Kafka does not say.
    pub(crate) async fn end(&self) -> Option<u64> {
        let (ask, answer) = oneshot::channel();
        self.0.send(ask).ok()?;
        answer.await.ok()?
    }
}

/// Answers questions. Those that come while Kafka is asked wait for the next time.
pub(super) async fn answer(
    topic: Arc<Topic>,
    cluster: Weak<Cluster>,
    mut questions: mpsc::UnboundedReceiver<Question>,
) {
    let mut waiting = Vec::new();
    while questions.recv_many(&mut waiting, usize::MAX).await > 0 {
        let end = topic.end().await.inspect_err(|error| tracing::debug!(%error, "no end")).ok();
        if let (Some(end), Some(cluster)) = (end, cluster.upgrade()) {
            cluster.heard(end);
        }
        for question in waiting.drain(..) {
            let _ = question.send(end); // who asked may be gone
        }
    }
}
