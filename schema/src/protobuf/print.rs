//! The canonical text: a file as Confluent's registry prints it. Comments are gone, declarations
//! stand in groups (options, fields, oneofs, types), names and numbers are as they were written.
//! Source: Confluent `ProtobufSchemaUtils#toString`.

use std::fmt::Write;

use super::element::{
    Constant, Enum, Extend, Extensions, Field, File, Group, ImportKind, Message, NUMBER_MAX,
    NumberRange, OneOf, Opt, Reserved, Rpc, Service, Syntax, Type, Value,
};
use super::print_option::{Options, Printed, Quoted};
use super::read::text::is_identifier;
use crate::budget::Budget;

/// The canonical text of a file. `sorted` puts `default` and `json_name` in their place among a
/// field's sorted options, where they come last otherwise.
pub fn print(file: &File, sorted: bool, budget: &Budget) -> String {
    let has_bare_names = matches!(file.syntax, Some(Syntax::Edition(_)));
    let budget = budget.clone();
    let mut lines = Lines { text: String::new(), depth: 0, sorted, has_bare_names, budget };
    match &file.syntax {
        Some(Syntax::Proto2) => lines.add("syntax = \"proto2\";"),
        Some(Syntax::Proto3) => lines.add("syntax = \"proto3\";"),
        Some(Syntax::Edition(year)) => lines.add(&format!("edition = \"{year}\";")),
        None => {}
    }
    if let Some(package) = &file.package {
        lines.add(&format!("package {package};"));
    }
    lines.group(&file.imports, |_, _| {});
    for kind in [ImportKind::Plain, ImportKind::Public, ImportKind::Weak] {
        let word = match kind {
            ImportKind::Plain => "",
            ImportKind::Public => "public ",
            ImportKind::Weak => "weak ",
        };
        for import in file.imports.iter().filter(|import| import.kind == kind) {
            lines.add(&format!("import {word}\"{}\";", import.path));
        }
    }
    lines.group(&file.options, Lines::option);
    lines.types(&file.types);
    lines.group(&file.extends, Lines::extend);
    lines.group(&file.services, Lines::service);
    lines.text
}

struct Lines {
    text: String,
    depth: usize,
    sorted: bool,
    /// Whether reserved names stand without quotes, as editions want them.
    has_bare_names: bool,
    /// Pays for the text: nothing is added beyond it.
    budget: Budget,
}

impl Lines {
    /// Adds text, each line of it two spaces to the right for each level.
    fn add(&mut self, text: &str) {
        for line in text.split('\n') {
            if !self.budget.write(2 * self.depth + line.len() + 1) {
                return;
            }
            for _ in 0..self.depth {
                self.text.push_str("  ");
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// Adds things of one kind behind an empty line, or nothing. What is first in braces ends the
    /// line of its brace instead.
    ///
    /// Confluent's registry indents the finished text of what is nested, its empty lines too: they
    /// have two spaces for each level but the innermost. Guids are of the text with them.
    fn group<T>(&mut self, things: &[T], add: impl Fn(&mut Lines, &T)) {
        if things.is_empty() {
            return;
        }
        if !self.text.ends_with('{') {
            (1..self.depth).for_each(|_| self.text.push_str("  "));
        }
        self.text.push('\n');
        for thing in things {
            add(self, thing);
        }
    }

    fn open(&mut self, head: &str) {
        self.add(&format!("{head} {{"));
        self.text.pop();
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        if self.text.ends_with('{') {
            self.text.push_str("}\n");
        } else {
            self.add("}");
        }
    }

    /// Messages, then enums.
    fn types(&mut self, types: &[Type]) {
        self.group(types, |lines, declared| {
            if let Type::Message(message) = declared {
                lines.message(message);
            }
        });
        for declared in types {
            if let Type::Enum(enumeration) = declared {
                self.enumeration(enumeration);
            }
        }
    }

    fn option(&mut self, option: &Opt) {
        self.add(&format!("option {};", Printed(option)));
    }

    fn message(&mut self, message: &Message) {
        self.open(&format!("message {}", message.name));
        self.group(&message.reserved, |lines, values| lines.reserved(values, NUMBER_MAX));
        self.group(&message.options, Lines::option);
        self.group(&message.fields, Lines::field);
        self.message_rest(message);
        self.close();
    }

    fn message_rest(&mut self, message: &Message) {
        self.group(&message.oneofs, Lines::oneof);
        self.group(&message.groups, Lines::proto_group);
        self.group(&message.extensions, Lines::extensions);
        self.group(&message.extends, Lines::extend);
        self.types(&message.types);
    }

    fn field(&mut self, field: &Field) {
        let mut text = String::new();
        if let Some(label) = field.label {
            text = format!("{} ", label.word());
        }
        write!(text, "{} {} = {}", field.kind, field.name, field.number).expect("a string");
        let mut options: Vec<Opt> = field.options.clone();
        let plain = |name: &str, value| Opt { name: name.into(), is_extension: false, value };
        options.extend(field.default.iter().map(|value| plain("default", value.clone())));
        options.extend(
            field.json_name.iter().map(|name| plain("json_name", Value::String(name.clone()))),
        );
        if self.sorted {
            options.sort_by(|a, b| a.name.cmp(&b.name));
        }
        write!(text, "{};", Options(&options)).expect("a string");
        self.add(&text);
    }

    fn oneof(&mut self, oneof: &OneOf) {
        self.open(&format!("oneof {}", oneof.name));
        self.group(&oneof.options, Lines::option);
        self.group(&oneof.fields, Lines::field);
        self.group(&oneof.groups, Lines::proto_group);
        self.close();
    }

    fn proto_group(&mut self, group: &Group) {
        let label = group.label.map_or(String::new(), |label| format!("{} ", label.word()));
        let head = format!("{label}group {} = {}", group.body.name, group.number);
        self.open(&format!("{head}{}", Options(&group.options)));
        self.group(&group.body.fields, Lines::field);
        self.group(&group.body.reserved, |lines, values| lines.reserved(values, NUMBER_MAX));
        self.group(&group.body.options, Lines::option);
        self.message_rest(&group.body);
        self.close();
    }

    fn extensions(&mut self, extensions: &Extensions) {
        let ranges: Vec<String> =
            extensions.ranges.iter().map(|range| range_text(range, NUMBER_MAX)).collect();
        self.add(&format!("extensions {}{};", ranges.join(", "), Options(&extensions.options)));
    }

    fn extend(&mut self, extend: &Extend) {
        self.open(&format!("extend {}", extend.name));
        self.group(&extend.fields, Lines::field);
        self.group(&extend.groups, Lines::proto_group);
        self.close();
    }

    fn reserved(&mut self, values: &[Reserved], max: i32) {
        let values: Vec<String> = values
            .iter()
            .map(|value| match value {
                Reserved::Name(name) if self.has_bare_names && is_identifier(name) => name.clone(),
                Reserved::Name(name) => Quoted(name).to_string(),
                Reserved::Numbers(range) => range_text(range, max),
            })
            .collect();
        self.add(&format!("reserved {};", values.join(", ")));
    }

    fn enumeration(&mut self, enumeration: &Enum) {
        self.open(&format!("enum {}", enumeration.name));
        self.group(&enumeration.reserved, |lines, values| lines.reserved(values, i32::MAX));
        if enumeration.reserved.is_empty() {
            self.group(&enumeration.options, |_, _| {});
        }
        for option in &enumeration.options {
            self.option(option);
        }
        if enumeration.reserved.is_empty() && enumeration.options.is_empty() {
            self.group(&enumeration.constants, |_, _| {});
        }
        for Constant { name, number, options, .. } in &enumeration.constants {
            self.add(&format!("{name} = {number}{};", Options(options)));
        }
        self.close();
    }

    fn service(&mut self, service: &Service) {
        self.open(&format!("service {}", service.name));
        self.group(&service.options, Lines::option);
        self.group(&service.rpcs, Lines::rpc);
        self.close();
    }

    fn rpc(&mut self, rpc: &Rpc) {
        let stream = |streams| if streams { "stream " } else { "" };
        let head = format!(
            "rpc {} ({}{}) returns ({}{})",
            rpc.name,
            stream(rpc.request_streams),
            rpc.request,
            stream(rpc.response_streams),
            rpc.response
        );
        if rpc.options.is_empty() {
            return self.add(&format!("{head};"));
        }
        self.add(&format!("{head} {{"));
        self.depth += 1;
        for option in &rpc.options {
            self.option(option);
        }
        self.depth -= 1;
        self.add("};");
    }
}

fn range_text(range: &NumberRange, max: i32) -> String {
    let NumberRange { first, last, has_both_ends } = *range;
    if !has_both_ends && first == last {
        return first.to_string();
    }
    if last >= max { format!("{first} to max") } else { format!("{first} to {last}") }
}
