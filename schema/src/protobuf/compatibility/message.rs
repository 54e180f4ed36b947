//! Two messages of one name: their oneofs, their fields by number, and the types within.
//! Source: Confluent `MessageSchemaDiff`.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::element::{Field, Group, Label, Message};
use super::compare::{Pair, Scope, Sides, Step};
use super::field;
use super::rule::Rule;
use super::{Difference, Place};

/// What holds a number in a message.
#[derive(Clone, Copy)]
pub enum Member<'s> {
    Field(&'s Field),
    Group(&'s Group),
}

impl Member<'_> {
    pub fn name(&self) -> &str {
        match self {
            Member::Field(field) => &field.name,
            Member::Group(group) => &group.body.name,
        }
    }

    fn is_required(&self) -> bool {
        let label = match self {
            Member::Field(field) => field.label,
            Member::Group(group) => group.label,
        };
        label == Some(Label::Required)
    }
}

/// The members of a message by number, and which oneof each is in.
struct Members<'s> {
    all: HashMap<i32, (Member<'s>, Option<&'s str>)>,
    oneofs: Vec<(&'s str, Vec<i32>)>,
}

impl<'s> Members<'s> {
    fn of(message: &'s Message) -> Members<'s> {
        let fields = message.fields.iter().map(|f| (f.number, (Member::Field(f), None)));
        let groups = message.groups.iter().map(|g| (g.number, (Member::Group(g), None)));
        let mut members = Members { all: fields.chain(groups).collect(), oneofs: Vec::new() };
        for oneof in &message.oneofs {
            let name = Some(oneof.name.as_str());
            let fields = oneof.fields.iter().map(|f| (f.number, (Member::Field(f), name)));
            let groups = oneof.groups.iter().map(|g| (g.number, (Member::Group(g), name)));
            let held: Vec<_> = fields.chain(groups).collect();
            members.oneofs.push((&oneof.name, held.iter().map(|(number, _)| *number).collect()));
            members.all.extend(held);
        }
        members
    }

    fn names(&self) -> BTreeSet<&'s str> {
        self.oneofs.iter().map(|(name, _)| *name).collect()
    }

    /// Where a number is, or the message that lacks it.
    fn place(&self, path: &str, number: i32) -> Place {
        let Some((member, oneof)) = self.all.get(&number) else {
            return Place { path: path.to_string(), name: None, what: String::new() };
        };
        Place {
            path: member_path(path, *oneof, number),
            name: Some(member.name().to_string()),
            what: String::new(),
        }
    }
}

fn member_path(path: &str, oneof: Option<&str>, number: i32) -> String {
    match oneof {
        Some(oneof) => format!("{path}/{oneof}/{number}"),
        None => format!("{path}/{number}"),
    }
}

/// Compares two messages that stand at `path`.
pub fn compare<'s>(sides: &'s Sides<'s>, pair: &Pair<'s>, path: &str, steps: &mut Vec<Step<'s>>) {
    let (r, w) = (Members::of(pair.reader), Members::of(pair.writer));
    if !sides.budget.spend(4 * (r.all.len() + w.all.len())) {
        return;
    }
    let oneof_step = |rule, name: &str, reader, writer| {
        sides.tell(path);
        oneof_step(rule, name, path, reader, writer)
    };
    exclusive(&r, &w, oneof_step, steps);
    oneofs(&r, &w, oneof_step, steps);
    let gone = gone_whole(&r, &w);
    let numbers: BTreeSet<i32> = r.all.keys().chain(w.all.keys()).copied().collect();
    for number in numbers {
        if sides.budget.is_over() {
            return;
        }
        let found = |rule, oneof| {
            sides.tell(path);
            let (reader, writer) = (r.place(path, number), w.place(path, number));
            let path = member_path(path, oneof, number);
            Step::Found(Difference { rule, path, reader, writer })
        };
        match (r.all.get(&number), w.all.get(&number)) {
            (None, Some((_, Some(oneof)))) => {
                if !gone.contains(oneof) {
                    steps.push(found(Rule::OneofFieldRemoved, Some(oneof)));
                }
            }
            (None, Some((member, None))) => {
                let rule = [Rule::FieldRemoved, Rule::RequiredFieldRemoved];
                steps.push(found(rule[usize::from(member.is_required())], None));
            }
            (Some((_, Some(oneof))), None) => {
                steps.push(found(Rule::OneofFieldAdded, Some(oneof)));
            }
            (Some((member, None)), None) => {
                let rule = [Rule::FieldAdded, Rule::RequiredFieldAdded];
                steps.push(found(rule[usize::from(member.is_required())], None));
            }
            (Some((reader, oneof)), Some((writer, before))) => {
                if before.is_some() && oneof.is_none() {
                    steps.push(found(Rule::OneofFieldMovedToTopLevel, None));
                }
                let difference = |rule| {
                    sides.tell(path);
                    let (reader, writer) = (r.place(path, number), w.place(path, number));
                    let path = member_path(path, *oneof, number);
                    Difference { rule, path, reader, writer }
                };
                field::compare(sides, pair, (*reader, *writer), &difference, steps);
            }
            (None, None) => {}
        }
    }
    let scope = Scope { path, reader: &pair.reader_name, writer: &pair.writer_name };
    sides.types(&pair.reader.types, &pair.writer.types, &scope, steps);
}

/// Fields that were independent and exclude each other now.
fn exclusive<'s>(
    r: &Members,
    w: &Members,
    oneof_step: impl Fn(Rule, &str, bool, bool) -> Step<'s>,
    steps: &mut Vec<Step<'s>>,
) {
    let before = w.names();
    for (name, numbers) in &r.oneofs {
        let (mut origins, mut moved) = (HashSet::new(), 0);
        for number in numbers {
            match w.all.get(number) {
                Some((_, Some(oneof))) => _ = origins.insert(Ok(*oneof)),
                Some((_, None)) => {
                    origins.insert(Err(*number));
                    moved += 1;
                }
                None => {}
            }
        }
        if origins.len() > 1 {
            let rule = match moved {
                0 | 1 => Rule::FieldMovedToExistingOneof,
                _ => Rule::MultipleFieldsMovedToOneof,
            };
            steps.push(oneof_step(rule, name, true, before.contains(name)));
        }
    }
}

fn oneofs<'s>(
    r: &Members,
    w: &Members,
    oneof_step: impl Fn(Rule, &str, bool, bool) -> Step<'s>,
    steps: &mut Vec<Step<'s>>,
) {
    let (reader, writer) = (r.names(), w.names());
    for name in reader.union(&writer) {
        match (reader.contains(name), writer.contains(name)) {
            (true, false) => steps.push(oneof_step(Rule::OneofAdded, name, true, false)),
            (false, true) => steps.push(oneof_step(Rule::OneofRemoved, name, false, true)),
            _ => {}
        }
    }
}

fn oneof_step<'s>(rule: Rule, name: &str, path: &str, reader: bool, writer: bool) -> Step<'s> {
    let here = format!("{path}/{name}");
    let place = |exists: bool| Place {
        path: if exists { here.clone() } else { path.to_string() },
        name: exists.then(|| name.to_string()),
        what: name.to_string(),
    };
    let (reader, writer) = (place(reader), place(writer));
    Step::Found(Difference { rule, path: here, reader, writer })
}

/// Oneofs of the writer of which the reader has nothing at all: that does no harm.
fn gone_whole<'s>(r: &Members, w: &Members<'s>) -> HashSet<&'s str> {
    let kept = r.names();
    let gone = w.oneofs.iter().filter(|(name, numbers)| {
        !kept.contains(name) && !numbers.iter().any(|number| r.all.contains_key(number))
    });
    gone.map(|(name, _)| *name).collect()
}
