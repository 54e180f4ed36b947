//! Any serde type to Avro data.
//!
//! Structs and maps are records (fields in any order, missing ones by their defaults), `Option`s
//! are unions with null, a newtype variant is the branch of its name, a unit variant is an enum's
//! symbol. A bare value in a union takes the first branch that it fits exactly, else one that it
//! widens to.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::bytes::{write_bytes, write_long};
use super::error::Step as Place;
use super::only::{Byte, Text};
use super::plan::{Encoder, Op, OpId, Plan, UnionOp};
use super::record::{Block, RecordWriter};
use super::to_json::too_deep;
use super::{CodecError, DEPTH_MAX};

impl Encoder {
    /// Appends `value` to `out`. After an error `out` is as it was.
    pub fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let start = out.len();
        let result = value.serialize(Ser { plan: &self.plan, op: self.plan.root(), out, depth: 0 });
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

struct Ser<'a> {
    plan: &'a Plan,
    op: OpId,
    out: &'a mut Vec<u8>,
    depth: usize,
}

impl<'a> Ser<'a> {
    fn kind(&self) -> &'a Op {
        self.plan.op(self.op)
    }

    fn mismatch<T>(&self, found: &str) -> Result<T, CodecError> {
        Err(CodecError::new(format!("{found} is not {}", describe(self.kind()))))
    }

    fn child(&mut self, op: OpId) -> Result<Ser<'_>, CodecError> {
        if self.depth >= DEPTH_MAX {
            return Err(too_deep());
        }
        Ok(Ser { plan: self.plan, op, out: self.out, depth: self.depth + 1 })
    }

    /// If this is a union, writes the index of the first branch that one of `wanted` accepts, the
    /// first of them first, and goes on as that branch.
    fn into_branch(mut self, wanted: &[fn(&Op) -> bool]) -> Ser<'a> {
        if let Op::Union(union) = self.kind()
            && let Some(index) = wanted
                .iter()
                .find_map(|fits| union.branches.iter().position(|(op, _)| fits(self.plan.op(*op))))
        {
            self.take_branch(union, index);
        }
        self
    }

    fn take_branch(&mut self, union: &UnionOp, index: usize) {
        write_long(index as i64, self.out);
        self.op = union.branches[index].0;
        self.depth += 1;
    }

    fn integer(self, value: i64) -> Result<(), CodecError> {
        let wanted: [fn(&Op) -> bool; 3] = [
            |op| matches!(op, Op::Int),
            |op| matches!(op, Op::Long),
            |op| matches!(op, Op::Float | Op::Double),
        ];
        let small = i32::try_from(value).is_ok();
        let ser = self.into_branch(&wanted[usize::from(!small)..]);
        match ser.kind() {
            Op::Int if small => write_long(value, ser.out),
            Op::Long => write_long(value, ser.out),
            Op::Float => ser.out.extend((value as f32).to_le_bytes()),
            Op::Double => ser.out.extend((value as f64).to_le_bytes()),
            _ => return ser.mismatch(&value.to_string()),
        }
        Ok(())
    }

    /// The branch of a union, or the record itself, that a Rust name means.
    fn into_named(mut self, name: &str) -> Result<Ser<'a>, CodecError> {
        let Op::Union(union) = self.kind() else { return Ok(self) };
        let named = union.branches.iter().position(|(_, branch)| {
            branch.as_ref().is_some_and(|b| &*b.name == name || b.simple_name() == name)
        });
        let lower = || {
            union.branches.iter().position(|(_, branch)| {
                branch.as_ref().is_some_and(|b| b.simple_name().eq_ignore_ascii_case(name))
            })
        };
        match named.or_else(lower) {
            Some(index) => {
                self.take_branch(union, index);
                Ok(self)
            }
            None => self.mismatch(name),
        }
    }

    fn fields(self, name: Option<&str>) -> Result<Compound<'a>, CodecError> {
        let record: fn(&Op) -> bool = |op| matches!(op, Op::Record(_));
        let map: fn(&Op) -> bool = |op| matches!(op, Op::Map(_));
        let by_name = match (self.kind(), name) {
            (Op::Union(union), Some(name)) => union
                .branches
                .iter()
                .any(|(_, b)| b.as_ref().is_some_and(|b| b.simple_name() == name)),
            _ => false,
        };
        let ser = match name {
            Some(name) if by_name => self.into_named(name)?,
            Some(_) => self.into_branch(&[record, map]),
            None => self.into_branch(&[map, record]),
        };
        if ser.depth >= DEPTH_MAX {
            return Err(too_deep());
        }
        let (plan, op) = (ser.plan, ser.op);
        match plan.op(op) {
            Op::Record(record) => {
                Ok(Compound::Record { writer: RecordWriter::new(record), key: String::new(), ser })
            }
            Op::Map(values) => {
                let block = Block::new(ser.out);
                Ok(Compound::Map { block, values: *values, key: String::new(), ser })
            }
            _ => ser.mismatch(name.unwrap_or("a map")),
        }
    }

    fn items(self) -> Result<Items<'a>, CodecError> {
        let array: fn(&Op) -> bool = |op| matches!(op, Op::Array { .. });
        let bytes: fn(&Op) -> bool = |op| matches!(op, Op::Bytes | Op::Fixed(_));
        let ser = self.into_branch(&[array, bytes]);
        if ser.depth >= DEPTH_MAX {
            return Err(too_deep());
        }
        match ser.kind() {
            Op::Array { items, .. } => Ok(Items {
                block: Block::new(ser.out),
                items: Some(*items),
                bytes: Vec::new(),
                ser,
            }),
            Op::Bytes | Op::Fixed(_) => {
                Ok(Items { block: Block::new(ser.out), items: None, bytes: Vec::new(), ser })
            }
            _ => ser.mismatch("a sequence"),
        }
    }
}

impl<'a> Serializer for Ser<'a> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Boolean)]);
        match ser.kind() {
            Op::Boolean => {
                ser.out.push(u8::from(value));
                Ok(())
            }
            _ => ser.mismatch("a bool"),
        }
    }

    fn serialize_i8(self, value: i8) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_i16(self, value: i16) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_i32(self, value: i32) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_i64(self, value: i64) -> Result<(), CodecError> {
        self.integer(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_u16(self, value: u16) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_u32(self, value: u32) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_u64(self, value: u64) -> Result<(), CodecError> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.mismatch(&value.to_string()),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Float), |op| matches!(op, Op::Double)]);
        match ser.kind() {
            Op::Float => ser.out.extend(value.to_le_bytes()),
            Op::Double => ser.out.extend(f64::from(value).to_le_bytes()),
            _ => return ser.mismatch("an f32"),
        }
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Double), |op| matches!(op, Op::Float)]);
        match ser.kind() {
            Op::Double => ser.out.extend(value.to_le_bytes()),
            Op::Float => ser.out.extend((value as f32).to_le_bytes()),
            _ => return ser.mismatch("an f64"),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), CodecError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), CodecError> {
        let ser = self.into_branch(&[
            |op| matches!(op, Op::String),
            |op| matches!(op, Op::Enum(_)),
            |op| matches!(op, Op::Bytes),
        ]);
        match ser.kind() {
            Op::String | Op::Bytes => write_bytes(value.as_bytes(), ser.out),
            Op::Enum(e) => match e.symbols.iter().position(|s| &**s == value) {
                Some(index) => write_long(index as i64, ser.out),
                None => return ser.mismatch(value),
            },
            _ => return ser.mismatch("a string"),
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), CodecError> {
        let ser =
            self.into_branch(&[|op| matches!(op, Op::Bytes), |op| matches!(op, Op::Fixed(_))]);
        match ser.kind() {
            Op::Bytes => write_bytes(value, ser.out),
            Op::Fixed(size) if *size == value.len() => ser.out.extend_from_slice(value),
            _ => return ser.mismatch(&format!("{} bytes", value.len())),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), CodecError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CodecError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Null)]);
        match ser.kind() {
            Op::Null => Ok(()),
            _ => ser.mismatch("null"),
        }
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), CodecError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), CodecError> {
        let is_enum: fn(&Op) -> bool = |op| matches!(op, Op::Enum(_));
        match self.into_branch(&[is_enum]) {
            ser if is_enum(ser.kind()) => ser.serialize_str(variant),
            ser => ser.into_named(variant)?.serialize_unit(),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        value.serialize(self.into_named(variant)?)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'a>, CodecError> {
        self.items()
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items<'a>, CodecError> {
        self.items()
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Items<'a>, CodecError> {
        self.items()
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a>, CodecError> {
        self.into_named(variant)?.items()
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'a>, CodecError> {
        self.fields(None)
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Compound<'a>, CodecError> {
        self.fields(Some(name))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'a>, CodecError> {
        self.into_named(variant)?.fields(Some(variant))
    }

    fn is_human_readable(&self) -> bool {
        true // times and uuids as text: Avro strings; a schema says bytes where it wants bytes
    }
}

/// The items of an array, or the bytes of bytes and fixed.
struct Items<'a> {
    ser: Ser<'a>,
    block: Block,
    items: Option<OpId>,
    bytes: Vec<u8>,
}

impl Items<'_> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        match self.items {
            Some(op) => value
                .serialize(self.ser.child(op)?)
                .map_err(|e| e.inside(Place::Index(self.block.total)))?,
            None => self.bytes.push(value.serialize(Byte)?),
        }
        self.block.total += 1;
        Ok(())
    }

    fn finish(self) -> Result<(), CodecError> {
        match self.items {
            Some(_) => self.block.finish(self.ser.out),
            None => self.ser.serialize_bytes(&self.bytes)?,
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
enum Compound<'a> {
    Record { ser: Ser<'a>, writer: RecordWriter<'a>, key: String },
    Map { ser: Ser<'a>, values: OpId, block: Block, key: String },
}

impl Compound<'_> {
    fn entry<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), CodecError> {
        let result = match self {
            Compound::Record { ser, writer, .. } => {
                let op = writer.begin(name, ser.out)?;
                let result = value.serialize(ser.child(op)?);
                writer.end(ser.out);
                result
            }
            Compound::Map { ser, values, block, .. } => {
                write_bytes(name.as_bytes(), ser.out);
                block.total += 1;
                let op = *values;
                value.serialize(ser.child(op)?)
            }
        };
        result.map_err(|e| e.inside(Place::Field(name.to_string())))
    }

    fn key(&mut self) -> &mut String {
        match self {
            Compound::Record { key, .. } | Compound::Map { key, .. } => key,
        }
    }

    fn finish(self) -> Result<(), CodecError> {
        match self {
            Compound::Record { ser, writer, .. } => writer.finish(true, ser.out),
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

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), CodecError> {
                self.entry(name, value)
            }

            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CodecError> {
        let key = key.serialize(Text)?;
        *self.key() = key;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        let key = std::mem::take(self.key());
        self.entry(&key, value)
    }

    fn end(self) -> Result<(), CodecError> {
        self.finish()
    }
}

fn describe(op: &Op) -> String {
    match op {
        Op::Null => "null".into(),
        Op::Boolean => "a boolean".into(),
        Op::Int => "an int".into(),
        Op::Long => "a long".into(),
        Op::Float => "a float".into(),
        Op::Double => "a double".into(),
        Op::Bytes => "bytes".into(),
        Op::String => "a string".into(),
        Op::Fixed(size) => format!("a fixed of {size} bytes"),
        Op::Enum(e) => format!("one of {}", e.symbols.join(", ")),
        Op::Array { .. } => "an array".into(),
        Op::Map(_) => "a map".into(),
        Op::Record(record) => format!("record {}", record.name),
        Op::Union(_) => "a branch of the union".into(),
        _ => "what the schema has".into(),
    }
}
