//! Schemas by caller: what the registry has shown to one caller is not for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weir_access::Identity;
use weir_http::Caller;
use weir_serde::Stats;

use super::Schemas;
use crate::counts::CacheCounts;
use crate::registry_for::RegistryFor;

/// Callers whose schemas are kept; the one that has not asked for the longest time makes room for one more.
const CALLERS_MAX: usize = 256;

/// How long a caller's schemas are kept: a registry elsewhere may take rights back, and does not say so.
const AGE_MAX: Duration = Duration::from_secs(300);

/// The schemas of all callers.
pub(crate) struct SchemasOfCallers {
    registry: RegistryFor,
    /// Those of everybody whom no rules restrict.
    shared: Arc<Schemas>,
    by_identity: Mutex<HashMap<Identity, Kept>>,
    counts: Arc<CacheCounts>,
    /// What clients have done that are not kept any more.
    retired: Mutex<Stats>,
}

/// The schemas of one caller.
struct Kept {
    schemas: Arc<Schemas>,
    /// The caller as it was when they were first asked for, and the generation of its rules: once either has changed, they
    /// may not be its any more.
    caller: Caller,
    rules: u64,
    made: Instant,
    used: Instant,
}

impl Kept {
    fn holds(&self) -> bool {
        self.caller.is_current()
            && self.caller.rules_generation() == self.rules
            && self.made.elapsed() < AGE_MAX
    }
}

impl SchemasOfCallers {
    pub(crate) fn new(registry: RegistryFor) -> SchemasOfCallers {
        let (client, counts) = (registry.client(&Caller::ANYBODY), Arc::<CacheCounts>::default());
        let shared = Arc::new(Schemas::new(client, Caller::ANYBODY, counts.clone()));
        let (by_identity, retired) = Default::default();
        SchemasOfCallers { registry, shared, by_identity, counts, retired }
    }

    /// Look-ups of schemas that requests name.
    pub(crate) fn cache(&self) -> &CacheCounts {
        &self.counts
    }

    /// How many such schemas are known, over all callers.
    pub(crate) fn entries(&self) -> usize {
        let all = self.by_identity.lock().unwrap_or_else(PoisonError::into_inner);
        let of_callers: usize = all.values().map(|kept| kept.schemas.known_count()).sum();
        self.shared.known_count() + of_callers
    }

    /// What registries were asked, for all callers.
    pub(crate) fn stats(&self) -> Stats {
        let all = self.by_identity.lock().unwrap_or_else(PoisonError::into_inner);
        let retired = *self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let of_callers = all.values().map(|kept| kept.schemas.stats());
        of_callers.chain([retired]).fold(self.shared.stats(), plus)
    }

    fn retire(&self, kept: &Kept) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        *retired = plus(*retired, kept.schemas.stats());
    }

    /// The schemas that a caller may be shown.
    pub(crate) fn of(&self, caller: &Caller) -> Arc<Schemas> {
        let Some(identity) = caller.identity().filter(|_| caller.is_restricted()) else {
            return self.shared.clone();
        };
        if let Some(schemas) = self.known(identity) {
            return schemas;
        }
        let rules = caller.rules_generation();
        // making a client may take a while: nobody waits for it
        let (client, judged) = (self.registry.client(caller), self.registry.to_judge(caller));
        let schemas = Arc::new(Schemas::new(client, judged, self.counts.clone()));
        let now = Instant::now();
        let (caller, kept) = (caller.clone(), schemas.clone());
        self.keep(identity, Kept { schemas: kept, caller, rules, made: now, used: now });
        schemas
    }

    fn known(&self, identity: &Identity) -> Option<Arc<Schemas>> {
        let mut all = self.by_identity.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(identity).filter(|kept| kept.holds())?;
        kept.used = Instant::now();
        Some(kept.schemas.clone())
    }

    fn keep(&self, identity: &Identity, kept: Kept) {
        let mut all = self.by_identity.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CALLERS_MAX && !all.contains_key(identity) {
            let idle = all.iter().min_by_key(|(_, kept)| kept.used).map(|(idle, _)| idle.clone());
            idle.and_then(|idle| all.remove(&idle)).iter().for_each(|kept| self.retire(kept));
        }
        all.insert(identity.clone(), kept).iter().for_each(|before| self.retire(before));
    }
}

fn plus(a: Stats, b: Stats) -> Stats {
    Stats {
        requests: a.requests + b.requests,
        retries: a.retries + b.retries,
        failures: a.failures + b.failures,
        fetches: a.fetches + b.fetches,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use weir_access::{Policy, Proof};
    use weir_serde::RegistryClient;

    use super::*;

    fn restricted(name: &str) -> Caller {
        let identity = Identity::new(name, Proof::Password);
        let rights = Policy::default().rights(&identity);
        Caller::known(identity, Some(rights))
    }

    /// Schemas of callers, and how many clients were made for them.
    fn schemas() -> (SchemasOfCallers, Arc<AtomicUsize>) {
        let made = Arc::<AtomicUsize>::default();
        let count = made.clone();
        let client = RegistryClient::new("http://127.0.0.1:1").unwrap();
        let each = RegistryFor::each(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            client.clone()
        });
        (SchemasOfCallers::new(each), made)
    }

    #[test]
    fn callers_whom_no_rules_restrict_share_what_is_known() {
        let (schemas, made) = schemas();
        let alice = Caller::known(Identity::new("alice", Proof::Password), None);
        let shared = schemas.of(&Caller::ANYBODY);
        assert!(Arc::ptr_eq(&shared, &schemas.of(&alice)));
        assert!(Arc::ptr_eq(&shared, &schemas.of(&Caller::ANYBODY)));
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn each_caller_has_schemas_of_its_own() {
        let (schemas, made) = schemas();
        let alice = schemas.of(&restricted("alice"));
        assert!(Arc::ptr_eq(&alice, &schemas.of(&restricted("alice"))));
        assert!(!Arc::ptr_eq(&alice, &schemas.of(&restricted("bob"))));
        assert!(!Arc::ptr_eq(&alice, &schemas.of(&Caller::ANYBODY)));
        // the same name, and other rights
        let token = Identity::new("alice", Proof::Token);
        let rights = Policy::default().rights(&token);
        assert!(!Arc::ptr_eq(&alice, &schemas.of(&Caller::known(token, Some(rights)))));
        assert_eq!(made.load(Ordering::Relaxed), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn schemas_are_kept_for_a_while_and_of_so_many_callers() {
        let (schemas, _) = schemas();
        let alice = schemas.of(&restricted("alice"));
        for n in 0..2 * CALLERS_MAX {
            tokio::time::advance(Duration::from_millis(1)).await;
            schemas.of(&restricted(&format!("caller-{n}")));
            // who goes on asking keeps its own
            assert!(Arc::ptr_eq(&alice, &schemas.of(&restricted("alice"))), "{n}");
        }
        assert_eq!(schemas.by_identity.lock().unwrap().len(), CALLERS_MAX);
        tokio::time::advance(AGE_MAX).await;
        assert!(!Arc::ptr_eq(&alice, &schemas.of(&restricted("alice"))));
    }
}
