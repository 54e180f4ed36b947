//! What a type puts into an array, a record or a map, one by one.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::Ser;
use crate::avro::codec::CodecError;
use crate::avro::codec::bytes::write_bytes;
use crate::avro::codec::error::Step as Place;
use crate::avro::codec::only::{Byte, Text};
use crate::avro::codec::plan::OpId;
use crate::avro::codec::record::{Block, RecordWriter};

/// The items of an array, or the bytes of bytes and fixed.
pub(super) struct Items<'a> {
    pub(super) ser: Ser<'a>,
    pub(super) block: Block,
    pub(super) kind: ItemsOf,
}

pub(super) enum ItemsOf {
    Array(OpId),
    Bytes,
    Fixed(usize),
}

impl Items<'_> {
    #[inline]
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        match self.kind {
            ItemsOf::Array(op) => value
                .serialize(self.ser.child(op)?)
                .map_err(|e| e.inside(Place::Index(self.block.total)))?,
            ItemsOf::Bytes | ItemsOf::Fixed(_) => self.ser.out.push(value.serialize(Byte)?),
        }
        self.block.total += 1;
        Ok(())
    }

    #[inline]
    fn finish(self) -> Result<(), CodecError> {
        match self.kind {
            ItemsOf::Array(_) => self.block.finish(self.ser.out),
            ItemsOf::Bytes if self.block.total == 0 => self.block.finish(self.ser.out),
            ItemsOf::Bytes => self.block.finish_count(self.ser.out),
            ItemsOf::Fixed(size) if size == self.block.total => {}
            ItemsOf::Fixed(_) => {
                return self.ser.mismatch(&format!("{} bytes", self.block.total));
            }
        }
        Ok(())
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Items<'_> {
            type Ok = ();
            type Error = CodecError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
                self.push(value)
            }

            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        }
    )*};
}

items!(
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
);

/// The fields of a record or the entries of a map.
pub(super) enum Compound<'a> {
    Record { ser: Ser<'a>, writer: RecordWriter<'a> },
    Map { ser: Ser<'a>, values: OpId, block: Block },
}

impl Compound<'_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        match self {
            Compound::Record { ser, writer } => {
                let op = writer.begin_static(name, ser.out)?;
                let result = value.serialize(ser.child(op)?);
                writer.end(ser.out);
                result.map_err(|e| e.inside(Place::Field(name.to_string())))
            }
            Compound::Map { .. } => self.entry(name, value),
        }
    }

    fn entry<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), CodecError> {
        let result = match self {
            Compound::Record { ser, writer } => {
                let op = writer.begin(name, ser.out)?;
                let result = value.serialize(ser.child(op)?);
                writer.end(ser.out);
                result
            }
            Compound::Map { ser, values, block } => {
                write_bytes(name.as_bytes(), ser.out);
                block.total += 1;
                let op = *values;
                value.serialize(ser.child(op)?)
            }
        };
        result.map_err(|e| e.inside(Place::Field(name.to_string())))
    }

    #[inline]
    fn finish(self) -> Result<(), CodecError> {
        match self {
            Compound::Record { ser, writer } => writer.finish(true, ser.out),
            Compound::Map { ser, block, .. } => {
                block.finish(ser.out);
                Ok(())
            }
        }
    }
}

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = CodecError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), CodecError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

/// The same for names that are values themselves.
pub(super) struct Entries<'a> {
    pub(super) fields: Compound<'a>,
    pub(super) key: String,
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CodecError> {
        self.key.clear();
        key.serialize(Text(&mut self.key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        self.fields.entry(&self.key, value)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), CodecError> {
        self.key.clear();
        key.serialize(Text(&mut self.key))?;
        self.fields.entry(&self.key, value)
    }

    fn end(self) -> Result<(), CodecError> {
        self.fields.finish()
    }
}
