//! Avro data to any serde type, over a plan.
//!
//! Records are structs or maps, unions are `Option`s, enums (a variant for each branch, by its
//! simple name) or simply the branch's value, enums are unit variants or strings, bytes and fixed
//! are byte arrays or sequences. `&str` and `&[u8]` borrow from the payload.

mod access;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor, value};
use serde::forward_to_deserialize_any;

use access::{Blocks, Entries, Fields, InOrder, Items, Variant};

use super::bytes::Input;
use super::logical::Logical;
use super::plan::{Branch, Op, OpId, Plan, RecordOp, UnionOp};
use super::to_json::too_deep;
use super::{CodecError, DEPTH_MAX};

impl Plan {
    /// Reads `data`, all of it, as a `T`.
    pub fn decode<'de, T: Deserialize<'de>>(&'de self, data: &'de [u8]) -> Result<T, CodecError> {
        let mut input = self.input(data);
        let value = T::deserialize(De {
            plan: self,
            op: self.op(self.root()),
            input: &mut input,
            depth: 0,
            branch: None,
        })?;
        input.finish()?;
        Ok(value)
    }
}

/// One value. The plan outlives the payload's borrow because defaults borrow from the plan.
struct De<'a, 'de> {
    plan: &'de Plan,
    op: &'de Op,
    input: &'a mut Input<'de>,
    depth: usize,
    /// The branch of the reader's union that led here.
    branch: Option<&'de Branch>,
}

impl<'a, 'de> De<'a, 'de> {
    #[inline]
    fn child(&mut self, op: OpId) -> De<'_, 'de> {
        De {
            plan: self.plan,
            op: self.plan.op(op),
            input: &mut *self.input,
            depth: self.depth + 1,
            branch: None,
        }
    }

    #[inline]
    fn check_depth(&self) -> Result<(), CodecError> {
        if self.depth >= DEPTH_MAX { Err(too_deep()) } else { Ok(()) }
    }

    /// Goes through the writer's and the reader's unions to the branch that the data is of.
    #[inline]
    fn resolve(self) -> Result<De<'a, 'de>, CodecError> {
        match self.op {
            Op::Union(_) | Op::IntoUnion { .. } => self.resolve_union(),
            _ => Ok(self),
        }
    }

    fn resolve_union(mut self) -> Result<De<'a, 'de>, CodecError> {
        loop {
            self = match self.op {
                Op::Union(union) => self.into_branch(union)?,
                Op::IntoUnion { branch, op } => De {
                    op: self.plan.op(*op),
                    depth: self.depth + 1,
                    branch: Some(branch),
                    ..self
                },
                _ => return Ok(self),
            }
        }
    }

    /// Goes to the branch of the writer's union that the data is of.
    #[inline]
    fn into_branch(self, union: &'de UnionOp) -> Result<De<'a, 'de>, CodecError> {
        self.check_depth()?;
        let (op, name) = &union.branches[self.input.index(union.branches.len())?];
        let branch = name.as_ref().or(self.branch);
        Ok(De { op: self.plan.op(*op), depth: self.depth + 1, branch, ..self })
    }

    #[inline]
    fn enter_record(&mut self) -> Result<(), CodecError> {
        self.check_depth()?;
        self.input.record()
    }

    /// Text for a type that wants text where the data is of a logical type, as times and decimals of
    /// most libraries do; what else there is if it is not.
    #[inline(never)]
    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let de = self.resolve()?;
        let text = match de.op {
            Op::Int(logical) if *logical != Logical::None => {
                logical.number_to_text(i64::from(de.input.int()?))
            }
            Op::Long(logical) if *logical != Logical::None => {
                logical.number_to_text(de.input.long()?)
            }
            Op::Bytes(logical) if *logical != Logical::None => {
                logical.bytes_to_text(de.input.bytes()?)
            }
            Op::Fixed(size, logical) if *logical != Logical::None => {
                logical.bytes_to_text(de.input.take(*size)?)
            }
            _ => return de.deserialize_any(visitor),
        };
        match text {
            Some(text) => visitor.visit_string(text),
            None => Err(out_of_range(de.op)),
        }
    }

    fn items<V: Visitor<'de>>(
        mut self,
        items: OpId,
        empty: bool,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.check_depth()?;
        let blocks = Blocks::begin(empty, self.input)?;
        let mut items = Items { de: self.child(items), blocks, total: 0 };
        let value = visitor.visit_seq(&mut items)?;
        items.finish()?;
        Ok(value)
    }

    fn record<V: Visitor<'de>>(
        mut self,
        record: &'de RecordOp,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.enter_record()?;
        let mut fields = Fields { record, steps: record.steps.iter(), now: None, de: self };
        let value = visitor.visit_map(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }
}

#[cold]
fn out_of_range(op: &Op) -> CodecError {
    CodecError::new(format!("the value is out of its logical type's range: {}", op.describe()))
}

/// What a type asks for mostly is what there is, or what Avro promotes to it.
macro_rules! straight {
    ($($method:ident $visit:ident { $($op:pat => $read:ident $($as:ty)?),* })*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            match self.op {
                $($op => visitor.$visit(self.input.$read()? $(as $as)?),)*
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for De<'_, 'de> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let mut de = self.resolve()?;
        match de.op {
            Op::Null => visitor.visit_unit(),
            Op::Boolean => visitor.visit_bool(de.input.boolean()?),
            Op::Int(_) => visitor.visit_i32(de.input.int()?),
            Op::Long(_) => visitor.visit_i64(de.input.long()?),
            Op::Float => visitor.visit_f32(de.input.float()?),
            Op::Double => visitor.visit_f64(de.input.double()?),
            Op::IntToLong => visitor.visit_i64(i64::from(de.input.int()?)),
            Op::IntToFloat => visitor.visit_f32(de.input.int()? as f32),
            Op::IntToDouble => visitor.visit_f64(f64::from(de.input.int()?)),
            Op::LongToFloat => visitor.visit_f32(de.input.long()? as f32),
            Op::LongToDouble => visitor.visit_f64(de.input.long()? as f64),
            Op::FloatToDouble => visitor.visit_f64(f64::from(de.input.float()?)),
            Op::Bytes(_) => visitor.visit_borrowed_bytes(de.input.bytes()?),
            Op::Fixed(size, _) => visitor.visit_borrowed_bytes(de.input.take(*size)?),
            Op::String => visitor.visit_borrowed_str(de.input.string()?),
            Op::Enum(e) => {
                let from = de.input.index(e.to.len())?;
                visitor.visit_borrowed_str(&e.symbols[e.reader_index(from)?].name)
            }
            Op::Fail(why) => Err(CodecError::new(why.clone())),
            Op::Array { items, empty } => de.items(*items, *empty, visitor),
            Op::Map(values) => {
                de.check_depth()?;
                let blocks = Blocks::begin(false, de.input)?;
                let mut entries = Entries { de: de.child(*values), blocks, key: "" };
                let value = visitor.visit_map(&mut entries)?;
                entries.finish()?;
                Ok(value)
            }
            Op::Record(record) => de.record(record, visitor),
            Op::Union(_) | Op::IntoUnion { .. } => unreachable!("resolved above"),
        }
    }

    straight!(
        deserialize_bool visit_bool { Op::Boolean => boolean }
        deserialize_i32 visit_i32 { Op::Int(_) => int }
        deserialize_i64 visit_i64 { Op::Long(_) => long, Op::IntToLong => int i64 }
        deserialize_f32 visit_f32 { Op::Float => float }
        deserialize_f64 visit_f64 { Op::Double => double, Op::FloatToDouble => float f64 }
        deserialize_bytes visit_borrowed_bytes { Op::Bytes(_) => bytes }
        deserialize_byte_buf visit_borrowed_bytes { Op::Bytes(_) => bytes }
    );

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.op {
            Op::String => visitor.visit_borrowed_str(self.input.string()?),
            _ => self.text(visitor),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let de = match self.op {
            // the usual one, without a call
            Op::Union(union) => self.into_branch(union)?.resolve()?,
            _ => self.resolve()?,
        };
        match de.op {
            Op::Null => visitor.visit_none(),
            _ => visitor.visit_some(de),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        let mut de = self.resolve()?;
        match de.op {
            Op::Record(record) if record.comes_as(fields) => {
                de.enter_record()?;
                let mut values = InOrder { record, steps: record.steps.iter(), de };
                let value = visitor.visit_seq(&mut values)?;
                values.finish()?;
                Ok(value)
            }
            Op::Record(record) => de.record(record, visitor),
            _ => de.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        let de = self.resolve()?;
        if let Op::Enum(e) = de.op {
            let from = de.input.index(e.to.len())?;
            let symbol: &'de str = &e.symbols[e.reader_index(from)?].name;
            return visitor.visit_enum(value::BorrowedStrDeserializer::new(symbol));
        }
        match de.branch {
            Some(branch) => visitor.visit_enum(Variant { name: branch.variant(variants), de }),
            None => Err(CodecError::new("an enum is read from an Avro enum or union")),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let de = self.resolve()?;
        let bytes = match de.op {
            Op::Array { items, empty } => return de.items(*items, *empty, visitor),
            Op::Bytes(_) => de.input.bytes()?,
            Op::Fixed(size, _) => de.input.take(*size)?,
            _ => return de.deserialize_any(visitor),
        };
        visitor.visit_seq(value::SeqDeserializer::new(bytes.iter().copied()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        self.plan.skip_op(self.op, self.input, self.depth)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 char unit unit_struct tuple_struct map identifier
    }
}
