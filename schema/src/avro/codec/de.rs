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
use super::logical::Logical;
use super::plan::{Branch, Op, OpId, Plan, RecordOp, Step};
use super::to_json::too_deep;
use super::{CodecError, DEPTH_MAX};

impl Plan {
    /// Reads `data`, all of it, as a `T`.
    pub fn decode<'de, T: Deserialize<'de>>(&'de self, data: &'de [u8]) -> Result<T, CodecError> {
        let mut input = Input::new(data);
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
            match self.op {
                Op::Union(union) => {
                    self.check_depth()?;
                    let (op, name) = &union.branches[self.input.index(union.branches.len())?];
                    self.branch = name.as_ref().or(self.branch);
                    self.op = self.plan.op(*op);
                }
                Op::IntoUnion { branch: name, op } => {
                    self.branch = Some(name);
                    self.op = self.plan.op(*op);
                }
                _ => return Ok(self),
            }
            self.depth += 1;
        }
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
            None => Err(CodecError::new("the value is out of its logical type's range")),
        }
    }

    fn items<V: Visitor<'de>>(
        mut self,
        items: OpId,
        empty: bool,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.check_depth()?;
        let mut items = Items { de: self.child(items), blocks: Blocks::new(empty), total: 0 };
        let value = visitor.visit_seq(&mut items)?;
        items.finish()?;
        Ok(value)
    }

    fn record<V: Visitor<'de>>(
        self,
        record: &'de RecordOp,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.check_depth()?;
        let mut fields = Fields { record, steps: record.steps.iter(), now: None, de: self };
        let value = visitor.visit_map(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }
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
                let mut entries =
                    Entries { de: de.child(*values), blocks: Blocks::new(false), key: "" };
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
        let de = self.resolve()?;
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
        let de = self.resolve()?;
        match de.op {
            Op::Record(record) if record.comes_as(fields) => {
                de.check_depth()?;
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

/// The blocks of an array or a map.
struct Blocks {
    empty: bool,
    left: usize,
    done: bool,
}

impl Blocks {
    fn new(empty: bool) -> Blocks {
        Blocks { empty, left: 0, done: false }
    }

    /// Whether there is one more.
    #[inline]
    fn advance(&mut self, input: &mut Input) -> Result<bool, CodecError> {
        if self.left == 0 && !self.done {
            self.left = input.block(self.empty)?;
            self.done = self.left == 0;
        }
        Ok(!self.done)
    }
}

/// The items of an array, block after block.
struct Items<'a, 'de> {
    de: De<'a, 'de>,
    blocks: Blocks,
    total: usize,
}

impl Items<'_, '_> {
    fn finish(mut self) -> Result<(), CodecError> {
        match self.blocks.advance(self.de.input)? {
            false => Ok(()),
            true => Err(CodecError::new("the array has more items than are wanted")),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, CodecError> {
        if !self.blocks.advance(self.de.input)? {
            return Ok(None);
        }
        self.blocks.left -= 1;
        let index = self.total;
        self.total += 1;
        let de = De { input: &mut *self.de.input, ..self.de };
        seed.deserialize(de).map(Some).map_err(|e| e.inside(Place::Index(index)))
    }

    /// All of them if there is one block, which has not begun when a `Vec` asks.
    fn size_hint(&self) -> Option<usize> {
        match (self.blocks.left, self.blocks.done) {
            (0, false) => self.de.input.clone().block(self.blocks.empty).ok(),
            (left, _) => Some(left),
        }
    }
}

/// The entries of a map.
struct Entries<'a, 'de> {
    de: De<'a, 'de>,
    blocks: Blocks,
    key: &'de str,
}

impl Entries<'_, '_> {
    fn finish(mut self) -> Result<(), CodecError> {
        match self.blocks.advance(self.de.input)? {
            false => Ok(()),
            true => Err(CodecError::new("the map has more entries than are wanted")),
        }
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, CodecError> {
        if !self.blocks.advance(self.de.input)? {
            return Ok(None);
        }
        self.blocks.left -= 1;
        self.key = self.de.input.string()?;
        seed.deserialize(value::BorrowedStrDeserializer::new(self.key)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, CodecError> {
        let de = De { input: &mut *self.de.input, ..self.de };
        seed.deserialize(de).map_err(|e| e.inside(Place::Field(self.key.to_string())))
    }

    fn size_hint(&self) -> Option<usize> {
        match (self.blocks.left, self.blocks.done) {
            (0, false) => self.de.input.clone().block(false).ok(),
            (left, _) => Some(left),
        }
    }
}

/// The fields of a record for a type that has the same ones in the same order: no name is asked for.
struct InOrder<'a, 'de> {
    record: &'de RecordOp,
    steps: std::slice::Iter<'de, Step>,
    de: De<'a, 'de>,
}

impl InOrder<'_, '_> {
    fn finish(mut self) -> Result<(), CodecError> {
        for step in self.steps.by_ref() {
            match step {
                Step::Skip(op) => self.de.plan.skip(*op, self.de.input, self.de.depth + 1)?,
                // two names of one field, one of them an alias in Rust
                _ => return Err(CodecError::new("the record has more fields than are wanted")),
            }
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut InOrder<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, CodecError> {
        loop {
            match self.steps.next() {
                Some(Step::Read { field, op }) => {
                    let result = seed.deserialize(self.de.child(*op));
                    return result.map(Some).map_err(|e| e.inside(self.record.place(*field)));
                }
                Some(Step::Skip(op)) => match self.de.plan.op(*op) {
                    Op::String | Op::Bytes(_) => drop(self.de.input.bytes()?),
                    op => self.de.plan.skip_op(op, self.de.input, self.de.depth + 1)?,
                },
                Some(Step::Default { field, op }) => {
                    let result = self.de.default_value(self.record, *field, *op, seed);
                    return result.map(Some);
                }
                None => return Ok(None),
            }
        }
    }
}

impl RecordOp {
    #[cold]
    fn place(&self, field: u32) -> Place {
        Place::Field(self.fields[field as usize].name.to_string())
    }
}

impl<'de> De<'_, 'de> {
    /// A value that only the reader's schema has.
    fn default_value<T: DeserializeSeed<'de>>(
        &self,
        record: &'de RecordOp,
        field: u32,
        op: OpId,
        seed: T,
    ) -> Result<T::Value, CodecError> {
        let bytes = &record.fields[field as usize].default;
        let mut input = Input::new(bytes.as_deref().expect("compiled with its default"));
        let depth = self.depth + 1;
        let op = self.plan.op(op);
        seed.deserialize(De { plan: self.plan, op, input: &mut input, depth, branch: None })
            .map_err(|e| e.inside(record.place(field)))
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
        match self.now.take().expect("a value is asked for after its key") {
            Step::Read { field, op } => {
                seed.deserialize(self.de.child(op)).map_err(|e| e.inside(self.record.place(field)))
            }
            Step::Default { field, op } => self.de.default_value(self.record, field, op, seed),
            Step::Skip(_) => unreachable!("skipped fields have no key"),
        }
    }
}

impl Branch {
    /// Which of the variants means this branch, as in writing; its own name if none does.
    #[inline]
    fn variant(&self, variants: &'static [&'static str]) -> &str {
        let simple = self.simple_name();
        let exact = variants.iter().find(|v| self.seen.is(v, simple) || **v == &*self.name);
        let alike = || variants.iter().find(|v| v.eq_ignore_ascii_case(simple));
        exact.or_else(alike).copied().unwrap_or(simple)
    }
}

/// A branch of a union as a variant: `Order(...)` for a record `shop.Order`, `String(...)` or
/// `string(...)` for a string, `Null` for null.
struct Variant<'a, 'de> {
    name: &'de str,
    de: De<'a, 'de>,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a, 'de> {
    type Error = CodecError;
    type Variant = De<'a, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, De<'a, 'de>), CodecError> {
        let name = IntoDeserializer::<CodecError>::into_deserializer(self.name);
        let variant = seed.deserialize(name)?;
        Ok((variant, self.de))
    }
}

impl<'de> VariantAccess<'de> for De<'_, 'de> {
    type Error = CodecError;

    fn unit_variant(self) -> Result<(), CodecError> {
        self.plan.skip_op(self.op, self.input, self.depth)
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
