//! Subscriptions by pattern. librdkafka is given the names that match, and is given others when topics are made or deleted.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use weir_http::{Action, Caller, Denied, Kind, Resource};

use super::instances::Instances;
use super::pattern::{Followed, Readable, TopicPattern};
use super::session::Session;
use super::state::{Command, Source};
use super::task::{Core, Instance};
use super::turn::Held;
use crate::error::ProxyError;

/// How often Kafka is asked which topics there are, while any instance follows a pattern.
const INTERVAL: Duration = Duration::from_secs(3);

/// How long a subscription waits for Kafka to say which topics there are; later it hears of them as of new topics.
const PATIENCE: Duration = Duration::from_secs(2);

impl Instance {
    /// Subscribes to the topics that match a pattern, and that the caller may read. 40903 partitions are assigned, or topics are subscribed by name.
    pub(crate) async fn subscribe_pattern(&self, pattern: TopicPattern) -> Result<(), ProxyError> {
        let none = Command::SubscribePattern { pattern: String::new(), topics: Arc::default() };
        let held = self.turn.take_over().await;
        self.core().state().decide(none)?;
        drop(held);
        let asked = tokio::time::timeout(PATIENCE, self.broker.topics()).await;
        let compared: Arc<[String]> = asked.ok().and_then(Result::ok).unwrap_or_default().into();
        let pattern = Arc::new(pattern);
        let matching = matching(pattern.clone(), compared.clone()).await?;
        let held = self.turn.take_over().await;
        let text = pattern.text().to_string();
        let readable = Readable::new(&self.core().caller, &matching);
        let topics = readable.topics.clone();
        let command = Command::SubscribePattern { pattern: text, topics };
        self.change_source(&held, command).await?;
        self.core().followed = Some(Followed { pattern, compared, matching, readable });
        Ok(())
    }

    /// Subscribes to the topics that match the pattern now, if there is one and they are others than before.
    pub(super) fn follow(&self, held: &Held<'_>) -> Result<(), ProxyError> {
        let mut core = self.core();
        let Some(followed) = &mut core.followed else { return Ok(()) };
        let is_narrowed = std::mem::take(&mut followed.readable.is_narrowed);
        let readable = followed.readable.topics.clone();
        if let Source::Pattern { topics, .. } = core.state().source()
            && Arc::ptr_eq(topics, &readable)
        {
            return Ok(());
        }
        let decision = core.state().decide(Command::Match { topics: readable })?;
        let client = core.client.clone();
        drop(core);
        if is_narrowed {
            // with its client goes what was fetched; the next one reads the topics that are left
            self.core().reading.apply(decision.change);
            self.give_up_client(held);
            return Ok(());
        }
        if let Some(client) = client {
            for effect in decision.effects {
                self.perform(&client, effect)?;
            }
        }
        self.core().reading.apply(decision.change);
        Ok(())
    }

    /// Acts for a caller as it is now: only topics that it may read are read for a pattern.
    pub(crate) fn act_for(&self, caller: &Caller) {
        if caller.identity().is_none() {
            return;
        }
        let mut core = self.core();
        let is_other = core.caller.identity() != caller.identity();
        core.caller = caller.clone();
        core.look_at_rights(is_other);
    }

    /// Rules may have changed since the last request: a read that waits is to hear of it.
    fn note_rules(&self) {
        if self.core().look_at_rights(false) {
            self.turn.interrupt();
        }
    }

    /// Returns true if a caller may read the topics that the instance reads. Those of a pattern are chosen so.
    pub(crate) fn may_read_for(&self, caller: &Caller) -> bool {
        self.unreadable(caller).is_none()
    }

    /// Demands that a caller may read the topics that the instance reads, as [`Instance::may_read_for`]. 40301.
    pub(crate) fn demand_topics(&self, caller: &Caller) -> Result<(), Denied> {
        match self.unreadable(caller) {
            None => Ok(()),
            Some(topic) => caller.demand(Action::Read, Resource::topic(&topic)),
        }
    }

    /// A topic that the instance reads and the caller may not.
    fn unreadable(&self, caller: &Caller) -> Option<String> {
        if caller.sees_all(Kind::Topic) {
            return None;
        }
        let core = self.core();
        match core.state().source() {
            Source::Pattern { .. } => None,
            source => {
                let topics = source.topics().into_iter();
                topics.map(str::to_string).find(|topic| !is_readable(caller, topic))
            }
        }
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
                followed.matching = matching;
            }
            _ => return, // it is subscribed to something else by now
        }
        core.look_at_rights(true);
        drop(core);
        self.turn.interrupt();
    }
}

impl Core {
    /// Sorts out again which topics of a pattern the caller may read, if rules have changed or `is_other` says that the
    /// caller or the topics have. Returns true if these are others than before.
    fn look_at_rights(&mut self, is_other: bool) -> bool {
        let Some(followed) = &mut self.followed else { return false };
        let before = &followed.readable;
        if !is_other && before.rules == self.caller.rules_generation() {
            return false;
        }
        let mut now = Readable::new(&self.caller, &followed.matching);
        let is_gone = |topic| now.topics.binary_search(topic).is_err();
        // what does not match any more is not narrower rights
        let mut lost = before.topics.iter().filter(|topic| is_gone(topic));
        now.is_narrowed = before.is_narrowed || lost.any(|topic| !is_readable(&self.caller, topic));
        let has_changed = now.topics != before.topics;
        if !has_changed {
            now.topics = before.topics.clone(); // the very same, so that nobody subscribes again
        }
        followed.readable = now;
        has_changed
    }
}

impl Readable {
    /// Those topics that a caller may read.
    fn new(caller: &Caller, topics: &Arc<[String]>) -> Readable {
        let rules = caller.rules_generation();
        let topics = match caller.sees_all(Kind::Topic) {
            true => topics.clone(),
            false => topics.iter().filter(|topic| is_readable(caller, topic)).cloned().collect(),
        };
        Readable { topics, rules, is_narrowed: false }
    }
}

fn is_readable(caller: &Caller, topic: &str) -> bool {
    caller.may(Action::Read, Resource::topic(topic))
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
    if let Some(session) = session.upgrade() {
        session.instance().note_rules();
    }
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
