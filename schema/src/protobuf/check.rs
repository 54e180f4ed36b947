//! What is asked of a schema that is new: types resolve, names and numbers are unique and where
//! they may be. Options are not looked at, as in Confluent's registry; compilers do that.

use std::collections::{BTreeMap, HashSet};

use super::element::{
    Enum, Extend, Field, FieldType, File, Group, Label, Message, NUMBER_MAX, NumberRange, Reserved,
    Type, Value,
};
use super::names::{Declared, Names, joined};
use super::read::text::is_identifier;

type Checked = Result<(), String>;

/// Numbers that Protobuf keeps for itself.
const OWN_NUMBERS: std::ops::RangeInclusive<i32> = 19_000..=19_999;

/// Checks a file against the names of it and its imports.
pub fn check(file: &File, names: &Names) -> Checked {
    let check = Check { file, names };
    let mut scope = Scope::new(file.package());
    check.types(&file.types, &mut scope)?;
    check.extends(&file.extends, &mut scope)?;
    for service in &file.services {
        scope.add(&service.name)?;
        let mut inner = Scope::new(&joined(file.package(), &service.name));
        for rpc in &service.rpcs {
            inner.add(&rpc.name)?;
            check.message_type(&rpc.request, &inner.name)?;
            check.message_type(&rpc.response, &inner.name)?;
        }
    }
    Ok(())
}

/// A scope and the names that it has.
struct Scope {
    name: String,
    taken: HashSet<String>,
}

impl Scope {
    fn new(name: &str) -> Scope {
        Scope { name: name.to_string(), taken: HashSet::new() }
    }

    fn add(&mut self, name: &str) -> Checked {
        if self.taken.insert(name.to_string()) {
            return Ok(());
        }
        let scope = if self.name.is_empty() { "the file" } else { &self.name };
        Err(format!("\"{name}\" is already defined in {scope}"))
    }
}

struct Check<'s> {
    file: &'s File,
    names: &'s Names<'s>,
}

impl Check<'_> {
    fn types(&self, types: &[Type], scope: &mut Scope) -> Checked {
        types.iter().try_for_each(|declared| {
            scope.add(declared.name())?;
            match declared {
                Type::Message(message) => {
                    self.message(message, &self.names.joined(&scope.name, &message.name))
                }
                Type::Enum(enumeration) => {
                    // constants are names beside their enum, as in C
                    enumeration.constants.iter().try_for_each(|c| scope.add(&c.name))?;
                    self.enumeration(
                        enumeration,
                        &self.names.joined(&scope.name, &enumeration.name),
                    )
                }
            }
        })
    }

    fn message(&self, message: &Message, name: &str) -> Checked {
        let mut scope = Scope::new(name);
        let mut numbers = Numbers::of(&message.reserved, name)?;
        for extensions in &message.extensions {
            if self.file.is_proto3() {
                return Err(format!("{name}: extension ranges are not allowed in proto3"));
            }
            extensions.ranges.iter().try_for_each(|range| numbers.add_range(range))?;
        }
        for oneof in &message.oneofs {
            scope.add(&oneof.name)?;
            if oneof.fields.is_empty() && oneof.groups.is_empty() {
                return Err(format!("{name}: the oneof \"{}\" has no field", oneof.name));
            }
        }
        for field in &message.fields {
            self.field(field, &mut scope, Some(&mut numbers), true)?;
        }
        for field in message.oneofs.iter().flat_map(|oneof| &oneof.fields) {
            if matches!(field.kind, FieldType::Map(_)) {
                return Err(format!("{name}.{}: a map cannot be in a oneof", field.name));
            }
            self.field(field, &mut scope, Some(&mut numbers), false)?;
        }
        for group in message.all_groups() {
            self.group(group, &mut scope, Some(&mut numbers))?;
        }
        self.extends(&message.extends, &mut scope)?;
        self.types(&message.types, &mut scope)
    }

    fn group(&self, group: &Group, scope: &mut Scope, numbers: Option<&mut Numbers>) -> Checked {
        let name = &group.body.name;
        if self.file.is_proto3() {
            return Err(format!("{}.{name}: groups are not allowed in proto3", scope.name));
        }
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Err(format!("{}.{name}: a group's name begins with a capital", scope.name));
        }
        number_is_right(group.number, name, scope)?;
        scope.add(name)?;
        scope.add(&name.to_ascii_lowercase())?;
        numbers.map_or(Ok(()), |n| n.take(group.number, &name.to_ascii_lowercase(), false))?;
        self.message(&group.body, &self.names.joined(&scope.name, name))
    }

    fn extends(&self, extends: &[Extend], scope: &mut Scope) -> Checked {
        for extend in extends {
            self.message_type(&extend.name, &scope.name)?;
            extend.fields.iter().try_for_each(|field| self.field(field, scope, None, true))?;
            extend.groups.iter().try_for_each(|group| self.group(group, scope, None))?;
        }
        Ok(())
    }

    fn field(
        &self,
        field: &Field,
        scope: &mut Scope,
        numbers: Option<&mut Numbers>,
        labelled: bool,
    ) -> Checked {
        let Field { name, label, kind, number, default, .. } = field;
        scope.add(name)?;
        number_is_right(*number, name, scope)?;
        numbers.map_or(Ok(()), |numbers| numbers.take(*number, name, false))?;
        let wrong = |what: &str| Err(format!("{}.{name}: {what}", scope.name));
        let map = matches!(kind, FieldType::Map(_));
        match label {
            None if labelled && !map && self.file.is_proto2() => {
                return wrong("a field of proto2 is optional, required or repeated");
            }
            Some(Label::Required) if !self.file.is_proto2() => {
                return wrong("'required' is of proto2 only");
            }
            _ => {}
        }
        if let Some(default) = default {
            if self.file.is_proto3() {
                return wrong("a field of proto3 has no default");
            }
            let fits = match kind {
                FieldType::Scalar("string" | "bytes") => matches!(default, Value::String(_)),
                FieldType::Scalar("bool") => matches!(default, Value::Bool(_)),
                FieldType::Scalar(_) => matches!(default, Value::Number(_) | Value::Enum(_)),
                _ => matches!(default, Value::Enum(_) | Value::Bool(_)),
            };
            if !fits || map || *label == Some(Label::Repeated) {
                return wrong("the default does not fit the type");
            }
        }
        self.field_type(kind, &scope.name)
    }

    fn field_type(&self, kind: &FieldType, scope: &str) -> Checked {
        match kind {
            FieldType::Scalar(_) => Ok(()),
            FieldType::Named(name) => self.resolved(name, scope).map(|_| ()),
            FieldType::Map(pair) => {
                match &pair.0 {
                    FieldType::Scalar("float" | "double" | "bytes")
                    | FieldType::Named(_)
                    | FieldType::Map(_) => return Err(format!("{} is no key of a map", pair.0)),
                    FieldType::Scalar(_) => {}
                }
                self.field_type(&pair.1, scope)
            }
        }
    }

    fn resolved(&self, name: &str, scope: &str) -> Result<Declared<'_>, String> {
        let full = self.names.resolve(name, scope);
        if let Some(over) = self.names.budget.over() {
            return Err(over.to_string());
        }
        let named = full.and_then(|full| self.names.get(&full));
        named.map(|n| n.declared).ok_or_else(|| format!("Could not resolve type: {name}"))
    }

    fn message_type(&self, name: &str, scope: &str) -> Checked {
        match self.resolved(name, scope)? {
            Declared::Message(_) => Ok(()),
            Declared::Enum(_) => Err(format!("{name} is no message")),
        }
    }

    fn enumeration(&self, enumeration: &Enum, name: &str) -> Checked {
        let Some(first) = enumeration.constants.first() else {
            return Err(format!("{name}: an enum has one constant at least"));
        };
        if self.file.is_proto3() && first.number != 0 {
            return Err(format!("{name}: the first constant of an enum is 0 in proto3"));
        }
        let aliases = enumeration
            .options
            .iter()
            .any(|option| option.name == "allow_alias" && option.value == Value::Bool(true));
        let mut numbers = Numbers::of(&enumeration.reserved, name)?;
        enumeration.constants.iter().try_for_each(|c| numbers.take(c.number, &c.name, aliases))
    }
}

fn number_is_right(number: i32, name: &str, scope: &Scope) -> Checked {
    let scope = &scope.name;
    if !(1..=NUMBER_MAX).contains(&number) {
        return Err(format!("{scope}.{name}: {number} is no number of a field"));
    }
    if OWN_NUMBERS.contains(&number) {
        return Err(format!("{scope}.{name}: {number} is kept for Protobuf itself"));
    }
    Ok(())
}

/// The numbers of a message or an enum: those in use, and ranges that nothing may use.
struct Numbers<'s> {
    owner: &'s str,
    ranges: BTreeMap<i32, i32>,
    names: HashSet<&'s str>,
    taken: HashSet<i32>,
}

impl<'s> Numbers<'s> {
    fn of(reserved: &'s [Vec<Reserved>], owner: &'s str) -> Result<Numbers<'s>, String> {
        let mut numbers = Numbers {
            owner,
            ranges: BTreeMap::new(),
            names: HashSet::new(),
            taken: HashSet::new(),
        };
        for value in reserved.iter().flatten() {
            match value {
                Reserved::Numbers(range) => numbers.add_range(range)?,
                Reserved::Name(name) if is_identifier(name) => _ = numbers.names.insert(name),
                Reserved::Name(name) => {
                    return Err(format!("{owner}: the reserved name \"{name}\" is no identifier"));
                }
            }
        }
        Ok(numbers)
    }

    fn add_range(&mut self, range: &NumberRange) -> Checked {
        let NumberRange { first, last, .. } = *range;
        if last < first {
            return Err(format!(
                "{}: the range {first} to {last} ends before it begins",
                self.owner
            ));
        }
        let before = self.ranges.range(..=last).next_back();
        if before.is_some_and(|(_, end)| *end >= first) {
            return Err(format!("{}: ranges of numbers overlap at {first}", self.owner));
        }
        self.ranges.insert(first, last);
        Ok(())
    }

    fn take(&mut self, number: i32, name: &str, aliases: bool) -> Checked {
        let owner = self.owner;
        let before = self.ranges.range(..=number).next_back();
        if before.is_some_and(|(_, end)| *end >= number) {
            return Err(format!("{owner}.{name}: the number {number} is reserved"));
        }
        if self.names.contains(name) {
            return Err(format!("{owner}.{name}: the name is reserved"));
        }
        if !self.taken.insert(number) && !aliases {
            return Err(format!("{owner}.{name}: the number {number} is used already"));
        }
        Ok(())
    }
}
