//! Equality of JSON values in one document, without comparing each with each.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::json::Json;

/// Hashes of values, remembered by address; the order of an object's keys does not count.
#[derive(Default)]
pub(super) struct Fingerprints {
    known: HashMap<usize, u64>,
}

impl Fingerprints {
    pub fn of(&mut self, json: &Json) -> u64 {
        let address = std::ptr::from_ref(json).addr();
        if let Some(known) = self.known.get(&address) {
            return *known;
        }
        let mut hasher = DefaultHasher::new();
        std::mem::discriminant(json).hash(&mut hasher);
        match json {
            Json::Null => {}
            Json::Bool(b) => b.hash(&mut hasher),
            Json::Int(i) => i.hash(&mut hasher),
            Json::Double(d) => d.to_bits().hash(&mut hasher),
            Json::BigInt(text) | Json::Decimal(text) | Json::String(text) => text.hash(&mut hasher),
            Json::Array(items) => {
                for item in items {
                    self.of(item).hash(&mut hasher);
                }
            }
            Json::Object(members) => self.of_members(members).hash(&mut hasher),
        }
        let hash = hasher.finish();
        if matches!(json, Json::Array(_) | Json::Object(_)) {
            self.known.insert(address, hash);
        }
        hash
    }

    fn of_members(&mut self, members: &[(String, Json)]) -> u64 {
        let mut sum = members.len() as u64;
        for (key, value) in members {
            let mut hasher = DefaultHasher::new();
            (key, self.of(value)).hash(&mut hasher);
            sum = sum.wrapping_add(hasher.finish());
        }
        sum
    }
}
