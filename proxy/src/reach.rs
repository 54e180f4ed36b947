//! Whether Kafka can be reached, asked once for all who want to know.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use weir_http::health::{Check, Finding};
use weir_trace::Outage;

/// How long an answer counts.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// How long a broker may take to say that it is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The answer that was found out last.
pub(crate) struct Reach {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
    outage: Outage,
    /// The answer, for who does not wait for one.
    check: Arc<Check>,
}

impl Default for Reach {
    fn default() -> Reach {
        let outage = Outage::new("Kafka is not reached", "Kafka is reached again");
        Reach { last: Mutex::default(), outage, check: Check::required("kafka") }
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
            .unwrap_or_else(|_| Err(format!("no broker has answered in {} s", PATIENCE.as_secs())));
        self.check.found(match &answer {
            Ok(()) => Finding::Well,
            Err(why) => Finding::Starting(why.clone()),
        });
        match &answer {
            Ok(()) => drop(self.outage.is_over()),
            Err(why) => self.outage.fails(why),
        }
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
