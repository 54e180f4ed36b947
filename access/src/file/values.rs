//! The values of a table of `access.toml`: words, numbers, and names that nobody knows.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::places::Places;
use crate::action::Action;
use crate::actions::{Actions, built_in_role};
use crate::nearest::nearest;
use crate::problem::shown;

/// A piece of the file that has a name in messages: `rule`, `quota`, `role.auditor`.
pub(super) struct Section<'d> {
    pub(super) name: String,
    pub(super) table: &'d dyn TableLike,
    /// Where it begins.
    pub(super) span: Option<Range<usize>>,
}

/// A text of the file, and where it stands.
pub(super) struct Word<'d> {
    pub(super) text: &'d str,
    pub(super) span: Option<Range<usize>>,
}

/// Where a key of a table stands that has a value.
pub(super) fn key_span(table: &dyn TableLike, key: &str, item: &Item) -> Option<Range<usize>> {
    let key = table.get_key_value(key).and_then(|(key, _)| key.span());
    key.or_else(|| item.span())
}

impl<'d> Section<'d> {
    /// Notes each key that is none of those that the section may have.
    pub(super) fn check_keys(&self, known: &[&'static str], places: &mut Places) {
        for (key, item) in self.table.iter() {
            if known.contains(&key) {
                continue;
            }
            let meant = match nearest(key, known.iter().copied()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("expected one of {}", known.join(", ")),
            };
            let text = format!("unknown key {}.{}: {meant}", self.name, shown(key));
            places.problem(key_span(self.table, key, item), text);
        }
    }

    /// The text of a key; none if the key is not there, or is something else, which is noted.
    pub(super) fn text(&self, key: &str, places: &mut Places) -> Option<Word<'d>> {
        let item = self.table.get(key)?;
        match item.as_str() {
            Some("") => places.problem(item.span(), format!("{}.{key} is empty", self.name)),
            Some(text) => return Some(Word { text, span: item.span() }),
            None => {
                let found = item.type_name();
                let text = format!("{}.{key}: expected a string, found {found}", self.name);
                places.problem(item.span(), text);
            }
        }
        None
    }

    /// The number of a key; none if the key is not there, or is no number from `least` to `most`, which is noted.
    pub(super) fn number(
        &self,
        key: &str,
        least: u64,
        most: u64,
        places: &mut Places,
    ) -> Option<u64> {
        let item = self.table.get(key)?;
        let number = item.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let expected = format!("expected a whole number from {least} to {most}");
            places.problem(item.span(), format!("{}.{key}: {expected}", self.name));
        }
        number
    }

    /// The words of a key that must be there and have one, said as a string or as a list of strings.
    pub(super) fn words(&self, key: &str, missing: &str, places: &mut Places) -> Vec<Word<'d>> {
        let Some(item) = self.table.get(key) else {
            places.problem(self.span.clone(), format!("{}.{key} is missing: {missing}", self.name));
            return Vec::new();
        };
        if item.as_array().is_some_and(|array| array.is_empty()) {
            places.problem(item.span(), format!("{}.{key} is empty: {missing}", self.name));
        }
        self.words_of(key, item, places)
    }

    /// The words of a key, said as a string or as a list of strings; none if the key is not there.
    pub(super) fn optional_words(&self, key: &str, places: &mut Places) -> Vec<Word<'d>> {
        match self.table.get(key) {
            Some(item) => self.words_of(key, item, places),
            None => Vec::new(),
        }
    }

    fn words_of(&self, key: &str, item: &'d Item, places: &mut Places) -> Vec<Word<'d>> {
        let expected = "expected a string or a list of strings";
        match item {
            Item::Value(Value::String(text)) => {
                vec![Word { text: text.value(), span: item.span() }]
            }
            Item::Value(Value::Array(array)) => {
                let mut words = Vec::with_capacity(array.len());
                for value in array.iter() {
                    match value.as_str() {
                        Some(text) => words.push(Word { text, span: value.span() }),
                        None => {
                            let found = value.type_name();
                            let text = format!("{}.{key}: {expected}, found {found}", self.name);
                            places.problem(value.span(), text);
                        }
                    }
                }
                words
            }
            _ => {
                let found = item.type_name();
                let text = format!("{}.{key}: {expected}, found {found}", self.name);
                places.problem(item.span(), text);
                Vec::new()
            }
        }
    }
}

/// What words mean, each by `parse`; those that mean nothing are noted.
pub(super) fn parsed<T>(
    words: Vec<Word<'_>>,
    parse: impl Fn(&str) -> Result<T, String>,
    places: &mut Places,
) -> Vec<T> {
    let mut found = Vec::with_capacity(words.len());
    for word in words {
        match parse(word.text) {
            Ok(meaning) => found.push(meaning),
            Err(text) => places.problem(word.span, text),
        }
    }
    found
}

/// The actions that words name.
pub(super) fn actions(words: Vec<Word<'_>>, places: &mut Places) -> Actions {
    let sets = parsed(words, some_actions, places);
    sets.into_iter().fold(Actions::default(), Actions::with)
}

/// The action of a name, or all of them.
fn some_actions(word: &str) -> Result<Actions, String> {
    if word == "all" {
        return Ok(Actions::ALL);
    }
    if let Some(action) = Action::ALL.into_iter().find(|action| action.name() == word) {
        return Ok(Actions::of(&[action]));
    }
    let word_shown = shown(word);
    if built_in_role(word).is_some() {
        return Err(format!("{word_shown} is a role, which a [[grant]] gives"));
    }
    let names = Action::ALL.into_iter().map(Action::name).chain(["all"]);
    Err(match nearest(word, names) {
        Some(meant) => format!("unknown action {word_shown}: did you mean {meant}?"),
        None => format!(
            "unknown action {word_shown}: expected read, write, delete, configure, admin or all"
        ),
    })
}
