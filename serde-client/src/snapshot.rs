//! A map that is read without a lock and without a count that threads share: who writes makes a new
//! one. What a thread has found lately it finds again without looking into the map.

use std::any::Any;
use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use foldhash::fast::RandomState;

struct Entry<K, V> {
    key: K,
    value: V,
    /// The turn at which the key came.
    turn: u64,
}

type Entries<K, V> = HashMap<K, Arc<Entry<K, V>>, RandomState>;

pub(crate) struct Snapshot<K, V> {
    entries: ArcSwap<Entries<K, V>>,
    max: usize,
    /// Which of all maps this is.
    id: u64,
    /// How often it has changed.
    changes: AtomicU64,
}

/// A key that says where a thread is to remember it.
pub(crate) trait Place {
    fn place(&self) -> usize;
}

impl Place for str {
    #[inline]
    fn place(&self) -> usize {
        self.len() + usize::from(self.as_bytes().last().copied().unwrap_or(0))
    }
}

const PLACES: usize = 8;

/// How often something else was wanted at its place before what a thread remembers is forgotten: two
/// that took turns would have all threads count the same two.
const PATIENCE: u8 = 16;

/// What a thread has found lately.
#[derive(Default)]
struct Recent {
    map: u64,
    changes: u64,
    entry: Option<Arc<dyn Any + Send + Sync>>,
    missed: u8,
}

thread_local! {
    static RECENT: [RefCell<Recent>; PLACES] = Default::default();
}

/// The map as it is now, whatever becomes of it.
pub(crate) struct View<K, V>(Guard<Arc<Entries<K, V>>>);

impl<K: Hash + Eq, V> View<K, V> {
    #[inline]
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(|entry| &entry.value)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.values().map(|entry| &entry.value)
    }
}

impl<K, V> Snapshot<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// A map of at most `max` keys: when one more comes, the oldest quarter goes.
    pub(crate) fn new(max: usize) -> Snapshot<K, V> {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        Snapshot { entries: ArcSwap::default(), max, id, changes: AtomicU64::new(0) }
    }

    #[inline]
    pub(crate) fn view(&self) -> View<K, V> {
        View(self.entries.load())
    }

    /// What `use_value` makes of a key's value, if the key is there.
    #[inline(always)] // what it makes is handed on without a copy
    pub(crate) fn with<Q, R>(&self, key: &Q, use_value: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + Place + ?Sized,
    {
        let mut use_value = Some(use_value);
        let mut once = |value: &V| use_value.take().map(|use_value| use_value(value));
        let remembered = RECENT.try_with(|recent| {
            let place = &recent[(key.place() + self.id as usize) % PLACES];
            if let Ok(recent) = place.try_borrow()
                && let Some(entry) = recent.of(self)
                && entry.key.borrow() == key
            {
                return once(&entry.value);
            }
            // counted before the map is looked at: a change in between makes it look old, not new
            let changes = self.changes.load(Ordering::Acquire);
            let view = self.view();
            let entry = view.0.get(key)?;
            if let Ok(mut recent) = place.try_borrow_mut() {
                recent.offer(self.id, changes, entry);
            }
            once(&entry.value)
        });
        // a thread that ends remembers nothing any more
        remembered.unwrap_or_else(|_| once(self.view().get(key)?))
    }

    pub(crate) fn insert(&self, key: K, value: V)
    where
        V: Clone,
    {
        self.update(key, |_| value.clone());
    }

    /// Puts what `change` makes of the value that is there, if there is one.
    pub(crate) fn update(&self, key: K, change: impl Fn(Option<&V>) -> V) {
        self.entries.rcu(|entries| {
            let mut next = Entries::clone(entries);
            let now = next.get(&key);
            let new_turn = || next.values().map(|entry| entry.turn + 1).max().unwrap_or(0);
            let turn = now.map_or_else(new_turn, |entry| entry.turn);
            let value = change(now.map(|entry| &entry.value));
            if now.is_none() && next.len() >= self.max {
                let mut turns: Vec<u64> = next.values().map(|entry| entry.turn).collect();
                let (_, last, _) = turns.select_nth_unstable(self.max / 4);
                let last = *last;
                next.retain(|_, entry| entry.turn > last);
            }
            next.insert(key.clone(), Arc::new(Entry { key: key.clone(), value, turn }));
            next
        });
        self.changes.fetch_add(1, Ordering::Release);
    }
}

impl Recent {
    #[inline(always)]
    fn of<K: 'static, V: 'static>(&self, map: &Snapshot<K, V>) -> Option<&Entry<K, V>> {
        match self.map == map.id && self.changes == map.changes.load(Ordering::Acquire) {
            true => self.entry.as_ref()?.downcast_ref(),
            false => None,
        }
    }

    fn offer<K, V>(&mut self, map: u64, changes: u64, entry: &Arc<Entry<K, V>>)
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        self.missed += 1;
        let is_stale = self.map == map && self.changes != changes;
        if self.map == 0 || is_stale || self.missed >= PATIENCE {
            *self = Recent { map, changes, entry: Some(entry.clone()), missed: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_the_newest_stay() {
        let map = Snapshot::new(100);
        for key in 0..1_000_u32 {
            map.insert(key, key);
            assert_eq!(map.view().get(&key), Some(&key));
            assert!(map.view().values().count() <= 100);
        }
        for key in 950..1_000 {
            assert_eq!(map.view().get(&key), Some(&key));
        }
    }

    #[test]
    fn what_a_thread_remembers_is_what_the_map_has() {
        let maps: Vec<Snapshot<String, u32>> = (0..20).map(|_| Snapshot::new(100)).collect();
        for round in 0..50 {
            for (number, map) in maps.iter().enumerate() {
                for key in ["a", "b", "ab", "some longer key"] {
                    let value = round * 1000 + number as u32;
                    if round % 3 == 0 {
                        map.insert(key.to_string(), value);
                    }
                    let wanted = (round - round % 3) * 1000 + number as u32;
                    assert_eq!(map.with(key, |value| *value), Some(wanted));
                    assert_eq!(map.with(key, |value| *value), Some(wanted));
                }
                assert_eq!(map.with("none", |_| ()), None);
            }
        }
    }

    #[test]
    fn reading_may_read() {
        let map: Snapshot<String, u32> = Snapshot::new(100);
        map.insert("a".into(), 1);
        for _ in 0..100 {
            let both = map.with("a", |outer| map.with("a", |inner| outer + inner));
            assert_eq!(both, Some(Some(2)));
        }
    }
}
