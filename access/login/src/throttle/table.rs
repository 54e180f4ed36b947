//! A table that forgets what was not used for longest.

use std::collections::HashMap;

/// A table of bounded size. It has two halves: what is used moves to the young one, and when that is full, the old one is
/// forgotten and the young one becomes old. So nothing is forgotten before half the bound of other keys were used after it.
#[derive(Debug)]
pub(super) struct Table<V> {
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
    half: usize,
}

impl<V: Default> Table<V> {
    pub(super) fn new(entries_max: usize) -> Table<V> {
        Table { young: HashMap::new(), old: HashMap::new(), half: (entries_max / 2).max(1) }
    }

    /// What is known of a key.
    pub(super) fn get(&self, key: u64) -> Option<&V> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    /// What is known of a key, made if there is nothing.
    pub(super) fn entry(&mut self, key: u64) -> &mut V {
        let known = self.old.remove(&key);
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        match known {
            Some(value) => self.young.entry(key).or_insert(value),
            None => self.young.entry(key).or_default(),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_is_forgotten_first() {
        let mut table: Table<u64> = Table::new(100);
        for key in 0..10_000 {
            *table.entry(key) += key;
            *table.entry(7) += 1; // used all the time
            assert!(table.len() <= 100);
        }
        assert!(table.get(7).is_some_and(|count| *count > 9_000));
        assert!(table.get(9_990).is_some() && table.get(9_800).is_none());
    }
}
