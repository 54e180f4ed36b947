//! Default values in binary. They are written in a JSON of their own: a union's value stands bare,
//! as the first branch that it fits. Source: Apache Avro 1.12 `ResolvingGrammarGenerator.encode`.

use super::CodecError;
use super::bytes::{latin1, write_bytes, write_long};
use crate::avro::{Kind, NodeId, Schema};
use crate::json::Json;

/// Levels of a default value; a default may name the defaults of the fields in it.
const DEPTH_MAX: usize = 200;

/// Values in one default, those that take no bytes as well.
const STEPS_MAX: u32 = 1 << 20;

/// Bytes of one default. Defaults that hold the defaults of their fields could double at each level.
const DEFAULT_BYTES_MAX: usize = 1 << 20;

pub(super) fn encode(schema: &Schema, id: NodeId, value: &Json) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    write(schema, id, value, &mut out, 0, &mut { STEPS_MAX })?;
    Ok(out)
}

fn write(
    schema: &Schema,
    id: NodeId,
    value: &Json,
    out: &mut Vec<u8>,
    depth: usize,
    steps_left: &mut u32,
) -> Result<(), CodecError> {
    *steps_left = steps_left.saturating_sub(1);
    if depth > DEPTH_MAX || out.len() > DEFAULT_BYTES_MAX || *steps_left == 0 {
        return Err(CodecError::new("the default value is nested too deeply or too large"));
    }
    match (schema.kind(id), value) {
        (Kind::Null, Json::Null) => {}
        (Kind::Boolean, Json::Bool(b)) => out.push(u8::from(*b)),
        (Kind::Int, Json::Int(i)) => write_long(i64::from(*i as i32), out),
        (Kind::Long, Json::Int(i)) => write_long(*i, out),
        (Kind::Int, Json::Double(d)) => write_long(i64::from(*d as i32), out),
        (Kind::Long, Json::Double(d)) => write_long(*d as i64, out),
        (Kind::Float, number) => out.extend((float(number)? as f32).to_le_bytes()),
        (Kind::Double, number) => out.extend(float(number)?.to_le_bytes()),
        (Kind::String, Json::String(s)) => write_bytes(s.as_bytes(), out),
        (Kind::Bytes, Json::String(s)) => write_bytes(&latin1(s)?, out),
        (Kind::Fixed(fixed), Json::String(s)) => {
            let mut bytes = latin1(s)?;
            bytes.resize(fixed.size, 0);
            out.extend(bytes);
        }
        (Kind::Enum(e), Json::String(s)) => {
            let index = e.symbols.iter().position(|symbol| symbol == s);
            write_long(index.ok_or_else(|| mismatch(schema, id, value))? as i64, out);
        }
        (Kind::Array(items), Json::Array(values)) => {
            if !values.is_empty() {
                write_long(values.len() as i64, out);
            }
            for value in values {
                write(schema, *items, value, out, depth + 1, steps_left)?;
            }
            out.push(0);
        }
        (Kind::Map(child), Json::Object(members)) => {
            if !members.is_empty() {
                write_long(members.len() as i64, out);
            }
            for (key, value) in members {
                write_bytes(key.as_bytes(), out);
                write(schema, *child, value, out, depth + 1, steps_left)?;
            }
            out.push(0);
        }
        (Kind::Union(branches), value) => {
            let index = branches.iter().position(|b| looks_like(schema.kind(*b), value));
            let index = index.ok_or_else(|| mismatch(schema, id, value))?;
            write_long(index as i64, out);
            write(schema, branches[index], value, out, depth + 1, steps_left)?;
        }
        (Kind::Record(record), Json::Object(_)) => {
            for field in &record.fields {
                let Some(value) = value.get(&field.name).or(field.default.as_ref()) else {
                    return Err(CodecError::new(format!("No default value for: {}", field.name)));
                };
                write(schema, field.node, value, out, depth + 1, steps_left)?;
            }
        }
        _ => return Err(mismatch(schema, id, value)),
    }
    Ok(())
}

fn float(value: &Json) -> Result<f64, CodecError> {
    match value {
        Json::Int(i) => Ok(*i as f64),
        Json::Double(d) => Ok(*d),
        Json::BigInt(digits) => digits.parse().map_err(|_| CodecError::new("not a number")),
        other => Err(CodecError::new(format!("Non-numeric default value: {other}"))),
    }
}

/// Whether Java takes the branch for a value of this shape.
fn looks_like(kind: &Kind, value: &Json) -> bool {
    match kind {
        Kind::Null => matches!(value, Json::Null),
        Kind::Boolean => matches!(value, Json::Bool(_)),
        Kind::Int => matches!(value, Json::Int(i) if i32::try_from(*i).is_ok()),
        Kind::Long => matches!(value, Json::Int(_)),
        Kind::Float | Kind::Double => matches!(value, Json::Int(_) | Json::Double(_)),
        Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Fixed(_) => {
            matches!(value, Json::String(_))
        }
        Kind::Array(_) => matches!(value, Json::Array(_)),
        Kind::Map(_) | Kind::Record(_) => matches!(value, Json::Object(_)),
        Kind::Union(_) | Kind::Unresolved(_) => false,
    }
}

fn mismatch(schema: &Schema, id: NodeId, value: &Json) -> CodecError {
    CodecError::new(format!("{value} is not a {}", schema.kind(id).branch_name()))
}
