//! Where in a text paths of differences lead.

use std::collections::HashMap;

use super::element::{Enum, Field, File, Group, Message, Type};
use super::read::read;
use crate::budget::Budget;
use crate::lines::Lines;

/// The places of a `.proto` text, for as many paths as there are: it is read once.
pub struct Locator<'t> {
    lines: Lines<'t>,
    /// None of a text that is no `.proto`.
    file: Option<File>,
}

impl<'t> Locator<'t> {
    /// What the budget does not pay for has no place.
    pub fn new(text: &'t str, budget: &Budget) -> Locator<'t> {
        // what it costs at the most: it was read before
        let is_paid = budget.affords(text.len() / 2, 0);
        let file = if is_paid { read(text, budget).ok() } else { None };
        Locator { lines: Lines::new(text), file }
    }

    /// Lines and columns, from 1, of paths such as `#/MyMessage/3`, or of the nearest places above
    /// them. A path of nothing but the file is its package, or its beginning.
    pub fn locate_all<'p>(
        &mut self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Vec<Option<(u32, u32)>> {
        let Some(file) = &self.file else { return paths.map(|_| None).collect() };
        let mut index = Index { file, members: HashMap::new() };
        let offsets: Vec<usize> = paths.map(|path| index.offset(path)).collect();
        offsets.into_iter().map(|at| Some(self.lines.position(at))).collect()
    }
}

/// The place of one path; nothing for a text that is no `.proto`.
pub fn locate(text: &str, path: &str) -> Option<(u32, u32)> {
    let mut locator = Locator::new(text, &Budget::default());
    locator.locate_all(std::iter::once(path)).pop().flatten()
}

/// What is in a file and in the messages that paths have led through.
struct Index<'f> {
    file: &'f File,
    /// By the address of the message; those of the file by 0.
    members: HashMap<usize, Members<'f>>,
}

#[derive(Default)]
struct Members<'f> {
    named: HashMap<&'f str, Where<'f>>,
    numbered: HashMap<i32, Where<'f>>,
}

#[derive(Clone, Copy)]
enum Where<'f> {
    Message(&'f Message),
    Enum(&'f Enum),
    /// A oneof of a message; its fields are found in the message.
    OneOf(&'f Message, usize),
    Leaf(usize),
}

impl<'f> Index<'f> {
    fn offset(&mut self, path: &str) -> usize {
        let mut steps = path.trim_start_matches('#').split('/').filter(|step| !step.is_empty());
        let nowhere = self.file.package_at;
        let Some(first) = steps.next() else { return nowhere };
        let file = self.file;
        let types = self.members.entry(0).or_insert_with(|| Members::of_types(&file.types));
        let Some(mut place) = types.named.get(first).copied() else { return nowhere };
        for step in steps {
            match self.step(place, step) {
                Some(next) => place = next,
                None => break,
            }
        }
        place.at()
    }

    fn step(&mut self, place: Where<'f>, name: &str) -> Option<Where<'f>> {
        match place {
            Where::Message(message) => {
                let members = self.members(message);
                match name.parse() {
                    Ok(number) => members.numbered.get(&number).copied(),
                    Err(_) => members.named.get(name).copied(),
                }
            }
            Where::OneOf(message, _) => {
                self.members(message).numbered.get(&name.parse().ok()?).copied()
            }
            Where::Enum(enumeration) => {
                let number: i32 = name.parse().ok()?;
                self.constants(enumeration).numbered.get(&number).copied()
            }
            Where::Leaf(_) => None,
        }
    }

    fn members(&mut self, message: &'f Message) -> &Members<'f> {
        let address = std::ptr::from_ref(message).addr();
        self.members.entry(address).or_insert_with(|| Members::of(message))
    }

    fn constants(&mut self, enumeration: &'f Enum) -> &Members<'f> {
        let address = std::ptr::from_ref(enumeration).addr();
        self.members.entry(address).or_insert_with(|| {
            let mut members = Members::default();
            for constant in &enumeration.constants {
                members.numbered.entry(constant.number).or_insert(Where::Leaf(constant.at));
            }
            members
        })
    }
}

impl<'f> Members<'f> {
    /// The first, if two have one name.
    fn of_types(types: &'f [Type]) -> Members<'f> {
        let mut members = Members::default();
        for declared in types {
            let place = match declared {
                Type::Message(message) => Where::Message(message),
                Type::Enum(enumeration) => Where::Enum(enumeration),
            };
            members.named.entry(declared.name()).or_insert(place);
        }
        members
    }

    fn of(message: &'f Message) -> Members<'f> {
        let mut members = Members::of_types(&message.types);
        for oneof in &message.oneofs {
            members.named.entry(&oneof.name).or_insert(Where::OneOf(message, oneof.at));
        }
        for Group { number, body, .. } in message.all_groups() {
            members.numbered.entry(*number).or_insert(Where::Message(body));
        }
        for Field { number, at, .. } in message.all_fields() {
            members.numbered.entry(*number).or_insert(Where::Leaf(*at));
        }
        members
    }
}

impl Where<'_> {
    fn at(&self) -> usize {
        match self {
            Where::Message(message) => message.at,
            Where::Enum(enumeration) => enumeration.at,
            Where::OneOf(_, at) | Where::Leaf(at) => *at,
        }
    }
}
