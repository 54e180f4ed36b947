//! Options in normal form: names in full and in order, what is said of one option in several places
//! together, the keys of maps in order, numbers in one form.
//! Source: Confluent `ProtobufSchemaUtils.FormatContext#filterOptions`, `#formatOptionMap`.

use std::collections::{HashMap, HashSet};

use super::element::{Field, FieldType, Label, Opt, Value};
use super::names::{Declared, Names};
use super::normalize::Normalizer;
use super::read::text::integer;

type Entries = Vec<(String, Value)>;

impl Normalizer<'_> {
    pub(super) fn options(&self, options: &mut Vec<Opt>, scope: &str) {
        for option in options.iter_mut() {
            if option.is_extension
                && let Some(full) = self.names.resolve_extension(&option.name, scope)
            {
                option.name = full;
                option.value = as_map(std::mem::replace(&mut option.value, Value::Bool(false)));
            }
            self.value(&mut option.value, scope);
        }
        options.sort_by(|a, b| a.name.cmp(&b.name));
        self.come_together(options);
        for option in options {
            whole_form(&mut option.value);
            if option.is_extension
                && self.names.extension(&option.name).is_some()
                && self.names.is_hidden(&option.name, scope)
            {
                option.name.insert(0, '.');
            }
        }
    }

    /// All values of an option that is not repeated and stand side by side become one.
    fn come_together(&self, options: &mut Vec<Opt>) {
        let mut given = std::mem::take(options).into_iter().peekable();
        let mut same: Vec<Value> = Vec::new();
        while let Some(Opt { name, is_extension, value }) = given.next() {
            let known = self.names.extension(&name).filter(|_| is_extension);
            let single = known.filter(|(e, _)| e.field.label != Some(Label::Repeated));
            same.push(value);
            let has_more = given.peek().is_some_and(|o| o.name == name && o.is_extension);
            let Some((extension, home)) = single else {
                options.extend(same.drain(..).map(|value| Opt {
                    name: name.clone(),
                    is_extension,
                    value,
                }));
                continue;
            };
            if !has_more {
                let message = message_of(self.names, extension.field, home);
                let value = merge(std::mem::take(&mut same), self.names, message.as_deref());
                options.push(Opt { name, is_extension, value });
            }
        }
    }

    fn value(&self, value: &mut Value, scope: &str) {
        match value {
            Value::Number(_) => number_form(value),
            Value::Part(part) => self.value(&mut part.value, scope),
            Value::List(values) => values.iter_mut().for_each(|value| self.value(value, scope)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    let full = extension_key(key)
                        .and_then(|name| self.names.resolve_extension(name, scope));
                    full.into_iter().for_each(|full| *key = format!("[{full}]"));
                    self.value(value, scope);
                }
            }
            _ => {}
        }
    }
}

/// The name in a key that stands in brackets.
fn extension_key(key: &str) -> Option<&str> {
    key.strip_prefix('[').and_then(|key| key.strip_suffix(']'))
}

/// The full name of the message that a field holds, if it is one.
fn message_of(names: &Names, field: &Field, scope: &str) -> Option<String> {
    let FieldType::Named(name) = &field.kind else { return None };
    let full = names.resolve(name, scope)?;
    matches!(names.get(&full)?.declared, Declared::Message(_)).then_some(full)
}

/// `(a).b = 1` as `(a) = { b: 1 }`.
pub fn as_map(value: Value) -> Value {
    match value {
        Value::Part(part) => {
            let key = if part.is_extension { format!("[{}]", part.name) } else { part.name };
            Value::Map(vec![(key, as_map(part.value))])
        }
        other => other,
    }
}

/// What is said of one option in several places: entries of maps come together, of anything else
/// the last counts. `message` is the type of the option.
pub fn merge(mut values: Vec<Value>, names: &Names, message: Option<&str>) -> Value {
    let last = values.iter().rposition(|value| !matches!(value, Value::Map(_)));
    let maps = values.split_off(last.map_or(0, |place| place + 1));
    if maps.is_empty() {
        return values.pop().unwrap_or(Value::Map(Vec::new()));
    }
    let mut entries: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (key, value) in maps.into_iter().flat_map(entries_of) {
        let place = *places.entry(key.clone()).or_insert(entries.len());
        if place == entries.len() {
            entries.push((key, Vec::new()));
        }
        entries[place].1.push(value);
    }
    let together = entries.into_iter().map(|(key, values)| {
        let value = merge_field(&key, values, names, message);
        (key, value)
    });
    Value::Map(together.collect())
}

fn entries_of(value: Value) -> Entries {
    if let Value::Map(entries) = value { entries } else { Vec::new() }
}

/// All values of one field of an option. A field that is not repeated has one: parts of a message
/// come together in it, of a scalar the last counts. If nobody knows the field, it is taken for
/// repeated.
fn merge_field(key: &str, mut values: Vec<Value>, names: &Names, message: Option<&str>) -> Value {
    if values.len() == 1 {
        return values.remove(0);
    }
    let declared = match (extension_key(key), message) {
        (Some(extension), _) => names.extension(extension).map(|(e, home)| (e.field, home)),
        (None, Some(message)) => names.field(message, key).map(|field| (field, message)),
        (None, None) => None,
    };
    match declared {
        Some((field, scope))
            if field.label != Some(Label::Repeated) && !matches!(field.kind, FieldType::Map(_)) =>
        {
            merge(values, names, message_of(names, field, scope).as_deref())
        }
        _ => {
            let mut all: Vec<Value> = values.into_iter().flat_map(list).collect();
            let mut seen = HashSet::new();
            all.retain(|value| seen.insert(format!("{value:?}")));
            Value::List(all)
        }
    }
}

pub fn list(value: Value) -> Vec<Value> {
    match value {
        Value::List(values) => values,
        one => vec![one],
    }
}

/// The form of an option's whole value, whose list of one stays a list.
fn whole_form(value: &mut Value) {
    match value {
        Value::Part(part) => whole_form(&mut part.value),
        Value::Map(entries) => map_form(entries),
        Value::List(values) => values.iter_mut().for_each(value_form),
        _ => {}
    }
}

/// Keys sorted, empty lists gone, a list of one as that one.
fn map_form(entries: &mut Entries) {
    entries.retain(|(_, value)| !matches!(value, Value::List(values) if values.is_empty()));
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.dedup_by(|later, first| later.0 == first.0);
    entries.iter_mut().for_each(|(_, value)| value_form(value));
}

fn value_form(value: &mut Value) {
    if let Value::List(values) = value
        && values.len() == 1
    {
        *value = values.remove(0);
        return value_form(value);
    }
    match value {
        Value::Map(entries) => map_form(entries),
        Value::List(values) => values.iter_mut().for_each(value_form),
        _ => {}
    }
}

/// Whole numbers in decimal; others without what they can do without: `1.50` is `1.5`. A zero keeps
/// its sign, which a double has.
pub fn number_form(value: &mut Value) {
    let Value::Number(text) = value else { return };
    let sign = if text.starts_with('-') { "-" } else { "" };
    if let Some(number) = integer(text) {
        *text = if number == 0 { format!("{sign}0") } else { number.to_string() };
    } else if let Ok(number) = text.parse::<f64>()
        && number.is_finite()
    {
        *text = match number.abs() {
            0.0 if sign.is_empty() => "0".to_string(),
            0.0 => "-0.0".to_string(),
            1e-15..1e15 => number.to_string(),
            _ => format!("{number:e}"),
        };
    }
}
