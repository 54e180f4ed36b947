//! What a record, an array, a map or a union's branch hands to a type, one by one.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor, value,
};
use serde::forward_to_deserialize_any;

use super::De;
use crate::avro::codec::CodecError;
use crate::avro::codec::bytes::Input;
use crate::avro::codec::error::Step as Place;
use crate::avro::codec::plan::{Branch, Op, OpId, RecordOp, Step};

/// The blocks of an array or a map.
pub(super) struct Blocks {
    pub(super) empty: bool,
    pub(super) left: usize,
    pub(super) done: bool,
}

impl Blocks {
    /// Reads the count of the first one.
    #[inline]
    pub(super) fn begin(empty: bool, input: &mut Input) -> Result<Blocks, CodecError> {
        let left = input.block(empty)?;
        Ok(Blocks { empty, left, done: left == 0 })
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
pub(super) struct Items<'a, 'de> {
    pub(super) de: De<'a, 'de>,
    pub(super) blocks: Blocks,
    pub(super) total: usize,
}

impl Items<'_, '_> {
    pub(super) fn finish(mut self) -> Result<(), CodecError> {
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

    fn size_hint(&self) -> Option<usize> {
        Some(self.blocks.left)
    }
}

/// The entries of a map.
pub(super) struct Entries<'a, 'de> {
    pub(super) de: De<'a, 'de>,
    pub(super) blocks: Blocks,
    pub(super) key: &'de str,
}

impl Entries<'_, '_> {
    pub(super) fn finish(mut self) -> Result<(), CodecError> {
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
        seed.deserialize(Key(self.key)).map(Some)
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
        Some(self.blocks.left)
    }
}

/// A key of a map: text, and what a type wants that was written as text.
struct Key<'de>(&'de str);

macro_rules! parsed {
    ($($method:ident $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_borrowed_str(self.0)
    }

    parsed!(
        deserialize_bool visit_bool, deserialize_i8 visit_i8, deserialize_i16 visit_i16,
        deserialize_i32 visit_i32, deserialize_i64 visit_i64, deserialize_u8 visit_u8,
        deserialize_u16 visit_u16, deserialize_u32 visit_u32, deserialize_u64 visit_u64
    );

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        value::BorrowedStrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// The fields of a record for a type that has the same ones in the same order: no name is asked for.
pub(super) struct InOrder<'a, 'de> {
    pub(super) record: &'de RecordOp,
    pub(super) steps: std::slice::Iter<'de, Step>,
    pub(super) de: De<'a, 'de>,
}

impl InOrder<'_, '_> {
    pub(super) fn finish(mut self) -> Result<(), CodecError> {
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
pub(super) struct Fields<'a, 'de> {
    pub(super) record: &'de RecordOp,
    pub(super) steps: std::slice::Iter<'de, Step>,
    pub(super) now: Option<Step>,
    pub(super) de: De<'a, 'de>,
}

impl Fields<'_, '_> {
    /// Passes over what nobody asked for.
    pub(super) fn finish(mut self) -> Result<(), CodecError> {
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
    pub(super) fn variant(&self, variants: &'static [&'static str]) -> &str {
        let simple = self.simple_name();
        let exact = variants.iter().find(|v| self.seen.is(v, simple) || **v == &*self.name);
        let alike = || variants.iter().find(|v| v.eq_ignore_ascii_case(simple));
        exact.or_else(alike).copied().unwrap_or(simple)
    }
}

/// A branch of a union as a variant: `Order(...)` for a record `shop.Order`, `String(...)` or
/// `string(...)` for a string, `Null` for null.
pub(super) struct Variant<'a, 'de> {
    pub(super) name: &'de str,
    pub(super) de: De<'a, 'de>,
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
