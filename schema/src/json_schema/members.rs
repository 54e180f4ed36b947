//! Look-ups in large objects and lists, which are otherwise searched from their start: ten
//! thousand pointers into ten thousand definitions must not cost their product.

use std::collections::HashMap;

use crate::json::Json;

/// Below this many members a search is as good as an index.
const INDEXED_MIN: usize = 16;

/// Indexes by the address of what they index, made when they are first needed.
#[derive(Default)]
pub(super) struct Members<'d> {
    objects: HashMap<usize, HashMap<&'d str, &'d Json>>,
    lists: HashMap<usize, HashMap<&'d str, usize>>,
}

impl<'d> Members<'d> {
    /// The member or item that a step of a JSON pointer leads to.
    pub fn inside(&mut self, json: &'d Json, token: &str) -> Option<&'d Json> {
        match json {
            Json::Array(items) => items.get(token.parse::<usize>().ok()?),
            Json::Object(members) if members.len() >= INDEXED_MIN => {
                let all = || members.iter().map(|(key, value)| (key.as_str(), value)).collect();
                self.objects.entry(address(json)).or_insert_with(all).get(token).copied()
            }
            json => json.get(token),
        }
    }

    /// Where a text stands in a list.
    pub fn position(&mut self, json: &'d Json, text: &str) -> Option<usize> {
        let items = json.as_array()?;
        if items.len() < INDEXED_MIN {
            return items.iter().position(|item| item.as_str() == Some(text));
        }
        let all = || {
            let texts = items.iter().enumerate().rev();
            texts.filter_map(|(at, item)| Some((item.as_str()?, at))).collect()
        };
        self.lists.entry(address(json)).or_insert_with(all).get(text).copied()
    }
}

fn address(json: &Json) -> usize {
    std::ptr::from_ref(json).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_small_values_answer_alike() {
        for size in [3, 300] {
            let names = (0..size).map(|i| format!("n{i}"));
            let list = Json::Array(names.clone().map(Json::String).collect());
            let object = Json::Object(names.map(|name| (name, Json::Null)).collect());
            let mut members = Members::default();
            for _ in 0..2 {
                assert_eq!(members.position(&list, "n2"), Some(2));
                assert_eq!(members.position(&list, "x"), None);
                assert_eq!(members.inside(&object, "n2"), Some(&Json::Null));
                assert_eq!(members.inside(&object, "x"), None);
                assert_eq!(members.inside(&list, "1"), Some(&Json::String("n1".into())));
            }
        }
    }
}
