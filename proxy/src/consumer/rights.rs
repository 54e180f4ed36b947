//! What the proxy's principal has no rights on. librdkafka says it once, or goes on asking: Kafka is asked,
//! so that each request hears of it.

use std::time::Duration;

use super::instance::Instance;
use super::reading::{Denied, Reading};
use crate::error::ProxyError;

/// How long librdkafka may take for what it asks a group's coordinator, before that is asked whether it
/// refuses.
const COORDINATOR_PATIENCE: Duration = Duration::from_millis(300);

impl Instance {
    pub(super) fn denied(&self, denied: Denied, reading: &Reading) -> ProxyError {
        match denied {
            Denied::Group => ProxyError::group_denied(self.group()),
            Denied::Topics => ProxyError::topics_denied(&reading.source.topics()),
        }
    }

    /// Asks Kafka whether rights are missing still; librdkafka says it once. 40301.
    pub(super) async fn check_rights(&self, reading: &mut Reading) -> Result<(), ProxyError> {
        let Some(denied) = reading.denied else { return Ok(()) };
        let asked = match denied {
            Denied::Group => self.broker.cluster.may_join(self.group()).await,
            Denied::Topics => self.broker.cluster.may_read(&reading.source.topics()).await,
        };
        match asked {
            Ok(()) => {
                reading.denied = None;
                if denied == Denied::Group {
                    // librdkafka does not knock again where it was refused
                    self.give_up_client(reading);
                }
                Ok(())
            }
            Err(fault) if fault.code.is_unauthorized() => Err(fault.into()),
            // it cannot be asked, so it is as it was
            Err(_) => Err(self.denied(denied, reading)),
        }
    }

    /// Waits for what librdkafka asks the group's coordinator. Where that refuses the group, librdkafka
    /// would go on asking until its time is over. 40301.
    pub(super) async fn in_group<T>(
        &self,
        asked: impl Future<Output = Result<T, ProxyError>>,
    ) -> Result<T, ProxyError> {
        let refusal = async {
            tokio::time::sleep(COORDINATOR_PATIENCE).await;
            match self.broker.cluster.may_join(self.group()).await {
                Err(fault) if fault.code.is_unauthorized() => fault.into(),
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            answer = asked => match answer {
                Err(error) if error.is_unauthorized() => Err(ProxyError::group_denied(self.group())),
                answer => answer,
            },
            error = refusal => Err(error),
        }
    }
}
