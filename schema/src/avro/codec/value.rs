//! Data to and from apache-avro's `Value`, for those who want values without a type.
//!
//! The reader's schema says what comes out: a union's value with the index of its branch, logical types
//! as their own values, a record's fields in the reader's order.

use std::collections::HashMap;

use apache_avro::types::Value;
use apache_avro::{Decimal, Duration, Uuid};

use super::bytes::{Input, write_bytes, write_long};
use super::error::Step as Place;
use super::logical::{Logical, Precision, sign_extended};
use super::plan::{Encoder, Op, OpId, Plan, RecordOp, Step, UnionOp};
use super::to_json::too_deep;
use super::{CodecError, DEPTH_MAX};

impl Plan {
    /// Reads `data`, all of it, as a value.
    pub fn decode_value(&self, data: &[u8]) -> Result<Value, CodecError> {
        let mut input = self.input(data);
        let value = self.value(self.root(), &mut input, 0)?;
        input.finish()?;
        Ok(value)
    }

    fn value(&self, id: OpId, input: &mut Input, depth: usize) -> Result<Value, CodecError> {
        Ok(match self.op(id) {
            Op::Null => Value::Null,
            Op::Boolean => Value::Boolean(input.boolean()?),
            Op::Int(logical) => int(*logical, input.int()?),
            Op::Long(logical) => long(*logical, input.long()?),
            Op::Float => Value::Float(input.float()?),
            Op::Double => Value::Double(input.double()?),
            Op::IntToLong => Value::Long(i64::from(input.int()?)),
            Op::IntToFloat => Value::Float(input.int()? as f32),
            Op::IntToDouble => Value::Double(f64::from(input.int()?)),
            Op::LongToFloat => Value::Float(input.long()? as f32),
            Op::LongToDouble => Value::Double(input.long()? as f64),
            Op::FloatToDouble => Value::Double(f64::from(input.float()?)),
            Op::Bytes(logical) => match (logical, input.bytes()?) {
                // no number at all, which apache-avro's decimal cannot be
                (_, []) => Value::Bytes(Vec::new()),
                (Logical::Decimal { .. }, bytes) => Value::Decimal(Decimal::from(bytes)),
                (_, bytes) => Value::Bytes(bytes.to_vec()),
            },
            Op::String => Value::String(input.string()?.to_string()),
            Op::Fixed(size, logical) => fixed(*logical, input.take(*size)?),
            Op::Enum(e) => {
                let index = e.reader_index(input.index(e.to.len())?)?;
                Value::Enum(index as u32, e.symbols[index].name.to_string())
            }
            Op::Fail(why) => return Err(CodecError::new(why.clone())),
            _ if depth == DEPTH_MAX => return Err(too_deep()),
            Op::Array { items, empty } => self.items(*items, *empty, input, depth + 1)?,
            Op::Map(values) => self.entries(*values, input, depth + 1)?,
            Op::Union(union) => {
                let (op, branch) = &union.branches[input.index(union.branches.len())?];
                let value = self.value(*op, input, depth + 1)?;
                match branch {
                    Some(branch) => Value::Union(branch.index, Box::new(value)),
                    None => value,
                }
            }
            Op::IntoUnion { branch, op } => {
                Value::Union(branch.index, Box::new(self.value(*op, input, depth + 1)?))
            }
            Op::Record(record) => self.fields(record, input, depth + 1)?,
        })
    }

    fn items(
        &self,
        items: OpId,
        empty: bool,
        input: &mut Input,
        depth: usize,
    ) -> Result<Value, CodecError> {
        let mut values = Vec::new();
        input.each(empty, |input| {
            let value = self.value(items, input, depth);
            values.push(value.map_err(|e| e.inside(Place::Index(values.len())))?);
            Ok(())
        })?;
        Ok(Value::Array(values))
    }

    fn entries(&self, values: OpId, input: &mut Input, depth: usize) -> Result<Value, CodecError> {
        let mut entries = HashMap::new();
        input.each(false, |input| {
            let key = input.string()?;
            let value = self.value(values, input, depth);
            let value = value.map_err(|e| e.inside(Place::Field(key.to_string())))?;
            entries.insert(key.to_string(), value);
            Ok(())
        })?;
        Ok(Value::Map(entries))
    }

    fn fields(
        &self,
        record: &RecordOp,
        input: &mut Input,
        depth: usize,
    ) -> Result<Value, CodecError> {
        input.record()?;
        let name = |field: u32| record.fields[field as usize].name.to_string();
        let mut values: Vec<(u32, Value)> = Vec::with_capacity(record.fields.len());
        for step in &record.steps {
            let (field, value) = match step {
                Step::Skip(op) => {
                    self.skip(*op, input, depth)?;
                    continue;
                }
                Step::Read { field, op } => (*field, self.value(*op, input, depth)),
                Step::Default { field, op } => {
                    let default = record.fields[*field as usize].default.as_deref();
                    let default = default.expect("compiled with its default");
                    (*field, self.value(*op, &mut Input::new(default), depth))
                }
            };
            values.push((field, value.map_err(|e| e.inside(Place::Field(name(field))))?));
        }
        values.sort_by_key(|(field, _)| *field);
        Ok(Value::Record(values.into_iter().map(|(field, value)| (name(field), value)).collect()))
    }
}

fn int(logical: Logical, value: i32) -> Value {
    match logical {
        Logical::Date => Value::Date(value),
        Logical::Time(_) => Value::TimeMillis(value),
        _ => Value::Int(value),
    }
}

fn long(logical: Logical, value: i64) -> Value {
    match logical {
        Logical::Time(_) => Value::TimeMicros(value),
        Logical::Timestamp(Precision::Millis) => Value::TimestampMillis(value),
        Logical::Timestamp(Precision::Micros) => Value::TimestampMicros(value),
        Logical::Timestamp(Precision::Nanos) => Value::TimestampNanos(value),
        Logical::LocalTimestamp(Precision::Millis) => Value::LocalTimestampMillis(value),
        Logical::LocalTimestamp(Precision::Micros) => Value::LocalTimestampMicros(value),
        Logical::LocalTimestamp(Precision::Nanos) => Value::LocalTimestampNanos(value),
        _ => Value::Long(value),
    }
}

fn fixed(logical: Logical, bytes: &[u8]) -> Value {
    match (logical, bytes.first_chunk(), bytes.first_chunk()) {
        (Logical::Decimal { .. }, _, _) if !bytes.is_empty() => {
            Value::Decimal(Decimal::from(bytes))
        }
        (Logical::Uuid, Some(uuid), _) => Value::Uuid(Uuid::from_bytes(*uuid)),
        (Logical::Duration, _, Some(duration)) => Value::Duration(Duration::from(*duration)),
        _ => Value::Fixed(bytes.len(), bytes.to_vec()),
    }
}

impl Encoder {
    /// Appends a value to `out`. A bare value in a union takes the first branch that it fits; fields
    /// that a record lacks take their defaults. After an error `out` is as it was.
    pub fn encode_value(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let start = out.len();
        let result = self.write(self.plan.root(), value, out, 0);
        self.end(result, start, out)
    }

    fn write(
        &self,
        id: OpId,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        let op = self.plan.op(id);
        match (op, value) {
            (Op::Null, Value::Null) => {}
            (Op::Boolean, Value::Boolean(value)) => out.push(u8::from(*value)),
            (Op::Float, Value::Float(value)) => out.extend_from_slice(&value.to_le_bytes()),
            (Op::Double, Value::Double(value)) => out.extend_from_slice(&value.to_le_bytes()),
            (Op::Double, Value::Float(value)) => {
                out.extend_from_slice(&f64::from(*value).to_le_bytes());
            }
            (Op::String, Value::String(text)) => write_bytes(text.as_bytes(), out),
            (Op::String, Value::Uuid(uuid)) => write_bytes(uuid.to_string().as_bytes(), out),
            (Op::Bytes(_), Value::Bytes(bytes)) => write_bytes(bytes, out),
            (Op::Bytes(_), Value::Decimal(decimal)) => write_bytes(&unscaled(decimal)?, out),
            (Op::Fixed(size, _), Value::Fixed(_, bytes)) if bytes.len() == *size => {
                out.extend_from_slice(bytes);
            }
            (Op::Fixed(size, _), Value::Decimal(decimal)) => {
                let bytes = sign_extended(unscaled(decimal)?, *size);
                out.extend_from_slice(&bytes.ok_or_else(|| mismatch(value, op))?);
            }
            (Op::Fixed(16, _), Value::Uuid(uuid)) => out.extend_from_slice(uuid.as_bytes()),
            (Op::Fixed(12, _), Value::Duration(duration)) => {
                out.extend_from_slice(&<[u8; 12]>::from(duration));
            }
            (Op::Enum(e), Value::Enum(_, symbol) | Value::String(symbol)) => {
                let index = e.position(symbol).ok_or_else(|| mismatch(value, op))?;
                write_long(index as i64, out);
            }
            (Op::Int(_) | Op::Long(_), value) if op.looks_like(value) => {
                write_long(number(value).ok_or_else(|| mismatch(value, op))?, out);
            }
            _ if depth == DEPTH_MAX => return Err(too_deep()),
            (Op::Array { items, .. }, Value::Array(values)) => {
                if !values.is_empty() {
                    write_long(values.len() as i64, out);
                }
                for (i, value) in values.iter().enumerate() {
                    let result = self.write(*items, value, out, depth + 1);
                    result.map_err(|e| e.inside(Place::Index(i)))?;
                }
                out.push(0);
            }
            (Op::Map(values), Value::Map(entries)) => {
                if !entries.is_empty() {
                    write_long(entries.len() as i64, out);
                }
                for (key, value) in entries {
                    write_bytes(key.as_bytes(), out);
                    let result = self.write(*values, value, out, depth + 1);
                    result.map_err(|e| e.inside(Place::Field(key.clone())))?;
                }
                out.push(0);
            }
            (Op::Union(union), Value::Union(index, value)) => {
                let Some((op, _)) = union.branches.get(*index as usize) else {
                    return Err(CodecError::new(format!("the union has no branch {index}")));
                };
                write_long(i64::from(*index), out);
                self.write(*op, value, out, depth + 1)?;
            }
            (Op::Union(union), value) => self.write_bare(union, value, out, depth + 1)?,
            (Op::Record(record), Value::Record(fields)) => {
                self.write_fields(record, fields, out, depth + 1)?;
            }
            _ => return Err(mismatch(value, op)),
        }
        Ok(())
    }

    /// Takes the first branch that looks like the value, without a look into it.
    fn write_bare(
        &self,
        union: &UnionOp,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        let fits = |(op, _): &(OpId, _)| self.plan.op(*op).looks_like(value);
        let none = || CodecError::new(format!("{value:?} is no branch of the union"));
        let index = union.branches.iter().position(fits).ok_or_else(none)?;
        write_long(index as i64, out);
        self.write(union.branches[index].0, value, out, depth)
    }

    fn write_fields(
        &self,
        record: &RecordOp,
        fields: &[(String, Value)],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        let given: HashMap<&str, &Value> =
            fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let own = &record.name;
        if let Some(name) = given.keys().find(|name| !record.index.contains_key(**name)) {
            return Err(CodecError::new(format!("{own} has no field {name}")));
        }
        for field in &record.fields {
            match (given.get(&*field.name), &field.default) {
                (Some(value), _) => self
                    .write(field.op, value, out, depth)
                    .map_err(|e| e.inside(Place::Field(field.name.to_string())))?,
                (None, Some(default)) => out.extend_from_slice(default),
                (None, None) => {
                    return Err(CodecError::new(format!("{own} lacks field {}", field.name)));
                }
            }
        }
        Ok(())
    }
}

impl Op {
    fn looks_like(&self, value: &Value) -> bool {
        match (self, value) {
            (Op::Null, Value::Null)
            | (Op::Boolean, Value::Boolean(_))
            | (Op::Float, Value::Float(_))
            | (Op::Double, Value::Float(_) | Value::Double(_))
            | (Op::String, Value::String(_) | Value::Uuid(_))
            | (Op::Bytes(_), Value::Bytes(_) | Value::Decimal(_))
            | (Op::Array { .. }, Value::Array(_))
            | (Op::Map(_), Value::Map(_))
            | (Op::Fixed(..), Value::Decimal(_))
            | (Op::Fixed(16, _), Value::Uuid(_))
            | (Op::Fixed(12, _), Value::Duration(_)) => true,
            (Op::Fixed(size, _), Value::Fixed(_, bytes)) => bytes.len() == *size,
            (Op::Enum(e), Value::Enum(_, symbol) | Value::String(symbol)) => {
                e.position(symbol).is_some()
            }
            // a number as it is, or one of the same logical type
            (Op::Int(_), Value::Int(_)) => true,
            (Op::Int(_), Value::Long(number)) => i32::try_from(*number).is_ok(),
            (Op::Int(logical), Value::Date(_) | Value::TimeMillis(_)) => {
                matches!(logical, Logical::None) || alike(&int(*logical, 0), value)
            }
            (Op::Long(_), Value::Int(_) | Value::Long(_)) => true,
            (Op::Long(logical), value) => {
                number(value).is_some()
                    && (matches!(logical, Logical::None) || alike(&long(*logical, 0), value))
            }
            (Op::Record(record), Value::Record(fields)) => {
                fields.iter().all(|(name, _)| record.index.contains_key(&**name))
            }
            _ => false,
        }
    }
}

fn alike(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn number(value: &Value) -> Option<i64> {
    Some(match value {
        Value::Int(v) | Value::Date(v) | Value::TimeMillis(v) => i64::from(*v),
        Value::Long(v)
        | Value::TimeMicros(v)
        | Value::TimestampMillis(v)
        | Value::TimestampMicros(v)
        | Value::TimestampNanos(v)
        | Value::LocalTimestampMillis(v)
        | Value::LocalTimestampMicros(v)
        | Value::LocalTimestampNanos(v) => *v,
        _ => return None,
    })
}

fn unscaled(decimal: &Decimal) -> Result<Vec<u8>, CodecError> {
    Vec::try_from(decimal).map_err(|e| CodecError::new(e.to_string()))
}

#[cold]
fn mismatch(value: &Value, op: &Op) -> CodecError {
    CodecError::new(format!("{value:?} is not {}", op.describe()))
}
