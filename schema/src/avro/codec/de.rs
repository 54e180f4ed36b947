//! Avro data to any serde type, over a plan.
//!
//! Records are structs or maps, unions are `Option`s, enums (a variant for each branch, by its
//! simple name) or simply the branch's value, enums are unit variants or strings, bytes and fixed
//! are byte arrays or sequences. `&str` and `&[u8]` borrow from the payload.

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor, value,
};
use serde::forward_to_deserialize_any;

use super::bytes::Input;
use super::error::Step as Place;
use super::plan::{Branch, Op, OpId, Plan, RecordOp, Step};
use super::to_json::too_deep;
use super::{CodecError, DEPTH_MAX};

impl Plan {
    /// Reads `data`, all of it, as a `T`.
    pub fn decode<'de, T: Deserialize<'de>>(&'de self, data: &'de [u8]) -> Result<T, CodecError> {
        let mut input = Input::new(data);
        let value = T::deserialize(De {
            plan: self,
            op: self.root(),
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
    op: OpId,
    input: &'a mut Input<'de>,
    depth: usize,
    /// The branch of the reader's union that led here.
    branch: Option<&'de Branch>,
}

impl<'de> De<'_, 'de> {
    fn child(&mut self, op: OpId) -> De<'_, 'de> {
        De { plan: self.plan, op, input: &mut *self.input, depth: self.depth + 1, branch: None }
    }

    fn again(&mut self) -> De<'_, 'de> {
        De {
            plan: self.plan,
            op: self.op,
            input: &mut *self.input,
            depth: self.depth,
            branch: None,
        }
    }

    fn check_depth(&self) -> Result<(), CodecError> {
        if self.depth >= DEPTH_MAX { Err(too_deep()) } else { Ok(()) }
    }
}

impl<'a, 'de> De<'a, 'de> {
    /// Goes through the writer's and the reader's unions to the branch that the data is of.
    fn resolve(mut self) -> Result<De<'a, 'de>, CodecError> {
        loop {
            match self.plan.op(self.op) {
                Op::Union(union) => {
                    self.check_depth()?;
                    let (op, name) = &union.branches[self.input.index(union.branches.len())?];
                    self.branch = name.as_ref().or(self.branch);
                    self.op = *op;
                }
                Op::IntoUnion { branch: name, op } => {
                    self.branch = Some(name);
                    self.op = *op;
                }
                _ => return Ok(self),
            }
            self.depth += 1;
        }
    }
}

impl<'de> Deserializer<'de> for De<'_, 'de> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let mut de = self.resolve()?;
        let plan = de.plan;
        match plan.op(de.op) {
            Op::Null => visitor.visit_unit(),
            Op::Boolean => visitor.visit_bool(de.input.boolean()?),
            Op::Int => visitor.visit_i32(de.input.int()?),
            Op::Long => visitor.visit_i64(de.input.long()?),
            Op::Float => visitor.visit_f32(de.input.float()?),
            Op::Double => visitor.visit_f64(de.input.double()?),
            Op::IntToLong => visitor.visit_i64(i64::from(de.input.int()?)),
            Op::IntToFloat => visitor.visit_f32(de.input.int()? as f32),
            Op::IntToDouble => visitor.visit_f64(f64::from(de.input.int()?)),
            Op::LongToFloat => visitor.visit_f32(de.input.long()? as f32),
            Op::LongToDouble => visitor.visit_f64(de.input.long()? as f64),
            Op::FloatToDouble => visitor.visit_f64(f64::from(de.input.float()?)),
            Op::Bytes => visitor.visit_borrowed_bytes(de.input.bytes()?),
            Op::Fixed(size) => visitor.visit_borrowed_bytes(de.input.take(*size)?),
            Op::String => visitor.visit_borrowed_str(de.input.string()?),
            Op::Enum(e) => {
                let from = de.input.index(e.to.len())?;
                visitor.visit_borrowed_str(&e.symbols[e.reader_index(from)?])
            }
            Op::Fail(why) => Err(CodecError::new(why.clone())),
            Op::Array { items, empty } => {
                de.check_depth()?;
                let mut items =
                    Items { de: de.child(*items), empty: *empty, left: 0, total: 0, done: false };
                let value = visitor.visit_seq(&mut items)?;
                items.finish()?;
                Ok(value)
            }
            Op::Map(values) => {
                de.check_depth()?;
                let mut entries = Entries { de: de.child(*values), left: 0, done: false, key: "" };
                let value = visitor.visit_map(&mut entries)?;
                entries.finish()?;
                Ok(value)
            }
            Op::Record(record) => {
                de.check_depth()?;
                let mut fields = Fields { record, steps: record.steps.iter(), now: None, de };
                let value = visitor.visit_map(&mut fields)?;
                fields.finish()?;
                Ok(value)
            }
            Op::Union(_) | Op::IntoUnion { .. } => unreachable!("resolved above"),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let de = self.resolve()?;
        match de.plan.op(de.op) {
            Op::Null => visitor.visit_none(),
            _ => visitor.visit_some(de),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        let de = self.resolve()?;
        if let Op::Enum(e) = de.plan.op(de.op) {
            let from = de.input.index(e.to.len())?;
            let symbol: &'de str = &e.symbols[e.reader_index(from)?];
            return visitor.visit_enum(value::BorrowedStrDeserializer::new(symbol));
        }
        match de.branch {
            Some(branch) => visitor.visit_enum(Variant { branch, de }),
            None => Err(CodecError::new("an enum is read from an Avro enum or union")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let de = self.resolve()?;
        let bytes = match de.plan.op(de.op) {
            Op::Bytes => de.input.bytes()?,
            Op::Fixed(size) => de.input.take(*size)?,
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
        self.plan.skip(self.op, self.input, self.depth)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple_struct map struct identifier
    }
}

/// The items of an array, block after block.
struct Items<'a, 'de> {
    de: De<'a, 'de>,
    empty: bool,
    left: usize,
    total: usize,
    done: bool,
}

impl Items<'_, '_> {
    fn advance(&mut self) -> Result<bool, CodecError> {
        if self.left == 0 && !self.done {
            self.left = self.de.input.block(self.empty)?;
            self.done = self.left == 0;
        }
        Ok(!self.done)
    }

    fn finish(mut self) -> Result<(), CodecError> {
        match self.advance()? {
            false => Ok(()),
            true => Err(CodecError::new("the array has more items than are wanted")),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = CodecError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, CodecError> {
        if !self.advance()? {
            return Ok(None);
        }
        self.left -= 1;
        let index = self.total;
        self.total += 1;
        let de = self.de.again();
        seed.deserialize(de).map(Some).map_err(|e| e.inside(Place::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The entries of a map.
struct Entries<'a, 'de> {
    de: De<'a, 'de>,
    left: usize,
    done: bool,
    key: &'de str,
}

impl Entries<'_, '_> {
    fn advance(&mut self) -> Result<bool, CodecError> {
        if self.left == 0 && !self.done {
            self.left = self.de.input.block(false)?;
            self.done = self.left == 0;
        }
        Ok(!self.done)
    }

    fn finish(mut self) -> Result<(), CodecError> {
        match self.advance()? {
            false => Ok(()),
            true => Err(CodecError::new("the map has more entries than are wanted")),
        }
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, CodecError> {
        if !self.advance()? {
            return Ok(None);
        }
        self.left -= 1;
        self.key = self.de.input.string()?;
        seed.deserialize(value::BorrowedStrDeserializer::new(self.key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, CodecError> {
        let de = self.de.again();
        seed.deserialize(de).map_err(|e| e.inside(Place::Field(self.key.to_string())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The fields of a record, in the order of the data, then those that have only defaults.
struct Fields<'a, 'de> {
    record: &'de RecordOp,
    steps: std::slice::Iter<'de, Step>,
    now: Option<Step>,
    de: De<'a, 'de>,
}

impl Fields<'_, '_> {
    /// Passes over what nobody asked for.
    fn finish(mut self) -> Result<(), CodecError> {
        for step in self.now.take().into_iter().chain(self.steps.by_ref().copied()) {
            if let Step::Read { op, .. } | Step::Skip(op) = step {
                self.de.plan.skip(op, self.de.input, self.de.depth + 1)?;
            }
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut Fields<'_, 'de> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, CodecError> {
        for step in self.steps.by_ref() {
            match step {
                Step::Skip(op) => self.de.plan.skip(*op, self.de.input, self.de.depth + 1)?,
                Step::Read { field, .. } | Step::Default { field, .. } => {
                    self.now = Some(*step);
                    let name: &'de str = &self.record.fields[*field as usize].name;
                    return seed.deserialize(value::BorrowedStrDeserializer::new(name)).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, CodecError> {
        let step = self.now.take().expect("a value is asked for after its key");
        let (Step::Read { field, op } | Step::Default { field, op }) = step else {
            unreachable!("skipped fields have no key")
        };
        let field = &self.record.fields[field as usize];
        let result = match step {
            Step::Default { .. } => {
                let bytes = field.default.as_deref().expect("compiled with its default");
                let mut input = Input::new(bytes);
                let depth = self.de.depth + 1;
                seed.deserialize(De {
                    plan: self.de.plan,
                    op,
                    input: &mut input,
                    depth,
                    branch: None,
                })
            }
            _ => seed.deserialize(self.de.child(op)),
        };
        result.map_err(|e| e.inside(Place::Field(field.name.to_string())))
    }
}

/// A branch of a union as a variant: `Order(...)` for a record `shop.Order`, `String(...)` or
/// `string(...)` for a string, `Null` for null.
struct Variant<'a, 'de> {
    branch: &'de Branch,
    de: De<'a, 'de>,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a, 'de> {
    type Error = CodecError;
    type Variant = De<'a, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, De<'a, 'de>), CodecError> {
        let name: &'de str = self.branch.simple_name();
        let variant = seed.deserialize(IntoDeserializer::<CodecError>::into_deserializer(name))?;
        Ok((variant, self.de))
    }
}

impl<'de> VariantAccess<'de> for De<'_, 'de> {
    type Error = CodecError;

    fn unit_variant(self) -> Result<(), CodecError> {
        self.plan.skip(self.op, self.input, self.depth)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, CodecError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_any(visitor)
    }
}
