//! Avro data to Avro's JSON encoding, without a value in between.
//!
//! Unions other than null are `{"branch": value}`, bytes are strings of code points up to U+00FF,
//! logical types are what they are stored as. What JSON has no number for is a string: `"NaN"`.

use super::bytes::Input;
use super::error::Step as Place;
use super::logical::Logical;
use super::plan::{Branch, Op, OpId, Plan, RecordOp, Step};
use super::{CodecError, DEPTH_MAX};

impl Plan {
    /// Appends `data` to `out` as JSON of the reader's schema.
    pub fn to_json(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.to_json_with(data, Decimals::Bytes, out)
    }

    /// As [`Plan::to_json`], with decimals as a caller wants them.
    pub fn to_json_with(
        &self,
        data: &[u8],
        decimals: Decimals,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let mut input = self.input(data);
        let start = out.len();
        let result = Writer { plan: self, decimals, out }.value(self.root(), &mut input, 0);
        let result = result.and_then(|()| input.finish());
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

/// How decimals stand in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimals {
    /// As Avro's JSON encoding has them: the bytes that they are stored as.
    #[default]
    Bytes,
    /// `"12.50"`
    String,
    /// `12.50`, with all its digits.
    Number,
}

struct Writer<'a> {
    plan: &'a Plan,
    decimals: Decimals,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, id: OpId, input: &mut Input, depth: usize) -> Result<(), CodecError> {
        let plan = self.plan;
        match plan.op(id) {
            Op::Null => self.raw("null"),
            Op::Boolean => {
                let b = input.boolean()?;
                self.raw(if b { "true" } else { "false" });
            }
            Op::Int(_) | Op::IntToLong => self.json(&input.int()?),
            Op::Long(_) => self.json(&input.long()?),
            Op::Float => self.float(input.float()?),
            Op::Double => self.double(input.double()?),
            Op::IntToFloat => self.float(input.int()? as f32),
            Op::IntToDouble => self.double(f64::from(input.int()?)),
            Op::LongToFloat => self.float(input.long()? as f32),
            Op::LongToDouble => self.double(input.long()? as f64),
            Op::FloatToDouble => self.double(f64::from(input.float()?)),
            Op::Bytes(logical) => self.bytes(*logical, input.bytes()?)?,
            Op::Fixed(size, logical) => self.bytes(*logical, input.take(*size)?)?,
            Op::String => self.json(input.string()?),
            Op::Enum(e) => {
                let from = input.index(e.to.len())?;
                self.json(&*e.symbols[e.reader_index(from)?].name);
            }
            Op::Fail(why) => return Err(CodecError::new(why.clone())),
            _ if depth == DEPTH_MAX => return Err(too_deep()),
            Op::Array { items, empty } => self.array(*items, *empty, input, depth + 1)?,
            Op::Map(values) => self.map(*values, input, depth + 1)?,
            Op::Union(union) => {
                let (op, branch) = &union.branches[input.index(union.branches.len())?];
                match branch {
                    Some(branch) => self.branch(branch, *op, input, depth + 1)?,
                    None => self.value(*op, input, depth + 1)?,
                }
            }
            Op::IntoUnion { branch, op } => self.branch(branch, *op, input, depth + 1)?,
            Op::Record(record) => self.record(record, input, depth + 1)?,
        }
        Ok(())
    }

    fn branch(
        &mut self,
        branch: &Branch,
        op: OpId,
        input: &mut Input,
        depth: usize,
    ) -> Result<(), CodecError> {
        if branch.is_null {
            return self.value(op, input, depth);
        }
        self.out.extend_from_slice(&branch.json);
        self.value(op, input, depth)?;
        self.raw("}");
        Ok(())
    }

    fn array(
        &mut self,
        items: OpId,
        empty: bool,
        input: &mut Input,
        depth: usize,
    ) -> Result<(), CodecError> {
        self.raw("[");
        let mut index = 0;
        input.each(empty, |input| {
            if index > 0 {
                self.raw(",");
            }
            self.value(items, input, depth).map_err(|e| e.inside(Place::Index(index)))?;
            index += 1;
            Ok(())
        })?;
        self.raw("]");
        Ok(())
    }

    fn map(&mut self, values: OpId, input: &mut Input, depth: usize) -> Result<(), CodecError> {
        self.raw("{");
        let mut first = true;
        input.each(false, |input| {
            if !std::mem::replace(&mut first, false) {
                self.raw(",");
            }
            let key = input.string()?;
            self.json(key);
            self.raw(":");
            let result = self.value(values, input, depth);
            result.map_err(|e| e.inside(Place::Field(key.to_string())))
        })?;
        self.raw("}");
        Ok(())
    }

    fn record(
        &mut self,
        record: &RecordOp,
        input: &mut Input,
        depth: usize,
    ) -> Result<(), CodecError> {
        input.record()?;
        self.raw("{");
        let mut first = true;
        for step in &record.steps {
            let (field, op) = match step {
                Step::Skip(op) => {
                    self.plan.skip(*op, input, depth)?;
                    continue;
                }
                Step::Read { field, op } | Step::Default { field, op } => (*field, *op),
            };
            if !std::mem::replace(&mut first, false) {
                self.raw(",");
            }
            let field = &record.fields[field as usize];
            self.out.extend_from_slice(&field.json);
            let result = match step {
                Step::Default { .. } => {
                    let default = field.default.as_deref().expect("compiled with its default");
                    self.value(op, &mut Input::new(default), depth)
                }
                _ => self.value(op, input, depth),
            };
            result.map_err(|e| e.inside(Place::Field(field.name.to_string())))?;
        }
        self.raw("}");
        Ok(())
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        serde_json::to_writer(&mut *self.out, value).expect("plain values go into a buffer");
    }

    fn double(&mut self, value: f64) {
        match value.is_finite() {
            true => self.json(&value),
            false => self.json(&crate::json::java_double(value)),
        }
    }

    fn float(&mut self, value: f32) {
        match value.is_finite() {
            true => self.json(&value),
            false => self.json(&crate::json::java_double(f64::from(value))),
        }
    }

    fn bytes(&mut self, logical: Logical, bytes: &[u8]) -> Result<(), CodecError> {
        let is_decimal = matches!(logical, Logical::Decimal { .. });
        if self.decimals == Decimals::Bytes || !is_decimal {
            self.latin1(bytes);
            return Ok(());
        }
        let too_long = || CodecError::new(format!("a decimal of {} bytes", bytes.len()));
        let text = logical.bytes_to_text(bytes).ok_or_else(too_long)?;
        match self.decimals {
            Decimals::Number => self.raw(&text),
            _ => self.json(&text),
        }
        Ok(())
    }

    fn latin1(&mut self, bytes: &[u8]) {
        let text: String = bytes.iter().map(|b| *b as char).collect();
        self.json(&text);
    }
}

pub(super) fn too_deep() -> CodecError {
    CodecError::new(format!("the data is nested deeper than {DEPTH_MAX} levels"))
}

impl super::plan::EnumOp {
    pub(super) fn reader_index(&self, writer: usize) -> Result<usize, CodecError> {
        match self.to[writer] {
            Some(index) => Ok(index as usize),
            None => Err(CodecError::new("the reader's enum lacks the symbol, and has no default")),
        }
    }
}

impl Plan {
    /// Passes over a value.
    pub(super) fn skip(&self, id: OpId, input: &mut Input, depth: usize) -> Result<(), CodecError> {
        self.skip_op(self.op(id), input, depth)
    }

    pub(super) fn skip_op(
        &self,
        op: &Op,
        input: &mut Input,
        depth: usize,
    ) -> Result<(), CodecError> {
        match op {
            Op::Null => {}
            Op::Boolean => drop(input.boolean()?),
            Op::Int(_) | Op::IntToLong | Op::IntToFloat | Op::IntToDouble => drop(input.int()?),
            Op::Long(_) | Op::LongToFloat | Op::LongToDouble => drop(input.long()?),
            Op::Float | Op::FloatToDouble => drop(input.float()?),
            Op::Double => drop(input.double()?),
            Op::Bytes(_) | Op::String => drop(input.bytes()?),
            Op::Fixed(size, _) => drop(input.take(*size)?),
            Op::Enum(e) => drop(input.index(e.to.len())?),
            Op::Fail(why) => return Err(CodecError::new(why.clone())),
            _ if depth >= DEPTH_MAX => return Err(too_deep()),
            Op::Array { items, empty } => {
                input.each(*empty, |input| self.skip(*items, input, depth + 1))?;
            }
            Op::Map(values) => input.each(false, |input| {
                input.bytes()?;
                self.skip(*values, input, depth + 1)
            })?,
            Op::Union(union) => {
                let (op, _) = &union.branches[input.index(union.branches.len())?];
                self.skip(*op, input, depth + 1)?;
            }
            Op::IntoUnion { op, .. } => self.skip(*op, input, depth + 1)?,
            Op::Record(record) => {
                input.record()?;
                for step in &record.steps {
                    if let Step::Read { op, .. } | Step::Skip(op) = step {
                        self.skip(*op, input, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }
}
