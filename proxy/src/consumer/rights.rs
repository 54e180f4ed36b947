//! What the proxy's principal has no rights on. librdkafka says it once, or goes on asking: Kafka is asked,
//! so that each request hears of it.

use std::time::Duration;

use super::task::Instance;
use super::trouble::Denied;
use super::turn::Held;
use crate::error::ProxyError;

/// How long librdkafka may take for what it asks a group's coordinator, before that is asked whether it
/// refuses.
const COORDINATOR_PATIENCE: Duration = Duration::from_millis(300);

impl Instance {
    /// Asks Kafka whether rights are missing still, if they were; librdkafka says it once. 40301.
    pub(super) async fn check_rights(&self, held: &Held<'_>) -> Result<(), ProxyError> {
        let Some(denied) = self.core().state().trouble.denied else { return Ok(()) };
        let source = self.core().state().source().clone();
        let asked = match denied {
            Denied::Group => self.broker.cluster.may_join(self.group()).await,
            Denied::Topics => self.broker.cluster.may_read(&source.topics()).await,
        };
        match asked {
            Ok(()) => {
                self.core().reading.state.trouble.denied = None;
                if denied == Denied::Group {
                    // librdkafka does not knock again where it was refused
                    self.give_up_client(held);
                }
                Ok(())
            }
            Err(fault) if fault.code.is_unauthorized() => Err(fault.into()),
            // it cannot be asked, so it is as it was
            Err(_) => Err(self.core().state().denial(denied, self.group())),
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
