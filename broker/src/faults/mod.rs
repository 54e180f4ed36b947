//! Faults on demand: rules that say which requests fail, and how.
//!
//! A rule names requests (by API, topic, client, group, transactional id), which of them it strikes (from the nth on, so
//! many, or by chance with a seed) and what it does to them. The first rule that strikes decides; the same requests in the same
//! order are always struck alike.

mod dice;
mod errors;
mod refusal;
mod rule;
mod subject;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_protocol::messages::ApiKey;
use serde::Serialize;
use tokio::sync::watch;

use dice::Dice;
pub use errors::error_named;
pub use refusal::Refusable;
pub use rule::{Action, Pattern, Rule};
pub use subject::{Fenceable, Subject};

/// Rules that a broker has at once.
pub const RULES_MAX: usize = 1000;

/// Names a rule until it is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(pub u64);

/// A rule, and what it has done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleReport {
    pub id: RuleId,
    /// Requests that the rule is about, those included that it let pass.
    pub matched: u64,
    /// Requests that it has struck.
    pub hits: u64,
    #[serde(flatten)]
    pub rule: Rule,
}

/// There are [`RULES_MAX`] rules already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRules;

impl fmt::Display for TooManyRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a broker has at most {RULES_MAX} rules of faults")
    }
}

impl std::error::Error for TooManyRules {}

/// The faults of a broker. Clones are the same faults.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many rules there are, so that a broker without faults takes no lock for them.
    count: AtomicUsize,
    rules: Mutex<Rules>,
    /// Changes with every hit and every rule.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Rules {
    next_id: u64,
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    id: RuleId,
    rule: Rule,
    dice: Dice,
    matched: u64,
    hits: u64,
}

/// A rule strikes a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strike {
    pub rule: RuleId,
    pub action: Action,
    /// The topics that the rule is about, if it names any.
    pub topic: Option<Pattern>,
    /// True if the rule has struck nothing before.
    pub is_first: bool,
}

impl Faults {
    /// Adds a rule after those that there are.
    pub fn add(&self, rule: Rule) -> Result<RuleId, TooManyRules> {
        let id = self.change(|rules| {
            if rules.active.len() >= RULES_MAX {
                return Err(TooManyRules);
            }
            Ok(rules.add(rule))
        })?;
        tracing::info!("fault {} is added", id.0);
        Ok(id)
    }

    /// Puts these rules in the place of all that there are.
    pub fn replace(&self, all: Vec<Rule>) -> Result<Vec<RuleId>, TooManyRules> {
        if all.len() > RULES_MAX {
            return Err(TooManyRules);
        }
        tracing::info!("{} faults take the place of all others", all.len());
        Ok(self.change(|rules| {
            rules.active.clear();
            all.into_iter().map(|rule| rules.add(rule)).collect()
        }))
    }

    /// Takes a rule away, and says what it has done. Requests that it held are handled.
    pub fn remove(&self, id: RuleId) -> Option<RuleReport> {
        let removed = self.change(|rules| {
            let at = rules.active.iter().position(|active| active.id == id)?;
            Some(rules.active.remove(at).report())
        })?;
        tracing::info!("fault {} is removed", id.0);
        Some(removed)
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        tracing::info!("all faults are removed");
        self.change(|rules| rules.active.clear());
    }

    /// All rules in their order.
    pub fn report(&self) -> Vec<RuleReport> {
        self.lock().active.iter().map(Active::report).collect()
    }

    /// How many requests a rule has struck; 0 if there is no such rule.
    pub fn hits(&self, id: RuleId) -> u64 {
        self.lock().find(id).map_or(0, |active| active.hits)
    }

    /// Returns once a rule has struck so many requests, or is taken away.
    pub async fn has_struck(&self, id: RuleId, hits: u64) {
        self.until(|rules| rules.find(id).is_none_or(|active| active.hits >= hits)).await;
    }

    /// Returns once a rule is taken away.
    pub(crate) async fn lifted(&self, id: RuleId) {
        self.until(|rules| rules.find(id).is_none()).await;
    }

    /// Returns true if there is no rule at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.shared.count.load(Ordering::Relaxed) == 0
    }

    /// Which rule strikes this request, if one does. It is counted.
    pub(crate) fn strike(
        &self,
        api: ApiKey,
        client_id: Option<&str>,
        subject: &Subject,
    ) -> Option<Strike> {
        let strike = self
            .lock()
            .active
            .iter_mut()
            .filter(|active| active.rule.is_about(api, client_id, subject))
            .find_map(Active::strike);
        if strike.is_some() {
            self.shared.changed.send_replace(());
        }
        strike
    }

    /// Returns true if a rule could still strike this API for one of its topics.
    pub(crate) fn ask_for_topics(&self, api: ApiKey, client_id: Option<&str>) -> bool {
        let rules = self.lock();
        rules.active.iter().any(|active| {
            active.rule.topic.is_some()
                && !active.is_spent()
                && active.rule.is_about_api(api)
                && active.rule.is_about_client(client_id)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Rules) -> T) -> T {
        let mut rules = self.lock();
        let changed = change(&mut rules);
        self.shared.count.store(rules.active.len(), Ordering::Relaxed);
        drop(rules);
        self.shared.changed.send_replace(());
        changed
    }

    async fn until(&self, is_so: impl Fn(&Rules) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if is_so(&self.lock()) || changed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Rules {
    fn add(&mut self, rule: Rule) -> RuleId {
        self.next_id += 1;
        let id = RuleId(self.next_id);
        let dice = Dice::new(rule.seed);
        self.active.push(Active { id, rule, dice, matched: 0, hits: 0 });
        id
    }

    fn find(&self, id: RuleId) -> Option<&Active> {
        self.active.iter().find(|active| active.id == id)
    }
}

impl Active {
    /// Counts a request that the rule is about, and says what the rule does to it.
    fn strike(&mut self) -> Option<Strike> {
        self.matched += 1;
        if self.matched < self.rule.from || self.is_spent() {
            return None;
        }
        if self.rule.probability.is_some_and(|probability| !self.dice.falls_below(probability)) {
            return None;
        }
        self.hits += 1;
        Some(Strike {
            rule: self.id,
            action: self.rule.action.clone(),
            topic: self.rule.topic.clone(),
            is_first: self.hits == 1,
        })
    }

    fn is_spent(&self) -> bool {
        self.rule.count.is_some_and(|count| self.hits >= count)
    }

    fn report(&self) -> RuleReport {
        RuleReport { id: self.id, matched: self.matched, hits: self.hits, rule: self.rule.clone() }
    }
}
