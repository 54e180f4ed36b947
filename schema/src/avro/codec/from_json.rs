//! Avro's JSON encoding to Avro data, without a value in between.
//!
//! serde_json reads the text, and each type takes what it is handed. Fields may come in any order;
//! as in Java, all of them have to be there, whatever their defaults. Others are refused, or left out.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::bytes::{latin1, write_bytes, write_long};
use super::error::Step;
use super::plan::{Encoder, Op, OpId, Plan, RecordOp, UnionOp};
use super::record::{Block, RecordWriter};
use super::to_json::too_deep;
use super::{CodecError, DEPTH_MAX};

impl Encoder {
    /// Appends to `out` the value that `json` says in Avro's JSON encoding. An error says where:
    /// `orders[3].customer.email: expected a string, found 5`.
    pub fn json_to_avro(&self, json: &str, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.write_json(json, false, out)
    }

    /// As [`Encoder::json_to_avro`]; fields that a record does not have are left out, as Avro's library
    /// for Java does.
    pub fn json_to_avro_without_unknown(
        &self,
        json: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        self.write_json(json, true, out)
    }

    fn write_json(
        &self,
        json: &str,
        drops_unknown: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let start = out.len();
        let mut state = State { plan: &self.plan, out, drops_unknown, error: None };
        let mut reader = serde_json::Deserializer::from_str(json);
        reader.disable_recursion_limit(); // `DEPTH_MAX` bounds it
        let seed = Value { state: &mut state, op: self.plan.root(), depth: 0 };
        let result = seed.deserialize(&mut reader).and_then(|()| reader.end());
        let error = state.error.take();
        let result =
            result.map_err(|syntax| error.unwrap_or_else(|| CodecError::new(syntax.to_string())));
        self.end(result, start, out)
    }
}

struct State<'a> {
    plan: &'a Plan,
    out: &'a mut Vec<u8>,
    /// Whether fields that a record does not have are left out.
    drops_unknown: bool,
    /// The error that goes up, beside serde_json's own, which has no place for a path.
    error: Option<CodecError>,
}

impl State<'_> {
    fn fail<E: serde::de::Error>(&mut self, error: CodecError) -> E {
        let message = E::custom(error.reason());
        self.error.get_or_insert(error);
        message
    }

    fn inside<E: serde::de::Error>(&mut self, error: E, step: Step) -> E {
        let known = self.error.take().unwrap_or_else(|| CodecError::new(error.to_string()));
        self.error = Some(known.inside(step));
        error
    }
}

/// One value of the type that `op` writes.
struct Value<'a, 'b> {
    state: &'a mut State<'b>,
    op: OpId,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        if self.depth == DEPTH_MAX {
            return Err(self.state.fail(too_deep()));
        }
        reader.deserialize_any(self)
    }
}

impl Value<'_, '_> {
    fn mismatch<E: serde::de::Error>(self, found: impl fmt::Display) -> E {
        let expected = expected(self.state.plan.op(self.op));
        self.state.fail(CodecError::new(format!("expected {expected}, found {found}")))
    }

    fn integer<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        match self.state.plan.op(self.op) {
            Op::Int(_) if i32::try_from(value).is_ok() => write_long(value, self.state.out),
            Op::Long(_) => write_long(value, self.state.out),
            Op::Float => self.state.out.extend((value as f32).to_le_bytes()),
            Op::Double => self.state.out.extend((value as f64).to_le_bytes()),
            _ => return Err(self.mismatch(value)),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&expected(self.state.plan.op(self.op)))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        match self.state.plan.op(self.op) {
            Op::Null => Ok(()),
            Op::Union(union) => {
                let is_null = |branch: &(OpId, _)| matches!(self.state.plan.op(branch.0), Op::Null);
                match union.branches.iter().position(is_null) {
                    Some(index) => {
                        write_long(index as i64, self.state.out);
                        Ok(())
                    }
                    None => Err(self.mismatch("null")),
                }
            }
            _ => Err(self.mismatch("null")),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        match self.state.plan.op(self.op) {
            Op::Boolean => {
                self.state.out.push(u8::from(value));
                Ok(())
            }
            _ => Err(self.mismatch(value)),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.integer(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        let whole = value.fract() == 0.0 && value.abs() < 9.2e18;
        match self.state.plan.op(self.op) {
            Op::Double => self.state.out.extend(value.to_le_bytes()),
            Op::Float => self.state.out.extend((value as f32).to_le_bytes()),
            Op::Int(_) | Op::Long(_) if whole => return self.integer(value as i64),
            _ => return Err(self.mismatch(value)),
        }
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        match self.state.plan.op(self.op) {
            Op::String => write_bytes(value.as_bytes(), self.state.out),
            Op::Bytes(_) => {
                let bytes = latin1(value).map_err(|e| self.state.fail(e))?;
                write_bytes(&bytes, self.state.out);
            }
            Op::Fixed(size, _) => {
                let bytes = latin1(value).map_err(|e| self.state.fail::<E>(e))?;
                if bytes.len() != *size {
                    return Err(self.mismatch(format!("{} bytes", bytes.len())));
                }
                self.state.out.extend(bytes);
            }
            Op::Enum(e) => match e.position(value) {
                Some(index) => write_long(index as i64, self.state.out),
                None => return Err(self.mismatch(format!("\"{value}\""))),
            },
            Op::Float => match special(value) {
                Some(number) => self.state.out.extend((number as f32).to_le_bytes()),
                None => return Err(self.mismatch(format!("\"{value}\""))),
            },
            Op::Double => match special(value) {
                Some(number) => self.state.out.extend(number.to_le_bytes()),
                None => return Err(self.mismatch(format!("\"{value}\""))),
            },
            _ => return Err(self.mismatch(format!("\"{value}\""))),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Op::Array { items, .. } = self.state.plan.op(self.op) else {
            return Err(self.mismatch("an array"));
        };
        let depth = self.depth + 1;
        let mut block = Block::new(None, self.state.out);
        loop {
            let item = Value { state: self.state, op: *items, depth };
            match seq.next_element_seed(item) {
                Ok(Some(())) => block.total += 1,
                Ok(None) => break,
                Err(error) => return Err(self.state.inside(error, Step::Index(block.total))),
            }
        }
        block.finish(self.state.out);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let plan = self.state.plan;
        let depth = self.depth + 1;
        match plan.op(self.op) {
            Op::Record(record) => write_record(self.state, record, depth, map),
            Op::Map(values) => write_map(self.state, *values, depth, map),
            Op::Union(union) => write_union(self.state, union, depth, map),
            _ => Err(self.mismatch("an object")),
        }
    }
}

fn write_record<'de, A: MapAccess<'de>>(
    state: &mut State,
    record: &RecordOp,
    depth: usize,
    mut map: A,
) -> Result<(), A::Error> {
    let mut writer = RecordWriter::new(record);
    while let Some(name) = map.next_key_seed(Key)? {
        if state.drops_unknown && !record.index.contains_key(&*name) {
            map.next_value::<IgnoredAny>()?;
            continue;
        }
        let op = writer.begin(&name, state.out).map_err(|e| state.fail(e))?;
        let value = Value { state, op, depth };
        map.next_value_seed(value)
            .map_err(|error| state.inside(error, Step::Field(name.to_string())))?;
        writer.end(state.out);
    }
    writer.finish(false, state.out).map_err(|e| state.fail(e))
}

fn write_map<'de, A: MapAccess<'de>>(
    state: &mut State,
    values: OpId,
    depth: usize,
    mut map: A,
) -> Result<(), A::Error> {
    let mut block = Block::new(None, state.out);
    while let Some(key) = map.next_key_seed(Key)? {
        write_bytes(key.as_bytes(), state.out);
        let value = Value { state, op: values, depth };
        map.next_value_seed(value)
            .map_err(|error| state.inside(error, Step::Field(key.to_string())))?;
        block.total += 1;
    }
    block.finish(state.out);
    Ok(())
}

fn write_union<'de, A: MapAccess<'de>>(
    state: &mut State,
    union: &UnionOp,
    depth: usize,
    mut map: A,
) -> Result<(), A::Error> {
    let Some(name) = map.next_key_seed(Key)? else {
        let expected = expected_branch(union);
        return Err(state.fail(CodecError::new(format!("expected {expected}, found {{}}"))));
    };
    let found = union.branches.iter().position(|(_, branch)| {
        branch.as_ref().is_some_and(|branch| !branch.is_null && *branch.name == *name)
    });
    let Some(index) = found else {
        let expected = expected_branch(union);
        let error = CodecError::new(format!("expected {expected}, found {{\"{name}\": ...}}"));
        return Err(state.fail(error));
    };
    write_long(index as i64, state.out);
    let value = Value { state, op: union.branches[index].0, depth };
    map.next_value_seed(value)
        .map_err(|error| state.inside(error, Step::Field(name.to_string())))?;
    match map.next_key_seed(Key)? {
        None => Ok(()),
        Some(more) => Err(state.fail(CodecError::new(format!(
            "a union's value names one branch, and here are {name} and {more}"
        )))),
    }
}

/// A key, borrowed from the text where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = std::borrow::Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = std::borrow::Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(key.into())
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(key.to_string().into())
    }
}

fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "INF" => Some(f64::INFINITY),
        "-Infinity" | "-INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn expected(op: &Op) -> String {
    match op {
        Op::Null => "null".into(),
        Op::Boolean => "true or false".into(),
        Op::Int(_) => "an int".into(),
        Op::Long(_) => "a long".into(),
        Op::Float | Op::Double => "a number".into(),
        Op::Bytes(_) => "bytes (a string of code points up to U+00FF)".into(),
        Op::String => "a string".into(),
        Op::Fixed(size, _) => format!("{size} bytes (a string of code points up to U+00FF)"),
        Op::Enum(e) => format!("one of {}", e.listed()),
        Op::Array { .. } => "an array".into(),
        Op::Map(_) => "an object".into(),
        Op::Union(union) => expected_branch(union),
        Op::Record(record) => format!("an object: record {}", record.name),
        _ => "a value".into(),
    }
}

/// `null or {"string": ...}`
fn expected_branch(union: &UnionOp) -> String {
    let branch = |(_, branch): &(OpId, Option<super::plan::Branch>)| match branch {
        Some(branch) if branch.is_null => "null".to_string(),
        Some(branch) => format!("{{\"{}\": ...}}", branch.name),
        None => "a value".to_string(),
    };
    union.branches.iter().map(branch).collect::<Vec<_>>().join(" or ")
}
