//! Two fields of one number: their names, kinds, labels and types.
//! Source: Confluent `FieldSchemaDiff`.

use super::super::element::{FieldType, Label};
use super::super::names::{Declared, Named};
use super::Difference;
use super::compare::{Pair, Side, Sides, Step};
use super::message::{self, Member};
use super::rule::Rule;

/// Compares two members of a message. `difference` is made for a rule where they are.
pub fn compare<'s>(
    sides: &'s Sides<'s>,
    pair: &Pair<'s>,
    (reader, writer): (Member<'s>, Member<'s>),
    difference: &dyn Fn(Rule) -> Difference,
    steps: &mut Vec<Step<'s>>,
) {
    if reader.name() != writer.name() {
        steps.push(Step::Found(difference(Rule::FieldNameChanged)));
    }
    match (reader, writer) {
        (Member::Field(r), Member::Field(w)) => {
            let comparer = Comparer { sides, pair, difference };
            comparer.types((&r.kind, &w.kind), (r.label, w.label), steps);
        }
        (Member::Group(r), Member::Group(w)) => {
            let path = difference(Rule::FieldKindChanged).path;
            let bodies = Pair {
                reader: &r.body,
                reader_name: sides.reader.names.joined(&pair.reader_name, &r.body.name),
                writer: &w.body,
                writer_name: sides.writer.names.joined(&pair.writer_name, &w.body.name),
            };
            message::compare(sides, &bodies, &path, steps);
        }
        _ => {
            let word = |member: Member| match member {
                Member::Field(field) => field.kind.to_string(),
                Member::Group(_) => "group".to_string(),
            };
            steps.push(said(difference(Rule::FieldKindChanged), &word(reader), &word(writer)));
        }
    }
}

/// A difference between two words, as of types or labels.
fn said<'s>(mut difference: Difference, reader: &str, writer: &str) -> Step<'s> {
    difference.reader.what = reader.to_string();
    difference.writer.what = writer.to_string();
    Step::Found(difference)
}

/// A field's type with its name resolved.
enum Kind<'s> {
    Scalar(Scalar),
    Map(FieldType, FieldType),
    /// A message with its full name, or a name that nothing declares.
    Message(Option<(String, Named<'s>)>),
}

/// Scalars that are alike on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scalar {
    GeneralNumber,
    SignedNumber,
    StringOrBytes,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

fn scalar(name: &str) -> Scalar {
    match name {
        "sint32" | "sint64" => Scalar::SignedNumber,
        "string" | "bytes" => Scalar::StringOrBytes,
        "fixed32" | "sfixed32" => Scalar::Fixed32,
        "fixed64" | "sfixed64" => Scalar::Fixed64,
        "float" => Scalar::Float,
        "double" => Scalar::Double,
        _ => Scalar::GeneralNumber,
    }
}

fn kind<'s>(side: &'s Side<'s>, kind: &FieldType, scope: &str) -> Kind<'s> {
    let name = match kind {
        FieldType::Scalar(name) => return Kind::Scalar(scalar(name)),
        FieldType::Map(pair) => return Kind::Map(pair.0.clone(), pair.1.clone()),
        FieldType::Named(name) => name,
    };
    let Some(full) = side.names.resolve(name, scope) else { return Kind::Message(None) };
    let Some(named) = side.names.get(&full) else { return Kind::Message(None) };
    match named.declared {
        Declared::Enum(_) => Kind::Scalar(Scalar::GeneralNumber),
        Declared::Message(message) => match message.map_entry() {
            Some((key, value)) => Kind::Map(key.kind.clone(), value.kind.clone()),
            None => Kind::Message(Some((full, named))),
        },
    }
}

/// A type's name without the package of its file.
fn local_name<'n>(full: &'n str, package: &str) -> &'n str {
    full.strip_prefix(package).and_then(|rest| rest.strip_prefix('.')).unwrap_or(full)
}

type Labels = (Option<Label>, Option<Label>);

struct Comparer<'c, 's> {
    sides: &'s Sides<'s>,
    pair: &'c Pair<'s>,
    difference: &'c dyn Fn(Rule) -> Difference,
}

impl<'s> Comparer<'_, 's> {
    fn types(&self, types: (&FieldType, &FieldType), labels: Labels, steps: &mut Vec<Step<'s>>) {
        let (r, w) = (types.0.to_string(), types.1.to_string());
        let found = |rule| said((self.difference)(rule), &r, &w);
        let reader = kind(&self.sides.reader, types.0, &self.pair.reader_name);
        let writer = kind(&self.sides.writer, types.1, &self.pair.writer_name);
        match (reader, writer) {
            (Kind::Scalar(reader), Kind::Scalar(writer)) if reader != writer => {
                steps.push(found(Rule::FieldScalarKindChanged));
            }
            (Kind::Scalar(scalar), Kind::Scalar(_)) => self.labels(scalar, labels, steps),
            (Kind::Map(key, value), Kind::Map(old_key, old_value)) => {
                self.types((&key, &old_key), (None, None), steps);
                self.types((&value, &old_value), (None, None), steps);
            }
            (Kind::Message(Some(reader)), Kind::Message(Some(writer))) => {
                self.messages(reader, writer, &found, steps);
            }
            (Kind::Message(_), Kind::Message(_)) => {
                if r != w {
                    steps.push(found(Rule::FieldNamedTypeChanged));
                }
            }
            _ => steps.push(found(Rule::FieldKindChanged)),
        }
    }

    /// Labels count where both are said: proto3 has none for a single value.
    fn labels(&self, scalar: Scalar, labels: Labels, steps: &mut Vec<Step<'s>>) {
        let (Some(reader), Some(writer)) = labels else { return };
        if reader == writer {
            return;
        }
        let rule = match scalar {
            Scalar::StringOrBytes => Rule::FieldStringOrBytesLabelChanged,
            _ => Rule::FieldNumericLabelChanged,
        };
        steps.push(said((self.difference)(rule), reader.word(), writer.word()));
    }

    /// Messages have to have one name, packages aside. Those of the files themselves are compared
    /// where they stand.
    fn messages(
        &self,
        (reader_name, reader): (String, Named<'s>),
        (writer_name, writer): (String, Named<'s>),
        found: &dyn Fn(Rule) -> Step<'s>,
        steps: &mut Vec<Step<'s>>,
    ) {
        if local_name(&reader_name, reader.package) != local_name(&writer_name, writer.package) {
            return steps.push(found(Rule::FieldNamedTypeChanged));
        }
        let own = |side: &Side, named: &Named| named.file == Some(side.own);
        if own(&self.sides.reader, &reader) && own(&self.sides.writer, &writer) {
            return;
        }
        let (Declared::Message(r), Declared::Message(w)) = (reader.declared, writer.declared)
        else {
            return;
        };
        let pair = Pair { reader: r, reader_name, writer: w, writer_name };
        if let Step::Found(field) = found(Rule::FieldNamedTypeChanged) {
            steps.push(Step::Imported(pair, field));
        }
    }
}
