//! Subscriptions by pattern. librdkafka is given the names that match, and is given others when topics are made or deleted.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use rdkafka::consumer::Consumer;
use tokio::time::MissedTickBehavior;

use super::Instances;
use super::client::subscribe;
use super::instance::{Instance, mutually_exclusive};
use super::pattern::TopicPattern;
use super::reading::{Reading, Source};
use crate::error::ProxyError;

/// How often Kafka is asked which topics there are, while any instance follows a pattern.
const INTERVAL: Duration = Duration::from_secs(3);

/// How long a subscription waits for Kafka to say which topics there are; later it hears of them as of new topics.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pattern that an instance is subscribed to.
pub(super) struct Followed {
    pattern: Arc<TopicPattern>,
    /// The topics that were last compared with the pattern.
    compared: Arc<[String]>,
    /// Those of them that match.
    matching: Arc<[String]>,
}

impl Instance {
    /// 40903 partitions are assigned, or topics are subscribed by name.
    pub(crate) async fn subscribe_pattern(&self, pattern: TopicPattern) -> Result<(), ProxyError> {
        can_follow(&*self.interrupting().await)?;
        let asked = tokio::time::timeout(PATIENCE, self.broker.topics()).await;
        let compared: Arc<[String]> = asked.ok().and_then(Result::ok).unwrap_or_default().into();
        let pattern = Arc::new(pattern);
        let matching = matching(pattern.clone(), compared.clone()).await?;
        let mut reading = self.interrupting().await;
        can_follow(&reading)?;
        self.wake_if_room(&mut reading).await?;
        if reading.source == Source::None {
            reading.source = Source::Pattern(Arc::default());
        }
        reading.denied = None;
        self.set_followed(Some(Followed { pattern, compared, matching }));
        self.follow(&mut reading)
    }

    pub(super) fn set_followed(&self, followed: Option<Followed>) {
        *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = followed;
    }

    /// Subscribes to the topics that match the pattern now, if there is one and they are others than before.
    pub(super) fn follow(&self, reading: &mut Reading) -> Result<(), ProxyError> {
        let Source::Pattern(subscribed) = &reading.source else { return Ok(()) };
        let Some(matching) = self.matching() else { return Ok(()) };
        if Arc::ptr_eq(subscribed, &matching) {
            return Ok(());
        }
        if *subscribed != matching
            && let Some(client) = self.client()
        {
            // librdkafka takes no empty list
            if matching.is_empty() {
                client.unsubscribe();
            } else {
                subscribe(&client, &matching)?;
            }
            reading.denied = None;
        }
        reading.source = Source::Pattern(matching);
        Ok(())
    }

    fn matching(&self) -> Option<Arc<[String]>> {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.as_ref().map(|followed| followed.matching.clone())
    }

    fn follows(&self) -> bool {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The pattern, if it was not compared with these topics.
    fn to_compare(&self, topics: &Arc<[String]>) -> Option<Arc<TopicPattern>> {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let followed = followed.as_ref()?;
        (followed.compared != *topics).then(|| followed.pattern.clone())
    }

    /// The topics that match are subscribed to by the read that waits, or by the next request or tick.
    fn note_matching(
        &self,
        pattern: &Arc<TopicPattern>,
        topics: &Arc<[String]>,
        matching: Arc<[String]>,
    ) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *followed {
            Some(followed) if Arc::ptr_eq(&followed.pattern, pattern) => {
                followed.compared = topics.clone();
                followed.matching = matching;
            }
            _ => return, // it is subscribed to something else by now
        }
        drop(followed);
        self.interrupt_reads();
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
        let Some(broker) = following.iter().find_map(|i| Some(i.upgrade()?.broker.clone())) else {
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
        for instance in following {
            compare(&instance, &known).await;
        }
    }
}

/// Weak, as an instance that is removed leaves its group only when nobody else has it.
fn following(instances: &Instances) -> Vec<Weak<Instance>> {
    let all = instances.all().into_iter();
    all.filter(|instance| instance.follows()).map(|instance| Arc::downgrade(&instance)).collect()
}

async fn compare(instance: &Weak<Instance>, topics: &Arc<[String]>) {
    let Some(pattern) = instance.upgrade().and_then(|i| i.to_compare(topics)) else { return };
    let Ok(matching) = matching(pattern.clone(), topics.clone()).await else { return };
    if let Some(instance) = instance.upgrade() {
        instance.note_matching(&pattern, topics, matching);
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

fn can_follow(reading: &Reading) -> Result<(), ProxyError> {
    match reading.source {
        Source::None | Source::Pattern(_) => Ok(()),
        Source::Subscription(_) | Source::Assignment(_) => Err(mutually_exclusive()),
    }
}
