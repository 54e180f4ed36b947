//! Subscriptions by pattern. librdkafka is given the names that match, and is given others when topics are made or deleted.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::instances::Instances;
use super::pattern::{Followed, TopicPattern};
use super::session::Session;
use super::state::{Command, Source};
use super::task::Instance;
use super::turn::Held;
use crate::error::ProxyError;

/// How often Kafka is asked which topics there are, while any instance follows a pattern.
const INTERVAL: Duration = Duration::from_secs(3);

/// How long a subscription waits for Kafka to say which topics there are; later it hears of them as of new topics.
const PATIENCE: Duration = Duration::from_secs(2);

impl Instance {
    /// Subscribes to the topics that match a pattern. 40903 partitions are assigned, or topics are subscribed by name.
    pub(crate) async fn subscribe_pattern(&self, pattern: TopicPattern) -> Result<(), ProxyError> {
        let none = Command::SubscribePattern { pattern: String::new(), topics: Arc::default() };
        let held = self.turn.take_over().await;
        self.core().state().decide(none)?;
        drop(held);
        let asked = tokio::time::timeout(PATIENCE, self.broker.topics()).await;
        let compared: Arc<[String]> = asked.ok().and_then(Result::ok).unwrap_or_default().into();
        let pattern = Arc::new(pattern);
        let topics = matching(pattern.clone(), compared.clone()).await?;
        let held = self.turn.take_over().await;
        let text = pattern.text().to_string();
        let command = Command::SubscribePattern { pattern: text, topics: topics.clone() };
        self.change_source(&held, command).await?;
        self.core().followed = Some(Followed { pattern, compared, matching: topics });
        Ok(())
    }

    /// Subscribes to the topics that match the pattern now, if there is one and they are others than before.
    pub(super) fn follow(&self, _held: &Held<'_>) -> Result<(), ProxyError> {
        let core = self.core();
        let Some(followed) = &core.followed else { return Ok(()) };
        if let Source::Pattern { topics, .. } = core.state().source()
            && Arc::ptr_eq(topics, &followed.matching)
        {
            return Ok(());
        }
        let decision = core.state().decide(Command::Match { topics: followed.matching.clone() })?;
        let client = core.client.clone();
        drop(core);
        if let Some(client) = client {
            for effect in decision.effects {
                self.perform(&client, effect)?;
            }
        }
        self.core().reading.apply(decision.change);
        Ok(())
    }

    fn follows(&self) -> bool {
        self.core().followed.is_some()
    }

    /// The pattern, if it was not compared with these topics.
    fn to_compare(&self, topics: &Arc<[String]>) -> Option<Arc<TopicPattern>> {
        let core = self.core();
        let followed = core.followed.as_ref()?;
        (followed.compared != *topics).then(|| followed.pattern.clone())
    }

    /// The topics that match are subscribed to by the read that waits, or by the next request or tick.
    fn note_matching(
        &self,
        pattern: &Arc<TopicPattern>,
        topics: &Arc<[String]>,
        matching: Arc<[String]>,
    ) {
        let mut core = self.core();
        match &mut core.followed {
            Some(followed) if Arc::ptr_eq(&followed.pattern, pattern) => {
                followed.compared = topics.clone();
                if followed.matching != matching {
                    followed.matching = matching;
                }
            }
            _ => return, // it is subscribed to something else by now
        }
        drop(core);
        self.turn.interrupt();
    }
}

/// Tells the instances that follow patterns of topics that come and go, until the proxy is gone. Kafka is asked once for all of them.
pub(crate) async fn follow(instances: Weak<Instances>) {
    let mut known: Arc<[String]> = Arc::default();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(following) = instances.upgrade().map(|instances| following(&instances)) else {
            return;
        };
        let Some(broker) =
            following.iter().find_map(|s| Some(s.upgrade()?.instance().broker.clone()))
        else {
            continue;
        };
        match broker.topics().await {
            Ok(topics) if *topics != *known => known = topics.into(),
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "topics for subscriptions by pattern");
                continue;
            }
        }
        for session in following {
            compare(&session, &known).await;
        }
    }
}

/// The sessions whose instances follow a pattern. Weak, as an instance that is removed leaves its group only when nobody
/// else has it.
fn following(instances: &Instances) -> Vec<Weak<Session>> {
    let mut all = instances.all();
    all.retain(|session| session.instance().follows());
    all.iter().map(Arc::downgrade).collect()
}

async fn compare(session: &Weak<Session>, topics: &Arc<[String]>) {
    let Some(pattern) = session.upgrade().and_then(|s| s.instance().to_compare(topics)) else {
        return;
    };
    let Ok(matching) = matching(pattern.clone(), topics.clone()).await else { return };
    if let Some(session) = session.upgrade() {
        session.instance().note_matching(&pattern, topics, matching);
    }
}

/// The topics that match. Many topics take some time, so this is not done on the runtime's workers.
async fn matching(
    pattern: Arc<TopicPattern>,
    topics: Arc<[String]>,
) -> Result<Arc<[String]>, ProxyError> {
    let matching = tokio::task::spawn_blocking(move || pattern.matching(&topics));
    matching.await.map_err(|_| ProxyError::Internal)
}
