//! `weir.toml`: a table for each section, a key for each setting. All that is wrong in it is found at once, with line
//! and column.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml_edit::{Document, Item, Table, TableLike};
use weir_access::nearest;

use super::layers::Layers;
use super::problem::Problem;
use super::setting::{Setting, Shape};
use super::source::Source;
use super::tree::{SECTIONS, SETTINGS, find};
use super::value::{Given, Text};

/// Reads the text of a file. `path` is what problems call it. An error is where the text is not TOML; all else that is wrong is
/// added to `problems`.
pub fn read(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Result<Layers, Problem> {
    let places = Places { path: path.into(), text };
    let document = Document::parse(text).map_err(|error| {
        // the parser's message may have several lines
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        Problem::at(&places.at(error.span()), message)
    })?;
    let mut reading = Reading { places, layers: Layers::default(), problems };
    reading.file(document.as_table());
    Ok(reading.layers)
}

/// The places of a file.
struct Places<'a> {
    path: Arc<Path>,
    text: &'a str,
}

impl Places<'_> {
    /// Line and column, from 1, of where a span begins.
    fn at(&self, span: Option<Range<usize>>) -> Source {
        let start = span.map_or(0, |span| span.start);
        let before = self.text.get(..start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Source::File { path: self.path.clone(), line, column }
    }
}

struct Reading<'a> {
    places: Places<'a>,
    layers: Layers,
    problems: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    fn file(&mut self, top: &Table) {
        for (name, item) in top.iter() {
            let section = SECTIONS.iter().any(|(prefix, _)| *prefix == format!("{name}."));
            match item.as_table_like() {
                Some(table) if section => self.section(name, table),
                None if section => {
                    let source = self.key_at(top, name, item);
                    let text = format!("{name}: expected a table, found {}", item.type_name());
                    self.problems.push(Problem::at(&source, text));
                }
                _ => self.setting(top, name, name, item),
            }
        }
    }

    fn section(&mut self, section: &str, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            self.setting(table, name, &format!("{section}.{name}"), item);
        }
    }

    /// Where a key stands that `item` is the value of.
    fn key_at(&self, table: &dyn TableLike, name: &str, item: &Item) -> Source {
        let key = table.get_key_value(name).and_then(|(key, _)| key.span());
        self.places.at(key.or_else(|| item.span()))
    }

    fn setting(&mut self, table: &dyn TableLike, name: &str, key: &str, item: &Item) {
        let Some(setting) = find(key) else {
            let source = self.key_at(table, name, item);
            self.problems.push(Problem::at(&source, unknown(key)));
            return;
        };
        match self.given(setting, item) {
            Ok(given) => self.layers.push(setting, given),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn given(&self, setting: &Setting, item: &Item) -> Result<Given, Problem> {
        match (setting.shape, item) {
            (Shape::Names, _) => self.names(setting, item),
            (Shape::List(of), Item::Value(toml_edit::Value::Array(array))) => {
                let values = array.iter().map(|value| {
                    let item = Item::Value(value.clone());
                    self.text(setting, *of, &item, value.span())
                });
                let texts = values.collect::<Result<_, _>>()?;
                Ok(Given::Many(self.places.at(array.span()), texts))
            }
            (Shape::List(_), _) => {
                let text = self.text(setting, Shape::Text, item, item.span())?;
                Ok(Given::of_text(setting, &text.text, &text.source))
            }
            (shape, _) => self.text(setting, shape, item, item.span()).map(Given::One),
        }
    }

    /// A value of one shape, which is to be TOML's type for it.
    fn text(
        &self,
        setting: &Setting,
        shape: Shape,
        item: &Item,
        span: Option<Range<usize>>,
    ) -> Result<Text, Problem> {
        let found = match shape {
            Shape::Switch => item.as_bool().map(|value| value.to_string()),
            Shape::Integer => item.as_integer().map(|value| value.to_string()),
            _ => item.as_str().map(str::to_string),
        };
        let source = self.places.at(span);
        match found {
            Some(text) => Ok(Text { text, source }),
            None => {
                let expected = setting.shape.words();
                let found = item.type_name();
                let text = format!("{}: expected {expected}, found {found}", setting.key);
                Err(Problem::at(&source, text))
            }
        }
    }

    /// A table of names, in which `sasl.username` may stand as tables in tables.
    fn names(&self, setting: &Setting, item: &Item) -> Result<Given, Problem> {
        let mut names = BTreeMap::new();
        let mut rest = vec![(String::new(), item)];
        while let Some((name, item)) = rest.pop() {
            if let Some(table) = item.as_table_like() {
                let below = |part: &str| match name.is_empty() {
                    true => part.to_string(),
                    false => format!("{name}.{part}"),
                };
                rest.extend(table.iter().map(|(part, item)| (below(part), item)));
                continue;
            }
            let text = item.as_str().map(str::to_string);
            let text = text.or_else(|| item.as_integer().map(|value| value.to_string()));
            let text = text.or_else(|| item.as_float().map(|value| value.to_string()));
            let text = text.or_else(|| item.as_bool().map(|value| value.to_string()));
            let source = self.places.at(item.span());
            let Some(text) = text.filter(|_| !name.is_empty()) else {
                let key = [setting.key, &name].join(".");
                let key = key.trim_end_matches('.');
                let expected = if name.is_empty() { "a table of names" } else { "a string" };
                let found = item.type_name();
                return Err(Problem::at(
                    &source,
                    format!("{key}: expected {expected}, found {found}"),
                ));
            };
            names.insert(name, Text { text, source });
        }
        Ok(Given::Named(names))
    }
}

/// What to say of a key that nobody knows: which one may be meant.
fn unknown(key: &str) -> String {
    let (section, last) = key.rsplit_once('.').unwrap_or(("", key));
    let beside = |other: &&str| other.rsplit_once('.').is_some_and(|(of, _)| of == section);
    let same_name = SETTINGS.iter().find(|setting| {
        setting.key.rsplit('.').next() == Some(last) || setting.flag.replace('-', "_") == last
    });
    let keys = SETTINGS.iter().map(|setting| setting.key);
    let same_section = nearest(key, keys.clone().filter(beside));
    let sections = SECTIONS.iter().map(|(prefix, _)| prefix.trim_end_matches('.'));
    let meant = same_section.or_else(|| same_name.map(|setting| setting.key));
    match meant.or_else(|| nearest(key, keys.chain(sections).filter(|name| !name.is_empty()))) {
        Some(meant) => format!("unknown key {key}: did you mean {meant}?"),
        None => format!("unknown key {key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(read(Path::new("weir.toml"), text, &mut Vec::new()).err());
        let _ = read(Path::new("weir.toml"), text, &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_mistake_is_named_with_line_and_column() {
        for (text, expected) in [
            ("rolls = [\"proxy\"]", "weir.toml:1:1: unknown key rolls: did you mean roles?"),
            (
                "[registry]\n  listener = 1",
                "weir.toml:2:3: unknown key registry.listener: did you mean registry.listeners?",
            ),
            (
                "[limits]\nstore = 'sled'",
                "weir.toml:2:1: unknown key limits.store: did you mean registry.store?",
            ),
            ("[registri]", "weir.toml:1:2: unknown key registri: did you mean registry?"),
            ("insecure = 'true'", "weir.toml:1:12: insecure: expected true or false, found string"),
            (
                "[limits]\nbody_wait_ms = \"1s\"",
                "weir.toml:2:16: limits.body_wait_ms: expected a whole number, found string",
            ),
            (
                "roles = ['proxy',\n 7]",
                "weir.toml:2:2: roles: expected a list of registry, proxy, found integer",
            ),
            (
                "[kafka.client]\nsasl.username = []",
                "weir.toml:2:17: kafka.client.sasl.username: expected a string, found array",
            ),
            ("kafka = 1", "weir.toml:1:1: kafka: expected a table, found integer"),
            (
                "[kafka]\nclient = 1",
                "weir.toml:2:10: kafka.client: expected a table of names, found integer",
            ),
        ] {
            assert_eq!(problems(text), [expected], "{text}");
        }
        let broken = problems("roles = [\n\"proxy\"");
        assert!(broken[0].starts_with("weir.toml:"), "{broken:?}");
        assert_eq!(problems("a = 1\nb = 2").len(), 2);
    }

    #[test]
    fn names_may_be_tables_in_tables() {
        let mut problems = Vec::new();
        let text = "[kafka.client]\nsasl.username = 'me'\n\"sasl.password\" = 'x'\nlinger.ms = 5";
        let layers = read(Path::new("weir.toml"), text, &mut problems).unwrap();
        let Some(Given::Named(names)) = layers.effective(find("kafka.client").unwrap()) else {
            panic!("{problems:?}")
        };
        let found: Vec<_> =
            names.iter().map(|(name, text)| (name.as_str(), text.text.as_str())).collect();
        assert_eq!(found, [("linger.ms", "5"), ("sasl.password", "x"), ("sasl.username", "me")]);
    }
}
