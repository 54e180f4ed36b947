//! Whether Kafka can be reached, asked once for all who want to know.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use weir_http::health::{Check, Finding};

/// How long an answer counts.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// How long a broker may take to say that it is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The answer that was found out last.
pub(crate) struct Reach {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
    /// The answer, for who does not wait for one.
    check: Arc<Check>,
}

impl Default for Reach {
    fn default() -> Reach {
        Reach { last: Mutex::default(), check: Check::required("kafka") }
    }
}

impl Reach {
    pub(crate) fn check(&self) -> &Arc<Check> {
        &self.check
    }

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
        self.check.found(match &answer {
            Ok(()) => Finding::Well,
            Err(why) => Finding::Starting(why.clone()),
        });
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
