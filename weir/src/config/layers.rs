//! The layers: what each has for each setting, and which of it counts.

use std::collections::BTreeMap;

use super::problem::Problem;
use super::setting::{Setting, Shape};
use super::source::Source;
use super::tree::find;
use super::value::{Given, Sourced, Text, Value};

/// What was found for settings, by key, in the order of the layers: a later one wins.
#[derive(Clone, Debug, Default)]
pub struct Layers(BTreeMap<&'static str, Vec<Given>>);

impl Layers {
    /// Adds what the next layer has for a setting.
    pub fn push(&mut self, setting: &Setting, given: Given) {
        self.0.entry(setting.key).or_default().push(given);
    }

    /// Adds what the next layers have.
    pub fn extend(&mut self, next: Layers) {
        for (key, given) in next.0 {
            self.0.entry(key).or_default().extend(given);
        }
    }

    /// Whether a layer has something for a setting.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// What counts: of tables the names of all layers, else what the last layer has, else the default.
    pub fn effective(&self, setting: &Setting) -> Option<Given> {
        let given = self.0.get(setting.key).map(Vec::as_slice).unwrap_or_default();
        match setting.shape {
            Shape::Names if !given.is_empty() => Some(Given::Named(merged(given))),
            _ => given.last().cloned().or_else(|| default(setting)),
        }
    }

    /// The value of a setting; none if there is a problem, in whatever layer. `key` is a setting's.
    pub fn value<T: Value>(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Sourced<T>> {
        let setting = find(key)?;
        let before = problems.len();
        for given in self.0.get(setting.key).into_iter().flatten() {
            problems.extend(T::read(given, setting).err());
        }
        if problems.len() > before {
            return None;
        }
        let Some(given) = self.effective(setting) else {
            return T::unset().map(|value| Sourced { value, source: Source::Default });
        };
        match T::read(&given, setting) {
            Ok(value) => Some(Sourced { value, source: given.source() }),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }
}

impl Given {
    /// Where the value stands; of a table, where its first name does.
    pub fn source(&self) -> Source {
        match self {
            Given::One(text) => text.source.clone(),
            Given::Many(source, _) => source.clone(),
            Given::Named(names) => {
                names.values().next().map_or(Source::Default, |text| text.source.clone())
            }
        }
    }

    /// A value as a variable, a flag or a default has it: one text, of which a list is made at its commas.
    pub fn of_text(setting: &Setting, text: &str, source: &Source) -> Given {
        let one = |text: &str| Text { text: text.to_string(), source: source.clone() };
        match setting.shape {
            Shape::List(_) => {
                let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
                Given::Many(source.clone(), entries.map(one).collect())
            }
            _ => Given::One(one(text)),
        }
    }
}

fn default(setting: &Setting) -> Option<Given> {
    let text = Some(setting.default).filter(|text| !text.is_empty())?;
    Some(Given::of_text(setting, text, &Source::Default))
}

fn merged(given: &[Given]) -> BTreeMap<String, Text> {
    let named = given.iter().filter_map(|given| match given {
        Given::Named(names) => Some(names.clone()),
        _ => None,
    });
    named.flatten().collect()
}
