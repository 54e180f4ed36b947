//! Whether Kafka can be reached, asked once for all who want to know.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer counts.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// How long a broker may take to say that it is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The answer that was found out last.
#[derive(Default)]
pub(crate) struct Reach {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Reach {
    /// The last answer, or a new one: nothing, or why no broker can be reached.
    pub(crate) async fn known(
        &self,
        ask: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        // who comes meanwhile waits for this answer
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < KNOWN_FOR
        {
            return answer.clone();
        }
        let answer = tokio::time::timeout(PATIENCE, ask)
            .await
            .unwrap_or_else(|_| Err(format!("no broker has answered in {PATIENCE:?}")));
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
