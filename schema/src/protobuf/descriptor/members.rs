//! The members of a message in the order of its text, and the oneofs that `optional` makes.

use std::collections::HashSet;

use super::super::element::{Field, Group, Label, Message};

pub struct Member<'s> {
    pub at: usize,
    pub kind: MemberKind<'s>,
    pub oneof: Option<usize>,
}

pub enum MemberKind<'s> {
    Field(&'s Field),
    Group(&'s Group),
}

/// The fields and groups of a message in the order of its text.
pub fn members(message: &Message) -> Vec<Member<'_>> {
    let mut members = Vec::new();
    let whole = (&message.fields, &message.groups, None);
    let oneofs = message.oneofs.iter().enumerate();
    for (fields, groups, oneof) in
        std::iter::once(whole).chain(oneofs.map(|(i, o)| (&o.fields, &o.groups, Some(i))))
    {
        members.extend(fields.iter().map(|f| Member {
            at: f.at,
            kind: MemberKind::Field(f),
            oneof,
        }));
        members.extend(groups.iter().map(|g| Member {
            at: g.body.at,
            kind: MemberKind::Group(g),
            oneof,
        }));
    }
    members.sort_by_key(|member| member.at);
    members
}

/// The oneofs of one field each that `optional` makes in proto3, behind the real ones.
pub struct Synthetic {
    active: bool,
    real: usize,
    taken: HashSet<String>,
    pub names: Vec<String>,
}

impl Synthetic {
    pub fn of(message: &Message, active: bool) -> Synthetic {
        let fields = message.all_fields().map(|field| field.name.clone());
        let taken = fields.chain(message.oneofs.iter().map(|oneof| oneof.name.clone()));
        let taken = if active { taken.collect() } else { Default::default() };
        Synthetic { active, real: message.oneofs.len(), taken, names: Vec::new() }
    }

    pub fn place(&mut self, member: &Member) -> Option<usize> {
        let MemberKind::Field(field) = member.kind else { return None };
        if !self.active || field.label != Some(Label::Optional) {
            return None;
        }
        let mut name = format!("_{}", field.name);
        while !self.taken.insert(name.clone()) {
            name.insert(0, 'X');
        }
        self.names.push(name);
        Some(self.real + self.names.len() - 1)
    }
}
